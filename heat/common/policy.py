"""Policy: may this context do that?

Purpose: oslo.policy over the table of ``policy_rules`` and the operator's
policy file. Invariant: refusing is the answer whenever a check cannot be made;
only resource types without a rule are open to all. A changed file counts within
``LOOK_EVERY`` seconds. Neighbours: ``api`` enforces
the rules of routes, ``engine.intake`` those of resource types.
"""

from __future__ import annotations

from typing import Any

from oslo_config import cfg
from oslo_policy import opts, policy

from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.common.policy_rules import (
    ADMIN_TYPES,
    CFN,
    CLOUDWATCH,
    NOBODY,
    OWN_CFN,
    OWN_REST,
    OWN_SSM,
    REST,
    SHARED,
)

_SINCE = 'W'
_REASON = 'The default now asks for the reader, member and admin roles.'
_SCOPE = ['project']
TYPES = 'resource_types:'
LOOK_EVERY = 1.0
MOST_DECIDED = 10_000


def list_rules() -> list[policy.RuleDefault]:
    """Every rule with its default: entry point ``oslo.policy.policies``, name ``heat``."""
    rules: list[policy.RuleDefault] = [
        policy.RuleDefault(name, check, description=text) for name, check, text in SHARED]
    rules += [policy.RuleDefault(f'resource_types:{kind}', 'rule:project_admin', scope_types=_SCOPE,
                                 description=f'Use {kind} in a stack.') for kind in ADMIN_TYPES]
    for rule in (*REST, *OWN_REST):
        before = _deprecated(rule.name, rule.before) if rule.before else None
        operation = rule.operation()
        common: dict[str, Any] = {'description': rule.text, 'deprecated_rule': before,
                                  'scope_types': None if rule.check == NOBODY else _SCOPE}
        if operation:
            route = policy.Operation(method=operation[0], path=operation[1])
            rules.append(policy.DocumentedRuleDefault(rule.name, rule.check, operations=[route], **common))
        else:
            rules.append(policy.RuleDefault(rule.name, rule.check, **common))
    for action, check, before_check in CFN:
        name = f'cloudformation:{action}'
        rules.append(policy.RuleDefault(
            name, check, description=f'Call {action} of the CloudFormation API.',
            scope_types=_SCOPE, deprecated_rule=_deprecated(name, before_check)))
    for action, check in OWN_CFN:
        rules.append(policy.RuleDefault(f'cloudformation:{action}', check, scope_types=_SCOPE,
                                        description=f'Call {action} of the CloudFormation API.'))
    for action, check in CLOUDWATCH:
        rules.append(policy.RuleDefault(f'cloudwatch:{action}', check, scope_types=_SCOPE,
                                        description=f'Call {action} of the CloudWatch API.'))
    for action, check in OWN_SSM:
        text = 'Read a SecureString' if action == 'Decrypt' else f'Call {action}'
        rules.append(policy.RuleDefault(f'ssm:{action}', check, scope_types=_SCOPE,
                                        description=f'{text} of the parameter store (SSM protocol).'))
    return rules


def _deprecated(name: str, check: str) -> policy.DeprecatedRule:
    return policy.DeprecatedRule(name, check, deprecated_reason=_REASON, deprecated_since=_SINCE)


class _Rules(policy.Enforcer):
    """Looks for changed files once a second, where the library does it at every check of every request.

    Until it looks again, what was decided stays so.
    """

    def __init__(self, conf: cfg.ConfigOpts, clock: Clock) -> None:
        super().__init__(conf)
        self._clock = clock
        self._looked: float | None = None
        self._decided: dict[Any, bool] = {}

    def load_rules(self, force_reload: bool = False) -> None:
        now = self._clock.monotonic()
        if force_reload or self._looked is None or now - self._looked >= LOOK_EVERY:
            self._decided.clear()
            super().load_rules(force_reload)
            self._looked = now

    def decide(self, rule: str, target: dict[str, Any], who: dict[str, Any]) -> bool:
        """``enforce`` for maps of texts and lists of texts; raises InvalidScope as well."""
        self.load_rules()
        asked = rule, _facts(target), _facts(who)
        known = self._decided.get(asked)
        if known is None:
            known = bool(self.enforce(rule, target, who))
            if len(self._decided) < MOST_DECIDED:
                self._decided[asked] = known
        return known


def _facts(values: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in values.items())


class Enforcer:
    """The rules in force: defaults, overridden by ``[oslo_policy] policy_file``."""

    def __init__(self, conf: cfg.ConfigOpts, clock: Clock | None = None) -> None:
        opts.set_defaults(conf)
        self._enforcer = _Rules(conf, clock or Clock())
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.suppress_deprecation_warnings = True
        self._enforcer.register_defaults(list_rules())
        self._enforcer.load_rules()

    def check(self, context: RequestContext, rule: str, target: dict[str, Any] | None = None) -> bool:
        """Whether ``rule`` allows ``context``; ``target`` defaults to the context's own project and user."""
        if target is None:
            target = {'project_id': context.tenant_id, 'user_id': context.user_id}
        try:
            return self._enforcer.decide(rule, target, credentials(context))
        except policy.InvalidScope:
            return False

    def enforce(self, context: RequestContext, rule: str, target: dict[str, Any] | None = None) -> None:
        """Raise Forbidden, naming ``rule``, unless ``check`` allows it."""
        if not self.check(context, rule, target):
            raise errors.Forbidden(action=rule)

    def is_admin(self, context: RequestContext) -> bool:
        """Whether ``context`` is an administrator of the cloud: rule ``context_is_admin``."""
        return self.check(context, 'context_is_admin', {})

    def allows_type(self, context: RequestContext, kind: str) -> bool:
        """Whether a stack of ``context`` may contain resource type ``kind``.

        Both ``resource_types:<kind>`` and the wildcard of its service must agree;
        a rule that nobody wrote agrees.
        """
        self._enforcer.load_rules()
        names = [f'{TYPES}{name}' for name in names_of(kind)]
        return all(self.check(context, name) for name in names if name in self._enforcer.rules)

    def denied_types(self, context: RequestContext) -> list[str]:
        """What rules keep from ``context``: names of types, and wildcards of services."""
        self._enforcer.load_rules()
        return sorted(name.removeprefix(TYPES) for name in self._enforcer.rules
                      if name.startswith(TYPES) and not self.check(context, name))

    def enforce_type(self, context: RequestContext, kind: str) -> None:
        """Raise Forbidden, naming the type, unless ``allows_type``."""
        if not self.allows_type(context, kind):
            raise errors.Forbidden(action=kind)


def names_of(kind: str) -> tuple[str, str]:
    """What a rule may call a type: its name, and the wildcard of its service."""
    return kind, f'{kind.rsplit("::", 1)[0]}::*'


def credentials(context: RequestContext) -> dict[str, Any]:
    """What checks may ask about the caller."""
    return {
        'user_id': context.user_id, 'username': context.username, 'user_domain_id': context.user_domain_id,
        'project_id': context.tenant_id, 'tenant': context.tenant, 'tenant_id': context.tenant_id,
        'project_domain_id': context.project_domain_id, 'roles': list(context.roles),
        'is_admin': context.is_admin, 'is_admin_project': context.is_admin_project,
        'system_scope': context.system_scope, 'trust_id': context.trust_id}


def operator_enforcer() -> policy.Enforcer:
    """The rules as the host's configuration has them, for oslopolicy-checker and its kin.

    Entry point ``oslo.policy.enforcer``, name ``heat``.
    """
    conf = cfg.ConfigOpts()
    conf([], project='heat')
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(list_rules())
    return enforcer
