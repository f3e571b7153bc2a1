"""NotificationARNs: queues that hear of a stack's events, as boto3 names them before a whole engine."""

from __future__ import annotations

from typing import Any

from tests.parity.conftest import Site
from tests.parity.test_cfn_change_sets import fault
from tests.parity.test_cfn_offers import client, state, template, thing
from tests.sim.test_sinks import bodies
from tests.wire.keystone import OTHER_PROJECT, PROJECT

MINE = f'arn:openstack:zaqar::{PROJECT}:told'
BODY = template({'Who': {'Value': {'Fn::Join': [',', {'Ref': 'AWS::NotificationARNs'}]}}}, A=thing())


def shown(cloud: Any, name: str = 'web') -> tuple[list[str], str]:
    stack, = cloud.describe_stacks(StackName=name)['Stacks']
    output, = stack['Outputs']
    return stack['NotificationARNs'], output['OutputValue']


def heard(here: Site) -> list[str]:
    return [f"{one['payload']['resource_name']} {one['payload']['resource_action']}_"
            f"{one['payload']['resource_status']}" for one in bodies(here.world)]


def test_a_stack_tells_its_queue_until_it_is_told_otherwise(here: Site) -> None:
    cloud = client(here)
    cloud.create_stack(StackName='web', TemplateBody=BODY, NotificationARNs=[MINE])
    here.world.run()
    assert shown(cloud) == ([MINE], MINE)
    assert heard(here) == ['web CREATE_IN_PROGRESS', 'A CREATE_IN_PROGRESS', 'A CREATE_COMPLETE',
                           'web CREATE_COMPLETE']
    # Without a word, as before.
    cloud.update_stack(StackName='web', TemplateBody=BODY.replace('"a"', '"b"'))
    here.world.run()
    assert shown(cloud) == ([MINE], MINE) and heard(here)[-1] == 'web UPDATE_COMPLETE'
    before = heard(here)
    cloud.update_stack(StackName='web', UsePreviousTemplate=True, NotificationARNs=[])
    here.world.run()
    assert state(cloud) == 'UPDATE_COMPLETE' and shown(cloud) == ([], '')
    cloud.delete_stack(StackName='web')
    here.world.run()
    assert heard(here) == before


def test_a_change_set_names_who_will_hear(here: Site) -> None:
    cloud = client(here)
    cloud.create_change_set(StackName='web', ChangeSetName='c', ChangeSetType='CREATE', TemplateBody=BODY,
                            NotificationARNs=[MINE])
    assert cloud.describe_change_set(StackName='web', ChangeSetName='c')['NotificationARNs'] == [MINE]
    assert heard(here) == []
    cloud.execute_change_set(StackName='web', ChangeSetName='c')
    here.world.run()
    assert shown(cloud) == ([MINE], MINE) and heard(here)[-1] == 'web CREATE_COMPLETE'


def test_what_is_no_queue_of_the_project_is_refused(here: Site) -> None:
    cloud = client(here)
    for wrong in ('arn:aws:sns:us-east-1:123456789012:topic', f'arn:openstack:zaqar::{OTHER_PROJECT}:told',
                  'told'):
        code, said = fault(cloud.create_stack, StackName='web', TemplateBody=BODY, NotificationARNs=[wrong])
        assert code == 'ValidationError' and f'"{wrong}" names no queue of this project' in said
    assert cloud.describe_stacks()['Stacks'] == []
