"""Encryption at rest: credentials, hidden parameters, properties.

Purpose: text in, (method, token) out, so that a row says how it was written.
Invariant: the first key encrypts and every key decrypts, so a key can be changed
while rows written under the old one still exist. Neighbours: ``db`` stores the
pair; ``config.encryption_keys`` gives the keys. A method from another release
joins through ``readers``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from heat.common import errors

METHOD = 'fernet_v1'
Reader = Callable[[Sequence[str], str], str]


def _fernet(key: str) -> Fernet:
    # Fernet wants 32 bytes in base64 and operators have text of any length.
    digest = hashlib.sha256(b'heat/at-rest/' + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def _name_of(key: str) -> str:
    return hmac.new(b'heat/name-of-key/' + key.encode(), b'', hashlib.sha256).hexdigest()[:8]


def _tag(key: str, text: str) -> str:
    mark = hmac.new(b'heat/tag/' + key.encode(), text.encode('utf-8', 'surrogatepass'), hashlib.sha256)
    return f'{_name_of(key)}:{mark.hexdigest()}'


class Crypt:
    """Encrypts under ``keys[0]``; decrypts under any of ``keys``.

    ``readers`` maps further method names to functions (keys, token) -> text which
    raise ValueError when no key fits.
    """

    def __init__(self, keys: Sequence[str], readers: Mapping[str, Reader] | None = None) -> None:
        if not keys or not all(keys):
            raise ValueError('auth_encryption_key must not be empty.')
        self._keys = tuple(keys)
        self._fernet = MultiFernet([_fernet(key) for key in keys])
        self._readers = dict(readers or {})

    def encrypt(self, text: str) -> tuple[str, str]:
        """(method, token); two calls with one text give two tokens."""
        return METHOD, self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, method: str, token: str) -> str:
        """The text; InvalidEncryptionKey if no key fits, or the method is unknown."""
        try:
            if method == METHOD:
                return self._fernet.decrypt(token.encode()).decode()
            if method in self._readers:
                return self._readers[method](self._keys, token)
        except (InvalidToken, ValueError):
            raise errors.InvalidEncryptionKey() from None
        raise errors.InvalidEncryptionKey()

    def derived(self, purpose: str) -> str:
        """A secret that follows from the first key: always the same for one purpose."""
        key = b'heat/derived/' + self._keys[0].encode()
        return hmac.new(key, purpose.encode(), hashlib.sha256).hexdigest()

    def tag(self, text: str) -> str:
        """A mark of ``text`` under the first key: the same is known again by it, and nothing guessed."""
        return _tag(self._keys[0], text)

    def tagged(self, text: str, tag: str) -> bool | None:
        """Whether ``tag`` marks ``text``; None if it was made with a key that is not there any more."""
        return next((hmac.compare_digest(_tag(key, text), tag) for key in self._keys
                     if tag.partition(':')[0] == _name_of(key)), None)

    def renew(self, method: str, token: str) -> tuple[str, str]:
        """The same text under the first key; errors as ``decrypt``."""
        return self.encrypt(self.decrypt(method, token))
