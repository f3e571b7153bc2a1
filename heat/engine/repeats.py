"""Requests said twice, and updates that say nothing new.

Purpose: a client's request token makes a repeated creation, update or rollback the
same one; an update may ask to be refused if it changes nothing. Invariant: the token
is stored with the wish, in its transaction. Neighbours: ``intake`` asks; the
CloudFormation front-end sends ``client_request_token`` and ``refuse_unchanged``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.db import stacks
from heat.engine.compiled import Compiled
from heat.model.stack import Stack
from heat.model.status import Action

_WISHES = (Action.CREATE, Action.UPDATE, Action.ROLLBACK)


def mark(action: Action, token: str | None) -> str | None:
    """What a stack's column ``client_request_token`` keeps of the last request that had one."""
    return f'{action}:{token}' if token else None


def repeated(conn: Connection, tenant: str, name: str, action: Action, token: str | None) -> Stack | None:
    """The stack whose ``action`` this very request was; RequestTokenUsed if it was another's."""
    if not token:
        return None
    for before in _WISHES:
        found = stacks.find_by_request_token(conn, tenant, f'{before}:{token}')
        if found is not None:
            if before is action and found.name == name:
                return found
            raise errors.RequestTokenUsed(token=token)
    return None


def unchanged(new: Compiled, old: Compiled) -> bool:
    """Whether both make the same stack: hidden values are compared, and shown nowhere."""
    return (new.template.raw == old.template.raw and _values(new) == _values(old)
            and new.files == old.files
            and new.environment.resource_registry == old.environment.resource_registry)


def _values(compiled: Compiled) -> dict[str, Any]:
    return {name: compiled.parameters.value(name) for name in compiled.parameters.names()
            if name in compiled.parameters}
