"""What the tables give back, on SQLite here and on real servers in tests/integration.

Every test takes ``engine``: an engine on a fresh, migrated database.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from heat.common.crypt import Crypt
from heat.common.ids import new_id
from heat.db import (
    connect,
    creds,
    events,
    exports,
    goals,
    leases,
    listing,
    migrate,
    properties,
    purge,
    recrypt,
    resources,
    schema,
    services,
    snapshots,
    software,
    stacks,
    stored_parameters,
    templates,
)
from heat.db.listing import Selection
from heat.db.secrets import NoKey
from heat.model.event import Event
from heat.model.resource import Intent, Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0)
CRYPT = Crypt(['a key of this test'])
TREE = {'heat_template_version': '2018-08-31', 'parameters': {'pw': {'type': 'string', 'hidden': True}},
        'resources': {'z': {'type': 'OS::Heat::None'}, 'a': {'type': 'OS::Heat::None'}}}


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = connect.open_engine('sqlite://')
    migrate.upgrade(made)
    yield made
    made.dispose()


def later(seconds: int) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def put_stack(engine: Engine, name: str = 's', tenant: str = 't', seconds: int = 0,
              **fields: object) -> Stack:
    stack_id = new_id()
    with connect.write(engine) as conn:
        number = templates.store_template(conn, TREE, {}, {}, tenant, NOW)
        value = Stack(**{'id': stack_id, 'name': name, 'tenant': tenant, 'root_id': stack_id,  # type: ignore[arg-type]
                         'template_id': number, 'created_at': later(seconds), **fields})
        stacks.insert_stack(conn, value)
    return value


def make_row(stack: Stack, name: str = 'r', **fields: object) -> Row:
    return Row(**{'uuid': new_id(), 'stack_id': stack.id, 'root_id': stack.root_id,  # type: ignore[arg-type]
                  'name': name, 'type': 'OS::Heat::None', **fields})


def names(engine: Engine, wanted: Selection, **page: object) -> list[str]:
    with connect.read(engine) as conn:
        return [s.name for s in listing.list_stacks(conn, wanted, **page)]  # type: ignore[arg-type]


def test_stack_comes_back_equal(engine: Engine) -> None:
    value = put_stack(engine, tags=('b', 'a'), timeout=60, username='u', reason='Stäck ✓ 🌐', nested_depth=0)
    with connect.read(engine) as conn:
        assert stacks.load_stack(conn, value.id) == value
        assert stacks.load_stack(conn, value.id, tenant='other') is None
        assert stacks.extra_columns(conn, value.id) == {
            'termination_protection': False, 'client_request_token': None, 'operation_id': None,
            'template_hash': None, 'resources_total': 0, 'resources_done': 0}


def test_stack_is_reachable_from_its_user_project(engine: Engine) -> None:
    value = put_stack(engine, stack_user_project_id='users')
    with connect.read(engine) as conn:
        assert stacks.load_stack(conn, value.id, tenant='users') == value
        assert stacks.find_by_name(conn, 's', 'users') == value


def test_names_compare_by_byte_and_free_up_after_deletion(engine: Engine) -> None:
    lower, upper = put_stack(engine, 'web'), put_stack(engine, 'Web')
    with connect.write(engine) as conn:
        assert stacks.find_by_name(conn, 'web', 't') == lower
        assert stacks.find_by_name(conn, 'Web', 't') == upper
        assert stacks.mark_deleted(conn, [lower.id], NOW) == 1
        assert stacks.mark_deleted(conn, [lower.id], later(9)) == 0
        assert stacks.find_by_name(conn, 'web', 't') is None
        assert stacks.load_stack(conn, lower.id) is None
        assert stacks.load_stack(conn, lower.id, show_deleted=True) == replace(lower, deleted_at=NOW)


def test_state_of_an_older_goal_misses(engine: Engine) -> None:
    value = put_stack(engine)
    with connect.write(engine) as conn:
        goals.add_goal(conn, Goal(value.id, 1, Action.CREATE, value.template_id), NOW)
        wish = Goal(value.id, 0, Action.DELETE, value.template_id, 5.5, 'rollback', 'u', {'x': 1})
        second = goals.add_goal(conn, wish, NOW)
        assert second.seq == 2
        assert goals.latest_goal(conn, value.id) == second
        assert goals.goals_of_tree(conn, value.root_id) == {value.id: second}
        assert goals.latest_seqs(conn, [value.id]) == {value.id: 2}
        done: dict[str, Any] = {'action': Action.CREATE, 'status': Status.COMPLETE, 'reason': 'done'}
        assert stacks.update_stack_state(conn, value.id, 1, **done) == 0
        assert stacks.update_stack_state(conn, value.id, 2, **done) == 1
        assert stacks.update_stack_state(conn, value.id, 2, **done) == 1
        found = stacks.load_stack(conn, value.id)
        assert found is not None and (found.action, found.status) == (Action.CREATE, Status.COMPLETE)
        with pytest.raises(TypeError):
            stacks.update_stack(conn, value.id, tenant='other')


def test_goal_numbers_are_unique_and_gone_stacks_take_none(engine: Engine) -> None:
    value = put_stack(engine)
    with pytest.raises(IntegrityError), connect.write(engine) as conn:
        goals.add_goals(conn, [Goal(value.id, 3, Action.CREATE, value.template_id)] * 2, NOW)
    with connect.write(engine) as conn:
        stacks.mark_deleted(conn, [value.id], NOW)
        with pytest.raises(LookupError):
            goals.add_goal(conn, Goal(value.id, 0, Action.DELETE, value.template_id), NOW)


def test_tree_children_and_counts(engine: Engine) -> None:
    root = put_stack(engine, 'root')
    child = put_stack(engine, 'child', root_id=root.id, owner_id=root.id, nested_depth=1, parent_row=new_id(),
                      parent_resource_name='group')
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, [make_row(root), make_row(child)], CRYPT, now=NOW)
        assert stacks.tree(conn, root.id) == [root, child]
        assert stacks.children(conn, root.id) == [child]
        assert stacks.find_by_name(conn, 'child', 't', owner_id=root.id) == child
        assert stacks.count_of_tenant(conn, 't') == 1
        assert stacks.count_total_resources(conn, root.id) == 2
        assert stacks.lock_stack(conn, child.id) == 1


def test_list_pages_by_key_over_equal_times(engine: Engine) -> None:
    made = [put_stack(engine, f's{i}', seconds=i // 3) for i in range(8)]
    seen: list[str] = []
    marker = None
    with connect.read(engine) as conn:
        while True:
            page = listing.list_stacks(conn, Selection('t'), limit=3, marker=marker)
            if not page:
                break
            seen += [s.id for s in page]
            marker = page[-1].id
        assert seen == [s.id for s in listing.list_stacks(conn, Selection('t'))]
        assert set(seen) == {s.id for s in made}
        assert [s.created_at for s in listing.list_stacks(conn, Selection('t'))] == sorted(
            (s.created_at for s in made), reverse=True)
        assert len(listing.list_stacks(conn, Selection('t'), limit=2, marker='no such')) == 2


def test_list_sorts_and_pages_over_null(engine: Engine) -> None:
    for name, updated in (('c', None), ('a', later(5)), ('d', None), ('b', later(9))):
        put_stack(engine, name, updated_at=updated)
    assert names(engine, Selection('t'), sort_keys=['stack_name', 'nonsense']) == ['a', 'b', 'c', 'd']
    assert names(engine, Selection('t'), sort_keys=['stack_name'], sort_dir='desc') == ['d', 'c', 'b', 'a']
    ordered = names(engine, Selection('t'), sort_keys=['updated_time', 'stack_name'])
    assert ordered == ['c', 'd', 'a', 'b']
    with connect.read(engine) as conn:
        second = stacks.find_by_name(conn, 'd', 't')
    assert second is not None
    ordered = names(engine, Selection('t'), sort_keys=['updated_time', 'stack_name'], marker=second.id)
    assert ordered == ['a', 'b']


def test_list_filters_visibility_and_tags(engine: Engine) -> None:
    root = put_stack(engine, 'root', tags=('x', 'y'))
    put_stack(engine, 'child', owner_id=root.id, root_id=root.id, nested_depth=1)
    put_stack(engine, 'plain', tags=('x',), action=Action.UPDATE, status=Status.FAILED)
    put_stack(engine, 'secret', tags=('hide',))
    gone = put_stack(engine, 'gone')
    put_stack(engine, 'foreign', tenant='u')
    with connect.write(engine) as conn:
        stacks.mark_deleted(conn, [gone.id], NOW)

    def listed(**options: object) -> set[str]:
        wanted = Selection(**{'tenant': 't', **options})  # type: ignore[arg-type]
        with connect.read(engine) as conn:
            assert listing.count_stacks(conn, wanted) == len(listing.list_stacks(conn, wanted))
        return set(names(engine, wanted))

    assert listed() == {'root', 'plain', 'secret'}
    assert listed(tenant=None) == {'root', 'plain', 'secret', 'foreign'}
    assert listed(show_nested=True) == {'root', 'plain', 'secret', 'child'}
    assert listed(show_deleted=True) == {'root', 'plain', 'secret', 'gone'}
    assert listed(hidden_tags=['hide']) == {'root', 'plain'}
    assert listed(hidden_tags=['hide'], show_hidden=True) == {'root', 'plain', 'secret'}
    assert listed(tags=['x', 'y']) == {'root'}
    assert listed(tags_any=['y', 'hide']) == {'root', 'secret'}
    assert listed(not_tags=['x', 'y']) == {'plain', 'secret'}
    assert listed(not_tags_any=['x', 'y']) == {'secret'}
    assert listed(filters={'stack_status': ['FAILED', 'COMPLETE'], 'action': 'UPDATE'}) == {'plain'}
    assert listed(filters={'parent': root.id}) == {'child'}
    with pytest.raises(KeyError):
        listed(filters={'password': 'x'})


def test_tags_are_replaced(engine: Engine) -> None:
    value = put_stack(engine, tags=('old',))
    with connect.write(engine) as conn:
        stacks.set_tags(conn, value.id, ['new', 'other'], NOW)
        assert stacks.tags_of(conn, [value.id]) == {value.id: ['new', 'other']}


def test_template_is_shared_by_content_within_a_project(engine: Engine) -> None:
    files = {'f.sh': 'echo ✓'}
    env = {'parameters': {'n': 1}}
    with connect.write(engine) as conn:
        first = templates.store_template(conn, TREE, env, files, 't', NOW)
        assert templates.store_template(conn, TREE, env, files, 't', NOW) == first
        assert templates.store_template(conn, TREE, env, files, 'u', NOW) != first
        assert templates.store_template(conn, TREE, env, {'f.sh': 'other'}, 't', NOW) != first
        found = templates.load_template(conn, first)
        assert found == (TREE, env, files)
        assert list(found[0]['resources']) == ['z', 'a']
        assert conn.execute(sa.select(sa.func.count()).select_from(schema.raw_template_files)).scalar() == 3
        assert templates.load_template(conn, 10 ** 6) is None


def test_hidden_parameters_are_not_in_clear(engine: Engine) -> None:
    env = {'parameters': {'pw': 'hunter2', 'n': 1}, 'parameter_defaults': {'pw': ['x']}}
    with connect.write(engine) as conn:
        number = templates.store_template(conn, TREE, env, None, 't', NOW, CRYPT, {'pw', 'absent'})
        raw = str(conn.execute(sa.text('SELECT environment FROM raw_template')).scalar())
        assert 'hunter2' not in raw and 'encrypted_param_names' in raw
        assert templates.load_template(conn, number, CRYPT) == (TREE, env, {})
        with pytest.raises(NoKey):
            templates.load_template(conn, number)
        assert templates.store_template(conn, TREE, env, None, 't', NOW, CRYPT, {'pw'}) != number


def test_big_template_is_kept_whole(engine: Engine) -> None:
    tree = {'resources': {f'r{i}': {'type': 'OS::Heat::None', 'x': '✓' * 100} for i in range(3000)}}
    with connect.write(engine) as conn:
        number = templates.store_template(conn, tree, {}, {}, 't', NOW)
        found = templates.load_template(conn, number)
    assert found is not None and found[0] == tree


def test_row_comes_back_equal(engine: Engine) -> None:
    stack = put_stack(engine)
    row = make_row(
        stack, action=Action.UPDATE, status=Status.IN_PROGRESS, reason='r' * 70_000, physical_id='p',
        props={'b': 1, 'a': [None, '🌐']}, attrs={'x': {'y': 1}}, metadata={'m': 1}, data={'key': 's3cret'},
        requires=(new_id(), new_id()), replaces=new_id(), replaced_by=new_id(), goal_seq=7,
        intent=Intent(Action.UPDATE, 'put', 1, 1.5), memo=(None, {'id': 1}, 2),
        keep={'deletion_policy': 'Retain'}, created_at=NOW, updated_at=later(1))
    empty = make_row(stack, 'e', created_at=NOW)
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, [row, empty], CRYPT)
        assert resources.load_row(conn, row.uuid, CRYPT) == row
        assert resources.load_row(conn, empty.uuid) == empty
        stored = str(conn.execute(sa.select(schema.resource.c.data).where(
            schema.resource.c.uuid == row.uuid)).scalar())
        assert 's3cret' not in stored
        with pytest.raises(NoKey):
            resources.rows_of_tree(conn, stack.root_id)
        with pytest.raises(NoKey):
            resources.upsert_rows(conn, [row], None)


def test_upsert_overwrites_and_keeps_the_creation_time(engine: Engine) -> None:
    stack = put_stack(engine)
    rows = [make_row(stack, f'r{i}', props={'i': i % 7}) for i in range(1203)]
    count = connect.count_statements(engine)
    with connect.write(engine) as conn:
        sent = resources.upsert_rows(conn, rows, CRYPT, now=NOW)
    assert (count.statements, count.commits) == (4, 1)
    assert len(sent) == 7
    changed = [replace(row, action=Action.CREATE, updated_at=later(5),
                       props={'i': -1} if i == 5 else row.props)
               for i, row in enumerate(rows)]
    with connect.write(engine) as conn:
        assert resources.upsert_rows(conn, [rows[0], *changed], CRYPT, now=later(9), known=sent) == {
            properties.key_of(stack.root_id, {'i': -1})}
    before = count.statements
    with connect.read(engine) as conn:
        found = resources.rows_of_tree(conn, stack.root_id)
    assert count.statements == before + 1
    assert sorted(found, key=lambda r: r.uuid) == sorted(
        (replace(row, created_at=NOW) for row in changed), key=lambda r: r.uuid)
    with connect.write(engine) as conn:
        assert resources.delete_rows(conn, [row.uuid for row in rows[:1200]] + ['absent']) == 1200
        assert {row.name for row in resources.rows_of_stack(conn, stack.id)} == {'r1200', 'r1201', 'r1202'}


def test_rows_are_found_by_physical_id_in_live_stacks(engine: Engine) -> None:
    mine, other = put_stack(engine), put_stack(engine, tenant='u')
    rows = [make_row(mine, physical_id='p', created_at=NOW), make_row(other, physical_id='p', created_at=NOW)]
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, rows, CRYPT)
        assert resources.find_by_physical_id(conn, 't', 'p') == [rows[0]]
        assert len(resources.find_by_physical_id(conn, None, 'p')) == 2
        stacks.mark_deleted(conn, [mine.id], NOW)
        assert resources.find_by_physical_id(conn, 't', 'p') == []


def test_properties_may_be_encrypted(engine: Engine) -> None:
    stack = put_stack(engine)
    row = make_row(stack, props={'password': 'hunter2'}, created_at=NOW)
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, [row], CRYPT, encrypt_properties=True)
        resources.upsert_rows(conn, [row], CRYPT, encrypt_properties=True)
        assert resources.rows_of_tree(conn, stack.root_id, CRYPT) == [row]
        stored = conn.execute(sa.select(schema.resource_properties_data.c.data)).scalars().all()
        assert len(stored) == 1 and 'hunter2' not in stored[0]


def event_of(stack: Stack, i: int, **fields: object) -> Event:
    return Event(**{'stack_id': stack.id, 'root_id': stack.root_id, 'resource_name': f'r{i}',  # type: ignore[arg-type]
                    'resource_type': 'OS::Heat::None', 'action': 'CREATE',
                    'status': 'COMPLETE' if i % 2 else 'FAILED', 'reason': 'done', **fields})


def test_events_keep_order_and_page(engine: Engine) -> None:
    stack = put_stack(engine)
    made = [event_of(stack, i, operation='op', physical_id='p') for i in range(10)]
    with connect.write(engine) as conn:
        events.insert_events(conn, made, NOW)
        stored = events.list_events(conn, [stack.id])
        assert [e.event for e in stored] == made
        assert {e.created_at for e in stored} == {NOW}
        page = events.list_events(conn, [stack.id], limit=4, marker=made[3].uuid)
        assert [e.event for e in page] == made[4:8]
        page = events.list_events(conn, root_id=stack.id, limit=2, marker=made[3].uuid, sort_dir='desc')
        assert [e.event for e in page] == [made[2], made[1]]
        found = events.list_events(conn, [stack.id], filters={
            'resource_status': ['FAILED'], 'resource_name': 'r4'})
        assert [e.event for e in found] == [made[4]]
        assert events.events_after(conn, stored[7].id, 1)[0].event == made[8]
        with pytest.raises(KeyError):
            events.list_events(conn, [stack.id], filters={'x': 1})
        with pytest.raises(TypeError):
            events.list_events(conn)


def test_event_shows_properties_and_bounds_its_reason(engine: Engine) -> None:
    stack = put_stack(engine)
    value = event_of(stack, 1, props={'a': 1}, reason='x' * 400)
    with connect.write(engine) as conn:
        events.insert_events(conn, [value], NOW)
        found = events.get_event(conn, value.uuid)
        assert found is not None and found.event == replace(value, reason='x' * 255)
        assert events.list_events(conn, [stack.id])[0].event.props is None
        assert events.get_event(conn, new_id()) is None


def test_events_are_purged_oldest_first(engine: Engine) -> None:
    stack = put_stack(engine)
    with connect.write(engine) as conn:
        events.insert_events(conn, [event_of(stack, i) for i in range(30)], NOW)
        assert events.purge_events(conn, stack.id, 30, batch=10) == 0
        assert events.purge_events(conn, stack.id, 25, batch=10) == 10
        assert events.purge_events(conn, stack.id, 5, batch=10) == 15
        assert [e.event.resource_name for e in events.list_events(conn, [stack.id])] == [
            f'r{i}' for i in range(25, 30)]


def test_lease_is_taken_stolen_and_fenced(engine: Engine) -> None:
    with connect.write(engine) as conn:
        assert leases.take(conn, 'root', 'a', ttl=20, now=100.0) == 1
        assert leases.take(conn, 'root', 'a', ttl=20, now=101.0) == 1
        assert leases.take(conn, 'root', 'b', ttl=20, now=120.0) is None
        assert leases.beat(conn, 'a', now=110.0) == 1
        assert leases.stale(conn, 20, now=129.0) == []
        assert leases.take(conn, 'root', 'b', ttl=20, now=129.0) is None
        assert leases.stale(conn, 20, now=131.0) == ['root']
        assert leases.take(conn, 'root', 'b', ttl=20, now=131.0) == 2
        assert leases.beat(conn, 'a', now=132.0) == 0
        assert leases.hold(conn, 'a', {'root': 1}) == set()
        assert leases.hold(conn, 'b', {'root': 2, 'absent': 1}) == {'root'}
        assert leases.hold(conn, 'b', {'root': 1}) == set()
        assert not leases.release(conn, 'root', 'b', 1)
        assert leases.release(conn, 'root', 'b', 2)
        assert leases.hold(conn, 'b', {'root': 2}) == set()
        assert leases.take(conn, 'root', 'a', ttl=20, now=132.0) == 3
        assert leases.owned(conn, 'a') == {'root': 3}
        leases.seize(conn, 'root')
        assert leases.hold(conn, 'a', {'root': 3}) == set()
        assert leases.owner(conn, 'root') is None


def test_lease_uses_the_time_of_the_database(engine: Engine) -> None:
    with connect.write(engine) as conn:
        before = connect.db_now(conn)
        assert leases.take(conn, 'root', 'a') == 1
        assert leases.take(conn, 'root', 'b') is None
        leases.beat(conn, 'a')
        at = conn.execute(sa.select(schema.lease.c.beat_at)).scalar_one()
        assert before <= at <= connect.db_now(conn) + 0.001
        assert before > 1_700_000_000
        assert leases.stale(conn, 20) == []
        assert leases.stale(conn, -3600) == ['root']


def test_hold_is_one_statement_for_many(engine: Engine) -> None:
    count = connect.count_statements(engine)
    with connect.write(engine) as conn:
        fences = {f'root{i}': leases.take(conn, f'root{i}', 'a', now=1.0) or 0 for i in range(40)}
        before = count.statements
        assert leases.hold(conn, 'a', fences) == set(fences)
        assert count.statements == before + 1


def test_orphans_are_trees_in_progress_without_owner(engine: Engine) -> None:
    root = put_stack(engine, status=Status.COMPLETE)
    put_stack(engine, root_id=root.id, owner_id=root.id)
    put_stack(engine, status=Status.COMPLETE)
    owned = put_stack(engine)
    with connect.write(engine) as conn:
        fence = leases.take(conn, owned.id, 'a')
        assert fence == 1
        assert leases.orphans(conn) == [root.id]
        leases.release(conn, owned.id, 'a', fence)
        assert set(leases.orphans(conn)) == {root.id, owned.id}


def test_credentials_are_encrypted_and_go_when_unused(engine: Engine) -> None:
    trust = creds.Credential(tenant_id='t', trust_id='tr-ust', trustor_user_id='u')
    password = creds.Credential(username='u', password='p4ss', tenant='t', auth_url='http://k')
    signed = creds.Credential(tenant_id='t', trustor_user_id='u', ec2_access='acc-ess')
    with connect.write(engine) as conn:
        first = creds.insert_credential(conn, trust, CRYPT, NOW)
        third = creds.insert_credential(conn, signed, CRYPT, NOW)
        assert creds.load_credential(conn, third, CRYPT) == signed
        second = creds.insert_credential(conn, password, CRYPT, NOW)
        assert creds.load_credential(conn, first, CRYPT) == trust
        assert creds.load_credential(conn, second, CRYPT) == password
        raw = str(conn.execute(sa.select(schema.user_creds)).all())
        assert 'acc-ess' not in raw and 'acc-ess' not in repr(signed)
        assert 'tr-ust' not in raw and 'p4ss' not in raw and 'p4ss' not in repr(password)
    stack = put_stack(engine, user_creds_id=first)
    with connect.write(engine) as conn:
        assert not creds.delete_unused_credential(conn, first)
        stacks.mark_deleted(conn, [stack.id], NOW)
        assert creds.delete_unused_credential(conn, first)
        assert creds.load_credential(conn, first, CRYPT) is None


def test_software(engine: Engine) -> None:
    with connect.write(engine) as conn:
        config = software.insert_config(conn, software.SoftwareConfig(
            'c', 'n', 'script', 't', {'config': '#!', 'inputs': []}), NOW, CRYPT)
        newer = software.insert_config(conn, software.SoftwareConfig('d', 'n', None, 't'), later(1), CRYPT)
        assert software.load_config(conn, 'c', 't', CRYPT) == config
        assert software.load_config(conn, 'c', 'u', CRYPT) is None
        assert software.list_configs(conn, 't') == [newer, replace(config, config={})]
        assert software.list_configs(conn, 't', marker='d') == [replace(config, config={})]
        assert software.count_configs(conn, None) == 2
        made = software.insert_deployment(conn, software.SoftwareDeployment(
            'e', 'c', 'srv', 't', 'users', {'i': 1}, None, 'CREATE', 'IN_PROGRESS', 'r'), NOW, CRYPT)
        assert software.load_deployment(conn, 'e', 'users', CRYPT) == made
        assert software.list_deployments(conn, 't', 'srv', CRYPT) == [made]
        assert software.list_deployments(conn, 't', 'other', CRYPT) == []
        assert software.count_deployments(conn, 't') == 1
        done = {'status': 'COMPLETE', 'output_values': {'o': 1}, 'updated_at': NOW}
        assert software.update_deployment(conn, 'e', CRYPT, only_if_status='IN_PROGRESS', **done) == 1
        assert software.update_deployment(conn, 'e', CRYPT, only_if_status='IN_PROGRESS', **done) == 0
        with pytest.raises(software.ConfigInUse):
            software.delete_config(conn, 'c')
        assert software.delete_deployment(conn, 'e')
        assert software.delete_config(conn, 'c')
        assert not software.delete_config(conn, 'c')


def test_snapshots(engine: Engine) -> None:
    stack = put_stack(engine)
    with connect.write(engine) as conn:
        made = snapshots.insert_snapshot(conn, snapshots.Snapshot('p', stack.id, 't', 'n'), NOW)
        assert snapshots.list_snapshots(conn, stack.id) == [made]
        assert snapshots.load_snapshot(conn, 'p', 'other') is None
        assert snapshots.update_snapshot(conn, 'p', status='COMPLETE', data={'x': 1}) == 1
        snapshots.store_resource_data(conn, 'p', {'vol': {'backup_id': 'b'}}, NOW)
        assert snapshots.resource_data(conn, 'p') == {'vol': {'backup_id': 'b'}}
        assert snapshots.count_snapshots(conn, stack.id) == 1
        assert snapshots.delete_snapshot(conn, 'p')
        assert not snapshots.delete_snapshot(conn, 'p')


def test_services_go_down_and_are_cleaned(engine: Engine) -> None:
    def service(name: str) -> services.Service:
        return services.Service(name, 'e-' + name, 'host', 'host', 'heat-engine', 'engine', 60)

    with connect.write(engine) as conn:
        services.register(conn, service('a'), NOW)
        services.register(conn, service('b'), NOW)
        services.register(conn, service('c'), NOW)
        assert services.report(conn, 'a', later(100)) == 1
        assert services.report(conn, 'x', NOW) == 0
        services.sign_off(conn, 'c', later(100))
        states = [(s.id, s.status(later(120))) for s in services.list_services(conn)]
        assert states == [('a', 'up'), ('b', 'down')]
        assert services.clean(conn, later(120)) == 2
        assert [s.id for s in services.list_services(conn, deleted=True)] == ['a']


def test_exports_are_unique_in_a_project(engine: Engine) -> None:
    first, second = put_stack(engine), put_stack(engine)
    with connect.write(engine) as conn:
        assert exports.reserve(conn, first.id, 't', ['vpc', 'old'], NOW) == {}
        assert exports.published(conn, 't', CRYPT) == []
        exports.publish(conn, first.id, {'vpc': {'id': 'net-3'}}, CRYPT, NOW)
        assert exports.published(conn, 't', CRYPT) == [exports.Export('vpc', first.id, {'id': 'net-3'})]
        assert exports.published(conn, 'u', CRYPT) == []
        assert exports.names_of(conn, first.id) == {'vpc'}
        assert exports.reserve(conn, second.id, 't', ['vpc', 'other'], NOW) == {'vpc': first.id}
        assert exports.reserve(conn, second.id, 'u', ['vpc'], NOW) == {}
        kept = conn.execute(sa.text('SELECT secret FROM exports WHERE secret IS NOT NULL')).scalar()
    assert 'net-3' not in kept


def test_importers_are_known_until_they_are_gone(engine: Engine) -> None:
    first, second = put_stack(engine, 'first'), put_stack(engine, 'second')
    with connect.write(engine) as conn:
        exports.add_imports(conn, first.id, 't', ['a', 'b'], NOW)
        exports.add_imports(conn, first.id, 't', ['b', 'c'], NOW)
        exports.add_imports(conn, second.id, 't', ['a'], NOW)
        one, two = ('first', first.id), ('second', second.id)
        assert exports.importers(conn, 't', ['a', 'c', 'd']) == {'a': [one, two], 'c': [one]}
        assert exports.importers(conn, 'u', ['a']) == {}
        exports.keep_imports(conn, first.id, ['c'])
        assert exports.importers(conn, 't', ['a', 'b', 'c']) == {'a': [two], 'c': [one]}
        exports.release(conn, [second.id])
        stacks.mark_deleted(conn, [first.id], NOW)
        assert exports.importers(conn, 't', ['a', 'c']) == {}


def test_stored_parameters_keep_versions_and_projects_apart(engine: Engine) -> None:
    with connect.write(engine) as conn:
        assert stored_parameters.put(conn, 't', '/db/pw', 'hunter2', 'SecureString', '', CRYPT, NOW) == 1
        assert stored_parameters.put(conn, 't', '/db/pw', 'hunter3', 'SecureString', 'new', CRYPT, NOW) == 2
        assert stored_parameters.put(conn, 't', '/a', 'x,y', 'StringList', '', CRYPT, NOW) == 1
        assert stored_parameters.put(conn, 'u', '/db/pw', 'theirs', 'String', '', CRYPT, NOW) == 1
        latest = stored_parameters.get(conn, 't', '/db/pw', None, CRYPT)
        assert latest is not None
        assert (latest.version, latest.value, latest.description) == (2, 'hunter3', 'new')
        first = stored_parameters.get(conn, 't', '/db/pw', 1, CRYPT)
        assert first is not None and first.value == 'hunter2'
        assert stored_parameters.get(conn, 't', '/db/pw', 3, CRYPT) is None
        assert [(p.name, p.version) for p in stored_parameters.newest(conn, 't', CRYPT)] == [
            ('/a', 1), ('/db/pw', 2)]
        assert [p.name for p in stored_parameters.newest(conn, 't', CRYPT, after='/a', limit=1)] == ['/db/pw']
        stored = str(conn.execute(sa.text('SELECT value FROM stored_parameter')).all())
        assert 'hunter' not in stored and 'x,y' not in stored
        assert stored_parameters.delete(conn, 't', ['/db/pw', '/none']) == 2
        kept = stored_parameters.get(conn, 'u', '/db/pw', None, CRYPT)
    assert kept is not None and kept.value == 'theirs'


def test_purge_removes_old_stacks_with_everything(engine: Engine) -> None:
    old = [put_stack(engine, f'old{i}', tags=('x',)) for i in range(5)]
    foreign, fresh, live = put_stack(engine, tenant='u'), put_stack(engine), put_stack(engine)
    with connect.write(engine) as conn:
        number = creds.insert_credential(conn, creds.Credential(trust_id='x'), CRYPT, NOW)
        lone = templates.store_template(conn, {'resources': {}}, {}, {'f': 'x'}, 't', NOW)
        recent = templates.store_template(conn, {'resources': {}}, {'a': 1}, {}, 't', later(7200))
        stacks.update_stack(conn, old[0].id, user_creds_id=number)
        for stack in [*old, foreign, fresh, live]:
            resources.upsert_rows(conn, [make_row(stack, props={'a': 1})], CRYPT, now=NOW)
            events.insert_events(conn, [event_of(stack, 1)], NOW)
            goals.add_goal(conn, Goal(stack.id, 1, Action.CREATE, stack.template_id), NOW)
            snapshots.insert_snapshot(conn, snapshots.Snapshot('p' + stack.id[:30], stack.id, 't'), NOW)
            leases.take(conn, stack.root_id, 'a')
        stacks.mark_deleted(conn, [s.id for s in [*old, foreign]], NOW)
        stacks.mark_deleted(conn, [fresh.id], later(3599))
    assert purge.purge_deleted(engine, later(7200), 3600 + 1, project='t', batch=2) == 5
    left = {foreign.id, fresh.id, live.id}
    with connect.read(engine) as conn:
        assert set(conn.execute(sa.select(schema.stack.c.id)).scalars()) == left
        for table in (schema.resource, schema.event, schema.goal, schema.snapshot):
            assert set(conn.execute(sa.select(table.c.stack_id)).scalars()) == left
        assert set(conn.execute(sa.select(schema.resource_properties_data.c.root_stack_id)).scalars()) == left
        assert set(leases.owned(conn, 'a')) == left
        assert creds.load_credential(conn, number, CRYPT) is None
        assert templates.load_template(conn, lone) is None
        assert templates.load_template(conn, recent) is not None
        assert templates.load_template(conn, live.template_id) is not None
        assert conn.execute(sa.select(schema.stack_tag)).all() == []
    assert purge.purge_deleted(engine, later(7200), 0) == 2


def test_recrypt_there_and_back_under_a_new_key(engine: Engine) -> None:
    stack = put_stack(engine)
    new = Crypt(['another key'])
    env = {'parameters': {'pw': 'hunter2', 'n': 1}}
    row = make_row(stack, props={'p': 'hunter2'}, created_at=NOW)
    with connect.write(engine) as conn:
        number = templates.store_template(conn, TREE, env, {}, 't', NOW)
        resources.upsert_rows(conn, [row], CRYPT)

    def raw() -> str:
        with connect.read(engine) as conn:
            return str(conn.execute(sa.text('SELECT environment FROM raw_template')).all()) + str(
                conn.execute(sa.text('SELECT data FROM resource_properties_data')).all())

    assert recrypt.recrypt(engine, CRYPT, CRYPT, batch=1) == (1, 1)
    assert recrypt.recrypt(engine, CRYPT, CRYPT, batch=1) == (0, 0)
    assert 'hunter2' not in raw()
    assert recrypt.recrypt(engine, CRYPT, new, renew=True) == (1, 1)
    with connect.read(engine) as conn:
        assert templates.load_template(conn, number, new) == (TREE, env, {})
        assert resources.rows_of_tree(conn, stack.root_id, new) == [row]
    assert recrypt.recrypt(engine, new, None) == (1, 1)
    assert raw().count('hunter2') == 2


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(RuntimeError), connect.write(engine) as conn:
        leases.take(conn, 'root', 'a')
        raise RuntimeError
    with connect.read(engine) as conn:
        assert leases.owner(conn, 'root') is None
