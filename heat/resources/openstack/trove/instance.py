"""A server with databases.

Purpose: OS::Trove::Instance. Invariant: databases and users are compared by name with what the row
was told before; each change is a call of its own that passes if it was done already.
Neighbours: ``shared`` has what clusters have as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from heat.model.op import Call, CloudFault, StepFailed
from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.rest import named, subnets_of, ways_out
from heat.resources.openstack.trove.shared import (
    BROKEN,
    DONE,
    Trove,
    datastore,
    names,
    network,
    network_faults,
)
from heat.schema import IN_PLACE, UNKNOWN, Attr, Integer, List, Map, String, Support, requires
from heat.template.definition import Definition

USER = r'[a-zA-Z0-9_]+[a-zA-Z0-9_@?#\s]*[a-zA-Z0-9_]+'


def _own_address(body: Mapping[str, Any]) -> Any:
    return next((link['href'] for link in body.get('links') or () if link.get('rel') == 'self'), None)


def _host(body: Mapping[str, Any]) -> Any:
    return body.get('hostname') or next(iter(body.get('ip') or ()), None)


class Instance(Trove):
    """A server with databases."""

    type = 'OS::Trove::Instance'
    support = Support(version='2014.1')
    path, key = '/instances', 'instance'
    ready, broken = DONE, BROKEN
    by_list = False
    gone_by_poll = True

    class properties:
        name = String('Name.', length=(None, 255), update=IN_PLACE)
        flavor = String('Flavor.', required=True, is_a='trove.flavor', wire='flavorRef', update=IN_PLACE)
        size = Integer('Size of its volume in GB.', required=True, range=(1, 150), wire=None, update=IN_PLACE)
        networks = List('Its networks.', default=[], of=network(), wire='nics')
        databases = List('Databases.', default=[], update=IN_PLACE, of=Map(keys={
            'character_set': String('Characters.', default='utf8'),
            'collate': String('Order of characters.', default='utf8_general_ci'),
            'name': String('Name.', required=True, length=(None, 64),
                           pattern=r'[a-zA-Z0-9_\-]+[a-zA-Z0-9_@?#\s\-]*[a-zA-Z0-9_\-]+')}))
        # Their passwords are among what is told of them.
        users = List('Users.', default=[], wire=None, update=IN_PLACE, secret=True, of=Map(keys={
            'name': String('Name.', required=True, length=(None, 16), pattern=USER, update=IN_PLACE),
            'password': String('Password.', required=True, pattern=USER, update=IN_PLACE),
            'host': String('Host that the user may come from.', default='%', update=IN_PLACE),
            'databases': List('Databases that the user may use.', required=True, length=(1, None),
                              of=String(), update=IN_PLACE)}))
        availability_zone = String('Where it is made.')
        restore_point = String('Backup to restore.', wire=None)
        datastore_type = String('Kind of database.', length=(None, 255), wire=None)
        datastore_version = String('Version of the database.', length=(None, 255), wire=None)
        replica_of = String('Server that it copies.', support=Support(version='5.0.0'))
        replica_count = Integer('How many copies.', support=Support(version='5.0.0'))
        version = requires('datastore_version', 'datastore_type')
        copies = requires('replica_count', 'replica_of')

    class attributes:
        hostname = Attr('Name or address.', 'String', get=_host)
        href = Attr('Its address in the API.', 'String', get=_own_address)

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        # The service takes subnets only that a router leads out of.
        networks = named(definition, 'networks')
        return subnets_of(networks, others) | ways_out(others) if networks else frozenset()

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from network_faults(props.get('networks'))
        users, databases = props.get('users'), names(props.get('databases'))
        if props.get('restore_point') is not None or not isinstance(users, list) or databases is None:
            return
        for user in users:
            wanted = user.get('databases') if isinstance(user, Mapping) else None
            for one in wanted if isinstance(wanted, list) else ():
                if one is not UNKNOWN and one not in databases:
                    yield f'Database {one} specified for user does not exist in databases.'

    # -- creation --------------------------------------------------------------------------------

    def create(self) -> Steps:
        yield self.post(self.body(self.props))
        return (yield from self._settled())

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        body['volume'] = {'size': props['size']}
        users = [_user(one) for one in props.get('users') or ()]
        more = {'users': users, 'datastore': datastore(props)}
        if props.get('restore_point') is not None:
            more['restorePoint'] = {'backupRef': props['restore_point']}
        body |= {name: value for name, value in more.items() if value}
        # The service takes an empty list for a wish that it does not fulfil.
        return {name: value for name, value in body.items() if value != []}

    def _settled(self) -> Steps:
        """Wait until it is at rest; what broke is told in the service's words."""
        try:
            return (yield self.until(*DONE))
        except StepFailed as failed:
            try:
                body = yield self.get()
            except CloudFault:
                raise failed from None
            said = (body.get('fault') or {}).get('message')
            if not said:
                raise
            raise StepFailed(f'Went to status {body.get("status")} due to "{said}"', failed.kind) from failed

    # -- updates ---------------------------------------------------------------------------------

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'name' in diff:
            yield Call('database', 'PATCH', self.url(),
                       {'instance': self.body_of_update(self.changes(diff, 'name'))}, label='rename')
        if 'flavor' in diff:
            yield from self._resize('flavor', {'flavorRef': new['flavor']},
                                    lambda body: str((body.get('flavor') or {}).get('id')) == new['flavor'])
        if 'size' in diff:
            before = diff.old.get('size')
            if before is not None and new['size'] < before:
                raise StepFailed('Shrinking the volume of a database is not supported.', 'NotSupported')
            yield from self._resize('volume', {'volume': {'size': new['size']}},
                                    lambda body: (body.get('volume') or {}).get('size') == new['size'])
        if 'databases' in diff:
            yield from self._databases(diff)
        if 'users' in diff:
            yield from self._users(diff)

    def _resize(self, what: str, wanted: dict[str, Any], done: Any) -> Steps:
        try:
            yield self.action('resize', wanted, f'resize {what}')
        except CloudFault as fault:
            # Done before, by a call whose answer was lost.
            if fault.status not in (400, 422) or not done((yield self.get())):
                raise
        yield from self._settled()

    def _databases(self, diff: Diff) -> Steps:
        old, new = _by_name(diff.old.get('databases')), _by_name(diff.new.get('databases'))
        for name in old:
            if name not in new:
                yield self._gone(f'/databases/{quote(name, safe="")}', f'drop {name}')
        # What stands under its name stays as it was made.
        made = [one for name, one in new.items() if name not in old]
        if made:
            yield Call('database', 'POST', self.url('/databases'), {'databases': made}, ok=(409,),
                       label='databases')

    def _users(self, diff: Diff) -> Steps:
        old, new = _by_name(diff.old.get('users')), _by_name(diff.new.get('users'))
        for name in old:
            if name not in new:
                yield self._gone(_at(old[name]), f'drop user {name}')
        for name, wanted in new.items():
            if name not in old:
                yield Call('database', 'POST', self.url('/users'), {'users': [_user(wanted)]}, ok=(409,),
                           label=f'user {name}')
            elif wanted != old[name]:
                yield from self._change(old[name], wanted)

    def _change(self, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Steps:
        changed = {key: wanted[key] for key in ('password', 'host') if wanted[key] != before[key]}
        if changed:
            # Where the host was changed by a call whose answer was lost, nobody is at the old one.
            yield Call('database', 'PUT', self.url(_at(before)), {'user': changed}, ok=(404,),
                       label=f'change user {wanted["name"]}')
        had, has = before['databases'], wanted['databases']
        for one in had:
            if one not in has:
                yield self._gone(f'{_at(wanted)}/databases/{quote(one, safe="")}', f'revoke {one}')
        granted = [{'name': one} for one in has if one not in had]
        if granted:
            yield Call('database', 'PUT', self.url(f'{_at(wanted)}/databases'), {'databases': granted},
                       label=f'grant {wanted["name"]}')

    def _gone(self, path: str, label: str) -> Call:
        return Call('database', 'DELETE', self.url(path), ok=(404,), label=label)

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        flavor, size = (body.get('flavor') or {}).get('id'), (body.get('volume') or {}).get('size')
        for name, there in (('flavor', flavor), ('size', size), ('name', body.get('name'))):
            wanted = self.props.get(name)
            if wanted is not None and there is not None and str(wanted) != str(there):
                found[name] = there
        return found


def _user(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, 'databases': [{'name': name} for name in one.get('databases') or ()]}


def _by_name(things: Any) -> dict[str, dict[str, Any]]:
    return {one['name']: one for one in things or ()}


def _at(user: Mapping[str, Any]) -> str:
    """Where a user is; one that may come from everywhere goes by the name alone."""
    host = user.get('host') or '%'
    whole = user['name'] if host == '%' else f'{user["name"]}@{host}'
    return f'/users/{quote(whole, safe="")}'
