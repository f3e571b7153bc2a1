"""The graph of a template for people: who waits for whom, and why.

Purpose: ``picture`` collects nodes and edges with their reasons; ``dot`` and ``form``
write them. Invariant: pure, and in the order of the template, so that two pictures can be
compared. Neighbours: ``checked`` is what it draws; ``transforms`` has the rules of the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heat.common.errors import path_text
from heat.common.text import dot_word
from heat.plan.checked import Checked
from heat.plan.graph import Up
from heat.plan.references import graph_of
from heat.plan.types import Types
from heat.template.definition import Definition, located

REFERENCE, ATTRIBUTE, DEPENDS, HIDDEN = 'reference', 'attribute', 'depends_on', 'hidden'


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one resource waits for another. ``path`` leads from the waiting resource to the cause."""

    kind: str
    path: str = ''
    attribute: str = ''

    def text(self) -> str:
        if self.kind == ATTRIBUTE:
            return f'{self.path}: {self.attribute or "all attributes"}'
        if self.kind == REFERENCE:
            return self.path
        return 'hidden dependency' if self.kind == HIDDEN else self.kind


@dataclass(frozen=True, slots=True)
class Edge:
    """``user`` waits for ``needs``."""

    user: str
    needs: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """``nodes`` maps names to types; ``inner`` maps names of nodes to what they are made of."""

    file: str
    nodes: Mapping[str, str]
    edges: tuple[Edge, ...]
    inner: Mapping[str, Picture]


def picture(checked: Checked, nested: bool = False) -> Picture:
    """The picture of a template without errors. ``nested``: with the templates that its types are."""
    template, types = checked.settled, checked.types
    assert template is not None and types is not None
    inner = {}
    for name, definition in template.resources.items():
        child = checked.inside(types(definition.type, name))
        if nested and child is not None and child.settled is not None:
            inner[name] = picture(child, nested=True)
    return Picture(checked.bundle.file, {name: one.type for name, one in template.resources.items()},
                   edges_between(template.resources, types), inner)


def edges_between(definitions: Mapping[str, Definition], types: Types) -> tuple[Edge, ...]:
    """Who waits for whom among resources whose conditions are settled."""
    graph = graph_of(definitions, types)
    edges = []
    for name, definition in definitions.items():
        reasons: dict[str, list[Reason]] = {}
        for place, part in definition.parts():
            for node, path in located(part):
                for ref in node.own_refs():
                    where = path_text([place, *path])
                    kind = REFERENCE if ref.kind == 'reference' else ATTRIBUTE
                    reasons.setdefault(ref.resource, []).append(Reason(kind, where, ref.attribute or ''))
        for wanted in definition.depends_on:
            reasons.setdefault(wanted, []).append(Reason(DEPENDS))
        needed = {str(graph.nodes[number].name) for number in graph.need[graph.index[Up(name)]]}
        for other in definitions:
            if other in needed:
                edges.append(Edge(name, other, tuple(dict.fromkeys(reasons.get(other, [Reason(HIDDEN)])))))
    return tuple(edges)


def form(shown: Picture) -> dict[str, Any]:
    """Plain data for programs."""
    nodes = []
    for name, kind in shown.nodes.items():
        node: dict[str, Any] = {'name': name, 'type': kind}
        if name in shown.inner:
            node['template'] = form(shown.inner[name])
        nodes.append(node)
    return {'file': shown.file, 'nodes': nodes, 'edges': [edge_form(edge) for edge in shown.edges]}


def edge_form(edge: Edge) -> dict[str, Any]:
    return {'from': edge.user, 'to': edge.needs, 'reasons': [
        {key: value for key, value in (('kind', one.kind), ('path', one.path), ('attribute', one.attribute))
         if value} for one in edge.reasons]}


def dot(shown: Picture) -> str:
    """The picture in graphviz's language; an arrow goes from who waits to what it waits for."""
    lines = ['digraph template {', '  compound=true;', '  node [shape=box, fontname="sans-serif"];',
             '  edge [fontname="sans-serif", fontsize=9];', *_body(shown, ''), '}']
    return '\n'.join(lines) + '\n'


def _body(shown: Picture, prefix: str, indent: str = '  ') -> list[str]:
    lines: list[str] = []
    for name, kind in shown.nodes.items():
        own, within = dot_word(prefix + name), shown.inner.get(name)
        label = dot_word(f'{name}\n{kind}')
        if within is None:
            lines.append(f'{indent}{own} [label={label}];')
            continue
        lines += [f'{indent}subgraph {dot_word(f"cluster_{prefix}{name}")} {{', f'{indent}  label={label};',
                  # The point that arrows from and to the whole end at.
                  f'{indent}  {own} [shape=point, style=invis];',
                  *_body(within, f'{prefix}{name}/', indent + '  '), f'{indent}}}']
    for edge in shown.edges:
        words = [f'label={dot_word(chr(10).join(one.text() for one in edge.reasons))}']
        if all(one.kind in (DEPENDS, HIDDEN) for one in edge.reasons):
            words.append('style=dashed')
        if edge.user in shown.inner:
            words.append(f'ltail={dot_word(f"cluster_{prefix}{edge.user}")}')
        if edge.needs in shown.inner:
            words.append(f'lhead={dot_word(f"cluster_{prefix}{edge.needs}")}')
        lines.append(f'{indent}{dot_word(prefix + edge.user)} -> {dot_word(prefix + edge.needs)} '
                     f'[{", ".join(words)}];')
    return lines
