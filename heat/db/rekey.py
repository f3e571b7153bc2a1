"""Secrets under a new key, wherever they stand.

Purpose: after ``auth_encryption_key`` was changed, write every secret anew, so that
the key before can be thrown away. Invariant: a batch is one transaction that holds its
rows and may be repeated; nothing is written that could not be read. Neighbours:
heat-manage update_params; ``recrypt`` does hidden parameters and property sets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from heat.db import resources, snapshots, software
from heat.db.connect import write
from heat.db.schema import (
    exports,
    pending_signal,
    plan,
    resource,
    snapshot,
    software_config,
    software_deployment,
    stored_parameter,
    user_creds,
    watch_rule,
)
from heat.db.secrets import Cipher

Pair = tuple[str, str]
Again = Callable[[str, str], Pair]

# How secrets stand in columns: tokens whose method is in decrypt_method; [method, token]; the
# same under a key of a map.
_TOKENS: tuple[tuple[sa.Table, tuple[str, ...]], ...] = (
    (user_creds, ('password', 'trust_id', 'ec2_access')), (resource, ('data',)), (exports, ('secret',)),
    (stored_parameter, ('value',)), (plan, ('entries',)), (pending_signal, ('details',)),
    (watch_rule, ('rule',)))
_PAIRS: tuple[tuple[sa.Table, tuple[str, ...]], ...] = ((resource, ('attributes', 'memo', 'rsrc_metadata')),)
_MAPS: tuple[tuple[sa.Table, str, tuple[str, ...]], ...] = (
    (resource, resources.SEALED, ('keep',)),
    (snapshot, snapshots.SEALED, ('data',)), (software_config, software.SEALED, ('config',)),
    (software_deployment, software.SEALED, ('input_values', 'output_values')))


def rekey(engine: Engine, reader: Cipher, writer: Cipher, batch: int = 100) -> int:
    """Write every secret anew with ``writer``; returns how many writes to rows that took.

    What stands in clear stays so. InvalidEncryptionKey if ``reader`` cannot read one.
    """
    def again(method: str, token: str) -> Pair:
        return writer.encrypt(reader.decrypt(method, token))

    changed = 0
    for table, names in _TOKENS:
        changed += _each(engine, table, ('decrypt_method', *names), batch, _tokens(names, again))
    for table, names in _PAIRS:
        changed += _each(engine, table, names, batch, _lists(names, again))
    for table, key, names in _MAPS:
        changed += _each(engine, table, names, batch, _under(key, names, again))
    return changed


def _tokens(names: tuple[str, ...], again: Again) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def new(row: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in names:
            if row[name] is not None and row['decrypt_method']:
                values['decrypt_method'], values[name] = again(row['decrypt_method'], row[name])
        return values
    return new


def _lists(names: tuple[str, ...], again: Again) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    # A map is a row's from before attributes and metadata were encrypted.
    return lambda row: {name: list(again(*row[name])) for name in names
                        if isinstance(row[name], list) and row[name]}


def _under(key: str, names: tuple[str, ...], again: Again) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda row: {name: {**row[name], key: list(again(*row[name][key]))} for name in names
                        if isinstance(row[name], dict) and key in row[name]}


def _each(engine: Engine, table: sa.Table, names: tuple[str, ...], batch: int,
          new: Callable[[Mapping[str, Any]], dict[str, Any]]) -> int:
    changed, last = 0, None
    columns = [table.c[name] for name in ('id', *names)]
    while True:
        with write(engine) as conn:
            query = sa.select(*columns).order_by(table.c.id).limit(batch).with_for_update()
            rows = conn.execute(query if last is None else query.where(table.c.id > last)).mappings().all()
            if not rows:
                return changed
            for row in rows:
                values = new(dict(row))
                if values:
                    conn.execute(sa.update(table).where(table.c.id == row['id']).values(**values))
                    changed += 1
            last = rows[-1]['id']
