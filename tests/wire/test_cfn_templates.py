"""Templates and limits of CloudFormation as boto3 sees them."""

from __future__ import annotations

import json
import threading
from typing import Any
from wsgiref.simple_server import make_server

import pytest

from tests.wire import boto
from tests.wire.cfn import BODY, TEMPLATE, Load, calls, fault, knowing_web
from tests.wire.conftest import World
from tests.wire.keystone import _Quiet
from tests.wire.test_shapes import WEB


@pytest.fixture
def api(pipeline: Load) -> World:
    return knowing_web(pipeline)


@pytest.fixture
def cloud(api: World) -> Any:
    return boto.client(api)


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
