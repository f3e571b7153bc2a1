"""Every action that is served, once, before a whole engine; each answer is held against AWS's model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heat.api.cfn.actions import SERVED
from tests.parity.conftest import Site
from tests.parity.test_cfn_offers import client, template, thing
from tests.sim.test_lifecycle import hot
from tests.wire import answers, boto
from tests.wire.keystone import PROJECT

POLICY = ('{"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}')


def wait(here: Site) -> None:
    here.world.run()
    here.world.clock.advance(1)


def test_every_action_answers_as_the_model_says(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = client(here)
    monkeypatch.setattr(boto, 'ANSWERED', set())
    monkeypatch.setattr(here.tails, 'sleep', lambda _seconds: here.world.run())
    life(here, cloud)
    review(cloud)
    failing(here, cloud)
    assert set(SERVED) == boto.ANSWERED


def life(here: Site, cloud: Any) -> None:
    outputs = {'O': {'Value': 'v', 'Description': 'd', 'Export': {'Name': 'e'}}}
    whole = template(outputs, A=thing(), N={'Type': 'OS::Neutron::Net', 'Properties': {'name': 'n'}},
                     H={'Type': 'AWS::CloudFormation::WaitConditionHandle'})
    cloud.create_stack(
        StackName='web', TemplateBody=whole, Tags=[{'Key': 'k', 'Value': 'v'}], TimeoutInMinutes=5,
        Capabilities=['CAPABILITY_IAM', 'CAPABILITY_AUTO_EXPAND'], StackPolicyBody=POLICY)
    wait(here)
    cloud.create_stack(StackName='taker', TemplateBody=template(T=thing({'Fn::ImportValue': 'e'})))
    wait(here)
    for ask in (cloud.describe_stacks, cloud.list_stacks, cloud.list_exports, cloud.describe_account_limits):
        ask()
    for ask in (cloud.describe_stacks, cloud.describe_stack_events, cloud.describe_events,
                cloud.describe_stack_resources, cloud.list_stack_resources, cloud.get_template,
                cloud.get_stack_policy, cloud.detect_stack_drift):
        ask(StackName='web')
    wait(here)
    cloud.describe_stack_drift_detection_status(
        StackDriftDetectionId=cloud.describe_stacks(StackName='web')['Stacks'][0]['StackId'].rsplit('/')[-1])
    cloud.describe_stack_resource_drifts(StackName='web')
    cloud.detect_stack_resource_drift(StackName='web', LogicalResourceId='N')
    cloud.describe_stack_resource(StackName='web', LogicalResourceId='A')
    cloud.signal_resource(StackName='web', LogicalResourceId='H', UniqueId='u', Status='SUCCESS')
    cloud.list_imports(ExportName='e')
    plain = template(outputs, A=thing())
    for ask in (cloud.validate_template, cloud.estimate_template_cost, cloud.get_template_summary):
        ask(TemplateBody=plain)
    cloud.set_stack_policy(StackName='web', StackPolicyBody=POLICY)
    cloud.update_termination_protection(StackName='web', EnableTerminationProtection=False)
    cloud.delete_stack(StackName='taker')
    wait(here)


def review(cloud: Any) -> None:
    cloud.create_change_set(StackName='new', ChangeSetName='c', ChangeSetType='CREATE', Description='d',
                            TemplateBody=template(A=thing()), Tags=[{'Key': 'k', 'Value': 'v'}])
    cloud.describe_change_set(StackName='new', ChangeSetName='c', IncludePropertyValues=True)
    cloud.list_change_sets(StackName='new')
    cloud.describe_events(StackName='new', ChangeSetName='c')
    for ask in (cloud.describe_stacks, cloud.describe_stack_events, cloud.describe_events):
        ask(StackName='new')
    cloud.list_stacks()
    cloud.delete_change_set(StackName='new', ChangeSetName='c')


def failing(here: Site, cloud: Any) -> None:
    """An update that is cancelled, one that fails and is taken back by request, and a rollback that fails."""
    def nets(name: str, **more: Any) -> str:
        return template(N={'Type': 'OS::Neutron::Net', 'Properties': {'name': name}}, **more)

    broken = {**thing(fail=True), 'DependsOn': 'N'}
    cloud.create_change_set(StackName='web', ChangeSetName='c', TemplateBody=nets('a', W=thing(wait_secs=60)))
    cloud.execute_change_set(StackName='web', ChangeSetName='c')
    cloud.cancel_update_stack(StackName='web')
    wait(here)
    cloud.update_stack(StackName='web', TemplateBody=nets('b', B=broken), DisableRollback=True)
    wait(here)
    cloud.rollback_stack(StackName='web')
    wait(here)
    here.world.cloud.faults.add(service='network', method='PUT', path='/networks', status=409, skip=1)
    cloud.update_stack(StackName='web', TemplateBody=nets('c', B=broken))
    wait(here)
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['StackStatus'] == 'UPDATE_ROLLBACK_FAILED'
    cloud.describe_stack_events(StackName='web')
    cloud.continue_update_rollback(StackName='web', ForceRollback=True)
    wait(here)


def test_what_is_adopted_is_imported(here: Site) -> None:
    cloud, world = client(here), here.world
    world.context = replace(world.context, tenant_id=PROJECT)
    source = hot(a={'type': 'OS::Heat::TestResource'})
    world.create('s', source, args={'adopt_stack_data': {'template': source, 'environment': {}, 'resources': {
        'a': {'name': 'a', 'type': 'OS::Heat::TestResource', 'resource_id': 'there', 'resource_data': {},
              'metadata': {}, 'action': 'CREATE', 'status': 'COMPLETE'}}}})
    world.run()
    cloud.get_waiter('stack_import_complete').wait(StackName='s', WaiterConfig={'Delay': 0, 'MaxAttempts': 1})


STACKS = ('<DescribeStacksResponse><DescribeStacksResult><Stacks>{}</Stacks></DescribeStacksResult>'
          '</DescribeStacksResponse>')
STACK = ('<member><StackName>s</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>'
         '<StackStatus>CREATE_COMPLETE</StackStatus>{}</member>')


@pytest.mark.parametrize(('stack', 'says'), [
    (STACK.format(''), ''), (STACK.format('<Colour>red</Colour>'), 'Stacks[0].Colour is unknown'),
    (STACK.format('').replace('2026-01-01T', 'yesterday '), 'is no timestamp'),
    (STACK.format('<TimeoutInMinutes>long</TimeoutInMinutes>'), 'is no integer'),
    (STACK.format('<DisableRollback>True</DisableRollback>'), 'is no boolean'),
    (STACK.format('').replace('CREATE_COMPLETE', 'GOOD'), 'is none of its words'),
    (STACK.format('').replace('<StackName>s</StackName>', ''), 'StackName is missing'),
    (STACK.format('<StackName>t</StackName>'), 'StackName is there twice'),
    (STACK.format('<Tags><Tag><Key>k</Key><Value/></Tag></Tags>'), 'Tags has an item Tag'),
    (STACK.format('<Description><b/></Description>'), 'has elements in it')])
def test_the_model_notices(cloud: Any, stack: str, says: str) -> None:
    operation = cloud.meta.service_model.operation_model('DescribeStacks')
    found = answers.faults(operation, STACKS.format(stack).encode())
    assert [says in one for one in found] == ([True] if says else [])


@pytest.fixture
def cloud(here: Site) -> Any:
    return client(here)
