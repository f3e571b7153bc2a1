"""CloudFormation's actions as boto3 sees them; the engine says what it is told to."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from heat.api.cfn import actions, statuses, tags
from heat.bus.wire import NoReply
from heat.common import errors
from tests.wire import boto
from tests.wire.cfn import ARN, BODY, LIVE, TEMPLATE, WHEN, Load, calls, fault, knowing_web, stamp
from tests.wire.conftest import World
from tests.wire.keystone import PROJECT
from tests.wire.test_shapes import RESOURCE, WEB


@pytest.fixture
def api(pipeline: Load) -> World:
    return knowing_web(pipeline)


@pytest.fixture
def cloud(api: World) -> Any:
    return boto.client(api)


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
        'NotificationARNs': [], 'Capabilities': ['CAPABILITY_IAM'], 'RetainExceptOnCreate': False,
        'DriftInformation': {'StackDriftStatus': 'DRIFTED', 'LastCheckTimestamp': WHEN},
        'LastOperations': [{'OperationType': 'CREATE_STACK', 'OperationId': 'op-1'}],
        'Parameters': [{'ParameterKey': 'P', 'ParameterValue': 'given'}],
        'Outputs': [{'OutputKey': 'O', 'OutputValue': 'a & <b>', 'Description': 'an o'},
                    {'OutputKey': 'M', 'OutputValue': '{"k": [1, null, true]}',
                     'Description': 'No description given'}],
        'Tags': [{'Key': 'a', 'Value': ''}, {'Key': 'b', 'Value': ''}]}]
    assert 'None' not in str(answer['Stacks'])


@pytest.mark.parametrize('name', ['web', 'id-1', ARN])
def test_stacks_are_named_in_three_ways(api: World, cloud: Any, name: str) -> None:
    cloud.describe_stacks(StackName=name)
    assert calls(api, 'describe_stacks') == [{'stack_identity': WEB}]
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
    api.engine.answers['describe_stacks'] = errors.InvalidTenant(target='t', actual='u')
    foreign = ARN.replace(PROJECT, 'b' * 32)
    assert fault(cloud.describe_stacks, StackName=foreign) == (
        'ValidationError', f'Stack with id {foreign} does not exist')


def test_creation_with_all_that_is_honoured(api: World, cloud: Any) -> None:
    answer = cloud.create_stack(
        StackName='web', TemplateBody=BODY, Parameters=[{'ParameterKey': 'P', 'ParameterValue': ''}],
        TimeoutInMinutes=5, Tags=[{'Key': 'k=1', 'Value': 'a,b 100%='}], OnFailure='DO_NOTHING',
        ClientRequestToken='t-1', ResourceTypes=['OS::*'], EnableTerminationProtection=False,
        NotificationARNs=[], Capabilities=['CAPABILITY_IAM'], StackPolicyBody='{"a": 1}',
        RetainExceptOnCreate=True)
    assert answer['StackId'] == ARN
    assert api.engine.contexts[-1].request_id.endswith(answer['OperationId'])
    sent = calls(api, 'create_stack')[0]
    assert sent['args'] == {'disable_rollback': True, 'timeout_mins': 5, 'client_request_token': 't-1',
                            'tags': ['k%3D1=a%2Cb 100%25='], 'capabilities': ['CAPABILITY_IAM'],
                            'stack_policy': '{"a": 1}', 'retain_except_on_create': True}
    assert sent['params']['parameters'] == {'P': ''}
    assert (sent['stack_name'], sent['template']) == ('web', TEMPLATE)


@pytest.mark.parametrize(('given', 'expected'), [
    ({}, False), ({'DisableRollback': True}, True), ({'DisableRollback': False}, False),
    ({'OnFailure': 'ROLLBACK'}, False), ({'OnFailure': 'DO_NOTHING'}, True)])
def test_a_failed_creation_is_rolled_back_unless_told_otherwise(
        api: World, cloud: Any, given: dict[str, Any], expected: bool) -> None:
    cloud.create_stack(StackName='web', TemplateBody=BODY, **given)
    assert calls(api, 'create_stack')[0]['args'] == {'disable_rollback': expected}


def test_a_failed_creation_may_leave_nothing(api: World, cloud: Any) -> None:
    cloud.create_stack(StackName='web', TemplateBody=BODY, OnFailure='DELETE')
    assert calls(api, 'create_stack')[0]['args'] == {'disable_rollback': False, 'on_failure': 'DELETE'}


@pytest.mark.parametrize(('given', 'says'), [
    ({'RoleARN': 'arn:aws:iam::1:role/x'}, 'The parameter RoleARN is not supported'),
    ({'NotificationARNs': ['arn:aws:sns:x']}, '"arn:aws:sns:x" names no queue of this project'),
    ({'StackPolicyBody': '{}', 'StackPolicyURL': 'http://x/'}, 'cannot specify both StackPolicyBody and'),
    ({'StackPolicyURL': 'http://127.0.0.1:9/x'}, 'StackPolicyURL: Failed to retrieve policy'),
    ({'OnFailure': 'DELETE', 'DisableRollback': True}, 'not both'),
    ({'RollbackConfiguration': {'MonitoringTimeInMinutes': 5}}, 'RollbackConfiguration is not supported'),
    ({'DeploymentConfig': {'Mode': 'EXPRESS'}}, 'The parameter DeploymentConfig is not supported'),
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
    assert 'DeletionMode may be given only after its deletion has failed' in fault(
        cloud.delete_stack, StackName='web', DeletionMode='FORCE_DELETE_STACK')[1]
    assert len(calls(api, 'delete_stack')) == 1
    api.engine.answers['show_stack'] = [{**LIVE, 'stack_action': 'DELETE', 'stack_status': 'FAILED'}]
    cloud.delete_stack(StackName='web', RetainResources=['A'])
    assert calls(api, 'delete_stack')[1] == {'stack_identity': WEB, 'retain': ['A']}
    cloud.delete_stack(StackName='web', DeletionMode='FORCE_DELETE_STACK')
    assert calls(api, 'delete_stack')[2] == {'stack_identity': WEB, 'force': True}
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
    api.engine.answers['describe_stacks'] = [
        {**LIVE, 'termination_protection': True, 'export_names': {'O': 'web-o'}}]
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
    api.engine.answers['stack_rollback'] = WEB
    cloud.continue_update_rollback(StackName='web', ResourcesToSkip=['A', 'Inner.B'])
    assert calls(api, 'stack_rollback')[-1]['skip'] == ['A', 'Inner/B']
    cloud.continue_update_rollback(StackName='web', ForceRollback=True)
    assert calls(api, 'stack_rollback')[-1]['force'] is True
    cloud.rollback_stack(StackName='web', RetainExceptOnCreate=True)
    assert calls(api, 'stack_rollback')[-1]['retain_except_on_create'] is True
    assert 'Only one of' in fault(cloud.continue_update_rollback, StackName='web', ForceRollback=True,
                                  ResourcesToSkip=['A'])[1]


def test_policies_of_stacks(api: World, cloud: Any) -> None:
    cloud.set_stack_policy(StackName='web', StackPolicyBody='{"Statement": []}')
    assert calls(api, 'set_stack_policy') == [{'stack_identity': WEB, 'policy': '{"Statement": []}'}]
    api.engine.answers['get_stack_policy'] = '{"Statement": []}'
    assert cloud.get_stack_policy(StackName='web')['StackPolicyBody'] == '{"Statement": []}'
    api.engine.answers['get_stack_policy'] = None
    assert 'StackPolicyBody' not in cloud.get_stack_policy(StackName='web')
    cloud.update_stack(StackName='web', UsePreviousTemplate=True, StackPolicyBody='a',
                       StackPolicyDuringUpdateBody='b')
    sent = calls(api, 'update_stack')[0]['args']
    assert (sent['stack_policy'], sent['stack_policy_during_update']) == ('a', 'b')
    assert 'either StackPolicyBody or' in fault(cloud.set_stack_policy, StackName='web')[1]
    api.engine.answers['set_stack_policy'] = errors.StackValidationFailed(
        message='Error validating stack policy: it is not valid JSON.')
    assert fault(cloud.set_stack_policy, StackName='web', StackPolicyBody='{') == (
        'ValidationError', 'Error validating stack policy: it is not valid JSON.')


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


# -- who may -------------------------------------------------------------------------------------------


def test_policy(pipeline: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.wire import keystone
    monkeypatch.setitem(keystone.USERS, 'viewer', (PROJECT, ('reader',)))
    monkeypatch.setitem(keystone.USERS, 'guest', (PROJECT, ('heat_stack_user',)))
    world = pipeline('heat-api-cfn')
    world.engine.answers.update(identify_stack=WEB, describe_stacks=[LIVE], describe_stack_resource=RESOURCE)
    viewer, guest = (boto.client(world, access=name) for name in ('viewer', 'guest'))
    assert viewer.describe_stacks(StackName='web')['Stacks']
    assert fault(viewer.create_stack, StackName='x', TemplateBody=BODY)[0] == 'AccessDenied'
    assert fault(guest.describe_stacks, StackName='web')[0] == 'AccessDenied'
    guest.signal_resource(StackName='web', LogicalResourceId='H', UniqueId='u', Status='SUCCESS')
    world.engine.answers['describe_stack_resource'] = {**RESOURCE, 'updated_time': '2026-11-22T10:00:00Z'}
    guest.describe_stack_resource(StackName='web', LogicalResourceId='kid')
    assert calls(world, 'show_drift') == []


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


def test_that_no_engine_answers_is_noted_in_a_sentence(api: World, cloud: Any,
                                                       caplog: pytest.LogCaptureFixture) -> None:
    api.engine.answers['*'] = NoReply(request_id='req-7', seconds=60)
    assert fault(cloud.describe_stacks)[0] == 'ServiceUnavailable'
    noted = [one for one in caplog.records if 'No engine answered request req-7 within' in one.getMessage()]
    assert [(one.levelname, one.exc_info) for one in noted] == [('ERROR', None)]
