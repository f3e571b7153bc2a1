"""From a name or id to an id, and whether it exists: the constraints called ``is_a``.

Purpose: one table row per kind of thing a property may name. Invariant: an id is
returned as it is if it exists; a name must stand for exactly one thing; what was
found is remembered for a moment, and longer only where the operator says so, since the
next thing may have the same name; what was not found, never. Neighbours: validation
and property translation ask through ``performer``; messages go to users.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from heat.clouds import rest
from heat.clouds.credential import Credential
from heat.clouds.session import Connection, Sessions
from heat.common import errors
from heat.common.clock import Clock
from heat.model import op

_ID = re.compile(r'^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$', re.IGNORECASE)
REMEMBERED = 20_000
# Seconds: one look serves all members of a group.
MOMENT = 5.0
# Names per query of the network service; longer URLs are cut by some proxies.
BATCH = 50


class NoMatch(errors.EntityNotFound):
    """Nothing has this name or id; the sentence is in the words of the service's kind."""

    msg_fmt = '%(text)s'

    def __init__(self, text: str, entity: str, name: str) -> None:
        super().__init__(text=text, entity=entity, name=name)

    def to_wire(self) -> dict[str, Any]:
        # The other side of the bus knows the common class; the sentence travels along.
        return {**super().to_wire(), 'class': 'EntityNotFound'}


@dataclass(frozen=True, slots=True)
class Noun:
    """How one kind is looked up.

    ``path`` lists it under ``many``; ``path``/<id> shows it under ``one`` (None:
    there is nothing to show by id). ``by_name`` tells how a name is found: 'query'
    (the list takes name=), 'batch' (many names and ids at once), 'list' (the
    whole list is read), 'never' (only ids), 'address' (only URLs that end in an id).
    ``id`` and ``name`` are members of an object. ``missing`` is the sentence for
    nothing, ``ambiguous`` for several.
    """

    service: str
    path: str
    many: str
    one: str | None
    entity: str
    by_name: str = 'query'
    id: str = 'id'
    name: str = 'name'
    missing: str = 'The {entity} ({value}) could not be found.'
    ambiguous: str = 'Multiple physical resources were found with name ({value}).'
    query: dict[str, Any] = field(default_factory=dict)


def _network(path: str, entity: str, many: str = '', name: str = 'name') -> Noun:
    many = many or path.replace('-', '_').rpartition('/')[2]
    return Noun(
        'network',
        f'/{path}',
        many,
        None,
        entity,
        'batch',
        name=name,
        missing="Unable to find {entity} with name or id '{value}'",
    )


def _balancer(path: str, one: str, entity: str = '', id: str = 'id') -> Noun:
    return Noun(
        'load-balancer',
        f'/lbaas/{path}',
        one.removesuffix('y') + 'ies' if one.endswith('y') else f'{one}s',
        one,
        entity or one,
        id=id,
        missing='Unable to find {entity} with name or id {value}',
    )


def _identity(path: str, one: str, entity: str, by_name: str = 'query') -> Noun:
    return Noun('identity', f'/{path}', path, one, entity, by_name)


def _kept(path: str, entity: str) -> Noun:
    return Noun('key-manager', f'/{path}', path, '', entity, 'address')


KINDS: dict[str, Noun] = {
    'neutron.network': _network('networks', 'network'),
    'neutron.subnet': _network('subnets', 'subnet'),
    'neutron.port': _network('ports', 'port'),
    'neutron.router': _network('routers', 'router'),
    'neutron.security_group': _network('security-groups', 'security_group'),
    'neutron.qos_policy': _network('qos/policies', 'policy', 'policies'),
    'neutron.subnetpool': _network('subnetpools', 'subnetpool'),
    'neutron.address_scope': _network('address-scopes', 'address_scope'),
    'neutron.floatingip': _network('floatingips', 'floatingip', name='floating_ip_address'),
    'neutron.segment': Noun(
        'network', '/segments', 'segments', None, 'Segment', 'batch', missing='No Segment found for {value}'
    ),
    'neutron.port_pair': _network('sfc/port_pairs', 'port_pair'),
    'neutron.port_pair_group': _network('sfc/port_pair_groups', 'port_pair_group'),
    'neutron.flow_classifier': _network('sfc/flow_classifiers', 'flow_classifier'),
    'neutron.taas.tap_service': _network('taas/tap_services', 'tap_service'),
    'nova.flavor': Noun(
        'compute',
        '/flavors',
        'flavors',
        'flavor',
        'Flavor',
        'list',
        missing="No Flavor matching {{'name': '{value}'}}.",
    ),
    'nova.keypair': Noun('compute', '/os-keypairs', 'keypairs', 'keypair', 'Key', 'never', id='name'),
    'nova.server': Noun('compute', '/servers', 'servers', 'server', 'Server', 'never'),
    'nova.host': Noun(
        'compute',
        '/os-services',
        'services',
        None,
        'Host',
        'list',
        id='host',
        name='host',
        query={'binary': 'nova-compute'},
    ),
    'glance.image': Noun(
        'image',
        '/images',
        'images',
        '',
        'images',
        missing="No {entity} matching {{'name': '{value}'}}.",
        ambiguous="No {entity} unique match found for {{'name': '{value}'}}.",
    ),
    'cinder.volume': Noun('volumev3', '/volumes', 'volumes', 'volume', 'Volume', 'never'),
    'cinder.snapshot': Noun('volumev3', '/snapshots', 'snapshots', 'snapshot', 'VolumeSnapshot', 'never'),
    'cinder.backup': Noun('volumev3', '/backups', 'backups', 'backup', 'Volume backup', 'never'),
    'cinder.vtype': Noun('volumev3', '/types', 'volume_types', 'volume_type', 'VolumeType', 'list'),
    'cinder.qos_specs': Noun('volumev3', '/qos-specs', 'qos_specs', 'qos_specs', 'QoSSpecs', 'list'),
    'keystone.user': _identity('users', 'user', 'KeystoneUser'),
    'keystone.project': _identity('projects', 'project', 'KeystoneProject'),
    'keystone.role': _identity('roles', 'role', 'KeystoneRole'),
    'keystone.domain': _identity('domains', 'domain', 'KeystoneDomain'),
    'keystone.group': _identity('groups', 'group', 'KeystoneGroup'),
    'keystone.region': _identity('regions', 'region', 'KeystoneRegion', 'never'),
    'keystone.service': Noun(
        'identity',
        '/services',
        'services',
        'service',
        'KeystoneService',
        ambiguous='Keystone has more than one service with same name {value}. Please '
        'use service id instead of name',
    ),
    'octavia.loadbalancer': _balancer('loadbalancers', 'loadbalancer'),
    'octavia.listener': _balancer('listeners', 'listener'),
    'octavia.pool': _balancer('pools', 'pool'),
    'octavia.l7policy': _balancer('l7policies', 'l7policy'),
    'octavia.flavor': _balancer('flavors', 'flavor'),
    'octavia.flavorprofile': _balancer('flavorprofiles', 'flavorprofile'),
    'octavia.availabilityzone': _balancer(
        'availabilityzones', 'availability_zone', 'availabilityzone', id='name'
    ),
    'octavia.availabilityzoneprofile': _balancer(
        'availabilityzoneprofiles', 'availability_zone_profile', 'availabilityzoneprofile'
    ),
    'designate.zone': Noun('dns', '/zones', 'zones', '', 'Zone'),
    'mistral.workflow': Noun('workflow', '/workflows', 'workflows', '', 'Workflow', 'never'),
    'barbican.secret': _kept('secrets', 'Secret'),
    'barbican.container': _kept('containers', 'SecretContainer'),
    # These would be shown by their names as well, which their services do not take for an id.
    'magnum.cluster_template': Noun(
        'container-infra', '/clustertemplates', 'clustertemplates', None, 'ClusterTemplate', 'list', id='uuid'
    ),
    'ironic.node': Noun(
        'baremetal', '/nodes', 'nodes', None, 'Node', 'list', id='uuid', query={'fields': 'uuid,name'}
    ),
    'ironic.portgroup': Noun(
        'baremetal',
        '/portgroups',
        'portgroups',
        None,
        'PortGroup',
        'list',
        id='uuid',
        query={'fields': 'uuid,name'},
    ),
    'trove.flavor': Noun('database', '/flavors', 'flavors', 'flavor', 'Flavor', 'list'),
    'manila.share_network': Noun(
        'share', '/share-networks', 'share_networks', 'share_network', 'ShareNetwork'
    ),
    'manila.share_snapshot': Noun('share', '/snapshots', 'snapshots', 'snapshot', 'ShareSnapshot'),
    'manila.security_service': Noun(
        'share', '/security-services', 'security_services', 'security_service', 'SecurityService'
    ),
    'manila.share_type': Noun('share', '/types', 'share_types', 'share_type', 'ShareType', 'list'),
}


class UnknownKindError(Exception):
    """A property names a kind that is no row here; a defect in a resource type."""


class Finder:
    """Lookups for all credentials, remembered for MOMENT, or as ``[cache] enabled`` and its sections say."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        conf = sessions.conf
        self._ttl = self._seconds(conf.cache.enabled, conf.resource_finder_cache)
        self._ttl_of_checks = self._seconds(conf.cache.enabled, conf.constraint_validation_cache)
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, Any, str], tuple[float, str]] = OrderedDict()
        # id -> what it was found for
        self._keys: defaultdict[str, set[tuple[str, Any, str]]] = defaultdict(set)

    @staticmethod
    def _seconds(enabled: bool, options: Any) -> float:
        if not enabled:
            return MOMENT
        return float(options.expiration_time) if options.caching else 0.0

    def find(self, credential: Credential, kind: str, value: str, *, check: bool = False) -> str:
        """The id of ``value``. Raises NoMatch, PhysicalResourceNameAmbiguity and its kin, CloudFault.

        ``check``: it is asked only whether there is such a thing.
        """
        result = self.find_many(credential, kind, [value], check=check)[value]
        if isinstance(result, errors.HeatException):
            raise result
        return result

    def find_many(
        self, credential: Credential, kind: str, values: Iterable[str], *, check: bool = False
    ) -> dict[str, str | errors.HeatException]:
        """For each value its id, or the error that ``find`` raises; CloudFault if nothing can be told."""
        noun = KINDS.get(kind)
        if noun is None:
            raise UnknownKindError(f'Nothing is known of {kind}.')
        found: dict[str, str | errors.HeatException] = {}
        asked: list[str] = []
        for value in dict.fromkeys(values):
            known = self._recall(credential, kind, value, self._ttl_of_checks if check else self._ttl)
            if known is None:
                asked.append(value)
            else:
                found[value] = known
        if asked:
            connection = self._sessions.for_credential(credential)
            for value, result in self._ask(connection, noun, asked).items():
                found[value] = result
                if isinstance(result, str):
                    self._remember(credential, kind, value, result)
        return found

    def forget(self, path: str) -> None:
        """Ask again for what has its id in ``path``, because it was changed or deleted there."""
        with self._lock:
            for part in path.partition('?')[0].split('/'):
                for key in self._keys.pop(part, ()):
                    self._found.pop(key, None)

    def _recall(self, credential: Credential, kind: str, value: str, seconds: float) -> str | None:
        with self._lock:
            entry = self._found.get((kind, _who(credential), value))
            return entry[1] if entry and self._clock.monotonic() - entry[0] < seconds else None

    def _remember(self, credential: Credential, kind: str, value: str, item_id: str) -> None:
        if not (self._ttl or self._ttl_of_checks):
            return
        key = kind, _who(credential), value
        with self._lock:
            self._drop(key)
            self._found[key] = (self._clock.monotonic(), item_id)
            self._keys[item_id].add(key)
            while len(self._found) > REMEMBERED:
                self._drop(next(iter(self._found)))

    def _drop(self, key: tuple[str, Any, str]) -> None:
        entry = self._found.pop(key, None)
        if entry is not None:
            self._keys[entry[1]].discard(key)
            if not self._keys[entry[1]]:
                del self._keys[entry[1]]

    def _ask(self, connection: Connection, noun: Noun, values: list[str]) -> dict[str, Any]:
        if noun.by_name == 'batch':
            return _ask_batch(connection, noun, values)
        result: dict[str, Any] = {}
        for value in values:
            # An unlikely id is first looked for by name where names exist.
            likely = noun.by_name in ('never', 'list', 'address') or _ID.match(value) is not None
            by_id = noun.one is not None and likely
            if by_id and _show(connection, noun, value):
                result[value] = value
        rest_of = [value for value in values if value not in result]
        if not rest_of:
            return result
        if noun.by_name in ('never', 'address'):
            return {**result, **{value: _missing(noun, value) for value in rest_of}}
        if noun.by_name == 'list':
            items = [
                item
                for page in rest.pages(connection, noun.service, noun.path, noun.many, noun.query)
                for item in page
            ]
            return {**result, **{value: _one_of(noun, value, items) for value in rest_of}}
        for value in rest_of:
            query = {**noun.query, 'name': value}
            items = [
                item
                for page in rest.pages(connection, noun.service, noun.path, noun.many, query)
                for item in page
            ]
            result[value] = _one_of(noun, value, items)
            if (
                isinstance(result[value], NoMatch)
                and noun.one is not None
                and not _ID.match(value)
                and _show(connection, noun, value)
            ):
                result[value] = value
        return result


def _who(credential: Credential) -> Any:
    # The project sees the same things whatever credential it comes with; others are kept apart.
    if not credential.project_id:
        return credential
    return credential.project_id, credential.user_id, credential.region


def _ask_batch(connection: Connection, noun: Noun, values: list[str]) -> dict[str, Any]:
    """Names and ids, ``BATCH`` to a request, by repeated query parameters."""
    items: list[dict[str, Any]] = []
    ids = [value for value in values if _ID.match(value)]
    for member, wanted in (('id', ids), (noun.name, [value for value in values if value not in ids])):
        for start in range(0, len(wanted), BATCH):
            query = {member: wanted[start : start + BATCH], 'fields': ['id', noun.name]}
            for page in rest.pages(connection, noun.service, noun.path, noun.many, query):
                items.extend(page)
    result = {value: _one_of(noun, value, items) for value in values}
    # A name may look like an id.
    for value in ids:
        if isinstance(result[value], NoMatch):
            query = {noun.name: [value], 'fields': ['id', noun.name]}
            named = [
                item
                for page in rest.pages(connection, noun.service, noun.path, noun.many, query)
                for item in page
            ]
            result[value] = _one_of(noun, value, named)
    return result


def _show(connection: Connection, noun: Noun, value: str) -> bool:
    """True if there is an object with exactly this id, or at this address."""
    if noun.by_name == 'address':
        # The host in it is wrong behind many proxies.
        place, _, value = value.rstrip('/').rpartition('/')
        if not place.endswith(noun.path):
            return False
    try:
        # 400: no syntax for an id there, so there is none.
        return (
            rest.perform(
                connection,
                op.Call(noun.service, 'GET', f'{noun.path}/{quote(value, safe="")}', ok=(400, 404)),
            )
            is not None
        )
    except op.CloudFault as exc:
        # Ordinary users may list by name what they may not show.
        if exc.status == 403 and noun.by_name not in ('never', 'address'):
            return False
        raise


def _one_of(noun: Noun, value: str, items: list[dict[str, Any]]) -> str | errors.HeatException:
    by_id = [item for item in items if str(item.get(noun.id)) == value]
    matches = by_id or [item for item in items if item.get(noun.name) == value]
    ids = {str(item[noun.id]) for item in matches}
    if len(ids) == 1:
        return ids.pop()
    return _ambiguous(noun, value) if ids else _missing(noun, value)


def _missing(noun: Noun, value: str) -> NoMatch:
    return NoMatch(noun.missing.format(entity=noun.entity, value=value), noun.entity, value)


def _ambiguous(noun: Noun, value: str) -> errors.HeatException:
    if noun.service == 'image':
        return errors.EntityUniqueMatchNotFound(entity=noun.entity, args={'name': value})
    if noun.entity == 'KeystoneService':
        return errors.KeystoneServiceNameConflict(service=value)
    return errors.PhysicalResourceNameAmbiguity(name=value)


def constraint_message(value: Any, error: Exception) -> str:
    """The sentence of a property whose value fails its ``is_a``."""
    return f"Error validating value '{value}': {error}"
