"""Software deployments across crashes, and the object store as the way of the server's word."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.software import OK, POINTS, counts, deployed, inputs, output, put, template, wait_a_bit
from tests.sim.world import World


def life(world: World, transport: str = 'CFN_SIGNAL') -> list[Any]:
    """Create, update, suspend, resume, delete, each with the server's word; what one sees after each."""
    every = ['CREATE', 'UPDATE', 'DELETE', 'SUSPEND', 'RESUME']
    props = {'signal_transport': transport, 'actions': every}
    seen: list[Any] = []
    me = world.create('s', template(**props))
    for action in every[:2] + every[3:] + every[2:3]:
        if action == 'UPDATE':
            world.update(me, template('echo 2', **props))
        elif action != 'CREATE':
            {'SUSPEND': world.engine.intake.stack_suspend, 'RESUME': world.engine.intake.stack_resume,
             'DELETE': world.engine.intake.delete_stack}[action](world.context, me)
        wait_a_bit(world)
        # After a crash the survivor needs its time to take over.
        wait_a_bit(world)
        (told,) = deployed(world)
        seen.append((action, told['config'], sorted(inputs(told))))
        world.signal(me, 'dep', {**OK, 'res': action})
        world.run()
        seen.append((world.state(me), world.states(me), counts(world), world.leases_held(),
                     sorted(event for event in world.events(me)).count(f'dep {action}_COMPLETE')))
    return seen


@pytest.mark.parametrize('how', ['PUT', 'signal'])
def test_a_server_may_put_its_word_into_the_object_store(world, how):
    me = world.create('s', template(signal_transport='TEMP_URL_SIGNAL'))
    for action, script in (('CREATE', 'echo'), ('UPDATE', 'echo 2')):
        if action == 'UPDATE':
            world.update(me, template(script, signal_transport='TEMP_URL_SIGNAL'))
        wait_a_bit(world)
        given = inputs(deployed(world)[0])
        assert given['deploy_signal_verb'] == 'PUT' and given['deploy_action'] == action
        if how == 'PUT':
            put(world, given['deploy_signal_id'], {**OK, 'res': action})
        else:
            # Nobody is kept from saying it otherwise.
            world.signal(me, 'dep', {**OK, 'res': action})
        world.run()
        assert world.state(me) == f'{action}_COMPLETE' and output(world, me) == action
        shown = world.engine.software.show_software_deployment(
            world.context, world.rows(me)['dep'].physical_id)
        assert (shown['status'], shown['output_values']['res']) == ('COMPLETE', action)
    assert world.users_asked == []
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)
    assert len(world.cloud.inventory.containers) == len(world.cloud.inventory.objects) == 0


def test_a_bad_end_in_the_object_store(world):
    me = world.create('s', template(signal_transport='TEMP_URL_SIGNAL'))
    wait_a_bit(world)
    put(world, inputs(deployed(world)[0])['deploy_signal_id'], {'deploy_status_code': 4})
    world.run()
    assert world.rows(me)['dep'].reason.endswith('Deployment exited with non-zero status code: 4')


def test_crashes_while_the_object_store_is_watched(conf):
    def run(world: World) -> Any:
        me = world.create('s', template(signal_transport='TEMP_URL_SIGNAL'))
        wait_a_bit(world)
        wait_a_bit(world)
        put(world, inputs(deployed(world)[0])['deploy_signal_id'], OK)
        world.run()
        seen = world.state(me), output(world, me), counts(world), len(world.cloud.inventory.containers)
        world.delete(me)
        world.run()
        return *seen, world.state(me), counts(world), len(world.cloud.inventory.containers)

    world = World(conf)
    expected, counted = run(world), dict(world.points)
    assert expected == ('CREATE_COMPLETE', 'value', (2, 1), 1, 'DELETE_COMPLETE', (0, 0), 0)
    for point in POINTS:
        for nth in range(1, counted[point] + 1):
            world = World(conf)
            world.crash_at(point, nth)
            assert run(world) == expected, f'crash at {point} number {nth}'


@pytest.fixture(scope='module')
def undisturbed(conf) -> tuple[list[Any], dict[str, int]]:
    world = World(conf)
    seen = life(world)
    assert [one[0] for one in seen[1::2]] == ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'SUSPEND_COMPLETE',
                                              'RESUME_COMPLETE', 'DELETE_COMPLETE']
    assert seen[-1][2] == (0, 0)
    return seen, dict(world.points)


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf, undisturbed, point):
    expected, counted = undisturbed
    assert counted[point] > 2
    for nth in range(1, counted[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'
