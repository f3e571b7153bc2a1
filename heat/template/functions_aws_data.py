"""Functions of AWS's own format that make values of values: texts, lists, look-ups.

Purpose: builders, each with its plain rule. Invariant: literal arguments are checked
when the template is compiled, all others when they are evaluated (ValueError); no value
is shown in a sentence, for it may be hidden. Neighbours: ``functions_aws`` lists them.
"""

from __future__ import annotations

import base64 as codec
import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heat.common.text import read_json
from heat.schema.kinds import ABSENT, UNKNOWN
from heat.template import functions_cfn as classic
from heat.template.expr import Apply, Constant, Expr, Scope
from heat.template.functions import Builder, Path
from heat.template.functions_text import joined, kind_of, scalar_text

if TYPE_CHECKING:
    from heat.template.compile import Unit

NO_VALUE = 'AWS::NoValue'
EXTENSIONS = 'AWS::LanguageExtensions'
# Properties that hold the script of a server.
_SCRIPTS = ('UserData', 'user_data')


def shaped(count: int, form: str, rule: Callable[[str, Any], Any], *,
           literal: int | None = None) -> Builder:
    """A builder for ``count`` arguments in a list; the one at ``literal`` is no function."""

    def build(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        sentence = f'Arguments to "{name}" must be of the form {form}'
        if not isinstance(args, list) or len(args) != count:
            return unit.fault(path, sentence)
        if literal is not None and not isinstance(args[literal], str):
            return unit.fault((*path, literal), f'{sentence}, the delimiter a literal string')

        def checked(values: Any) -> Any:
            # AWS::NoValue leaves a hole.
            if len(values) != count:
                raise ValueError(f'{sentence}, none of them {NO_VALUE}')
            return rule(name, values)

        return Apply(name, unit.node(args, path), checked)

    return build


def join(name: str, args: Any) -> str:
    delimiter, items = args
    if not isinstance(items, list):
        raise ValueError(f'The second argument of "{name}" must be a list, not {kind_of(items)}')
    return joined(name, str(delimiter), [scalar_text(name, item) for item in items])


def join_builder(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if isinstance(args, list) and len(args) == 2 and not isinstance(args[1], (list, dict)):
        return unit.fault((*path, 1), f'The second argument of "{name}" must be a list or a function')
    return shaped(2, '[delimiter, [value, ...]]', join, literal=0)(unit, name, args, path)


def split(name: str, args: Any) -> list[str]:
    delimiter, source = args
    if not isinstance(source, str):
        raise ValueError(f'The second argument of "{name}" must be a string, not {kind_of(source)}')
    return source.split(delimiter)


def split_builder(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if isinstance(args, list) and len(args) == 2:
        if args[0] == '':
            return unit.fault((*path, 0), f'The delimiter of "{name}" must not be empty')
        if not isinstance(args[1], (str, dict)):
            return unit.fault((*path, 1), f'The second argument of "{name}" must be a string or a function')
        if isinstance(args[1], str) and '{{resolve:' in args[1]:
            return unit.fault((*path, 1), f'"{name}" cannot split a dynamic reference: its value comes later')
    return shaped(2, '[delimiter, string]', split, literal=0)(unit, name, args, path)


def select(name: str, args: Any) -> Any:
    index, items = args
    if isinstance(items, str):
        with contextlib.suppress(ValueError):
            items = read_json(items)
    if isinstance(items, dict):
        return classic.select(name, [index, items])
    if not isinstance(items, list):
        raise ValueError(f'The second argument of "{name}" must be a list, not {kind_of(items)}')
    try:
        place = int(index)
    except (ValueError, TypeError):
        raise ValueError(f'The index of "{name}" must be a whole number, not {kind_of(index)}') from None
    if not 0 <= place < len(items) or items[place] is None:
        raise ValueError(f'"{name}" cannot select nonexistent value at index {place}')
    return items[place]


def select_builder(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if isinstance(args, list) and len(args) == 2:
        items = args[1]
        if isinstance(items, dict) and not (len(items) == 1 and next(iter(items)) in unit.functions):
            unit.warn((*path, 1), f'"{name}" of a map is known here only, AWS selects from lists')
        elif not isinstance(items, (list, dict, str)):
            return unit.fault((*path, 1), f'The second argument of "{name}" must be a list or a function')
    return shaped(2, '[index, [value, ...]]', select)(unit, name, args, path)


def find_in_map(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    form = f'Arguments to "{name}" must be of the form [mapping, first_key, second_key]'
    otherwise = None
    if isinstance(args, list) and len(args) == 4:
        more = args[3]
        if not isinstance(more, dict) or list(more) != ['DefaultValue']:
            return unit.fault((*path, 3), f'The last argument of "{name}" must be {{"DefaultValue": value}}')
        if not unit.extensions:
            return unit.fault((*path, 3), f'DefaultValue needs "Transform: {EXTENSIONS}"')
        otherwise = unit.node(more['DefaultValue'], (*path, 3, 'DefaultValue'))
        args = args[:3]
    if not isinstance(args, list) or len(args) != 3:
        return unit.fault(path, form)
    mappings = unit.mappings
    if isinstance(args[0], str) and args[0] not in mappings and otherwise is None:
        return unit.unknown((*path, 0), f'There is no mapping "{args[0]}"', args[0], mappings)
    keys = shaped(3, '[mapping, first_key, second_key]',
                  lambda name, values: [scalar_text(name, value) for value in values])(unit, name, args, path)
    return InMap(keys, mappings, otherwise)


@dataclass(frozen=True, slots=True)
class InMap(Expr):
    """A value of the Mappings section; ``otherwise`` is looked at only if there is none."""

    keys: Expr
    mappings: Any
    otherwise: Expr | None

    def value(self, scope: Scope) -> Any:
        keys = self.keys.value(scope)
        if keys is UNKNOWN:
            return UNKNOWN
        found = self._found(keys)
        if found is not ABSENT:
            return found
        if self.otherwise is not None:
            return self.otherwise.value(scope)
        raise ValueError(f'"Fn::FindInMap" found nothing for {", ".join(keys)}')

    def _found(self, keys: Any) -> Any:
        found: Any = self.mappings
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                return ABSENT
            found = found[key]
        return found

    def children(self) -> Iterable[Expr]:
        return (self.keys,) if self.otherwise is None else (self.keys, self.otherwise)

    def settle(self, scope: Scope) -> Expr:
        keys = self.keys.settle(scope)
        found = self._found(keys.data) if isinstance(keys, Constant) else ABSENT
        if found is not ABSENT:
            return Constant(found)
        otherwise = None if self.otherwise is None else self.otherwise.settle(scope)
        return otherwise if otherwise is not None and isinstance(keys, Constant) else InMap(
            keys, self.mappings, otherwise)


def base64(name: str, args: Any) -> str:
    if not isinstance(args, str):
        raise ValueError(f'"{name}" argument must be a string, not {kind_of(args)}')
    return codec.b64encode(args.encode()).decode('ascii')


def base64_builder(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    """Real base64, but for the script of a server, which is encoded on its way to the cloud."""
    if isinstance(args, (list, int)) or args is None:
        return unit.fault(path, f'"{name}" argument must be a string')
    place = next((step for step in reversed(path[:-1]) if not isinstance(step, int) and step != 'Fn::If'), '')
    if place in _SCRIPTS:
        if place == 'user_data':
            unit.warn(path, f'"{name}" gives the text as it is, since {place} is encoded on its way')
        return Apply(name, unit.node(args, path), lambda value: classic.base64(name, value))
    return Apply(name, unit.node(args, path), lambda value: base64(name, value))


def comparable(value: Any) -> Any:
    """Scalars as the text they are to AWS: a Number is text, true is 'true'."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    return value if value is None else scalar_text('Fn::Equals', value)


def extension(inner: Builder) -> Builder:
    """A function of templates that ask for AWS::LanguageExtensions."""

    def build(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        if not unit.extensions:
            return unit.fault(path, f'The function "{name}" needs "Transform: {EXTENSIONS}"')
        return inner(unit, name, args, path)

    return build


def length(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, (list, dict)):
        return unit.fault(path, f'Argument to "{name}" must be a list or a function that gives one')

    def rule(value: Any) -> int:
        if not isinstance(value, list):
            raise ValueError(f'Argument to "{name}" must be a list, not {kind_of(value)}')
        return len(value)

    return Apply(name, unit.node(args, path), rule, shallow=True)


def to_json_string(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, (list, dict)):
        return unit.fault(path, f'Argument to "{name}" must be a map or a list')

    def rule(value: Any) -> str:
        if not isinstance(value, (list, dict)):
            raise ValueError(f'Argument to "{name}" must be a map or a list, not {kind_of(value)}')
        # A text in a text in a text has its quotes escaped each time.
        return joined(name, '', [json.dumps(value, separators=(',', ':'), ensure_ascii=False)])

    return Apply(name, unit.node(args, path), rule)
