"""Engines are upgraded one by one: what new front-ends answer while an older engine serves them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from heat.api.rest import keys
from heat.bus import wire
from heat.common import errors
from tests.wire import boto
from tests.wire.cfn import ARN, BODY, LIVE, Load, calls, fault, knowing_web
from tests.wire.conftest import World
from tests.wire.keystone import PROJECT
from tests.wire.test_shapes import EVENT, RESOURCE, STACK, WEB


@pytest.fixture
def api(pipeline: Load) -> World:
    world = knowing_web(pipeline)
    world.engine.earlier_release = True
    world.engine.answers.update(list_stacks=[STACK], show_stack=[{**STACK, 'outputs': LIVE['outputs']}])
    return world


@pytest.fixture
def cloud(api: World) -> Any:
    return boto.client(api)


def test_stacks_are_described_by_an_engine_of_an_earlier_release(api: World, cloud: Any) -> None:
    (one,) = cloud.describe_stacks(StackName='web')['Stacks']
    assert (one['StackId'], one['StackStatus']) == (ARN, 'CREATE_COMPLETE')
    assert one['Outputs'][0] == {'OutputKey': 'O', 'OutputValue': 'a & <b>', 'Description': 'an o'}
    assert cloud.describe_stacks()['Stacks'] == [one]
    assert calls(api, 'list_stacks') == [{'limit': 25, 'marker': None}]
    assert calls(api, 'show_stack') == 2 * [{'stack_identity': WEB, 'resolve_outputs': True}]


def test_stacks_are_listed_by_an_engine_of_an_earlier_release(api: World, cloud: Any) -> None:
    assert [one['StackId'] for one in cloud.list_stacks()['StackSummaries']] == [ARN]
    cloud.list_stacks(StackStatusFilter=['CREATE_FAILED'])
    assert calls(api, 'list_stacks')[1] == {
        'limit': 100, 'marker': None, 'show_deleted': True,
        'filters': {'stack_status': ['INIT_FAILED', 'CREATE_FAILED']}}
    assert not calls(api, 'show_stack')


def test_a_stack_that_is_not_there_is_told_so_by_an_engine_of_an_earlier_release(
        api: World, cloud: Any) -> None:
    api.engine.answers['identify_stack'] = errors.EntityNotFound(entity='Stack', name='web')
    for ask in (cloud.describe_stacks, cloud.describe_stack_events, cloud.delete_stack):
        assert fault(ask, StackName='web') == ('ValidationError', 'Stack with id web does not exist')


def test_resources_and_events_are_told_by_an_engine_of_an_earlier_release(api: World, cloud: Any) -> None:
    row = {**RESOURCE, 'updated_time': '2026-11-22T10:00:00Z'}
    api.engine.answers.update(describe_stack_resource=row, describe_stack_resources=[row],
                              list_stack_resources=[row],
                              list_events=[{**EVENT, 'event_time': '2026-11-22T10:00:00Z'}])
    one = cloud.describe_stack_resource(StackName='web', LogicalResourceId='kid')
    for told in (one['StackResourceDetail'],
                 cloud.describe_stack_resources(StackName='web')['StackResources'][0],
                 cloud.list_stack_resources(StackName='web')['StackResourceSummaries'][0]):
        assert told['LogicalResourceId'] == 'kid'
        assert 'DriftInformation' not in told
    assert [one['EventId'] for one in cloud.describe_stack_events(StackName='web')['StackEvents']] == ['e-2']
    assert calls(api, 'list_events')[0] == {'stack_identity': WEB, 'limit': 100, 'marker': None}


def test_what_only_new_engines_can_do_is_unavailable_for_now(api: World, cloud: Any) -> None:
    for ask, given in ((cloud.list_exports, {}), (cloud.list_change_sets, {'StackName': 'web'}),
                       (cloud.set_stack_policy, {'StackName': 'web', 'StackPolicyBody': '{}'}),
                       (cloud.detect_stack_resource_drift, {'StackName': 'web', 'LogicalResourceId': 'kid'})):
        code, said = fault(ask, **given)
        assert code == 'ServiceUnavailable'
        assert said.endswith('try again when all engines are upgraded.')


def test_a_deletion_that_retains_is_not_made_without_by_an_engine_of_an_earlier_release(
        api: World, cloud: Any) -> None:
    api.engine.answers['show_stack'] = [{**STACK, 'stack_action': 'DELETE', 'stack_status': 'FAILED'}]
    code, said = fault(cloud.delete_stack, StackName='web', RetainResources=['kid'])
    assert code == 'ServiceUnavailable'
    assert 'does not know delete_stack with retain yet' in said
    assert not calls(api, 'delete_stack')


def test_watch_rules_and_stored_parameters_are_unavailable_for_now(
        api: World, pipeline: Load, cloudwatch: World) -> None:
    ssm = boto.client(api, service='ssm')
    cloudwatch.engine.earlier_release = True
    watching = boto.client(cloudwatch, 'http://localhost:8003/v1', service='cloudwatch')
    try:
        for ask in (ssm.describe_parameters, watching.describe_alarms):
            with pytest.raises(ClientError) as caught:
                ask()
            assert caught.value.response['ResponseMetadata']['HTTPStatusCode'] == 503
            assert 'try again when all engines are upgraded' in caught.value.response['Error']['Message']
    finally:
        cloudwatch.engine.earlier_release = False


def test_our_own_routes_are_unavailable_for_now(pipeline: Load) -> None:
    world = pipeline()
    world.engine.earlier_release = True
    world.engine.answers.update(identify_stack=WEB, show_stack=[STACK])
    for path in ('plans', *(f'stacks/web/id-1{own}' for own in ('/graph', '/drift', '?with_progress=true'))):
        got = world.ask('GET', f'/v1/{PROJECT}/{path}', X_Auth_Token='token-member')
        assert got.status_int == 503, path
        assert got.json_body['error']['message'].endswith('try again when all engines are upgraded.')
    assert world.ask('GET', f'/v1/{PROJECT}/stacks/web/id-1', X_Auth_Token='token-member').status_int == 200


# Arguments of ours without which a wish may be carried out: an acknowledgement, a mark by which a repeated
# request is known and what it asked for, and the refusal of an update that changes nothing.
MAY_BE_DROPPED = {'capabilities', 'client_request_token', 'refuse_unchanged', 'request_content'}
RECORDED = {'timeout_mins', 'disable_rollback', 'adopt_stack_data', 'tags', 'converge', 'existing',
            'clear_parameters'}


def test_each_argument_of_ours_is_either_needed_or_may_be_dropped(api: World, cloud: Any) -> None:
    api.engine.earlier_release = False
    asked = {'StackName': 'web', 'TemplateBody': BODY, 'ClientRequestToken': 't', 'StackPolicyBody': '{}',
             'Capabilities': ['CAPABILITY_IAM'], 'RetainExceptOnCreate': True, 'NotificationARNs': [],
             'Tags': [{'Key': 'k', 'Value': 'v'}]}
    cloud.create_stack(**asked, OnFailure='DELETE', EnableTerminationProtection=True, TimeoutInMinutes=5)
    cloud.update_stack(**asked, StackPolicyDuringUpdateBody='{}', DisableRollback=False)
    sent = {name for method in ('create_stack', 'update_stack') for one in calls(api, method)
            for name in one['args']}
    assert sent | set(keys.ARGUMENTS) == RECORDED | MAY_BE_DROPPED | (wire.BINDING - {wire.GENERATIONS})
