"""The rules of functions on lists and maps, and the loops over them.

Purpose: ``rule(name, args) -> value`` on plain values and ``..._shape(name, args)``
on literal arguments (a sentence, or None). Invariant: pure; arguments are never
changed. A rule raises ValueError or TypeError with the sentence to show.
Neighbours: ``functions`` wraps them into nodes, ``yaql_language`` evaluates yaql.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

from heat.template import yaql_language
from heat.template.expr import weight
from heat.template.functions_text import MAX_TEXT

Rule = Callable[[str, Any], Any]
Shape = Callable[[str, Any], str | None]

# Items one ``repeat`` may make: a small template must not fill the memory.
MAX_ROUNDS = 100_000
MAX_ITEMS = 1_000_000


def map_merge(name: str, args: Any) -> dict[str, Any]:
    """``[map, map...]``: later ones win; null is skipped."""
    if not isinstance(args, list):
        raise TypeError(f'Incorrect arguments to "{name}" should be: "{name}" : '
                        '[ { "key1": "val1" }, { "key2": "val2" } ]')
    merged: dict[str, Any] = {}
    for item in args:
        if item is None:
            continue
        if not isinstance(item, Mapping):
            raise TypeError(f'Incorrect arguments to "{name}": items to merge must be maps.')
        merged.update(item)
    return merged


def map_replace(name: str, args: Any) -> dict[str, Any]:
    """``[map, {keys, values}]``: keys and values of the map exchanged for others."""
    form = (f'Incorrect arguments to "{name}" should be: "{name}" : [ {{ "key1": "val1" }}, '
            '{ "keys": { "key1": "key2" }, "values": { "val1": "val2" } } ]')
    if not isinstance(args, list) or len(args) != 2:
        raise TypeError(form)
    source, wanted = args
    source = {} if source is None else source
    if not isinstance(source, Mapping) or not isinstance(wanted, Mapping) or set(wanted) - {'keys', 'values'}:
        raise ValueError(form)
    keys, values = wanted.get('keys') or {}, wanted.get('values') or {}
    result: dict[str, Any] = {}
    for key, value in source.items():
        if isinstance(value, (str, int, float, bool)) and value in values:
            value = values[value]
        new: Any = keys.get(key, key)
        if new in result or (new != key and new in source and new not in keys):
            raise ValueError(f'"{name}" replacement key {new} conflicts with a key of the input map')
        result[new] = value
    return result


def contains_shape(name: str, args: Any) -> str | None:
    if isinstance(args, list) and len(args) == 2:
        return None
    return f'Arguments to "{name}" must be of the form: [value1, [value1, value2]]'


def contains(name: str, args: Any) -> bool:
    """``[value, sequence]``: whether it is in there; a text is searched for a part."""
    value, sequence = args
    if isinstance(sequence, str) and not isinstance(value, str):
        raise TypeError(f'"{name}" looks for a string in a string')
    if not isinstance(sequence, (list, str)):
        raise TypeError(f'Second argument to "{name}" should be a sequence.')
    return value in sequence


def filter_shape(name: str, args: Any) -> str | None:
    if isinstance(args, list) and len(args) == 2:
        return None
    return f'Argument to "{name}" must be a list of two items: [values, sequence]'


def filtered(name: str, args: Any) -> list[Any]:
    """``[values, sequence]``: the sequence without these values."""
    values, sequence = args
    if not isinstance(values, list):
        raise TypeError(f'First argument of "{name}" must be a list.')
    if sequence is None:
        return []
    if not isinstance(sequence, list):
        raise TypeError(f'Second argument of "{name}" must be a list.')
    return [item for item in sequence if item not in values]


def list_concat(name: str, args: Any) -> list[Any]:
    """``[list, list...]`` as one list; null is skipped."""
    form = f'Incorrect arguments to "{name}" should be: "{name}" : [ [ "val1" ], [ "val2" ] ]'
    if not isinstance(args, list):
        raise TypeError(form)
    result: list[Any] = []
    for item in args:
        if item is None:
            continue
        if not isinstance(item, list):
            raise TypeError(f'{form}: items to concatenate must be lists.')
        if len(result) + len(item) > MAX_ITEMS:
            raise ValueError(f'"{name}" would make more than {MAX_ITEMS} items')
        result.extend(item)
    return result


def list_concat_unique(name: str, args: Any) -> list[Any]:
    """As ``list_concat``, each value once, where it came first."""
    result: list[Any] = []
    seen: set[str] = set()
    for item in list_concat(name, args):
        mark = f'{type(item).__name__} {item!r}'
        if mark not in seen:
            seen.add(mark)
            result.append(item)
    return result


def repeat_shape(permutations: bool) -> Shape:
    def shape(name: str, args: Any) -> str | None:
        allowed = {'template', 'for_each', 'permutations'} if permutations else {'template', 'for_each'}
        if not isinstance(args, dict):
            return f'Arguments to "{name}" must be a map'
        if not {'template', 'for_each'} <= set(args) <= allowed:
            # The classic wording is the text form of a KeyError, quotes and all.
            return repr(f'"{name}" syntax should be {name}:\n'
                        '              template: This is %var%\n'
                        '              for_each:\n'
                        "                %var%: ['a', 'b', 'c']")
        if not isinstance(args['for_each'], dict):
            return f'The "for_each" argument to "{name}" must contain a map'
        return None

    return shape


def repeat(maps: bool, permutations: bool) -> Rule:
    """``{template, for_each[, permutations]}``: the template once per combination.

    ``maps``: a map counts as the list of its keys.
    """

    def rule(name: str, args: Any) -> list[Any]:
        loops = args['for_each']
        if not isinstance(loops, dict) or not loops:
            raise TypeError(f'The "for_each" argument to "{name}" must contain a map')
        lists = []
        for values in loops.values():
            if isinstance(values, dict) and maps:
                values = list(values)
            if values is None:
                values = []
            if not isinstance(values, list):
                raise TypeError(f'The values of the "for_each" argument to "{name}" must be lists')
            lists.append(values)
        crossed = args.get('permutations', True) if permutations else True
        if not isinstance(crossed, bool):
            raise TypeError(f'"permutations" should be boolean type for {name} function.')
        if not crossed and len({len(values) for values in lists}) > 1:
            raise ValueError(f'The length of lists specified in "for_each" of "{name}" must be the '
                             'same when "permutations" is false')
        if crossed and math.prod(len(values) for values in lists) > MAX_ROUNDS:
            raise ValueError(f'"{name}" would make more than {MAX_ROUNDS} items')
        rounds = itertools.product(*lists) if crossed else zip(*lists, strict=True)
        made, size = [], 0
        for values in rounds:
            made.append(_filled(args['template'], list(zip(loops, values, strict=True))))
            size += weight(made[-1])
            if size > MAX_TEXT:
                raise ValueError(f'"{name}" would make more than {MAX_TEXT} characters')
        return made

    return rule


def _filled(template: Any, pairs: list[tuple[str, Any]]) -> Any:
    if isinstance(template, str):
        for key, value in pairs:
            if template == key:
                return value
            if key in template:
                if isinstance(value, str) and template.count(key) * len(value) > MAX_TEXT:
                    raise ValueError(f'"repeat" would make more than {MAX_TEXT} characters')
                template = template.replace(key, value)
        return template
    if isinstance(template, list):
        return [_filled(item, pairs) for item in template]
    if isinstance(template, dict):
        return {_filled(key, pairs): _filled(value, pairs) for key, value in template.items()}
    return template


def yaql_shape(name: str, args: Any) -> str | None:
    if not isinstance(args, dict):
        return f'Arguments to "{name}" must be a map.'
    if set(args) != {'expression', 'data'}:
        return (f'"{name}" syntax should be {name}:\n'
                '              expression: $.data.select($.name)\n'
                '              data: <a map or list>')
    expression = args['expression']
    if isinstance(expression, str):
        try:
            yaql_language.check(expression)
        except Exception as exc:
            return f'Bad expression {exc}.'
    return None


def yaql_value(name: str, args: Any) -> Any:
    """``{expression, data}``: what the expression finds; ``$`` holds ``{data: ...}``."""
    if not isinstance(args['expression'], str):
        raise TypeError(f'The "expression" argument to "{name}" must be a string')
    try:
        return yaql_language.evaluate(args['expression'], {'data': args['data']})
    except Exception as exc:
        raise ValueError(f'{type(exc).__name__}: {exc}') from exc
