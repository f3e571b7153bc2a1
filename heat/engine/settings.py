"""What holds for a stack whatever its template: its policy, and what its user has acknowledged.

Purpose: the column ``stack.settings`` and the arguments of requests that change it. Invariant:
a policy is read before it is kept, so what is stored can be asked; it is changed with the row
of its stack held. Neighbours: ``intake`` keeps them with a wish, ``offers`` by themselves;
``template.stack_policy`` has the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.db import stacks
from heat.template.stack_policy import Faulty, StackPolicy

Args = Mapping[str, Any]
# Setting -> argument of a request that brings it.
BROUGHT = {'policy': 'stack_policy', 'capabilities': 'capabilities'}
DURING = 'stack_policy_during_update'
# The option of a goal that names the types which policy keeps from who asked for it: what nested
# stacks are made of may be known at their step only, or when somebody signals.
DENIED = 'denied'
# The setting of a stack whose request came by a trust: it acts by that, which is not its own.
LENT = 'lent_trust'


def brought(args: Args) -> dict[str, Any]:
    """The settings that a request brings; StackValidationFailed for a faulty policy."""
    for key in (BROUGHT['policy'], DURING):
        if args.get(key) is not None:
            check(args[key])
    return {name: args[key] for name, key in BROUGHT.items() if args.get(key) is not None}


def check(policy: Any) -> None:
    """StackValidationFailed unless ``policy`` is the text of a stack policy."""
    try:
        if not isinstance(policy, str):
            raise Faulty('it must be a text.')
        StackPolicy.of(policy)
    except Faulty as error:
        raise errors.StackValidationFailed(message=f'Error validating stack policy: {error}') from error


def options(args: Args, kept: Args | None = None) -> dict[str, Any]:
    """The options of a goal that follow from a request and from the settings that there are."""
    policy = args.get(DURING) or (kept or {}).get('policy')
    return {**({'policy': policy} if policy else {}),
            **({'except_on_create': True} if args.get('retain_except_on_create') else {})}


def after_failure(args: Args) -> str | None:
    """What follows a creation that fails: ``Goal.on_failure``."""
    if args.get('on_failure') == 'DELETE':
        return 'delete'
    return None if args.get('disable_rollback', True) else 'rollback'


def of(conn: Connection, stack_id: str) -> dict[str, Any]:
    """The settings of a stack."""
    return dict((stacks.extra_columns(conn, stack_id) or {}).get('settings') or {})


def change(conn: Connection, stack_id: str, changes: Args) -> None:
    """Keep ``changes`` beside the other settings; the stack's row is held until the transaction ends."""
    if changes:
        stacks.lock_stack(conn, stack_id)
        stacks.update_stack(conn, stack_id, settings={**of(conn, stack_id), **changes})
