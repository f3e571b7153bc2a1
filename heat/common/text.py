"""Text: fit it into columns, keep secrets out of it, write JSON one way only.

Purpose: truncation, masking, canonical JSON and content hashes. Invariant: equal
values give equal ``canonical`` text on every machine, since hashes of it are
stored. Neighbours: ``logs`` masks every line; ``db`` truncates and hashes.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

MASK = '***'
_ELLIPSIS = '...'
_HALF_ESCAPED = re.compile(r'\\u[dD][89a-fA-F]')

_SECRET_NAME = (r'[\w.-]*(?:pass(?:word|wd)?|secret(?:_?key)?|(?:auth|subject|storage)[_-]token|token|'
                r'api[_-]?key|auth[_-]key|private[_-]?key|encryption[_-]key|credential|signature)s?')
# key: value in the spellings of JSON, Python's repr, query strings, headers and options.
_PAIRS = re.compile(
    r'''(?ix)(?P<open>(?P<quote>\\?["']) ''' + _SECRET_NAME + r''' (?P=quote) \s*[:=]\s* [ubr]? )
        (?: (?P<vq>\\?["']) (?P<quoted>(?:(?!(?P=vq)).)*) (?P=vq) | (?P<plain>[^\s,}\]"']+) )''')
_BARE = re.compile(
    r'''(?ix)(?P<open>(?<![\w.-]) ''' + _SECRET_NAME + r''' \s*[:=]\s* )
        (?: (?P<vq>["']) (?:(?!(?P=vq)).)* (?P=vq) | (?!\s) [^\s,;&}\])"']+ )''')
_X_HEADER = re.compile(
    r'''(?ix)(X-(?:Auth|Subject|Service|Storage|User)-(?:Token|Key|Password|Secret)["']?\s*[:=]\s*["']?)'''
    r'''[^\s"',;]+''')
_AUTHORIZATION = re.compile(r'''(?i)(Authorization["']?\s*[:=]\s*["']?(?:\w[\w-]*\s+)?)[^\s"']+''')
# The second form: further brokers in one transport URL. The bound keeps the work linear.
_URL_PASSWORD = re.compile(r'(?P<head>(?:://|,)[^\s:/@,]*:)[^\s/@]{1,256}(?=@)')
_FERNET = re.compile(r'\bgAAAA[A-Za-z0-9_=-]{20,}')


def mask(text: str) -> str:
    """``text`` with values of tokens, passwords, keys and signatures replaced by ``***``."""
    text = _FERNET.sub(MASK, text)
    text = _URL_PASSWORD.sub(lambda m: m['head'] + MASK, text)
    text = _X_HEADER.sub(lambda m: m[1] + MASK, text)
    text = _AUTHORIZATION.sub(lambda m: m[1] + MASK, text)
    text = _PAIRS.sub(lambda m: f"{m['open']}{m['vq'] or ''}{MASK}{m['vq'] or ''}", text)
    return _BARE.sub(lambda m: f"{m['open']}{m['vq'] or ''}{MASK}{m['vq'] or ''}", text)


def read_json(text: str) -> Any:
    """What the JSON ``text`` holds; ValueError also for what could not be written again."""
    try:
        found = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError('it is nested too deeply') from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        # Python's own words end in advice for programmers.
        raise ValueError(str(error) if 'digits' not in str(error) else 'it has a number of too many digits'
                         ) from None
    half = half_of(found) if _HALF_ESCAPED.search(text) else None
    if half:
        raise ValueError(f'the escape {half} is half a character')
    return found


def half_of(value: Any) -> str | None:
    """The escape of the first half of a character in ``value``, plain data; None if all are whole."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return f'\\u{ord(str(error.object)[error.start]):04x}'
    return None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f'the number {number} cannot be expressed in JSON')
    return number


def flaw(text: str, most: int = 255) -> str | None:
    """What keeps ``text`` out of a column of ``most`` characters: the end of a sentence, or None."""
    if len(text) > most:
        return f'should be no more than {most} characters'
    # Not every database can keep it.
    return 'may not contain the character U+0000' if '\0' in text else None


def fit(text: str, characters: int) -> str:
    """At most ``characters`` characters; a shortened text ends in ``...``."""
    if len(text) <= characters:
        return text
    if characters <= len(_ELLIPSIS):
        return text[:characters]
    return text[:characters - len(_ELLIPSIS)] + _ELLIPSIS


def fit_bytes(text: str, size: int) -> str:
    """At most ``size`` bytes of UTF-8, cut between characters; a shortened text ends in ``...``."""
    raw = text.encode('utf-8', 'replace')
    if len(raw) <= size:
        return text
    tail = _ELLIPSIS if size > len(_ELLIPSIS) else ''
    return raw[:size - len(tail)].decode('utf-8', 'ignore') + tail


# So many resources of a template are hashed at once.
PORTION = 50
# Kept, since to make an encoder costs more than to use it.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(',', ':'), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces; TypeError or ValueError if ``value`` is not plain JSON."""
    return _CANONICAL.encode(value)


def content_hash(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal characters.

    Written in portions, since the encoder lets no other thread run until it is done.
    """
    digest = hashlib.sha256()
    _digest(digest, value, 2)
    return digest.hexdigest()


def _digest(digest: Any, value: Any, levels: int) -> None:
    if not (isinstance(value, dict) and value and all(isinstance(key, str) for key in value)) or not levels:
        digest.update(canonical(value).encode('utf-8', 'surrogatepass'))
        return
    opening = '{'
    keys = sorted(value)
    if levels > 1:
        for key in keys:
            digest.update(f'{opening}{canonical(key)}:'.encode('utf-8', 'surrogatepass'))
            _digest(digest, value[key], levels - 1)
            opening = ','
    else:
        for start in range(0, len(keys), PORTION):
            portion = canonical({key: value[key] for key in keys[start:start + PORTION]})
            digest.update(f'{opening}{portion[1:-1]}'.encode('utf-8', 'surrogatepass'))
            opening = ','
    digest.update(b'}')


def dot_word(text: str) -> str:
    """``text`` as one word of graphviz's language."""
    word = text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n')
    return f'"{word}"'
