"""Who refers to whom in a template, beyond single definitions.

Purpose: the graph of a fresh template and the attributes asked of each
resource. Invariant: pure. Neighbours: ``engine.validate`` and ``traversal``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from heat.plan import transforms
from heat.plan.graph import Graph, Up
from heat.plan.types import Types
from heat.template.definition import Definition, Template
from heat.template.expr import Ref


def references_by_resource(template: Template, outside: frozenset[Ref] = frozenset()) -> dict[str, set[Ref]]:
    """Who is asked for which attributes, by any resource or output, or from ``outside``."""
    found: dict[str, set[Ref]] = {}
    everywhere = [outside]
    everywhere += [definition.refs() for definition in template.resources.values()]
    everywhere += [output.value.refs() for output in template.outputs.values()]
    for refs in everywhere:
        for ref in refs:
            if ref.kind == 'attribute':
                found.setdefault(ref.resource, set()).add(ref)
    return found


def circles(definitions: Mapping[str, Definition]) -> Iterator[list[str]]:
    """Resources that wait for themselves, each circle by the names in it; apart from one another."""
    graph = Graph()
    for name in definitions:
        graph.add(Up(name))
    for name, definition in definitions.items():
        node = graph.index[Up(name)]
        for required in definition.requires():
            if required == name:
                yield [name]
            elif required in definitions:
                graph.edge(node, graph.index[Up(required)])
    while cycle := graph.cycle():
        yield [node.name for node in (graph.nodes[number] for number in cycle)]
        graph.drop(cycle[0], cycle[1])


def graph_of(definitions: Mapping[str, Definition], types: Types) -> Graph:
    """The graph of a fresh template: for validation (cycles are refused) and for showing."""
    return transforms.build(transforms.Problem(definitions, {}, types))
