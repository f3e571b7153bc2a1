"""AWS::EC2::SecurityGroup: a security group in the words of CloudFormation.

Purpose: the table, and its rules in the words of OS::Neutron::SecurityGroup.
Invariant: -1 means any protocol, port, type or code, as there. Neighbours:
``openstack.neutron.security_group`` keeps the rules as they are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Find
from heat.resources.aws.parts import maps, own_tags
from heat.resources.aws.translated import Translated
from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron import security_group
from heat.schema import IN_PLACE, List, Map, Property, String

LISTS = {'SecurityGroupIngress': 'ingress', 'SecurityGroupEgress': 'egress'}


def _rules(description: str) -> Property:
    return List(description, wire=None, update=IN_PLACE, of=Map(keys={
        'CidrIp': String('Other side: this block.'),
        'CidrIpv6': String('Other side: this block of version 6.', check='net_cidr', own=True),
        'Description': String('What it is for.', own=True),
        'FromPort': String('First port, or ICMP type; -1 for any.'),
        'ToPort': String('Last port, or ICMP code; -1 for any.'),
        'IpProtocol': String('Protocol by name or number; -1 for any.'),
        'SourceSecurityGroupId': String('Other side: members of the group with this id.'),
        'SourceSecurityGroupName': String('Other side: members of the group with this name or id.'),
        'SourceSecurityGroupOwnerId': String('Not implemented.', implemented=False)}))


def neutral(given: Mapping[str, Any], direction: str) -> dict[str, Any]:
    """One rule in the words of OS::Neutron::SecurityGroup; a source named is still a name."""
    protocol = str(given.get('IpProtocol') or '-1').lower()
    rule: dict[str, Any] = {'direction': direction}
    if protocol != '-1':
        rule['protocol'] = protocol
        for name, word in (('FromPort', 'port_range_min'), ('ToPort', 'port_range_max')):
            if given.get(name) not in (None, '', '-1'):
                rule[word] = given[name]
    source = given.get('SourceSecurityGroupId') or given.get('SourceSecurityGroupName')
    if source:
        rule.update(remote_mode='remote_group_id', remote_group_id=source)
    elif block := given.get('CidrIp') or given.get('CidrIpv6'):
        rule['remote_ip_prefix'] = block
        rule['ethertype'] = 'IPv6' if ':' in block else 'IPv4'
    if given.get('Description'):
        rule['description'] = given['Description']
    return rule


class SecurityGroup(Translated):
    """A set of rules for what may reach an instance and leave it."""

    type = 'AWS::EC2::SecurityGroup'
    of = security_group.SecurityGroup
    service = None
    tags_in = 'Tags'

    class properties:
        GroupDescription = String('Description.', required=True, wire='description')
        GroupName = String('Name; by default one that nobody has.', wire='name', own=True)
        VpcId = String('VPC it belongs to; here a group serves all networks of its project.', wire=None)
        SecurityGroupIngress = _rules('What may come in.')
        SecurityGroupEgress = _rules('What may go out; by default everything.')
        Tags = own_tags()

    @classmethod
    def said(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        rules = [neutral(rule, direction) for name, direction in LISTS.items()
                 for rule in maps(props.get(name))]
        return {**super().said(props), 'rules': rules}

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        for name in LISTS:
            rules = props.get(name)
            for place, rule in enumerate(rules if isinstance(rules, list) else ()):
                if not isinstance(rule, Mapping):
                    continue
                given = [one for one in ('CidrIp', 'CidrIpv6', 'SourceSecurityGroupId',
                                         'SourceSecurityGroupName')
                         if rule.get(one) is not None]
                if len(given) > 1:
                    yield (f'{name}[{place}]: Cannot define the following properties at the same time: '
                           f'{", ".join(given)}.')
        yield from super().validate(props)

    def create(self) -> Steps:
        self.inner.props = yield from self._with_ids(self.inner.props)
        return (yield from super().create())

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        now = yield from self._with_ids(self.inner.props)
        return (yield from self.change(self.words(diff.old), now))

    def _with_ids(self, words: dict[str, Any]) -> Steps:
        """``words`` with the ids of the groups that the rules name."""
        found = []
        for rule in words['rules']:
            if rule.get('remote_group_id'):
                identity = yield Find('neutron.security_group', rule['remote_group_id'])
                rule = {**rule, 'remote_group_id': identity}
            found.append(rule)
        return {**words, 'rules': found}
