"""Stacks of servers, networks and volumes against the simulated cloud, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from heat.model.op import Call
from heat.plan import printed
from tests.sim.test_plans import flat, plan
from tests.sim.world import World

POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')
KINDS = ('servers', 'networks', 'subnets', 'ports', 'routers', 'floatingips', 'volumes', 'security_groups')


def get(name: str) -> dict[str, str]:
    return {'get_resource': name}


def template(size: int = 1, volume: int = 1, user_data: str = 'one') -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'net': {'type': 'OS::Neutron::Net'},
        'subnet': {'type': 'OS::Neutron::Subnet',
                   'properties': {'network': get('net'), 'cidr': '10.9.0.0/24'}},
        'router': {'type': 'OS::Neutron::Router',
                   'properties': {'external_gateway_info': {'network': 'public'}}},
        'plug': {'type': 'OS::Neutron::RouterInterface',
                 'properties': {'router': get('router'), 'subnet': get('subnet')}},
        'wall': {'type': 'OS::Neutron::SecurityGroup',
                 'properties': {'rules': [{'protocol': 'tcp', 'port_range_min': 80, 'port_range_max': 80}]}},
        'port': {'type': 'OS::Neutron::Port',
                 'properties': {'network': get('net'), 'security_groups': [get('wall')],
                                'fixed_ips': [{'subnet': get('subnet')}]}},
        'front': {'type': 'OS::Nova::Server', 'properties': {
            'image': 'cirros', 'flavor': 'm1.tiny', 'networks': [{'port': get('port')}],
            'user_data_format': 'RAW', 'user_data': user_data}},
        'address': {'type': 'OS::Neutron::FloatingIP',
                    'properties': {'floating_network': 'public', 'port_id': get('port')}},
        'disk': {'type': 'OS::Cinder::Volume', 'properties': {'size': volume}},
        'mount': {'type': 'OS::Cinder::VolumeAttachment',
                  'properties': {'volume_id': get('disk'), 'instance_uuid': get('front')}},
        'web': {'type': 'OS::Heat::ResourceGroup', 'depends_on': 'plug', 'properties': {
            'count': size, 'resource_def': {'type': 'OS::Nova::Server', 'properties': {
                'image': 'cirros', 'flavor': 'm1.tiny', 'networks': [{'network': get('net')}]}}}}}}


def inventory(world: World) -> dict[str, int]:
    counts = {kind: entry['count'] for kind, entry in world.cloud.summary().items() if kind in KINDS}
    return counts


def life(world: World) -> list[Any]:
    seen: list[Any] = []
    world.project_id  # noqa: B018 - the project's default group is made at first sight
    me = world.create('s', template())
    world.run()
    seen.append((world.stack(me).reason, world.states(me), inventory(world)))
    world.update(me, template(size=2, volume=2, user_data='two'))
    world.run()
    seen.append((world.stack(me).reason, world.states(me), inventory(world)))
    world.delete(me)
    world.run()
    seen.append((world.stack(me).reason, world.rows(me), inventory(world), world.leases_held()))
    return seen


@pytest.fixture(scope='module')
def undisturbed(conf) -> tuple[list[Any], dict[str, int]]:
    world = World(conf)
    return life(world), dict(world.points)


def test_a_life_leaves_nothing_behind(undisturbed):
    (created, updated, deleted), _points = undisturbed
    assert created[0] == 'Stack CREATE completed successfully'
    assert created[2]['servers'] == 2 and created[2]['volumes'] == 1 and created[2]['floatingips'] == 1
    assert updated[0] == 'Stack UPDATE completed successfully' and updated[2]['servers'] == 3
    assert deleted[0] == 'Stack DELETE completed successfully'
    assert deleted[2]['servers'] == deleted[2]['volumes'] == deleted[2]['ports'] == 0
    assert deleted[2]['networks'] == 1 and deleted[3] == 0


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf, undisturbed, point):
    expected, counts = undisturbed
    step = max(1, counts[point] // 12)
    for nth in range(1, counts[point] + 1, step):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'


@pytest.mark.parametrize('service,path', [
    ('compute', '/servers'), ('network', '/ports'), ('network', '/networks'), ('volume', '/volumes'),
    ('network', '/floatingips'), ('network', '/security-groups')])
def test_a_lost_answer_to_a_creation_doubles_nothing(conf, undisturbed, service, path):
    world = World(conf)
    world.cloud.faults.add(service=service, method='POST', path=path, kind='drop_after', count=1)
    assert life(world) == undisturbed[0]


@pytest.mark.parametrize('service,path', [
    ('compute', '/servers'), ('network', '/networks'), ('volume', '/volumes'), ('network', '/ports')])
def test_what_a_service_made_before_it_broke_is_taken_away(world, undisturbed, service, path):
    """Compute answers 500 when its message bus does not answer, and the server is there all the same."""
    world.cloud.faults.add(service=service, method='POST', path=f'{path}[?]', kind='status_after', status=500,
                           count=1)
    me = world.create('s', template())
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    if service != 'compute':  # A server that was made holds the port that its successor needs.
        world.update(me, template(size=2, volume=2, user_data='two'))
        world.run()
        assert (world.state(me), inventory(world)) == ('UPDATE_COMPLETE', undisturbed[0][1][2])
    world.delete(me)
    world.run()
    assert inventory(world) == undisturbed[0][2][2]


def test_what_somebody_else_has_deleted_is_made_again_by_updates(world):
    """A port gives its addresses to its successor; one that is gone has none to give."""
    me = world.create('s', template())
    world.run()
    rows = world.rows(me)
    for service, kind, name in (('compute', 'servers', 'front'), ('network', 'ports', 'port')):
        world.cloud_answer(Call(service, 'DELETE', f'/{kind}/{rows[name].physical_id}'))
        world.clock.advance(60)
    wanted = template()
    wanted['resources']['port']['properties']['name'] = 'renamed'
    for gone in ('port', 'front'):
        world.update(me, wanted)
        world.run()
        assert world.stack(me).reason.startswith('Resource UPDATE failed: ')
        assert rows[gone].physical_id in world.stack(me).reason
    world.update(me, wanted)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    for kind, name in (('servers', 'front'), ('ports', 'port')):
        made = world.rows(me)[name].physical_id
        assert made != rows[name].physical_id and made in world.cloud.inventory.tables[kind].rows


def test_a_server_that_breaks_says_why_and_is_rolled_back(world):
    world.cloud.faults.add(service='compute', method='POST', path='/servers', kind='error_state', count=1,
                           message='No valid host was found.')
    me = world.create('s', template(), disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert any('No valid host was found.' in reason for reason in world.reasons(me))
    assert inventory(world)['servers'] == inventory(world)['ports'] == 0


def test_a_replaced_server_gives_its_port_back_when_its_successor_breaks(world):
    me = world.create('s', template(), disable_rollback=False)
    world.run()
    front = world.rows(me)['front'].physical_id
    world.cloud.faults.add(service='compute', method='POST', path='/servers', kind='error_state', count=1)
    world.update(me, template(user_data='two'))
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert world.rows(me)['front'].physical_id == front
    port = world.cloud.inventory.ports.rows[world.rows(me)['port'].physical_id]
    assert port['device_id'] == front


@pytest.mark.parametrize('verb', ['PUT', 'POST'], ids=['an update', 'a creation'])
def test_what_a_failed_step_has_left_undone_is_done_by_the_next(world, verb):
    """Though the template says what it said before; also where that is what was there at first."""
    def hot(name: str, tag: str) -> dict[str, Any]:
        return {'heat_template_version': '2021-04-16', 'resources': {
            'net': {'type': 'OS::Neutron::Net', 'properties': {'name': name, 'tags': [tag]}}}}

    def refuse(*, tags: bool) -> None:
        # Of an update the tags are a second request, of a creation as well.
        world.cloud.faults.add(service='network', method='PUT', path='/tags' if tags else '/networks/[^/]*$',
                               status=409, count=1)

    def there() -> tuple[str, list[str]]:
        net = world.cloud.inventory.networks.rows[world.rows(me)['net'].physical_id]
        return net['name'], net['tags']
    if verb == 'POST':
        refuse(tags=True)
    me = world.create('s', hot('one', 'a'))
    world.run()
    if verb == 'PUT':
        refuse(tags=False)
        world.update(me, hot('two', 'b'))
        world.run()
        assert there() == ('one', ['a'])
    assert world.state(me).endswith('FAILED')
    made = world.rows(me)['net'].physical_id
    last = ('two', 'b') if verb == 'PUT' else ('one', 'a')
    world.update(me, hot(*last))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and there() == (last[0], [last[1]])
    refuse(tags=True)
    world.update(me, hot('three', 'c'))
    world.run()
    assert world.state(me) == 'UPDATE_FAILED' and there() == ('three', [last[1]])
    # A check that finds it well says nothing of what it should have been.
    world.engine.intake.stack_check(world.context, me)
    world.run()
    assert world.state(me) == 'CHECK_COMPLETE'
    world.update(me, hot('three', 'c'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and there() == ('three', ['c'])
    refuse(tags=True)
    world.update(me, hot('four', 'd'))
    world.run()
    world.update(me, hot('three', 'c'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and there() == ('three', ['c'])
    assert world.rows(me)['net'].physical_id == made


@pytest.mark.parametrize('used', [False, True], ids=['a port of nobody', 'a port of a server'])
def test_a_network_waits_for_what_may_go_and_names_what_holds_it(world, used):
    def hot(**resources: Any) -> dict[str, Any]:
        return {'heat_template_version': '2021-04-16', 'resources': resources}

    mine = world.create('mine', hot(net={'type': 'OS::Neutron::Net'}, subnet={
        'type': 'OS::Neutron::Subnet', 'properties': {'network': get('net'), 'cidr': '10.9.0.0/24'}}))
    world.run()
    inside: dict[str, Any] = {'port': {'type': 'OS::Neutron::Port', 'properties': {
        'network': world.rows(mine)['net'].physical_id}}}
    if used:
        inside['server'] = {'type': 'OS::Nova::Server', 'properties': {
            'image': 'cirros', 'flavor': 'm1.tiny', 'networks': [{'port': get('port')}]}}
    other = world.create('other', hot(**inside))
    world.run()
    assert world.state(other) == 'CREATE_COMPLETE', world.stack(other).reason
    begun = world.clock.monotonic()
    world.delete(mine)
    world.run()
    assert world.state(mine) == 'DELETE_FAILED'
    assert f'Ports in use: {world.rows(other)["port"].physical_id}' in world.stack(mine).reason
    # A server may be on its way out; a port of nobody goes when somebody takes it away.
    took = world.clock.monotonic() - begun
    assert took > 120 if used else took < 20
    world.delete(other)
    world.delete(mine)
    world.run()
    assert world.state(mine) == 'DELETE_COMPLETE', world.stack(mine).reason


def test_a_server_that_must_let_go_of_its_port_first_is_foreseen_as_replaced(world):
    me = world.create('s', template())
    world.run()
    before = world.rows(me)['front']
    entries = flat(printed.from_wire(plan(world, me, template(user_data='two'))['entries']))
    assert (entries['front'].action, entries['front'].physical_id) == ('replace', before.physical_id)
    assert [change.name for change in entries['front'].changes] == ['user_data']


def named(name: str) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'net': {'type': 'OS::Neutron::Net', 'properties': {'name': name}}}}


@pytest.mark.parametrize('kind', ['drop_before', 'drop_after'])
def test_a_change_that_is_never_answered_is_given_up(world, kind):
    """Not said again and again until the stack's time is over: some services break at one request."""
    me = world.create('s', named('one'))
    world.run()
    rule = world.cloud.faults.add(service='network', method='PUT', path='/networks/', kind=kind)
    world.update(me, named('two'))
    world.run()
    assert world.state(me) == 'UPDATE_FAILED' and 'No answer.' in world.stack(me).reason
    assert 2 < rule.hits < 20
    world.cloud.faults.clear()
    world.update(me, named('three'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert world.cloud.inventory.networks.rows[world.rows(me)['net'].physical_id]['name'] == 'three'


def test_an_update_that_failed_is_done_when_it_is_asked_for_again(world):
    """The row has what was tried, so that there is no difference from that does not mean that it was done."""
    def name() -> str:
        return str(world.cloud.inventory.networks.rows[world.rows(me)['net'].physical_id]['name'])

    me = world.create('s', named('one'))
    world.run()
    for _attempt in range(2):
        world.cloud.faults.add(service='network', method='PUT', path='/networks/', kind='status', status=400,
                               count=1)
        world.update(me, named('two'))
        world.run()
        assert (world.state(me), name()) == ('UPDATE_FAILED', 'one')
    # What is looked at in between does not make it so.
    world.engine.intake.stack_check(world.context, me)
    world.run()
    entry, = plan(world, me, named('two'))['entries']
    change, = entry['changes']
    assert (entry['action'], change['property'], change['before'], change['after']) == (
        'update', 'name', 'one', 'two')
    world.update(me, named('two'))
    world.run()
    assert (world.state(me), name()) == ('UPDATE_COMPLETE', 'two')
    assert 'unsure' not in world.rows(me)['net'].keep
    world.update(me, named('two'))
    world.run()
    assert (world.state(me), name()) == ('UPDATE_COMPLETE', 'two')


@pytest.mark.parametrize('changed', [{'flavor': 'm1.small'}, {'user_data': 'two'}])
def test_a_server_that_its_owner_has_stopped_is_changed_and_stays_stopped(world, changed):
    props = {'image': 'cirros', 'flavor': 'm1.tiny', 'user_data_format': 'RAW', 'user_data': 'one',
             'user_data_update_policy': 'REBUILD'}

    def server(**more: Any) -> dict[str, Any]:
        return {'heat_template_version': '2021-04-16', 'resources': {
            's': {'type': 'OS::Nova::Server', 'properties': {**props, **more}}}}

    me = world.create('s', server())
    world.run()
    world.cloud_answer(Call('compute', 'POST', f'/servers/{world.rows(me)["s"].physical_id}/action',
                            {'os-stop': None}))
    world.watch(60)
    world.update(me, server(**changed))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert [one['status'] for one in world.cloud.inventory.servers.rows.values()] == ['SHUTOFF']
