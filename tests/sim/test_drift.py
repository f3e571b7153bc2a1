"""What a check finds is kept and told: what differs, what is gone, and what may not be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from heat.common import errors
from heat.db import connect, schema
from heat.engine.reads import Reads
from tests.sim.crashes import every_crash
from tests.sim.nests import below
from tests.sim.test_lifecycle import hot
from tests.sim.test_observation import meddle, net
from tests.sim.world import World

GROUP = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': net(name='inner')}}
RENAMED = {'property': 'name', 'expected': 'ours', 'actual': 'theirs', 'kind': 'NOT_EQUAL'}
SHUT = {'property': 'admin_state_up', 'expected': True, 'actual': False, 'kind': 'NOT_EQUAL'}


def check(world: World, me: dict[str, Any]) -> None:
    world.engine.intake.stack_check(world.context, me)
    world.run()


def shown(world: World, me: dict[str, Any], name: str | None = None, **who: Any) -> dict[str, Any]:
    """Path -> entry."""
    reads = Reads(world.database, world.conf, world.crypt, world.clock, lambda *asked: None)
    found = reads.show_drift(replace(world.context, **who), me, name)
    return {one['path']: one for one in found}


def statuses(world: World, me: dict[str, Any]) -> dict[str, str]:
    return {path: one['status'] for path, one in shown(world, me).items()}


def networks(world: World) -> dict[str, Any]:
    return world.cloud.inventory.networks.rows


def test_every_kind_of_finding(world: World) -> None:
    me = world.create('s', hot(n=net(), same=net(), gone=net(), g=GROUP,
                               r={'type': 'OS::Heat::RandomString'}))
    world.run()
    assert set(statuses(world, me).values()) == {'NOT_CHECKED'}
    assert shown(world, me)['n']['checked_at'] is None
    meddle(world, me)
    networks(world).pop(world.rows(me)['gone'].physical_id)
    inner = below(world, me, 'g')
    networks(world)[world.rows(inner)['0'].physical_id]['name'] = 'theirs'
    check(world, me)
    assert world.states(me)['n'] == 'CHECK_COMPLETE' and world.states(me)['gone'] == 'CHECK_FAILED'
    assert statuses(world, me) == {'n': 'MODIFIED', 'same': 'IN_SYNC', 'gone': 'DELETED', 'r': 'NOT_CHECKED',
                                   'g': 'NOT_CHECKED', 'g/0': 'MODIFIED'}
    found = shown(world, me)
    assert found['n'] == {
        'resource_name': 'n', 'path': 'n', 'resource_type': 'OS::Neutron::Net', 'status': 'MODIFIED',
        'physical_resource_id': world.rows(me)['n'].physical_id, 'differences': [RENAMED, SHUT],
        'checked_at': found['same']['checked_at']}
    assert found['same']['checked_at'] == world.clock.now().strftime('%Y-%m-%dT%H:%M:%SZ')
    assert found['gone']['differences'] == [] == found['same']['differences']
    assert found['g/0']['differences'] == [{**RENAMED, 'expected': 'inner'}]
    # One by its name or path, with what is in it.
    assert list(shown(world, me, 'g')) == ['g', 'g/0'] and list(shown(world, me, 'g/0')) == ['g/0']
    assert list(shown(world, inner)) == ['0']
    with pytest.raises(errors.ResourceNotFound):
        shown(world, me, 'g/1')


def test_what_is_well_again_is_told_by_the_next_check(world: World) -> None:
    me = world.create('s', hot(n=net()))
    world.run()
    row = meddle(world, me)
    check(world, me)
    row['name'], row['admin_state_up'] = 'ours', True
    assert statuses(world, me) == {'n': 'MODIFIED'}
    check(world, me)
    assert statuses(world, me) == {'n': 'IN_SYNC'}
    assert world.rows(me)['n'].reason == 'state changed'


def test_an_update_that_looks_puts_right_what_a_check_found(world: World) -> None:
    me = world.create('s', hot(n=net(), gone=net()))
    world.run()
    row = meddle(world, me)
    networks(world).pop(world.rows(me)['gone'].physical_id)
    check(world, me)
    world.update(me, hot(n=net(), gone=net()), args={'converge': True})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert (row['name'], row['admin_state_up']) == ('ours', True)
    assert world.rows(me)['gone'].physical_id in networks(world)
    # What was found before is not so any more, and nobody has looked since.
    assert statuses(world, me) == {'n': 'NOT_CHECKED', 'gone': 'NOT_CHECKED'}
    check(world, me)
    assert statuses(world, me) == {'n': 'IN_SYNC', 'gone': 'IN_SYNC'}


def test_an_update_that_leaves_a_resource_alone_leaves_its_record(world: World) -> None:
    me = world.create('s', hot(n=net()))
    world.run()
    meddle(world, me)
    check(world, me)
    world.update(me, hot(n=net(), more=net()))
    world.run()
    assert statuses(world, me) == {'n': 'MODIFIED', 'more': 'NOT_CHECKED'}


def test_a_thing_that_fails_its_check_is_compared_too(world: World) -> None:
    me = world.create('s', hot(v={'type': 'OS::Cinder::Volume', 'properties': {'size': 1, 'name': 'ours'}}))
    world.run()
    volume = world.cloud.inventory.volumes.rows[world.rows(me)['v'].physical_id]
    volume['status'], volume['name'] = 'error', 'theirs'
    check(world, me)
    assert world.states(me) == {'v': 'CHECK_FAILED'}
    assert world.rows(me)['v'].reason == (
        "ResourceInError: resources.v: 'v': expected 'available or in-use' status, got 'error'")
    assert shown(world, me)['v']['differences'] == [RENAMED]


def test_a_cloud_that_does_not_answer_takes_no_record_away(world: World) -> None:
    me = world.create('s', hot(n=net()))
    world.run()
    meddle(world, me)
    check(world, me)
    before = shown(world, me)
    world.clock.advance(60)
    world.cloud.faults.add(service='network', method='GET', path='/networks')
    check(world, me)
    assert world.states(me) == {'n': 'CHECK_FAILED'}
    assert shown(world, me) == before


def test_types_in_words_of_cloudformation_are_compared_too(world: World) -> None:
    volume = {'type': 'AWS::EC2::Volume', 'properties': {'AvailabilityZone': 'nova', 'Size': 1}}
    me = world.create('s', hot(there=volume, gone=volume))
    world.run()
    world.cloud.inventory.volumes.rows.pop(world.rows(me)['gone'].physical_id)
    check(world, me)
    assert statuses(world, me) == {'there': 'IN_SYNC', 'gone': 'DELETED'}


def clear_text(world: World) -> str:
    """What a check writes to the database, as it stands there."""
    with connect.read(world.database) as conn:
        rows = [*conn.execute(sa.select(schema.resource.c.status_reason, schema.resource.c.keep,
                                        schema.resource.c.data)),
                *conn.execute(sa.select(schema.event.c.resource_status_reason)),
                *conn.execute(sa.select(schema.stack.c.status_reason))]
    return str(rows)


@pytest.mark.parametrize('place', ['own', 'nested', 'attribute'])
def test_hidden_values_are_in_no_record(world: World, place: str) -> None:
    secret = {'get_param': 's'}
    tree = {
        'own': hot(n=net(name={'str_replace': {'template': 'x-T', 'params': {'T': secret}}})),
        'nested': hot(g={**GROUP, 'properties': {'count': 1, 'resource_def': net(name=secret)}}),
        'attribute': hot(v={'type': 'OS::Heat::Value', 'properties': {'value': secret}},
                         n=net(name={'get_attr': ['v', 'value']}))}[place]
    parameter = {'type': 'string', 'hidden': True, 'default': 'hush'}
    me = world.create('s', {**tree, 'parameters': {'s': parameter}})
    world.run()
    for row in networks(world).values():
        if 'hush' in row['name']:
            row['name'] += '-too'
    check(world, me)
    assert world.state(me) == 'CHECK_COMPLETE'
    found = shown(world, me)['g/0' if place == 'nested' else 'n']
    assert found['status'] == 'MODIFIED'
    assert found['differences'] == [
        {'property': 'name', 'expected': '******', 'actual': '******', 'kind': 'NOT_EQUAL'}]
    told = clear_text(world)
    assert 'hush' not in told and 'differs from what was asked for: name has another value' in told
    keeps = [row.keep for one in (me, *([below(world, me, 'g')] if place == 'nested' else []))
             for row in world.rows(one).values()]
    assert not any('masked' in keep or 'untold' in keep for keep in keeps)


def test_what_another_resource_gave_is_shown_but_not_written_in_clear(world: World) -> None:
    me = world.create('s', hot(r={'type': 'OS::Heat::RandomString', 'properties': {'length': 20}},
                               n=net(name={'get_attr': ['r', 'value']})))
    world.run()
    row = networks(world)[world.rows(me)['n'].physical_id]
    drawn, row['name'] = row['name'], 'theirs'
    check(world, me)
    assert shown(world, me)['n']['differences'] == [{**RENAMED, 'expected': drawn}]
    assert world.rows(me)['n'].reason == (
        'state changed; differs from what was asked for: name has another value')


def test_another_project_sees_nothing(world: World) -> None:
    me = world.create('s', hot(n=net()))
    world.run()
    meddle(world, me)
    check(world, me)
    with pytest.raises(errors.InvalidTenant):
        shown(world, me, tenant_id='other')
    with pytest.raises(errors.EntityNotFound):
        shown(world, {**me, 'tenant': 'other'}, tenant_id='other')


def test_every_crash_of_a_check(conf: Any) -> None:
    def life(world: World) -> Any:
        me = world.create('s', hot(n=net(), gone=net(), same=net(), g=GROUP))
        world.run()
        meddle(world, me)
        networks(world).pop(world.rows(me)['gone'].physical_id)
        check(world, me)
        found = {path: (one['status'], one['differences']) for path, one in shown(world, me).items()}
        # A check whose end was not told is made again; each end is told once.
        ends = sorted(e for one in (me, below(world, me, 'g')) for e in world.events(one)
                      if e.endswith(('CHECK_COMPLETE', 'CHECK_FAILED')) and not e.startswith('s-'))
        return found, world.state(me), world.states(me), ends, len(networks(world)), world.leases_held()

    found = every_crash(conf, life, least=20)
    assert found[0]['n'] == ('MODIFIED', [RENAMED, SHUT]) and found[0]['gone'] == ('DELETED', [])
