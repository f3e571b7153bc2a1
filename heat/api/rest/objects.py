"""The objects in answers, described for machines.

Purpose: JSON schemas of what routes tell. Invariant: the keys are those of the
tables by which answers are made; only the types stand here. Neighbours:
``routes`` names these objects, ``openapi`` writes them down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from heat.api.rest import drift, events, graph, plans, resources, stacks
from heat.model.plan import ACTIONS, CHANGE_KEYS, EFFECTS, ENTRY_KEYS

Json = dict[str, Any]
TEXT: Json = {'type': 'string'}
MAYBE: Json = {'type': ['string', 'null']}
FLAG: Json = {'type': 'boolean'}
MAP: Json = {'type': 'object'}
TEXTS: Json = {'type': 'array', 'items': TEXT}
# Keys that are not always a text.
TYPES: dict[str, Json] = {
    'tags': {'type': ['array', 'null'], 'items': TEXT}, 'capabilities': TEXTS, 'notification_topics': TEXTS,
    'disable_rollback': FLAG, 'timeout_mins': {'type': ['integer', 'null']}, 'parameters': MAP,
    'attributes': MAP, 'required_by': TEXTS, 'resource_properties': MAP,
    **dict.fromkeys(('updated_time', 'deletion_time', 'creation_time', 'parent', 'stack_owner',
                     'stack_user_project_id', 'physical_resource_id', 'resource_status_reason'), MAYBE)}


def ref(name: str) -> Json:
    return {'$ref': f'#/components/schemas/{name}'}


def made_of(keys: Iterable[str], more: Json | None = None, optional: Iterable[str] = ()) -> Json:
    """An object with exactly ``keys`` and ``more``; those in ``optional`` may be missing."""
    properties = {**{key: TYPES.get(key, TEXT) for key in keys}, **(more or {})}
    return {'type': 'object', 'properties': properties, 'additionalProperties': False,
            'required': sorted(set(properties) - set(optional))}


def listed(key: str, item: Json, more: Json | None = None) -> Json:
    """``{key: [item...]}``; what is in ``more`` is not always there."""
    return made_of((), {key: {'type': 'array', 'items': item}, **(more or {})}, more or ())


def wrapped(key: str, item: Json) -> Json:
    return made_of((), {key: item})


COUNT: Json = {'type': 'integer', 'minimum': 0}
_LINKS: Json = {'links': {'type': 'array', 'items': ref('link')}}
_OWN: Json = {'id': TEXT, **_LINKS}
_OUTPUT: Json = made_of(('output_key', 'description', 'output_error'), {'output_value': {}},
                        ('output_value', 'output_error'))
_STACK: Json = {**_OWN, 'outputs': {'type': 'array', 'items': _OUTPUT}}
_RESOURCE: Json = {'resource_status': TEXT, 'logical_resource_id': TEXT, **_LINKS}
_EVENT: Json = {'id': TEXT, 'resource_status': TEXT, 'logical_resource_id': TEXT, **_LINKS}
_CONFIG: Json = {'id': TEXT, 'name': MAYBE, 'group': MAYBE, 'creation_time': MAYBE}
_PROGRESS: Json = made_of((), {
    **dict.fromkeys(('total', 'done', 'in_progress', 'failed', 'waiting'), COUNT),
    'by_status': {'type': 'object', 'additionalProperties': COUNT}})
_PLACE: Json = {'value': {}, 'expected': {}, 'suggestion': {}, 'line': COUNT, 'column': COUNT, 'source': TEXT}
_FAULT: Json = made_of(('message', 'path'), _PLACE, _PLACE)
_DIFFERENCE: Json = made_of(('property', 'kind'), {'expected': {}, 'actual': {}})
_PLAN: Json = {**dict.fromkeys(('name', 'stack_id', 'status_reason', 'execution', 'creator'), MAYBE),
               **_LINKS}
_CHANGE: Json = made_of(CHANGE_KEYS, {
    'before': {}, 'after': {}, 'effect': {'enum': [*EFFECTS]}, 'cause': TEXTS,
    **dict.fromkeys(('conditional', 'hidden'), FLAG)})
_REASON: Json = made_of(('kind', 'path', 'attribute'), optional=('path', 'attribute'))

_IDENTITY: Json = made_of(('tenant', 'stack_name', 'stack_id', 'path'))
_PREVIEW: Json = made_of(
    ('resource_name', 'resource_type', 'resource_action', 'resource_status', 'resource_status_reason',
     'physical_resource_id', 'stack_name', 'description', 'creation_time', 'updated_time', 'required_by',
     'attributes', 'parent_resource'),
    {'resource_identity': _IDENTITY, 'stack_identity': _IDENTITY, 'metadata': MAP, 'properties': MAP},
    ('properties', 'parent_resource'))
_CHANGES = ('added', 'deleted', 'replaced', 'unchanged', 'updated')
# As parameters were first written in CloudFormation's templates.
_LIMITS = ('Default', 'Value', 'AllowedPattern', 'AllowedValues', 'CustomConstraint', 'MinLength',
           'MaxLength', 'MinValue', 'MaxValue', 'Step', 'Offset')
_PARAMETER: Json = made_of(
    ('Type', 'Description', 'NoEcho', 'Label', 'ConstraintDescription'),
    {**{key: {} for key in _LIMITS}, 'Tags': TEXTS}, (*_LIMITS, 'ConstraintDescription', 'Tags'))
_VALIDATION: Json = {
    'Description': TEXT, 'Parameters': {'type': 'object', 'additionalProperties': _PARAMETER},
    'ParameterGroups': {'type': 'array', 'items': MAP},
    'NestedParameters': {'type': 'object', 'additionalProperties': ref('validation_of_nested')}}
_SNAPSHOT: Json = made_of(('id', 'name', 'action', 'status', 'status_reason', 'creation_time'), {
    'name': MAYBE, 'status_reason': MAYBE, 'data': {'anyOf': [ref('stack_data'), {'type': 'null'}]}})
_SUPPORT: Json = made_of(('status', 'message', 'version'), {
    'message': MAYBE, 'version': MAYBE, 'previous_status': {'type': ['object', 'null']}})
_SERVICE: Json = made_of(
    ('id', 'engine_id', 'host', 'hostname', 'binary', 'topic', 'status', 'created_at', 'updated_at',
     'deleted_at'),
    {'report_interval': COUNT, 'updated_at': MAYBE, 'deleted_at': MAYBE,
     'status': {'enum': ['up', 'down']}})

SCHEMAS: dict[str, Json] = {
    'link': made_of(('href', 'rel')),
    # As the filter before us refuses a token; it is no fault of ours.
    'unauthorized': wrapped('error', made_of(('message', 'title'), {'code': {'const': 401}})),
    'preview': {'anyOf': [_PREVIEW, {'type': 'array', 'items': ref('preview')}]},
    'validation_of_nested': made_of(('Type',), _VALIDATION, ('ParameterGroups', 'NestedParameters')),
    'property': made_of(('type', 'description'), {
        **dict.fromkeys(('required', 'update_allowed', 'immutable'), FLAG), 'default': {},
        'constraints': {'type': 'array', 'items': MAP},
        'schema': {'type': 'object', 'additionalProperties': ref('property')}},
        ('description', 'default', 'constraints', 'schema')),
    # A nested stack stands where its resource does.
    'stack_data': made_of(
        ('id', 'name', 'action', 'status', 'project_id', 'stack_user_project_id'),
        {'template': MAP, 'environment': MAP, 'files': MAP, 'tags': {'type': ['array', 'null']},
         'stack_user_project_id': MAYBE,
         'resources': {'type': 'object', 'additionalProperties': MAP}}),
    'fault': made_of((), {
        'code': {'type': 'integer'}, 'title': TEXT, 'explanation': TEXT,
        'error': made_of(('type', 'message'), {
            'traceback': MAYBE, 'faults': {'type': 'array', 'items': _FAULT}}, ('message', 'faults'))}),
    # What is in a nested stack may not be known yet.
    'planned_resource': made_of(ENTRY_KEYS, {
        'action': {'enum': [*ACTIONS]}, 'otherwise': {'enum': ['', *ACTIONS]}, 'conditional': FLAG,
        'changes': {'type': 'array', 'items': _CHANGE},
        'inner': {'type': ['array', 'null'], 'items': ref('planned_resource')}}),
    'graph_of_stack': made_of(('stack_name',), {
        **_LINKS,
        'nodes': {'type': 'array', 'items': made_of(graph.NODE, {
            'resource_status': MAYBE, **_LINKS, 'nested': ref('graph_of_stack')}, ('nested',))},
        'edges': {'type': 'array', 'items': made_of(('from', 'to'), {
            'reasons': {'type': 'array', 'items': _REASON}})}})}
OBJECTS: dict[str, Json] = {
    'stacks': listed('stacks', made_of(stacks.ROW, {**_OWN, 'project': TEXT}, ('project',)), {
        'count': COUNT, **_LINKS}),
    'stack_created': wrapped('stack', made_of((), _OWN)),
    'stack': wrapped('stack', made_of(stacks.WHOLE, {**_STACK, 'progress': _PROGRESS},
                                      ('outputs', 'progress'))),
    'stack_preview': wrapped('stack', made_of(
        [key for key in stacks.WHOLE if not key.startswith('stack_status')],
        {**_STACK, 'resources': {'type': 'array', 'items': ref('preview')}}, ('outputs',))),
    'drift': listed('drift', made_of(drift.RESOURCE, {
        'checked_at': MAYBE, 'differences': {'type': 'array', 'items': _DIFFERENCE}})),
    'graph': wrapped('graph', ref('graph_of_stack')),
    'plan': wrapped('plan', made_of(plans.WHOLE, {
        **_PLAN, 'entries': {'type': 'array', 'items': ref('planned_resource')},
        'summary': made_of((), dict.fromkeys(ACTIONS, COUNT), ACTIONS)})),
    'plans': listed('plans', made_of(plans.SUMMARY, _PLAN)),
    'environment': MAP, 'files': {'type': 'object', 'additionalProperties': TEXT}, 'template': MAP,
    'stack_abandon': ref('stack_data'),
    'validation': made_of((), {**_VALIDATION, 'Environment': MAP}, ('ParameterGroups', 'NestedParameters')),
    'resource_schema': made_of(('resource_type', 'description'), {
        'properties': {'type': 'object', 'additionalProperties': ref('property')},
        'attributes': {'type': 'object', 'additionalProperties': made_of(
            ('description', 'type'), optional=('type',))},
        'support_status': _SUPPORT}, ('description',)),
    'metadata': wrapped('metadata', MAP),
    'resource_changes': wrapped('resource_changes', made_of((), {
        key: {'type': 'array', 'items': _PREVIEW} for key in _CHANGES})),
    'outputs': listed('outputs', made_of(('output_key', 'description'))),
    'output': wrapped('output', _OUTPUT),
    'snapshot_taken': _SNAPSHOT, 'snapshot': wrapped('snapshot', _SNAPSHOT),
    'snapshots': listed('snapshots', _SNAPSHOT),
    'resources': listed('resources', made_of(resources.DETAIL, _RESOURCE, (
        'parent_resource', 'attributes', 'description'))),
    'resource': wrapped('resource', made_of(resources.DETAIL, _RESOURCE, ('parent_resource',))),
    'events': listed('events', made_of(events.SUMMARY, _EVENT)),
    'event': wrapped('event', made_of(events.WHOLE, _EVENT)),
    'resource_types': listed('resource_types', {'anyOf': [TEXT, made_of(('resource_type', 'description'))]}),
    'template_versions': listed('template_versions', made_of(('version', 'type'), {'aliases': TEXTS})),
    'template_functions': listed('template_functions', made_of(('functions', 'description'))),
    'build_info': made_of((), {'api': made_of(('revision',)), 'engine': made_of(('revision',))}),
    'software_configs': listed('software_configs', made_of((), {**_CONFIG, 'project': TEXT}, ('project',))),
    'software_config': wrapped('software_config', made_of((), {
        **_CONFIG, 'config': {}, 'inputs': {'type': 'array'}, 'outputs': {'type': 'array'}, 'options': {}})),
    'software_deployments': listed('software_deployments', ref('deployment')),
    'software_deployment': wrapped('software_deployment', ref('deployment')),
    'server_metadata': listed('metadata', MAP),
    'services': listed('services', _SERVICE)}
SCHEMAS['deployment'] = made_of(('id', 'config_id', 'server_id', 'creation_time', 'updated_time'), {
    'input_values': {'type': ['object', 'null']}, 'output_values': {'type': ['object', 'null']},
    **dict.fromkeys(('action', 'status', 'status_reason'), MAYBE)}, ('updated_time',))
