"""Shared file systems: shares, the networks they are reached from, their types, directory services.

Purpose: OS::Manila::Share, ShareNetwork, ShareType and SecurityService. Invariant: access
rules are compared by meaning, since only what the service lists has an id; a broken share
is told in the words that the service keeps for its user.
Neighbours: ``rest`` has the common verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from heat.model.op import Adopt, Call, CloudFault, Find, Poll, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import made_since, once
from heat.resources.openstack.metadata import text_values
from heat.resources.rest import Rest
from heat.schema import (
    IN_PLACE,
    UNKNOWN,
    Attr,
    Boolean,
    Integer,
    List,
    Map,
    String,
    Support,
    hidden,
    requires,
)

SINCE = Support(version='5.0.0')
LEVEL = 'rw'


class Manila(Rest):
    """A row of a collection of the share service."""

    service = 'share'
    support = SINCE
    survives_failure = True

    def adopt(self, body: dict[str, Any]) -> Adopt:
        name, recent = body['name'], made_since(self, 'created_at')
        return Adopt(self.list_path or self.path, self.plural or f'{self.key}s',
                     lambda found: found.get('name') == name and recent(found), {'name': name})

    def body_of_update(self, changes: dict[str, Any]) -> dict[str, Any]:
        changes = super().body_of_update(changes)
        return {name: '' if value is None else value for name, value in changes.items()}

    def check(self) -> Steps:
        return (yield from super().check()) if self.ready else (yield self.get())


class SecurityService(Manila):
    """A directory service that knows the users of shares."""

    type = 'OS::Manila::SecurityService'
    path, key, list_path = '/security-services', 'security_service', '/security-services/detail'

    class properties:
        name = String('Name.', update=IN_PLACE)
        type_ = String('Kind of directory.', required=True, values=['ldap', 'kerberos', 'active_directory'])
        dns_ip = String('Address of the name server that the project\'s network uses.', update=IN_PLACE)
        server = String('Address or name of the directory\'s host.', update=IN_PLACE)
        domain = String('Domain.', update=IN_PLACE)
        user = String('User or group that the project is.', update=IN_PLACE)
        password = String('The user\'s password.', update=IN_PLACE, secret=True)
        description = String('Description.', update=IN_PLACE)


def _of_subnet(key: str) -> Any:
    """From the share network's only subnet, or from the network itself where releases differ."""
    def value(body: Mapping[str, Any]) -> Any:
        subnets = body.get('share_network_subnets') or [body]
        return subnets[0].get(key)
    return value


class ShareNetwork(Manila):
    """A network that shares are reached from, with the directories that know its users."""

    type = 'OS::Manila::ShareNetwork'
    path, key, list_path = '/share-networks', 'share_network', '/share-networks/detail'

    class properties:
        name = String('Name.', update=IN_PLACE)
        neutron_network = String('Network.', is_a='neutron.network', wire='neutron_net_id', update=IN_PLACE)
        neutron_subnet = String('Subnet; alone, it says the network as well.', is_a='neutron.subnet',
                                wire='neutron_subnet_id', update=IN_PLACE)
        nova_network = String('A network of compute, which it no longer has.', wire=None, update=IN_PLACE,
                              support=hidden('21.0.0'))
        description = String('Description.', update=IN_PLACE)
        security_services = List('Directory services by name or id.', of=String(), default=[], wire=None,
                                 update=IN_PLACE)
        both = requires('neutron_network', 'neutron_subnet')

    class attributes:
        segmentation_id = Attr('Number of the network\'s segment.', 'String',
                               get=_of_subnet('segmentation_id'))
        cidr = Attr('Block of addresses.', 'String', get=_of_subnet('cidr'))
        ip_version = Attr('IP version.', 'String', get=_of_subnet('ip_version'))
        network_type = Attr('How the network is realised.', 'String', get=_of_subnet('network_type'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('nova_network') is not None:
            yield 'nova_network is not supported: use neutron_network and neutron_subnet instead.'

    def create(self) -> Steps:
        body = yield from self._placed(self.body(self.props), self.props)
        answer = yield self.post(body)
        for one in (yield from self._ids(self.props)):
            yield from self._security('add', one)
        return answer

    def _placed(self, body: dict[str, Any], props: Mapping[str, Any]) -> Steps:
        """The request's object with the network of its subnet; the two must fit together."""
        subnet = props.get('neutron_subnet')
        if subnet is None or not {'neutron_subnet_id', 'neutron_net_id'} & set(body):
            return body
        shown = yield Call('network', 'GET', f'/subnets/{subnet}', unwrap='subnet', label='subnet')
        network = props.get('neutron_network') or shown['network_id']
        if network != shown['network_id']:
            raise StepFailed(f'Subnet {subnet} does not belong to network {network}.', 'ValueError')
        return {**body, 'neutron_net_id': network, 'neutron_subnet_id': subnet}

    def _ids(self, props: Mapping[str, Any]) -> Steps:
        found = []
        for one in props.get('security_services') or ():
            found.append((yield Find('manila.security_service', one)))
        return list(dict.fromkeys(found))

    def _security(self, verb: str, one: str) -> Steps:
        """Add or remove a directory service; a refusal passes if it was done before."""
        try:
            yield self.action(f'{verb}_security_service', {'security_service_id': one}, f'{verb} {one}')
        except CloudFault as fault:
            if fault.status < 400 or (one in (yield from self._securities())) != (verb == 'add'):
                raise

    def _securities(self) -> Steps:
        listed = yield Call('share', 'GET', '/security-services', query={'share_network_id': self.id},
                            unwrap='security_services', label='security services')
        return [one['id'] for one in listed]

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = yield from self._placed(self.body_of_update(self.changes(diff)), new)
        if changes:
            yield self.put(changes)
        if 'security_services' not in diff:
            return
        wanted = yield from self._ids(new)
        now = yield from once(self, 'security services', self._securities())
        for one in now:
            if one not in wanted:
                yield from self._security('remove', one)
        for one in wanted:
            if one not in now:
                yield from self._security('add', one)


class ShareType(Manila):
    """A kind of share; only administrators make it."""

    type = 'OS::Manila::ShareType'
    path, key, by_list = '/types', 'share_type', False

    class properties:
        name = String('Name.', required=True)
        is_public = Boolean('Whether all projects may use it.', default=True,
                            wire='share_type_access:is_public')
        driver_handles_share_servers = Boolean('Whether each share network gets servers of its own.',
                                               required=True, wire=None)
        extra_specs = Map('What else a back end must be able to do.', wire=None, update=IN_PLACE)
        snapshot_support = Boolean('Whether its shares can have snapshots.', default=True, wire=None,
                                   support=Support(version='6.0.0'))

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().body(props), 'extra_specs': {
            'driver_handles_share_servers': str(props['driver_handles_share_servers']),
            'snapshot_support': str(props['snapshot_support']),
            **text_values(props.get('extra_specs') or {})}}

    def adopt(self, body: dict[str, Any]) -> Adopt:
        # Names of types are unique, and their lists know no time of making.
        return Adopt(self.path, 'share_types', lambda found: found.get('name') == body['name'],
                     {'is_public': 'all'})

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'extra_specs' not in diff:
            return
        for key in diff.keys_gone('extra_specs'):
            yield Call('share', 'DELETE', self.url(f'/extra_specs/{quote(key, safe="")}'), ok=(404,),
                       label=f'unset {key}')
        if new.get('extra_specs'):
            yield Call('share', 'POST', self.url('/extra_specs'),
                       {'extra_specs': text_values(new['extra_specs'])}, label='extra specs')

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        there = body.get('extra_specs') or {}
        wanted = text_values(self.props.get('extra_specs') or {})
        missing = {name for name, value in wanted.items() if there.get(name) != value}
        return {'extra_specs': {name: there.get(name) for name in wanted}} if missing else {}


class Share(Manila):
    """A file system that many hosts can use at once."""

    type = 'OS::Manila::Share'
    path, key, list_path = '/shares', 'share', '/shares/detail'
    ready = ('available',)
    broken = ('error',)

    class properties:
        share_protocol = String('Protocol.', required=True, wire='share_proto',
                                values=['NFS', 'CIFS', 'GlusterFS', 'HDFS', 'CEPHFS'])
        size = Integer('Size in GB.', required=True)
        snapshot = String('Snapshot to copy from.', is_a='manila.share_snapshot', wire='snapshot_id')
        name = String('Name.', update=IN_PLACE)
        metadata = Map('Key and value pairs.', wire=None, update=IN_PLACE)
        share_network = String('Network it is reached from.', is_a='manila.share_network',
                               wire='share_network_id')
        description = String('Description.', update=IN_PLACE)
        share_type = String('Kind of share.', is_a='manila.share_type')
        is_public = Boolean('Whether all projects see it.', default=False, update=IN_PLACE)
        access_rules = List('Who may use it.', default=[], wire=None, update=IN_PLACE, of=Map(
            access_to=String('Address, user or certificate.', required=True),
            access_type=String('What access_to is.', required=True, values=['ip', 'user', 'cert', 'cephx']),
            access_level=String('Read-only or not; by default not.', values=['ro', 'rw'])))

    class attributes:
        availability_zone = Attr('Where it is.', 'String')
        host = Attr('Host that serves it; shown to administrators.', 'String')
        export_locations = Attr('Where it is mounted from.', 'List')
        share_server_id = Attr('Server of its own that serves it; shown to administrators.', 'String')
        created_at = Attr('When it was made.', 'String')
        status = Attr('Current status.', 'String')
        project_id = Attr('Project that owns it.', 'String')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        rules = props.get('access_rules')
        if not isinstance(rules, list) or not all(isinstance(one, Mapping) for one in rules):
            return
        who = [(one.get('access_type'), one.get('access_to')) for one in rules]
        for one in dict.fromkeys(who):
            if who.count(one) > 1 and UNKNOWN not in one:
                yield f'access_rules has more than one rule for {one[0]} {one[1]}.'

    # -- verbs -----------------------------------------------------------------------------------

    def create(self) -> Steps:
        body = self.body(self.props)
        if self.props.get('metadata'):
            body['metadata'] = text_values(self.props['metadata'])
        yield self.post(body)
        answer = yield from self._built()
        yield from self._let_in(self.props.get('access_rules') or [], [])
        return answer

    def _built(self) -> Steps:
        try:
            return (yield self.until('available'))
        except StepFailed as failed:
            told = yield from self._messages()
            raise StepFailed(f'{failed.message.removesuffix(" due to " + QUOTED)}: {told}' if told
                             else failed.message, failed.kind) from failed

    def _messages(self) -> Steps:
        """What the service tells its user about the share."""
        try:
            listed = yield Call('share', 'GET', '/messages', query={'resource_id': self.id},
                                unwrap='messages', label='messages')
        except CloudFault:
            return ''
        return ' '.join(str(one.get('user_message')) for one in listed or ())

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.body_of_update(self.changes(diff, 'name', 'description', 'is_public'))
        if changes:
            # An update calls them otherwise than a creation does.
            names = {'name': 'display_name', 'description': 'display_description'}
            yield self.put({names.get(name, name): value for name, value in changes.items()})
        if 'metadata' in diff:
            yield Call('share', 'PUT', self.url('/metadata'),
                       {'metadata': text_values(new.get('metadata') or {})}, label='metadata')
        if 'access_rules' in diff:
            now = yield from once(self, 'access rules', self._rules())
            yield from self._let_in(new.get('access_rules') or [], now)

    def _rules(self) -> Steps:
        listed = yield Call('share', 'GET', '/share-access-rules', query={'share_id': self.id},
                            unwrap='access_list', label='access rules')
        return [{'id': one['id'], **_rule(one)} for one in listed]

    def _let_in(self, wanted: list[dict[str, Any]], now: list[dict[str, Any]]) -> Steps:
        """Have exactly the rules ``wanted``; a rule cannot be changed, and two for one user not be."""
        rules = [_rule(one) for one in wanted]
        gone = [one for one in now if {key: one[key] for key in RULE} not in rules]
        for one in gone:
            yield self.action('deny_access', {'access_id': one['id']}, f'deny {one["id"]}', ok=(404,))
        if gone:
            yield self._rules_settled({one['id'] for one in gone})
        there = [{key: one[key] for key in RULE} for one in now]
        new = [one for one in rules if one not in there]
        for one in new:
            yield self._allow(one)
        if new:
            yield self._rules_settled(set())

    def _allow(self, rule: dict[str, Any]) -> Call:
        return Call('share', 'POST', self.url('/action'), {'allow_access': rule}, unwrap='access',
                    label=f'allow {rule["access_type"]} {rule["access_to"]}', adopt=Adopt(
                        '/share-access-rules', 'access_list', lambda found: _rule(found) == rule,
                        {'share_id': self.id}))

    def _rules_settled(self, gone: set[str]) -> Poll:
        """Wait until every rule is in force and those that are ``gone`` are."""
        def judge(listed: dict[str, Any] | None) -> bool | str:
            rules = (listed or {}).get('access_list') or ()
            for one in rules:
                if one.get('state') == 'error':
                    return (f'Access for {one.get("access_type")} {one.get("access_to")} to share {self.id} '
                            'went to status error.')
            return not any(one['id'] in gone for one in rules) and all(
                one.get('state') == 'active' for one in rules)
        return Poll('share', f'/share-access-rules?share_id={self.id}', f'rules-of-{self.id}', judge)

    def action(self, verb: str, body: Any = None, label: str = '', **values: Any) -> Call:
        ok = values.pop('ok', ())
        return Call('share', 'POST', self.url('/action'), {verb: body}, ok=ok, label=label or verb)

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield self.remove()
        try:
            yield self.until_gone()
        except StepFailed as failed:
            told = yield from self._messages()
            raise StepFailed(told or failed.message, failed.kind) from failed

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = super().differences(body)
        wanted = text_values(self.props.get('metadata') or {})
        if wanted and body.get('metadata') != wanted:
            found['metadata'] = body.get('metadata')
        return found

    def read(self, names: tuple[Any, ...]) -> Steps:
        found = yield from super().read(names)
        if 'export_locations' in names:
            found['export_locations'] = yield Call('share', 'GET', self.url('/export_locations'),
                                                   unwrap='export_locations', label='export locations')
        return found


QUOTED = '"Unknown"'
RULE = ('access_type', 'access_to', 'access_level')


def _rule(one: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as it is compared and asked for."""
    return {'access_type': one.get('access_type'), 'access_to': one.get('access_to'),
            'access_level': one.get('access_level') or LEVEL}


MANILA: tuple[type[Resource], ...] = (SecurityService, ShareNetwork, ShareType, Share)
