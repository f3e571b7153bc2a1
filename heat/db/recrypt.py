"""Encrypting what is stored in clear, and the reverse: an operator's switch.

Purpose: bring hidden parameters and property sets in line with
``encrypt_parameters_and_properties``, or under a new key. Invariant: each batch
is one transaction and may be repeated; a value is never written unread.
Neighbours: heat-manage update_params; ``templates`` and ``properties`` own the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from heat.db import properties, templates
from heat.db.columns import content_hash, dump
from heat.db.connect import write
from heat.db.schema import raw_template
from heat.db.schema import resource_properties_data as props_table
from heat.db.secrets import Cipher, seal


def hidden_names(tree: Mapping[str, Any]) -> set[str]:
    """The parameters that a stored template declares hidden (HOT) or NoEcho (CFN)."""
    declared = tree.get('parameters') or tree.get('Parameters') or {}
    return {name for name, schema in declared.items() if isinstance(schema, dict)
            and str(schema.get('hidden', schema.get('NoEcho', ''))).lower() == 'true'}


def recrypt(engine: Engine, reader: Cipher, writer: Cipher | None, renew: bool = False,
            batch: int = 100) -> tuple[int, int]:
    """Encrypt everything with ``writer``, or decrypt everything if it is None.

    ``reader`` reads what is encrypted; with ``renew`` that too is written anew by
    ``writer``. Returns the numbers of environments and of property sets changed.
    InvalidEncryptionKey if ``reader`` cannot read one.
    """
    return (_environments(engine, reader, writer, renew, batch),
            _properties(engine, reader, writer, renew, batch))


def _environments(engine: Engine, reader: Cipher, writer: Cipher | None, renew: bool, batch: int) -> int:
    changed = last = 0
    while True:
        with write(engine) as conn:
            rows = conn.execute(
                sa.select(raw_template.c.id, raw_template.c.template, raw_template.c.environment)
                .where(raw_template.c.id > last).order_by(raw_template.c.id).limit(batch)).all()
            if not rows:
                return changed
            for number, tree, environment in rows:
                changed += _environment(conn, number, tree, environment or {}, reader, writer, renew)
            last = rows[-1][0]


def _environment(conn: Connection, number: int, tree: dict[str, Any], environment: dict[str, Any],
                 reader: Cipher, writer: Cipher | None, renew: bool) -> bool:
    sealed = set(environment.get(templates.SEALED, ()))
    given = {name for part in templates.PARTS for name in environment.get(part) or {}}
    plain_tree = templates.unseal_tree(tree, reader)
    wanted = (hidden_names(plain_tree) | sealed) & given if writer else set()
    borrowed, private = templates.BORROWED in environment, templates.TREE in tree
    if (wanted == sealed and not (renew and (sealed or borrowed or private))
            and not ((borrowed or private) and writer is None)):
        return False
    if private:
        tree = templates.seal_tree(plain_tree, writer) if writer else plain_tree
    plain = templates.unseal_environment(environment, reader)
    new = templates.seal_environment(plain, wanted, writer)
    # An environment in another form must not be found as an equal by its old hash.
    conn.execute(sa.update(raw_template).where(raw_template.c.id == number).values(
        template=tree, environment=new, content_hash=content_hash(f'{number} rewritten')))
    return True


def _properties(engine: Engine, reader: Cipher, writer: Cipher | None, renew: bool, batch: int) -> int:
    changed = 0
    last = ('', '')
    root, digest = props_table.c.root_stack_id, props_table.c.hash
    while True:
        with write(engine) as conn:
            rows = conn.execute(sa.select(props_table).where(sa.or_(
                root > last[0], sa.and_(root == last[0], digest > last[1]))).order_by(
                    root, digest).limit(batch)).mappings().all()
            if not rows:
                return changed
            for row in rows:
                if row['encrypted'] == (writer is not None) and not (renew and writer):
                    continue
                props = properties.load(row['data'], row['decrypt_method'], reader)
                method, text = seal(writer, props) if writer else (None, dump(props))
                conn.execute(sa.update(props_table).where(
                    root == row['root_stack_id'], digest == row['hash']).values(
                        data=text, decrypt_method=method, encrypted=writer is not None))
                changed += 1
            last = (rows[-1]['root_stack_id'], rows[-1]['hash'])
