"""The graph's rules, one function each, in the order in which they apply.

Purpose: reading ``RULES`` is reading the algorithm. Invariant: an Up node never
needs a Down node, so a cycle can only come from the template (reported by
name) or from stored rows (broken, since a deletion must end).
Neighbours: ``graph`` holds the result; a picture is in ARCHITECTURE.rst.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from heat.common import errors
from heat.model.resource import Row
from heat.model.status import Action
from heat.plan.graph import Down, Graph, Up
from heat.plan.types import Types
from heat.template.definition import Definition


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be ordered: wanted definitions against existing rows."""

    definitions: Mapping[str, Definition]
    rows: Mapping[str, Row]
    types: Types


def wanted_resources(problem: Problem, graph: Graph) -> None:
    """Each definition is one Up node."""
    for name in problem.definitions:
        graph.add(Up(name))


def references(problem: Problem, graph: Graph) -> None:
    """A resource follows what it refers to and what it names in depends_on."""
    for name, definition in problem.definitions.items():
        node = graph.index[Up(name)]
        for required in definition.requires():
            if required == name:
                raise errors.CircularDependencyException(cycle=f'{name} -> {name}')
            if required in problem.definitions:
                graph.edge(node, graph.index[Up(required)])


def refuse_cycles(problem: Problem, graph: Graph) -> None:
    """A template that waits for itself is refused, with the names in the circle."""
    cycle = graph.cycle()
    if cycle:
        names = [node.name for node in (graph.nodes[i] for i in cycle)]
        raise errors.CircularDependencyException(cycle=' -> '.join([*names, names[0]]))


def hidden_dependencies(problem: Problem, graph: Graph) -> None:
    """What the cloud needs first though the template does not say so.

    A floating IP works only once the router has its interface. The template's
    own order has the last word: a hidden edge that would close a circle is left out.
    """
    for name, definition in problem.definitions.items():
        kind = problem.types(definition.type, name)
        for first in sorted(kind.before(name, definition, problem.definitions)):
            if first in problem.definitions and first != name:
                node, needs = graph.index[Up(name)], graph.index[Up(first)]
                if needs not in graph.need[node] and not graph.reaches(needs, node):
                    graph.edge(node, needs)


def existing_rows(problem: Problem, graph: Graph) -> None:
    """Each physical thing is one Down node: what is still wanted passes it untouched."""
    for row in problem.rows.values():
        graph.add(Down(row.uuid, row.name))


def replacement_first(problem: Problem, graph: Graph) -> None:
    """The old thing goes after its name has been served: create before delete."""
    for row in problem.rows.values():
        up = graph.index.get(Up(row.name))
        if up is not None:
            graph.edge(graph.index[Down(row.uuid, row.name)], up)


def users_switch_first(problem: Problem, graph: Graph) -> None:
    """A thing goes after everyone who uses its name, now or until now, has moved on."""
    downs: dict[str, list[int]] = {}
    for row in problem.rows.values():
        downs.setdefault(row.name, []).append(graph.index[Down(row.uuid, row.name)])
    for name, definition in problem.definitions.items() if downs else ():
        up = graph.index[Up(name)]
        for required in definition.requires():
            for down in downs.get(required, ()):
                graph.edge(down, up)
    for row in problem.rows.values():
        up_of_user = graph.index.get(Up(row.name))
        if up_of_user is None:
            continue
        for uuid in row.requires:
            if uuid in problem.rows:
                graph.edge(graph.index[Down(uuid, problem.rows[uuid].name)], up_of_user)


def reverse_removal(problem: Problem, graph: Graph) -> None:
    """What was built on a thing goes before it."""
    for row in problem.rows.values():
        node = graph.index[Down(row.uuid, row.name)]
        for uuid in row.requires:
            if uuid in problem.rows:
                graph.edge(graph.index[Down(uuid, problem.rows[uuid].name)], node)


def break_stored_cycles(problem: Problem, graph: Graph) -> None:
    """Rows that require each other cannot block their own removal."""
    while cycle := graph.cycle():
        graph.drop(cycle[0], cycle[1 % len(cycle)])


Rule = Callable[[Problem, Graph], None]

RULES: tuple[Rule, ...] = (
    wanted_resources,
    references,
    refuse_cycles,
    hidden_dependencies,
    existing_rows,
    replacement_first,
    users_switch_first,
    reverse_removal,
    break_stored_cycles,
)


def build(problem: Problem) -> Graph:
    """The graph of a create, update, rollback (definitions given) or delete (none)."""
    graph = Graph()
    for rule in RULES:
        rule(problem, graph)
    return graph


def in_place(rows: Mapping[str, Row], reverse: bool) -> Graph:
    """The graph of suspend, resume, check, snapshot: one Up per live row.

    ``reverse``: users first, as for suspending.
    """
    graph = Graph()
    live = {row.uuid: row for row in rows.values() if row.action is not Action.DELETE}
    for row in live.values():
        graph.add(Up(row.name))
    for row in live.values():
        for uuid in row.requires:
            if uuid in live:
                node, needs = graph.index[Up(row.name)], graph.index[Up(live[uuid].name)]
                if reverse:
                    node, needs = needs, node
                graph.edge(node, needs)
    while cycle := graph.cycle():
        graph.drop(cycle[0], cycle[1 % len(cycle)])
    return graph
