"""Resources, events, leases: as the tables give them back, on SQLite here
and on real servers in tests/integration.

Every test takes ``engine``: an engine on a fresh, migrated database.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from heat.common.ids import new_id
from heat.db import connect, events, leases, listing, properties, resources, schema, stacks, templates, whole
from heat.db.listing import Selection
from heat.db.secrets import NoKey
from heat.model.resource import Intent
from heat.model.status import Action, Status
from tests.unit.store import CRYPT, NOW, event_of, later, make_row, names, put_stack


def test_row_comes_back_equal(engine: Engine) -> None:
    stack = put_stack(engine)
    row = make_row(
        stack, action=Action.UPDATE, status=Status.IN_PROGRESS, reason='r' * 70_000, physical_id='p',
        props={'b': 1, 'a': [None, '🌐']}, attrs={'x': {'y': 1}}, metadata={'m': 1}, data={'key': 's3cret'},
        requires=(new_id(), new_id()), replaces=new_id(), replaced_by=new_id(), goal_seq=7,
        intent=Intent(Action.UPDATE, 'put', 1, 1.5), memo=(None, {'id': 1}, 2),
        keep={'deletion_policy': 'Retain', 'old_props': {'pw': 's3cret'}}, created_at=NOW,
        updated_at=later(1))
    empty = make_row(stack, 'e', created_at=NOW)
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, [row, empty], CRYPT)
        assert resources.load_row(conn, row.uuid, CRYPT) == row
        assert resources.load_row(conn, empty.uuid) == empty
        stored = str(conn.execute(sa.select(schema.resource.c.data, schema.resource.c.keep).where(
            schema.resource.c.uuid == row.uuid)).one())
        assert 's3cret' not in stored and 'Retain' in stored
        light = {one.uuid: one for one in resources.light_rows(conn, [stack.id])}
        assert light[row.uuid].keep == {'deletion_policy': 'Retain'}
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
        assert [e.event for e in events.events_after(conn, stack.id, stored[6].id, 2)] == made[7:9]
        assert events.events_after(conn, 'another', 0, 2) == []
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


def test_a_reason_with_a_nul_is_kept_or_marked_where_the_server_has_none(engine: Engine) -> None:
    stack = put_stack(engine)
    with connect.write(engine) as conn:
        rows = [make_row(stack, reason='a\0b'), make_row(stack, name='more', reason='c')]
        resources.upsert_rows(conn, rows, CRYPT, now=NOW)
        found = {row.name: row.reason for row in resources.rows_of_stack(conn, stack.id, CRYPT)}
    assert found == {'r': 'a\ufffdb' if engine.dialect.name == 'postgresql' else 'a\0b', 'more': 'c'}


def test_nothing_is_found_by_a_text_with_a_nul(engine: Engine) -> None:
    put_stack(engine, 'web', tags=('a',))
    assert names(engine, Selection('t', {'name': ['web\0', '\0']})) == []
    assert names(engine, Selection('t', tags=['a\0'])) == []
    with connect.read(engine) as conn:
        assert stacks.find_by_name(conn, 'web\0', 't') is None
        assert [one.name for one in listing.list_stacks(conn, Selection('t'), marker='\0')] == ['web']


def test_half_a_character_comes_back_equal(engine: Engine) -> None:
    stack = put_stack(engine)
    row = make_row(stack, metadata={'\ud800': 'ä'}, data={'said': 'x\udfff'}, props={'a': ['\ud800']},
                   created_at=NOW, updated_at=NOW)
    with connect.write(engine) as conn:
        resources.upsert_rows(conn, [row], CRYPT, now=NOW, encrypt_properties=True)
        assert resources.load_row(conn, row.uuid, CRYPT) == row


@pytest.mark.parametrize('said', ['ä' * 40000, 'x' * 70000, 'half \ud800'])
def test_what_is_told_is_cut_to_its_column(engine: Engine, said: str) -> None:
    # MySQL refused it, and the tree was given up.
    stack = put_stack(engine)
    with connect.write(engine) as conn:
        stacks.update_stack(conn, stack.id, reason=said)
        resources.upsert_rows(conn, [make_row(stack, reason=said)], CRYPT, now=NOW)
        found = stacks.load_stack(conn, stack.id)
        (row,) = resources.rows_of_stack(conn, stack.id, CRYPT)
    whole = said.replace('\ud800', '?')
    assert row.reason == whole and found is not None
    assert found.reason[:100] == whole[:100] and len(found.reason.encode()) <= 65535
    assert found.reason.endswith('...') is (len(whole) > 100)


@pytest.mark.parametrize('fields', [
    {}, {'tags': ('b', 'a')}, {'deleted_at': NOW}, {'stack_user_project_id': 'users'}])
def test_a_stack_with_its_template_is_what_both_are_by_themselves(
        engine: Engine, fields: dict[str, object]) -> None:
    with connect.write(engine) as conn:
        number = templates.store_template(
            conn, {'resources': {}}, {'parameters': {'pw': 'secret', 'open': 1}}, {'f': 'x'}, 't', NOW, CRYPT,
            {'pw'})
    found = put_stack(engine, **{'template_id': number, **fields})  # type: ignore[arg-type]
    with connect.read(engine) as conn:
        parts = templates.load_template(conn, number, CRYPT)
        for tenant in ('t', 'users', 'x', None):
            for deleted_too in (True, False):
                alone = stacks.load_stack(conn, found.id, tenant, deleted_too)
                both = whole.load(conn, found.id, tenant, deleted_too, CRYPT)
                assert both == (None if alone is None else (alone, parts))
        assert whole.load(conn, found.id, 't', True, CRYPT) == (found, parts)
        assert parts is not None and parts[1]['parameters'] == {'pw': 'secret', 'open': 1}
