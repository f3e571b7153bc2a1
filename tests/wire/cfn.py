"""What the tests of CloudFormation's actions share: an engine that knows one stack, and its words."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.conftest import World
from tests.wire.keystone import PROJECT
from tests.wire.test_shapes import STACK, WEB

Load = Callable[..., World]
ARN = f'arn:openstack:heat::{PROJECT}:stacks/web/id-1'
WHEN = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)
TEMPLATE = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {'A': {'Type': 'OS::Heat::None'}}}
BODY = json.dumps(TEMPLATE)
LIVE = {**STACK, 'parameters': {'AWS::StackName': 'web', 'P': 'given'}, 'outputs': [
    {'output_key': 'O', 'output_value': 'a & <b>', 'description': 'an o'},
    {'output_key': 'M', 'output_value': {'k': [1, None, True]}, 'description': 'No description given'},
    {'output_key': 'Gone', 'output_value': None, 'output_error': 'no', 'description': ''}],
    'termination_protection': False, 'capabilities': ['CAPABILITY_IAM'], 'back_from': 'CREATE',
    'drift': {'status': 'DRIFTED', 'checked_at': '2026-11-22T10:00:00Z'}, 'retain_except_on_create': False,
    'operation': {'id': 'op-1', 'action': 'CREATE'}, 'parent_identity': None, 'root_identity': None,
    'export_names': {}}


def knowing_web(pipeline: Load) -> World:
    """CloudFormation's front-end, whose engine answers about the stack ``web``."""
    world = pipeline('heat-api-cfn')
    world.engine.answers.update(identify_stack=WEB, show_stack=[LIVE], describe_stacks=[LIVE],
                                get_template=TEMPLATE, get_environment={'parameters': {}}, create_stack=WEB)
    return world


def calls(api: World, method: str) -> list[dict[str, Any]]:
    return [arguments for name, arguments in api.engine.calls if name == method]


def fault(function: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response['Error']
    assert caught.value.response['ResponseMetadata']['RequestId'].startswith('req-')
    return error['Code'], error['Message']


def stamp() -> bytes:
    return f'{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}'.encode()
