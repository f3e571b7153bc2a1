"""CloudFormation templates as HOT: the same resources, references and order.

Purpose: ``to_hot``. Invariant: pure; what has no equivalent is left out or kept as near
as HOT comes to it, and is told with its path, never dropped in silence. Names of
resources, parameters and types stay. Neighbours: ``convert_calls`` has the functions,
``versions`` says which of them a template's version knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heat.schema.parameters_aws import STORED, THINGS
from heat.template.convert_calls import Calls, Path
from heat.template.versions import HOT_KEY, VERSION_KEYS, dialect_of, table

_TYPES = {'String': 'string', 'Number': 'number', 'CommaDelimitedList': 'comma_delimited_list',
          'Json': 'json', 'Boolean': 'boolean'}
_RESOURCE = {'Type': 'type', 'Description': 'description', 'Condition': 'condition',
             'DependsOn': 'depends_on', 'DeletionPolicy': 'deletion_policy', 'UpdatePolicy': 'update_policy',
             'Metadata': 'metadata', 'Properties': 'properties'}
_OUTPUT = {'Description': 'description', 'Condition': 'condition', 'Value': 'value'}
_PARAMETER = {'Type': 'type', 'Label': 'label', 'Description': 'description', 'Default': 'default',
              'NoEcho': 'hidden'}
_LIMITS = {'MinLength': ('length', 'min'), 'MaxLength': ('length', 'max'), 'MinValue': ('range', 'min'),
           'MaxValue': ('range', 'max')}
_SAID = 'ConstraintDescription'


@dataclass(frozen=True, slots=True)
class Converted:
    """``lost`` holds ``(path, sentence)`` of all that has no equivalent."""

    tree: dict[str, Any]
    lost: tuple[tuple[Path, str], ...]


def newest() -> str:
    """The newest HOT version."""
    return max(row.date for row in table().values() if row.key == HOT_KEY)


def to_hot(tree: Mapping[str, Any]) -> Converted:
    """A CloudFormation template that compiles, as HOT of the newest version.

    A HOT template is given back as it is. Raises InvalidTemplateVersion.
    """
    if dialect_of(tree).dialect == 'hot':
        return Converted(dict(tree), ())
    return _Converter(tree).converted()


class _Converter:
    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree
        self.version = dialect_of(tree)
        self.lost: list[tuple[Path, str]] = []
        self.hot = table()[f'{HOT_KEY}.{newest()}']
        self.calls = Calls(tree, self.version, self.hot, self.lost)

    def converted(self) -> Converted:
        made: dict[str, Any] = {HOT_KEY: newest()}
        if self.tree.get('Description'):
            made['description'] = self.tree['Description']
        parameters = {name: self._parameter(data, ('Parameters', name))
                      for name, data in self._section('Parameters')}
        conditions = {name: self.calls.condition(data, ('Conditions', name))
                      for name, data in self._section('Conditions')}
        resources = {name: self._mapped(data, _RESOURCE, ('Resources', name))
                     for name, data in self._section('Resources')}
        outputs = {name: self._mapped(data, _OUTPUT, ('Outputs', name))
                   for name, data in self._section('Outputs')}
        parameters |= self.calls.new_parameters
        made |= {name: section for name, section in (
            ('parameters', parameters), ('conditions', conditions), ('resources', resources),
            ('outputs', outputs)) if section}
        known = {*VERSION_KEYS, 'Description', 'Parameters', 'Conditions', 'Resources', 'Outputs', 'Mappings'}
        for section, data in self.tree.items():
            if section not in known and data:
                self.lost.append(((section,), f'HOT has no section like {section}.'))
        return Converted(made, tuple(dict.fromkeys(self.lost)))

    def _section(self, name: str) -> list[tuple[str, Any]]:
        found = self.tree.get(name)
        entries = list(found.items()) if isinstance(found, dict) else []
        if name == 'Conditions':
            return entries
        self.lost += [((name, one), f'HOT has nothing like {one} here.')
                      for one, data in entries if not isinstance(data, dict)]
        return [(one, data) for one, data in entries if isinstance(data, dict)]

    def _parameter(self, data: Mapping[str, Any], path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, hot in _PARAMETER.items():
            if data.get(key) is not None:
                made[hot] = data[key]
        kind = str(data.get('Type'))
        # Types that CloudFormation looks up in its cloud are texts and lists of them.
        made['type'] = _TYPES.get(kind) or (
            'comma_delimited_list' if kind.startswith('List<') or 'List<' in kind else 'string')
        constraints: dict[str, Any] = {}
        if THINGS.get(kind):
            constraints['custom_constraint'] = THINGS[kind]
        if kind.startswith(STORED):
            self.lost.append(((*path, 'Type'), 'HOT reads no values from a parameter store.'))
        for key, (limit, side) in _LIMITS.items():
            if data.get(key) is not None:
                constraints.setdefault(limit, {})[side] = data[key]
        for key, limit in (('AllowedValues', 'allowed_values'), ('AllowedPattern', 'allowed_pattern')):
            if key in data:
                constraints[limit] = data[key]
        if constraints:
            said = {'description': data[_SAID]} if data.get(_SAID) else {}
            made['constraints'] = [{kind: body, **said} for kind, body in constraints.items()]
        for key in data:
            if key not in (*_PARAMETER, *_LIMITS, 'AllowedValues', 'AllowedPattern', _SAID):
                self.lost.append(((*path, key), f'HOT parameters have no {key}.'))
        return made

    def _mapped(self, data: Mapping[str, Any], words: Mapping[str, str], path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, hot in words.items():
            value, here = data.get(key), (*path, key)
            if value is None and key != 'Value':
                continue
            if key == 'Condition' and not self.version.supports_conditions:
                self.lost.append((here, f'{self.version.name} does not read this condition.'))
                continue
            if key == 'Condition':
                made[hot] = self.calls.condition(value, here)
            elif key == 'DeletionPolicy' and isinstance(value, str):
                made[hot] = value
                if value not in self.hot.deletion_policies:
                    made[hot] = 'Retain'
                    self.lost.append((here, f'HOT has no {key} {value}; Retain stands in its place.'))
            elif key in ('Type', 'Description', 'DependsOn'):
                made[hot] = value
            else:
                made[hot] = self.calls.value(value, here)
        for key in data:
            # A version without conditions lets the key pass unread, like any other.
            if key not in words:
                self.lost.append(((*path, key), f'HOT has no {key} here.'))
        return made
