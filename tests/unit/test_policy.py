"""Policy: the rules that policy files override, and who passes them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from heat.common import config, errors, policy
from heat.common.clock import VirtualClock
from heat.common.context import RequestContext
from heat.common.policy_rules import CLOUDWATCH, OWN_CFN, OWN_REST, OWN_SSM

RECORDED = json.loads((Path(__file__).resolve().parents[1] / 'data/policies.json').read_text())
RULES = {rule.name: rule for rule in policy.list_rules()}


def _who(*roles: str, project: str | None = 'p') -> RequestContext:
    return RequestContext(user_id='u', tenant_id=project, roles=roles)


READER, MEMBER, ADMIN, SERVER = (
    _who('reader'), _who('member', 'reader'), _who('admin', 'member', 'reader'), _who('heat_stack_user'))


def _enforcer(tmp_path: Path | None = None, rules: str = '') -> policy.Enforcer:
    files = []
    if tmp_path:
        (tmp_path / 'policy.yaml').write_text(rules)
        (tmp_path / 'heat.conf').write_text(f'[oslo_policy]\npolicy_file = {tmp_path}/policy.yaml\n')
        files = [str(tmp_path / 'heat.conf')]
    return policy.Enforcer(config.load('heat-api', [], files, logging_setup=False))


@pytest.mark.parametrize('want', RECORDED, ids=lambda rule: rule['name'])
def test_rules_equal_the_recorded_ones(want: dict[str, Any]) -> None:
    rule = RULES[want['name']]
    assert rule.check_str == want['check_str']
    assert rule.scope_types == want.get('scope_types')
    before = want.get('deprecated_rule')
    have = rule.deprecated_rule and {
        'name': rule.deprecated_rule.name, 'check_str': rule.deprecated_rule.check_str,
        'since': rule.deprecated_rule.deprecated_since}
    assert have == before
    assert list(getattr(rule, 'operations', [])) == want.get('operations', [])


def test_there_are_no_other_rules() -> None:
    own = {f'cloudformation:{name}' for name, _check in OWN_CFN} | {f'ssm:{name}' for name, _check in OWN_SSM}
    own |= {f'cloudwatch:{name}' for name, _check in CLOUDWATCH}
    own |= {rule.name for rule in OWN_REST}
    recorded = {rule['name'] for rule in RECORDED}
    assert set(RULES) == recorded | own and not recorded & own
    assert all(RULES[name].deprecated_rule is None and RULES[name].scope_types == ['project'] for name in own)


@pytest.mark.parametrize('rule, reader, member, admin, server', [
    ('stacks:index', True, True, True, False),
    ('stacks:create', False, True, True, False),
    ('stacks:drift', True, True, True, False),
    ('stacks:global_index', False, False, False, False),
    ('stacks:lookup', True, True, True, True),
    ('resource:signal', True, True, True, True),
    ('cloudwatch:DescribeAlarms', True, True, True, False),
    ('cloudwatch:PutMetricAlarm', False, True, True, False),
    ('cloudwatch:PutMetricData', False, True, True, True),
    ('service:index', False, False, True, False),
    ('no:such_rule', False, False, False, False)])
def test_defaults_by_role(rule: str, reader: bool, member: bool, admin: bool, server: bool) -> None:
    enforcer = _enforcer()
    assert [enforcer.check(who, rule) for who in (READER, MEMBER, ADMIN, SERVER)] == [
        reader, member, admin, server]


def test_a_target_of_another_project_is_refused() -> None:
    enforcer = _enforcer()
    assert not enforcer.check(MEMBER, 'stacks:create', {'project_id': 'other'})
    with pytest.raises(errors.Forbidden, match=r'You are not authorized to use stacks:create\.'):
        enforcer.enforce(MEMBER, 'stacks:create', {'project_id': 'other'})
    enforcer.enforce(MEMBER, 'stacks:create', {'project_id': 'p'})


def test_nobody_without_a_project_passes() -> None:
    assert not _enforcer().check(_who('member', project=None), 'stacks:create', {'project_id': 'p'})


def test_only_administrators_are_administrators() -> None:
    enforcer = _enforcer()
    assert [enforcer.is_admin(who) for who in (READER, MEMBER, ADMIN)] == [False, False, True]


def test_types_of_administrators() -> None:
    enforcer = _enforcer()
    for kind in ('OS::Nova::Flavor', 'OS::Keystone::User', 'OS::Octavia::Quota'):
        assert enforcer.allows_type(ADMIN, kind)
        with pytest.raises(errors.Forbidden, match=f'You are not authorized to use {kind}.'):
            enforcer.enforce_type(MEMBER, kind)
    enforcer.enforce_type(MEMBER, 'OS::Nova::Server')
    enforcer.enforce_type(MEMBER, 'Custom')


def test_the_policy_file_overrides(tmp_path: Path) -> None:
    enforcer = _enforcer(tmp_path, (
        '"stacks:create": "role:architect"\n"stacks:global_index": "rule:context_is_admin"\n'
        '"resource_types:OS::Nova::Server": "!"\n"resource_types:OS::Swift::*": "rule:project_admin"\n'))
    assert not enforcer.check(MEMBER, 'stacks:create')
    assert enforcer.check(_who('architect'), 'stacks:create')
    assert enforcer.check(ADMIN, 'stacks:global_index')
    assert not enforcer.allows_type(ADMIN, 'OS::Nova::Server')
    assert not enforcer.allows_type(MEMBER, 'OS::Swift::Container')
    assert enforcer.allows_type(ADMIN, 'OS::Swift::Container')


def test_a_changed_file_counts_after_a_second(tmp_path: Path) -> None:
    clock = VirtualClock()
    file = tmp_path / 'policy.yaml'
    file.write_text('"stacks:index": "role:nobody"\n')
    (tmp_path / 'heat.conf').write_text(f'[oslo_policy]\npolicy_file = {file}\n')
    conf = config.load('heat-api', [], [str(tmp_path / 'heat.conf')], logging_setup=False)
    enforcer = policy.Enforcer(conf, clock)
    assert not enforcer.check(READER, 'stacks:index')
    file.write_text('"stacks:index": "role:reader"\n')
    os.utime(file, (clock.wall(), clock.wall() + 1e9))
    assert not enforcer.check(READER, 'stacks:index')
    clock.advance(policy.LOOK_EVERY)
    assert enforcer.check(READER, 'stacks:index')
