"""What the engine tells, as the objects of CloudFormation.

Purpose: one table per object: member -> key of the engine's answer, or a function
of it. Invariant: names and times are those of AWS's model; what the engine does
not know is None and so left out. Neighbours: ``render`` writes the objects,
``statuses`` and ``tags`` translate what is more than a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from heat.api.cfn import statuses, tags
from heat.api.cfn.render import Loose
from heat.common.ids import StackId

Row = Mapping[str, Any]
Table = Mapping[str, str | Callable[[Row], Any]]
PSEUDO = ('AWS::', 'OS::')
STACK_TYPE = 'AWS::CloudFormation::Stack'


def shaped(row: Row, table: Table) -> dict[str, Any]:
    """The members of ``table`` for ``row``."""
    return {member: row.get(source) if isinstance(source, str) else source(row)
            for member, source in table.items()}


def arn(identity: Row) -> str:
    return StackId.from_wire(dict(identity)).arn()


def _arn(row: Row) -> str:
    return arn(row['stack_identity'])


def _json(key: str) -> Callable[[Row], Any]:
    return lambda row: Loose(row[key]) if row.get(key) is not None else None


def _stack_status(row: Row) -> str:
    return statuses.of_stack(row['stack_action'], row['stack_status'], row.get('back_from', 'CREATE'))


def _resource_status(row: Row) -> str:
    return statuses.of_resource(row['resource_action'], row['resource_status'])


def parameters(row: Row) -> list[dict[str, Any]]:
    # Pseudo parameters are no parameters for AWS: an update that sent them back would be refused.
    resolved = row.get('resolved_parameters') or {}
    return [{'ParameterKey': name, 'ParameterValue': value, 'ResolvedValue': resolved.get(name)}
            for name, value in (row.get('parameters') or {}).items() if not name.startswith(PSEUDO)]


def _outputs(row: Row) -> list[dict[str, Any]]:
    exported = row.get('export_names') or {}
    return [{'OutputKey': one['output_key'], 'OutputValue': Loose(one['output_value']),
             'Description': one.get('description'), 'ExportName': exported.get(one['output_key'])}
            for one in row.get('outputs') or () if one.get('output_value') is not None]


def _identity(key: str) -> Callable[[Row], Any]:
    return lambda row: arn(row[key]) if row.get(key) else None


def _stack_drift(row: Row) -> dict[str, Any]:
    found = row.get('drift') or {'status': 'NOT_CHECKED', 'checked_at': None}
    return {'StackDriftStatus': found['status'], 'LastCheckTimestamp': found['checked_at']}


def _resource_drift(row: Row) -> dict[str, Any] | None:
    found = row.get('drift')
    return None if found is None else {
        'StackResourceDriftStatus': found['status'], 'LastCheckTimestamp': found['checked_at']}


def _last_operations(row: Row) -> list[dict[str, Any]]:
    last = row.get('operation')
    return [{'OperationId': last['id'], 'OperationType': statuses.operation(last['action'])}] if last else []


_ANY_STACK: Table = {
    'ParentId': _identity('parent_identity'), 'RootId': _identity('root_identity'),
    'DriftInformation': _stack_drift, 'LastOperations': _last_operations}
STACK: Table = {
    'StackId': _arn, 'StackName': 'stack_name', 'Description': 'description',
    'CreationTime': 'creation_time', 'LastUpdatedTime': 'updated_time', 'DeletionTime': 'deletion_time',
    'StackStatus': _stack_status, 'StackStatusReason': 'stack_status_reason',
    'DisableRollback': 'disable_rollback', 'TimeoutInMinutes': 'timeout_mins',
    'Parameters': parameters, 'Outputs': _outputs, 'Tags': lambda row: tags.shown(row.get('tags')),
    'Capabilities': 'capabilities', 'NotificationARNs': 'notification_topics',
    'EnableTerminationProtection': 'termination_protection',
    'RetainExceptOnCreate': 'retain_except_on_create', **_ANY_STACK}
SUMMARY: Table = {
    'StackId': _arn, 'StackName': 'stack_name', 'CreationTime': 'creation_time',
    'LastUpdatedTime': 'updated_time', 'DeletionTime': 'deletion_time', 'StackStatus': _stack_status,
    'StackStatusReason': 'stack_status_reason', **_ANY_STACK}
_RESOURCE: Table = {
    'LogicalResourceId': 'resource_name', 'PhysicalResourceId': 'physical_resource_id',
    'ResourceType': 'resource_type', 'ResourceStatus': _resource_status,
    'ResourceStatusReason': 'resource_status_reason', 'DriftInformation': _resource_drift}
_OF_STACK: Table = {'StackId': _arn, 'StackName': 'stack_name'}
DESCRIPTION: Table = {'Description': lambda row: row.get('description') or ''}
RESOURCE_SUMMARY: Table = {**_RESOURCE, 'LastUpdatedTimestamp': 'updated_time'}
RESOURCE: Table = {**_OF_STACK, **_RESOURCE, **DESCRIPTION, 'Timestamp': 'updated_time'}
RESOURCE_DETAIL: Table = {**_OF_STACK, **RESOURCE_SUMMARY, **DESCRIPTION, 'Metadata': _json('metadata')}


def _of_stack_itself(row: Row) -> bool:
    return (row['resource_name'] == row['stack_name']
            and row.get('physical_resource_id') == row['stack_identity']['stack_id'])


def _event_status(row: Row) -> str:
    action, status = row['resource_action'], row['resource_status']
    if _of_stack_itself(row):
        return statuses.of_stack(action, status, row.get('back_from', 'CREATE'))
    return statuses.of_resource(action, status)


def event_id(row: Row) -> str:
    return str(row['event_identity']['path']).rsplit('/', 1)[-1]


EVENT: Table = {
    **_OF_STACK, **{name: source for name, source in _RESOURCE.items() if name != 'DriftInformation'},
    'EventId': event_id, 'Timestamp': 'event_time', 'OperationId': 'operation',
    # Of a stack's own events the ARN tells clients that they have seen the end.
    'PhysicalResourceId': lambda row: _arn(row) if _of_stack_itself(row) else row.get('physical_resource_id'),
    'ResourceType': lambda row: STACK_TYPE if _of_stack_itself(row) else row.get('resource_type'),
    'ResourceStatus': _event_status, 'ResourceProperties': _json('resource_properties')}


def _only_of_stack(function: Callable[[Row], Any]) -> Callable[[Row], Any]:
    return lambda row: function(row) if _of_stack_itself(row) else None


def _event_type(row: Row) -> str:
    if _of_stack_itself(row):
        return 'STACK_EVENT'
    return 'PROVISIONING_ERROR' if row['resource_status'] == 'FAILED' else 'PROGRESS_EVENT'


OPERATION_EVENT: Table = {
    **{name: source for name, source in EVENT.items() if name not in ('StackName', 'ResourceStatus')},
    'EventType': _event_type,
    'OperationType': _only_of_stack(lambda row: statuses.operation(row['resource_action'])),
    'OperationStatus': _only_of_stack(lambda row: statuses.OPERATIONS[row['resource_status']]),
    'ResourceStatus': lambda row: statuses.of_resource(row['resource_action'], row['resource_status'])}


def back_from(events: list[dict[str, Any]], stack_name: str) -> list[dict[str, Any]]:
    """A stack's own ``events``, newest first, each ROLLBACK with what it takes back."""
    told, last = [], 'CREATE'
    for event in reversed(events):
        if event['resource_name'] == stack_name and event['resource_action'] in ('CREATE', 'UPDATE'):
            last = event['resource_action']
        told.append({**event, 'back_from': last})
    return told[::-1]


def declared(name: str, form: Row) -> dict[str, Any]:
    """A parameter as ValidateTemplate describes it."""
    default = form.get('Default')
    return {'ParameterKey': name, 'DefaultValue': None if default is None else Loose(default),
            'Description': form.get('Description'), 'NoEcho': form.get('NoEcho')}


def summarised(name: str, form: Row) -> dict[str, Any]:
    """A parameter as GetTemplateSummary describes it."""
    allowed = form.get('AllowedValues')
    constraints = {'AllowedValues': [Loose(value) for value in allowed]} if allowed else None
    return {**declared(name, form), 'ParameterType': form.get('Type'), 'ParameterConstraints': constraints}
