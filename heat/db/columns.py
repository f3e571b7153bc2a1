"""Column types: JSON in text, and long text per dialect.

Purpose: a column holds a JSON value as readable text on every server, as the
classic tables do. Invariant: what is read equals what was written, key order
included; NULL and None are the same. Neighbours: ``schema`` uses them.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

# TEXT of MySQL ends at 64 kB, less than one template.
LongText = Text().with_variant(mysql.LONGTEXT(), 'mysql', 'mariadb')
# SQLite counts up an INTEGER only, which has 64 bits there.
BigNumber = BigInteger().with_variant(Integer(), 'sqlite')
_HALF = re.compile('[\ud800-\udfff]')


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
