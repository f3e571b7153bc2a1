"""Templates, their environments and files.

Purpose: one row per (template, environment, files) of a project, found again by
content. Invariant: a stored template never changes; hidden parameters stand in
it encrypted when names are given. Neighbours: ``stacks`` and ``goals`` refer to
it by number; ``purge`` removes what nobody refers to.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import bulk
from heat.db.columns import content_hash, dump
from heat.db.schema import goal, plan, raw_template, raw_template_files, stack
from heat.db.secrets import Cipher, seal, unseal

# Names of the encrypted parameters, inside the stored environment.
SEALED = 'encrypted_param_names'
PARTS = ('parameters', 'parameter_defaults')
# What most reads of one stack ask for; to put it together takes longer than to have it answered.
_WHOLE = (sa.select(raw_template.c.template, raw_template.c.environment, raw_template_files.c.files)
          .select_from(raw_template.outerjoin(raw_template_files))
          .where(raw_template.c.id == sa.bindparam('number')))
# What the stack took from other stacks and stores: encrypted whole, since an export may be secret.
BORROWED = 'borrowed'
# What an encrypted tree stands under, as [method, token].
TREE = 'sealed'


def seal_environment(environment: Mapping[str, Any], names: Collection[str],
                     crypt: Cipher | None) -> dict[str, Any]:
    """``environment`` with the values of ``names`` as [method, token]; they are listed in it."""
    sealed = dict(environment)
    found = set()
    for part in PARTS:
        values = sealed.get(part) or {}
        secret = [name for name in values if name in names]
        if secret:
            sealed[part] = {**values, **{name: list(seal(crypt, values[name])) for name in secret}}
            found.update(secret)
    if found:
        sealed[SEALED] = sorted(found)
    if crypt is not None and isinstance(sealed.get(BORROWED), Mapping):
        sealed[BORROWED] = list(seal(crypt, sealed[BORROWED]))
    return sealed


def unseal_environment(environment: Mapping[str, Any], crypt: Cipher | None) -> dict[str, Any]:
    """The reverse of ``seal_environment``; errors as ``secrets.unseal``."""
    plain = dict(environment)
    names = plain.pop(SEALED, ())
    for part in PARTS:
        values = plain.get(part) or {}
        sealed = [name for name in names if name in values]
        if sealed:
            plain[part] = {**values, **{name: unseal(crypt, *values[name]) for name in sealed}}
    if isinstance(plain.get(BORROWED), list):
        plain[BORROWED] = unseal(crypt, *plain[BORROWED])
    return plain


def seal_tree(tree: Mapping[str, Any], crypt: Cipher | None) -> dict[str, Any]:
    return {TREE: list(seal(crypt, tree))}


def unseal_tree(tree: Mapping[str, Any], crypt: Cipher | None) -> dict[str, Any]:
    """The reverse of ``seal_tree``, and of nothing; errors as ``secrets.unseal``."""
    return unseal(crypt, *tree[TREE]) if TREE in tree else dict(tree)


def store_template(conn: Connection, tree: Mapping[str, Any], environment: Mapping[str, Any] | None,
                   files: Mapping[str, str] | None, tenant: str, now: datetime.datetime,
                   crypt: Cipher | None = None, secret_names: Collection[str] = (),
                   known: dict[Any, int] | None = None, private: bool = False) -> int:
    """Store and return the number; an equal one of the same project is used again.

    ``secret_names`` are the parameters to encrypt; a ``private`` tree, which was made of a
    resource's properties, is encrypted as these are. What is encrypted is
    never shared, since equal secrets look different. ``known`` is what this transaction
    has stored already; it is added to.
    """
    env = seal_environment(environment or {}, secret_names, crypt)
    known = {} if known is None else known
    files_id = None
    if files:
        # The nested stacks of a tree nearly always have the very same files.
        files_id = known.get((tenant, id(files)))
        if files_id is None:
            files_id = known[tenant, id(files)] = _store_files(conn, files, tenant, now)
    if private and crypt is not None:
        tree = seal_tree(tree, crypt)
    digest = content_hash(dump([tree, env, files_id]))
    if SEALED in env or TREE in tree:
        return _store_tree(conn, tree, env, files_id, digest, tenant, now)
    if (tenant, digest) not in known:
        known[tenant, digest] = _store_tree(conn, tree, env, files_id, digest, tenant, now)
    return known[tenant, digest]


def _store_tree(conn: Connection, tree: Mapping[str, Any], env: Mapping[str, Any], files_id: int | None,
                digest: str, tenant: str, now: datetime.datetime) -> int:
    found = None
    if SEALED not in env and TREE not in tree:
        # The update is a lock: a purge that waits for it then sees the new time.
        same = (raw_template.c.content_hash == digest, raw_template.c.tenant == tenant)
        conn.execute(sa.update(raw_template).where(*same).values(updated_at=now))
        found = conn.execute(sa.select(raw_template.c.id).where(*same).order_by(
            raw_template.c.id).limit(1)).scalar()
    if found is not None:
        return int(found)
    result = conn.execute(sa.insert(raw_template).values(
        tenant=tenant, template=dict(tree), environment=env, files_id=files_id, content_hash=digest,
        created_at=now, updated_at=now))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def _store_files(conn: Connection, files: Mapping[str, str], tenant: str, now: datetime.datetime) -> int:
    digest = content_hash(dump(dict(sorted(files.items()))))
    same = (raw_template_files.c.tenant == tenant, raw_template_files.c.hash == digest)
    if not conn.execute(sa.update(raw_template_files).where(*same).values(updated_at=now)).rowcount:
        bulk.insert_missing(conn, raw_template_files, [{
            'tenant': tenant, 'hash': digest, 'files': dict(files), 'created_at': now, 'updated_at': now}])
    return int(conn.execute(sa.select(raw_template_files.c.id).where(*same)).scalar_one())


def load_template(conn: Connection, template_id: int, crypt: Cipher | None = None,
                  ) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]] | None:
    """(tree, environment, files), hidden parameters in clear; None if there is none."""
    row = conn.execute(_WHOLE, {'number': template_id}).one_or_none()
    if row is None:
        return None
    return opened(*row, crypt)


def opened(tree: Any, environment: Any, files: Any, crypt: Cipher | None,
           ) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """The columns of a template as they are meant, hidden parameters in clear."""
    return unseal_tree(tree or {}, crypt), unseal_environment(environment or {}, crypt), files or {}


def event_sinks(conn: Connection, template_id: int) -> list[dict[str, Any]]:
    """Whom the environment of a stored template has events told to."""
    found = conn.execute(sa.select(raw_template.c.environment).where(
        raw_template.c.id == template_id)).scalar()
    return list((found or {}).get('event_sinks') or ())


def template_hash(conn: Connection, template_id: int) -> str | None:
    """The content hash of a stored template."""
    return conn.execute(sa.select(raw_template.c.content_hash).where(
        raw_template.c.id == template_id)).scalar()


def delete_unused(conn: Connection, before: datetime.datetime, limit: int = 1000) -> int:
    """Delete templates and files nobody refers to, last used before ``before``.

    ``before`` must lie further back than any transaction lasts. Returns the templates deleted.
    """
    used = sa.or_(
        sa.exists().where(stack.c.raw_template_id == raw_template.c.id),
        sa.exists().where(stack.c.prev_raw_template_id == raw_template.c.id),
        sa.exists().where(goal.c.template_id == raw_template.c.id),
        sa.exists().where(plan.c.template_id == raw_template.c.id))
    old = conn.execute(sa.select(raw_template.c.id).where(
        raw_template.c.updated_at < before, ~used).limit(limit)).scalars().all()
    deleted = 0
    for chunk in bulk.chunks(old):
        deleted += conn.execute(sa.delete(raw_template).where(
            raw_template.c.id.in_(chunk), raw_template.c.updated_at < before)).rowcount
    loose = conn.execute(sa.select(raw_template_files.c.id).where(
        raw_template_files.c.updated_at < before,
        ~sa.exists().where(raw_template.c.files_id == raw_template_files.c.id)).limit(limit)).scalars().all()
    for chunk in bulk.chunks(loose):
        conn.execute(sa.delete(raw_template_files).where(
            raw_template_files.c.id.in_(chunk), raw_template_files.c.updated_at < before))
    return deleted
