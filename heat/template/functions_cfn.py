"""The functions of CloudFormation templates: ``Ref`` and ``Fn::*``.

Purpose: builders like those of ``functions``, in the older spelling. Invariant and
errors as there. ``Fn::Base64`` gives its argument unchanged, as the interface has
always done. Neighbours: ``versions`` says which template knows which of them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from heat.common.text import read_json
from heat.template import functions_text as text
from heat.template.expr import Apply, Constant, Expr
from heat.template.foreign import Zones
from heat.template.functions import (
    Builder,
    GetAttr,
    GetParam,
    GetResource,
    Path,
    choice,
    over,
    resource_facade,
)

if TYPE_CHECKING:
    from heat.template.compile import Unit


def ref(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    """A parameter if there is one of that name, else a resource."""
    if not isinstance(args, str):
        return unit.fault(path, f'Argument to "{name}" must be a string')
    if args in unit.parameters:
        return GetParam(Constant(args))
    return GetResource(Constant(args))


def param_ref(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    """``Ref`` inside a condition: parameters only."""
    if not isinstance(args, str) or args not in unit.parameters:
        return unit.fault(path, f'Invalid parameter reference {args}', name=args, known=unit.parameters)
    return GetParam(Constant(args))


def get_att(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, list) or len(args) != 2:
        return unit.fault(path, f'Arguments to "{name}" must be of the form [resource_name, attribute]')
    return GetAttr(name, unit.node(args[0], (*path, 0)), unit.node(args[1], (*path, 1)))


def find_in_map(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, list) or len(args) != 3:
        return unit.fault(path, f'Arguments to "{name}" must be of the form '
                                '[mapping, first_key, second_key]')
    mappings = unit.mappings

    def rule(keys: Any) -> Any:
        found: Any = mappings
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                raise ValueError(f'"{name}" found no {key} in the mapping')
            found = found[key]
        return found

    return Apply(name, unit.node(args, path), rule)


def get_azs(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    return Zones(unit.node(args, path))


def _select_shape(name: str, args: Any) -> str | None:
    if isinstance(args, list) and len(args) == 2:
        return None
    return f'Arguments to "{name}" must be of the form [index, collection]'


def select(name: str, args: Any) -> Any:
    """``[index, collection]``: an item of a list or map, '' if there is none."""
    index, collection = args
    if isinstance(collection, str):
        with contextlib.suppress(ValueError):
            collection = read_json(collection)
    if collection is None:
        return ''
    if isinstance(collection, dict):
        if not isinstance(index, str):
            raise TypeError(f'Index to "{name}" must be a string')
        return collection.get(index, '')
    if isinstance(collection, list):
        try:
            place = int(index)
        except (ValueError, TypeError):
            raise TypeError(f'Index to "{name}" must be an integer') from None
        return collection[place] if 0 <= place < len(collection) else ''
    raise TypeError(f'Arguments to "{name}" are no list or map')


def _split_shape(name: str, args: Any) -> str | None:
    if isinstance(args, list) and len(args) == 2:
        return None
    return f'Arguments to "{name}" must be of the form [delimiter, string]'


def split(name: str, args: Any) -> list[str]:
    delimiter, source = args
    if not isinstance(delimiter, str) or not isinstance(source, str) or not delimiter:
        raise TypeError(f'Arguments to "{name}" must be strings, the delimiter not empty')
    return source.split(delimiter)


def _replace_shape(name: str, args: Any) -> str | None:
    form = f'Incorrect arguments to "{name}" should be: "{name}": [ {{"$var1": "foo"}}, "$var1 text" ]'
    return None if isinstance(args, list) and len(args) == 2 else form


def replace(name: str, args: Any) -> str:
    return text.replaced(name, args[1], args[0], as_json=False, strict=False, filled=False)


def base64(name: str, args: Any) -> str:
    if not isinstance(args, str):
        raise TypeError(f'"{name}" argument must be a string')
    return args


def _members_shape(name: str, args: Any) -> str | None:
    form = (f'Incorrect arguments to "{name}" should be: "{name}" : '
            '["Name", "Value", [".member.0.Name=key", ".member.0.Value=door"]]')
    return None if isinstance(args, list) and len(args) == 3 else form


def member_list_to_map(name: str, args: Any) -> dict[str, str]:
    """``['Name', 'Value', ['.member.0.Name=a', '.member.0.Value=b']]`` -> ``{'a': 'b'}``."""
    key_name, value_name, members = args
    if not isinstance(members, list) or not all(isinstance(m, str) for m in members):
        raise TypeError(f'Member list of "{name}" must be a list of strings')
    found: dict[str, dict[str, str]] = {}
    for member in members:
        place, _, value = member.partition('=')
        parts = place.split('.')
        if len(parts) >= 4 and parts[1] == 'member':
            found.setdefault(parts[2], {})['.'.join(parts[3:])] = value
    return {entry[key_name]: entry.get(value_name, '') for entry in found.values() if key_name in entry}


BUILDERS: dict[str, Builder] = {
    'Fn::Base64': over(base64),
    'Fn::FindInMap': find_in_map,
    'Fn::GetAZs': get_azs,
    'Fn::GetAtt': get_att,
    'Fn::If': choice(True),
    'Fn::Join': over(text.join_strings, text.join_shape),
    'Fn::MemberListToMap': over(member_list_to_map, _members_shape),
    'Fn::Replace': over(replace, _replace_shape),
    'Fn::ResourceFacade': resource_facade,
    'Fn::Select': over(select, _select_shape),
    'Fn::Split': over(split, _split_shape),
    'Ref': ref,
}
