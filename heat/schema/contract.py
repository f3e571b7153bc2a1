"""The form of the interface tables, and comparison with one of their entries.

Purpose: show that a type declared here has the interface it had in the classic
service. Invariant: pure; texts (descriptions, messages, what a support message
refers to) are ours and not compared. Neighbours: tests of every resource type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heat.schema.attributes import SHOW, Attribute
from heat.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    Custom,
    Length,
    Modulo,
    Range,
)
from heat.schema.diff import same
from heat.schema.kinds import Property
from heat.schema.properties import TypeSchema
from heat.schema.support import SUPPORTED, Support


def _constraint(one: Constraint) -> dict[str, Any]:
    if isinstance(one, Range | Length):
        (kind, bounds), = one.body().items()
        return {'kind': kind, **bounds}
    if isinstance(one, Modulo):
        return {'kind': 'modulo', 'step': one.step, 'offset': one.offset}
    if isinstance(one, AllowedValues):
        return {'kind': 'allowed_values', 'values': list(one.allowed)}
    if isinstance(one, AllowedPattern):
        return {'kind': 'allowed_pattern', 'pattern': one.pattern}
    if isinstance(one, Custom):
        return {'kind': 'custom_constraint', 'name': one.name}
    raise TypeError(f'{type(one).__name__} has no form in the tables.')


def _support(support: Support, whole: bool = False) -> dict[str, Any]:
    form: dict[str, Any] = {}
    if whole or support.status != 'SUPPORTED':
        form['status'] = support.status
    if support.version is not None:
        form['version'] = support.version
    if support.substitute is not None:
        form['substitute_class'] = [support.substitute]
    if support.previous is not None:
        form['previous'] = _support(support.previous, whole=True)
    return form


def property_form(prop: Property) -> dict[str, Any]:
    """One property as the tables have it: what equals the usual is left out."""
    form: dict[str, Any] = {'type': prop.kind}
    for name, value, usual in (
            ('required', prop.required, False), ('update_allowed', prop.updatable, False),
            ('immutable', prop.immutable, False), ('implemented', prop.implemented, True),
            ('allow_conversion', prop.convert, False)):
        if value != usual:
            form[name] = value
    if prop.has_default and prop.default is not None:
        form['default'] = prop.default
    if prop.constraints:
        form['constraints'] = [_constraint(one) for one in prop.constraints]
    if prop.support != SUPPORTED:
        form['support_status'] = _support(prop.support)
    if prop.items is not None:
        form['items'] = property_form(prop.items)
    if prop.keys:
        form['keys'] = {name: property_form(one) for name, one in prop.keys.items() if not one.own}
    return form


def _attribute_form(one: Attribute) -> dict[str, Any]:
    form: dict[str, Any] = {}
    if one.type:
        form['type'] = one.type
    if one.live:
        form['cache_mode'] = 'cache_none'
    if one.support != SUPPORTED:
        form['support_status'] = _support(one.support)
    return form


def _rules(schema: Mapping[str, Property], path: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Translation rules: paths run over map keys only, as in the tables."""
    for name, prop in schema.items():
        here = (*path, name)
        if prop.replaced_by:
            yield {'rule': 'Replace', 'path': [*path, prop.replaced_by], 'from': [*here]}
        for key in prop.unpack:
            yield {'rule': 'Replace', 'path': [*path, key], 'from': [*here, key]}
        if prop.unpack:
            yield {'rule': 'Delete', 'path': [*here]}
        if prop.finder:
            yield {'rule': 'Resolve', 'path': [*here], 'client': prop.finder.split('.', 1)[0]}
        inner = prop
        while inner.items is not None:
            inner = inner.items
            if inner.finder:
                yield {'rule': 'Resolve', 'path': [*here], 'client': inner.finder.split('.', 1)[0]}
        if inner.keys:
            yield from _rules(inner.keys, here)


def contract_form(schema: TypeSchema) -> dict[str, Any]:
    """The keys ``properties attributes support_status translation_rules [update_policy]``."""
    form: dict[str, Any] = {
        'properties': {name: property_form(prop) for name, prop in schema.properties.items() if not prop.own},
        'attributes': {name: _attribute_form(one) for name, one in schema.attributes.items()
                       if one is not SHOW},
        'support_status': _support(schema.support, whole=True),
        'translation_rules': list(_rules(schema.properties))}
    if schema.update_policy:
        form['update_policy'] = {name: property_form(prop) for name, prop in schema.update_policy.items()}
    return form


def _table_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of the tables, in the form of ``_rules``."""
    path = list(rule['path'])
    if rule['rule'] == 'Resolve':
        # Two clients of the classic service speak to the network service.
        client = {'openstack': 'neutron'}.get(rule['client_plugin'], rule['client_plugin'])
        return {'rule': 'Resolve', 'path': path, 'client': client}
    if rule['rule'] == 'Replace':
        if 'value_path' in rule:
            source = list(rule['value_path'])
        else:
            source = [*path[:-1], rule['value_name'], *rule.get('custom_value_path', ())]
        return {'rule': 'Replace', 'path': path, 'from': source}
    return {'rule': rule['rule'], 'path': path}


def _compare(place: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            # It lists names out of a message, and the messages are our own.
            if key == 'refers_to':
                continue
            if key not in ours:
                yield f'{place}.{key}: missing, should be {theirs[key]!r}'
            elif key not in theirs:
                yield f'{place}.{key}: unexpected {ours[key]!r}'
            elif key == 'default':
                if not same(ours[key], theirs[key]):
                    yield f'{place}.{key}: {ours[key]!r}, should be {theirs[key]!r}'
            else:
                yield from _compare(f'{place}.{key}', ours[key], theirs[key])
    elif ours != theirs or type(ours) is not type(theirs):
        yield f'{place}: {ours!r}, should be {theirs!r}'


def differences(schema: TypeSchema, entry: Mapping[str, Any]) -> list[str]:
    """What differs between ``schema`` and ``entry`` of the interface tables, a line each.

    ``{}`` in place of a missing support status or ``update_policy`` is equal.
    """
    ours = contract_form(schema)
    found: list[str] = []
    for room in ('properties', 'attributes', 'update_policy', 'support_status'):
        found += _compare(room, ours.get(room) or {}, _emptied(entry.get(room) or {}))
    mine = ours['translation_rules']
    # A few rules of the classic service name a property that the type does not have.
    table = [_table_rule(rule) for rule in entry.get('translation_rules') or ()
             if rule['path'][0] in entry['properties']]
    found += [f'translation_rules: missing {rule}' for rule in table if rule not in mine]
    # More finders do no harm: the classic plugins often looked names up in their own code.
    found += [f'translation_rules: unexpected {rule}' for rule in mine
              if rule not in table and rule['rule'] != 'Resolve']
    return found


def _emptied(entry: Any) -> Any:
    """``entry`` without supports that say nothing but to what a message refers."""
    if not isinstance(entry, Mapping):
        return entry
    return {key: _emptied(value) if key != 'default' else value for key, value in entry.items()
            if not (key == 'support_status' and isinstance(value, Mapping) and set(value) <= {'refers_to'}
                    and 'type' in entry)}
