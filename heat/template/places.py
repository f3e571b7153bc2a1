"""Where in a template's tree a name is asked for.

Purpose: the very call that a fault is about; an expression knows less of its place than
the tree does, once branches are taken. Invariant: pure; looked for only when something
is wrong. Neighbours: ``definition`` and ``heat.plan.lint``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heat.template.functions import Path

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


def pinned(tree: Any, path: Path, name: str) -> Path:
    """The call below or around ``path`` that asks for ``name``; ``path`` itself if there is none.

    Nothing above a part of a resource or an output is searched.
    """
    for length in range(len(path), 2, -1):
        at = part(tree, path[:length])
        if at is not None:
            return next(calls_of({path[length - 1]: at}, name, path[:length - 1]), path)
    return path


def part(tree: Any, path: Path) -> Any:
    """What stands at ``path``, None if nothing does."""
    for step in path:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree
