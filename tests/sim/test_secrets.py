"""Secrets of the key manager: each is made once, and its payload stands nowhere in the clear."""

from __future__ import annotations

from typing import Any

from heat.db import schema
from heat.engine.live import LiveReader
from heat.engine.reads import Reads
from tests.sim.crashes import every_crash
from tests.sim.world import World

PAYLOAD = 'a word that nobody shall see'
TEMPLATE: dict[str, Any] = {'heat_template_version': '2021-04-16', 'parameters': {
    'word': {'type': 'string', 'hidden': True}}, 'resources': {
    name: {'type': 'OS::Barbican::Secret', 'properties': {'name': 'same', 'payload': {'get_param': 'word'}}}
    for name in ('a', 'b')}, 'outputs': {'told': {'value': {'get_attr': ['a', 'decrypted_payload']}}}}


def created(world: World) -> dict[str, Any]:
    me = world.create('s', TEMPLATE, environment={'parameters': {'word': PAYLOAD}})
    world.run()
    return me


def life(world: World) -> list[Any]:
    me = created(world)
    rows = world.rows(me)
    seen = [world.state(me), rows['a'].physical_id != rows['b'].physical_id,
            rows['a'].attrs, len(world.cloud.inventory.secrets)]
    world.delete(me)
    world.run()
    return [*seen, world.state(me), len(world.cloud.inventory.secrets)]


EXPECTED = ['CREATE_COMPLETE', True, {'decrypted_payload': PAYLOAD}, 2, 'DELETE_COMPLETE', 0]


def test_every_crash_ends_where_no_crash_ends(conf: Any) -> None:
    assert every_crash(conf, life) == EXPECTED


def test_a_secret_whose_answer_was_lost_is_taken_and_not_that_of_another_with_its_name(conf: Any) -> None:
    for nth in (0, 1):
        world = World(conf)
        world.cloud.faults.add(service='key-manager', method='POST', path='/v1/secrets', kind='drop_after',
                               count=1, skip=nth)
        assert life(world) == EXPECTED


def test_a_payload_is_in_no_event_and_nowhere_in_the_database(world: World) -> None:
    me = created(world)
    reads = Reads(world.database, world.conf, world.crypt, world.clock,
                  LiveReader(world.database, world.engine.loader, world.engine.performer))
    for one in reads.list_events(world.context, me):
        uuid = one['event_identity']['path'].rpartition('/')[2]
        shown, = reads.list_events(world.context, me, filters={'uuid': uuid})
        assert PAYLOAD not in str(shown)
        if one['resource_name'] == 'a' and one['resource_status'] == 'COMPLETE':
            assert shown['resource_properties']['payload'] == '******'
            assert shown['resource_properties']['name'] == 'same'
    with world.database.connect() as conn:
        for table in schema.metadata.sorted_tables:
            assert PAYLOAD not in str(conn.execute(table.select()).all()), table.name
