"""Types that policy keeps from somebody: also where the stack is there already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heat.common import config, errors
from heat.common.policy import Enforcer
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
