"""Settings of stacks, what plans claim, and how far events are told, in the database.

Every test takes ``engine``: an engine on a fresh, migrated database.
"""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from heat.db import connect, events, leases, plans, sinks, stacks, templates
from tests.unit.store import CRYPT, NOW, TREE, event_of, put_stack


def test_settings_and_columns_of_several_stacks(engine: Engine) -> None:
    first, second = put_stack(engine, 'a'), put_stack(engine, 'b')
    with connect.write(engine) as conn:
        stacks.update_stack(conn, first.id, settings={'policy': 'p'}, drift={'status': 'IN_SYNC', 'at': 7.5})
    with connect.read(engine) as conn:
        found = stacks.extras_of(conn, [first.id, second.id, 'nil'])
        assert {key: (one['settings'], one['drift']) for key, one in found.items()} == {
            first.id: ({'policy': 'p'}, {'status': 'IN_SYNC', 'at': 7.5}), second.id: (None, None)}
        assert {one.id for one in stacks.load_stacks(conn, [first.id, 'nil'])} == {first.id}


def test_what_a_plan_claims_is_its_own_until_it_is_carried_out(engine: Engine) -> None:
    stack = put_stack(engine)

    def plan(number: str, claim: str | None) -> None:
        with connect.write(engine) as conn:
            plans.insert_plan(conn, plans.SavedPlan(
                id=number, tenant='t', stack_name='s', template_id=stack.template_id, action='UPDATE',
                stack_id=stack.id, claim=claim), CRYPT, NOW)

    plan('1', 'c')
    plan('2', None)
    plan('3', None)
    with pytest.raises(IntegrityError):
        plan('4', 'c')
    with connect.write(engine) as conn:
        assert plans.take_plan(conn, '1', NOW)
    plan('4', 'c')
    with connect.write(engine) as conn:
        plans.free(conn, ['4'])
    plan('5', 'c')


def test_how_far_the_events_of_a_tree_are_told(engine: Engine) -> None:
    tree, other, silent = put_stack(engine, 'a'), put_stack(engine, 'b'), put_stack(engine, 'c')
    with connect.write(engine) as conn:
        for one in (tree, other, silent):
            events.insert_events(conn, [event_of(one, 1)], NOW)
        sinks.listen(conn, tree.id)
        sinks.listen(conn, other.id)
        before = sinks.told(conn, tree.id)
        # What was recorded before somebody listened is not told.
        assert before is not None and sinks.behind(conn) == [] and sinks.told(conn, silent.id) is None
        assert sinks.among(conn, [tree.id, other.id, silent.id, 'nil']) == {tree.id, other.id}
        events.insert_events(conn, [event_of(tree, 2), event_of(silent, 2), event_of(tree, 3)], NOW)
        # Who listens already misses nothing by listening once more.
        sinks.listen(conn, tree.id)
        assert sinks.told(conn, tree.id) == before and sinks.behind(conn) == [tree.id]
        second, third = events.events_after(conn, tree.id, before, 20)
        sinks.advance(conn, tree.id, third.id)
        # A slower one has told less.
        sinks.advance(conn, tree.id, second.id)
        assert sinks.told(conn, tree.id) == third.id and sinks.behind(conn) == []
        sinks.drop(conn, [tree.id])
        assert sinks.told(conn, tree.id) is None and sinks.told(conn, other.id) is not None


def test_events_are_recorded_one_transaction_after_the_other(engine: Engine) -> None:
    """Who has the lease row has it until the end; one that does not exist holds nobody up."""
    stack = put_stack(engine)
    with connect.write(engine) as conn:
        sinks.in_turn(conn, stack.id)
        assert leases.take(conn, stack.id, 'a') == 1
        sinks.in_turn(conn, stack.id)
        assert leases.hold(conn, 'a', {stack.id: 1}) == {stack.id}


def test_the_sinks_of_a_stored_environment(engine: Engine) -> None:
    sink = {'type': 'zaqar-queue', 'target': 'q'}
    with connect.write(engine) as conn:
        number = templates.store_template(conn, TREE, {'event_sinks': [sink]}, {}, 't', NOW)
        bare = templates.store_template(conn, TREE, {}, {}, 't', NOW)
        assert templates.event_sinks(conn, number) == [sink] and templates.event_sinks(conn, bare) == []
