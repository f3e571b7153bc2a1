"""CBOR (RFC 8949), as far as Smithy's RPC v2 goes: the values of JSON, byte strings and times.

Purpose: bodies of AWS's newest protocol. Invariant: reading costs in proportion to the bytes
that are there: depth and number of items are bounded, a length is believed no further than the
body reaches, and of all tags there is only 1, a time. Libraries bring some twenty tags with them
(shared references, big numbers, patterns) and no way to leave them out, hence these few lines.
Neighbours: ``api.cloudwatch.protocols`` reads and writes, ``api.aws`` writes errors.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Mapping
from typing import Any

DEPTH, ITEMS = 32, 500_000
INDEFINITE, BREAK, TIME = 31, 0xFF, 1
UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
SIMPLES = {20: False, 21: True, 22: None, 23: None}
FLOATS = {25: ('>e', 2), 26: ('>f', 4), 27: ('>d', 8)}
# How many bytes an argument has that does not fit into the first one.
WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}


def loads(body: bytes) -> Any:
    """The one value of ``body``; times are datetimes in UTC. ValueError for anything else."""
    reader = _Reader(body)
    value = reader.value(DEPTH)
    if reader.at != len(body):
        raise ValueError('something follows the CBOR value')
    return value


def dumps(value: Any) -> bytes:
    """``value`` of None, bool, int, float, str, bytes, datetime, list, tuple or mapping of texts."""
    out = bytearray()
    _write(out, value)
    return bytes(out)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0
        self._items = ITEMS

    def value(self, depth: int) -> Any:
        self._items -= 1
        if depth < 0 or self._items < 0:
            raise ValueError('the CBOR value is nested too deeply or has too many items')
        kind, info = self._head()
        if kind == UNSIGNED:
            return self._argument(info)
        if kind == NEGATIVE:
            return -1 - self._argument(info)
        if kind in (BYTES, TEXT):
            return self._string(kind, info)
        if kind == ARRAY:
            return [self.value(depth - 1) for _ in self._until_end(info)]
        if kind == MAP:
            return self._map(info, depth)
        if kind == TAG:
            return self._time(info, depth)
        if info in SIMPLES:
            return SIMPLES[info]
        if info in FLOATS:
            form, size = FLOATS[info]
            return struct.unpack(form, self._take(size))[0]
        raise ValueError('the CBOR value holds a simple value that means nothing here')

    def _head(self) -> tuple[int, int]:
        first = self._take(1)[0]
        return first >> 5, first & 31

    def _take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self._body):
            raise ValueError('the CBOR value is cut short')
        taken, self.at = self._body[self.at:end], end
        return taken

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info not in WIDTHS:
            raise ValueError('the CBOR value has an impossible first byte')
        return int.from_bytes(self._take(WIDTHS[info]), 'big')

    def _until_end(self, info: int) -> Any:
        """Something to count by: the items of an array or map of known or of open length."""
        if info != INDEFINITE:
            # A range of any length costs nothing; what is missing is noticed at the first item.
            yield from range(self._argument(info))
            return
        while self._take(1)[0] != BREAK:
            self.at -= 1
            yield

    def _string(self, kind: int, info: int) -> Any:
        if info != INDEFINITE:
            whole = self._take(self._argument(info))
        else:
            parts = []
            for _ in self._until_end(info):
                part, length = self._head()
                if part != kind or length == INDEFINITE:
                    raise ValueError('a part of a CBOR string is no string of its kind')
                parts.append(self._take(self._argument(length)))
            whole = b''.join(parts)
        return whole.decode('utf-8') if kind == TEXT else whole

    def _map(self, info: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in self._until_end(info):
            kind, length = self._head()
            if kind != TEXT:
                raise ValueError('a key of a CBOR map is no text')
            key = self._string(kind, length)
            if key in found:
                raise ValueError(f'the key {key[:50]!r} of a CBOR map is there twice')
            found[key] = self.value(depth - 1)
        return found

    def _time(self, info: int, depth: int) -> datetime.datetime:
        if self._argument(info) != TIME:
            raise ValueError('the only CBOR tag that is read is 1, a time')
        return moment(self.value(depth - 1))


def moment(seconds: Any) -> datetime.datetime:
    """The time ``seconds`` after the epoch; ValueError where that is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError('a time is a number of seconds')
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, OSError) as error:
        raise ValueError('a time is out of range') from error


def _write(out: bytearray, value: Any) -> None:
    if value is None or isinstance(value, bool):
        out.append({None: 0xF6, False: 0xF4, True: 0xF5}[value])
    elif isinstance(value, int):
        _begin(out, *((UNSIGNED, value) if value >= 0 else (NEGATIVE, -1 - value)))
    elif isinstance(value, float):
        out += struct.pack('>Bd', SIMPLE << 5 | 27, value)
    elif isinstance(value, str | bytes):
        text = value if isinstance(value, bytes) else value.encode('utf-8', 'replace')
        _begin(out, BYTES if isinstance(value, bytes) else TEXT, len(text))
        out += text
    elif isinstance(value, datetime.datetime):
        _begin(out, TAG, TIME)
        _write(out, value.timestamp())
    elif isinstance(value, list | tuple):
        _begin(out, ARRAY, len(value))
        for item in value:
            _write(out, item)
    elif isinstance(value, Mapping):
        _begin(out, MAP, len(value))
        for key, item in value.items():
            _write(out, str(key))
            _write(out, item)
    else:
        raise TypeError(f'CBOR has no form for a {type(value).__name__}')


def _begin(out: bytearray, kind: int, argument: int) -> None:
    if argument < 24:
        out.append(kind << 5 | argument)
        return
    for info, width in WIDTHS.items():
        if argument < 1 << 8 * width:
            out.append(kind << 5 | info)
            out += argument.to_bytes(width, 'big')
            return
    raise ValueError('CBOR has no form for a number of more than 64 bits')
