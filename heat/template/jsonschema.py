"""Templates described for editors: JSON Schema (draft 2020-12) of a version.

Purpose: ``schema_of`` a version and ``schema_of_all``, made from the tables of versions
and types. Invariant: pure; a template that validates is accepted by its schema, since
wherever a value may stand a function may stand, and texts that can be converted are let
pass. Neighbours: ``versions`` has sections and functions, ``heat.schema`` the properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.schema.constraints import AllowedPattern, AllowedValues, Length, Modulo, Range
from heat.schema.kinds import Property
from heat.schema.properties import TypeSchema
from heat.template.versions import ALIASES, AWS_KEY, DESCRIPTIONS, HOT_KEY, LOOP, Version, table

DIALECT = 'https://json-schema.org/draft/2020-12/schema'
Schema = dict[str, Any]
# The kinds of JSON that are converted to each kind of property.
# What macros put beside other keys.
_MACROS: Schema = {f'^{LOOP}::[A-Za-z0-9]+$': {'type': 'array'},
                   '^Fn::Transform$': {'type': ['object', 'array']}}
_ACCEPTED = {'String': ['string', 'number', 'boolean'], 'Integer': ['integer', 'string', 'boolean', 'number'],
             'Number': ['number', 'string', 'boolean'], 'Boolean': ['boolean', 'string'], 'Map': ['object'],
             'List': ['array']}


def version_named(name: str) -> Version:
    """The row of a full name, a date or an alias. ValueError, naming all, if there is none."""
    rows = table()
    date = ALIASES.get(name, name)
    for row in rows.values():
        if name == row.name or date == row.date or name in (f'{row.key}.{alias}' for alias in row.aliases):
            return row
    raise ValueError(f'There is no version "{name}"; there are {", ".join([*rows, *ALIASES])} and all.')


def schema_of(version: Version, types: Mapping[str, TypeSchema]) -> Schema:
    """The schema of templates of one version."""
    return {'$schema': DIALECT, '$id': _id(version.name),
            'title': f'Heat template, {version.key} {version.date}', **_Described(version, types).template()}


def schema_of_all(types: Mapping[str, TypeSchema]) -> Schema:
    """One schema of every version, chosen by what the template names.

    The types are in it once per spelling and not once per version, so a function inside
    properties may be one of any version.
    """
    rows = list(table().values())
    choices = [{'if': {'properties': {row.key: {'enum': _spellings(row)}}, 'required': [row.key]},
                'then': {'$ref': _id(row.name)}} for row in rows]
    defs: Schema = {}
    for hot in (True, False):
        alike = [row for row in rows if (row.key == HOT_KEY) is hot]
        names = {name: since for row in alike for name, since in row.functions.items()}
        united = replace(alike[-1], functions=names)
        shared = 'types-hot' if hot else 'types-cfn'
        defs[shared] = {'$id': _id(shared), '$defs': _Described(united, types).of_types()}
        for row in alike:
            defs[row.name] = {'$id': _id(row.name), **_Described(row, types, _id(shared)).template()}
    keys = list(dict.fromkeys(row.key for row in rows))
    # AWS's own format may leave its version away.
    unnamed = {'required': ['Resources'], 'not': {'anyOf': [{'required': [key]} for key in keys]}}
    choices += [{'if': unnamed, 'then': {'$ref': _id(row.name)}} for row in rows if row.key == AWS_KEY]
    return {'$schema': DIALECT, '$id': _id('all'), 'title': 'Heat template', 'type': 'object',
            'oneOf': [*({'required': [key]} for key in keys), unnamed],
            'properties': {key: {'enum': [one for row in rows if row.key == key for one in _spellings(row)]}
                           for key in keys},
            'allOf': choices, '$defs': defs}


def _id(name: str) -> str:
    return f'https://openstack.org/heat/schema/{name}.json'


def _spellings(version: Version) -> list[str]:
    return [version.date, *version.aliases]


def _ref(name: str) -> Schema:
    return {'$ref': f'#/$defs/{name}'}


class _Described:
    """``elsewhere`` is the id of the schema that holds the types; '' if this one does."""

    def __init__(self, version: Version, types: Mapping[str, TypeSchema], elsewhere: str = '') -> None:
        self.version = version
        self.types = types
        self.elsewhere = elsewhere
        self.hot = version.key == HOT_KEY
        self.macros: Schema = {'patternProperties': _MACROS} if LOOP in version.functions else {}

    def word(self, hot: str) -> str:
        """A key in the version's spelling."""
        return hot if self.hot else ''.join(part.title() for part in hot.split('_'))

    def template(self) -> Schema:
        version = self.version
        sections: Schema = {}
        for section in version.sections:
            sections[section] = self._section(section)
        sections[version.key] = {'enum': _spellings(version)}
        defs: Schema = {**self._values(), 'parameter': self._parameter(), 'resource': self._resource(),
                        'output': self._output()}
        if version.supports_conditions:
            defs['condition'] = {'anyOf': [{'type': ['boolean', 'string']},
                                           self._functions(version.condition_functions)]}
        if not self.elsewhere:
            defs |= self.of_types()
        named: Schema = {'required': [version.key]}
        if version.key == AWS_KEY:
            named = {'anyOf': [named, {'required': ['Resources']}]}
        return {'type': 'object', 'properties': sections, **named, **self.macros,
                'additionalProperties': False, '$defs': defs}

    def _values(self) -> Schema:
        return {
            'function': self._functions(self.version.functions),
            'value': {'anyOf': [_ref('function'), {'type': ['string', 'number', 'boolean', 'null']},
                                {'type': 'array', 'items': _ref('value')},
                                {'type': 'object', 'additionalProperties': _ref('value')}]},
            'map': {'anyOf': [_ref('function'), {'type': ['object', 'null'],
                                                 'additionalProperties': _ref('value')}]}}

    def of_types(self) -> Schema:
        """The properties and update policies of all types."""
        defs = self._values()
        for name, one in self.types.items():
            defs[f'type:{name}'] = self._properties(one)
            if one.update_policy:
                defs[f'policy:{name}'] = self._map(one.update_policy, one.open)
        return defs

    def _section(self, section: str) -> Schema:
        low = section.lower()
        if low in ('parameters', 'resources', 'outputs', 'conditions'):
            return {'type': ['object', 'null'], **self.macros,
                    'additionalProperties': _ref(low.removesuffix('s'))}
        if low == 'description':
            return {'type': ['string', 'null']}
        if low == 'mappings':
            return {'type': ['object', 'null'], 'additionalProperties': {
                'type': 'object', 'additionalProperties': {'type': 'object'}}}
        if low == 'parameter_groups':
            group = {'type': 'object', 'required': ['parameters'], 'properties': {
                'label': {'type': 'string'}, 'description': {'type': 'string'},
                'parameters': {'type': 'array', 'items': {'type': 'string'}, 'uniqueItems': True}}}
            return {'type': ['array', 'null'], 'items': group}
        # Sections that this module does not know better: any value.
        return {}

    def _functions(self, names: Mapping[str, str]) -> Schema:
        """A map with one key, the name of a function."""
        calls = {name: {'description': DESCRIPTIONS.get(name, '')} for name in names}
        return {'type': 'object', 'minProperties': 1, 'maxProperties': 1, 'properties': calls,
                **({'patternProperties': _MACROS} if LOOP in names else {}), 'additionalProperties': False}

    def _or_function(self, schema: Schema) -> Schema:
        return {'anyOf': [schema, _ref('function')]}

    def _parameter(self) -> Schema:
        version = self.version
        known: Schema = {}
        for key in version.parameter_keys:
            known[key] = {}
        known[self.word('type')] = {'anyOf': [{'enum': list(version.parameter_types)},
                                              *([] if self.hot else [{'type': 'string'}])]}
        for key in ('description', 'label', 'constraint_description'):
            if self.word(key) in known:
                known[self.word(key)] = {'type': ['string', 'null']}
        for key in ('hidden', 'immutable', 'NoEcho'):
            if key in known:
                known[key] = {'type': ['boolean', 'string', 'null']}
        if 'constraints' in known:
            known['constraints'] = {'type': ['array', 'null'], 'items': self._constraint()}
        if 'AllowedValues' in known:
            known['AllowedValues'] = {'type': 'array'}
        if 'tags' in known:
            known['tags'] = {'type': ['array', 'null'], 'items': {'type': 'string'}}
        return {'type': 'object', 'properties': known, 'required': [self.word('type')],
                'additionalProperties': False}

    def _constraint(self) -> Schema:
        sides = {'type': 'object', 'minProperties': 1, 'additionalProperties': False,
                 'properties': {side: {'type': ['number', 'string', 'null']} for side in ('min', 'max')}}
        whole = {'type': ['integer', 'string']}
        bodies = {'range': sides, 'length': sides, 'allowed_values': {'type': 'array'},
                  'allowed_pattern': {'type': 'string'}, 'custom_constraint': {'type': 'string'},
                  'modulo': {'type': 'object', 'required': ['step', 'offset'], 'additionalProperties': False,
                             'properties': {'step': whole, 'offset': whole}}}
        kinds = self.version.parameter_constraints
        return {'type': 'object', 'additionalProperties': False,
                'properties': {'description': {'type': ['string', 'null']},
                               **{kind: bodies.get(kind, {}) for kind in kinds}},
                'oneOf': [{'required': [kind]} for kind in kinds]}

    def _resource(self) -> Schema:
        version, word = self.version, self.word
        known: Schema = {key: {} for key in version.resource_keys}
        known[word('type')] = {'anyOf': [
            {'enum': [name for name, one in self.types.items() if not one.support.hidden]},
            {'type': 'string', 'minLength': 1}]}
        for key in ('properties', 'metadata', 'update_policy'):
            known[word(key)] = _ref('map')
        known[word('depends_on')] = {'anyOf': [{'type': ['string', 'null']},
                                               {'type': 'array', 'items': {'type': 'string'}}]}
        known[word('deletion_policy')] = {'anyOf': [{'enum': [*version.deletion_policies, None]},
                                                    _ref('function')]}
        known[word('description')] = {'type': ['string', 'null']}
        if word('condition') in known:
            known[word('condition')] = {'anyOf': [_ref('condition'), {'type': 'null'}]}
        if 'external_id' in known:
            known['external_id'] = _ref('value')
        chosen = []
        for name, one in self.types.items():
            then: Schema = {word('properties'): self._type(f'type:{name}')}
            if one.update_policy:
                then[word('update_policy')] = self._type(f'policy:{name}')
            choice: Schema = {'properties': then}
            if any(prop.required for prop in one.properties.values()):
                choice['required'] = [word('properties')]
            if one.support.status == 'DEPRECATED':
                choice['deprecated'] = True
            chosen.append({'if': {'properties': {word('type'): {'const': name}}, 'required': [word('type')]},
                           'then': choice})
        return {'type': 'object', 'properties': known, 'required': [word('type')],
                **({'additionalProperties': False} if self.hot else {}), 'allOf': chosen}

    def _type(self, name: str) -> Schema:
        return {'$ref': f'{self.elsewhere}#/$defs/{name}'}

    def _output(self) -> Schema:
        word = self.word
        known: Schema = {key: {} for key in self.version.output_keys}
        known[word('value')] = _ref('value')
        if word('condition') in known:
            known[word('condition')] = {'anyOf': [_ref('condition'), {'type': 'null'}]}
        return {'type': 'object', 'properties': known, 'required': [word('value')]}

    def _properties(self, one: TypeSchema) -> Schema:
        made = self._map(one.properties, one.open)
        return {'description': one.description, **made} if one.description else made

    def _map(self, properties: Mapping[str, Property], open_: bool = False) -> Schema:
        made: Schema = {'type': ['object', 'null'],
                        'properties': {name: self._property(one) for name, one in properties.items()},
                        **self.macros,
                        'additionalProperties': _ref('value') if open_ else False}
        required = [name for name, one in properties.items() if one.required]
        whole: Schema = {**made, **({'required': required} if required else {})}
        return self._or_function(whole)

    def _property(self, one: Property) -> Schema:
        made: Schema = {}
        if one.kind in _ACCEPTED and not one.convert:
            made['type'] = [*_ACCEPTED[one.kind], 'null']
        if one.keys:
            made = dict(self._map(one.keys)['anyOf'][0])
            if one.convert:
                made = {'anyOf': [made, {'not': {'type': 'object'}}]}
        elif one.items is not None:
            made['items'] = {'anyOf': [self._property(one.items), {'type': 'null'}]}
        elif one.kind in ('Map', 'List', 'Any'):
            made = {**made, 'items': _ref('value'), 'additionalProperties': _ref('value')}
        made |= self._limits(one)
        # A function is a map of its own; what else is a map is described by its keys.
        shown = self._or_function(made)
        if one.description:
            shown['description'] = one.description
        if one.has_default and one.default is not None:
            shown['default'] = one.default
        if one.support.status == 'DEPRECATED':
            shown['deprecated'] = True
        return shown

    def _limits(self, one: Property) -> Schema:
        made: Schema = {}
        for limit in one.constraints:
            if isinstance(limit, AllowedValues) and one.kind in ('String', 'Integer', 'Number'):
                texts = [str(value) for value in limit.allowed]
                # A value of another kind is compared as text, which a schema cannot say.
                made['anyOf'] = [{'enum': [*limit.allowed, *texts]},
                                 {'not': {'type': 'string' if one.kind == 'String' else 'number'}}]
            elif isinstance(limit, Range):
                made |= {key: bound for key, bound in (('minimum', limit.min), ('maximum', limit.max))
                         if bound is not None}
            elif isinstance(limit, Length):
                noun = {'String': 'Length', 'List': 'Items', 'Map': 'Properties'}[one.kind]
                # Parts of a list may vanish when they are worked out, and a part may be a function of many.
                made |= {f'{side}{noun}': bound for side, bound in (('min', limit.min), ('max', limit.max))
                         if bound is not None and one.kind == 'String'}
            elif isinstance(limit, AllowedPattern):
                made['allOf'] = [*made.get('allOf', []), {'pattern': f'^(?:{limit.pattern})$'}]
            elif isinstance(limit, Modulo) and limit.offset == 0:
                made['multipleOf'] = abs(limit.step)
        return made

