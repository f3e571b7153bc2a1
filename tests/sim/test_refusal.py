"""A change that the database will never take ends its own tree and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heat.db import connect, leases, resources
from heat.db.writer import Batch
from heat.engine.store import Store
from heat.model.resource import Row
from tests.sim.test_lifecycle import hot, res


@pytest.mark.parametrize('fault', [
    # No stack of this id: the foreign key says no, today and tomorrow.
    Row('u' * 36, 'nowhere', '', 'x', 'OS::Heat::None'),
    # No driver can say these; what they raise is no error of the database.
    Row('u' * 36, '', '', '\ud800', 'OS::Heat::None'),
    Row('u' * 36, '', '', 'x', 'OS::Heat::None', goal_seq=10 ** 30)],
    ids=['foreign key', 'half a character', 'size'])
def test_the_tree_at_fault_is_given_up_and_the_others_are_written(world, fault):
    good = world.create('good', hot(a=res(props={'wait_secs': 900})))
    bad = world.create('bad', hot(a=res(props={'wait_secs': 900})))
    world.run(until=world.clock.monotonic() + 1)
    trees = world.engine.loop.trees
    batch = Batch()
    for me in (good, bad):
        batch.fences[me['stack_id']] = trees[me['stack_id']].fence
    row = world.rows(good)['a']
    batch.save(row.to(row.action, row.status.COMPLETE, 'written'))
    batch.save(replace(fault, root_id=bad['stack_id'], stack_id=fault.stack_id or bad['stack_id']))
    store = Store(world.database, world.engine.name, world.crypt, world.clock)
    outcome = store._persist(batch)
    assert outcome.lost == {bad['stack_id']}
    assert world.rows(good)['a'].reason == 'written'
    assert world.state(bad) == 'CREATE_FAILED'
    assert world.stack(bad).reason.startswith('The database refused to store a change')
    with connect.read(world.database) as conn:
        assert leases.owner(conn, bad['stack_id']) is None


def test_half_a_character_in_an_id_ends_its_own_tree_and_no_other(world):
    good = world.create('good', hot(a=res(props={'wait_secs': 900})))
    bad = world.create('bad', hot(a=res(props={'wait_secs': 900})))
    world.run(until=world.clock.monotonic() + 1)
    trees = world.engine.loop.trees
    batch = Batch()
    for me in (good, bad):
        batch.fences[me['stack_id']] = trees[me['stack_id']].fence
    row = world.rows(good)['a']
    batch.save(row.to(row.action, row.status.COMPLETE, 'written'))
    row = world.rows(bad)['a']
    batch.save(replace(row, physical_id='\ud800'))
    store = Store(world.database, world.engine.name, world.crypt, world.clock)
    told = []
    store.write(batch, told.append)
    store.write(Batch(), lambda outcome: store.stop())
    store._run()
    assert told[0].lost == {bad['stack_id']}
    assert world.rows(good)['a'].reason == 'written'
    assert world.stack(bad).reason == 'The database refused to store a change: UnicodeEncodeError'


def test_half_a_character_in_a_reason_costs_no_tree(world):
    me = world.create('s', hot(a=res(props={'wait_secs': 900})))
    world.run(until=world.clock.monotonic() + 1)
    batch, row = Batch(), world.rows(me)['a']
    batch.fences[me['stack_id']] = world.engine.loop.trees[me['stack_id']].fence
    batch.save(row.to(row.action, row.status.FAILED, 'it said \ud800'))
    outcome = Store(world.database, world.engine.name, world.crypt, world.clock)._persist(batch)
    assert not outcome.lost and world.rows(me)['a'].reason == 'it said ?'


def test_what_a_service_tells_with_half_a_character_is_kept(world):
    me = world.create('s', hot(a=res(props={'value': 'one'})))
    world.run()
    row = world.rows(me)['a']
    batch = Batch()
    batch.save(replace(row, attrs={'told': 'a\ud800', 'more': '\U0001f600'}, metadata={'m': '\ud800'},
                       props={'value': '\udfff'}))
    with connect.write(world.database) as conn:
        resources.upsert_rows(conn, list(batch.rows.values()), world.crypt,
                              now=world.clock.now(), encrypt_properties=True)
    kept = world.rows(me)['a']
    assert kept.attrs['told'] == 'a\ud800' and kept.attrs['more'] == '\U0001f600'
    assert kept.metadata == {'m': '\ud800'} and kept.props == {'value': '\udfff'}


def test_a_timer_that_breaks_stops_no_other(world):
    fired = []
    loop = world.engine.loop
    loop._timers.add(0, lambda: 1 / 0)
    loop._timers.add(0, lambda: fired.append('other'))
    loop.turn([])
    assert fired == ['other']
