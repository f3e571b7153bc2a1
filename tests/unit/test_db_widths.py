"""Narrow columns: whatever ends in one was made to fit, is refused before, or is cut on purpose."""

from __future__ import annotations

import sqlalchemy as sa

from heat.db import schema
from heat.db.columns import Sentence

# Ids of 36 characters, hashes of 64, words of an enumeration, methods of encryption: made by the service.
MADE_HERE = {
    'id', 'uuid', 'hash', 'content_hash', 'properties_hash', 'template_hash', 'metric_hash', 'named_hash',
    'claim', 'decrypt_method', 'action', 'status', 'kind', 'state', 'on_failure', 'resource_action',
    'resource_status', 'owner_id', 'parent_row', 'root_stack_id', 'stack_id', 'root_id', 'engine_id',
    'replaces', 'replaced_by', 'row_uuid', 'snapshot_id'}
# Keystone's names and ids, and what the operator has written.
TRUSTED = {
    'tenant', 'tenant_id', 'trustor_user_id', 'stack_user_project_id', 'username', 'creator', 'region_name',
    'host', 'hostname', 'binary', 'topic'}
# What users, clouds and guests have a say in -> who sees to it that it fits.
GUARDED = {
    'stack.name': 'ids.check_stack_name; ids.physical_name for nested ones',
    'stack.parent_resource_name': 'as resource.name',
    'stack.client_request_token': 'rest.keys, cfn.actions: 128 characters, and the action',
    'stack.operation_id': 'not written',
    'stack_tag.tag': 'rest.keys, cfn.tags',
    'goal.requested_by': 'the request id of oslo.middleware',
    'resource.name': 'engine.validate; nested, if it is known late',
    'resource.type': 'engine.validate; nested, if it is known late',
    'resource.nova_instance': 'engine.step; engine.validate, plan.traversal for external_id; engine.given',
    'event.resource_name': 'as resource.name, stack.name', 'event.resource_type': 'as resource.type',
    'event.physical_resource_id': 'as resource.nova_instance',
    'event.operation_id': 'cut by db.events',
    'snapshot.name': 'engine.actions', 'resource_snapshot.resource_name': 'as resource.name',
    'software_config.name': 'engine.software; heat.software_deployment',
    'software_config.group': 'engine.software; heat.software_config',
    'software_deployment.config_id': 'it is there',
    'software_deployment.server_id': 'engine.software; heat.software_deployment',
    'exports.name': 'plan.exports', 'stack_import.name': 'it is there',
    'stored_parameter.name': 'engine.parameter_store',
    'plan.name': 'engine.plans', 'plan.stack_name': 'as stack.name',
    'pending_signal.resource_name': 'it is there',
    'watch_rule.name': 'cloudwatch.operations; properties of alarms',
    'watch_history.name': 'as watch_rule.name',
    'watch_metric.namespace': 'cloudwatch.operations; properties of alarms',
    'watch_metric.name': 'cloudwatch.operations; properties of alarms',
    'watch_data.unit': 'one of those that AWS knows'}


def test_every_narrow_column_is_guarded() -> None:
    narrow = {f'{table.name}.{column.name}' for table in schema.metadata.sorted_tables
              for column in table.columns
              if isinstance(column.type, sa.String) and column.type.length is not None
              and not isinstance(column.type, Sentence)}
    left = {name for name in narrow if name.split('.')[1] not in MADE_HERE | TRUSTED}
    assert left == set(GUARDED)
