"""A stack at a glance: how far it is, and who waits for whom in it.

Purpose: the reads that the classic interface does not have. Invariant: progress
is one grouped SELECT however many resources there are; the graph is that of the
rules by which the engine works. Interface: ``bus.wire.OWN_METHODS``. Neighbours:
``reads`` inherits these methods, ``plan.show`` finds the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection

from heat.common.context import RequestContext
from heat.db import events, goals, resources, stacks
from heat.engine import render
from heat.engine.reads_resources import ResourceReads
from heat.engine.reads_stored import Identity, reach
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status
from heat.plan.show import edge_form, edges_between

Tally = Sequence[tuple[str, str, bool, int]]


class Overview(ResourceReads):
    """Methods of our own part of the RPC interface."""

    def stack_progress(self, context: RequestContext, stack_identity: Identity) -> dict[str, Any]:
        """How many resources of the stack, nested ones included, are how far with what it does now."""
        def load(conn: Connection) -> tuple[Stack, Tally]:
            top = self._find(conn, context, stack_identity)
            among = {top.id}
            for one in stacks.tree(conn, top.root_id):
                if one.owner_id in among:
                    among.add(one.id)
            return top, resources.tally(conn, sorted(among))

        return progress(*self._read(load))

    def describe_events(self, context: RequestContext, stack_identity: Identity | None = None,
                        operation: str | None = None, failed: bool = False, limit: int | None = None,
                        marker: str | None = None) -> list[dict[str, Any]]:
        """Events with the ``operation`` that they belong to, newest first: those of a stack, or of one
        operation, whosesoever it is in the project; with ``failed`` the failures alone."""
        filters: dict[str, Any] = {**({'operation': operation} if operation else {}),
                                   **({'resource_status': str(Status.FAILED)} if failed else {})}

        def load(conn: Connection) -> list[dict[str, Any]]:
            if stack_identity is not None:
                among = {(top := self._find(conn, context, stack_identity)).id: top}
            else:
                ids = goals.stacks_of_request(conn, reach(context), [operation or '', f'req-{operation}'])
                among = {one.id: one for one in stacks.load_stacks(conn, ids)}
            if not among:
                return []
            found = events.list_events(conn, list(among), filters=filters, limit=limit, marker=marker,
                                       sort_dir='desc')
            return [{**render.event(among[one.event.stack_id], one, None), 'operation': one.event.operation}
                    for one in found]

        return self._read(load)

    def stack_graph(self, context: RequestContext, stack_identity: Identity,
                    nested_depth: int = 0) -> dict[str, Any]:
        """The resources and what each waits for; those of stacks inside it down to ``nested_depth``."""
        stack = self._read(self._find, context, stack_identity)
        return self._graph(stack, int(nested_depth or 0))

    def _graph(self, stack: Stack, depth: int) -> dict[str, Any]:
        def load(conn: Connection) -> tuple[Any, list[Row], list[Stack]]:
            return (self._parts(conn, stack), resources.light_rows(conn, [stack.id]),
                    stacks.children(conn, stack.id) if depth else [])

        parts, rows, inside = self._read(load)
        compiled = self._compiled(stack, *parts)
        definitions = compiled.wanted().definitions
        leaving = stack.action is Action.DELETE
        nodes = [_node(name, one.type, [row for row in rows if row.name == name and not row.gone])
                 for name, one in definitions.items()]
        # A deleted stack keeps its template; of its resources only those there are still count.
        nodes = [node for node in nodes if node['resource_action'] is not None or not leaving]
        nodes += [_node(name, '', [row for row in rows if row.name == name])
                  for name in dict.fromkeys(row.name for row in rows if not row.gone)
                  if name not in definitions]
        by_row = {child.parent_row: child for child in inside}
        for node in nodes:
            child = next((by_row[row.uuid] for row in rows
                          if row.name == node['resource_name'] and row.uuid in by_row), None)
            if child is not None:
                node['nested'] = self._graph(child, depth - 1)
        shown = {node['resource_name'] for node in nodes}
        edges = [edge_form(edge) for edge in edges_between(definitions, compiled.types)]
        return {'stack_identity': stack.identity.to_wire(), 'stack_name': stack.name, 'nodes': nodes,
                'edges': [edge for edge in edges if edge['from'] in shown and edge['to'] in shown]}


def _node(name: str, kind: str, rows: Sequence[Row]) -> dict[str, Any]:
    """A resource as the newest of its rows tells it; one that is not begun has no state."""
    row = max(rows, key=lambda one: (one.action is not Action.DELETE, one.goal_seq), default=None)
    return {'resource_name': name, 'resource_type': kind or (row.type if row is not None else ''),
            'physical_resource_id': row.physical_id if row is not None else None,
            'resource_action': str(row.action) if row is not None else None,
            'resource_status': str(row.status) if row is not None else None,
            'resource_status_reason': row.reason if row is not None else '',
            'updated_time': render.moment(row.updated_at) if row is not None else None}


def progress(stack: Stack, tally: Tally) -> dict[str, Any]:
    """The counts: each resource is in exactly one of done, in_progress, failed and waiting.

    While a stack is at work, what it has not touched yet waits: it may turn out that
    there is nothing to do for it. Resources that are gone are not counted.
    """
    counts = {'total': 0, 'done': 0, 'in_progress': 0, 'failed': 0, 'waiting': 0}
    by_status: dict[str, int] = {}
    busy = stack.status is Status.IN_PROGRESS
    for action, status, touched, many in tally:
        if (action, status) == (Action.DELETE, Status.COMPLETE):
            continue
        counts['total'] += many
        by_status[f'{action}_{status}'] = by_status.get(f'{action}_{status}', 0) + many
        if status == Status.IN_PROGRESS:
            counts['in_progress'] += many
        elif (busy and not touched) or action == Action.INIT:
            counts['waiting'] += many
        else:
            counts['done' if status == Status.COMPLETE else 'failed'] += many
    return {**counts, 'by_status': dict(sorted(by_status.items()))}
