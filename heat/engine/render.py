"""Model values as the RPC methods answer them: plain JSON, nothing else.

Purpose: one function per object of the RPC interface. Invariant: action and
status stay apart (the API glues them), times are texts in UTC, a secret never
appears. Interface: key tables of the RPC contract. Neighbours: ``reads`` and
``software`` load the values, ``api`` shapes what is made here.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from heat.common import errors
from heat.common.fault import MASK
from heat.db.events import Recorded
from heat.db.services import Service
from heat.db.snapshots import Snapshot
from heat.model.resource import Row
from heat.model.software import SoftwareConfig, SoftwareDeployment
from heat.model.stack import Stack
from heat.resources.types import secrets_of
from heat.schema import UNKNOWN
from heat.template.definition import Template
from heat.template.expr import OMITTED, Walked

Json = dict[str, Any]


def moment(value: datetime.datetime | None) -> str | None:
    """``2026-01-31T23:59:59Z``, or None. ``value`` is of UTC, and may say so."""
    # Ten times as fast as strftime, and each row of a list has two.
    return None if value is None else f'{value.isoformat(timespec="seconds").removesuffix("+00:00")}Z'


def precise(value: datetime.datetime | None) -> str | None:
    """``2026-01-31T23:59:59.000000``, the form of the service list."""
    return None if value is None else value.strftime('%Y-%m-%dT%H:%M:%S.%f')


def missing(sentence: str) -> errors.NotFound:
    """A NotFound that says ``sentence``."""
    error = errors.NotFound()
    error.message = sentence
    error.args = (sentence,)
    return error


def plain(value: Any) -> Any:
    """``value`` as JSON: what is not known or left out is null."""
    if isinstance(value, Walked):
        value = value.value
    if value is UNKNOWN or value is OMITTED:
        return None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


# -- stacks ----------------------------------------------------------------------------------------


def stack_row(stack: Stack) -> Json:
    """A stack in a list; it has no description, and null instead of no tags."""
    return {
        'stack_identity': stack.identity.to_wire(), 'stack_name': stack.name, 'description': '',
        'stack_action': str(stack.action), 'stack_status': str(stack.status),
        'stack_status_reason': stack.reason, 'creation_time': moment(stack.created_at),
        'updated_time': moment(stack.updated_at), 'deletion_time': moment(stack.deleted_at),
        'stack_owner': stack.username, 'stack_user_project_id': stack.stack_user_project_id,
        'parent': stack.owner_id, 'tags': list(stack.tags) or None}


def stack_whole(stack: Stack, template: Template, parameters: Mapping[str, str]) -> Json:
    """A stack on its own; ``parameters`` are texts, hidden ones masked."""
    return {
        **stack_row(stack), 'tags': list(stack.tags), 'description': template.description,
        'template_description': template.description, 'parameters': dict(parameters),
        'notification_topics': [], 'capabilities': [], 'disable_rollback': stack.disable_rollback,
        'timeout_mins': stack.timeout, 'generation': stack.goal_seq}


def output(name: str, description: str, **result: Any) -> Json:
    """An output; ``result`` is empty in a list, else ``output_value`` and perhaps ``output_error``."""
    return {'output_key': name, 'description': description, **result}


# -- resources and events --------------------------------------------------------------------------


def resource(stack: Stack, row: Row, required_by: Sequence[str], nested: Stack | None) -> Json:
    """A resource in a list; ``nested`` is the stack that it is."""
    identity = stack.identity
    shown: Json = {
        'resource_name': row.name, 'resource_type': row.type, 'physical_resource_id': row.physical_id or '',
        'resource_identity': identity.resource(row.name).to_wire(),
        'stack_identity': identity.to_wire(), 'stack_name': stack.name,
        'resource_action': str(row.action), 'resource_status': str(row.status),
        'resource_status_reason': row.reason, 'required_by': list(required_by),
        'creation_time': moment(row.created_at), 'updated_time': moment(row.updated_at or row.created_at)}
    if nested is not None:
        shown['nested_stack_id'] = nested.identity.to_wire()
    if stack.parent_resource_name:
        shown['parent_resource'] = stack.parent_resource_name
    return shown


def event(stack: Stack, recorded: Recorded, root: Stack | None, whole: bool = False) -> Json:
    """An event; ``root`` links it to the root stack, ``whole`` adds the properties but for secret ones."""
    one, identity = recorded.event, stack.identity
    shown: Json = {
        'event_identity': identity.event(one.resource_name, one.uuid).to_wire(),
        'stack_identity': identity.to_wire(), 'stack_name': stack.name,
        'event_time': moment(recorded.created_at), 'resource_name': one.resource_name,
        'physical_resource_id': one.physical_id, 'resource_action': str(one.action),
        'resource_status': str(one.status), 'resource_status_reason': one.reason,
        'resource_type': one.resource_type}
    if whole:
        secret = secrets_of(one.resource_type)
        shown['resource_properties'] = plain({
            name: MASK if name in secret and value is not None else value
            for name, value in (one.props or {}).items()})
    if root is not None:
        shown['root_stack_id'] = root.identity.to_wire()
    return shown


# -- services and software -------------------------------------------------------------------------


def service(one: Service, now: datetime.datetime) -> Json:
    return {
        'id': one.id, 'engine_id': one.engine_id, 'host': one.host, 'hostname': one.hostname,
        'binary': one.binary, 'topic': one.topic, 'report_interval': one.report_interval,
        'status': one.status(now), 'created_at': precise(one.created_at),
        'updated_at': precise(one.updated_at), 'deleted_at': precise(one.deleted_at)}


def config_row(one: SoftwareConfig, with_project: bool = False) -> Json:
    shown: Json = {'id': one.id, 'name': one.name, 'group': one.group,
                   'creation_time': moment(one.created_at)}
    if with_project:
        shown['project'] = one.tenant
    return shown


def config(one: SoftwareConfig) -> Json:
    kept = one.config
    return {**config_row(one), 'config': kept.get('config'), 'inputs': kept.get('inputs') or [],
            'outputs': kept.get('outputs') or [], 'options': kept.get('options') or {}}


def deployment(one: SoftwareDeployment) -> Json:
    """A deployment; ``updated_time`` is there only after its first change."""
    shown: Json = {
        'id': one.id, 'config_id': one.config_id, 'server_id': one.server_id,
        'input_values': one.input_values, 'output_values': one.output_values, 'action': one.action,
        'status': one.status, 'status_reason': one.status_reason, 'creation_time': moment(one.created_at)}
    if one.updated_at is not None:
        shown['updated_time'] = moment(one.updated_at)
    return shown


def snapshot(one: Snapshot, data: Mapping[str, Any] | None) -> Json:
    """A snapshot; ``data`` is what a stack is restored from."""
    return {'id': one.id, 'name': one.name, 'action': one.action, 'status': one.status,
            'status_reason': one.status_reason, 'creation_time': moment(one.created_at), 'data': plain(data)}
