"""What a change set would change, as CloudFormation tells it.

Purpose: the entries of a plan -> Changes, with their details. Invariant: whatever may happen
to a resource is told; a value is told only if asked for, and a hidden one is masked already.
Neighbours: ``change_sets`` pages them; ``plan.printed`` made the entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Entry = Mapping[str, Any]
ACTIONS = {'create': 'Add', 'adopt': 'Import', 'update': 'Modify', 'replace': 'Modify', 'refuse': 'Modify',
           'delete': 'Remove', 'retain': 'Remove'}
POLICIES = {'delete': 'Delete', 'retain': 'Retain'}
UNKNOWN = '{{changeSet:KNOWN_AFTER_APPLY}}'
LONGEST = 4096


def told(entries: list[Entry], nested: bool, values: bool) -> list[dict[str, Any]]:
    """Changes in the order of the plan; ``nested``: those inside (``outer/inner``) follow their stack's."""
    return [{'Type': 'Resource', 'ResourceChange': _change(path, entry, values)}
            for path, entry in _walk(entries, nested, ()) if entry['action'] != 'keep']


def _walk(entries: list[Entry], nested: bool, path: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
    for entry in entries:
        at = (*path, entry['resource_name'])
        yield '/'.join(at), entry
        if nested:
            yield from _walk(entry['inner'] or [], nested, at)


def _change(path: str, entry: Entry, values: bool) -> dict[str, Any]:
    action = entry['action']
    replacement = None
    if ACTIONS[action] == 'Modify':
        replacement = 'False'
        if action == 'replace':
            replacement = 'Conditional' if entry['conditional'] else 'True'
    modified = ACTIONS[action] == 'Modify'
    changed = [one for one in entry['changes'] if one['effect'] != 'none'] if modified else []
    return {
        'PolicyAction': 'ReplaceAndDelete' if action == 'replace' else POLICIES.get(action),
        'Action': ACTIONS[action], 'LogicalResourceId': path,
        'PhysicalResourceId': entry['physical_resource_id'], 'ResourceType': entry['resource_type'],
        'Replacement': replacement, 'Scope': sorted({_attribute(entry, one) for one in changed}),
        'Details': [detail for one in changed for detail in _details(one, _attribute(entry, one), values)],
        'BeforeContext': _context(entry, 'before') if values and action not in ('create', 'adopt') else None,
        'AfterContext': _context(entry, 'after') if values and ACTIONS[action] != 'Remove' else None}


def _attribute(entry: Entry, change: Mapping[str, Any]) -> str:
    # A plan tells metadata beside properties; of AWS's types none has a property of that spelling.
    metadata = change['property'] == 'metadata' and entry['resource_type'].startswith('AWS::')
    return 'Metadata' if metadata else 'Properties'


def _details(change: Mapping[str, Any], attribute: str, values: bool) -> Iterator[dict[str, Any]]:
    effect = 'Never'
    if change['effect'] == 'replace':
        effect = 'Conditionally' if change['conditional'] else 'Always'
    target: dict[str, Any] = {'Attribute': attribute, 'RequiresRecreation': effect}
    if attribute == 'Properties':
        target |= {'Name': change['property'], 'Path': f'/Properties/{change["property"]}'}
    if values:
        before, after = change['before'], change['after']
        target |= {'BeforeValue': _text(before), 'AfterValue': _text(after), 'AttributeChangeType': (
            'Add' if before is None else 'Remove' if after is None else 'Modify')}
    for cause in change['cause'] or ('template',):
        source, entity = _source(cause)
        yield {'Target': target, 'ChangeSource': source, 'CausingEntity': entity,
               'Evaluation': 'Dynamic' if change['conditional'] or _unknown(change['after']) else 'Static'}


def _source(cause: str) -> tuple[str, str | None]:
    """The words of a plan (``parameter p``, ``base (output) is updated``, ``base is replaced``) as AWS's."""
    if cause.startswith('parameter '):
        return 'ParameterReference', cause.removeprefix('parameter ')
    if cause == 'template':
        return 'DirectModification', None
    resource, _, rest = cause.partition(' ')
    if rest.startswith('('):
        return 'ResourceAttribute', f'{resource}.{rest[1:].partition(")")[0]}'
    return 'ResourceReference', resource


def _unknown(value: Any) -> bool:
    return bool(value == {'heat_unknown': True})


def _plain(value: Any) -> Any:
    if _unknown(value):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _text(value: Any) -> str | None:
    plain = _plain(value)
    if plain is None:
        return None
    text = plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)
    return text if len(text) <= LONGEST else f'{text[:LONGEST]}...'


def _context(entry: Entry, side: str) -> str:
    found = {one['property']: _plain(one[side]) for one in entry['changes'] if one[side] is not None}
    return json.dumps({'Properties': found}, sort_keys=True)
