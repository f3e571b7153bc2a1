"""Where in a template an expression, or a call of a function, stands.

Purpose: paths for who tells about parts of a template. Invariant: pure; a path leads as far
as the expressions know it. Neighbours: ``check``, ``lint`` and ``show``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heat.template.expr import Apply, Expr, ListOf, MapOf
from heat.template.findings import Path


def located(node: Expr, path: Path = ()) -> Iterator[tuple[Expr, Path]]:
    """Every node below with its place in the template, as far as the nodes know it."""
    yield node, path
    if isinstance(node, MapOf):
        for key, item in node.items:
            yield from located(item, (*path, key))
    elif isinstance(node, ListOf):
        for index, item in enumerate(node.items):
            yield from located(item, (*path, index))
    else:
        below = (*path, node.name) if isinstance(node, Apply) else path
        for item in node.children():
            yield from located(item, below)


_CALLS = ('get_resource', 'get_attr', 'get_param', 'Ref', 'Fn::GetAtt')


def calls_of(tree: Any, name: str, path: Path) -> Iterator[Path]:
    """The places in plain data where a function asks for ``name``."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            first = value[0] if isinstance(value, list) and value else value
            if key in _CALLS and isinstance(first, str) and (first == name or first.startswith(f'{name}.')):
                yield (*path, key)
            else:
                yield from calls_of(value, name, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from calls_of(value, name, (*path, index))
