"""Types that policy keeps from somebody: also where the stack is there already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heat.common import config, errors
from heat.common.policy import Enforcer
from heat.db import connect, resources
from heat.engine.loader import rollback_goal
from heat.engine.settings import DENIED
from heat.model.stack import Goal
from heat.model.status import Action
from tests.sim.test_lifecycle import hot, res
from tests.sim.world import World

RULE = '"resource_types:OS::Heat::TestResource": "role:keeper"\n'


@pytest.fixture
def enforced(world: World, tmp_path: Path) -> World:
    (tmp_path / 'policy.yaml').write_text(RULE)
    (tmp_path / 'heat.conf').write_text(f'[oslo_policy]\npolicy_file = {tmp_path}/policy.yaml\n')
    conf = config.load('heat-engine', [], [str(tmp_path / 'heat.conf')], logging_setup=False)
    world.engine.intake.policy = Enforcer(conf)
    return world


def group(**inner: Any) -> dict[str, Any]:
    return hot(g={'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': inner}})


@pytest.mark.parametrize('template', [hot(a=res()), group(type='OS::Heat::TestResource')])
def test_who_may_not_use_a_type_may_not_delete_suspend_or_resume_it(enforced: World,
                                                                    template: dict[str, Any]) -> None:
    intake, guest = enforced.engine.intake, enforced.context
    keeper = replace(guest, roles=(*guest.roles, 'keeper'))
    with pytest.raises(errors.Forbidden, match='OS::Heat::TestResource'):
        enforced.create('s', template)
    me = intake.create_stack(keeper, 's', template, {}, {}, {})
    enforced.run()
    for act in (intake.delete_stack, intake.stack_suspend, intake.stack_resume):
        with pytest.raises(errors.Forbidden, match='OS::Heat::TestResource'):
            act(guest, me)
        enforced.run()
        assert enforced.state(me) == 'CREATE_COMPLETE'
    intake.stack_check(guest, me)
    enforced.run()
    for act, state in ((intake.stack_suspend, 'SUSPEND'), (intake.stack_resume, 'RESUME'),
                       (intake.delete_stack, 'DELETE')):
        act(keeper, me)
        enforced.run()
        assert enforced.state(me) == f'{state}_COMPLETE'


def inside(world: World, me: dict[str, Any]) -> list[str]:
    """How the resources of the kept type are, wherever in the tree."""
    with connect.read(world.database) as conn:
        return [str(row.status) for row in resources.rows_of_tree(conn, me['stack_id'], world.crypt)
                if row.type == 'OS::Heat::TestResource']


LATE = {'type': 'OS::Heat::TestResource', 'properties': {'value': 'late'}}
SCALED = {'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
    'min_size': 0, 'max_size': 2, 'desired_capacity': 0, 'resource': LATE}},
    'up': {'type': 'OS::Heat::ScalingPolicy', 'properties': {
        'auto_scaling_group_id': {'get_resource': 'g'}, 'adjustment_type': 'change_in_capacity',
        'scaling_adjustment': 1}}}


def test_a_type_that_is_known_at_its_step_only_is_kept_from_whom_it_is_kept(enforced: World) -> None:
    told = {'type': 'OS::Heat::Value', 'properties': {'value': LATE}}
    number = {'type': 'OS::Heat::Value', 'properties': {'value': 1}}
    for name, made_of in (
            ('told', {'v': told, 'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
                'min_size': 1, 'max_size': 1, 'resource': {'get_attr': ['v', 'value']}}}}),
            ('number', {'v': number, 'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {
                'count': {'get_attr': ['v', 'value']}, 'resource_def': LATE}}})):
        me = enforced.create(name, hot(**made_of))
        enforced.run()
        assert enforced.state(me) == 'CREATE_FAILED'
        assert 'not authorized to use OS::Heat::TestResource' in enforced.stack(me).reason
        assert inside(enforced, me) == []


@pytest.mark.parametrize('restarted', [False, True])
def test_a_group_grows_by_no_type_that_is_kept_from_its_owner(enforced: World, restarted: bool) -> None:
    me = enforced.create('s', hot(**SCALED))
    enforced.run()
    assert enforced.state(me) == 'CREATE_COMPLETE'
    if restarted:
        policy = enforced.engine.intake.policy
        enforced.kill(enforced.engine)
        enforced.add_engine()
        enforced.engine.intake.policy = policy
    enforced.signal(me, 'up')
    enforced.run()
    assert inside(enforced, me) == []
    intake, guest = enforced.engine.intake, enforced.context
    keeper = replace(guest, roles=(*guest.roles, 'keeper'))
    mine = intake.create_stack(keeper, 'mine', hot(**SCALED), {}, {}, {})
    enforced.run()
    enforced.signal(mine, 'up')
    enforced.run()
    assert inside(enforced, mine) == ['COMPLETE']


def test_the_way_back_is_held_to_the_same_policy(enforced: World) -> None:
    late = hot(v={'type': 'OS::Heat::Value', 'properties': {'value': LATE}},
               g={'type': 'OS::Heat::AutoScalingGroup', 'properties': {
                   'min_size': 1, 'max_size': 1, 'resource': {'get_attr': ['v', 'value']}}})
    me = enforced.create('s', late, disable_rollback=False)
    enforced.run()
    assert enforced.state(me) == 'ROLLBACK_COMPLETE'
    goal = Goal('i', 1, Action.UPDATE, 5, options={DENIED: ['X']})
    assert rollback_goal(goal, 4).options == {DENIED: ['X']}
