"""Column types: JSON in text, long text per dialect, and sentences.

Purpose: a column holds a JSON value as readable text on every server, as the
classic tables do. Invariant: what is read equals what was written, key order
included; NULL and None are the same. Neighbours: ``schema`` uses them.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from heat.common.text import fit, fit_bytes

# TEXT of MySQL ends at 64 kB, less than one template.
LongText = Text().with_variant(mysql.LONGTEXT(), 'mysql', 'mariadb')
# SQLite counts up an INTEGER only, which has 64 bits there.
BigNumber = BigInteger().with_variant(Integer(), 'sqlite')
_HALF = re.compile('[\ud800-\udfff]')


# Of MySQL's TEXT, in bytes.
TEXT_SIZE = 65535


def dump(value: Any) -> str:
    """JSON text, compact, keys in their own order; TypeError if it is not JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(',', ':'))
    # Half a character, as a cloud or a parameter's JSON may have it, can be kept as an escape only.
    return text if text.isascii() or not _HALF.search(text) else json.dumps(value, separators=(',', ':'))


def content_hash(text: str) -> str:
    """64 hexadecimal characters that name a content."""
    return hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()


class Json(TypeDecorator[Any]):
    """A JSON value kept as text; SQL NULL for None."""

    impl = LongText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dump(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Sentence(TypeDecorator[str]):
    """What is told to people: cut to what the column holds, and without halves of characters.

    Guests and clouds have a say in it, and a batch that is refused for it costs a stack its end.
    """

    impl = Text
    cache_ok = True

    def __init__(self, characters: int | None = None, *, long: bool = False) -> None:
        """A VARCHAR of ``characters``; without, a text of ``TEXT_SIZE`` bytes, or a ``long`` one."""
        super().__init__()
        self.characters = characters
        self.long = long

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        wide: TypeEngine[Any] = LongText if self.long else Text()
        return wide if self.characters is None else String(self.characters)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = str(value).encode('utf-8', 'replace').decode()
        if self.characters is not None:
            return fit(text, self.characters)
        return text if self.long else fit_bytes(text, TEXT_SIZE)
