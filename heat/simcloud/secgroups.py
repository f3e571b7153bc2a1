"""Security groups and their rules.

Purpose: groups with Neutron's default rules, one ``default`` group per project
made when first needed. Invariant: a group that a port uses stays. Neighbours:
``ports`` asks for the default group, ``network`` mounts the routes.
"""

from __future__ import annotations

from heat.simcloud.addresses import prefix
from heat.simcloud.netrows import KINDS, body, fill, found, listing, save, shown
from heat.simcloud.routing import Call, Fault, Reply, Row

GROUP, RULE = KINDS['security_groups'], KINDS['security_group_rules']
PROTOCOLS = {
    'ah',
    'dccp',
    'egp',
    'esp',
    'gre',
    'icmp',
    'icmpv6',
    'igmp',
    'ipip',
    'ipv6-encap',
    'ipv6-frag',
    'ipv6-icmp',
    'ipv6-nonxt',
    'ipv6-opts',
    'ipv6-route',
    'ospf',
    'pgm',
    'rsvp',
    'sctp',
    'tcp',
    'udp',
    'udplite',
    'vrrp',
    'any',
}


def with_rules(call: Call, group: Row) -> Row:
    return {
        'security_group_rules': [
            shown_rule(call, rule)
            for rule in call.inv.security_group_rules.where('security_group_id', group['id'])
        ]
    }


def shown_rule(call: Call, rule: Row) -> Row:
    return {key: value for key, value in rule.items() if not key.startswith('_')}


def new_rule(call: Call, group: Row, direction: str, ethertype: str, remote_group: str | None = None) -> None:
    call.inv.security_group_rules.put(
        fill(
            call,
            RULE,
            {
                'security_group_id': group['id'],
                'direction': direction,
                'ethertype': ethertype,
                'remote_group_id': remote_group,
                'project_id': group['project_id'],
            },
        )
    )


def new_group(call: Call, wanted: Row) -> Row:
    group = call.inv.security_groups.put(fill(call, GROUP, wanted))
    for ethertype in ('IPv4', 'IPv6'):
        new_rule(call, group, 'egress', ethertype)
        if group['name'] == 'default':
            new_rule(call, group, 'ingress', ethertype, group['id'])
    return group


def default_group(call: Call, project_id: str) -> Row:
    """The project's ``default`` group, made now if it is not there yet."""
    for group in call.inv.security_groups.where('project_id', project_id):
        if group['name'] == 'default':
            return group
    return new_group(
        call, {'name': 'default', 'description': 'Default security group', 'project_id': project_id}
    )


def list_groups(call: Call) -> Reply:
    if call.project:
        default_group(call, call.project)
    return listing(call, 'security_groups', with_rules)


def create_group(call: Call) -> Reply:
    wanted = body(call, GROUP, 'POST')
    default_group(call, wanted['project_id'])
    if wanted.get('name') == 'default':
        raise Fault(409, 'Default security group already exists.', 'SecurityGroupDefaultAlreadyExists')
    return Reply(201, {'security_group': shown(call, new_group(call, wanted), with_rules)})


def get_group(call: Call) -> Reply:
    return Reply(
        200, {'security_group': shown(call, found(call, 'security_groups', call.args['id']), with_rules)}
    )


def update_group(call: Call) -> Reply:
    group = found(call, 'security_groups', call.args['id'], owned=True)
    wanted = body(call, GROUP, 'PUT')
    if group['name'] == 'default' and wanted.get('name', 'default') != 'default':
        raise Fault(409, 'Updating default security group not allowed.', 'SecurityGroupCannotUpdateDefault')
    save(call, GROUP, group, wanted)
    return Reply(200, {'security_group': shown(call, group, with_rules)})


def delete_group(call: Call) -> Reply:
    group = found(call, 'security_groups', call.args['id'], owned=True)
    if group['name'] == 'default' and not call.admin:
        raise Fault(
            409,
            'Insufficient rights for removing default security group.',
            'SecurityGroupCannotRemoveDefault',
        )
    if any(
        group['id'] in port['security_groups']
        for port in call.inv.ports.where('project_id', group['project_id'])
    ):
        raise Fault(409, f'Security Group {group["id"]} in use.', 'SecurityGroupInUse')
    for rule in call.inv.security_group_rules.where('security_group_id', group['id']):
        call.inv.security_group_rules.drop(rule['id'])
    for rule in call.inv.security_group_rules.where('project_id', group['project_id']):
        if rule['remote_group_id'] == group['id']:
            call.inv.security_group_rules.drop(rule['id'])
    call.inv.security_groups.drop(group['id'])
    return Reply(204)


def create_rule(call: Call) -> Reply:
    wanted = body(call, RULE, 'POST')
    group = found(call, 'security_groups', wanted.get('security_group_id'), owned=True)
    rule = fill(call, RULE, wanted)
    _check_rule(call, rule)
    same = (
        'direction',
        'ethertype',
        'protocol',
        'port_range_min',
        'port_range_max',
        'remote_ip_prefix',
        'remote_group_id',
    )
    for other in call.inv.security_group_rules.where('security_group_id', group['id']):
        if all(other[key] == rule[key] for key in same):
            raise Fault(
                409,
                f'Security group rule already exists. Rule id is {other["id"]}.',
                'SecurityGroupRuleExists',
            )
    call.inv.security_group_rules.put(rule)
    return Reply(201, {'security_group_rule': shown(call, rule)})


def _check_rule(call: Call, rule: Row) -> None:
    if rule['direction'] not in ('ingress', 'egress'):
        raise Fault(
            400,
            f"Invalid input for direction. Reason: '{rule['direction']}' is not in ['ingress', 'egress'].",
            'HTTPBadRequest',
        )
    if rule['ethertype'] not in ('IPv4', 'IPv6'):
        raise Fault(
            400,
            f"Security group rule for ethertype '{rule['ethertype']}' not supported.",
            'SecurityGroupRuleInvalidEtherType',
        )
    protocol = str(rule['protocol']).lower() if rule['protocol'] is not None else None
    if (
        protocol is not None
        and protocol not in PROTOCOLS
        and not (protocol.isdigit() and int(protocol) < 256)
    ):
        raise Fault(
            400, f'Security group rule protocol {protocol} not supported.', 'SecurityGroupRuleInvalidProtocol'
        )
    rule['protocol'] = None if protocol == 'any' else protocol
    if rule['remote_ip_prefix'] and rule['remote_group_id']:
        raise Fault(
            400,
            'Only remote_ip_prefix or remote_group_id may be provided.',
            'SecurityGroupMultipleRemoteAttributes',
        )
    if rule['remote_ip_prefix']:
        version = prefix(rule['remote_ip_prefix']).version
        if (version == 6) != (rule['ethertype'] == 'IPv6'):
            raise Fault(
                400,
                f'Conflicting value ethertype {rule["ethertype"]} for CIDR {rule["remote_ip_prefix"]}',
                'SecurityGroupRuleParameterConflict',
            )
    if rule['remote_group_id']:
        found(call, 'security_groups', rule['remote_group_id'])
    low, high = (
        int(rule[key]) if rule[key] is not None else None for key in ('port_range_min', 'port_range_max')
    )
    rule['port_range_min'], rule['port_range_max'] = low, high
    if (low is not None or high is not None) and protocol in (None, 'any'):
        raise Fault(
            400,
            'Must also specify protocol if port range is given.',
            'SecurityGroupProtocolRequiredWithPorts',
        )
    if (
        (protocol in ('tcp', 'udp', '6', '17')
        and (low is None) != (high is None))
        or (low is not None and high is not None and low > high and protocol in ('tcp', 'udp'))
    ):
        raise Fault(400, 'Invalid range for TCP/UDP ports.', 'SecurityGroupInvalidPortRange')


def list_rules(call: Call) -> Reply:
    if call.project:
        default_group(call, call.project)
    return listing(call, 'security_group_rules')


def get_rule(call: Call) -> Reply:
    return Reply(
        200, {'security_group_rule': shown(call, found(call, 'security_group_rules', call.args['id']))}
    )


def delete_rule(call: Call) -> Reply:
    call.inv.security_group_rules.drop(found(call, 'security_group_rules', call.args['id'], owned=True)['id'])
    return Reply(204)


ROUTES = [
    ('GET', '/v2.0/security-groups', list_groups),
    ('POST', '/v2.0/security-groups', create_group),
    ('GET', '/v2.0/security-groups/{id}', get_group),
    ('PUT', '/v2.0/security-groups/{id}', update_group),
    ('DELETE', '/v2.0/security-groups/{id}', delete_group),
    ('GET', '/v2.0/security-group-rules', list_rules),
    ('POST', '/v2.0/security-group-rules', create_rule),
    ('GET', '/v2.0/security-group-rules/{id}', get_rule),
    ('DELETE', '/v2.0/security-group-rules/{id}', delete_rule),
]
