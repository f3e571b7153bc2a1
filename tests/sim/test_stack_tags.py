"""The tags of a stack of AWS's format, on what it makes in the cloud."""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.sim.test_aws_groups import STAND_IN, group, members
from tests.sim.world import World

INNER = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
    'Inside': {'Type': 'AWS::EC2::Volume', 'Properties': {'Size': '1', 'AvailabilityZone': 'nova'}}}}
MACHINE = {'ImageId': 'cirros', 'InstanceType': 'm1.tiny', 'SubnetId': {'Ref': 'Subnet'}}
INNER_TEXT = json.dumps(INNER)
TEMPLATE: dict[str, Any] = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
    'Server': {'Type': 'AWS::EC2::Instance', 'Properties': {
        **MACHINE, 'Tags': [{'Key': 'own', 'Value': 'mine'}]}},
    'Bare': {'Type': 'AWS::EC2::Instance', 'Properties': MACHINE},
    'Subnet': {'Type': 'AWS::EC2::Subnet', 'Properties': {
        'VpcId': {'Ref': 'VPC'}, 'CidrBlock': '10.1.0.0/24'}},
    'Volume': {'Type': 'AWS::EC2::Volume', 'Properties': {'Size': '1', 'AvailabilityZone': 'nova'}},
    'VPC': {'Type': 'AWS::EC2::VPC', 'Properties': {'CidrBlock': '10.1.0.0/16'}},
    'Nested': {'Type': 'AWS::CloudFormation::Stack', 'Properties': {'TemplateURL': 'inner.template'}}}}


def metadata(world: World, me: Any, name: str) -> dict[str, str]:
    tables = world.cloud.inventory
    thing = world.rows(me)[name].physical_id
    found = (tables.servers if name in ('Server', 'Bare') else tables.volumes).rows[thing]
    return dict(found['metadata'])


def made(world: World, template: dict[str, Any], tags: list[str], **more: Any) -> Any:
    me = world.create('s', template, files={'inner.template': INNER_TEXT}, tags=tags, **more)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    return me


def test_resources_are_tagged_as_their_stack(world: World) -> None:
    me = made(world, TEMPLATE, ['team=blue', 'own=theirs', 'a%2Cb=c', 'word', 'none='])
    of_stack = {'team': 'blue', 'a,b': 'c', 'none': ''}
    assert metadata(world, me, 'Server') == {'own': 'mine', **of_stack}
    for name in ('Bare', 'Volume'):
        assert metadata(world, me, name) == {'own': 'theirs', **of_stack}
    network = world.cloud.inventory.networks.rows[world.rows(me)['VPC'].physical_id]
    assert set(network['tags']) == {'team=blue', 'own=theirs', 'a,b=c', 'none='}
    inside = {'stack_id': world.rows(me)['Nested'].physical_id}
    assert metadata(world, inside, 'Inside')['team'] == 'blue'


def test_other_tags_are_put_on_what_can_take_them(world: World) -> None:
    me = made(world, TEMPLATE, ['team=blue'])
    before = {name: row.physical_id for name, row in world.rows(me).items()}
    world.update(me, TEMPLATE, files={'inner.template': INNER_TEXT}, args={'tags': ['team=red']})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    # Nothing is made anew for the sake of a tag.
    assert {name: row.physical_id for name, row in world.rows(me).items()} == before
    assert metadata(world, me, 'Server') == {'own': 'mine', 'team': 'red'}
    assert metadata(world, me, 'Volume') == {'team': 'blue'}
    broken = copy.deepcopy(TEMPLATE)
    broken['Resources']['Bad'] = {'Type': 'OS::Heat::TestResource', 'Properties': {'fail': True}}
    world.update(me, broken, files={'inner.template': INNER_TEXT}, args={'tags': ['team=green']},
                 disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert {name: row.physical_id for name, row in world.rows(me).items()} == before
    # What a stack is shown to be tagged with its resources are tagged with.
    assert list(world.stack(me).tags) == ['team=green']
    assert metadata(world, me, 'Bare') == {'team': 'green'}
    world.update(me, TEMPLATE, files={'inner.template': INNER_TEXT}, args={'tags': ['team=green']})
    world.run()
    assert 'nothing had to be changed' in world.stack(me).reason


def test_a_stack_of_another_format_keeps_its_tags(world: World) -> None:
    template = {'HeatTemplateFormatVersion': '2012-12-12', 'Resources': {
        'Volume': TEMPLATE['Resources']['Volume']}}
    me = made(world, template, ['team=blue'])
    assert metadata(world, me, 'Volume') == {}


def test_members_of_a_group_are_tagged_as_its_stack(world: World) -> None:
    template = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
        key: value for key, value in group()['Resources'].items() if key != 'up'}}
    me = world.create('s', template, environment=STAND_IN, tags=['team=blue', 'k=theirs'])
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    for row in members(world, me).values():
        tags = {tag['Key']: tag['Value'] for tag in row.props['Tags']}
        assert (tags['team'], tags['k']) == ('blue', 'v')
