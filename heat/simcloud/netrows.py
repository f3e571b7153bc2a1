"""What all network kinds share: attributes, visibility, filters, fields, paging.

Purpose: one table of attributes per kind, and the generic list/show/body code
over it. Invariant: an attribute which a kind does not know is refused, never
ignored. Neighbours: ``network``, ``ports``, ``routers``, ``secgroups``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row, next_link, page
from heat.simcloud.stamps import iso


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: wire noun, what its 404 is called, attributes of POST with defaults, those of PUT."""

    noun: str
    missing: str
    post: dict[str, Any]
    put: tuple[str, ...]

    @property
    def plural(self) -> str:
        return f'{self.noun}s'

    @property
    def table(self) -> str:
        return self.plural.replace('-', '_')


COMMON = ('name', 'description')
KINDS: dict[str, Kind] = {
    kind.table: kind
    for kind in (
        Kind(
            'network',
            'NetworkNotFound',
            {
                'name': '',
                'admin_state_up': True,
                'shared': False,
                'router:external': False,
                'mtu': 1450,
                'port_security_enabled': True,
                'availability_zone_hints': [],
                'dns_domain': '',
                'description': '',
                'provider:network_type': None,
                'provider:physical_network': None,
                'provider:segmentation_id': None,
                'is_default': False,
                'vlan_transparent': None,
            },
            (
                *COMMON,
                'admin_state_up',
                'shared',
                'router:external',
                'mtu',
                'port_security_enabled',
                'dns_domain',
                'is_default',
            ),
        ),
        Kind(
            'subnet',
            'SubnetNotFound',
            {
                'name': '',
                'network_id': None,
                'cidr': None,
                'ip_version': 4,
                'gateway_ip': '',
                'enable_dhcp': True,
                'allocation_pools': None,
                'dns_nameservers': [],
                'host_routes': [],
                'ipv6_ra_mode': None,
                'ipv6_address_mode': None,
                'description': '',
                'service_types': [],
                'dns_publish_fixed_ip': False,
            },
            (
                *COMMON,
                'gateway_ip',
                'enable_dhcp',
                'allocation_pools',
                'dns_nameservers',
                'host_routes',
                'service_types',
                'dns_publish_fixed_ip',
            ),
        ),
        Kind(
            'port',
            'PortNotFound',
            {
                'name': '',
                'network_id': None,
                'admin_state_up': True,
                'mac_address': None,
                'fixed_ips': None,
                'device_id': '',
                'device_owner': '',
                'security_groups': None,
                'allowed_address_pairs': [],
                'extra_dhcp_opts': [],
                'description': '',
                'port_security_enabled': None,
                'dns_name': '',
                'dns_domain': '',
                'binding:vnic_type': 'normal',
                'binding:host_id': '',
                'binding:profile': {},
                'propagate_uplink_status': True,
            },
            (
                *COMMON,
                'admin_state_up',
                'fixed_ips',
                'device_id',
                'device_owner',
                'security_groups',
                'dns_domain',
                'allowed_address_pairs',
                'extra_dhcp_opts',
                'port_security_enabled',
                'dns_name',
                'mac_address',
                'binding:vnic_type',
                'binding:host_id',
                'binding:profile',
                'propagate_uplink_status',
            ),
        ),
        Kind(
            'router',
            'RouterNotFound',
            {
                'name': '',
                'admin_state_up': True,
                'external_gateway_info': None,
                'description': '',
                'routes': [],
                'availability_zone_hints': [],
                'distributed': False,
                'ha': False,
                'flavor_id': None,
            },
            (*COMMON, 'admin_state_up', 'external_gateway_info', 'routes', 'distributed', 'ha'),
        ),
        Kind(
            'floatingip',
            'FloatingIPNotFound',
            {
                'floating_network_id': None,
                'port_id': None,
                'fixed_ip_address': None,
                'floating_ip_address': None,
                'subnet_id': None,
                'description': '',
                'dns_name': '',
                'dns_domain': '',
            },
            ('port_id', 'fixed_ip_address', 'description'),
        ),
        Kind(
            'security-group',
            'SecurityGroupNotFound',
            {'name': '', 'description': '', 'stateful': True},
            (*COMMON, 'stateful'),
        ),
        Kind(
            'security-group-rule',
            'SecurityGroupRuleNotFound',
            {
                'security_group_id': None,
                'direction': None,
                'ethertype': 'IPv4',
                'protocol': None,
                'port_range_min': None,
                'port_range_max': None,
                'remote_ip_prefix': None,
                'remote_group_id': None,
                'description': '',
            },
            (),
        ),
    )
}
ADMIN_ONLY = (
    'provider:network_type',
    'provider:physical_network',
    'provider:segmentation_id',
    'binding:host_id',
    'binding:profile',
    'distributed',
    'ha',
)


def body(call: Call, kind: Kind, method: str) -> Row:
    """The checked attributes of a POST or PUT; Fault 400 or 403."""
    noun = kind.noun.replace('-', '_')
    data = call.json()
    wanted = data.get(noun) if isinstance(data, dict) else None
    if not isinstance(wanted, dict):
        raise Fault(400, f"Unable to find '{noun}' in request body", 'HTTPBadRequest')
    wanted = dict(wanted)
    tenant = wanted.pop('tenant_id', None) or wanted.pop('project_id', None)
    wanted.pop('project_id', None)
    unknown = [key for key in wanted if key not in kind.post]
    if unknown:
        raise Fault(400, f"Unrecognized attribute(s) '{', '.join(unknown)}'", 'HTTPBadRequest')
    if method == 'PUT':
        fixed = [key for key in wanted if key not in kind.put]
        if fixed or tenant:
            raise Fault(
                400, f'Cannot update read-only attribute {", ".join(fixed) or "project_id"}', 'HTTPBadRequest'
            )
        return wanted
    if tenant and tenant != call.project:
        call.need_admin(f'create_{noun}')
    wanted['project_id'] = tenant or call.project
    return wanted


def fill(call: Call, kind: Kind, wanted: Row) -> Row:
    """A new row: defaults, ids and times."""
    now = iso(call.now)
    row = {
        **{
            key: value.copy() if isinstance(value, (list, dict)) else value
            for key, value in kind.post.items()
        },
        **wanted,
    }
    row.update(
        id=ids.new_id(),
        tenant_id=row['project_id'],
        created_at=now,
        updated_at=now,
        revision_number=1,
        tags=[],
    )
    return row


def save(call: Call, kind: Kind, row: Row, changes: Row | None = None) -> Row:
    """Store a row that changed, as a new revision."""
    row.update(changes or {})
    row['updated_at'] = iso(call.now)
    row['revision_number'] += 1
    return call.inv.tables[kind.table].put(row)


def visible(call: Call, kind: Kind, row: Row) -> bool:
    if call.admin or row['project_id'] == call.project:
        return True
    if kind.noun == 'network':
        return bool(row['shared'] or row['router:external'])
    if kind.noun == 'subnet':
        network = call.inv.networks.get(row['network_id'])
        return bool(network and network['shared'])
    return False


def found(call: Call, table: str, row_id: Any, owned: bool = False) -> Row:
    """The row the caller may see (``owned``: change). Fault 404 or 403."""
    kind = KINDS[table]
    row = call.inv.tables[table].get(row_id)
    if row is None or not visible(call, kind, row):
        raise Fault(
            404, f'{kind.noun.replace("-", " ").capitalize()} {row_id} could not be found.', kind.missing
        )
    if owned and not call.admin and row['project_id'] != call.project:
        raise Fault(403, 'rule:update is disallowed by policy', 'PolicyNotAuthorized')
    return row


def shown(call: Call, row: Row, extra: Callable[[Call, Row], Row] | None = None) -> Row:
    result = {key: value for key, value in row.items() if not key.startswith('_')}
    if not call.admin:
        for key in ADMIN_ONLY:
            result.pop(key, None)
    if extra is not None:
        result.update(extra(call, row))
    wanted = call.query.getall('fields')
    return {key: value for key, value in result.items() if key in wanted} if wanted else result


RESERVED = {'limit', 'marker', 'sort_key', 'sort_dir', 'fields', 'page_reverse'}


def listing(call: Call, table: str, extra: Callable[[Call, Row], Row] | None = None) -> Reply:
    """List by any attribute; repeated filters are alternatives."""
    kind = KINDS[table]
    rows = _candidates(call, table)
    for key in dict.fromkeys(call.query.keys()):
        if key in RESERVED:
            continue
        values = call.query.getall(key)
        rows = [row for row in rows if _match(row, key, values)]
    rows, marker = page(call, rows)
    noun = kind.plural.replace('-', '_')
    answer: Row = {noun: [shown(call, row, extra) for row in rows]}
    return Reply(200, {**answer, **next_link(call, noun, marker)})


def _candidates(call: Call, table: str) -> list[Row]:
    """The rows the caller may see, narrowed by an index where the filters allow it."""
    rows = call.inv.tables[table]
    for key in ('id', 'device_id', 'network_id', 'security_group_id', 'port_id'):
        values = call.query.getall(key)
        if key == 'id' and values:
            return [row for value in values if (row := rows.get(value)) and visible(call, KINDS[table], row)]
        if len(values) == 1 and rows.has_index(key):
            return [row for row in rows.where(key, values[0]) if visible(call, KINDS[table], row)]
    if call.admin:
        return rows.all()
    if table in ('networks', 'subnets'):
        return [row for row in rows.all() if visible(call, KINDS[table], row)]
    return rows.where('project_id', call.project)


def _match(row: Row, key: str, values: list[str]) -> bool:
    if key == 'fixed_ips':
        pairs = [value.partition('=')[::2] for value in values]
        return any(
            all(str(fixed.get(name)) == text for name, text in pairs) for fixed in row.get('fixed_ips') or []
        )
    if key in ('tags', 'tags-any'):
        found_tags = [tag in row['tags'] for value in values for tag in value.split(',')]
        return all(found_tags) if key == 'tags' else any(found_tags)
    if key not in row:
        raise Fault(400, f"Invalid input for operation: '{key}' is not a filter.", 'HTTPBadRequest')
    value = row[key]
    if isinstance(value, bool):
        return str(value).lower() in [text.lower() for text in values]
    if isinstance(value, list):
        return any(text in value for text in values)
    return ('' if value is None else str(value)) in values


def set_tags(call: Call) -> Reply:
    row, kind = _tagged(call)
    tags = call.json().get('tags')
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Fault(400, 'tags must be a list of strings', 'HTTPBadRequest')
    save(call, kind, row, {'tags': list(dict.fromkeys(tags))})
    return Reply(200, {'tags': row['tags']})


def get_tags(call: Call) -> Reply:
    return Reply(200, {'tags': _tagged(call)[0]['tags']})


def add_tag(call: Call) -> Reply:
    row, kind = _tagged(call)
    if call.args['tag'] not in row['tags']:
        save(call, kind, row, {'tags': [*row['tags'], call.args['tag']]})
    return Reply(201)


def remove_tag(call: Call) -> Reply:
    row, kind = _tagged(call)
    if call.args['tag'] not in row['tags']:
        raise Fault(404, f'Tag {call.args["tag"]} could not be found.', 'TagNotFound')
    save(call, kind, row, {'tags': [tag for tag in row['tags'] if tag != call.args['tag']]})
    return Reply(204)


def clear_tags(call: Call) -> Reply:
    row, kind = _tagged(call)
    save(call, kind, row, {'tags': []})
    return Reply(204)


def _tagged(call: Call) -> tuple[Row, Kind]:
    table = call.args['kind'].replace('-', '_')
    if table not in KINDS:
        raise Fault(404, 'The resource could not be found.', 'HTTPNotFound')
    return found(call, table, call.args['id'], owned=call.request.method != 'GET'), KINDS[table]
