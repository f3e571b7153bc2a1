"""Security groups with their rules, and single rules.

Purpose: OS::Neutron::SecurityGroup and OS::Neutron::SecurityGroupRule.
Invariant: a group holds exactly the rules of its list, plus the two that let
everything out unless the list has rules for egress. Neighbours: ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Adopt, Call
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, Boolean, Integer, List, Map, Property, String, Support

PROTOCOLS = [*range(256), 'ah', 'dccp', 'egp', 'esp', 'gre', 'icmp', 'icmpv6', 'igmp', 'ipv6-encap',
             'ipv6-frag', 'ipv6-icmp', 'ipv6-nonxt', 'ipv6-opts', 'ipv6-route', 'ospf', 'pgm', 'rsvp', 'sctp',
             'tcp', 'udp', 'udplite', 'vrrp']
OPEN_EGRESS = [{'direction': 'egress', 'ethertype': 'IPv4'}, {'direction': 'egress', 'ethertype': 'IPv6'}]
FACTS = ('direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max', 'remote_ip_prefix',
         'remote_group_id', 'description')
SAME_PROTOCOL = {'icmpv6': 'ipv6-icmp', '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'ipv6-icmp', 'any': None}


def rule_options() -> dict[str, Property]:
    return {
        'direction': String('Which way.', values=['ingress', 'egress'], default='ingress'),
        'ethertype': String('IP version.', values=['IPv4', 'IPv6'], default='IPv4'),
        'port_range_min': Integer('First port, or ICMP type.', range=(0, 65535)),
        'port_range_max': Integer('Last port, or ICMP code.', range=(0, 65535)),
        'protocol': String('Protocol by name or number.', values=PROTOCOLS),
        'remote_group_id': String('Other side: members of this group.', is_a='neutron.security_group'),
        'remote_ip_prefix': String('Other side: this block.', check='net_cidr'),
    }


def facts(rule: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What tells two rules apart, as text."""
    found: list[str | None] = []
    for name in FACTS:
        value = rule.get(name)
        text = None if value is None or value == '' else str(value)
        if name == 'protocol' and text is not None:
            text = SAME_PROTOCOL.get(text.lower(), text.lower())
        if name == 'remote_ip_prefix' and text is not None and '/' not in text:
            text += '/128' if ':' in text else '/32'
        found.append(text)
    return tuple(found)


class SecurityGroup(Neutron):
    """A named set of rules for what may reach a port and leave it."""

    type = 'OS::Neutron::SecurityGroup'
    support = Support(version='2014.1')
    extension = 'security-group'
    path, key = '/security-groups', 'security_group'
    blockers = 'security_groups={id}'

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        stateful = Boolean('Whether answers pass by themselves.', update=IN_PLACE,
                           support=Support(version='27.0.0'))
        rules = List('The rules.', default=[], wire=None, update=IN_PLACE, of=Map(keys={
            **rule_options(),
            'remote_mode': String('What the other side is given by.', default='remote_ip_prefix',
                                  values=['remote_ip_prefix', 'remote_group_id']),
            'description': String('Description.', support=Support(version='27.0.0'))}))
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, own=True)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('name') == 'default':
            yield 'Security groups cannot be assigned the name "default".'

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        found = super().adopt(body)
        return found and Adopt(found.path, 'security_groups', found.match, found.query)

    def create(self) -> Steps:
        made = yield self.post(self.body(self.props))
        rules = self.props.get('rules') or []
        if rules:
            yield from self._arrange(made.get('security_group_rules') or [], rules)
        tagged = yield from self.tagged(made)
        # What it was made with are not its rules.
        return None if rules else tagged

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        if 'rules' in diff:
            def look() -> Steps:
                return (yield self.listing('/security-group-rules', 'security_group_rules',
                                           security_group_id=self.id))
            present = yield from once(self, 'rules', look())
            yield from self._arrange(present, new.get('rules') or [])

    def _arrange(self, present: list[dict[str, Any]], rules: list[dict[str, Any]]) -> Steps:
        """From the rules that are there to those that are wanted."""
        wanted = [self._rule(rule) for rule in rules]
        if not any(rule['direction'] == 'egress' for rule in wanted):
            wanted += [{**rule, 'security_group_id': self.id} for rule in OPEN_EGRESS]
        kept = {facts(rule) for rule in wanted}
        for rule in present:
            if facts(rule) not in kept:
                yield Call('network', 'DELETE', f'/security-group-rules/{rule["id"]}', ok=(404,),
                           label=f'remove rule {rule["id"]}')
        there = {facts(rule) for rule in present}
        for number, rule in enumerate(wanted):
            if facts(rule) not in there:
                there.add(facts(rule))
                # 409: the rule is there, by a call whose answer was lost or under another spelling.
                yield Call('network', 'POST', '/security-group-rules', {'security_group_rule': rule},
                           ok=(409,), label=f'add rule {number}')

    def _rule(self, given: Mapping[str, Any]) -> dict[str, Any]:
        rule = {name: value for name, value in given.items() if value is not None and name != 'remote_mode'}
        rule['security_group_id'] = self.id
        if given.get('remote_mode') == 'remote_group_id':
            rule.pop('remote_ip_prefix', None)
            # Without a group the members of this one may reach each other.
            rule['remote_group_id'] = rule.get('remote_group_id') or self.id
        else:
            rule.pop('remote_group_id', None)
        return rule


class SecurityGroupRule(Neutron):
    """One rule of a security group that stands elsewhere."""

    type = 'OS::Neutron::SecurityGroupRule'
    extension = 'security-group'
    path, key = '/security-group-rules', 'security_group_rule'
    support = Support(version='7.0.0')
    name_key = None

    class properties:
        security_group = String('The group.', required=True, is_a='neutron.security_group',
                                wire='security_group_id')
        description = String('Description.')
        remote_group = String('Other side: members of this group.', is_a='neutron.security_group',
                              wire='remote_group_id')
        extra = {**{name: option for name, option in rule_options().items() if name != 'remote_group_id'},
                 'protocol': String('Protocol by name or number.', values=PROTOCOLS, default='tcp')}

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('remote_group') is not None and props.get('remote_ip_prefix') is not None:
            yield 'Cannot define the following properties at the same time: remote_group, remote_ip_prefix.'
        ports = props.get('port_range_min'), props.get('port_range_max')
        protocol = str(props.get('protocol') or '').lower()
        if ports != (None, None) and not protocol:
            yield 'port_range_min and port_range_max need a protocol.'
        if protocol in ('tcp', 'udp', '6', '17') and None in ports and ports != (None, None):
            yield 'A range of TCP or UDP ports needs both port_range_min and port_range_max.'
        low, high = ports
        if isinstance(low, int) and isinstance(high, int) and low > high and protocol in ('tcp', 'udp'):
            yield 'port_range_min must not be above port_range_max.'

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        mine = facts(body)
        return Adopt(self.path, 'security_group_rules', lambda found: facts(found) == mine,
                     {'security_group_id': body['security_group_id']})
