"""User credentials: what deferred work is done with.

Purpose: keep a trust, a user's name and password, or the access key of an EC2
credential (never its secret), for a stack. Invariant: password, trust id and
access key are encrypted; their clear text is in no log. Neighbours: intake
stores, ``clouds.session`` spends. Several stacks may share one.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db.schema import stack, user_creds
from heat.db.secrets import Cipher

_SECRET = ('password', 'trust_id', 'ec2_access')
_PLAIN = ('username', 'region_name', 'tenant', 'auth_url', 'tenant_id', 'trustor_user_id')


@dataclass(frozen=True, slots=True)
class Credential:
    """``trust_id`` or ``ec2_access`` with ``trustor_user_id``, or ``username`` and ``password``."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    region_name: str | None = None
    tenant: str | None = None
    auth_url: str | None = None
    tenant_id: str | None = None
    trust_id: str | None = field(default=None, repr=False)
    trustor_user_id: str | None = None
    ec2_access: str | None = field(default=None, repr=False)


def insert_credential(conn: Connection, value: Credential, crypt: Cipher, now: datetime.datetime) -> int:
    """Store, encrypted; returns the number that ``stack.user_creds_id`` holds."""
    columns: dict[str, Any] = {name: getattr(value, name) for name in _PLAIN}
    for name in _SECRET:
        secret = getattr(value, name)
        if secret is not None:
            columns['decrypt_method'], columns[name] = crypt.encrypt(secret)
    result = conn.execute(sa.insert(user_creds).values(**columns, created_at=now))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def load_credential(conn: Connection, number: int, crypt: Cipher) -> Credential | None:
    """The credential in clear; None if there is none, InvalidEncryptionKey if no key fits."""
    row = conn.execute(sa.select(user_creds).where(user_creds.c.id == number)).mappings().one_or_none()
    if row is None:
        return None
    secrets = {name: crypt.decrypt(row['decrypt_method'], row[name]) if row[name] is not None else None
               for name in _SECRET}
    return Credential(**{name: row[name] for name in _PLAIN}, **secrets)


def delete_unused_credential(conn: Connection, number: int) -> bool:
    """Delete unless a live stack still uses it, letting go of deleted ones; False if it stays."""
    used = conn.execute(sa.select(stack.c.id).where(
        stack.c.user_creds_id == number, stack.c.deleted_at.is_(None)).limit(1)).scalar()
    if used is not None:
        return False
    conn.execute(sa.update(stack).where(stack.c.user_creds_id == number).values(user_creds_id=None))
    return bool(conn.execute(sa.delete(user_creds).where(user_creds.c.id == number)).rowcount)
