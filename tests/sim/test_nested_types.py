"""OS::Heat::Stack, AWS::CloudFormation::Stack, OS::Heat::ResourceChain."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from tests.sim.nests import INNER, MAPPED, below, files, hot, inner, outputs, res, text, thing

URL = 'http://templates.example/inner.yaml'


def stack(tree: Any, **props: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::Stack', 'properties': {'template': text(tree), **props}}


def cfn(**props: Any) -> dict[str, Any]:
    return {'type': 'AWS::CloudFormation::Stack', 'properties': {'TemplateURL': URL, **props}}


def chain(*kinds: str, **props: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::ResourceChain', 'properties': {'resources': list(kinds), **props}}


# -- OS::Heat::Stack -----------------------------------------------------------------------------------


def test_a_stack_of_text(world):
    template = hot({'out': {'get_attr': ['s', 'outputs', 'said']}, 'name': {'get_attr': ['s', 'stack_name']},
                    'ref': {'get_resource': 's'}}, s=stack(inner(), parameters={'word': 'x'}))
    me = world.create('s', template)
    world.run()
    child = below(world, me, 's')
    assert world.state(me) == 'CREATE_COMPLETE'
    assert outputs(world, me) == {'out': 'x', 'name': child['stack_name'], 'ref': child['stack_id']}
    template['resources']['s'] = stack(inner('!'), parameters={'word': 'y'})
    world.update(me, template)
    world.run()
    assert below(world, me, 's') == child and outputs(world, me)['out'] == 'y!'
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and world.stack(child).deleted_at is not None


def test_a_stack_sees_the_registry_and_the_files(world):
    me = world.create('s', hot({'v': {'get_attr': ['s', 'outputs']}}, s=stack(
        hot({'f': {'get_file': 'a.txt'}, 'said': {'get_attr': ['t', 'said']}}, t=thing('x')))),
        environment=MAPPED, files={**files(), 'a.txt': 'content'})
    world.run()
    assert outputs(world, me) == {'v': {'f': 'content', 'said': 'x'}}


@pytest.mark.parametrize(('props', 'said'), [
    ({'parameters': {'zz': 1}}, r'The Parameter \(zz\) was not defined in template.'),
    ({'template': 'a: [1'}, 'Error parsing template s while parsing'),
    ({'template': text(hot(n={'type': 'No::Such'}))}, r'The Resource Type \(No::Such\) could not be found.')])
def test_a_faulty_stack_is_refused(world, props, said):
    with pytest.raises(errors.HeatException, match=said):
        world.create('s', hot(s=stack(inner(), **props)))


def test_this_region_may_be_named(world):
    me = world.create('s', hot(s=stack(inner(), context={'region_name': 'RegionOne'})))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'


def test_a_stack_has_its_own_time(world):
    slow = hot(a=res(props={'action_wait_secs': {'create': 900}}))
    me = world.create('s', hot(s=stack(slow, timeout=1), other=res(props={'wait_secs': 300})),
                      timeout_mins=30)
    began = world.clock.monotonic()
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and 'Timed out' in world.stack(me).reason
    assert world.stack(below(world, me, 's')).reason == 'Timed out'
    assert world.clock.monotonic() - began < 400


def test_a_stack_outlives_its_engine_and_keeps_its_time(world):
    slow = hot(a=res(props={'action_wait_secs': {'create': 900}}))
    me = world.create('s', hot(s=stack(slow, timeout=5)), timeout_mins=30)
    world.run(until=world.clock.monotonic() + 20)
    other = world.add_engine()
    world.kill(world.engines[0])
    world.take_over(other)
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and world.clock.monotonic() < 400


def test_the_time_of_the_parent_ends_the_child(world):
    slow = hot(a=res(props={'action_wait_secs': {'create': 900}}))
    me = world.create('s', hot(s=stack(slow, timeout=10)), timeout_mins=1)
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and world.stack(me).reason == 'Timed out'


def test_an_immutable_parameter_inside_is_kept(world):
    tree = hot(parameters={'word': {'type': 'string', 'immutable': True}}, a=res({'get_param': 'word'}))
    me = world.create('s', hot(t={'type': INNER, 'properties': {'word': 'x'}}), files=files(tree))
    world.run()
    world.update(me, hot(t={'type': INNER, 'properties': {'word': 'y'}}), files=files(tree))
    world.run()
    assert world.state(me) == 'UPDATE_FAILED'
    assert 'The following parameters are immutable and may not be updated: word' in world.stack(me).reason
    assert world.rows(below(world, me, 't'))['a'].props['value'] == 'x'


# -- AWS::CloudFormation::Stack ------------------------------------------------------------------------


def test_a_stack_by_url(world):
    world.documents[URL] = text(inner())
    template = hot({'out': {'get_attr': ['s', 'Outputs.said']}, 'ref': {'get_resource': 's'},
                    'wrong': {'get_attr': ['s', 'said']}, 'none': {'get_attr': ['s', 'Outputs.zz']}},
                   s=cfn(Parameters={'word': 'x'}))
    me = world.create('s', template)
    world.run()
    child = below(world, me, 's')
    assert world.state(me) == 'CREATE_COMPLETE' and world.fetched == [URL]
    assert outputs(world, me) == {
        'out': 'x', 'ref': f'arn:openstack:heat::demo:stacks/{child["stack_name"]}/{child["stack_id"]}',
        'wrong': 'The Referenced Attribute (s said) is incorrect.',
        'none': 'The Referenced Attribute (s zz) is incorrect.'}
    world.documents[URL] = text(inner('!'))
    world.update(me, template)
    world.run()
    assert outputs(world, me)['out'] == 'x!' and below(world, me, 's') == child


def test_a_stack_by_url_has_its_own_time(world):
    world.documents[URL] = text(hot(a=res(props={'action_wait_secs': {'create': 900}})))
    me = world.create('s', hot(s=cfn(TimeoutInMinutes=1)), timeout_mins=30)
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and world.clock.monotonic() < 400


# -- OS::Heat::ResourceChain ---------------------------------------------------------------------------


@pytest.mark.parametrize('concurrent', [False, True])
def test_a_chain_is_one_of_each(world, concurrent):
    template = hot({'refs': {'get_attr': ['c', 'refs']}, 'said': {'get_attr': ['c', 'output']},
                    'map': {'get_attr': ['c', 'attributes', 'output']},
                    'one': {'get_attr': ['c', 'resource.1.output']}, 'id': {'get_attr': ['c', 'resource.0']},
                    'own': {'get_attr': ['c', 'resource.0.both', 'first']}},
                   c=chain('My::Thing', 'OS::Heat::TestResource', concurrent=concurrent))
    kind = inner()
    kind['outputs']['output'] = {'value': 'of the template'}
    me = world.create('s', template, environment=MAPPED, files=files(kind))
    world.run()
    child = below(world, me, 'c')
    rows = world.rows(child)
    assert set(rows) == {'0', '1'} and world.state(me) == 'CREATE_COMPLETE'
    assert rows['1'].requires == (() if concurrent else (rows['0'].uuid,))
    told = outputs(world, me)
    assert told['said'] == ['of the template', 'test_string'] and told['one'] == 'test_string'
    assert told['own'] == 'w' and told['map'] == {'0': 'of the template', '1': 'test_string'}
    assert told['refs'] == [told['id'], rows['1'].physical_id]


def test_a_chain_grows_and_shrinks(world):
    common = {'value': 'v'}
    me = world.create('s', hot(c=chain('OS::Heat::TestResource', resource_properties=common)))
    world.run()
    child, first = below(world, me, 'c'), world.rows(below(world, me, 'c'))['0'].uuid
    world.update(me, hot({'said': {'get_attr': ['c', 'output']}}, c=chain(
        'OS::Heat::TestResource', 'OS::Heat::TestResource', resource_properties=common)))
    world.run()
    rows = world.rows(child)
    assert rows['0'].uuid == first and outputs(world, me) == {'said': ['v', 'v']}
    world.update(me, hot(c=chain('OS::Heat::TestResource', resource_properties=common)))
    world.run()
    assert set(world.rows(child)) == {'0'} and below(world, me, 'c') == child


@pytest.mark.parametrize(('kinds', 'said'), [
    (['No::Such'], r'The Resource Type \(No::Such\) could not be found.'),
    ([5], 'The items of resources must be names of resource types; got 5'),
    (['OS::Heat::RandomString'], 'Unknown Property value')])
def test_a_faulty_chain_is_refused(world, kinds, said):
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', hot(c=chain(*kinds, resource_properties={'value': 'v'})))
