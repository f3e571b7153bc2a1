"""The clouds room against the simulated cloud, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1 import session
from keystoneauth1.identity import v3

from heat.clouds import find, nova, rest, stack_user, trust
from heat.clouds.credential import Credential, Kind, NotConfigured
from heat.clouds.performer import Answer, Fault, Performer, Result, Unmatched, zone_names
from heat.clouds.session import CATALOGUE_AGE, Connection, LostAnswer, Sessions
from heat.clouds.watch import Watch
from heat.common import config, errors, green
from heat.common.clock import Clock, VirtualClock
from heat.common.context import RequestContext
from heat.common.ids import StackId
from heat.engine.compiled import compile_all
from heat.engine.validate import Validator
from heat.model import op
from heat.model.op import Find
from heat.simcloud.server import Settings, SimCloud
from tests.servers.daemon import wait_until


@pytest.fixture
def clock() -> VirtualClock:
    # The cloud's wall clock must be the real one, since keystoneauth compares token expiry with it.
    return VirtualClock(Clock().wall())


@pytest.fixture
def cloud(clock: VirtualClock) -> Iterator[SimCloud]:
    cloud = SimCloud(clock=clock, settings=Settings(server_build=10.0, guests=False, token_lifetime=86400))
    cloud.start()
    yield cloud
    cloud.stop()


@pytest.fixture
def sessions(cloud: SimCloud, tmp_path: Path, clock: VirtualClock) -> Sessions:
    file = tmp_path / 'heat.conf'
    file.write_text(f"""
[DEFAULT]
stack_user_domain_name = heat
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = {cloud.settings.domain_admin_password}
[keystone_authtoken]
auth_type = password
auth_url = {cloud.auth_url}
username = heat
password = {cloud.settings.heat_password}
project_name = service
""")
    return Sessions(
        config.load('heat-engine', [], [str(file)], logging_setup=False), sleep=lambda seconds: None,
        clock=clock
    )


@pytest.fixture
def context(cloud: SimCloud) -> RequestContext:
    plugin = v3.Password(
        cloud.auth_url,
        cloud.settings.demo_password,
        username='demo',
        user_domain_id='default',
        project_name='demo',
        project_domain_id='default',
    )
    access = plugin.get_access(session.Session(auth=plugin))
    return RequestContext(
        user_id=access.user_id,
        tenant_id=access.project_id,
        auth_token=access.auth_token,
        roles=tuple(access.role_names or ()),
    )


@pytest.fixture
def demo(sessions: Sessions, context: RequestContext) -> Connection:
    return sessions.for_credential(Credential.of_request(context))


def authentications(cloud: SimCloud) -> int:
    return cloud.requests.get('identity POST /v3/auth/tokens', 0)


def make(connection: Connection, service: str, path: str, key: str, **values: Any) -> dict[str, Any]:
    body: dict[str, Any] = rest.perform(connection, op.Call(service, 'POST', path, {key: values}, unwrap=key))
    return body


def server(demo: Connection, name: str) -> dict[str, Any]:
    image = rest.perform(demo, op.Call('image', 'GET', '/images', unwrap='images'))[0]['id']
    return make(
        demo, 'compute', '/servers', 'server', name=name, imageRef=image, flavorRef='1', networks='none'
    )


def test_the_requests_token_is_used_and_not_exchanged(
    cloud: SimCloud, demo: Connection, context: RequestContext
) -> None:
    before = authentications(cloud)
    assert demo.project_id == context.tenant_id and demo.token() == context.auth_token
    net = make(demo, 'network', '/networks', 'network', name='n1')
    assert (
        rest.perform(demo, op.Call('network', 'GET', f'/networks/{net["id"]}', unwrap='network'))['name']
        == 'n1'
    )
    assert authentications(cloud) == before


def test_a_false_token_is_refused(sessions: Sessions, context: RequestContext) -> None:
    connection = sessions.for_credential(Credential(Kind.TOKEN, context.tenant_id, token='0' * 32))
    with pytest.raises(op.CloudFault) as caught:
        rest.perform(connection, op.Call('network', 'GET', '/networks'))
    assert caught.value.status == 401 and '0' * 32 not in caught.value.text()


def test_services_speak_for_themselves(demo: Connection) -> None:
    for service, path in (
        ('compute', '/servers/x'),
        ('network', '/ports/x'),
        ('volumev3', '/volumes/x'),
        ('image', '/images/x'),
    ):
        with pytest.raises(op.CloudFault) as caught:
            rest.perform(demo, op.Call(service, 'GET', path))
        assert (
            caught.value.status == 404 and 'x' in caught.value.message and '(HTTP 404)' in caught.value.text()
        )
        assert caught.value.request_id.startswith('req-')
        assert rest.perform(demo, op.Call(service, 'DELETE', path, ok=(404,))) is None


def test_compute_goes_through_novaclient_at_a_fixed_microversion(demo: Connection) -> None:
    assert nova.microversion(demo) == nova.DEFAULT
    made = make(demo, 'compute', '/os-keypairs', 'keypair', name='k1')
    assert made['private_key'].startswith('-----BEGIN')
    call = op.Call(
        'compute',
        'POST',
        '/os-keypairs',
        {'keypair': {'name': 'k2'}},
        headers={'OpenStack-API-Version': 'compute 2.92'},
    )
    with pytest.raises(op.CloudFault) as caught:
        rest.perform(demo, call)
    assert caught.value.status == 400


def test_pages_bring_everything_once(demo: Connection) -> None:
    names = {f'n{index}' for index in range(5)}
    for name in names:
        make(demo, 'network', '/networks', 'network', name=name)
    found = list(rest.pages(demo, 'network', '/networks', 'networks', {'limit': 2}))
    assert [len(page) for page in found][:2] == [2, 2]
    listed = [item['name'] for page in found for item in page]
    assert names <= set(listed) and len(listed) == len(set(listed))
    assert sum(len(page) for page in rest.pages(demo, 'compute', '/flavors?limit=4', 'flavors')) == 6


def test_a_lost_answer_is_told_and_the_object_is_there_once(cloud: SimCloud, demo: Connection) -> None:
    cloud.faults.add(service='network', method='POST', path='^/v2.0/networks', kind='drop_after', count=1)
    with pytest.raises(LostAnswer):
        make(demo, 'network', '/networks', 'network', name='lost')
    listed = rest.perform(
        demo, op.Call('network', 'GET', '/networks', query={'name': 'lost'}, unwrap='networks')
    )
    assert len(listed) == 1


def test_reading_survives_faults(cloud: SimCloud, demo: Connection) -> None:
    for kind in ('status', 'drop_before'):
        rule = cloud.faults.add(service='compute', method='GET', path='^/v2.1/servers', kind=kind, count=2)
        assert rest.perform(demo, op.Call('compute', 'GET', '/servers', unwrap='servers')) == []
        assert rule.hits == 2


def test_a_service_that_has_moved_is_found_with_the_token_that_there_is(
    cloud: SimCloud, sessions: Sessions, context: RequestContext, clock: VirtualClock
) -> None:
    here = f'{cloud.base_url}/orchestration/v1/$(project_id)s'
    # Nobody listens there.
    cloud.settings.orchestration_url = 'http://127.0.0.1:1/v1/$(project_id)s'
    acting = sessions.for_credential(trust.defer(sessions, context).credential)
    listing = op.Call('orchestration', 'GET', '/stacks', unwrap='stacks')
    with pytest.raises(op.CloudFault, match='The orchestration service cannot be reached'):
        rest.perform(acting, listing)
    cloud.settings.orchestration_url = here
    with pytest.raises(op.CloudFault, match='cannot be reached'):
        rest.perform(acting, listing)
    before = authentications(cloud)
    clock.advance(CATALOGUE_AGE)
    assert rest.perform(acting, listing) == []
    assert authentications(cloud) == before


def test_a_region_that_comes_later_is_found_with_the_token_that_there_is(
    cloud: SimCloud, sessions: Sessions, context: RequestContext, clock: VirtualClock
) -> None:
    elsewhere = sessions.for_credential(replace(Credential.of_request(context), region='RegionTwo'))
    assert not elsewhere.has_service('orchestration')
    with pytest.raises(op.CloudFault, match='orchestration service in RegionTwo region not found'):
        elsewhere.base('orchestration')
    cloud.settings.second_region = 'RegionTwo'
    clock.advance(CATALOGUE_AGE)
    assert elsewhere.base('orchestration').startswith(cloud.base_url)
    assert elsewhere.has_service('orchestration')


def test_a_trust_acts_for_its_trustor_until_it_is_revoked(
    cloud: SimCloud, sessions: Sessions, context: RequestContext
) -> None:
    deferred = trust.defer(sessions, context)
    assert deferred.owned and deferred.credential.trust_id and deferred.credential.token is None
    for_user = sessions.for_credential(deferred.credential)
    net = make(for_user, 'network', '/networks', 'network', name='by-trust')
    assert net['project_id'] == context.tenant_id
    assert for_user.access().user_id == context.user_id
    trust.revoke(sessions, deferred.credential)
    with pytest.raises(op.CloudFault) as caught:
        sessions.for_credential(deferred.credential).token()
    # Never a 404, which would pass for a deleted object.
    assert caught.value.status == 401
    trust.revoke(sessions, deferred.credential)


def test_the_account_of_the_service_that_is_refused_is_told_apart_from_a_dead_trust(
    cloud: SimCloud, sessions: Sessions, context: RequestContext
) -> None:
    credential = trust.defer(sessions, context).credential
    other = trust.defer(sessions, context).credential
    sessions.for_credential(other).token()
    assert trust.works(sessions, other, context)
    # Its password is another one by now, which takes its tokens along.
    account = cloud.inventory.users.where('name', 'heat')[0]
    before, account['_password'] = account['_password'], 'changed'
    for token in cloud.inventory.tokens.where('user_id', account['id']):
        cloud.inventory.tokens.drop(token['id'])
    with pytest.raises(op.CloudFault, match='Keystone refuses the account of this service') as caught:
        sessions.for_credential(credential).token()
    assert (caught.value.status, caught.value.kind) == (401, 'AccountRefused')
    assert trust.works(sessions, credential, context)
    account['_password'] = before
    assert sessions.for_credential(credential).token()
    # A token that is remembered does not speak for a trust that is gone.
    cloud.inventory.trusts.drop(other.trust_id or '')
    assert not trust.works(sessions, other, context)


def test_many_trusts_cost_one_password_check(
    cloud: SimCloud, sessions: Sessions, context: RequestContext
) -> None:
    passwords: list[Any] = []
    made = [trust.defer(sessions, context).credential for _ in range(3)]
    service = sessions.plugins.service()
    fetch = type(service).get_auth_ref

    def counted(http: Any) -> Any:
        passwords.append(1)
        return fetch(service, http)

    service.get_auth_ref = counted  # type: ignore[method-assign]
    for credential in made:
        sessions.for_credential(credential).token()
    assert passwords == []
    service.invalidate()
    sessions.for_credential(Credential.of_service()).token()
    assert passwords == [1]


def test_a_request_that_came_with_a_trust_keeps_it(sessions: Sessions) -> None:
    context = RequestContext(tenant_id='p', trust_id='t', trustor_user_id='u')
    deferred = trust.defer(sessions, context)
    assert not deferred.owned and deferred.credential == Credential.of_trust('t', 'p', 'u')


def test_a_role_that_is_not_held_cannot_be_delegated(sessions: Sessions, context: RequestContext) -> None:
    sessions.conf.set_override('trusts_delegated_roles', ['admin'])
    with pytest.raises(errors.MissingCredentialError, match='admin'):
        trust.defer(sessions, context)


def user_action(sessions: Sessions, verb: str, **args: Any) -> dict[str, Any]:
    return stack_user.perform_user(sessions, op.UserCall(verb, args))


def test_users_come_to_a_new_project_where_somebody_has_deleted_that_of_their_stack(
    cloud: SimCloud, sessions: Sessions
) -> None:
    first = user_action(sessions, 'create_user', name='one', project_name='tenant-stack')
    user_action(sessions, 'delete_project', project_id=first['project_id'])
    second = user_action(sessions, 'create_user', name='two', project_id=first['project_id'],
                         project_name='tenant-stack')
    project = cloud.inventory.projects.get(second['project_id'])
    assert project is not None and project['name'] == 'tenant-stack'
    assert second['project_id'] != first['project_id'] and user_action(sessions, 'token', **{
        key: second[key] for key in ('user_id', 'password', 'project_id')})['token']
    third = user_action(sessions, 'create_user', name='three', project_id=first['project_id'],
                        project_name='tenant-stack')
    assert third['project_id'] == second['project_id']
    with pytest.raises(op.CloudFault) as caught:
        user_action(sessions, 'create_user', name='four', project_id=first['project_id'])
    assert caught.value.status == 404


def test_stack_users_come_and_go(cloud: SimCloud, sessions: Sessions) -> None:
    first = user_action(sessions, 'create_user', name='stack-signal-1', project_name='tenant-stack')
    again = user_action(sessions, 'create_user', name='stack-signal-1', project_name='tenant-stack')
    assert (first['user_id'], first['project_id']) == (again['user_id'], again['project_id'])
    who = {key: again[key] for key in ('user_id', 'password', 'project_id')}
    keys = user_action(sessions, 'create_keypair', user_id=who['user_id'], project_id=who['project_id'])
    assert (
        user_action(sessions, 'create_keypair', user_id=who['user_id'], project_id=who['project_id']) == keys
    )
    token = user_action(sessions, 'token', **who)
    checked = sessions.for_credential(
        Credential(Kind.TOKEN, who['project_id'], token=token['token'])
    ).access()
    assert checked.role_names == ['heat_stack_user'] and checked.project_id == who['project_id']

    user_action(sessions, 'suspend_user', user_id=who['user_id'])
    sessions.forget(Credential.of_stack_user(who['user_id'], who['password'], who['project_id']))
    with pytest.raises(op.CloudFault):
        user_action(sessions, 'token', **who)
    user_action(sessions, 'resume_user', user_id=who['user_id'])
    assert user_action(sessions, 'token', **who)['token']

    for _ in range(2):
        user_action(sessions, 'delete_keypair', user_id=who['user_id'], credential_id=keys['credential_id'])
        user_action(sessions, 'delete_user', user_id=who['user_id'])
        user_action(sessions, 'delete_project', project_id=who['project_id'])
    assert cloud.inventory.users.get(who['user_id']) is None
    assert cloud.inventory.projects.get(who['project_id']) is None


def test_two_resources_of_a_stack_may_make_its_project_at_once(cloud: SimCloud, sessions: Sessions) -> None:
    # Seen with two scaling policies: the second met a conflict and failed.
    rule = cloud.faults.add(
        service='identity', method='POST', path='^/v3/projects', kind='delay', seconds=1.0, count=1
    )
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(user_action, sessions, 'create_project', project_name='at-once')
        wait_until('the first request is on its way', lambda: rule.hits == 1, 30)
        quick = user_action(sessions, 'create_project', project_name='at-once')
        assert slow.result(60) == quick
    user_action(sessions, 'delete_project', project_id=quick['project_id'])


def test_users_outside_the_domain_are_left_alone(
    cloud: SimCloud, sessions: Sessions, context: RequestContext
) -> None:
    with pytest.raises(op.CloudFault):
        user_action(sessions, 'delete_user', user_id=context.user_id)
    assert context.user_id and cloud.inventory.users.get(context.user_id) is not None


def test_without_a_domain_the_option_is_named(sessions: Sessions) -> None:
    sessions.conf.set_override('stack_user_domain_name', None)
    with pytest.raises(NotConfigured, match='stack_user_domain_id'):
        user_action(sessions, 'create_project', project_name='p')


@pytest.fixture
def performer(sessions: Sessions, clock: VirtualClock) -> Performer:
    return Performer(sessions, clock)


def performed(start: Callable[[Callable[[Result], None]], None]) -> Result:
    came, results = green.Event(), []

    def done(result: Result) -> None:
        results.append(result)
        came.set()

    start(done)
    assert came.wait(20)
    return results[0]


@pytest.mark.parametrize(
    ('kind', 'value', 'sentence'),
    [
        ('neutron.network', 'nope', "Unable to find network with name or id 'nope'"),
        ('neutron.security_group', 'nope', "Unable to find security_group with name or id 'nope'"),
        ('nova.flavor', 'nope', "No Flavor matching {'name': 'nope'}."),
        ('nova.keypair', 'nope', 'The Key (nope) could not be found.'),
        ('nova.server', 'nope', 'The Server (nope) could not be found.'),
        ('glance.image', 'nope', "No images matching {'name': 'nope'}."),
        ('cinder.volume', 'nope', 'The Volume (nope) could not be found.'),
        ('cinder.vtype', 'nope', 'The VolumeType (nope) could not be found.'),
    ],
)
def test_what_is_not_there_is_named(
    performer: Performer, demo: Connection, kind: str, value: str, sentence: str
) -> None:
    result = performed(lambda done: performer.perform(demo.credential, Find(kind, value), done))
    assert isinstance(result, Unmatched) and str(result.error) == sentence


def test_names_and_ids_are_found_in_few_requests_and_remembered(
    cloud: SimCloud, performer: Performer, demo: Connection, clock: VirtualClock
) -> None:
    nets = {name: make(demo, 'network', '/networks', 'network', name=name)['id'] for name in 'abcd'}
    wanted = {**nets, nets['a']: nets['a']}
    counted = 'network GET /v2.0/networks'
    before = cloud.requests.get(counted, 0)
    assert performer.finder.find_many(demo.credential, 'neutron.network', wanted) == wanted
    assert cloud.requests[counted] - before == 2
    assert performer.finder.find(demo.credential, 'neutron.network', 'a') == nets['a']
    assert cloud.requests[counted] - before == 2
    clock.advance(find.MOMENT)
    assert performer.finder.find(demo.credential, 'neutron.network', 'a') == nets['a']
    assert cloud.requests[counted] - before == 3


def test_what_is_made_anew_under_its_name_is_found(
    performer: Performer, demo: Connection, clock: VirtualClock
) -> None:
    def found() -> str:
        return performer.finder.find(demo.credential, 'neutron.network', 'again')

    def change(method: str, body: Any = None) -> None:
        performer.perform_now(demo.credential, op.Call('network', method, f'/networks/{found()}', body))

    first = make(demo, 'network', '/networks', 'network', name='again')['id']
    assert found() == first
    change('DELETE')
    second = make(demo, 'network', '/networks', 'network', name='again')['id']
    assert found() == second
    change('PUT', {'network': {'name': 'other'}})
    third = make(demo, 'network', '/networks', 'network', name='again')['id']
    assert found() == third
    # By somebody else it is known a moment later.
    rest.perform(demo, op.Call('network', 'DELETE', f'/networks/{third}'))
    fourth = make(demo, 'network', '/networks', 'network', name='again')['id']
    assert found() == third
    clock.advance(find.MOMENT)
    assert found() == fourth


def test_an_operator_may_have_names_remembered(
    cloud: SimCloud, sessions: Sessions, demo: Connection, clock: VirtualClock
) -> None:
    sessions.conf.set_override('enabled', True, 'cache')
    finder = find.Finder(sessions, clock)
    made = make(demo, 'network', '/networks', 'network', name='known')['id']
    counted = 'network GET /v2.0/networks'
    before = cloud.requests.get(counted, 0)
    for seconds, check, asked in (
        (0, False, 1), (59, True, 1), (2, False, 1), (0, True, 2), (3600, False, 3)
    ):
        clock.advance(seconds)
        assert finder.find(demo.credential, 'neutron.network', 'known', check=check) == made
        assert cloud.requests[counted] - before == asked


def test_flavors_and_images_by_name(performer: Performer, demo: Connection) -> None:
    assert performer.perform_now(demo.credential, Find('nova.flavor', 'm1.small')) == '2'
    assert performer.perform_now(demo.credential, Find('nova.flavor', '2')) == '2'
    image = performer.perform_now(demo.credential, Find('glance.image', 'cirros'))
    assert performer.perform_now(demo.credential, Find('glance.image', image)) == image


@pytest.mark.parametrize(('parameters', 'defaults', 'place'), [
    ({'p': 'none'}, {}, ('environment', ('parameters', 'p'))),
    ({}, {'p': 'none'}, ('environment', ('parameter_defaults', 'p'))),
    ({}, {}, ('template', ('parameters', 'p', 'default')))])
def test_what_is_not_in_the_cloud_is_told_where_it_was_written(
        performer: Performer, demo: Connection, parameters: Any, defaults: Any, place: Any) -> None:
    compiled = compile_all(None, {'heat_template_version': '2021-04-16', 'parameters': {'p': {
        'type': 'string', 'default': 'none', 'constraints': [{'custom_constraint': 'neutron.network'}]}}},
        {'parameters': parameters, 'parameter_defaults': defaults}, {})
    validator = Validator(RequestContext(), finder=performer.finder, credential=demo.credential, policy=None,
                          available=lambda service: True, max_resources=-1, max_depth=5)
    with pytest.raises(errors.StackValidationFailed, match='Unable to find network') as caught:
        validator.stack(StackId('t', 's', 'id'), compiled, compiled.wanted())
    assert [(one.source, one.path) for one in caught.value.faults] == [place]


def test_what_a_service_lacks_is_told_before_anything_is_made(
        cloud: SimCloud, performer: Performer, demo: Connection, clock: VirtualClock) -> None:
    counted = 'network GET /v2.0/extensions'
    compiled = compile_all(None, {'heat_template_version': '2021-04-16', 'resources': {
        'gate': {'type': 'OS::Neutron::Router'}, 'first': {'type': 'OS::Neutron::QoSPolicy'},
        'second': {'type': 'OS::Neutron::QoSPolicy'}}}, {}, {})
    validator = Validator(RequestContext(), finder=performer.finder, credential=demo.credential, policy=None,
                          available=lambda service: True, max_resources=-1, max_depth=5,
                          extensions=performer.extensions)
    for _ in range(2):
        with pytest.raises(errors.HeatException, match='Required extension qos in neutron service') as caught:
            validator.stack(StackId('t', 's', 'id'), compiled, compiled.wanted())
    assert [one.path for one in caught.value.faults] == [
        ('resources', 'first', 'type'), ('resources', 'second', 'type')]
    assert cloud.requests[counted] == 1
    # What is there stays so for long; what is not is looked for again, and may have come.
    has = performer.extensions.has
    clock.advance(60)
    assert has(demo.credential, 'network', 'router') and cloud.requests[counted] == 1
    assert not has(demo.credential, 'network', 'qos') and cloud.requests[counted] == 2
    # Where it cannot be told the call itself is what fails.
    assert has(demo.credential, 'object-store', 'qos') and has(demo.credential, 'baremetal', 'qos')


def test_zones_of_the_compute_service(performer: Performer, demo: Connection, cloud: SimCloud) -> None:
    cloud.settings.zones = ('one', 'two')
    assert zone_names(performer, demo.credential) == ['one', 'two']
    assert zone_names(performer, None) == []


def test_a_name_of_two_things_is_refused(performer: Performer, demo: Connection) -> None:
    for _ in range(2):
        make(demo, 'network', '/networks', 'network', name='twin')
    with pytest.raises(errors.PhysicalResourceNameAmbiguity, match='twin'):
        performer.perform_now(demo.credential, Find('neutron.network', 'twin'))


def test_calls_as_the_service(performer: Performer, demo: Connection) -> None:
    users = op.Call('identity', 'GET', '/users', unwrap='users', as_user='service')
    assert {'demo', 'heat'} <= {user['name'] for user in performer.perform_now(demo.credential, users)}
    refused = performed(
        lambda done: performer.perform(
            demo.credential, op.Call('identity', 'GET', '/users', unwrap='users'), done
        )
    )
    assert isinstance(refused, Fault) and refused.fault.status == 403


def judge(body: dict[str, Any] | None) -> bool | str:
    return 'gone' if body is None else body['status'] == 'ACTIVE'


def test_many_servers_are_watched_by_one_list(
    cloud: SimCloud, performer: Performer, demo: Connection, clock: VirtualClock
) -> None:
    watch = Watch(clock)
    key = (demo.credential, 'compute', '/servers/detail')
    ids = [server(demo, f's{index}')['id'] for index in range(6)]
    for item_id in (*ids, 'never-there'):
        watch.add(
            op.Poll('compute', f'/servers/{item_id}', item_id, judge, 'server', '/servers/detail', 'servers'),
            key,
            item_id,
        )

    def look() -> dict[Any, Any]:
        ended = {}
        clock.advance(6)
        for round_ in watch.due(clock.monotonic()):
            result = performed(lambda done, round_=round_: performer.perform(round_.credential, round_, done))
            assert isinstance(result, Answer)
            ended.update(watch.results(round_, result.body))
        return ended

    single = 'compute GET /servers/{server_id}'
    before = {name: count for name, count in cloud.requests.items() if name.startswith('compute GET')}
    assert look() == {}
    now = {
        name: count - before.get(name, 0)
        for name, count in cloud.requests.items()
        if name.startswith('compute GET') and count != before.get(name, 0)
    }
    assert list(now.values()) == [1], f'one listing, not {single} for each: {now}'
    ended = look()
    assert ended['never-there'].failure == 'gone'
    ended = look()
    assert set(ended) == set(ids) and all(verdict.body['status'] == 'ACTIVE' for verdict in ended.values())
    assert len(watch) == 0
