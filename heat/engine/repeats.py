"""Requests said twice, and updates that say nothing new.

Purpose: a client's request token makes a repeated creation, update or rollback the
same one, if it asks for the same; an update may ask to be refused if it changes nothing.
Invariant: the token is stored with the wish, in its transaction, and beside it a keyed
tag of what was asked for, from which nobody guesses it. Neighbours: ``intake``, ``plans``
and ``offers`` ask; the front-ends send ``client_request_token`` and ``refuse_unchanged``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.text import content_hash
from heat.db import stacks
from heat.db.secrets import Cipher
from heat.engine import settings
from heat.engine.compiled import Compiled, at_leisure
from heat.model.stack import Goal, Stack
from heat.model.status import Action

_WISHES = (Action.CREATE, Action.UPDATE, Action.ROLLBACK)
TOKEN = 'client_request_token'
# What a client has asked for, in short, where a front-end makes something else of it each time.
CONTENT = 'request_content'
# The setting of a stack: mark of a request -> tag of what that asked for.
ASKED = 'asked'


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be said again; ``content`` is a digest of what it asks for."""

    action: Action
    token: str
    content: str

    @property
    def mark(self) -> str:
        """What a stack's column ``client_request_token`` keeps of the last request that had one."""
        return f'{self.action}:{self.token}'


def request(action: Action, args: Mapping[str, Any], template: Any = None, **more: Any) -> Request | None:
    """The request with these arguments and this content; None if it has no token."""
    if not args.get(TOKEN):
        return None
    if args.get(CONTENT):
        more = {'content': args[CONTENT]}
    else:
        more['args'] = {name: value for name, value in args.items() if name != TOKEN}
    return Request(action, str(args[TOKEN]), digest(template, more))


def digest(template: Any, more: Mapping[str, Any]) -> str:
    """What is asked for, in short; empty for what is no JSON, which nobody takes for a request."""
    try:
        return at_leisure(template if isinstance(template, Mapping) else {}, lambda: content_hash(
            {**more, 'template': content_hash(template)}))
    except (ValueError, RecursionError, TypeError):
        return ''


def repeated(conn: Connection, tenant: str, name: str, asked: Request | None, crypt: Cipher) -> Stack | None:
    """The stack for which this very request was made before; RequestTokenUsed if it was another."""
    if asked is None:
        return None
    for before in _WISHES:
        found = stacks.find_by_request_token(conn, tenant, f'{before}:{asked.token}')
        if found is not None:
            if before is asked.action and found.name == name and _same(conn, found, asked, crypt):
                return found
            raise errors.RequestTokenUsed(token=asked.token)
    return None


def _same(conn: Connection, stack: Stack, asked: Request, crypt: Cipher) -> bool:
    """Whether it asks for what the request of that token did, as far as is known by now."""
    tag = (settings.of(conn, stack.id).get(ASKED) or {}).get(asked.mark)
    return tag is None or crypt.tagged(asked.content, tag) is not False


def kept(asked: Request | None, crypt: Cipher) -> Callable[[Connection, Goal], None]:
    """What a wish has to do in its transaction; ConcurrentTransaction if it came twice at once."""
    def keep(conn: Connection, goal: Goal) -> None:
        if asked is None:
            return
        stacks.lock_stack(conn, goal.stack_id)
        if (stacks.extra_columns(conn, goal.stack_id) or {}).get(TOKEN) == asked.mark:
            raise errors.ConcurrentTransaction(action=f'{asked.action} with request token {asked.token}')
        settings.change(conn, goal.stack_id, {ASKED: {asked.mark: crypt.tag(asked.content)}})
        stacks.update_stack(conn, goal.stack_id, client_request_token=asked.mark)

    return keep


def unchanged(new: Compiled, old: Compiled) -> bool:
    """Whether both make the same stack: hidden values are compared, and shown nowhere."""
    return (not old.refusal and new.template.raw == old.template.raw and _values(new) == _values(old)
            and new.files == old.files
            and new.environment.resource_registry == old.environment.resource_registry)


def _values(compiled: Compiled) -> dict[str, Any]:
    return {name: compiled.parameters.value(name) for name in compiled.parameters.names()
            if name in compiled.parameters}
