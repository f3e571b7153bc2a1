"""Stored stacks: found for whom they are, with their templates compiled.

Purpose: the tenant check and the loading that all reads share. Invariant: both
halves of an identity must agree, and what a project may not see is not found.
No database connection is held while anything else is done. Neighbours: ``reads``
and ``reads_resources`` build on it; ``intake`` has the same rule for wishes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from oslo_config import cfg
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.common.ids import StackId
from heat.db import connect, resources, stacks, templates, whole
from heat.db.secrets import Cipher
from heat.engine import outdated
from heat.engine.compiled import TEMPLATES, Compiled, compile_all
from heat.engine.documents import HostFiles
from heat.engine.nested import facade
from heat.engine.outputs import Inside, Live, Standing
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.resources.nested import ChildView
from heat.template import macros
from heat.template.definition import Template
from heat.template.registry import Layer

P = ParamSpec('P')
T = TypeVar('T')

Identity = Mapping[str, Any]
# A stack of thousands would keep its reader waiting for longer than he does.
MOST_LIVE = 500


def reach(context: RequestContext) -> str | None:
    """The project whose things the caller may see; None (all) for an admin.

    An admin's project may be that of no stack, as the classic interface has it.
    """
    return None if context.is_admin else context.tenant_id or ''


def few(live: Live) -> Live:
    """``live`` for one request: after so many reads the rest is told as it is stored."""
    left = itertools.repeat(None, MOST_LIVE)

    def read(row: Row, kind: Any, names: tuple[Any, ...], stack: Stack) -> dict[str, Any] | None:
        return live(row, kind, names, stack) if next(left, MOST_LIVE) is None else None

    return read


def check_tenant(context: RequestContext, wanted: StackId, stack: Stack | None) -> None:
    """InvalidTenant unless the identity is of the caller's project, or of a stack that it has users of.

    ``stack`` is what was found for the caller. Users inside instances live in a
    project of their own, and may name their stack by either.
    """
    if context.is_admin or context.tenant_id == wanted.tenant:
        return
    if stack is None or (stack.tenant, stack.stack_user_project_id) != (wanted.tenant, context.tenant_id):
        raise errors.InvalidTenant(target=wanted.tenant, actual=context.tenant_id)


def _named(context: RequestContext, wanted: StackId, stack: Stack | None) -> Stack:
    """``stack``, which was found for the caller by the id that is wanted; errors as ``Stored._find``."""
    check_tenant(context, wanted, stack)
    if stack is None or stack.name != wanted.stack_name or wanted.path:
        raise errors.EntityNotFound(entity='Stack', name=wanted.stack_name)
    return stack


def _there(stack: Stack, parts: whole.Parts | None) -> whole.Parts:
    if parts is None:
        raise errors.EntityNotFound(entity='Template', name=stack.name)
    return parts


class Stored:
    """What every read needs. ``live`` reads attributes anew, ``operator`` are the host's mappings."""

    def __init__(self, database: Engine, conf: cfg.ConfigOpts, crypt: Cipher, clock: Clock, live: Live,
                 operator: Sequence[Layer] = (),
                 authenticate: Callable[[RequestContext], dict[str, Any] | None] | None = None) -> None:
        self._database = database
        self._conf = conf
        self._crypt = crypt
        self._clock = clock
        self._live = live
        self._operator = tuple(operator)
        self._authenticate = authenticate

    def _read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args,
              **kwargs: P.kwargs) -> T:
        return connect.reading(self._database, function, *args, **kwargs)

    def _find(self, conn: Connection, context: RequestContext, identity: Identity,
              show_deleted: bool = True) -> Stack:
        """The stack of that identity; EntityNotFound, or InvalidTenant for another project's identity."""
        wanted = StackId.from_wire(dict(identity))
        return _named(context, wanted, stacks.load_stack(conn, wanted.stack_id, reach(context), show_deleted))

    def _parts(self, conn: Connection, stack: Stack,
               ) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
        """(template, environment, files) of a stack; EntityNotFound if they were purged."""
        return _there(stack, templates.load_template(conn, stack.template_id, self._crypt))

    def _found_parts(self, conn: Connection, context: RequestContext, identity: Identity,
                     ) -> tuple[Stack, dict[str, Any], dict[str, Any], dict[str, str]]:
        wanted = StackId.from_wire(dict(identity))
        found = whole.load(conn, wanted.stack_id, reach(context), True, self._crypt)
        stack = _named(context, wanted, None if found is None else found[0])
        return stack, *_there(stack, None if found is None else found[1])

    def _template(self, stack: Stack, tree: Mapping[str, Any], environment: Mapping[str, Any],
                  files: Mapping[str, str]) -> Template:
        """The compiled template; where it has macros, they are worked out for the stack's parameters."""
        if not macros.wanted(tree):
            try:
                return TEMPLATES.template(tree)
            except outdated.Refusals:
                # What stands in for it has no name of a resource, but those of outputs.
                pass
        return self._compiled(stack, tree, environment, files).template

    def _compiled(self, stack: Stack, tree: Mapping[str, Any], environment: Mapping[str, Any],
                  files: Mapping[str, str]) -> Compiled:
        """Leniently: a stack is shown even if its template is refused by now, or parameters no longer fit."""
        def make(tree: outdated.Tree, environment: outdated.Tree, files: outdated.Files) -> Compiled:
            return compile_all(stack.identity, tree, environment, HostFiles(files, self._conf.template_dir),
                               operator=self._operator, strict=False)

        try:
            return make(tree, environment, files)
        except outdated.Refusals:
            return outdated.stand_in(stack.name, (tree, environment, files), make)

    def _standing(self, stack: Stack, parts: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, str]],
                  rows: Sequence[Row], above: Row | None, live: Live | None = None) -> Standing:
        """The stack at rest; ``above`` is the row that a nested one stands for."""
        read = live if live is not None else few(self._live)
        return Standing(stack, self._compiled(stack, *parts), rows, read, lambda row: self._inside(row, read),
                        facade(above) if above is not None else None)

    def _inside(self, row: Row, live: Live | None = None) -> ChildView | None:
        """The stack that a row is."""
        def load(conn: Connection) -> tuple[Stack, Any, list[Row]] | None:
            stack = stacks.load_stack(conn, row.physical_id or '')
            if stack is None or stack.parent_row != row.uuid:
                return None
            return stack, self._parts(conn, stack), resources.rows_of_stack(conn, stack.id, self._crypt)

        found = self._read(load)
        return None if found is None else Inside(self._standing(*found, row, live))

    def _above(self, conn: Connection, stack: Stack) -> Row | None:
        return None if stack.parent_row is None else resources.load_row(conn, stack.parent_row, self._crypt)
