"""Encrypted values inside columns.

Purpose: how a JSON value becomes a (method, token) pair and back. Invariant: a
value that has a method cannot be read without its key. Neighbours:
``common.crypt`` holds the keys; ``templates``, ``resources`` and ``creds`` store.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from heat.db.columns import dump


class Cipher(Protocol):
    """What this room needs of ``heat.common.crypt.Crypt``."""

    def encrypt(self, text: str) -> tuple[str, str]: ...

    def decrypt(self, method: str, token: str) -> str: ...

    def tag(self, text: str) -> str: ...

    def tagged(self, text: str, tag: str) -> bool | None: ...


class NoKey(Exception):
    """An encrypted value was met, or had to be written, without a key at hand."""


def seal(crypt: Cipher | None, value: Any) -> tuple[str, str]:
    """(method, token) of a JSON value; NoKey without ``crypt``."""
    if crypt is None:
        raise NoKey('A secret cannot be stored without an encryption key.')
    return crypt.encrypt(dump(value))


def unseal(crypt: Cipher | None, method: str, token: str) -> Any:
    """The JSON value; NoKey without ``crypt``, InvalidEncryptionKey if no key fits."""
    if crypt is None:
        raise NoKey('An encrypted value cannot be read without an encryption key.')
    return json.loads(crypt.decrypt(method, token))
