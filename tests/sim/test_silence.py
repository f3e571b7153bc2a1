"""A service that does not answer, while users look at their stacks."""

from __future__ import annotations

from typing import Any

import pytest

from heat.clouds.credential import Credential, Kind
from heat.common.clock import VirtualClock
from heat.db import connect, creds, stacks
from heat.engine.live import KEPT, NO_ANSWER, SILENCE, LiveReader, Silence, whom
from heat.engine.reads import Reads
from heat.model.op import Call, CloudFault, Site
from tests.sim.test_lifecycle import hot

ADDRESSES = 5


def test_a_service_that_does_not_answer_keeps_one_reader_waiting_and_not_all(world: Any) -> None:
    names = [f'a{number}' for number in range(ADDRESSES)]
    address = {'type': 'OS::Neutron::FloatingIP', 'properties': {'floating_network': 'public'}}
    me = world.create('s', {**hot(**dict.fromkeys(names, address)), 'outputs': {
        name: {'value': {'get_attr': [name, 'fixed_ip_address']}} for name in names}})
    world.run()
    with connect.write(world.database) as conn:
        number = creds.insert_credential(conn, creds.Credential(trust_id='t'), world.crypt, world.clock.now())
        stacks.update_stack(conn, me['stack_id'], user_creds_id=number)
    assert world.state(me) == 'CREATE_COMPLETE'
    reads = Reads(world.database, world.conf, world.crypt, world.clock,
                  LiveReader(world.database, world.engine.loader, world.engine.performer, world.clock))

    # It strikes each request and does nothing but count.
    counter = world.cloud.faults.add(service='network', kind='delay')

    def asked() -> int:
        before = counter.hits
        stack, = reads.show_stack(world.context, me)
        assert len(stack['outputs']) == ADDRESSES
        return counter.hits - before

    assert asked() == ADDRESSES
    silent = world.cloud.faults.add(service='network', kind='drop_before')
    assert [asked(), asked()] == [1, 0]
    world.clock.advance(SILENCE)
    assert [asked(), asked()] == [1, 0]
    world.cloud.faults.remove(silent.id)
    assert asked() == 0
    world.clock.advance(SILENCE)
    assert [asked(), asked()] == [ADDRESSES, ADDRESSES]


@pytest.mark.parametrize('at', [Site('there'), Site(secret='s')])
def test_a_place_that_one_project_names_keeps_nobody_from_asking_here(at: Site) -> None:
    """Where a remote stack is, its owner says: it must not silence a service for all."""
    silence = Silence(VirtualClock(0.0))
    call, fault = Call('orchestration', 'GET', '/stacks'), CloudFault(0, 'none', kind=NO_ANSWER)
    one, other = (Credential(Kind.TRUST, project_id=project) for project in ('one', 'other'))
    there = Call('orchestration', 'GET', '/stacks', at=at)
    silence.heard(whom(one, there), fault)
    assert silence.refusal(whom(one, there), 'orchestration') is not None
    assert silence.refusal(whom(one, call), 'orchestration') is None
    assert silence.refusal(whom(other, there), 'orchestration') is None
    # A service of this cloud is everybody's, and places that nobody asks any more are forgotten.
    silence.heard(whom(one, call), fault)
    assert silence.refusal(whom(other, call), 'orchestration') is not None
    for number in range(KEPT + 1):
        silence.heard(whom(one, Call('orchestration', 'GET', '/stacks', at=Site(f'r{number}'))), fault)
    assert silence.refusal(whom(one, there), 'orchestration') is None
