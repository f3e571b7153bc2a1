"""What one commit of the loop leaves in the tables, on SQLite here and on real servers in tests/integration.

Every test takes ``engine``: an engine on a fresh, migrated database.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from heat.common.crypt import Crypt
from heat.common.ids import new_id
from heat.db import connect, goals, leases, schema, stacks, templates, writer
from heat.db.writer import Batch, Child, Committed, StackState
from heat.model.event import Event
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0)
LATER = NOW + datetime.timedelta(hours=1)
CRYPT = Crypt(['a key of this test'])
TREE = {'heat_template_version': '2018-08-31', 'resources': {'z': {'type': 'OS::Heat::None'}}}


def rooted(engine: Engine) -> Stack:
    root_id = new_id()
    with connect.write(engine) as conn:
        number = templates.store_template(conn, {}, {}, {}, 't', NOW)
        root = Stack(id=root_id, name='root', tenant='t', root_id=root_id, template_id=number, created_at=NOW)
        stacks.insert_stack(conn, root)
        goals.add_goals(conn, [Goal(root_id, 1, Action.CREATE, number)], NOW)
        assert leases.take(conn, root_id, 'me') == 1
    return root


def nested(root: Stack, count: int, **more: Any) -> list[Stack]:
    return [Stack(id=new_id(), name=f'root-{n}', tenant='t', root_id=root.id, template_id=0,
                  owner_id=root.id, nested_depth=1, goal_seq=1, reason='begun', **more) for n in range(count)]


def child(value: Stack, seq: int = 1, action: Action = Action.CREATE,
          environment: dict[str, Any] | None = None) -> Child:
    value = replace(value, goal_seq=seq, action=action, status=Status.IN_PROGRESS)
    return Child(value, Goal(value.id, seq, action, 0), TREE, environment or {}, {})


def ended(value: Stack, seq: int = 1, action: Action = Action.CREATE, deleted: bool = False) -> StackState:
    return StackState(replace(value, action=action, status=Status.COMPLETE, reason='done'), seq,
                      deleted=deleted)


def commit(engine: Engine, root: Stack, now: datetime.datetime, **parts: Any) -> Committed:
    with connect.write(engine) as conn:
        return writer.write(conn, Batch(fences={root.id: 1}, **parts), 'me', CRYPT, now)


def loaded(engine: Engine, values: list[Stack]) -> list[Stack]:
    with connect.read(engine) as conn:
        found = [stacks.load_stack(conn, value.id, show_deleted=True) for value in values]
    assert None not in found
    return [one for one in found if one is not None]


def test_nested_stacks_begin_and_end_together(engine: Engine) -> None:
    root = rooted(engine)
    values = nested(root, 3)
    outcome = commit(engine, root, NOW, children={v.id: child(v) for v in values},
                     states=[ended(v) for v in values[:2]])
    assert outcome.overtaken == frozenset()
    first, second, third = loaded(engine, values)
    assert [(s.status, s.reason) for s in (first, second, third)] == [
        (Status.COMPLETE, 'done'), (Status.COMPLETE, 'done'), (Status.IN_PROGRESS, 'begun')]
    assert (first.created_at, first.updated_at) == (NOW, None)
    # They are alike, so one stored template serves them all.
    assert len({s.template_id for s in (first, second, third)}) == 1
    with connect.read(engine) as conn:
        assert {goal.template_id for goal in goals.goals_of_tree(conn, root.id).values()} == {
            root.template_id, first.template_id}


def test_templates_with_secrets_are_never_shared(engine: Engine) -> None:
    root = rooted(engine)
    values = nested(root, 2)
    commit(engine, root, NOW, children={
        v.id: child(v, environment={'parameters': {'pw': 'same'}}) for v in values})
    first, second = loaded(engine, values)
    assert first.template_id != second.template_id


def test_a_next_goal_of_nested_stacks_leaves_the_rest_of_them(engine: Engine) -> None:
    root = rooted(engine)
    values = nested(root, 2, stack_user_project_id='users')
    commit(engine, root, NOW, children={v.id: child(v) for v in values}, states=[ended(v) for v in values])
    # What an owner knows may be older than the row: the project came by another way.
    stale = [replace(v, stack_user_project_id=None) for v in values]
    commit(engine, root, LATER, children={v.id: child(v, 2, Action.UPDATE) for v in stale})
    for one in loaded(engine, values):
        assert (one.action, one.status, one.goal_seq) == (Action.UPDATE, Status.IN_PROGRESS, 2)
        assert (one.created_at, one.updated_at, one.stack_user_project_id) == (NOW, LATER, 'users')
    commit(engine, root, LATER, states=[ended(v, 2, Action.DELETE, deleted=True) for v in stale])
    for one in loaded(engine, values):
        assert (one.action, one.status, one.deleted_at) == (Action.DELETE, Status.COMPLETE, LATER)


def test_the_end_of_an_older_goal_changes_nothing(engine: Engine) -> None:
    root = rooted(engine)
    values = nested(root, 3)
    commit(engine, root, NOW, children={v.id: child(v) for v in values})
    commit(engine, root, NOW, children={values[0].id: child(values[0], 2, Action.UPDATE)})
    outcome = commit(engine, root, LATER, states=[ended(v) for v in values])
    assert outcome.overtaken == {values[0].id}
    assert [str(s.status) for s in loaded(engine, values)] == ['IN_PROGRESS', 'COMPLETE', 'COMPLETE']


def test_statements_do_not_grow_with_nested_stacks(engine: Engine) -> None:
    said: list[str] = []
    root = rooted(engine)

    def count(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    def spent(number: int) -> int:
        said.clear()
        values = nested(root, number)
        commit(engine, root, NOW, children={v.id: child(v) for v in values},
               states=[ended(v) for v in values])
        return len(said)

    sa.event.listen(engine, 'before_cursor_execute', count)
    spent(1)
    assert spent(40) == spent(80)
    with connect.read(engine) as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(schema.stack)).scalar_one() == 122


def test_a_long_commit_beats_for_the_leases_it_holds(engine: Engine) -> None:
    """No beat comes through while it holds them, and a thief waits for its end."""
    root = rooted(engine)

    def committed(events: int) -> bool:
        with connect.write(engine) as conn:
            conn.execute(sa.update(schema.lease).values(beat_at=1.0))
        commit(engine, root, NOW, events=[
            Event(root.id, root.id, 'r', 'OS::Heat::None', 'CREATE', 'COMPLETE', '') for _ in range(events)])
        with connect.read(engine) as conn:
            return leases.stale(conn, 20.0) == []

    assert committed(writer.MUCH) and not committed(1)
