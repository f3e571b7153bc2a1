"""CloudFormation's actions as boto3 sees them; the engine says what it is told to."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable
from itertools import chain
from typing import Any
from urllib.parse import quote
from wsgiref.simple_server import make_server

import pytest
from botocore.exceptions import ClientError

from heat.api.cfn import actions, statuses, tags
from heat.common import errors
from tests.wire import boto
from tests.wire.conftest import World
from tests.wire.engine import EMPTY
from tests.wire.keystone import PROJECT, _Quiet
from tests.wire.test_shapes import EVENT, RESOURCE, STACK, WEB

Load = Callable[..., World]
ARN = f'arn:openstack:heat::{PROJECT}:stacks/web/id-1'
WHEN = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)
TEMPLATE = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {'A': {'Type': 'OS::Heat::None'}}}
BODY = json.dumps(TEMPLATE)
LIVE = {**STACK, 'parameters': {'AWS::StackName': 'web', 'P': 'given'}, 'outputs': [
    {'output_key': 'O', 'output_value': 'a & <b>', 'description': 'an o'},
    {'output_key': 'M', 'output_value': {'k': [1, None, True]}, 'description': 'No description given'},
    {'output_key': 'Gone', 'output_value': None, 'output_error': 'no', 'description': ''}]}


@pytest.fixture
def api(pipeline: Load) -> World:
    world = pipeline('heat-api-cfn')
    world.engine.answers.update(identify_stack=WEB, show_stack=[LIVE], get_template=TEMPLATE,
                                get_environment={'parameters': {}}, create_stack=WEB)
    return world


@pytest.fixture
def cloud(api: World) -> Any:
    return boto.client(api)


def calls(api: World, method: str) -> list[dict[str, Any]]:
    return [arguments for name, arguments in api.engine.calls if name == method]


def fault(function: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response['Error']
    assert caught.value.response['ResponseMetadata']['RequestId'].startswith('req-')
    return error['Code'], error['Message']


# -- the table ---------------------------------------------------------------------------------------


def test_every_action_of_the_model_is_known_and_served_ones_have_its_parameters(cloud: Any) -> None:
    model = cloud.meta.service_model
    # A newer model may have more; what is here must be in it.
    assert set(actions.ACTIONS) <= set(model.operation_names)
    assert len(actions.ACTIONS) == 92
    for name, action in actions.SERVED.items():
        shape = model.operation_model(name).input_shape
        assert set(action.table) == set(shape.members), name
        assert set(action.required) <= set(shape.required_members) | {'StackName'}, name


def test_unserved_actions_say_so(api: World, cloud: Any) -> None:
    for name in actions.UNSERVED.split():
        method = getattr(cloud, ''.join(f'_{c.lower()}' if c.isupper() else c for c in name).lstrip('_'))
        assert fault(method) == ('InvalidAction', f'The action {name} is not supported by this service.')
    assert api.engine.calls == []


def test_the_words_for_states_are_those_of_the_model(cloud: Any) -> None:
    model = cloud.meta.service_model
    stacks, resources = set(model.shape_for('StackStatus').enum), set(model.shape_for('ResourceStatus').enum)
    assert stacks == statuses.ALL
    for action in (*statuses.ENGINE_ACTIONS, 'SIGNAL'):
        for status in statuses.STATUSES:
            if (action, status) != ('SIGNAL', 'IN_PROGRESS'):
                assert statuses.of_resource(action, status) in resources


# -- stacks ------------------------------------------------------------------------------------------


def test_a_stack_as_it_is_described(cloud: Any) -> None:
    answer = cloud.describe_stacks(StackName='web')
    assert answer['Stacks'] == [{
        'StackId': ARN, 'StackName': 'web', 'Description': 'A small stack', 'CreationTime': WHEN,
        'StackStatus': 'CREATE_COMPLETE', 'StackStatusReason': 'Stack CREATE completed successfully',
        'DisableRollback': True, 'EnableTerminationProtection': False, 'TimeoutInMinutes': 7,
        'NotificationARNs': [], 'Capabilities': [],
        'Parameters': [{'ParameterKey': 'P', 'ParameterValue': 'given'}],
        'Outputs': [{'OutputKey': 'O', 'OutputValue': 'a & <b>', 'Description': 'an o'},
                    {'OutputKey': 'M', 'OutputValue': '{"k": [1, null, true]}',
                     'Description': 'No description given'}],
        'Tags': [{'Key': 'a', 'Value': ''}, {'Key': 'b', 'Value': ''}]}]
    assert 'None' not in str(answer['Stacks'])


@pytest.mark.parametrize('name', ['web', 'id-1', ARN])
def test_stacks_are_named_in_three_ways(api: World, cloud: Any, name: str) -> None:
    cloud.describe_stacks(StackName=name)
    assert calls(api, 'show_stack')[0]['stack_identity'] == WEB
    assert len(calls(api, 'identify_stack')) == (0 if name == ARN else 1)


def test_an_unknown_stack_is_a_validation_error_in_the_words_tools_look_for(api: World, cloud: Any) -> None:
    api.engine.answers['identify_stack'] = errors.EntityNotFound(entity='Stack', name='nil')
    expected = ('ValidationError', 'Stack with id nil does not exist')
    for method, more in (
            (cloud.describe_stacks, {}), (cloud.delete_stack, {}), (cloud.get_template, {}),
            (cloud.update_stack, {'TemplateBody': BODY}), (cloud.cancel_update_stack, {}),
            (cloud.describe_stack_events, {}), (cloud.list_stack_resources, {}),
            (cloud.describe_stack_resource, {'LogicalResourceId': 'A'})):
        assert fault(method, StackName='nil', **more) == expected
    cloud.get_waiter('stack_delete_complete').wait(StackName='nil', WaiterConfig={'Delay': 0})


def test_a_stack_of_another_project_does_not_exist(api: World, cloud: Any) -> None:
    api.engine.answers['show_stack'] = errors.InvalidTenant(target='t', actual='u')
    foreign = ARN.replace(PROJECT, 'b' * 32)
    assert fault(cloud.describe_stacks, StackName=foreign) == (
        'ValidationError', f'Stack with id {foreign} does not exist')


def test_creation_with_all_that_is_honoured(api: World, cloud: Any) -> None:
    answer = cloud.create_stack(
        StackName='web', TemplateBody=BODY, Parameters=[{'ParameterKey': 'P', 'ParameterValue': ''}],
        TimeoutInMinutes=5, Tags=[{'Key': 'k=1', 'Value': 'a,b 100%='}], OnFailure='DO_NOTHING',
        ClientRequestToken='t-1', ResourceTypes=['OS::*'], EnableTerminationProtection=False,
        NotificationARNs=[])
    assert answer['StackId'] == ARN
    sent = calls(api, 'create_stack')[0]
    assert sent['args'] == {'disable_rollback': True, 'timeout_mins': 5, 'client_request_token': 't-1',
                            'tags': ['k%3D1=a%2Cb 100%25=']}
    assert sent['params']['parameters'] == {'P': ''}
    assert (sent['stack_name'], sent['template']) == ('web', TEMPLATE)


@pytest.mark.parametrize(('given', 'expected'), [
    ({}, False), ({'DisableRollback': True}, True), ({'DisableRollback': False}, False),
    ({'OnFailure': 'ROLLBACK'}, False), ({'OnFailure': 'DO_NOTHING'}, True)])
def test_a_failed_creation_is_rolled_back_unless_told_otherwise(
        api: World, cloud: Any, given: dict[str, Any], expected: bool) -> None:
    cloud.create_stack(StackName='web', TemplateBody=BODY, **given)
    assert calls(api, 'create_stack')[0]['args'] == {'disable_rollback': expected}


@pytest.mark.parametrize(('given', 'says'), [
    ({'RoleARN': 'arn:aws:iam::1:role/x'}, 'The parameter RoleARN is not supported'),
    ({'NotificationARNs': ['arn:aws:sns:x']}, 'The parameter NotificationARNs is not supported'),
    ({'StackPolicyBody': '{}'}, 'The parameter StackPolicyBody is not supported'),
    ({'OnFailure': 'DELETE'}, 'The value DELETE of the parameter OnFailure is not supported'),
    ({'RollbackConfiguration': {'MonitoringTimeInMinutes': 5}}, 'RollbackConfiguration is not supported'),
    ({'RetainExceptOnCreate': True}, 'The parameter RetainExceptOnCreate is not supported'),
    ({'OnFailure': 'ROLLBACK', 'DisableRollback': True}, 'not both'),
    ({'OnFailure': 'PANIC'}, "must be one of: DO_NOTHING, ROLLBACK, DELETE"),
    ({'TimeoutInMinutes': 0}, "'TimeoutInMinutes' must be a whole number of at least 1"),
    ({'Capabilities': ['CAPABILITY_MAGIC']}, "'Capabilities.1.member' must be one of"),
    ({'ResourceTypes': ['AWS::EC2::*']}, 'Resource type OS::Heat::None is not allowed'),
    ({'Tags': [{'Key': 'k', 'Value': 'v' * 90}]}, 'The tag k is too long'),
    ({'Tags': [{'Key': 'k', 'Value': '1'}, {'Key': 'k', 'Value': '2'}]}, 'Duplicate tag key k'),
    ({'Parameters': [{'ParameterKey': 'P', 'UsePreviousValue': True}]}, 'not in the previous template'),
    ({'Parameters': [{'ParameterKey': 'P'}]}, 'neither ParameterValue nor UsePreviousValue'),
    ({'Parameters': [{'ParameterValue': 'x'}]}, "'Parameters.1.member.ParameterKey' must not be null"),
    ({'TemplateBody': 'a: [1'}, 'Template not in valid format'),
    ({'TemplateBody': ''}, 'Either Template URL or Template Body must be specified.'),
    ({'TemplateURL': 'http://127.0.0.1:9/x'}, 'may not be used together'),
    ({'TemplateBody': '', 'TemplateURL': 'file:///etc/hostname'}, 'Invalid URL scheme file'),
    ({'TemplateBody': '', 'TemplateURL': 'http://127.0.0.1:9/x'}, 'Failed to retrieve template'),
    ({'StackName': ''}, "'StackName' must not be null or empty"),
    ({'ClientRequestToken': 'a b'}, 'must match')])
def test_what_is_not_honoured_is_refused(api: World, cloud: Any, given: dict[str, Any], says: str) -> None:
    code, message = fault(cloud.create_stack, **{'StackName': 'web', 'TemplateBody': BODY, **given})
    assert code == 'ValidationError' and says in message
    assert calls(api, 'create_stack') == []


@pytest.mark.parametrize(('more', 'says'), [
    ('Colour=red', 'Unknown parameter Colour'), ('Tags.member.1.Colour=red', 'Unknown parameter'),
    ('DisableRollback=perhaps', 'must be true or false'), ('StackName.x=1', 'must be a single value'),
    ('Tags.member.0.Key=a', 'must be a list'), ('Tags.member.x=a', 'must be a list'),
    ('Tags.member.1=a', 'Unknown parameter'), ('Tags.member.1.Key=a', 'must not be null'),
    ('Capabilities=CAPABILITY_IAM', 'must be a list'), ('TimeoutInMinutes=5.5', 'must be a whole number')])
def test_parameters_that_no_client_library_sends(api: World, more: str, says: str) -> None:
    response = api.ask(
        'POST', '/v1/', b'Action=CreateStack&StackName=web&SignatureVersion=2&AWSAccessKeyId=member'
        b'&Signature=member&Timestamp=' + stamp() + b'&TemplateBody=' + quote(BODY).encode() + b'&'
        + more.encode(), Content_Type='application/x-www-form-urlencoded')
    assert response.status_int == 400 and '<Code>ValidationError</Code>' in response.text
    assert says in response.text
    assert calls(api, 'create_stack') == []


def stamp() -> bytes:
    return f'{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}'.encode()


@pytest.mark.parametrize(('error', 'code', 'says'), [
    (errors.StackExists(stack_name='web'), 'AlreadyExistsException', 'Stack [web] already exists'),
    (errors.RequestLimitExceeded(message='You have reached it'), 'LimitExceededException', 'reached it'),
    (errors.RequestTokenUsed(token='t'), 'TokenAlreadyExistsException', 'another request'),
    (errors.Forbidden(action='x'), 'AccessDenied', 'not authorized'),
    (errors.StackValidationFailed(message='Property error: x'), 'ValidationError', 'Property error: x'),
    (errors.CircularDependencyException(cycle='a b'), 'ValidationError', 'a b'),
    (errors.UserParameterMissing(key='P'), 'ValidationError', 'The Parameter (P) was not provided.'),
    (errors.ActionInProgress(stack_name='w', action='UPDATE'), 'ValidationError', 'in progress'),
    (errors.AuthorizationFailure(failure_reason=' no'), 'AccessDenied', 'Authorization failed. no'),
    (errors.RemoteError(request_id='r', type='KeyError'), 'InternalFailure', 'internal error'),
    (ValueError('password is swordfish'), 'InternalFailure', 'internal error')])
def test_errors_of_the_engine(api: World, cloud: Any, error: Exception, code: str, says: str) -> None:
    api.engine.answers['create_stack'] = error
    got = fault(cloud.create_stack, StackName='web', TemplateBody=BODY)
    assert got[0] == code and says in got[1]
    assert 'swordfish' not in got[1] and 'Traceback' not in got[1]


def test_capabilities_are_asked_for_before_users_are_made(api: World, cloud: Any) -> None:
    user = {**TEMPLATE, 'Resources': {'U': {'Type': 'AWS::IAM::User'}}}
    named = {**TEMPLATE, 'Resources': {'U': {'Type': 'AWS::IAM::User', 'Properties': {'UserName': 'x'}}}}
    # An access key says whose it is, which names nothing.
    keys = {**TEMPLATE, 'Resources': {**user['Resources'], 'K': {
        'Type': 'AWS::IAM::AccessKey', 'Properties': {'UserName': {'Ref': 'U'}}}}}
    for template, wanted in ((user, 'CAPABILITY_IAM'), (keys, 'CAPABILITY_IAM'),
                             (named, 'CAPABILITY_NAMED_IAM')):
        body = json.dumps(template)
        assert fault(cloud.create_stack, StackName='web', TemplateBody=body) == (
            'InsufficientCapabilitiesException', f'Requires capabilities : [{wanted}]')
        cloud.create_stack(StackName='web', TemplateBody=body, Capabilities=[wanted])
        api.engine.answers['get_template'] = template
        assert fault(cloud.update_stack, StackName='web', UsePreviousTemplate=True)[0] == \
            'InsufficientCapabilitiesException'
    assert fault(cloud.create_stack, StackName='web', TemplateBody=json.dumps(named),
                 Capabilities=['CAPABILITY_IAM'])[0] == 'InsufficientCapabilitiesException'
    assert len(calls(api, 'create_stack')) == 3 and calls(api, 'update_stack') == []


def test_an_update_keeps_what_it_is_told_to_keep(api: World, cloud: Any) -> None:
    before = {**TEMPLATE, 'Parameters': {name: {'Type': 'String', 'Default': f'd{name}'} for name in 'PQRS'}}
    api.engine.answers.update(get_template=before, get_environment={
        'parameters': {'P': '******', 'Q': 'q', 'R': 'r'}})
    cloud.update_stack(StackName='web', TemplateBody=BODY, Parameters=[
        {'ParameterKey': 'P', 'UsePreviousValue': True}, {'ParameterKey': 'Q', 'ParameterValue': 'new'},
        {'ParameterKey': 'S', 'UsePreviousValue': True}])
    sent = calls(api, 'update_stack')[0]
    # P stays without being known here, R falls back to its default, S had its default until now.
    assert sent['params']['parameters'] == {'Q': 'new', 'S': 'dS'}
    assert sent['args'] == {'disable_rollback': False, 'existing': True, 'refuse_unchanged': True,
                            'clear_parameters': ['Q', 'R']}
    assert sent['template'] == TEMPLATE
    cloud.update_stack(StackName='web', UsePreviousTemplate=True, Tags=[])
    again = calls(api, 'update_stack')[1]
    assert again['template'] is None and again['args']['tags'] == []
    assert fault(cloud.update_stack, StackName='web') == (
        'ValidationError', 'Either Template URL or Template Body must be specified.')
    assert 'not in the previous template' in fault(
        cloud.update_stack, StackName='web', UsePreviousTemplate=True,
        Parameters=[{'ParameterKey': 'Z', 'UsePreviousValue': True}])[1]


def test_an_update_that_changes_nothing(api: World, cloud: Any) -> None:
    api.engine.answers['update_stack'] = errors.NothingToUpdate()
    assert fault(cloud.update_stack, StackName='web', TemplateBody=BODY) == (
        'ValidationError', 'No updates are to be performed.')


def test_cancelling_and_deleting(api: World, cloud: Any) -> None:
    cloud.cancel_update_stack(StackName='web')
    assert calls(api, 'stack_cancel_update') == [{'stack_identity': WEB, 'cancel_with_rollback': True}]
    api.engine.answers['stack_cancel_update'] = errors.NotSupported(feature='x')
    assert fault(cloud.cancel_update_stack, StackName='web') == (
        'ValidationError', 'CancelUpdateStack cannot be called from current stack status')
    cloud.delete_stack(StackName='web', RetainResources=[], ClientRequestToken='t')
    assert calls(api, 'delete_stack') == [{'stack_identity': WEB}]
    assert 'only after its deletion has failed' in fault(
        cloud.delete_stack, StackName='web', RetainResources=['A'])[1]
    assert 'DeletionMode is not supported' in fault(
        cloud.delete_stack, StackName='web', DeletionMode='FORCE_DELETE_STACK')[1]
    assert len(calls(api, 'delete_stack')) == 1
    api.engine.answers['show_stack'] = [{**LIVE, 'stack_action': 'DELETE', 'stack_status': 'FAILED'}]
    cloud.delete_stack(StackName='web', RetainResources=['A'])
    assert calls(api, 'delete_stack')[1] == {'stack_identity': WEB, 'retain': ['A']}
    api.engine.answers['delete_stack'] = errors.TerminationProtected(stack_name='web')
    assert fault(cloud.delete_stack, StackName='web') == (
        'ValidationError', 'Stack [web] cannot be deleted while TerminationProtection is enabled')


def test_protection_from_deletion(api: World, cloud: Any) -> None:
    cloud.create_stack(StackName='web', TemplateBody=BODY, EnableTerminationProtection=True)
    assert calls(api, 'create_stack')[0]['args']['termination_protection'] is True
    for wished in (True, False):
        answer = cloud.update_termination_protection(StackName='web', EnableTerminationProtection=wished)
        assert answer['StackId'] == ARN
        assert calls(api, 'set_termination_protection')[-1] == {'stack_identity': WEB, 'enabled': wished}
    api.engine.answers['stack_facts'] = {'termination_protection': True, 'export_names': {'O': 'web-o'}}
    stack = cloud.describe_stacks(StackName='web')['Stacks'][0]
    assert stack['EnableTerminationProtection'] is True
    assert [one.get('ExportName') for one in stack['Outputs']] == ['web-o', None]


def test_going_back(api: World, cloud: Any) -> None:
    api.engine.answers['stack_rollback'] = WEB
    assert cloud.rollback_stack(StackName='web', ClientRequestToken='t')['StackId'] == ARN
    cloud.continue_update_rollback(StackName='web')
    assert calls(api, 'stack_rollback') == [
        {'stack_identity': WEB, 'again': False, 'client_request_token': 't'},
        {'stack_identity': WEB, 'again': True, 'client_request_token': None}]
    api.engine.answers['stack_rollback'] = errors.NotSupported(feature='Rolling back when stack is X')
    assert 'Rolling back when stack is X' in fault(cloud.rollback_stack, StackName='web')[1]
    assert 'ResourcesToSkip is not supported' in fault(
        cloud.continue_update_rollback, StackName='web', ResourcesToSkip=['A'])[1]


def test_exports_and_imports(api: World, cloud: Any) -> None:
    api.engine.answers['list_exports'] = [{'name': f'e{n:03}', 'value': ['a', 1], 'stack_identity': WEB}
                                          for n in range(100)]
    first = cloud.list_exports()
    assert first['Exports'][0] == {'ExportingStackId': ARN, 'Name': 'e000', 'Value': '["a", 1]'}
    api.engine.answers['list_exports'] = []
    assert cloud.list_exports(NextToken=first['NextToken'])['Exports'] == []
    assert calls(api, 'list_exports')[1]['marker'] == 'e099'
    api.engine.answers['list_imports'] = [f's{n:03}' for n in range(101)]
    pages = list(cloud.get_paginator('list_imports').paginate(ExportName='e'))
    assert [len(page['Imports']) for page in pages] == [100, 1]
    api.engine.answers['list_imports'] = []
    assert fault(cloud.list_imports, ExportName='e') == (
        'ValidationError', "Export 'e' is not imported by any stack.")


# -- lists and pages -----------------------------------------------------------------------------------


class Stacks:
    """An engine's list of stacks that pages as the real one."""

    def __init__(self, count: int) -> None:
        self.rows = [{**STACK, 'stack_name': f's{n}', 'stack_identity': {**WEB, 'stack_name': f's{n}',
                                                                         'stack_id': f'id-{n}'},
                      'stack_action': 'DELETE' if n % 2 else 'CREATE'} for n in range(count)]

    def call(self, context: Any, method: str, /, **asked: Any) -> Any:
        if method == 'show_stack':
            return [row for row in self.rows if row['stack_identity'] == asked['stack_identity']]
        if method in ('stack_facts', 'list_plans'):
            return EMPTY[method]
        assert method == 'list_stacks'
        start = next((n + 1 for n, row in enumerate(self.rows)
                      if row['stack_identity']['stack_id'] == asked.get('marker')), 0)
        return self.rows[start:start + asked['limit']]


def test_pages_of_stacks(api: World, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.engine, 'call', Stacks(230).call)

    def names(operation: str, key: str, **given: Any) -> list[list[str]]:
        return [[one['StackName'] for one in page[key]]
                for page in cloud.get_paginator(operation).paginate(**given)]

    every = [f's{n}' for n in range(230)]
    pages = names('list_stacks', 'StackSummaries')
    assert [len(page) for page in pages] == [100, 100, 30] and list(chain(*pages)) == every
    pages = names('list_stacks', 'StackSummaries', StackStatusFilter=['DELETE_COMPLETE'])
    assert [len(page) for page in pages] == [100, 15] and list(chain(*pages)) == every[1::2]
    assert list(chain(*names('describe_stacks', 'Stacks'))) == every


def test_tokens_of_other_requests_and_invented_ones(api: World, cloud: Any,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.engine, 'call', Stacks(230).call)
    token = cloud.list_stacks()['NextToken']
    for wrong in ('x', token[:-3], token.swapcase()):
        assert fault(cloud.list_stacks, NextToken=wrong)[0] == 'ValidationError'
    assert 'another request' in fault(cloud.list_stacks, NextToken=token,
                                      StackStatusFilter=['CREATE_COMPLETE'])[1]
    assert 'another request' in fault(cloud.describe_stacks, NextToken=token)[1]


def test_filters_of_states_reach_the_engine(api: World, cloud: Any) -> None:
    cloud.list_stacks(StackStatusFilter=['UPDATE_ROLLBACK_COMPLETE', 'CREATE_FAILED'])
    asked = calls(api, 'list_stacks')[0]
    assert asked['show_deleted'] is True
    assert set(asked['filters']['stack_status']) == {'ROLLBACK_COMPLETE', 'CREATE_FAILED', 'INIT_FAILED'}
    assert fault(cloud.list_stacks, StackStatusFilter=['BEST'])[0] == 'ValidationError'


@pytest.mark.parametrize(('events', 'expected'), [
    (['ROLLBACK', 'CREATE', 'CREATE'], 'ROLLBACK_COMPLETE'),
    (['ROLLBACK', 'UPDATE', 'CREATE'], 'UPDATE_ROLLBACK_COMPLETE')])
def test_what_was_rolled_back(api: World, cloud: Any, events: list[str], expected: str) -> None:
    rows = [{**EVENT, 'resource_name': 'web', 'physical_resource_id': 'id-1', 'resource_action': action,
             'resource_status': 'COMPLETE', 'event_identity': {**WEB, 'path': f'/resources/web/events/e{n}'}}
            for n, action in enumerate(events)]
    api.engine.answers.update(list_events=rows, show_stack=[{**LIVE, 'stack_action': 'ROLLBACK'}])
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['StackStatus'] == expected
    told = cloud.describe_stack_events(StackName='web')['StackEvents']
    assert told[0]['ResourceStatus'] == expected
    assert (told[0]['ResourceType'], told[0]['PhysicalResourceId']) == ('AWS::CloudFormation::Stack', ARN)


# -- resources, events, signals ------------------------------------------------------------------------


def test_resources(api: World, cloud: Any) -> None:
    waiting = {**RESOURCE, 'resource_name': 'b', 'resource_action': 'INIT'}
    row = {**RESOURCE, 'updated_time': '2026-11-22T10:00:00Z'}
    api.engine.answers.update(describe_stack_resource=row, describe_stack_resources=[row, waiting],
                              list_stack_resources=[row, waiting], find_physical_resource={
                                  **WEB, 'path': '/resources/kid'})
    common = {'LogicalResourceId': 'kid', 'PhysicalResourceId': 'id-2', 'ResourceType': 'file:///n.yaml',
              'ResourceStatus': 'CREATE_COMPLETE', 'ResourceStatusReason': 'state changed'}
    whole = {**common, 'StackId': ARN, 'StackName': 'web', 'Description': ''}
    assert cloud.describe_stack_resource(StackName='web', LogicalResourceId='kid')['StackResourceDetail'] == {
        **whole, 'LastUpdatedTimestamp': WHEN, 'Metadata': '{"n": 1}'}
    assert cloud.describe_stack_resources(StackName='web')['StackResources'] == [{**whole, 'Timestamp': WHEN}]
    assert cloud.describe_stack_resources(PhysicalResourceId='id-2')['StackResources'] == [
        {**whole, 'Timestamp': WHEN}]
    assert calls(api, 'describe_stack_resources')[1]['stack_identity'] == WEB
    assert cloud.list_stack_resources(StackName='web')['StackResourceSummaries'] == [
        {**common, 'LastUpdatedTimestamp': WHEN}]
    for wrong in ({}, {'StackName': 'web', 'PhysicalResourceId': 'x'}):
        assert fault(cloud.describe_stack_resources, **wrong)[0] == 'ValidationError'
    api.engine.answers['describe_stack_resource'] = errors.ResourceNotFound(
        resource_name='Z', stack_name='web')
    assert fault(cloud.describe_stack_resource, StackName='web', LogicalResourceId='Z') == (
        'ValidationError', 'Resource Z does not exist for stack web')
    assert fault(cloud.describe_stack_resource, StackName='web')[0] == 'ValidationError'


def test_pages_of_resources(api: World, cloud: Any) -> None:
    api.engine.answers['list_stack_resources'] = [
        {**RESOURCE, 'resource_name': f'r{n:03}', 'updated_time': '2026-11-22T10:00:00Z'}
        for n in reversed(range(201))]
    pages = list(cloud.get_paginator('list_stack_resources').paginate(StackName='web'))
    assert [len(page['StackResourceSummaries']) for page in pages] == [100, 100, 1]
    found = [one['LogicalResourceId'] for page in pages for one in page['StackResourceSummaries']]
    assert found == [f'r{n:03}' for n in range(201)]


def test_events(api: World, cloud: Any) -> None:
    api.engine.answers['list_events'] = [{**EVENT, 'event_time': '2026-11-22T10:00:00Z'}]
    assert cloud.describe_stack_events(StackName='web')['StackEvents'] == [{
        'StackId': ARN, 'StackName': 'web', 'EventId': 'e-2', 'Timestamp': WHEN, 'LogicalResourceId': 'a',
        'PhysicalResourceId': 'web-a', 'ResourceType': 'OS::Heat::TestResource',
        'ResourceStatus': 'CREATE_IN_PROGRESS', 'ResourceStatusReason': 'state changed',
        'ResourceProperties': '{"value": "one"}'}]


def test_signals(api: World, cloud: Any) -> None:
    api.engine.answers['describe_stack_resource'] = {**RESOURCE, 'resource_type': 'X'}
    cloud.signal_resource(StackName='web', LogicalResourceId='H', UniqueId='u', Status='FAILURE')
    assert calls(api, 'resource_signal') == [{
        'stack_identity': WEB, 'resource_name': 'H', 'sync_call': False,
        'details': {'Status': 'FAILURE', 'UniqueId': 'u', 'Reason': '', 'Data': ''}}]
    api.engine.answers['describe_stack_resource'] = {
        **RESOURCE, 'resource_type': 'OS::Heat::WaitConditionHandle'}
    cloud.signal_resource(StackName='web', LogicalResourceId='H', UniqueId='u', Status='SUCCESS')
    assert calls(api, 'resource_signal')[1]['details'] == {'status': 'SUCCESS', 'id': 'u'}
    assert fault(cloud.signal_resource, StackName='web', LogicalResourceId='H', UniqueId='u',
                 Status='MAYBE')[0] == 'ValidationError'


# -- templates -----------------------------------------------------------------------------------------


DESCRIBED = {'Description': 'cfn', 'Environment': {}, 'Parameters': {
    'P': {'Type': 'Number', 'Description': 'a p', 'NoEcho': 'false', 'Label': 'P', 'Default': 3,
          'AllowedValues': [1, 3]},
    'H': {'Type': 'String', 'Description': '', 'NoEcho': 'true', 'Label': 'H'}}}


def test_templates(api: World, cloud: Any) -> None:
    api.engine.answers['validate_template'] = DESCRIBED
    parameters = [{'ParameterKey': 'P', 'DefaultValue': '3', 'NoEcho': False, 'Description': 'a p'},
                  {'ParameterKey': 'H', 'NoEcho': True, 'Description': ''}]
    answer = cloud.validate_template(TemplateBody=BODY)
    assert (answer['Description'], answer['Parameters'], answer['Capabilities']) == ('cfn', parameters, [])
    for which in ({'TemplateBody': BODY}, {'StackName': 'web'}):
        summary = cloud.get_template_summary(**which)
        assert summary['ResourceTypes'] == ['OS::Heat::None'] and summary['Version'] == '2010-09-09'
        assert summary['Parameters'][0] == {**parameters[0], 'ParameterType': 'Number',
                                            'ParameterConstraints': {'AllowedValues': ['1', '3']}}
        assert summary['ResourceIdentifierSummaries'] == [
            {'ResourceType': 'OS::Heat::None', 'LogicalResourceIds': ['A']}]
    assert cloud.get_template(StackName='web')['TemplateBody'] == TEMPLATE
    assert cloud.estimate_template_cost(TemplateBody=BODY)['Url'].startswith('http')
    api.engine.answers['validate_template'] = {'Error': 'The Resource Type (No::Such) could not be found.'}
    assert fault(cloud.validate_template, TemplateBody=BODY) == (
        'ValidationError', 'Template format error: The Resource Type (No::Such) could not be found.')
    for wrong in ({}, {'StackName': 'web', 'TemplateBody': BODY}):
        assert fault(cloud.get_template_summary, **wrong)[0] == 'ValidationError'


def test_templates_with_transforms(api: World, cloud: Any) -> None:
    template = {**TEMPLATE, 'Transform': ['AWS::LanguageExtensions', {'Name': 'Mine'}]}
    api.engine.answers.update(validate_template=DESCRIBED, get_template=template)
    for answer in (cloud.validate_template(TemplateBody=json.dumps(template)),
                   cloud.get_template_summary(StackName='web')):
        assert answer['DeclaredTransforms'] == ['AWS::LanguageExtensions', 'Mine']
        assert answer['Capabilities'] == ['CAPABILITY_AUTO_EXPAND']
    assert fault(cloud.create_stack, StackName='web', TemplateBody=json.dumps(template))[0] == \
        'InsufficientCapabilitiesException'
    assert cloud.get_template(StackName='web')['TemplateBody'] == template
    api.engine.answers['get_processed_template'] = TEMPLATE
    answer = cloud.get_template(StackName='web', TemplateStage='Processed')
    assert (answer['TemplateBody'], answer['StagesAvailable']) == (TEMPLATE, ['Original', 'Processed'])


def test_a_template_by_url(pipeline: Load) -> None:
    def serve(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [BODY.encode()]

    world = pipeline('heat-api-cfn', more='allow_local_template_url = true')
    world.engine.answers['create_stack'] = WEB
    server = make_server('127.0.0.1', 0, serve, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
    thread.start()
    try:
        boto.client(world).create_stack(StackName='web',
                                        TemplateURL=f'http://127.0.0.1:{server.server_port}/t.json')
    finally:
        server.shutdown()
        server.server_close()
    assert calls(world, 'create_stack')[0]['template'] == TEMPLATE


def test_limits(pipeline: Load) -> None:
    bounded = boto.client(pipeline('heat-api-cfn', more='max_stacks_per_tenant = 7'))
    assert bounded.describe_account_limits()['AccountLimits'] == [{'Name': 'StackLimit', 'Value': 7}]
    free = boto.client(pipeline('heat-api-cfn', more='max_stacks_per_tenant = -1'))
    assert free.describe_account_limits()['AccountLimits'] == []


# -- who may -------------------------------------------------------------------------------------------


def test_policy(pipeline: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.wire import keystone
    monkeypatch.setitem(keystone.USERS, 'viewer', (PROJECT, ('reader',)))
    monkeypatch.setitem(keystone.USERS, 'guest', (PROJECT, ('heat_stack_user',)))
    world = pipeline('heat-api-cfn')
    world.engine.answers.update(identify_stack=WEB, show_stack=[LIVE], describe_stack_resource=RESOURCE)
    viewer, guest = (boto.client(world, access=name) for name in ('viewer', 'guest'))
    assert viewer.describe_stacks(StackName='web')['Stacks']
    assert fault(viewer.create_stack, StackName='x', TemplateBody=BODY)[0] == 'AccessDenied'
    assert fault(guest.describe_stacks, StackName='web')[0] == 'AccessDenied'
    guest.signal_resource(StackName='web', LogicalResourceId='H', UniqueId='u', Status='SUCCESS')
    world.engine.answers['describe_stack_resource'] = {**RESOURCE, 'updated_time': '2026-11-22T10:00:00Z'}
    guest.describe_stack_resource(StackName='web', LogicalResourceId='kid')


# -- tags ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('pair', [
    ('k', 'v'), ('k', ''), ('k=', '=v='), ('a,b', ',c,'), ('50%', '%2C'), (' k ', ' v '), ('ä', 'ö,ü'),
    ('aws:x', 'a:b/c')])
def test_tags_come_back_as_they_were(pair: tuple[str, str]) -> None:
    texts = tags.stored([{'Key': pair[0], 'Value': pair[1]}])
    assert ',' not in texts[0] and texts[0] == texts[0].strip() and len(texts[0]) <= 80
    assert tags.shown(texts) == [{'Key': pair[0], 'Value': pair[1]}]


def test_tags_of_the_orchestration_api_are_keys() -> None:
    assert tags.shown(['web', 'a=b=c', '50%']) == [
        {'Key': 'web', 'Value': ''}, {'Key': 'a', 'Value': 'b=c'}, {'Key': '50%', 'Value': ''}]


# -- drift -------------------------------------------------------------------------------------------


CHECK = {**EVENT, 'event_time': '2026-11-22T10:00:00Z', 'resource_name': 'web', 'resource_action': 'CHECK',
         'physical_resource_id': 'id-1'}
DRIFT: list[dict[str, Any]] = [
    {'resource_name': name, 'path': path, 'resource_type': 'T', 'physical_resource_id': f'p-{name}',
     'status': status, 'checked_at': at, 'differences': differences}
    for name, path, status, at, differences in (
        ('b', 'b', 'MODIFIED', '2026-11-22T10:00:00Z', [
            {'property': 'Tags', 'expected': ['x'], 'actual': [], 'kind': 'REMOVE'},
            {'property': 'Name', 'expected': 'a', 'actual': 'b', 'kind': 'NOT_EQUAL'},
            {'property': 'Note', 'expected': None, 'actual': True, 'kind': 'ADD'}]),
        ('a', 'a', 'IN_SYNC', '2026-11-22T10:00:00Z', []), ('c', 'c', 'DELETED', '2026-11-22T10:00:00Z', []),
        ('d', 'd', 'NOT_CHECKED', None, []), ('0', 'g/0', 'MODIFIED', '2026-11-22T10:00:00Z', []))]


@pytest.fixture
def drifted(api: World) -> World:
    checked = {**LIVE, 'stack_action': 'CHECK', 'stack_status': 'COMPLETE'}
    api.engine.answers.update(show_drift=DRIFT, show_stack=[checked], list_events=[
        {**CHECK, 'resource_status': 'COMPLETE'},
        {**CHECK, 'physical_resource_id': 'p', 'event_time': '2026-11-22T11:00:00Z'}, CHECK])
    return api


def test_a_detection_begins(drifted: World, cloud: Any) -> None:
    assert cloud.detect_stack_drift(StackName='web')['StackDriftDetectionId'] == 'id-1'
    assert calls(drifted, 'stack_check') == [{'stack_identity': WEB}]
    assert 'LogicalResourceIds' in fault(cloud.detect_stack_drift, StackName='web',
                                         LogicalResourceIds=['a'])[1]
    drifted.engine.answers['stack_check'] = errors.ActionInProgress(stack_name='web', action='UPDATE')
    assert fault(cloud.detect_stack_drift, StackName='web') == (
        'ValidationError', 'Stack web already has an action (UPDATE) in progress.')


def test_how_a_detection_stands(drifted: World, cloud: Any) -> None:
    def stands() -> dict[str, Any]:
        answer = dict(cloud.describe_stack_drift_detection_status(StackDriftDetectionId='id-1'))
        answer.pop('ResponseMetadata')
        return answer

    told = {'StackId': ARN, 'StackDriftDetectionId': 'id-1', 'Timestamp': WHEN}
    counted = {**told, 'StackDriftStatus': 'DRIFTED', 'DriftedStackResourceCount': 2}
    assert stands() == {**counted, 'DetectionStatus': 'DETECTION_COMPLETE'}
    # What is gone has failed its check, and was looked at; of the others one was not.
    failed = {**RESOURCE, 'resource_action': 'CHECK', 'resource_status': 'FAILED'}
    plain = {k: v for k, v in failed.items() if k != 'nested_stack_id'}
    drifted.engine.answers['list_stack_resources'] = [
        {**plain, 'resource_name': 'c'}, {**failed, 'resource_name': 'g'}]
    assert stands()['DetectionStatus'] == 'DETECTION_COMPLETE'
    drifted.engine.answers['list_stack_resources'] += [{**plain, 'resource_name': 'd'}]
    assert stands() == {**counted, 'DetectionStatus': 'DETECTION_FAILED',
                        'DetectionStatusReason': 'Detection has failed for the resources [d]'}
    drifted.engine.answers['show_stack'] = [{**LIVE, 'stack_action': 'CHECK', 'stack_status': 'IN_PROGRESS'}]
    assert stands() == {**told, 'DetectionStatus': 'DETECTION_IN_PROGRESS'}
    drifted.engine.answers.update(show_stack=[LIVE], list_stack_resources=[], show_drift=DRIFT[1:2])
    assert stands() == {**told, 'StackDriftStatus': 'IN_SYNC', 'DriftedStackResourceCount': 0,
                        'DetectionStatus': 'DETECTION_COMPLETE'}
    drifted.engine.answers['show_drift'] = DRIFT[3:4]
    assert stands()['StackDriftStatus'] == 'NOT_CHECKED'


@pytest.mark.parametrize('answers', [
    {'list_events': []}, {'identify_stack': errors.EntityNotFound(entity='Stack', name='id-1')},
    {'identify_stack': {**WEB, 'stack_id': 'id-2'}},
    {'show_stack': errors.InvalidTenant(target='x', actual='y')}])
def test_a_detection_that_is_not_there(drifted: World, cloud: Any, answers: dict[str, Any]) -> None:
    drifted.engine.answers.update(answers)
    assert fault(cloud.describe_stack_drift_detection_status, StackDriftDetectionId='id-1') == (
        'ValidationError', 'Drift detection id-1 does not exist')


def test_drifts_of_resources(drifted: World, cloud: Any) -> None:
    found = cloud.describe_stack_resource_drifts(StackName='web')['StackResourceDrifts']
    assert [one['LogicalResourceId'] for one in found] == ['a', 'b', 'c']
    assert found[1] == {
        'StackId': ARN, 'LogicalResourceId': 'b', 'PhysicalResourceId': 'p-b', 'ResourceType': 'T',
        'StackResourceDriftStatus': 'MODIFIED', 'Timestamp': WHEN, 'PropertyDifferences': [
            {'PropertyPath': '/Tags', 'ExpectedValue': '["x"]', 'ActualValue': '[]',
             'DifferenceType': 'REMOVE'},
            {'PropertyPath': '/Name', 'ExpectedValue': 'a', 'ActualValue': 'b',
             'DifferenceType': 'NOT_EQUAL'},
            {'PropertyPath': '/Note', 'ExpectedValue': 'null', 'ActualValue': 'true',
             'DifferenceType': 'ADD'}]}
    filtered = cloud.describe_stack_resource_drifts(
        StackName='web', StackResourceDriftStatusFilters=['DELETED', 'NOT_CHECKED'])
    assert [one['LogicalResourceId'] for one in filtered['StackResourceDrifts']] == ['c']


def test_drifts_come_in_pages(drifted: World, cloud: Any) -> None:
    pages, token = [], {}
    while True:
        page = cloud.describe_stack_resource_drifts(StackName='web', MaxResults=2, **token)
        pages.append([one['LogicalResourceId'] for one in page['StackResourceDrifts']])
        if 'NextToken' not in page:
            break
        token = {'NextToken': page['NextToken']}
    assert pages == [['a', 'b'], ['c']]
    assert 'at most 100' in fault(cloud.describe_stack_resource_drifts, StackName='web', MaxResults=101)[1]
    assert 'another request' in fault(cloud.describe_stack_resource_drifts, StackName='web', **token,
                                      StackResourceDriftStatusFilters=['DELETED'])[1]


def test_who_may_detect_drift(pipeline: Load) -> None:
    api = pipeline('heat-api-cfn', policy='"stacks:drift": "!"\n"actions:check": "!"\n')
    api.engine.answers['identify_stack'] = WEB
    cloud = boto.client(api)
    assert fault(cloud.detect_stack_drift, StackName='web')[0] == 'AccessDenied'
    assert fault(cloud.describe_stack_resource_drifts, StackName='web')[0] == 'AccessDenied'
    assert fault(cloud.describe_stack_drift_detection_status, StackDriftDetectionId='i')[0] == 'AccessDenied'
    assert api.engine.calls == []
