"""The parameter store by AWS's SSM protocol, as boto3 sees it before a whole engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.api.cfn import ssm as protocol
from heat.common.policy_rules import OWN_SSM
from tests.parity.conftest import Site
from tests.parity.test_cfn_change_sets import fault
from tests.parity.test_cfn_offers import client, thing
from tests.wire import keystone


def test_the_parameter_store_by_its_own_protocol(here: Site) -> None:
    ssm = client(here, 'ssm')
    assert ssm.put_parameter(Name='/app/name', Value='shop', Type='String')['Version'] == 1
    assert fault(ssm.put_parameter, Name='/app/name', Value='x', Type='String')[0] == 'ParameterAlreadyExists'
    assert ssm.put_parameter(Name='/app/name', Value='bar', Overwrite=True)['Version'] == 2
    ssm.put_parameter(Name='/app/db/password', Value='hush', Type='SecureString', Description='of the db')
    shown = ssm.get_parameter(Name='/app/name')['Parameter']
    assert (shown['Value'], shown['Version'], shown['Type']) == ('bar', 2, 'String')
    assert ssm.get_parameter(Name='/app/name:1')['Parameter']['Value'] == 'shop'
    assert fault(ssm.get_parameter, Name='/app/name:9')[0] == 'ParameterVersionNotFound'
    assert fault(ssm.get_parameter, Name='nil')[0] == 'ParameterNotFound'
    secret = '/app/db/password'
    assert 'hush' not in str((
        ssm.get_parameter(Name=secret), ssm.get_parameters(Names=[secret]),
        ssm.get_parameters_by_path(Path='/', Recursive=True), ssm.describe_parameters()))
    assert ssm.get_parameter(Name=secret, WithDecryption=True)['Parameter']['Value'] == 'hush'
    some = ssm.get_parameters(Names=[secret, 'nil'], WithDecryption=True)
    assert some['Parameters'][0]['Value'] == 'hush' and some['InvalidParameters'] == ['nil']
    described = ssm.describe_parameters()['Parameters']
    assert [(one['Name'], one['Type'], one.get('Description')) for one in described] == [
        (secret, 'SecureString', 'of the db'), ('/app/name', 'String', None)]
    # What it keeps is what templates read.
    cloud = client(here)
    cloud.create_stack(StackName='web', Parameters=[{'ParameterKey': 'P', 'ParameterValue': '/app/name'}],
                       TemplateBody=json.dumps({
                           'AWSTemplateFormatVersion': '2010-09-09',
                           'Parameters': {'P': {'Type': 'AWS::SSM::Parameter::Value<String>'}},
                           'Resources': {'A': thing({'Ref': 'P'})},
                           'Outputs': {'O': {'Value': {'Fn::GetAtt': ['A', 'output']}}}}))
    here.world.run()
    stack = cloud.describe_stacks(StackName='web')['Stacks'][0]
    assert stack['Outputs'][0]['OutputValue'] == 'bar'
    assert stack['Parameters'] == [
        {'ParameterKey': 'P', 'ParameterValue': '/app/name', 'ResolvedValue': 'bar'}]
    # What was told may be sent back as it is.
    ssm.put_parameter(Name='/app/name', Value='baz', Overwrite=True)
    cloud.update_stack(StackName='web', UsePreviousTemplate=True, Parameters=stack['Parameters'])
    here.world.run()
    again = cloud.describe_stacks(StackName='web')['Stacks'][0]
    assert (again['Parameters'][0]['ResolvedValue'], again['Outputs'][0]['OutputValue']) == ('baz', 'baz')
    ssm.delete_parameter(Name='/app/name')
    assert fault(ssm.delete_parameter, Name='/app/name')[0] == 'ParameterNotFound'
    gone = ssm.delete_parameters(Names=['/app/name', secret])
    assert (gone['DeletedParameters'], gone['InvalidParameters']) == ([secret], ['/app/name'])


def test_parameters_by_path_and_page(here: Site) -> None:
    ssm = client(here, 'ssm')
    names = [f'/a/{n:02}' for n in range(12)] + ['/a/b/deep', '/a_/beside', '/ab']
    for name in names:
        ssm.put_parameter(Name=name, Value='v', Type='String')
    pages = list(ssm.get_paginator('get_parameters_by_path').paginate(Path='/a'))
    found = [one['Name'] for page in pages for one in page['Parameters']]
    assert found == names[:12] and [len(page['Parameters']) for page in pages] == [10, 2]
    deep = ssm.get_paginator('get_parameters_by_path').paginate(Path='/a/', Recursive=True)
    assert [one['Name'] for page in deep for one in page['Parameters']] == names[:13]
    every = ssm.get_paginator('describe_parameters').paginate(MaxResults=4)
    assert sorted(one['Name'] for page in every for one in page['Parameters']) == sorted(names)
    token = ssm.get_parameters_by_path(Path='/a')['NextToken']
    assert fault(ssm.get_parameters_by_path, Path='/', NextToken=token)[0] == 'InvalidNextToken'


NEW = {'Name': 'a', 'Value': 'v', 'Type': 'String'}


@pytest.mark.parametrize(('action', 'given', 'code'), [
    ('put_parameter', {'Name': 'a', 'Value': 'v'}, 'ValidationException'),
    ('put_parameter', {**NEW, 'Type': 'Picture'}, 'UnsupportedParameterType'),
    ('put_parameter', {**NEW, 'Name': 'a b'}, 'ValidationException'),
    ('put_parameter', {**NEW, 'Value': 'v' * 9000}, 'ValidationException'),
    ('put_parameter', {**NEW, 'Value': 5}, 'ValidationException'),
    ('put_parameter', {**NEW, 'AllowedPattern': 'b'}, 'ValidationException'),
    ('put_parameter', {**NEW, 'Tier': 'Advanced'}, 'ValidationException'),
    ('put_parameter', {**NEW, 'Value': 'half \ud800'}, 'SerializationException'),
    ('get_parameter', {'Name': 'a\udfff'}, 'SerializationException'),
    ('put_parameter', {**NEW, 'KeyId': 'k'}, 'ValidationException'),
    ('get_parameters', {'Names': []}, 'ValidationException'),
    ('get_parameters', {'Names': ['a'] * 11}, 'ValidationException'),
    ('get_parameters_by_path', {'Path': 'a'}, 'ValidationException'),
    ('get_parameters_by_path', {'Path': '/', 'MaxResults': 11}, 'ValidationException'),
    ('describe_parameters', {'Filters': [{'Key': 'Name', 'Values': ['a']}]}, 'ValidationException'),
    ('list_documents', {}, 'UnknownOperationException')])
def test_what_the_store_refuses(here: Site, action: str, given: dict[str, Any], code: str) -> None:
    ssm = client(here, 'ssm')
    assert fault(getattr(ssm, action), **given)[0] == code
    assert ssm.describe_parameters()['Parameters'] == []


def test_who_may_use_the_store(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keystone.USERS, 'viewer', (keystone.PROJECT, ('reader',)))
    monkeypatch.setitem(keystone.USERS, 'guest', (keystone.PROJECT, ('heat_stack_user',)))
    monkeypatch.setitem(keystone.USERS, 'other', (keystone.OTHER_PROJECT, ('member', 'reader')))
    keeper = client(here, 'ssm')
    keeper.put_parameter(Name='a', Value='hush', Type='SecureString')
    viewer, guest, other = (client(here, 'ssm', access=name) for name in ('viewer', 'guest', 'other'))
    assert viewer.get_parameter(Name='a')['Parameter']['Value'] == '******'
    assert fault(viewer.get_parameter, Name='a', WithDecryption=True)[0] == 'AccessDeniedException'
    assert fault(viewer.put_parameter, Name='b', Value='v', Type='String')[0] == 'AccessDeniedException'
    assert fault(guest.get_parameter, Name='a')[0] == 'AccessDeniedException'
    assert fault(other.get_parameter, Name='a')[0] == 'ParameterNotFound'
    assert fault(other.delete_parameter, Name='a')[0] == 'ParameterNotFound'
    assert keeper.get_parameter(Name='a', WithDecryption=True)['Parameter']['Value'] == 'hush'
    # Who has signed wrongly is told in the protocol's own form.
    assert fault(client(here, 'ssm', secret='wrong').get_parameter, Name='a')[0] == 'AccessDenied'
    model = keeper.meta.service_model
    assert {name for name, _check in OWN_SSM} - {'Decrypt'} <= set(model.operation_names)


def test_members_of_the_model_are_honoured_or_refused(here: Site) -> None:
    model = client(here, 'ssm').meta.service_model
    for name, operation in protocol.OPERATIONS.items():
        shape = model.operation_model(name).input_shape
        assert set(operation.members) | set(operation.harmless or {}) == set(shape.members), name
        assert set(operation.required) == set(shape.required_members), name
