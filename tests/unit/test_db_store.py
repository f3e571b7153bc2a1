"""Stacks, goals, templates: as the tables give them back, on SQLite here
and on real servers in tests/integration.

Every test takes ``engine``: an engine on a fresh, migrated database.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from heat.common.ids import new_id
from heat.db import connect, goals, listing, resources, schema, stacks, templates
from heat.db.listing import Selection
from heat.db.secrets import NoKey
from heat.model.stack import Goal
from heat.model.status import Action, Status
from tests.unit.store import CRYPT, NOW, TREE, later, make_row, names, put_stack


def test_stack_comes_back_equal(engine: Engine) -> None:
    value = put_stack(engine, tags=('b', 'a'), timeout=60, username='u', reason='Stäck ✓ 🌐', nested_depth=0)
    with connect.read(engine) as conn:
        assert stacks.load_stack(conn, value.id) == value
        assert stacks.load_stack(conn, value.id, tenant='other') is None
        assert stacks.extra_columns(conn, value.id) == {
            'termination_protection': False, 'client_request_token': None, 'operation_id': None,
            'template_hash': None, 'resources_total': 0, 'resources_done': 0, 'settings': None, 'drift': None}


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
