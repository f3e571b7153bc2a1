"""Firewalls of routers, as the first version of Neutron's firewall service has them.

Purpose: OS::Neutron::Firewall, FirewallPolicy and FirewallRule. Invariant: a
firewall is changed and gone when the router's agent says so; until then the service
refuses changes to all that it is made of, and they are asked for again afterwards.
Neighbours: ``rest``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import Call, CloudFault, Poll
from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.rest import Hosted, Neutron
from heat.schema import IN_PLACE, Attr, Boolean, List, Map, String, Support

EXTENSION = 'fwaas'
ANY = 'any'
# What a rule matches: the service looks at its parts together, and only at those that it is told.
MATCH = ('protocol', 'ip_version', 'source_ip_address', 'destination_ip_address', 'source_port',
         'destination_port')
PENDING = re.compile(r'firewall ([0-9a-f-]{36}) is in PENDING', re.IGNORECASE)


def pending(fault: CloudFault) -> bool:
    """Whether a change is refused because agents are still at the one before: nothing was begun."""
    return fault.status == 409 and PENDING.search(fault.message) is not None


def changing(call: Call) -> Steps:
    """Make the call as soon as the firewall takes it; each change makes the others wait again."""
    while True:
        try:
            return (yield replace(call, for_now=pending))
        except CloudFault as fault:
            found = PENDING.search(fault.message)
            if found is None or not pending(fault):
                raise
            identity = found.group(1)
        yield Poll('network', f'/fw/firewalls/{identity}', identity,
                   lambda body: not str((body or {}).get('status')).startswith('PENDING'),
                   unwrap='firewall', in_turn=True)


class Firewall(Hosted):
    """A policy put into force on the project's routers."""

    type = 'OS::Neutron::Firewall'
    path, key = '/fw/firewalls', 'firewall'
    extension = EXTENSION
    # Without routers it is INACTIVE.
    ready = ('ACTIVE', 'DOWN', 'INACTIVE')

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        firewall_policy_id = String('Id of the policy.', required=True, update=IN_PLACE)
        value_specs = Map('More attributes for the request.', default={}, wire=None, update=IN_PLACE,
                          support=Support(version='5.0.0'))
        shared = Boolean('Whether all projects see it.', update=IN_PLACE, support=Support(
            'UNSUPPORTED', '6.0.0', 'The service has no such option any more.', Support(version='2015.1')))

    class attributes:
        admin_state_up = Attr('Whether it is switched on.', 'String')
        description = Attr('Description.', 'String')
        firewall_policy_id = Attr('Id of the policy.', 'String')
        name = Attr('Name.', 'String')
        shared = Attr('Whether all projects see it.', 'String', support=Support('UNSUPPORTED', '6.0.0'))
        status = Attr('Current status.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')

    def change(self, body: dict[str, Any]) -> Steps:
        yield from changing(self.put(body))


class FirewallPolicy(Neutron):
    """Rules in their order."""

    type = 'OS::Neutron::FirewallPolicy'
    path, key, plural = '/fw/firewall_policies', 'firewall_policy', 'firewall_policies'
    extension = EXTENSION

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        shared = Boolean('Whether all projects may use it.', default=False, update=IN_PLACE)
        audited = Boolean('Whether it is marked as looked over.', default=False, update=IN_PLACE)
        firewall_rules = List('Ids of the rules, the first that matches counts.', update=IN_PLACE)

    class attributes:
        audited = Attr('Whether it is marked as looked over.', 'String')
        description = Attr('Description.', 'String')
        firewall_rules = Attr('Ids of the rules.', 'List')
        name = Attr('Name.', 'String')
        shared = Attr('Whether all projects may use it.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        yield from ()
        if 'firewall_rules' in body and body['firewall_rules'] is None:
            body['firewall_rules'] = []
        if body:
            # The service forgets it with each change that does not say it again.
            body.setdefault('audited', props['audited'])
        return body

    def change(self, body: dict[str, Any]) -> Steps:
        yield from changing(self.put(body))


class FirewallRule(Neutron):
    """What is let through, or not."""

    type = 'OS::Neutron::FirewallRule'
    path, key = '/fw/firewall_rules', 'firewall_rule'
    extension = EXTENSION

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        shared = Boolean('Whether all projects may use it.', default=False, update=IN_PLACE)
        protocol = String('Protocol.', default=ANY, values=['tcp', 'udp', 'icmp', ANY], update=IN_PLACE)
        ip_version = String('Version of IP.', default='4', values=['4', '6'], update=IN_PLACE)
        source_ip_address = String('Block of the senders.', check='net_cidr', update=IN_PLACE)
        destination_ip_address = String('Block of the receivers.', check='net_cidr', update=IN_PLACE)
        source_port = String('Port of the senders, or a range such as 1:9.', update=IN_PLACE)
        destination_port = String('Port of the receivers, or a range such as 1:9.', update=IN_PLACE)
        action = String('What is done.', default='deny', values=['allow', 'deny'], update=IN_PLACE)
        enabled = Boolean('Whether it counts.', default=True, update=IN_PLACE)

    class attributes:
        action = Attr('What is done.', 'String')
        description = Attr('Description.', 'String')
        destination_ip_address = Attr('Block of the receivers.', 'String')
        destination_port = Attr('Port of the receivers.', 'String')
        enabled = Attr('Whether it counts.', 'String')
        firewall_policy_id = Attr('Policy that it is in.', 'String')
        ip_version = Attr('Version of IP.', 'String')
        name = Attr('Name.', 'String')
        position = Attr('Its place in the policy.', 'String')
        protocol = Attr('Protocol.', 'String')
        shared = Attr('Whether all projects may use it.', 'String')
        source_ip_address = Attr('Block of the senders.', 'String')
        source_port = Attr('Port of the senders.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        yield from ()
        if any(name in body for name in MATCH):
            body = {**{name: props.get(name) for name in MATCH}, **body}
        if body.get('protocol') == ANY:
            # The service says any by null.
            body['protocol'] = None
        return body

    def change(self, body: dict[str, Any]) -> Steps:
        yield from changing(self.put(body))

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        seen = body if body.get('protocol') is not None else {**body, 'protocol': ANY}
        return super().differences(seen)


TYPES = (Firewall, FirewallPolicy, FirewallRule)
