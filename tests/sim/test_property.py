"""Random lives: templates, updates, faults, crashes, in any order; the tree stays sound.

The oracle is ``plan.verify`` at every rest, plus: the last template the user asked
for is what stands when its goal completes, the cloud holds what the rows say, and a
deletion leaves nothing. A failure prints the steps as they can be typed again.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from heat.common import config, errors
from heat.db import connect, resources
from heat.db import stacks as stacks_of
from heat.db import templates as templates_of
from heat.engine import integrity
from tests.sim.world import World

NAMES = ['a', 'b', 'c', 'd', 'e']
PAIR = 'file:///pair.yaml'
FILES = {PAIR: json.dumps({
    'heat_template_version': '2021-04-16',
    'parameters': {'up': {'type': 'boolean'}, 'test': {'type': 'json'}},
    'outputs': {'said': {'value': {'get_attr': ['two', 'output']}}},
    'resources': {
        'one': {'type': 'OS::Neutron::Net', 'properties': {'admin_state_up': {'get_param': 'up'},
                                                           'port_security_enabled': True}},
        'two': {'type': 'OS::Heat::TestResource', 'depends_on': 'one',
                'properties': {'get_param': 'test'}}}})}
KINDS = ['test', 'test', 'random', 'group', 'net', 'pair', 'pairs', 'chain', 'stack', 'scaled', 'handle']
HOOKED = ['pre-create', 'post-create', 'pre-update', 'post-update', 'pre-delete']
# A stack of which the rows are what its template says.
SETTLED = [f'{action}_COMPLETE' for action in (
    'CREATE', 'UPDATE', 'ADOPT', 'CHECK', 'SUSPEND', 'RESUME', 'SNAPSHOT', 'RESTORE')]
UNTIMELY = (errors.ActionInProgress, errors.NotSupported, errors.EntityNotFound)
EXAMPLES = int(os.environ.get("HEAT_EXAMPLES", "40"))
POINTS = ['commit.before', 'commit.after', 'call.before', 'call.after']


@st.composite
def templates(draw: Any) -> dict[str, Any]:
    """Resources that refer only to names before them in a drawn order, so without circles."""
    names = draw(st.permutations(NAMES))[:draw(st.integers(0, len(NAMES)))]
    resources: dict[str, Any] = {}
    for index, name in enumerate(names):
        kind = draw(st.sampled_from(KINDS))
        before = draw(st.sets(st.sampled_from(names[:index]), max_size=2)) if index else set()
        resources[name] = {**definition(draw, kind), **({'depends_on': sorted(before)} if before else {})}
        if kind == 'scaled':
            resources['up'] = {'type': 'OS::Heat::ScalingPolicy', 'properties': {
                'auto_scaling_group_id': {'get_resource': name}, 'adjustment_type': 'change_in_capacity',
                'scaling_adjustment': draw(st.sampled_from([1, 2, -1]))}}
    return {'heat_template_version': '2021-04-16', 'resources': resources}


def definition(draw: Any, kind: str) -> dict[str, Any]:
    if kind == 'random':
        return {'type': 'OS::Heat::RandomString', 'properties': {'length': draw(st.sampled_from([8, 9]))}}
    if kind == 'net':
        return {'type': 'OS::Neutron::Net', 'properties': {
            'admin_state_up': draw(st.booleans()), 'port_security_enabled': True}}
    test = {'type': 'OS::Heat::TestResource', 'properties': {
        'value': draw(st.sampled_from('xyz')), 'wait_secs': draw(st.sampled_from([0, 0, 1, 5])),
        'fail': draw(st.sampled_from([False, False, False, False, True])),
        'update_replace_value': draw(st.sampled_from(['1', '1', '2']))}}
    pair = {'type': PAIR, 'properties': {'up': draw(st.booleans()), 'test': test['properties']}}
    if kind == 'handle':
        return {'type': 'OS::Heat::WaitConditionHandle'}
    if kind == 'scaled':
        return {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 1, 'max_size': 3, 'desired_capacity': draw(st.sampled_from([1, 2])),
            'resource': draw(st.sampled_from([test, pair]))}}
    if kind in ('group', 'pairs'):
        return {'type': 'OS::Heat::ResourceGroup', 'properties': {
            'count': draw(st.integers(0, 3)), 'resource_def': test if kind == 'group' else pair}}
    if kind == 'chain':
        return {'type': 'OS::Heat::ResourceChain', 'properties': {
            'resources': ['OS::Heat::TestResource'] * draw(st.integers(0, 3)),
            'concurrent': draw(st.booleans()), 'resource_properties': test['properties']}}
    if kind == 'stack':
        return {'type': 'OS::Heat::Stack', 'properties': {'template': json.dumps({
            'heat_template_version': '2021-04-16', 'resources': {'test': test, 'pair': pair}})}}
    return pair if kind == 'pair' else test


class Lives(RuleBasedStateMachine):
    """One world, a few stacks."""

    stacks = Bundle('stacks')

    def __init__(self) -> None:
        super().__init__()
        conf = config.load('heat-engine', argv=[], config_files=[], logging_setup=False)
        conf.set_override('enable_stack_abandon', True)
        conf.set_override('enable_stack_adopt', True)
        self.world = World(conf)
        self.world.add_engine()
        self.asked: dict[str, dict[str, Any]] = {}
        self.made: list[str] = []
        # Stacks of which a user chose to leave something behind.
        self.left: set[str] = set()
        self.count = 0

    @property
    def intake(self) -> Any:
        return self.world.engine.intake

    # -- wishes ------------------------------------------------------------------------------------

    @rule(target=stacks, template=templates(), rollback=st.booleans(),
          hooks=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(HOOKED), max_size=1))
    def create(self, template: dict[str, Any], rollback: bool, hooks: dict[str, str]) -> dict[str, Any]:
        self.count += 1
        held = {name: {'hooks': hook} for name, hook in hooks.items()}
        me = self.world.create(f's{self.count}', template, disable_rollback=not rollback, files=FILES,
                               environment={'resource_registry': {'resources': held}} if held else {})
        self.asked[me['stack_id']] = template
        self.made.append(me['stack_id'])
        return me

    @rule(me=stacks, template=templates(), rollback=st.booleans(), converge=st.booleans())
    def update(self, me: dict[str, Any], template: dict[str, Any], rollback: bool, converge: bool) -> None:
        with contextlib.suppress(errors.NotSupported):
            self.world.update(me, template, disable_rollback=not rollback, files=FILES,
                              args={'converge': converge})
            self.asked[me['stack_id']] = template

    @rule(me=stacks)
    def go_on(self, me: dict[str, Any]) -> None:
        """PATCH with nothing: towards what is stored, which after a rollback is what was before."""
        stored = self.stored(me)
        with contextlib.suppress(errors.NotSupported):
            self.world.update(me, None, existing=True)
            self.asked[me['stack_id']] = stored

    @rule(me=stacks, template=templates(), converge=st.booleans())
    def preview(self, me: dict[str, Any], template: dict[str, Any], converge: bool) -> None:
        before = self.world.all_rows(me)
        with contextlib.suppress(errors.NotSupported):
            whole, own = (self.world.plans.preview_update_stack(
                self.world.context, me, template, {}, FILES, {'show_nested': nested, 'converge': converge})
                for nested in (True, False))
            # Who asks for less is told the same.
            assert own == {kind: [one for one in found if one['stack_identity']['stack_id'] == me['stack_id']]
                           for kind, found in whole.items()}
        assert self.world.all_rows(me) == before

    @rule(me=stacks, template=templates(), guarded=st.sampled_from([[], ['a']]))
    def update_by_plan(self, me: dict[str, Any], template: dict[str, Any], guarded: list[str]) -> None:
        args = {'guard': guarded} if guarded else {}
        with contextlib.suppress(errors.NotSupported):
            made = self.world.plans.create_plan(self.world.context, me, None, template, {}, FILES, args)
            self.world.plans.execute_plan(self.world.context, made['id'])
            self.asked[me['stack_id']] = template

    @rule(me=stacks, rollback=st.booleans())
    def cancel(self, me: dict[str, Any], rollback: bool) -> None:
        with contextlib.suppress(errors.NotSupported):
            self.intake.stack_cancel_update(self.world.context, me, cancel_with_rollback=rollback)

    @rule(me=stacks, verb=st.sampled_from(['suspend', 'resume', 'check']))
    def act(self, me: dict[str, Any], verb: str) -> None:
        if self.world.state(me) in SETTLED:
            with contextlib.suppress(*UNTIMELY):
                getattr(self.intake, f'stack_{verb}')(self.world.context, me)

    @rule(me=stacks, number=st.integers(0, 5), stop=st.booleans())
    def act_inside(self, me: dict[str, Any], number: int, stop: bool) -> None:
        """On a nested stack by itself."""
        with connect.read(self.world.database) as conn:
            inner = [one for one in stacks_of.tree(conn, me['stack_id']) if one.owner_id is not None]
        if not inner:
            return
        one = inner[number % len(inner)].identity.to_wire()
        with contextlib.suppress(*UNTIMELY):
            if stop:
                self.intake.stack_cancel_update(self.world.context, one, cancel_with_rollback=False)
            elif self.world.state(one) in SETTLED:
                self.intake.stack_check(self.world.context, one)

    @rule(me=stacks, name=st.sampled_from(NAMES), unhealthy=st.booleans())
    def mark(self, me: dict[str, Any], name: str, unhealthy: bool) -> None:
        with contextlib.suppress(errors.ResourceNotFound, errors.ActionInProgress,
                                 errors.ResourceActionNotSupported):
            self.world.actions.resource_mark_unhealthy(self.world.context, me, name, unhealthy, '')

    @rule(me=stacks, name=st.sampled_from(['up', 'up', *NAMES]),
          details=st.sampled_from([{}, {'status': 'SUCCESS', 'id': 'i', 'data': 'd', 'reason': 'r'}]
                                  + [{'unset_hook': hook} for hook in HOOKED]))
    def signal(self, me: dict[str, Any], name: str, details: dict[str, Any]) -> None:
        with contextlib.suppress(errors.ResourceNotFound, errors.NotSupported,
                                 errors.ResourceActionNotSupported, errors.InvalidBreakPointHook):
            self.world.signal(me, name, details)

    @rule(me=stacks)
    def snapshot(self, me: dict[str, Any]) -> None:
        # What was rolled back to nothing has nothing of what its template says.
        if self.world.state(me) in ('CREATE_COMPLETE', 'UPDATE_COMPLETE'):
            self.world.actions.stack_snapshot(self.world.context, me, 's')

    @rule(me=stacks)
    def restore(self, me: dict[str, Any]) -> None:
        kept = [one for one in self.world.actions.stack_list_snapshots(self.world.context, me)
                if one['status'] == 'COMPLETE']
        if kept:
            with contextlib.suppress(*UNTIMELY):
                self.world.actions.stack_restore(self.world.context, me, kept[0]['id'])
                self.asked[me['stack_id']] = self.stored(me)

    @rule(me=consumes(stacks), target=stacks)
    def hand_over(self, me: dict[str, Any]) -> Any:
        """Abandoned, and adopted under another name."""
        state = self.world.state(me)
        if state not in SETTLED or state == 'SUSPEND_COMPLETE':
            return me
        self.left.add(me['stack_name'])
        data = self.world.actions.abandon_stack(self.world.context, me)
        del self.asked[me['stack_id']]
        self.count += 1
        new = self.world.create(f's{self.count}', data['template'], files=FILES,
                                args={'adopt_stack_data': json.dumps(data)})
        self.asked[new['stack_id']] = data['template']
        self.made.append(new['stack_id'])
        return new

    @rule(me=consumes(stacks), retain=st.sampled_from([[], [], ['a']]), force=st.booleans())
    def delete(self, me: dict[str, Any], retain: list[str], force: bool) -> None:
        if retain or force:
            self.left.add(me['stack_name'])
        self.world.delete(me, retain=retain, force=force)
        del self.asked[me['stack_id']]

    def stored(self, me: dict[str, Any]) -> dict[str, Any]:
        number = self.world.stack(me).template_id
        with connect.read(self.world.database) as conn:
            found = templates_of.load_template(conn, number, self.world.crypt)
        assert found is not None
        return found[0]

    # -- what happens besides ------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.01, 0.5, 2, 10]))
    def wait(self, seconds: float) -> None:
        self.world.run(until=self.world.clock.monotonic() + seconds)

    @rule(point=st.sampled_from(POINTS), nth=st.integers(1, 6))
    def crash(self, point: str, nth: int) -> None:
        self.world.crash_at(point, nth)

    @rule(path=st.sampled_from(['/networks', '/networks/[^/]+']),
          method=st.sampled_from(['POST', 'DELETE', 'PUT']),
          kind=st.sampled_from(['drop_after', 'drop_before']))
    def lose_an_answer(self, path: str, method: str, kind: str) -> None:
        self.world.cloud.faults.add(service='network', method=method, path=path, kind=kind, count=1)

    @rule()
    def rest(self) -> None:
        self.world.run()
        self.check()

    @invariant()
    def nothing_is_written_by_two(self) -> None:
        assert self.world.leases_held() <= self.count

    def check(self) -> None:
        with connect.read(self.world.database) as conn:
            for stack_id in self.asked:
                assert integrity.check_tree(conn, stack_id, self.world.crypt) == []
        for stack_id, template in self.asked.items():
            me = {'stack_id': stack_id}
            state = self.world.state(me)
            assert not state.endswith('IN_PROGRESS'), state
            if state in SETTLED:
                assert set(self.world.rows(me)) == set(template['resources'])
        assert self.world.leases_held() == 0
        self.check_cloud()

    def check_cloud(self) -> None:
        with connect.read(self.world.database) as conn:
            # A hook may hold a deletion until it has failed.
            rows = [row for stack_id in self.made
                    for row in resources.rows_of_tree(conn, stack_id, self.world.crypt)]
        known = {row.physical_id for row in rows}
        # Stopped before anybody knew what became of a call; its row goes on knowing that it was made.
        unsettled = [row for row in rows if row.physical_id is None and row.intent is not None]
        there = {item['id'] for item in self.world.cloud.inventory.networks.rows.values()
                 if item['name'].partition('-')[0] not in {'public', *self.left}}
        # A failed row may not know its thing; but nothing stands in the cloud that no row knows.
        assert len(there - known) <= len(unsettled), f'left in the cloud: {there - known}'

    def teardown(self) -> None:
        self.rest()


def test_lives() -> None:
    """HEAT_EXAMPLES=N runs N lives with a fresh seed; HEAT_NO_SHRINK=1 shows a failure as it came."""
    fresh = 'HEAT_EXAMPLES' in os.environ
    run_state_machine_as_test(Lives, settings=settings(
        max_examples=EXAMPLES, stateful_step_count=14, deadline=None, derandomize=not fresh, print_blob=False,
        phases=[Phase.explicit, Phase.generate] if os.environ.get('HEAT_NO_SHRINK') else list(Phase),
        suppress_health_check=list(HealthCheck)))
