"""The dependencies of a stack over REST: as JSON, or drawn by graphviz.

Purpose: one route and the two shapes of its answer. Invariant: it tells nothing
that the list of resources does not tell, and asks for the same policy rule.
Neighbours: ``api.rest.routes``; the engine method is ``stack_graph``.
"""

from __future__ import annotations

from typing import Any

import webob

from heat.api.dispatch import Call
from heat.api.parameters import CHOICE, NESTED_DEPTH, Parameter
from heat.api.rest import links
from heat.api.wsgi import Request, json_response
from heat.common.ids import StackId
from heat.common.text import dot_word

DOT = 'text/vnd.graphviz'
SHOW = (NESTED_DEPTH, Parameter('format', CHOICE, 'Form of the answer', choices=('json', 'dot')))
NODE = ('resource_name', 'resource_type', 'physical_resource_id', 'resource_status_reason', 'updated_time')
COLOURS = {'COMPLETE': 'palegreen', 'FAILED': 'salmon', 'IN_PROGRESS': 'khaki', '': 'white'}


def show(call: Call) -> webob.Response:
    """GET /graph; dot for whoever accepts ``text/vnd.graphviz`` or says ``format=dot``."""
    request = call.request
    wanted = call.query['format'] or ('dot' if DOT in request.headers.get('Accept', '') else 'json')
    graph = call.engine('stack_graph', stack_identity=call.stack,
                        nested_depth=call.query['nested_depth'] or 0)
    if wanted == 'json':
        return json_response({'graph': shaped(request, graph)})
    return webob.Response(text=dot(graph), content_type=DOT, charset='utf-8')


def shaped(request: Request, graph: dict[str, Any]) -> dict[str, Any]:
    """The engine's graph as its REST object; an edge leads from who waits to what it waits for."""
    identity = graph['stack_identity']
    nodes = []
    for node in graph['nodes']:
        shown = {key: node[key] for key in NODE}
        shown['resource_status'] = state(node)
        own = StackId.from_wire(identity).resource(node['resource_name'])
        shown['links'] = [links.link(request, own.to_wire())]
        if 'nested' in node:
            shown['nested'] = shaped(request, node['nested'])
        nodes.append(shown)
    return {'stack_name': graph['stack_name'], 'links': [links.link(request, identity)], 'nodes': nodes,
            'edges': graph['edges']}


def state(node: dict[str, Any]) -> str | None:
    """``ACTION_STATUS``; None for what is not begun."""
    action = node['resource_action']
    return None if action is None else f'{action}_{node["resource_status"]}'


def dot(graph: dict[str, Any]) -> str:
    """The graph in graphviz's language; nested stacks are boxes around theirs."""
    lines = [f'digraph {dot_word(graph["stack_name"])} {{', '  compound=true;',
             '  node [shape=box, style=filled, fontname="sans-serif"];', *_body(graph, '', '  '), '}']
    return '\n'.join(lines) + '\n'


def _body(graph: dict[str, Any], prefix: str, indent: str) -> list[str]:
    lines = []
    inner = {node['resource_name'] for node in graph['nodes'] if 'nested' in node}
    for node in graph['nodes']:
        name = node['resource_name']
        label = dot_word('\n'.join(filter(None, (name, node['resource_type'], state(node)))))
        own = dot_word(prefix + name)
        colour = COLOURS.get(node['resource_status'] or '', COLOURS[''])
        if name not in inner:
            lines.append(f'{indent}{own} [label={label}, fillcolor={colour}];')
            continue
        lines += [f'{indent}subgraph {dot_word(f"cluster_{prefix}{name}")} {{', f'{indent}  label={label};',
                  # The point at which the arrows of the whole box end.
                  f'{indent}  {own} [shape=point, style=invis];',
                  *_body(node['nested'], f'{prefix}{name}/', indent + '  '), f'{indent}}}']
    for edge in graph['edges']:
        words = [f'{end}={dot_word(f"cluster_{prefix}{edge[side]}")}'
                 for side, end in (('from', 'ltail'), ('to', 'lhead')) if edge[side] in inner]
        more = f' [{", ".join(words)}]' if words else ''
        lines.append(f'{indent}{dot_word(prefix + edge["from"])} -> {dot_word(prefix + edge["to"])}{more};')
    return lines
