"""Settings of stacks and what plans claim, in the database.

Every test takes ``engine``: an engine on a fresh, migrated database.
"""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from heat.db import connect, plans, stacks
from tests.unit.store import CRYPT, NOW, put_stack


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
