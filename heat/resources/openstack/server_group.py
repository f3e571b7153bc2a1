"""Server groups of compute.

Purpose: OS::Nova::ServerGroup. Invariant: it is asked for in the oldest version of
compute's interface that has what is asked for. Neighbours: ``unstamped`` has the
common verbs; a server joins by its ``scheduler_hints``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from heat import schema
from heat.model.op import Call
from heat.resources.openstack.unstamped import Unstamped
from heat.schema import List, Map, Number, String, Support

# The first versions with the soft policies, and with rules (where a policy is no list any more).
SOFT, RULES = '2.15', '2.64'


class ServerGroup(Unstamped):
    """Servers that shall be on one host, or on different ones."""

    type = 'OS::Nova::ServerGroup'
    support = Support(version='2014.2')
    service, path, key = 'compute', '/os-server-groups', 'server_group'

    class properties:
        name = String('Name.')
        policies = List('How its servers are placed; one policy.', default=['anti-affinity'], of=String(),
                        constraints=[schema.AllowedValues(allowed=(
                            'anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'))])
        rules = Map('What the policy takes exactly.', support=Support(version='17.0.0'), keys={
            'max_server_per_host': Number('How many of its servers a host may have.')})

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        policies, rules = props.get('policies'), props.get('rules')
        if not isinstance(policies, list):
            return
        if len(policies) != 1:
            yield f'A server group has one policy, not {len(policies)}.'
        elif rules and policies[0] is not schema.UNKNOWN and policies[0] != 'anti-affinity':
            yield f'Only the policy anti-affinity takes rules, not {policies[0]}.'

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        rules = {name: value for name, value in (body.pop('rules', None) or {}).items() if value is not None}
        if rules:
            body.update(policy=body.pop('policies')[0], rules=rules)
        return body

    def post(self, body: dict[str, Any], label: str = 'create') -> Call:
        version = RULES if 'rules' in body else SOFT
        return replace(super().post(body, label), headers={'X-OpenStack-Nova-API-Version': version})
