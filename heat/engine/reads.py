"""What is: stacks, outputs, events, templates, engines, as the RPC methods tell.

Purpose: every RPC method that changes nothing and is about stored stacks.
Invariant: a list is one or two SELECTs and loads no template; rows are loaded
only where an output or a resource needs them. Interface: engine methods of the
RPC contract. Neighbours: ``service`` dispatches here, ``outputs`` evaluates,
``render`` shapes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import events, listing, resources, services, stacks
from heat.db.listing import Selection
from heat.engine import described, outdated, render
from heat.engine.drift import DriftReads
from heat.engine.reads_overview import Overview
from heat.engine.reads_resources import several, split_status
from heat.engine.reads_stored import Identity, reach
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action

# As many digits as every database compares.
NUMBER = re.compile('[0-9]{1,18}')

Whole = tuple[Stack, Any, 'list[Row] | None', 'Row | None']
"""A stack, what it was made from, its rows (None where outputs are not asked for), its parent's row."""


class Reads(DriftReads, Overview):
    """Methods of the RPC interface; names and arguments are the contract's."""

    # -- stacks ------------------------------------------------------------------------------------

    def identify_stack(self, context: RequestContext, stack_name: str) -> dict[str, Any]:
        """The identity behind a name or an id; an id finds deleted stacks too. EntityNotFound."""
        def find(conn: Connection) -> Stack | None:
            found = None
            if _like_uuid(stack_name):
                found = stacks.load_stack(conn, stack_name, reach(context), show_deleted=True)
            return found or stacks.find_by_name(conn, stack_name, reach(context))

        stack = self._read(find)
        if stack is None:
            raise errors.EntityNotFound(entity='Stack', name=stack_name)
        return stack.identity.to_wire()

    def show_stack(self, context: RequestContext, stack_identity: Identity | None,
                   resolve_outputs: bool = True) -> list[dict[str, Any]]:
        """One stack as a list of one; without identity all stacks that the caller may see."""
        if stack_identity is None:
            every = self._read(listing.list_stacks, self._selection(context))
            return [self._shown(self._read(self._whole, stack, resolve_outputs)) for stack in every]

        def load(conn: Connection) -> Whole:
            stack, *parts = self._found_parts(conn, context, stack_identity)
            return self._whole(conn, stack, resolve_outputs, tuple(parts))

        return [self._shown(self._read(load))]

    def describe_stacks(self, context: RequestContext, stack_identity: Identity | None = None,
                        whole: bool = True, limit: int | None = None, marker: str | None = None,
                        filters: Mapping[str, Any] | None = None, show_deleted: bool = False,
                        ) -> list[dict[str, Any]]:
        """One stack, or a page of them, each with what ``described.facts`` knows.

        With ``whole`` they are shown as by ``show_stack``, with ``export_names`` (output -> export)
        and ``resolved_parameters`` (parameter -> what the store gave for its key);
        else as in ``list_stacks``.
        """
        def load(conn: Connection) -> tuple[list[Stack], dict[str, dict[str, Any]]]:
            found = [self._find(conn, context, stack_identity)] if stack_identity is not None else (
                listing.list_stacks(conn, self._selection(context, filters, show_deleted=show_deleted),
                                    limit, marker))
            return found, described.facts(conn, found)

        found, facts = self._read(load)
        if not whole:
            return [{**render.stack_row(stack), **facts[stack.id]} for stack in found]
        return [{**self._described(stack), **facts[stack.id]} for stack in found]

    def _described(self, stack: Stack) -> dict[str, Any]:
        shown = self._read(self._whole, stack, True)
        compiled = self._compiled(stack, *shown[1])
        names = {} if stack.deleted_at is not None else described.exported(compiled)
        return {**self._shown(shown), 'export_names': names,
                'resolved_parameters': described.resolved(compiled)}

    def _whole(self, conn: Connection, stack: Stack, resolve_outputs: bool, parts: Any = None) -> Whole:
        """``parts`` are its template's where they are known."""
        parts = parts or self._parts(conn, stack)
        if not resolve_outputs or stack.action is Action.DELETE:
            return stack, parts, None, None
        if not self._template(stack, *parts).outputs:
            return stack, parts, [], None
        return (stack, parts, resources.rows_of_stack(conn, stack.id, self._crypt),
                self._above(conn, stack))

    def _shown(self, whole: Whole) -> dict[str, Any]:
        stack, parts, rows, above = whole
        compiled = self._compiled(stack, *parts)
        shown = render.stack_whole(stack, compiled.template, compiled.parameters.texts())
        if rows is not None and not compiled.template.outputs:
            shown['outputs'] = []
        elif rows is not None:
            shown['outputs'] = self._standing(stack, parts, rows, above).outputs()
        return shown

    def list_stacks(self, context: RequestContext, limit: int | None = None, marker: str | None = None,
                    sort_keys: Sequence[str] | None = None, sort_dir: str | None = None,
                    filters: Mapping[str, Any] | None = None, tenant_safe: bool = True,
                    show_deleted: bool = False, show_nested: bool = False, show_hidden: bool = False,
                    tags: Sequence[str] | None = None, tags_any: Sequence[str] | None = None,
                    not_tags: Sequence[str] | None = None, not_tags_any: Sequence[str] | None = None,
                    ) -> list[dict[str, Any]]:
        """A page of stacks, newest first; older front-ends say ``tenant_safe`` False for all projects."""
        wanted = self._selection(context, filters, tenant_safe, show_deleted, show_nested, show_hidden,
                                 tags, tags_any, not_tags, not_tags_any)
        keys = [key for key in sort_keys or () if key in listing.SORT_KEYS]
        found = self._read(listing.list_stacks, wanted, limit, marker, keys, sort_dir)
        return [render.stack_row(stack) for stack in found]

    def count_stacks(self, context: RequestContext, filters: Mapping[str, Any] | None = None,
                     tenant_safe: bool = True, show_deleted: bool = False, show_nested: bool = False,
                     show_hidden: bool = False, tags: Sequence[str] | None = None,
                     tags_any: Sequence[str] | None = None, not_tags: Sequence[str] | None = None,
                     not_tags_any: Sequence[str] | None = None) -> int:
        """How many stacks the same arguments would list."""
        return self._read(listing.count_stacks, self._selection(
            context, filters, tenant_safe, show_deleted, show_nested, show_hidden, tags, tags_any, not_tags,
            not_tags_any))

    def _selection(self, context: RequestContext, filters: Mapping[str, Any] | None = None,
                   tenant_safe: bool = True, show_deleted: bool = False, show_nested: bool = False,
                   show_hidden: bool = False, tags: Sequence[str] | None = None,
                   tags_any: Sequence[str] | None = None, not_tags: Sequence[str] | None = None,
                   not_tags_any: Sequence[str] | None = None) -> Selection:
        return Selection(
            tenant=reach(context) if tenant_safe else None, filters=stack_filters(filters or {}),
            show_deleted=show_deleted, show_nested=show_nested, show_hidden=show_hidden,
            hidden_tags=self._conf.hidden_stack_tags, tags=tags or (), tags_any=tags_any or (),
            not_tags=not_tags or (), not_tags_any=not_tags_any or ())

    # -- what a stack was made from ----------------------------------------------------------------

    def get_template(self, context: RequestContext, stack_identity: Identity) -> dict[str, Any]:
        """The template as it was given; that of a deleted stack has no resources any more."""
        stack, tree, _environment, _files = self._read(self._found_parts, context, stack_identity)
        section = 'Resources' if 'Resources' in tree else 'resources'
        return tree if stack.deleted_at is None else {**tree, section: {}}

    def get_environment(self, context: RequestContext, stack_identity: Identity) -> dict[str, Any]:
        """The environment with hidden parameters masked."""
        stack, tree, environment, files = self._read(self._found_parts, context, stack_identity)
        compiled = self._compiled(stack, tree, environment, files)
        if compiled.refusal:
            return outdated.environment(environment)
        return compiled.environment.to_dict(compiled.template.parameters)

    def get_files(self, context: RequestContext, stack_identity: Identity) -> dict[str, str]:
        return self._read(self._found_parts, context, stack_identity)[3]

    # -- outputs -----------------------------------------------------------------------------------

    def list_outputs(self, context: RequestContext, stack_identity: Identity) -> list[dict[str, Any]]:
        """Names and descriptions; no value is worked out."""
        template = self._template(*self._read(self._found_parts, context, stack_identity))
        return [render.output(one.name, one.description) for one in template.outputs.values()]

    def show_output(self, context: RequestContext, stack_identity: Identity,
                    output_key: str) -> dict[str, Any]:
        """One output with its value, or with the reason why it has none; NotFound."""
        def load(conn: Connection) -> tuple[Any, list[Row], Row | None]:
            found = self._found_parts(conn, context, stack_identity)
            return found, resources.rows_of_stack(conn, found[0].id, self._crypt), self._above(conn, found[0])

        (stack, *parts), rows, above = self._read(load)
        # In AWS's format an output whose condition is false is none.
        if output_key in self._template(stack, *parts).outputs:
            shown = self._standing(stack, tuple(parts), rows, above).outputs(output_key)
            if shown:
                return shown[0]
        raise render.missing(f'Specified output key {output_key} not found.')

    # -- events ------------------------------------------------------------------------------------

    def list_events(self, context: RequestContext, stack_identity: Identity | None,
                    filters: Mapping[str, Any] | None = None, limit: int | None = None,
                    marker: str | None = None, sort_keys: Sequence[str] | None = None,
                    sort_dir: str | None = None, nested_depth: int | None = None) -> list[dict[str, Any]]:
        """A page of events, newest first; the filter ``uuid`` adds the properties to the one it finds.

        With ``nested_depth`` the events of nested stacks are among them. Without
        identity, the events of all stacks that the caller may see.
        """
        keys = [key for key in sort_keys or () if key in events.SORT_KEYS]
        direction = sort_dir or ('asc' if keys else 'desc')
        known = {name: value for name, value in (filters or {}).items() if name in events.FILTERS}
        single = isinstance(known.get('uuid'), str)

        def load(conn: Connection) -> tuple[dict[str, Stack], list[events.Recorded], Stack | None]:
            if stack_identity is None:
                tops = listing.list_stacks(conn, self._selection(context))
            else:
                tops = [self._find(conn, context, stack_identity)]
            among = {stack.id: stack for stack in tops}
            root = None
            if nested_depth:
                among = _with_nested(conn, tops, nested_depth)
                top = tops[0] if tops else None
                root = top if top is None or top.id == top.root_id else stacks.load_stack(
                    conn, top.root_id, show_deleted=True)
            if not among:
                return among, [], root
            found = events.list_events(conn, list(among), filters=known, limit=limit, marker=marker,
                                       sort_keys=keys, sort_dir=direction)
            if single:
                found = [events.get_event(conn, one.event.uuid, self._crypt) or one for one in found]
            return among, found, root

        among, found, root = self._read(load)
        return [render.event(among[one.event.stack_id], one, root, single) for one in found]

    # -- the service itself ------------------------------------------------------------------------

    def list_services(self, context: RequestContext) -> list[dict[str, Any]]:
        now = self._clock.now()
        return [render.service(one, now) for one in self._read(services.list_services)]

    def get_revision(self, context: RequestContext) -> str:
        return str(self._conf.revision.heat_revision)

    def authenticated_to_backend(self, context: RequestContext) -> dict[str, Any] | bool:
        """Who the caller's credential is, as values of a context; False if it is nobody's.

        Nobody is believed where nobody can check.
        """
        return (self._authenticate(context) if self._authenticate is not None else None) or False


def _like_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)).replace('-', '') == text.lower().replace('-', '')
    except (ValueError, AttributeError, TypeError):
        return False


def _with_nested(conn: Connection, tops: Sequence[Stack], depth: int) -> dict[str, Stack]:
    """The stacks and those nested in them down to ``depth``, deleted ones too: one SELECT per level."""
    found = {stack.id: stack for stack in tops}
    level = list(found)
    while level and depth > 0:
        below = listing.list_stacks(conn, Selection(filters={'owner_id': level}, show_deleted=True))
        found |= {stack.id: stack for stack in below}
        level, depth = [stack.id for stack in below], depth - 1
    return found


def stack_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as sent -> filters of ``db.listing``; names that are none are dropped.

    A status may be glued to its action; values of flags and numbers come as text.
    """
    wanted: dict[str, Any] = {}
    for name, value in filters.items():
        if name not in listing.FILTERS:
            continue
        values = several(value)
        if name in ('status', 'stack_status'):
            actions, statuses = split_status(values)
            wanted[name] = statuses
            if actions:
                other = 'action' if 'action' not in filters else 'stack_action'
                wanted[other] = actions if other not in wanted else [
                    one for one in actions if one in wanted[other]]
        elif name == 'disable_rollback':
            flags = {'true': True, 'false': False}
            wanted[name] = [flags[str(one).lower()] for one in values if str(one).lower() in flags]
        elif name == 'timeout_mins':
            wanted[name] = [int(one) for one in map(str, values) if NUMBER.fullmatch(one)]
        else:
            wanted[name] = values
    return wanted
