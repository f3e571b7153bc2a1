"""Resolved properties, stored once per content and stack tree.

Purpose: rows and events refer to a property set by its hash. Invariant: a stored
set never changes, so a hash once written stays valid; only re-encryption and the
purge touch it. Neighbours: ``resources`` and ``events`` write through here.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Container, Iterable
from typing import Any

from sqlalchemy.engine import Connection

from heat.db import bulk
from heat.db.columns import content_hash, dump
from heat.db.schema import resource_properties_data as table
from heat.db.secrets import Cipher, seal, unseal

Key = tuple[str, str]


def key_of(root_id: str, props: dict[str, Any] | None) -> Key | None:
    """(root id, hash) under which ``props`` are stored; None for None."""
    if props is None:
        return None
    # Salted with the tree, so equal secrets of two trees don't show as equal.
    return root_id, content_hash(f'{root_id}\n{dump(props)}')


def store(conn: Connection, entries: Iterable[tuple[Key | None, dict[str, Any] | None]],
          now: datetime.datetime | None, crypt: Cipher | None = None, encrypt: bool = False,
          known: Container[Key] = ()) -> set[Key]:
    """Write the sets that are not there yet; returns the keys that were sent.

    ``known`` holds keys that a committed transaction wrote before: they are skipped.
    With ``encrypt`` the sets are encrypted by ``crypt``.
    """
    rows: dict[Key, dict[str, Any]] = {}
    for key, props in entries:
        if key is None or key in rows or key in known:
            continue
        method, text = seal(crypt, props) if encrypt else (None, dump(props))
        rows[key] = {'root_stack_id': key[0], 'hash': key[1], 'data': text, 'encrypted': encrypt,
                     'decrypt_method': method, 'created_at': now}
    # Sorted, so that two writers of one tree lock in one order.
    bulk.insert_missing(conn, table, [rows[key] for key in sorted(rows)])
    return set(rows)


def load(data: str | None, method: str | None, crypt: Cipher | None) -> dict[str, Any] | None:
    """The property set of the columns ``data`` and ``decrypt_method``."""
    if data is None:
        return None
    result: dict[str, Any] = unseal(crypt, method, data) if method else json.loads(data)
    return result
