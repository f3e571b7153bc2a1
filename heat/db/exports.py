"""Exports: values that stacks of one project offer each other by name, and who took them.

Purpose: reserve a name when a stack is asked for, publish its value when it stands,
note its importers. Invariant: a name is unique within a project; an export goes with
its stack, an import with its importer; values are encrypted, since an output may hold
a secret. Neighbours: intake reserves and notes, ``writer`` publishes, ``engine.foreign`` reads.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import bulk
from heat.db.schema import exports, stack, stack_import
from heat.db.secrets import Cipher, seal, unseal


@dataclass(frozen=True, slots=True)
class Export:
    """One published value and the stack that offers it."""

    name: str
    stack_id: str
    value: Any


def reserve(conn: Connection, stack_id: str, tenant: str, names: Iterable[str],
            now: datetime.datetime) -> dict[str, str]:
    """Make the names this stack's, without a value yet.

    Returns ``{name: stack id}`` of those that another stack has; if there are any, roll back.
    """
    wanted = sorted(set(names))
    if not wanted:
        return {}
    bulk.insert_missing(conn, exports, [
        {'tenant': tenant, 'name': name, 'stack_id': stack_id, 'created_at': now} for name in wanted])
    held: dict[str, str] = {}
    for chunk in bulk.chunks(wanted):
        held.update(conn.execute(sa.select(exports.c.name, exports.c.stack_id).where(
            exports.c.tenant == tenant, exports.c.name.in_(chunk))).tuples().all())
    return {name: owner for name, owner in held.items() if owner != stack_id}


def publish(conn: Connection, stack_id: str, values: Mapping[str, Any], crypt: Cipher | None,
            now: datetime.datetime) -> None:
    """Give this stack's reserved names their values; its other names become free."""
    conn.execute(sa.delete(exports).where(
        exports.c.stack_id == stack_id, exports.c.name.not_in(sorted(values))))
    for name, value in sorted(values.items()):
        method, text = seal(crypt, value)
        conn.execute(sa.update(exports).where(
            exports.c.stack_id == stack_id, exports.c.name == name).values(
                secret=text, decrypt_method=method, updated_at=now))


def release(conn: Connection, stack_ids: Collection[str]) -> None:
    """A deleted stack offers and takes nothing."""
    for chunk in bulk.chunks(sorted(stack_ids)):
        conn.execute(sa.delete(exports).where(exports.c.stack_id.in_(chunk)))
        conn.execute(sa.delete(stack_import).where(stack_import.c.stack_id.in_(chunk)))


def names_of(conn: Connection, stack_id: str) -> set[str]:
    """The names that are this stack's, published or reserved."""
    return set(conn.execute(sa.select(exports.c.name).where(exports.c.stack_id == stack_id)).scalars())


def published(conn: Connection, tenant: str, crypt: Cipher | None,
              names: Collection[str] | None = None, *, after: str = '',
              limit: int | None = None) -> list[Export]:
    """Exports with a value, by name; only those among ``names`` and beyond the name ``after``."""
    query = sa.select(exports).where(
        exports.c.tenant == tenant, exports.c.secret.is_not(None), exports.c.name > after)
    if names is not None:
        query = query.where(exports.c.name.in_(sorted(names)))
    rows = conn.execute(query.order_by(exports.c.name).limit(limit)).mappings()
    return [Export(row['name'], row['stack_id'], unseal(crypt, row['decrypt_method'], row['secret']))
            for row in rows]


def of_stack(conn: Connection, stack_id: str, crypt: Cipher | None) -> dict[str, Any]:
    """name -> published value of one stack."""
    rows = conn.execute(sa.select(exports).where(
        exports.c.stack_id == stack_id, exports.c.secret.is_not(None))).mappings()
    return {row['name']: unseal(crypt, row['decrypt_method'], row['secret']) for row in rows}


def add_imports(conn: Connection, stack_id: str, tenant: str, names: Iterable[str],
                now: datetime.datetime) -> None:
    """Note that a stack is built with these exports, beside those it was built with before."""
    bulk.insert_missing(conn, stack_import, [
        {'stack_id': stack_id, 'tenant': tenant, 'name': name, 'created_at': now}
        for name in sorted(set(names))])


def keep_imports(conn: Connection, stack_id: str, names: Collection[str]) -> None:
    """A stack that stands no longer needs any import but these."""
    conn.execute(sa.delete(stack_import).where(
        stack_import.c.stack_id == stack_id, stack_import.c.name.not_in(sorted(names))))


def importers(conn: Connection, tenant: str, names: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """name -> (name, id) of the live stacks that import it, for those of ``names`` that anybody does."""
    found: dict[str, list[tuple[str, str]]] = {}
    for chunk in bulk.chunks(sorted(names)):
        for name, importer, importer_id in conn.execute(
                sa.select(stack_import.c.name, stack.c.name, stack.c.id).join(
                    stack, stack.c.id == stack_import.c.stack_id).where(
                        stack_import.c.tenant == tenant, stack_import.c.name.in_(chunk),
                        stack.c.deleted_at.is_(None)).order_by(stack_import.c.name, stack.c.name)):
            found.setdefault(name, []).append((importer, importer_id))
    return found
