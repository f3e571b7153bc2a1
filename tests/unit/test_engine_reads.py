"""What the reading methods answer about rows that stand in the database, and what they cost."""

from __future__ import annotations

import datetime
import inspect
import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from heat.bus.wire import OWN_METHODS
from heat.common import config, errors
from heat.common.clock import VirtualClock
from heat.common.context import RequestContext
from heat.common.crypt import Crypt
from heat.common.ids import new_id
from heat.db import connect, events, migrate, resources, services, stacks, templates
from heat.engine.reads import Reads, stack_filters
from heat.engine.reads_resources import split_status
from heat.engine.software import Software
from heat.engine.templates import Templates
from heat.model.event import Event
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status

CRYPT = Crypt(['a key of this test'])
CLOCK = VirtualClock()
NOW = CLOCK.now()
DATA = pathlib.Path(__file__).parents[1] / 'data'
ME = RequestContext(user_id='u', tenant_id='t', roles=('member',))
TREE: dict[str, Any] = {
    'heat_template_version': '2021-04-16', 'description': 'Two nets',
    'parameters': {'word': {'type': 'string', 'default': 'w'},
                   'pw': {'type': 'string', 'default': 'hush', 'hidden': True}},
    'resources': {'net': {'type': 'OS::Neutron::Net', 'description': 'The net'},
                  'other': {'type': 'OS::Neutron::Net'}},
    'outputs': {
        'status': {'value': {'get_attr': ['net', 'status']}},
        'name': {'value': {'get_attr': ['net', 'name']}, 'description': 'Its name'},
        'id': {'value': {'get_resource': 'net'}},
        'bad': {'value': {'list_join': [',', {'get_attr': ['net', 'subnets']}]}},
        'word': {'value': {'get_param': 'word'}}}}


class Cloud:
    """Live reads as they come, answered from ``attrs``; None for a resource in ``dead``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self.attrs: dict[str, Any] = {}
        self.dead: set[str] = set()

    def __call__(self, row: Row, kind: Any, names: tuple[Any, ...], stack: Stack) -> dict[str, Any] | None:
        self.asked.append((row.name, names))
        return None if row.name in self.dead else {n: self.attrs[n] for n in names if n in self.attrs}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = connect.open_engine('sqlite://')
    migrate.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def reads(engine: Engine, cloud: Cloud) -> Reads:
    conf = config.load('heat-engine', argv=[], config_files=[], logging_setup=False)
    return Reads(engine, conf, CRYPT, CLOCK, cloud)


def put(engine: Engine, name: str = 's', tree: dict[str, Any] | None = None, seconds: int = 0,
        environment: dict[str, Any] | None = None, **fields: Any) -> Stack:
    number = new_id()
    with connect.write(engine) as conn:
        template = templates.store_template(conn, tree or TREE, environment or {}, {'f': 'x'}, 't', NOW,
                                            crypt=CRYPT, secret_names={'pw'})
        stack = Stack(**{
            'id': number, 'name': name, 'tenant': 't', 'root_id': number, 'template_id': template,
            'status': Status.COMPLETE, 'username': 'me',
            'created_at': NOW + datetime.timedelta(seconds=seconds), **fields})
        stacks.insert_stack(conn, stack)
    return stack


def rows(engine: Engine, stack: Stack, *given: dict[str, Any]) -> list[Row]:
    made = [Row(**{'uuid': new_id(), 'stack_id': stack.id, 'root_id': stack.root_id, 'name': 'net',
                   'type': 'OS::Neutron::Net', 'action': Action.CREATE, 'physical_id': 'id-1',
                   'reason': 'state changed', **one}) for one in given]
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, made, CRYPT, now=NOW)
    return made


def wire(stack: Stack) -> dict[str, Any]:
    return stack.identity.to_wire()


# -- finding ---------------------------------------------------------------------------------------


def test_a_name_finds_live_stacks_and_an_id_deleted_ones_too(engine: Engine, reads: Reads) -> None:
    gone = put(engine, 'gone', deleted_at=NOW)
    live = put(engine, 'live')
    assert reads.identify_stack(ME, 'live') == wire(live)
    assert reads.identify_stack(ME, gone.id) == wire(gone)
    for name in ('gone', 'nothing', new_id()):
        with pytest.raises(errors.EntityNotFound, match=rf'The Stack \({name}\) could not be found'):
            reads.identify_stack(ME, name)


def test_a_name_that_looks_like_an_id_is_found(engine: Engine, reads: Reads) -> None:
    named = put(engine, new_id())
    assert reads.identify_stack(ME, named.name) == wire(named)


def test_another_project_finds_nothing_but_an_admin_does(engine: Engine, reads: Reads) -> None:
    stack = put(engine, stack_user_project_id='sup')
    stranger, boss = replace(ME, tenant_id='x'), replace(ME, tenant_id='x', is_admin=True)
    with pytest.raises(errors.EntityNotFound):
        reads.identify_stack(stranger, 's')
    with pytest.raises(errors.EntityNotFound):
        reads.show_stack(stranger, {**wire(stack), 'tenant': 'x'})
    with pytest.raises(errors.InvalidTenant):
        reads.show_stack(stranger, wire(stack))
    assert reads.identify_stack(boss, 's') == wire(stack)
    guest = replace(ME, tenant_id='sup')
    assert reads.identify_stack(guest, 's') == wire(stack)
    for named in (wire(stack), {**wire(stack), 'tenant': 'sup'}):
        assert reads.show_stack(guest, named)[0]['stack_name'] == 's'
    other = put(engine, name='other')
    with pytest.raises(errors.InvalidTenant):
        reads.show_stack(guest, wire(other))


def test_both_halves_of_an_identity_must_agree(engine: Engine, reads: Reads) -> None:
    stack = put(engine)
    for wrong in ({'stack_name': 'z'}, {'stack_id': new_id()}, {'stack_id': 'zz'}, {'path': '/resources/a'}):
        with pytest.raises(errors.EntityNotFound):
            reads.get_template(ME, {**wire(stack), **wrong})


# -- showing and listing ---------------------------------------------------------------------------


def test_a_stack_is_shown_with_its_outputs(engine: Engine, reads: Reads, cloud: Cloud) -> None:
    stack = put(engine, environment={'parameters': {'pw': 'secret'}}, tags=('a',))
    rows(engine, stack, {'attrs': {'name': 'kept', 'subnets': 5}})
    cloud.attrs = {'status': 'ACTIVE'}
    shown = reads.show_stack(ME, wire(stack))[0]
    assert {o['output_key']: o['output_value'] for o in shown['outputs']} == {
        'status': 'ACTIVE', 'name': 'kept', 'id': 'id-1', 'bad': None, 'word': 'w'}
    bad = next(o for o in shown['outputs'] if o['output_key'] == 'bad')
    assert bad['output_error']
    assert shown['parameters']['pw'] == '******'
    assert (shown['description'], shown['tags'], shown['stack_status']) == ('Two nets', ['a'], 'COMPLETE')
    assert cloud.asked == [('net', ('status',))]


def test_outputs_not_asked_for_cost_nothing(engine: Engine, reads: Reads, cloud: Cloud) -> None:
    stack = put(engine)
    rows(engine, stack, {})
    counted = connect.count_statements(engine)
    shown = reads.show_stack(ME, wire(stack), resolve_outputs=False)[0]
    assert 'outputs' not in shown
    # The stack with its template.
    assert counted.statements == 1
    assert cloud.asked == []


def test_one_output_reads_only_what_it_needs(engine: Engine, reads: Reads, cloud: Cloud) -> None:
    stack = put(engine)
    rows(engine, stack, {'attrs': {'name': 'kept', 'status': 'OLD'}},
         {'name': 'other', 'physical_id': 'id-2'})
    assert reads.show_output(ME, wire(stack), 'name') == {
        'output_key': 'name', 'description': 'Its name', 'output_value': 'kept'}
    assert cloud.asked == []
    with pytest.raises(errors.NotFound, match=r'Specified output key zz not found\.'):
        reads.show_output(ME, wire(stack), 'zz')
    assert [o['output_key'] for o in reads.list_outputs(ME, wire(stack))] == list(TREE['outputs'])


def test_what_cannot_be_read_is_as_the_row_keeps_it(engine: Engine, reads: Reads, cloud: Cloud) -> None:
    stack = put(engine)
    rows(engine, stack, {})
    cloud.dead = {'net'}
    assert reads.show_output(ME, wire(stack), 'status')['output_value'] is None
    assert cloud.asked == [('net', ('status',))]


def test_a_resource_not_made_yet_has_no_attributes(engine: Engine, reads: Reads, cloud: Cloud) -> None:
    stack = put(engine)
    rows(engine, stack, {'action': Action.INIT, 'physical_id': None})
    assert reads.show_output(ME, wire(stack), 'status')['output_value'] is None
    assert reads.describe_stack_resource(ME, wire(stack), 'net')['physical_resource_id'] == ''
    assert cloud.asked == []


def test_of_two_rows_the_one_not_replaced_counts(engine: Engine, reads: Reads) -> None:
    stack = put(engine)
    new = new_id()
    rows(engine, stack, {'replaced_by': new, 'physical_id': 'old'}, {'uuid': new, 'physical_id': 'new'},
         {'action': Action.DELETE, 'physical_id': 'older'})
    assert reads.show_output(ME, wire(stack), 'id')['output_value'] == 'new'
    assert [r['physical_resource_id'] for r in reads.list_stack_resources(ME, wire(stack))] == ['new']


def test_a_deleted_stack_still_answers(engine: Engine, reads: Reads) -> None:
    stack = put(engine, action=Action.DELETE, deleted_at=NOW)
    shown = reads.show_stack(ME, wire(stack))[0]
    assert shown['deletion_time'] == NOW.strftime('%Y-%m-%dT%H:%M:%SZ')
    assert 'outputs' not in shown
    assert reads.list_stack_resources(ME, wire(stack)) == []
    assert reads.get_template(ME, wire(stack))['resources'] == {}


def test_a_list_is_two_selects(engine: Engine, reads: Reads) -> None:
    for number in range(3):
        put(engine, f's{number}', seconds=number, tags=('x',) if number else ())
    counted = connect.count_statements(engine)
    listed = reads.list_stacks(ME)
    assert [s['stack_name'] for s in listed] == ['s2', 's1', 's0']
    assert [s['tags'] for s in listed] == [['x'], ['x'], None]
    assert counted.statements == 2


def test_lists_know_projects_filters_and_sort_keys(engine: Engine, reads: Reads) -> None:
    put(engine, 'a', timeout=7)
    put(engine, 'b', seconds=1, status=Status.FAILED, disable_rollback=False)
    put(engine, 'c', seconds=2, tenant='x')

    def names(context: RequestContext = ME, **arguments: Any) -> list[str]:
        found = [s['stack_name'] for s in reads.list_stacks(context, **arguments)]
        which = {k: v for k, v in arguments.items() if not k.startswith('sort')}
        assert reads.count_stacks(context, **which) == len(found)
        return found

    assert names() == ['b', 'a']
    assert names(replace(ME, is_admin=True)) == ['c', 'b', 'a']
    assert names(tenant_safe=False) == ['c', 'b', 'a']
    assert names(sort_keys=['stack_name']) == ['a', 'b']
    assert names(sort_keys=['nonsense']) == ['b', 'a']
    assert names(filters={'status': 'CREATE_FAILED'}) == ['b']
    assert names(filters={'stack_status': ['CREATE_COMPLETE', 'FAILED']}) == ['b', 'a']
    assert names(filters={'status': 'NOPE'}) == []
    assert names(filters={'disable_rollback': 'False'}) == ['b']
    assert names(filters={'disable_rollback': 'perhaps'}) == []
    assert names(filters={'timeout_mins': '7'}) == ['a']
    assert names(filters={'colour': 'red', 'name': ['a', 'c']}) == ['a']
    assert names(filters={'tenant': 'x'}) == []


def test_status_and_action_filters_narrow_each_other() -> None:
    assert split_status(['CREATE_IN_PROGRESS', 'FAILED', 'x']) == (['CREATE'], ['IN_PROGRESS', 'FAILED', 'x'])
    assert stack_filters({'status': 'CREATE_FAILED', 'action': 'UPDATE'}) == {
        'status': ['FAILED'], 'stack_action': ['CREATE'], 'action': ['UPDATE']}
    assert stack_filters({'status': 'CREATE_FAILED', 'stack_status': 'UPDATE_FAILED'})['action'] == []


def test_the_environment_hides_what_is_hidden(engine: Engine, reads: Reads) -> None:
    stack = put(engine, environment={'parameters': {'pw': 'secret', 'word': 'y'}})
    shown = reads.get_environment(ME, wire(stack))
    assert shown['parameters'] == {'pw': '******', 'word': 'y'}
    assert shown['encrypted_param_names'] == []
    assert reads.get_files(ME, wire(stack)) == {'f': 'x'}


# -- resources -------------------------------------------------------------------------------------


def nest(engine: Engine) -> tuple[Stack, Stack, Stack]:
    root = put(engine, 'root')
    mid = put(engine, 'mid', owner_id=root.id, root_id=root.id, parent_resource_name='m', nested_depth=1)
    low = put(engine, 'low', owner_id=mid.id, root_id=root.id, parent_resource_name='l', nested_depth=2)
    base, user = rows(engine, root, {'name': 'm', 'type': 'OS::Heat::ResourceGroup', 'physical_id': mid.id},
                      {})
    rows(engine, mid, {'name': 'l', 'type': 'OS::Heat::ResourceGroup', 'physical_id': low.id})
    rows(engine, low, {'name': 'deep'})
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, [replace(user, requires=(base.uuid,))], CRYPT)
    return root, mid, low


def numbers(engine: Engine, stack: Stack) -> dict[str, int]:
    with connect.read(engine) as conn:
        by_uuid = resources.numeric_ids(conn, stack.id)
        return {row.name: by_uuid[row.uuid] for row in resources.rows_of_stack(conn, stack.id, CRYPT)}


def test_nested_resources_to_a_depth(engine: Engine, reads: Reads) -> None:
    root, mid, low = nest(engine)

    def seen(depth: int, **more: Any) -> list[tuple[str, str | None]]:
        found = [(r['resource_name'], r.get('parent_resource'))
                 for r in reads.list_stack_resources(ME, wire(root), depth, **more)]
        # Parents come first; within a stack there is no order.
        return sorted((r for r in found if r[1] is None), key=str) + [r for r in found if r[1] is not None]

    assert seen(0) == [('m', None), ('net', None)]
    assert seen(1) == [('m', None), ('net', None), ('l', 'm')]
    assert seen(9) == [('m', None), ('net', None), ('l', 'm'), ('deep', 'l')]
    assert [r['resource_name'] for r in reads.list_stack_resources(ME, wire(root), filters={
        'id': str(numbers(engine, root)['m'])})] == ['m']
    assert seen(9, filters={'type': 'OS::Heat::ResourceGroup', 'status': 'CREATE_COMPLETE'}) == [
        ('m', None), ('l', 'm')]
    assert seen(9, filters={'name': 'deep', 'action': 'UPDATE'}) == []
    listed = {r['resource_name']: r for r in reads.list_stack_resources(ME, wire(root), 1)}
    assert listed['m']['required_by'] == ['net']
    assert listed['m']['nested_stack_id'] == wire(mid)
    assert listed['l']['nested_stack_id'] == wire(low)
    assert 'nested_stack_id' not in listed['net']


def test_a_list_costs_the_same_however_many_there_are(engine: Engine, reads: Reads) -> None:
    stack = put(engine)
    rows(engine, stack, *({'name': f'r{number}'} for number in range(40)))
    counted = connect.count_statements(engine)
    assert len(reads.list_stack_resources(ME, wire(stack))) == 40
    assert counted.statements <= 5


def test_one_resource_with_attributes(engine: Engine, reads: Reads, cloud: Cloud) -> None:
    stack = put(engine)
    rows(engine, stack, {'attrs': {'name': 'kept'}, 'metadata': {'k': 1}})
    cloud.attrs = {'status': 'ACTIVE', 'show': {'raw': 1}}
    shown = reads.describe_stack_resource(ME, wire(stack), 'net', with_attr=['show', 'zz'])
    assert (shown['attributes']['status'], shown['attributes']['name']) == ('ACTIVE', 'kept')
    assert (shown['attributes']['show'], shown['attributes']['zz']) == ({'raw': 1}, None)
    assert (shown['description'], shown['metadata']) == ('The net', {'k': 1})
    assert len(cloud.asked) == 1
    assert 'show' not in reads.describe_stack_resource(ME, wire(stack), 'net')['attributes']
    with pytest.raises(errors.ResourceNotFound, match=r'The Resource \(zz\) could not be found in Stack s.'):
        reads.describe_stack_resource(ME, wire(stack), 'zz')


def test_a_user_of_an_instance_sees_its_own_resource_only(engine: Engine, reads: Reads) -> None:
    stack = put(engine, stack_user_project_id='sup')
    rows(engine, stack, {'data': {'user_id': 'guest'}}, {'name': 'other', 'data': {'user_id': 'else'}})
    guest = RequestContext(user_id='guest', tenant_id='sup', roles=('heat_stack_user',))
    identity = {**wire(stack), 'tenant': 'sup'}
    assert reads.describe_stack_resource(guest, identity, 'net')['resource_name'] == 'net'
    with pytest.raises(errors.Forbidden):
        reads.describe_stack_resource(guest, identity, 'other')


def test_a_user_of_the_stack_sees_what_its_policies_allow(engine: Engine, reads: Reads) -> None:
    stack = put(engine, stack_user_project_id='sup')
    user = {'type': 'AWS::IAM::User', 'data': {'user_id': 'guest'}}
    rows(engine, stack, {'name': 'web', 'metadata': {'k': 1}}, {'name': 'db'},
         {'name': 'policy', 'type': 'OS::Heat::AccessPolicy', 'props': {'AllowedResources': ['web']}},
         {**user, 'name': 'all', 'physical_id': 'all-user', 'props': {}},
         {**user, 'name': 'few', 'physical_id': 'few-user', 'props': {'Policies': ['policy']}},
         {'name': 'handle', 'type': 'OS::Heat::WaitConditionHandle', 'physical_id': 'handle-user'})
    identity = {**wire(stack), 'tenant': 'sup'}

    def sees(user_id: str | None, name: str) -> bool:
        guest = RequestContext(user_id=user_id, tenant_id='sup', roles=('heat_stack_user',))
        try:
            return bool(reads.describe_stack_resource(guest, identity, name)['resource_name'] == name)
        except errors.Forbidden:
            return False

    assert [sees('all-user', name) for name in ('web', 'db')] == [True, True]
    assert [sees('few-user', name) for name in ('web', 'db')] == [True, False]
    assert not any(sees(user_id, 'web') for user_id in ('handle-user', 'nobody', None))


def test_a_physical_id_leads_to_its_resource(engine: Engine, reads: Reads) -> None:
    stack = put(engine)
    rows(engine, stack, {'physical_id': 'server-1'})
    assert reads.find_physical_resource(ME, 'server-1') == {**wire(stack), 'path': '/resources/net'}
    for context, wanted in ((ME, 'server-2'), (replace(ME, tenant_id='x'), 'server-1')):
        with pytest.raises(errors.EntityNotFound):
            reads.find_physical_resource(context, wanted)


# -- events and services ---------------------------------------------------------------------------


def test_events_of_a_tree(engine: Engine, reads: Reads) -> None:
    root, mid, low = nest(engine)
    with connect.write(engine) as conn:
        stacks.mark_deleted(conn, [low.id], NOW)
        events.insert_events(conn, [
            Event(stack.id, root.id, name, 'T', 'CREATE', status, 'why', props={'p': 1})
            for stack, name, status in ((root, 'a', 'IN_PROGRESS'), (mid, 'b', 'COMPLETE'),
                                        (low, 'c', 'COMPLETE'), (root, 'a', 'COMPLETE'))], NOW)

    def seen(**arguments: Any) -> list[str]:
        return [e['resource_name'] + e['resource_status'][0] for e in reads.list_events(
            ME, wire(root), **arguments)]

    assert seen() == ['aC', 'aI']
    assert seen(sort_dir='asc') == ['aI', 'aC']
    assert seen(sort_keys=['event_time']) == ['aI', 'aC']
    assert seen(nested_depth=1) == ['aC', 'bC', 'aI']
    assert seen(nested_depth=5) == ['aC', 'cC', 'bC', 'aI']
    assert seen(filters={'resource_status': 'COMPLETE', 'bogus': 1}) == ['aC']
    assert seen(limit=1) == ['aC']
    whole = reads.list_events(ME, wire(root), nested_depth=5)
    assert {e['root_stack_id']['stack_id'] for e in whole} == {root.id}
    assert whole[1]['stack_name'] == 'low'
    assert 'resource_properties' not in whole[0]
    number = whole[0]['event_identity']['path'].rsplit('/', 1)[1]
    single = reads.list_events(ME, wire(root), filters={'uuid': number, 'resource_name': 'a'})
    assert [e['resource_properties'] for e in single] == [{'p': 1}]
    assert reads.list_events(ME, wire(root), filters={'uuid': number, 'resource_name': 'z'}) == []


def test_an_engine_is_up_while_it_reports(engine: Engine, reads: Reads) -> None:
    with connect.write(engine) as conn:
        for seconds in (0, 300):
            one = services.Service(new_id(), new_id(), 'h', 'h', 'heat-engine', 'engine', 60)
            services.register(conn, one, NOW - datetime.timedelta(seconds=seconds))
    assert [s['status'] for s in reads.list_services(ME)] == ['down', 'up']


def test_nobody_is_believed_where_nobody_checks(reads: Reads) -> None:
    assert reads.authenticated_to_backend(replace(ME, auth_token='anything')) is False


def test_methods_take_what_the_contract_says() -> None:
    contract = json.loads((DATA / 'rpc_methods.json').read_text())
    checked = 0
    for part in (Reads, Templates, Software):
        for name in (n for n in dir(part) if not n.startswith('_')):
            taken = list(inspect.signature(getattr(part, name)).parameters)[2:]
            if name in OWN_METHODS:
                assert taken == list(OWN_METHODS[name][1]), name
                continue
            assert taken == arguments_of(contract, name), name
            checked += 1
    assert checked == 35


def arguments_of(contract: dict[str, Any], name: str) -> list[str]:
    return [a['name'] for a in contract['methods'][name]['args']]
