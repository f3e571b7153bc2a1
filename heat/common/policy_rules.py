"""Who may do what by default: one table of rules.

Purpose: names and default checks of every policy rule, with a sentence each for
the sample file. Invariant: names and checks are those that existing policy files
override; a rule's earlier default stands beside it, so that operators can still
choose the old ones. Neighbours: ``policy`` turns the table into oslo.policy rules.
"""

from __future__ import annotations

from typing import NamedTuple

_HERE = 'project_id:%(project_id)s'
READER = f'role:reader and {_HERE}'
MEMBER = f'role:member and {_HERE}'
ADMIN = f'role:admin and {_HERE}'
READER_OR_SERVER = f'(role:reader and {_HERE}) or (role:heat_stack_user and {_HERE})'
MEMBER_OR_SERVER = f'(role:member and {_HERE}) or (role:heat_stack_user and {_HERE})'
NOBODY = 'rule:deny_everybody'
EVERYBODY = 'rule:allow_everybody'
NOT_SERVER = 'rule:deny_stack_user'
CLOUD_ADMIN = 'rule:context_is_admin'


class Rule(NamedTuple):
    """One rule; ``before`` is its default in releases without reader and member, None if it had none."""

    name: str
    check: str
    before: str | None
    route: str
    text: str

    def operation(self) -> tuple[str, str] | None:
        """(method, path) of the REST route, or None."""
        if not self.route:
            return None
        method, path = self.route.split(' ')
        path = path.replace('<stack>', '/stacks/{stack_name}/{stack_id}')
        return method, '/v1/{tenant_id}' + path


SHARED = (
    ('context_is_admin', '(role:admin and is_admin_project:True)',
     'Who counts as administrator of the cloud.'),
    ('project_admin', 'role:admin', 'Who counts as administrator of a project.'),
    ('deny_stack_user', 'not role:heat_stack_user', 'Everybody but the users that servers act as.'),
    ('deny_everybody', '!', 'Nobody.'),
    ('allow_everybody', '', 'Everybody.'),
)

REST = (
    Rule('actions:action', MEMBER, NOT_SERVER, 'POST <stack>/actions',
         'Run any action on a stack. No route asks for it; each action has a rule of its own.'),
    Rule('actions:cancel_update', MEMBER, NOT_SERVER, 'POST <stack>/actions',
         'Stop a stack update and roll it back.'),
    Rule('actions:cancel_without_rollback', MEMBER, NOT_SERVER, 'POST <stack>/actions',
         'Stop a stack action and leave things as they are.'),
    Rule('actions:check', READER, NOT_SERVER, 'POST <stack>/actions',
         'Check that the resources of a stack are in the state recorded.'),
    Rule('actions:resume', MEMBER, NOT_SERVER, 'POST <stack>/actions',
         'Resume a suspended stack.'),
    Rule('actions:snapshot', MEMBER, NOT_SERVER, 'POST <stack>/actions',
         'Snapshot a stack by an action. No route asks for it; see stacks:snapshot.'),
    Rule('actions:suspend', MEMBER, NOT_SERVER, 'POST <stack>/actions',
         'Suspend a stack.'),
    Rule('build_info:build_info', READER, NOT_SERVER, 'GET /build_info',
         'Show which build of the service answers.'),
    Rule('events:index', READER, NOT_SERVER, 'GET <stack>/events',
         'List the events of a stack.'),
    Rule('events:show', READER, NOT_SERVER, 'GET <stack>/resources/{resource_name}/events/{event_id}',
         'Show one event.'),
    Rule('resource:index', READER, NOT_SERVER, 'GET <stack>/resources',
         'List the resources of a stack.'),
    Rule('resource:mark_unhealthy', MEMBER, NOT_SERVER,
         'PATCH <stack>/resources/{resource_name_or_physical_id}',
         'Mark a resource as unhealthy, or as healthy again.'),
    Rule('resource:metadata', READER_OR_SERVER, EVERYBODY, 'GET <stack>/resources/{resource_name}/metadata',
         'Show the metadata of a resource.'),
    Rule('resource:show', READER, NOT_SERVER, 'GET <stack>/resources/{resource_name}',
         'Show one resource.'),
    Rule('resource:signal', READER_OR_SERVER, EVERYBODY, 'POST <stack>/resources/{resource_name}/signal',
         'Send a signal to a resource.'),
    Rule('service:index', ADMIN, CLOUD_ADMIN, '',
         'List the engines and their state.'),
    Rule('software_configs:create', MEMBER, NOT_SERVER, 'POST /software_configs',
         'Create a software configuration.'),
    Rule('software_configs:delete', MEMBER, NOT_SERVER, 'DELETE /software_configs/{config_id}',
         'Delete a software configuration.'),
    Rule('software_configs:global_index', NOBODY, None, 'GET /software_configs',
         'List the software configurations of all projects.'),
    Rule('software_configs:index', READER, NOT_SERVER, 'GET /software_configs',
         'List the software configurations of the project.'),
    Rule('software_configs:show', READER, NOT_SERVER, 'GET /software_configs/{config_id}',
         'Show a software configuration.'),
    Rule('software_deployments:create', MEMBER, NOT_SERVER, 'POST /software_deployments',
         'Create a software deployment.'),
    Rule('software_deployments:delete', MEMBER, NOT_SERVER, 'DELETE /software_deployments/{deployment_id}',
         'Delete a software deployment.'),
    Rule('software_deployments:index', READER, NOT_SERVER, 'GET /software_deployments',
         'List the software deployments of the project.'),
    Rule('software_deployments:metadata', READER_OR_SERVER, None,
         'GET /software_deployments/metadata/{server_id}',
         'Show what is to be deployed on a server.'),
    Rule('software_deployments:show', READER, NOT_SERVER, 'GET /software_deployments/{deployment_id}',
         'Show a software deployment.'),
    Rule('software_deployments:update', MEMBER, NOT_SERVER, 'PUT /software_deployments/{deployment_id}',
         'Update a software deployment.'),
    Rule('stacks:abandon', MEMBER, NOT_SERVER, 'DELETE <stack>/abandon',
         'Abandon a stack: forget it and leave its resources alone.'),
    Rule('stacks:create', MEMBER, NOT_SERVER, 'POST /stacks',
         'Create a stack.'),
    Rule('stacks:delete', MEMBER, NOT_SERVER, 'DELETE <stack>',
         'Delete a stack.'),
    Rule('stacks:delete_snapshot', MEMBER, NOT_SERVER, 'DELETE <stack>/snapshots/{snapshot_id}',
         'Delete a snapshot of a stack.'),
    Rule('stacks:detail', READER, NOT_SERVER, 'GET /stacks',
         'List stacks with their details.'),
    Rule('stacks:environment', READER, NOT_SERVER, 'GET <stack>/environment',
         'Show the environment of a stack.'),
    Rule('stacks:export', MEMBER, NOT_SERVER, 'GET <stack>/export',
         'Export a stack with its state.'),
    Rule('stacks:files', READER, NOT_SERVER, 'GET <stack>/files',
         'Show the files stored with a stack.'),
    Rule('stacks:generate_template', MEMBER, NOT_SERVER, 'GET <stack>/template',
         'Make a template out of a resource type.'),
    Rule('stacks:global_index', NOBODY, None, 'GET /stacks',
         'List the stacks of all projects.'),
    Rule('stacks:index', READER, NOT_SERVER, 'GET /stacks',
         'List the stacks of the project.'),
    Rule('stacks:list_outputs', READER, NOT_SERVER, 'GET <stack>/outputs',
         'List the outputs of a stack.'),
    Rule('stacks:list_resource_types', READER, NOT_SERVER, 'GET /resource_types',
         'List the resource types.'),
    Rule('stacks:list_snapshots', READER, NOT_SERVER, 'GET <stack>/snapshots',
         'List the snapshots of a stack.'),
    Rule('stacks:list_template_functions', READER, NOT_SERVER,
         'GET /template_versions/{template_version}/functions',
         'List the functions of a template version.'),
    Rule('stacks:list_template_versions', READER, NOT_SERVER, 'GET /template_versions',
         'List the template versions.'),
    Rule('stacks:lookup', READER_OR_SERVER, EVERYBODY, 'GET /stacks/{stack_identity}',
         'Find a stack by name or id.'),
    Rule('stacks:preview', READER, NOT_SERVER, 'POST /stacks/preview',
         'Preview what a stack would be made of.'),
    Rule('stacks:preview_update', MEMBER, NOT_SERVER, 'PUT <stack>/preview',
         'Preview what an update would change.'),
    Rule('stacks:preview_update_patch', MEMBER, NOT_SERVER, 'PATCH <stack>/preview',
         'Preview what a partial update would change.'),
    Rule('stacks:resource_schema', READER, NOT_SERVER, 'GET /resource_types/{type_name}',
         'Show the schema of a resource type.'),
    Rule('stacks:restore_snapshot', MEMBER, NOT_SERVER, 'POST <stack>/snapshots/{snapshot_id}/restore',
         'Restore a stack from a snapshot.'),
    Rule('stacks:show', READER, NOT_SERVER, 'GET /stacks/{stack_identity}',
         'Show a stack.'),
    Rule('stacks:show_output', READER, NOT_SERVER, 'GET <stack>/outputs/{output_key}',
         'Show one output of a stack.'),
    Rule('stacks:show_snapshot', READER, NOT_SERVER, 'GET <stack>/snapshots/{snapshot_id}',
         'Show a snapshot of a stack.'),
    Rule('stacks:snapshot', MEMBER, NOT_SERVER, 'POST <stack>/snapshots',
         'Make a snapshot of a stack.'),
    Rule('stacks:template', READER, NOT_SERVER, 'GET <stack>/template',
         'Show the template of a stack.'),
    Rule('stacks:update', MEMBER, NOT_SERVER, 'PUT <stack>',
         'Update a stack.'),
    Rule('stacks:update_no_change', 'rule:stacks:update_patch', None, 'PATCH <stack>',
         'Start a partial update that brings no change of its own.'),
    Rule('stacks:update_patch', MEMBER, NOT_SERVER, 'PATCH <stack>',
         'Update a stack partially.'),
    Rule('stacks:validate_template', MEMBER, NOT_SERVER, 'POST /validate',
         'Validate a template.'),
)

# Ours: of routes that no earlier release served.
OWN_REST = (
    Rule('plans:create', MEMBER, None, 'POST /plans',
         'Keep a plan of what the creation or (POST <stack>/plans) an update of a stack would do.'),
    Rule('plans:delete', MEMBER, None, 'DELETE /plans/{plan_id}', 'Forget a plan.'),
    Rule('plans:execute', MEMBER, None, 'POST /plans/{plan_id}/execute', 'Carry a plan out.'),
    Rule('plans:index', READER, None, 'GET /plans',
         'List the plans of the project or (GET <stack>/plans) of a stack.'),
    Rule('plans:show', READER, None, 'GET /plans/{plan_id}', 'Show a plan.'),
    Rule('stacks:drift', READER, None, 'GET <stack>/drift',
         'Show in what the resources of a stack differ from what was asked for.'),
)

CFN = (
    ('CancelUpdateStack', MEMBER, NOT_SERVER),
    ('CreateStack', MEMBER, NOT_SERVER),
    ('DeleteStack', MEMBER, NOT_SERVER),
    ('DescribeStackEvents', READER, NOT_SERVER),
    ('DescribeStackResource', READER_OR_SERVER, EVERYBODY),
    ('DescribeStackResources', READER, NOT_SERVER),
    ('DescribeStacks', READER, NOT_SERVER),
    ('EstimateTemplateCost', READER, NOT_SERVER),
    ('GetTemplate', READER, NOT_SERVER),
    ('ListStackResources', READER, NOT_SERVER),
    ('ListStacks', READER, NOT_SERVER),
    ('UpdateStack', MEMBER, NOT_SERVER),
    ('ValidateTemplate', READER, NOT_SERVER),
)

# Ours: actions, and those of AWS's SSM protocol, that no earlier release served.
OWN_CFN = (
    ('ContinueUpdateRollback', MEMBER),
    ('CreateChangeSet', MEMBER),
    ('DeleteChangeSet', MEMBER),
    ('DescribeChangeSet', READER),
    ('ExecuteChangeSet', MEMBER),
    ('GetStackPolicy', READER),
    ('ListChangeSets', READER),
    ('ListExports', READER),
    ('ListImports', READER),
    ('RollbackStack', MEMBER),
    ('SetStackPolicy', MEMBER),
    ('UpdateTerminationProtection', MEMBER),
)
OWN_SSM = (
    ('Decrypt', MEMBER),  # no action: WithDecryption in any of them
    ('DeleteParameter', MEMBER),
    ('DeleteParameters', MEMBER),
    ('DescribeParameters', READER),
    ('GetParameter', READER),
    ('GetParameters', READER),
    ('GetParametersByPath', READER),
    ('PutParameter', MEMBER),
)

# Those of CloudWatch have the names of the releases that had it.
CLOUDWATCH = (
    ('DeleteAlarms', MEMBER),
    ('DescribeAlarmHistory', READER),
    ('DescribeAlarms', READER),
    ('DescribeAlarmsForMetric', READER),
    ('DisableAlarmActions', MEMBER),
    ('EnableAlarmActions', MEMBER),
    ('GetMetricStatistics', READER),
    ('ListMetrics', READER),
    ('PutMetricAlarm', MEMBER),
    ('PutMetricData', MEMBER_OR_SERVER),  # servers tell how they are
    ('SetAlarmState', MEMBER),
)

# Types for administrators only; a trailing * stands for the whole service.
ADMIN_TYPES = (
    'OS::Blazar::Host',
    'OS::Cinder::EncryptedVolumeType',
    'OS::Cinder::QoSAssociation',
    'OS::Cinder::QoSSpecs',
    'OS::Cinder::Quota',
    'OS::Cinder::VolumeType',
    'OS::Keystone::*',
    'OS::Manila::ShareType',
    'OS::Neutron::ProviderNet',
    'OS::Neutron::QoSBandwidthLimitRule',
    'OS::Neutron::QoSDscpMarkingRule',
    'OS::Neutron::QoSMinimumBandwidthRule',
    'OS::Neutron::QoSMinimumPacketRateRule',
    'OS::Neutron::QoSPolicy',
    'OS::Neutron::Quota',
    'OS::Neutron::Segment',
    'OS::Nova::Flavor',
    'OS::Nova::HostAggregate',
    'OS::Nova::Quota',
    'OS::Octavia::AvailabilityZone',
    'OS::Octavia::AvailabilityZoneProfile',
    'OS::Octavia::Flavor',
    'OS::Octavia::FlavorProfile',
    'OS::Octavia::Quota',
)
