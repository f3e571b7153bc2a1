"""The table of CloudFormation's actions: name -> function, rule, parameters.

Purpose: every action of AWS's model has a row; those without a function say that
they are not supported. Invariant: the parameters of a served action are exactly
those of AWS's model, each read by a kind or refused by ``unserved``; the tests
hold both against botocore. Neighbours: ``query`` looks actions up here.
"""

from __future__ import annotations

from collections.abc import Mapping

from heat.api.cfn import (
    change_sets,
    drift,
    exports,
    operations,
    overviews,
    policies,
    resources,
    stacks,
    statuses,
    templates,
    topics,
)
from heat.api.cfn.parameters import Kind, choice, flag, listed, number, object_of, text, unserved
from heat.api.cfn.query import Action

Table = Mapping[str, Kind]
# Of a policy the engine counts the bytes.
LONGEST = 1 << 20
SKIPPED = r'[-a-zA-Z0-9_./ ]+'

STACK: Table = {'StackName': text(1024)}
PAGED: Table = {'NextToken': text(4096)}
TEMPLATE: Table = {'TemplateBody': text(64 << 20), 'TemplateURL': text(5120)}
TOKEN: Table = {'ClientRequestToken': text(128, r'[a-zA-Z0-9][-a-zA-Z0-9]*')}
ROLE: Table = {'RoleARN': unserved(because='a stack acts for the user who asked for it')}
EXPRESS: Table = {'DeploymentConfig': unserved(because='a stack is always deployed in one way')}


def policy(prefix: str) -> Table:
    """The two ways to bring a stack policy."""
    return {f'{prefix}Body': text(LONGEST), f'{prefix}URL': text(5120)}


# What DescribeStacks told may be sent back; a resolved value is for reading only.
PARAMETER = object_of(('ParameterKey',), ParameterKey=text(255), ParameterValue=text(),
                      UsePreviousValue=flag, ResolvedValue=text())
PARAMETERS: Table = {'Parameters': listed(PARAMETER)}
WISH: Table = {
    **STACK, **TEMPLATE, **TOKEN, **PARAMETERS, 'DisableRollback': flag,
    'Capabilities': listed(choice(*templates.CAPABILITIES)), 'ResourceTypes': listed(text(256, shortest=1)),
    'Tags': listed(object_of(('Key', 'Value'), Key=text(128), Value=text(256)), most=50),
    **ROLE, topics.NAME: listed(text(2048, shortest=1), most=5),
    'RollbackConfiguration': unserved(because='a stack is rolled back when it fails, and not by alarms'),
    **policy('StackPolicy'), 'RetainExceptOnCreate': flag, **EXPRESS, 'DisableValidation': unserved('false')}
CHANGE_SET: Table = {**STACK, 'ChangeSetName': text(1600, r'[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/%._~]*')}
NAMED = ('StackName',)
ANY_STACK = ('StackName', 'LogicalResourceId')

SERVED: dict[str, Action] = {
    'CancelUpdateStack': Action(stacks.cancel, table={**STACK, **TOKEN}, required=NAMED),
    'ContinueUpdateRollback': Action(stacks.roll_back_again, required=NAMED, table={
        **STACK, **TOKEN, **ROLE, 'ResourcesToSkip': listed(text(512, SKIPPED)), 'ForceRollback': flag}),
    'CreateChangeSet': Action(change_sets.create, required=(*NAMED, 'ChangeSetName'), table={
        **{name: kind for name, kind in WISH.items() if name not in (
            'ClientRequestToken', 'DisableRollback', *policy('StackPolicy'), 'RetainExceptOnCreate')},
        'ChangeSetName': text(128, r'[a-zA-Z][-a-zA-Z0-9]*'), 'UsePreviousTemplate': flag,
        'ClientToken': text(128), 'Description': text(1024), 'ChangeSetType': choice(*change_sets.TYPES),
        'ResourcesToImport': unserved(), 'IncludeNestedStacks': flag, 'DeploymentMode': unserved(),
        'OnStackFailure': choice('DO_NOTHING', 'ROLLBACK', 'DELETE'),
        'ImportExistingResources': unserved('false')}),
    'CreateStack': Action(stacks.create, required=NAMED, table={
        **WISH, 'TimeoutInMinutes': number(1), 'OnFailure': choice('DO_NOTHING', 'ROLLBACK', 'DELETE'),
        'EnableTerminationProtection': flag}),
    'DeleteChangeSet': Action(change_sets.delete, required=('ChangeSetName',), table=CHANGE_SET),
    'DeleteStack': Action(stacks.delete, required=NAMED, table={
        **STACK, **TOKEN, 'RetainResources': listed(text(255)), **ROLE,
        'DeletionMode': choice('STANDARD', 'FORCE_DELETE_STACK'), **EXPRESS}),
    'DescribeAccountLimits': Action(overviews.limits, rule='cloudformation:ListStacks', table=PAGED),
    'DescribeChangeSet': Action(change_sets.describe, required=('ChangeSetName',), table={
        **CHANGE_SET, **PAGED, 'IncludePropertyValues': flag}),
    'DescribeEvents': Action(operations.describe, 'cloudformation:DescribeStackEvents', table={
        **STACK, **PAGED, 'ChangeSetName': text(1600), 'OperationId': text(128),
        'Filters': object_of(FailedEvents=flag)}),
    'DescribeStackEvents': Action(resources.events, table={**STACK, **PAGED}),
    'DescribeStackDriftDetectionStatus': Action(drift.status, 'stacks:drift', table={
        'StackDriftDetectionId': text(36, shortest=1)}, required=('StackDriftDetectionId',)),
    'DescribeStackResource': Action(resources.describe, required=ANY_STACK, timeless=True, table={
        **STACK, 'LogicalResourceId': text(255)}),
    'DescribeStackResourceDrifts': Action(drift.describe, 'stacks:drift', required=NAMED, table={
        **STACK, **PAGED, 'MaxResults': number(1),
        'StackResourceDriftStatusFilters': listed(choice(*drift.STATES), most=len(drift.STATES))}),
    'DescribeStackResources': Action(resources.describe_all, table={
        **STACK, 'LogicalResourceId': text(255), 'PhysicalResourceId': text(1024)}),
    'DescribeStacks': Action(overviews.describe, table={**STACK, **PAGED}),
    'DetectStackDrift': Action(drift.detect, 'actions:check', required=NAMED, table={
        **STACK, 'LogicalResourceIds': listed(text(255, shortest=1), most=200)}),
    'DetectStackResourceDrift': Action(drift.detect_one, 'actions:check', required=ANY_STACK, table={
        **STACK, 'LogicalResourceId': text(255)}),
    'EstimateTemplateCost': Action(templates.estimate, table={**TEMPLATE, **PARAMETERS}),
    'ExecuteChangeSet': Action(change_sets.execute, required=('ChangeSetName',), table={
        **CHANGE_SET, **TOKEN, 'DisableRollback': flag, 'RetainExceptOnCreate': flag}),
    'GetStackPolicy': Action(policies.get_policy, required=NAMED, table=STACK),
    'GetTemplate': Action(templates.get, table={
        **STACK, 'ChangeSetName': text(1600), 'TemplateStage': choice(*templates.STAGES)}),
    'GetTemplateSummary': Action(templates.summary, rule='cloudformation:ValidateTemplate', table={
        **STACK, **TEMPLATE, 'StackSetName': unserved(), 'CallAs': unserved('SELF'),
        'TemplateSummaryConfig': object_of(TreatUnrecognizedResourceTypesAsWarnings=flag)}),
    'ListChangeSets': Action(change_sets.list_all, required=NAMED, table={**STACK, **PAGED}),
    'ListExports': Action(exports.list_exports, table=PAGED),
    'ListImports': Action(exports.list_imports, required=('ExportName',), table={
        **PAGED, 'ExportName': text(255, shortest=1)}),
    'ListStackResources': Action(resources.list_all, required=NAMED, table={**STACK, **PAGED}),
    'ListStacks': Action(overviews.list_all, table={
        **PAGED, 'StackStatusFilter': listed(choice(*sorted(statuses.ALL)))}),
    'RollbackStack': Action(stacks.roll_back, required=NAMED, table={
        **STACK, **TOKEN, **ROLE, 'RetainExceptOnCreate': flag, **EXPRESS}),
    'SetStackPolicy': Action(policies.set_policy, required=NAMED, table={**STACK, **policy('StackPolicy')}),
    'SignalResource': Action(resources.signal, 'resource:signal',
                             required=(*ANY_STACK, 'UniqueId', 'Status'),
                             table={**STACK, 'LogicalResourceId': text(255), 'UniqueId': text(64),
                                    'Status': choice('SUCCESS', 'FAILURE')}),
    'UpdateStack': Action(stacks.update, required=NAMED, table={
        **WISH, 'UsePreviousTemplate': flag, **policy('StackPolicyDuringUpdate')}),
    'UpdateTerminationProtection': Action(
        stacks.protect, required=(*NAMED, 'EnableTerminationProtection'),
        table={**STACK, 'EnableTerminationProtection': flag}),
    'ValidateTemplate': Action(templates.validate, table=TEMPLATE)}

# The rest of AWS's model. To serve one, move its name up and give it a function.
UNSERVED = """
    ActivateOrganizationsAccess ActivateType BatchDescribeTypeConfigurations CreateGeneratedTemplate
    CreateStackInstances CreateStackRefactor CreateStackSet DeactivateOrganizationsAccess DeactivateType
    DeleteGeneratedTemplate DeleteStackInstances DeleteStackSet DeregisterType DescribeChangeSetHooks
    DescribeGeneratedTemplate DescribeOrganizationsAccess DescribePublisher
    DescribeResourceScan DescribeStackInstance DescribeStackRefactor DescribeStackSet
    DescribeStackSetOperation DescribeType DescribeTypeRegistration
    DetectStackSetDrift ExecuteStackRefactor GetGeneratedTemplate GetHookResult
    ImportStacksToStackSet ListGeneratedTemplates ListHookResults ListResourceScanRelatedResources
    ListResourceScanResources ListResourceScans ListStackInstanceResourceDrifts ListStackInstances
    ListStackRefactorActions ListStackRefactors ListStackSetAutoDeploymentTargets
    ListStackSetOperationResults ListStackSetOperations ListStackSets ListTypeRegistrations
    ListTypeVersions ListTypes PublishType RecordHandlerProgress RegisterPublisher RegisterType RemoveAlias
    SetAlias
    SetTypeConfiguration SetTypeDefaultVersion StartResourceScan StopStackSetOperation TestType
    UpdateGeneratedTemplate UpdateStackInstances UpdateStackSet
"""

ACTIONS: dict[str, Action] = {**{name: Action() for name in UNSERVED.split()}, **SERVED}
