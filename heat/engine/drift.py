"""What checks have found: the resources of a stack beside what is in the cloud.

Purpose: the RPC method ``show_drift``. Invariant: it reads what the last check of each
resource recorded and asks no cloud; a resource that was updated since, or whose type
cannot be compared, is NOT_CHECKED. Neighbours: ``plan.drift`` has the record,
``engine.step`` makes it, ``reads`` inherits this.
"""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import resources, stacks
from heat.engine import render
from heat.engine.reads_resources import ResourceReads
from heat.engine.reads_stored import Identity
from heat.model.resource import Row
from heat.plan import drift

Placed = tuple[str, Row]
"""The path of a resource, ``group/0``, and its row."""


class DriftReads(ResourceReads):
    """Methods of the RPC interface that the classic does not have."""

    def show_drift(self, context: RequestContext, stack_identity: Identity,
                   resource_name: str | None = None, own: bool = False) -> list[dict[str, Any]]:
        """Every resource, those of nested stacks under their paths; ``resource_name`` may be a path.

        A nested stack that is named brings what is in it. ResourceNotFound. With ``own`` the
        resources of the stack itself alone, with all their properties, ``expected`` and ``actual``
        (None where they are not known); nothing is looked for in a stack that was never checked.
        """
        stack_name, found = self._read(self._placed, context, stack_identity, own)
        if resource_name is not None:
            found = [(path, row) for path, row in found
                     if path == resource_name or path.startswith(f'{resource_name}/')]
            if not found:
                raise errors.ResourceNotFound(resource_name=resource_name, stack_name=stack_name)
        return [{**_shown(path, row), **(_properties(row) if own else {})} for path, row in found]

    def _placed(self, conn: Connection, context: RequestContext, identity: Identity, own: bool,
                ) -> tuple[str, list[Placed]]:
        top = self._find(conn, context, identity)
        if own and not (stacks.extra_columns(conn, top.id) or {}).get('drift'):
            return top.name, []
        levels, prefixes = [top], {top.id: ''}
        for stack in () if own else stacks.tree(conn, top.root_id):
            if stack.owner_id in prefixes and stack.id != top.id:
                prefixes[stack.id] = f'{prefixes[stack.owner_id]}{stack.parent_resource_name}/'
                levels.append(stack)
        rows: dict[str, list[Row]] = {stack.id: [] for stack in levels}
        for row in resources.rows_of_stacks(conn, list(rows), self._crypt):
            rows[row.stack_id].append(row)
        return top.name, [(prefixes[stack.id] + name, row) for stack in levels
                          for name, row in self._level(conn, stack, rows[stack.id], False).rows.items()]


def _shown(path: str, row: Row) -> dict[str, Any]:
    found = drift.Drift.of(row)
    at = None if found.at is None else datetime.datetime.fromtimestamp(found.at, datetime.UTC)
    return {'resource_name': row.name, 'path': path, 'resource_type': row.type,
            'physical_resource_id': row.physical_id or '', 'status': found.status,
            'checked_at': render.moment(at),
            'differences': [render.plain(one.to_wire()) for one in found.differences]}


def _properties(row: Row) -> dict[str, Any]:
    expected, actual = drift.properties(row)
    return {'expected': render.plain(expected), 'actual': render.plain(actual)}
