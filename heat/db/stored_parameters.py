"""The parameter store: values that a project keeps under a name for its templates.

Purpose: put, get, list and delete, with the newest hundred versions kept. Invariant: a value is
encrypted whatever its kind; a project sees its own only. Neighbours: ``engine.foreign``
resolves what templates name, the AWS front-end and heat-manage let people fill it.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db.schema import stored_parameter
from heat.db.secrets import Cipher, seal, unseal

KINDS = ('String', 'StringList', 'SecureString')
VERSIONS = 100


@dataclass(frozen=True, slots=True)
class StoredParameter:
    """One version of a parameter; ``value`` is the text, for a list with commas."""

    name: str
    version: int
    kind: str
    value: str
    description: str = ''
    created_at: Any = None


def put(conn: Connection, tenant: str, name: str, value: str, kind: str, description: str,
        crypt: Cipher | None, now: datetime.datetime) -> int:
    """Add a version; returns its number. IntegrityError if two come at the same moment."""
    last = conn.execute(sa.select(sa.func.max(stored_parameter.c.version)).where(
        stored_parameter.c.tenant == tenant, stored_parameter.c.name == name)).scalar()
    method, text = seal(crypt, value)
    version = int(last or 0) + 1
    conn.execute(sa.insert(stored_parameter).values(
        tenant=tenant, name=name, version=version, kind=kind, value=text, decrypt_method=method,
        description=description, created_at=now))
    conn.execute(sa.delete(stored_parameter).where(
        stored_parameter.c.tenant == tenant, stored_parameter.c.name == name,
        stored_parameter.c.version <= version - VERSIONS))
    return version


def get(conn: Connection, tenant: str, name: str, version: int | None,
        crypt: Cipher | None) -> StoredParameter | None:
    """That version, or the newest for None; None if there is none."""
    query = sa.select(stored_parameter).where(
        stored_parameter.c.tenant == tenant, stored_parameter.c.name == name)
    if version is not None:
        query = query.where(stored_parameter.c.version == version)
    row = conn.execute(query.order_by(stored_parameter.c.version.desc()).limit(1)).mappings().first()
    return None if row is None else _value(row, crypt)


def newest(conn: Connection, tenant: str, crypt: Cipher | None, *, after: str = '',
           limit: int | None = None, prefix: str = '') -> list[StoredParameter]:
    """The newest version of each parameter beyond the name ``after`` that begins with ``prefix``, by name."""
    last = sa.select(stored_parameter.c.name, sa.func.max(stored_parameter.c.version).label('version')).where(
        stored_parameter.c.tenant == tenant, stored_parameter.c.name > after,
        stored_parameter.c.name.startswith(prefix, autoescape=True)).group_by(
            stored_parameter.c.name).order_by(stored_parameter.c.name).limit(limit).subquery()
    rows = conn.execute(sa.select(stored_parameter).join(last, sa.and_(
        stored_parameter.c.name == last.c.name, stored_parameter.c.version == last.c.version)).where(
            stored_parameter.c.tenant == tenant).order_by(stored_parameter.c.name)).mappings()
    return [_value(row, crypt) for row in rows]


def count(conn: Connection, tenant: str) -> int:
    """How many parameters a project has, whatever their versions."""
    return int(conn.execute(sa.select(sa.func.count(sa.distinct(stored_parameter.c.name))).where(
        stored_parameter.c.tenant == tenant)).scalar_one())


def delete(conn: Connection, tenant: str, names: Collection[str]) -> int:
    """Remove every version; returns how many rows went."""
    return int(conn.execute(sa.delete(stored_parameter).where(
        stored_parameter.c.tenant == tenant, stored_parameter.c.name.in_(sorted(names)))).rowcount)


def _value(row: Any, crypt: Cipher | None) -> StoredParameter:
    return StoredParameter(row['name'], row['version'], row['kind'],
                           unseal(crypt, row['decrypt_method'], row['value']), row['description'] or '',
                           row['created_at'])
