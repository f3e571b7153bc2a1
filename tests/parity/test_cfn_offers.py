"""Exports, protection, the way back and processed templates, as boto3 sees them before a whole engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.db import connect, stacks
from heat.model.status import Status
from tests.parity.conftest import Site
from tests.parity.test_cfn_change_sets import fault
from tests.wire import boto, conftest, keystone


def client(here: Site, service: str = 'cloudformation', **how: Any) -> Any:
    return boto.client(conftest.World(here.cfn, None, None, ''), service=service, **how)  # type: ignore[arg-type]


def template(outputs: dict[str, Any] | None = None, **resources: Any) -> str:
    return json.dumps({'AWSTemplateFormatVersion': '2010-09-09', 'Outputs': outputs or {},
                       'Resources': resources or {'N': {'Type': 'OS::Heat::None'}}})


def thing(value: Any = 'a', **props: Any) -> dict[str, Any]:
    return {'Type': 'OS::Heat::TestResource', 'Properties': {'value': value, **props}}


def state(cloud: Any, name: str = 'web') -> str:
    return str(cloud.describe_stacks(StackName=name)['Stacks'][0]['StackStatus'])


def test_exports_and_who_imports_them(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keystone.USERS, 'other', (keystone.OTHER_PROJECT, ('member', 'reader')))
    cloud = client(here)
    giver = cloud.create_stack(StackName='giver', TemplateBody=template(
        {'O': {'Value': 'v1', 'Export': {'Name': 'net'}}, 'P': {'Value': 'v2'},
         'Q': {'Value': 'v3', 'Export': {'Name': 'alone'}}}))['StackId']
    here.world.run()
    cloud.create_stack(StackName='taker', TemplateBody=template(T=thing({'Fn::ImportValue': 'net'})))
    here.world.run()
    assert state(cloud, 'taker') == 'CREATE_COMPLETE'
    assert cloud.list_exports()['Exports'] == [
        {'ExportingStackId': giver, 'Name': 'alone', 'Value': 'v3'},
        {'ExportingStackId': giver, 'Name': 'net', 'Value': 'v1'}]
    assert cloud.list_imports(ExportName='net')['Imports'] == ['taker']
    assert "'alone' is not imported by any stack" in fault(cloud.list_imports, ExportName='alone')[1]
    assert 'Export nil does not exist' in fault(cloud.list_imports, ExportName='nil')[1]
    outputs = cloud.describe_stacks(StackName='giver')['Stacks'][0]['Outputs']
    assert {one['OutputKey']: one.get('ExportName') for one in outputs} == {
        'O': 'net', 'P': None, 'Q': 'alone'}
    assert 'in use by taker' in fault(cloud.delete_stack, StackName='giver')[1]
    foreign = client(here, access='other')
    assert foreign.list_exports()['Exports'] == []
    assert 'does not exist' in fault(foreign.list_imports, ExportName='net')[1]


def test_what_is_protected_is_not_deleted(here: Site) -> None:
    cloud = client(here)
    cloud.create_stack(StackName='web', TemplateBody=template(), EnableTerminationProtection=True)
    here.world.run()
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['EnableTerminationProtection'] is True
    assert 'TerminationProtection is enabled' in fault(cloud.delete_stack, StackName='web')[1]
    cloud.update_termination_protection(StackName='web', EnableTerminationProtection=False)
    cloud.delete_stack(StackName='web')
    here.world.run()
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]


def test_back_from_a_failed_update(here: Site) -> None:
    cloud = client(here)
    cloud.create_stack(StackName='web', TemplateBody=template(A=thing()))
    here.world.run()
    assert 'Rolling back when stack is CREATE_COMPLETE' in fault(cloud.rollback_stack, StackName='web')[1]
    cloud.update_stack(StackName='web', DisableRollback=True, TemplateBody=template(
        A=thing('b'), B={**thing(fail=True), 'DependsOn': 'A'}))
    here.world.run()
    assert state(cloud) == 'UPDATE_FAILED'
    for _ in range(2):
        cloud.rollback_stack(StackName='web', ClientRequestToken='t')
    here.world.run()
    assert state(cloud) == 'UPDATE_ROLLBACK_COMPLETE'
    # The token is known still; the state would refuse anybody else.
    cloud.rollback_stack(StackName='web', ClientRequestToken='t')
    assert state(cloud) == 'UPDATE_ROLLBACK_COMPLETE'
    assert 'Rolling back' in fault(cloud.continue_update_rollback, StackName='web')[1]
    assert [one['LogicalResourceId'] for one in cloud.describe_stack_resources(
        StackName='web')['StackResources']] == ['A']


def test_a_rollback_that_failed_goes_on(here: Site) -> None:
    cloud = client(here)
    stack = cloud.create_stack(StackName='web', TemplateBody=template(A=thing()))['StackId'].rsplit('/', 1)[1]
    here.world.run()
    cloud.update_stack(StackName='web', TemplateBody=template(
        A=thing('b'), B={**thing(fail=True), 'DependsOn': 'A'}))
    here.world.run()
    assert state(cloud) == 'UPDATE_ROLLBACK_COMPLETE'
    with connect.write(here.world.database) as conn:
        stacks.update_stack(conn, stack, status=Status.FAILED)
    assert state(cloud) == 'UPDATE_ROLLBACK_FAILED'
    assert 'Rolling back' in fault(cloud.rollback_stack, StackName='web')[1]
    cloud.continue_update_rollback(StackName='web')
    assert state(cloud) == 'UPDATE_ROLLBACK_IN_PROGRESS'
    here.world.run()
    assert state(cloud) == 'UPDATE_ROLLBACK_COMPLETE'


def test_back_from_a_failed_creation(here: Site) -> None:
    cloud = client(here)
    cloud.create_stack(StackName='web', DisableRollback=True, TemplateBody=template(
        A=thing(), B={**thing(fail=True), 'DependsOn': 'A'}))
    here.world.run()
    assert state(cloud) == 'CREATE_FAILED'
    cloud.rollback_stack(StackName='web')
    here.world.run()
    assert state(cloud) == 'ROLLBACK_COMPLETE'


def test_templates_as_they_were_processed(here: Site) -> None:
    cloud = client(here)
    body = {'AWSTemplateFormatVersion': '2010-09-09', 'Transform': 'AWS::LanguageExtensions', 'Resources': {
        'Fn::ForEach::Things': ['Name', ['One', 'Two'], {'Thing${Name}': thing({'Ref': 'Name'})}]}}
    cloud.create_stack(StackName='web', TemplateBody=json.dumps(body),
                       Capabilities=['CAPABILITY_AUTO_EXPAND'])
    here.world.run()
    given = cloud.get_template(StackName='web')
    assert given['TemplateBody'] == body and given['StagesAvailable'] == ['Original', 'Processed']
    processed = cloud.get_template(StackName='web', TemplateStage='Processed')['TemplateBody']
    assert set(processed['Resources']) == {'ThingOne', 'ThingTwo'}
    strange = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
        'X': {'Type': 'No::Such', 'Properties': {'p': 1}}}, 'Outputs': {
            'O': {'Value': {'Fn::GetAtt': ['X', 'Arn']}}}}
    assert 'No::Such' in fault(cloud.get_template_summary, TemplateBody=json.dumps(strange))[1]
    summary = cloud.get_template_summary(TemplateBody=json.dumps(strange), TemplateSummaryConfig={
        'TreatUnrecognizedResourceTypesAsWarnings': True})
    assert summary['Warnings'] == {'UnrecognizedResourceTypes': ['No::Such']}
    assert summary['ResourceTypes'] == ['No::Such']


def hushed(**more: Any) -> dict[str, Any]:
    return {'StackName': 'web', 'ClientRequestToken': 'go', 'TemplateBody': json.dumps({
        'AWSTemplateFormatVersion': '2010-09-09',
        'Parameters': {'P': {'Type': 'String', 'NoEcho': True}, 'Q': {'Type': 'String', 'Default': 'q'}},
        'Resources': {'A': thing({'Ref': 'P'}), 'B': thing({'Ref': 'Q'})}}),
            'Parameters': [{'ParameterKey': 'P', 'ParameterValue': 'hush'}], **more}


def test_a_token_with_another_request_is_refused(here: Site) -> None:
    cloud = client(here)
    first = cloud.create_stack(**hushed())['StackId']
    here.world.run()
    assert cloud.create_stack(**hushed())['StackId'] == first
    other = hushed(Parameters=[{'ParameterKey': 'P', 'ParameterValue': 'other'}])
    assert fault(cloud.create_stack, **other) == (
        'TokenAlreadyExistsException', 'The request token go was used for another request.')
    # The wish is laid over what is stored, which the first of them changes.
    change = hushed(ClientRequestToken='on', Parameters=[
        {'ParameterKey': 'P', 'ParameterValue': 'new'}, {'ParameterKey': 'Q', 'UsePreviousValue': True}])
    for name in ('web', first, 'web'):
        cloud.update_stack(**{**change, 'StackName': name})
        here.world.run()
    assert state(cloud) == 'UPDATE_COMPLETE'
    assert [one['ResourceStatus'] for one in cloud.describe_stack_events(StackName='web')['StackEvents']
            if one['LogicalResourceId'] == 'web'].count('UPDATE_IN_PROGRESS') == 1
    assert fault(cloud.update_stack, **{**change, **{'Parameters': other['Parameters']}})[0] == (
        'TokenAlreadyExistsException')
