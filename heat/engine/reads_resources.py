"""Resources of stacks: list, describe, find.

Purpose: the RPC methods that read resource rows, nested stacks included.
Invariant: a list costs a handful of SELECTs however many resources there are;
templates are loaded only for details. A user inside an instance sees its own
resource and no other. Neighbours: ``reads`` inherits these methods, ``render``
shapes rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import resources, software, stacks
from heat.db.stacks import children
from heat.engine import outputs, render
from heat.engine.reads_stored import Identity, Stored, reach
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Status
from heat.resources.types import TypeTable
from heat.template.definition import Definition

# The classes of rows need no environment: each row says which one made it.
ROW_TYPES = TypeTable()
STATUSES = (Status.COMPLETE, Status.FAILED, Status.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Level:
    """One stack with its current rows; ``definitions`` is filled where it was needed."""

    stack: Stack
    rows: Mapping[str, Row]
    users: Mapping[str, Sequence[str]]
    definitions: Mapping[str, Definition] = field(default_factory=dict)


def several(value: Any) -> list[Any]:
    """A filter's value as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def split_status(values: Sequence[Any]) -> tuple[list[str], list[str]]:
    """``CREATE_FAILED`` -> actions ['CREATE'], statuses ['FAILED']; two sets that match apart."""
    actions, found = [], []
    for value in map(str, values):
        status = next((s.value for s in STATUSES if s.value in value), None)
        if status is None:
            found.append(value)
            continue
        found.append(status)
        action = value.split(status, 1)[0].rstrip('_')
        if action:
            actions.append(action)
    return actions, found


class ResourceReads(Stored):
    """Methods of the RPC interface; names and arguments are the contract's."""

    def list_stack_resources(self, context: RequestContext, stack_identity: Identity, nested_depth: int = 0,
                             with_detail: bool = False, filters: Mapping[str, Any] | None = None,
                             ) -> list[dict[str, Any]]:
        """The resources of a stack and of those nested in it down to ``nested_depth``."""
        numbered = bool(filters and 'id' in filters)
        levels, nested, numbers = self._read(self._levels, context, stack_identity, int(nested_depth or 0),
                                             with_detail, numbered)
        keep = _matcher(filters or {}, numbers)
        found = []
        for level in levels:
            for row in level.rows.values():
                if keep(row):
                    shown = render.resource(level.stack, row, level.users.get(row.uuid, ()),
                                            nested.get(row.physical_id or ''))
                    found.append(self._detailed(shown, level, row, ()) if with_detail else shown)
        return found

    def describe_stack_resource(self, context: RequestContext, stack_identity: Identity, resource_name: str,
                                with_attr: Any = None) -> dict[str, Any]:
        """One resource with its attributes; ``with_attr`` names further ones, False means none at all."""
        level, row, nested = self._read(self._one, context, stack_identity, resource_name)
        self._admit(context, level, row)
        row = self._read(self._with_metadata, level.stack, row)
        shown = render.resource(level.stack, row, level.users.get(row.uuid, ()), nested)
        if with_attr is False:
            # Agents poll the metadata; the cloud is not asked each time.
            return {**shown, 'description': '', 'attributes': {}, 'metadata': render.plain(row.metadata)}
        return self._detailed(shown, level, row, several(with_attr) if with_attr else ())

    def describe_stack_resources(self, context: RequestContext, stack_identity: Identity,
                                 resource_name: str | None) -> list[dict[str, Any]]:
        """All resources of a stack, or those of one name, with metadata."""
        levels, nested, _ = self._read(self._levels, context, stack_identity, 0, False, False)
        levels = [replace(level, rows={name: self._read(self._whole_with_metadata, level.stack, row)
                                       for name, row in level.rows.items()
                                       if resource_name in (None, row.name)}) for level in levels]
        return [{**render.resource(level.stack, row, level.users.get(row.uuid, ()),
                                   nested.get(row.physical_id or '')), 'metadata': render.plain(row.metadata)}
                for level in levels for row in level.rows.values()]

    def find_physical_resource(self, context: RequestContext, physical_resource_id: str) -> dict[str, Any]:
        """The identity of the resource that stands for that object; EntityNotFound."""
        def find(conn: Connection) -> tuple[Stack, Row] | None:
            for row in resources.find_by_physical_id(conn, reach(context), physical_resource_id, self._crypt):
                stack = stacks.load_stack(conn, row.stack_id, reach(context))
                if stack is not None:
                    return stack, row
            return None

        found = self._read(find)
        if found is None:
            raise errors.EntityNotFound(entity='Resource', name=physical_resource_id)
        return found[0].identity.resource(found[1].name).to_wire()

    # -- loading -----------------------------------------------------------------------------------

    def _levels(self, conn: Connection, context: RequestContext, identity: Identity, depth: int,
                with_definitions: bool, numbered: bool,
                ) -> tuple[list[Level], dict[str, Stack], dict[str, int]]:
        """Levels, parents first; nested stacks by id; the numbers of rows by uuid."""
        top = self._find(conn, context, identity)
        live = stacks.tree(conn, top.root_id) if depth else children(conn, top.id)
        live = [stack for stack in live if stack.id != top.id]
        nested = {stack.id: stack for stack in live}
        shown, inside = [top], {top.id: 0}
        for stack in live:
            above = inside.get(stack.owner_id or '')
            if above is not None and above < depth:
                inside[stack.id] = above + 1
                shown.append(stack)
        if depth:
            # The stacks one deeper are needed only as links.
            nested = {s.id: s for s in live if s.owner_id in inside}
        by_stack: dict[str, list[Row]] = {stack.id: [] for stack in shown}
        # A list without details shows nothing that is encrypted.
        rows = (resources.rows_of_stacks(conn, list(by_stack), self._crypt) if with_definitions
                else resources.light_rows(conn, list(by_stack)))
        for row in rows:
            by_stack[row.stack_id].append(row)
        levels = [self._level(conn, stack, by_stack[stack.id], with_definitions) for stack in shown]
        numbers: dict[str, int] = {}
        if numbered:
            for stack in shown:
                numbers |= resources.numeric_ids(conn, stack.id)
        return levels, nested, numbers

    def _level(self, conn: Connection, stack: Stack, rows: list[Row], with_definitions: bool) -> Level:
        def choose(several: Sequence[Row]) -> Row:
            compiled = self._compiled(stack, *self._parts(conn, stack))
            return outputs.chooser(compiled.template.resources, compiled.types)(several)

        current = outputs.current_rows(rows, choose)
        definitions = self._template(stack, *self._parts(conn, stack)).resources if with_definitions else {}
        return Level(stack, current, outputs.required_by(current.values()), definitions)

    def _one(self, conn: Connection, context: RequestContext, identity: Identity, name: str,
             ) -> tuple[Level, Row, Stack | None]:
        stack = self._find(conn, context, identity, show_deleted=False)
        level = self._level(conn, stack, resources.light_rows(conn, [stack.id]), True)
        found = level.rows.get(name)
        row = resources.load_row(conn, found.uuid, self._crypt) if found is not None else None
        if row is None:
            raise errors.ResourceNotFound(resource_name=name, stack_name=stack.name)
        nested = None
        if row.physical_id and _kind(row, nested=True):
            nested = stacks.load_stack(conn, row.physical_id)
        return level, row, nested

    def _with_metadata(self, conn: Connection, stack: Stack, row: Row) -> Row:
        """The row with the metadata that is shown; what is deployed on a server stands there as it is now."""
        kind = _kind(row)
        if kind is None or not kind.deployed_to or row.physical_id is None:
            return row
        metadata = kind.metadata_of(row)
        found = software.configs_of_server(conn, stack.tenant, row.physical_id, self._crypt)
        if found or 'deployments' in metadata:
            metadata = {**metadata, 'deployments': [render.config(one) for one in found]}
        return replace(row, metadata=metadata)

    def _whole_with_metadata(self, conn: Connection, stack: Stack, row: Row) -> Row:
        """The same for a row that was read to be listed: what is told to an agent is not in it."""
        kind = _kind(row)
        if kind is not None and kind.deployed_to:
            row = resources.load_row(conn, row.uuid, self._crypt) or row
        return self._with_metadata(conn, stack, row)

    def _detailed(self, shown: dict[str, Any], level: Level, row: Row, extra: Sequence[str],
                  ) -> dict[str, Any]:
        definition = level.definitions.get(row.name)
        kind = _kind(row)
        values = {} if kind is None else outputs.attributes(
            row, kind, extra, level.stack, self._live, self._inside)
        return {**shown, 'description': definition.description if definition is not None else '',
                'attributes': values, 'metadata': render.plain(row.metadata)}

    def _admit(self, context: RequestContext, level: Level, row: Row) -> None:
        """A user inside an instance was made by a resource, and sees that and what it lets its user see."""
        if self._conf.heat_stack_user_role not in context.roles:
            return
        if context.user_id is not None:
            if row.data.get('user_id') == context.user_id:
                return
            maker = next((one for one in level.rows.values() if one.physical_id == context.user_id), None)
            if maker is not None and self._read(self._admits, level.stack, maker.name, row):
                return
        raise errors.Forbidden(action='this action')

    def _admits(self, conn: Connection, stack: Stack, maker: str, row: Row) -> bool:
        # Who may see what stands in properties, which are encrypted.
        whole = self._level(conn, stack, resources.rows_of_stacks(conn, [stack.id], self._crypt), False)
        kind = _kind(whole.rows[maker]) if maker in whole.rows else None
        return kind is not None and kind.admits(whole.rows[maker], row, whole.rows)


def _kind(row: Row, nested: bool = False) -> Any:
    """The class that made the row; None if it is not there (or, asked for, not a nested one)."""
    try:
        kind = ROW_TYPES.of(row)
    except errors.HeatException:
        return None
    return kind if kind.nested or not nested else None


def _matcher(filters: Mapping[str, Any], numbers: Mapping[str, int]) -> Any:
    """Whether a row passes ``filters``; a filter of an unknown name passes nothing."""
    def keep(row: Row) -> bool:
        state = {'type': row.type, 'name': row.name, 'action': str(row.action),
                 'physical_resource_id': row.physical_id, 'id': str(numbers.get(row.uuid, ''))}
        for name, value in filters.items():
            wanted = several(value)
            if name == 'status':
                actions, statuses = split_status(wanted)
                if (actions and str(row.action) not in actions) or str(row.status) not in statuses:
                    return False
            elif state.get(name) not in [str(one) for one in wanted]:
                return False
        return True

    return keep
