"""Snapshots of things with content: volumes by backup, servers by image; and the last one before the end."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.db import connect
from heat.engine.actions import left_of_stack, left_outside, take_away
from heat.model import op
from tests.sim.crashes import every_crash
from tests.sim.test_lifecycle import hot, res
from tests.sim.world import World

VOLUME = {'type': 'OS::Cinder::Volume', 'properties': {'size': 1}}


def content(world: World) -> tuple[list[str], list[str]]:
    """Names of backups, and of images that were made of servers."""
    inventory = world.cloud.inventory
    return (sorted(str(row['name']) for row in inventory.backups.rows.values()),
            sorted(row['name'] for row in inventory.images.rows.values()
                   if row['properties'].get('image_type') == 'snapshot'))


def server(world: World) -> dict[str, Any]:
    inventory = world.cloud.inventory
    image = next(iter(inventory.images.rows.values()))['name']
    flavor = next(iter(inventory.flavors.rows.values()))['name']
    network = next(row['id'] for row in inventory.networks.rows.values())
    return {'type': 'OS::Nova::Server', 'properties': {'image': image, 'flavor': flavor,
                                                       'networks': [{'network': network}]}}


def test_content_comes_back_from_a_snapshot(world):
    me = world.create('s', hot(v=VOLUME, s=server(world)))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    first = world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    assert world.state(me) == 'SNAPSHOT_COMPLETE', world.stack(me).reason
    backups, images = content(world)
    assert len(backups) == len(images) == 1
    data = world.actions.show_snapshot(world.context, me, first['id'])['data']['resources']
    assert data['v']['resource_data']['backup_id'] in world.cloud.inventory.backups.rows
    image = data['s']['resource_data']['snapshot_image_id']
    world.actions.stack_restore(world.context, me, first['id'])
    world.run()
    assert world.state(me) == 'RESTORE_COMPLETE', world.stack(me).reason
    assert world.rows(me)['s'].props['image'] == image
    volume = world.cloud.inventory.volumes.rows[world.rows(me)['v'].physical_id]
    assert volume['_restored'] == data['v']['resource_data']['backup_id']
    calls: list[Any] = []
    take_away(left_outside(data), calls.append)
    assert sorted(f'{call.method} {call.path.rsplit("/", 1)[0]}' for call in calls) == [
        'DELETE /backups', 'DELETE /images']


def attached(world: World) -> dict[str, Any]:
    return hot(v=VOLUME, s=server(world), a={'type': 'OS::Cinder::VolumeAttachment', 'properties': {
        'instance_uuid': {'get_resource': 's'}, 'volume_id': {'get_resource': 'v'}}})


def restored_with_its_user(world: World) -> Any:
    me = world.create('s', attached(world))
    world.run()
    first = world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    world.actions.stack_restore(world.context, me, first['id'])
    world.run()
    rows = world.rows(me)
    volume = world.cloud.inventory.volumes.rows[rows['v'].physical_id]
    held = [one['instance_uuid'] == rows['s'].physical_id
            for one in world.cloud.inventory.attachments.where('volume_id', volume['id'])]
    return (world.stack(me).reason, world.state(me), bool(volume.get('_restored')), held, world.leases_held())


def test_a_volume_in_use_is_restored_and_goes_back_to_its_server(conf):
    assert every_crash(conf, restored_with_its_user)[1:] == ('RESTORE_COMPLETE', True, [True], 0)


def interrupted(world: World, times: int = 2) -> Any:
    """Something else is done with the server each time that it is to be rebuilt or to let the volume go."""
    me = world.create('s', attached(world))
    world.run()
    first = world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    for method, path in (('DELETE', '/os-volume_attachments/'), ('POST', '/os-volume_attachments'),
                         ('POST', '/action')):
        world.cloud.faults.add(service='compute', method=method, path=path, kind='status', status=409,
                               message='Not while it is in task_state image_uploading', count=times)
    world.actions.stack_restore(world.context, me, first['id'])
    world.run()
    return (world.state(me), len(world.cloud.inventory.attachments.rows),
            world.rows(me)['s'].props['image'] in world.cloud.inventory.images.rows, world.leases_held())


def test_what_is_done_with_a_server_meanwhile_is_waited_for(conf):
    whole = World(conf)
    expected = interrupted(whole)
    assert expected[:3] == ('RESTORE_COMPLETE', 1, True)
    # The last steps are those of the restoration; each crash among them ends where no crash ends.
    for point in ('commit.after', 'call.after'):
        last = whole.points[point]
        for nth in range(last - 11, last + 1, 2):
            world = World(conf)
            world.crash_at(point, nth)
            assert interrupted(world) == expected, f'crash at {point} number {nth}'


def test_a_server_that_is_never_free_is_told(world):
    assert interrupted(world, 99)[0] == 'RESTORE_FAILED'


def test_every_crash_of_showing_a_volume_elsewhere_on_its_server(conf):
    def life(world: World) -> Any:
        tree = attached(world)
        me = world.create('s', tree)
        world.run()
        props = {**tree['resources']['a']['properties'], 'mountpoint': '/dev/vdq'}
        world.update(me, hot(**{**tree['resources'], 'a': {**tree['resources']['a'], 'properties': props}}))
        world.run()
        held = [one['_device'] for one in world.cloud.inventory.attachments.rows.values()]
        return (world.stack(me).reason, world.state(me), held, world.leases_held())

    assert every_crash(conf, life)[1:] == ('UPDATE_COMPLETE', ['/dev/vdq'], 0)


def test_every_crash_of_taking_content(conf):
    def life(world: World) -> Any:
        me = world.create('s', hot(v=VOLUME, s=server(world)))
        world.run()
        first = world.actions.stack_snapshot(world.context, me, 'one')
        world.run()
        data = world.actions.show_snapshot(world.context, me, first['id'])
        kept = [len(names) for names in content(world)]
        return (data['status'], kept, world.state(me), world.states(me), world.leases_held())

    assert every_crash(conf, life)[:2] == ('COMPLETE', [1, 1])


@pytest.mark.parametrize('kind', ['drop_after', 'drop_before'])
def test_a_lost_answer_makes_no_second_copy(world, kind):
    me = world.create('s', hot(v=VOLUME, s=server(world)))
    world.run()
    for service, path in (('volume', '/backups'), ('compute', '/action')):
        world.cloud.faults.add(service=service, method='POST', path=path, kind=kind, count=1)
    world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    assert world.state(me) == 'SNAPSHOT_COMPLETE', world.stack(me).reason
    assert [len(names) for names in content(world)] == [1, 1]


@pytest.mark.parametrize('kind', ['volumes', 'servers'])
def test_of_what_somebody_has_deleted_no_last_snapshot_is_missed(world, kind):
    thing = VOLUME if kind == 'volumes' else server(world)
    me = world.create('s', hot(v={**thing, 'deletion_policy': 'Snapshot'}))
    world.run()
    world.cloud.inventory.tables[kind].drop(world.rows(me)['v'].physical_id)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE', world.stack(me).reason


def test_a_last_snapshot_is_taken_before_the_end(world):
    me = world.create('s', hot(v={**VOLUME, 'deletion_policy': 'Snapshot'}))
    world.run()
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE', world.stack(me).reason
    assert len(content(world)[0]) == 1 and not world.cloud.inventory.volumes.rows


def test_what_has_no_content_cannot_be_kept_so(world):
    with pytest.raises(errors.StackValidationFailed,
                       match=r'resources\.a\.deletion_policy: : "Snapshot" deletion policy not supported'):
        world.create('s', hot(a=res(deletion_policy='Snapshot')))


def test_a_failed_snapshot_says_why(world):
    me = world.create('s', hot(v=VOLUME))
    world.run()
    world.cloud.faults.add(service='volume', method='POST', path='/backups', kind='status', status=500,
                           message='no room', count=9)
    first = world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    shown = world.actions.show_snapshot(world.context, me, first['id'])
    assert world.state(me) == 'SNAPSHOT_FAILED' and shown['status'] == 'FAILED'
    assert 'no room' in shown['status_reason'] and 'no room' in world.stack(me).reason
    with pytest.raises(errors.NotSupported, match='Restoring a snapshot that is FAILED'):
        world.actions.stack_restore(world.context, me, first['id'])


def test_what_is_broken_cannot_be_kept(world):
    me = world.create('s', hot(a=res(props={'fail': True}), b=res(depends_on='a')))
    world.run()
    world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    assert world.state(me) == 'SNAPSHOT_FAILED'
    assert world.stack(me).reason in (
        'Resource SNAPSHOT failed: Error: resources.a: State CREATE_FAILED invalid for snapshot',
        'Resource SNAPSHOT failed: Error: resources.b: State INIT_COMPLETE invalid for snapshot')
    assert world.states(me) == {'a': 'CREATE_FAILED', 'b': 'INIT_COMPLETE'}


def test_what_was_made_for_a_snapshot_goes_with_the_stack_that_is_deleted_meanwhile(world):
    me = world.create('s', hot(v=VOLUME, s=server(world)))
    world.run()
    world.actions.stack_snapshot(world.context, me, 'one')
    world.run(until=world.clock.monotonic() + 0.5)
    assert world.state(me) == 'SNAPSHOT_IN_PROGRESS'
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE', world.stack(me).reason
    # What an engine asks for at the end of a root.
    assert len(content(world)[0]) == len(content(world)[1]) == 1
    cleaned(world, me)
    assert content(world) == ([], [])


def cleaned(world: World, me: dict[str, Any]) -> None:
    with connect.read(world.database) as conn:
        found = left_of_stack(conn, me['stack_id'], world.crypt)
    take_away(found, lambda call: world.cloud_answer(call).body)
    # Backups go in their own time.
    world.clock.advance(60)
    world.cloud_answer(op.Call('volumev3', 'GET', '/backups'))


@pytest.mark.parametrize('after', [0.0, 0.01, 0.06, 0.12, 0.2])
def test_what_is_being_made_for_a_snapshot_that_is_cut_off_goes_too(world, after):
    me = world.create('s', hot(v=VOLUME, s=server(world)))
    world.run()
    world.actions.stack_snapshot(world.context, me, 'one')
    # The calls leave at once; their answers take a twentieth of a second.
    world.run(until=world.clock.monotonic() + after)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE', world.stack(me).reason
    cleaned(world, me)
    assert content(world) == ([], [])


def test_a_failed_snapshot_has_nothing_of_an_earlier_one(world):
    me = world.create('s', hot(v=VOLUME, bad=res(depends_on='v')))
    world.run()
    first = world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    world.actions.resource_mark_unhealthy(world.context, me, 'bad', True, 'sick')
    second = world.actions.stack_snapshot(world.context, me, 'two')
    world.run()
    assert world.state(me) == 'SNAPSHOT_FAILED'
    world.actions.delete_snapshot(world.context, me, second['id'])
    kept = world.actions.show_snapshot(world.context, me, first['id'])['data']['resources']['v']
    assert kept['resource_data']['backup_id'] in world.cloud.inventory.backups.rows


def test_a_stack_goes_on_from_a_snapshot_that_is_no_more(world):
    first_template = attached(world)
    me = world.create('s', first_template)
    world.run()
    first = world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    world.actions.stack_restore(world.context, me, first['id'])
    world.run()
    inventory, data = world.cloud.inventory, world.actions.show_snapshot(
        world.context, me, first['id'])['data']['resources']
    inventory.backups.drop(data['v']['resource_data']['backup_id'])
    inventory.images.drop(data['s']['resource_data']['snapshot_image_id'])
    world.actions.delete_snapshot(world.context, me, first['id'])
    world.actions.resource_mark_unhealthy(world.context, me, 's', True, 'sick')
    world.update(me, first_template)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    assert world.rows(me)['s'].props['image'] == first_template['resources']['s']['properties']['image']
    assert 'backup_id' not in world.rows(me)['v'].props
