"""Key pairs of compute.

Purpose: OS::Nova::KeyPair. Invariant: a private key is kept only where
save_private_key says so, and then encrypted with the row's private data; a
generated pair whose answer was lost is made anew, for its private half is gone.
Neighbours: ``rest`` has the common verbs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from heat.model.op import Adopt, NeedsReplacement
from heat.resources.base import Steps
from heat.resources.openstack.journal import made_since
from heat.resources.rest import NamedOnce
from heat.schema import Attr, Boolean, String, Support


class KeyPair(NamedOnce):
    """A key pair that a server's user logs in with."""

    type = 'OS::Nova::KeyPair'
    support = Support(version='2014.1')
    service, path, key = 'compute', '/os-keypairs', 'keypair'
    id_key = 'name'

    class properties:
        name = String('Name.', required=True, length=(1, 255))
        save_private_key = Boolean('Whether a generated private key is kept.', default=False, wire=None)
        public_key = String('The public key; without it a pair is generated.')
        type_ = String('Kind of key.', values=['ssh', 'x509'], support=Support(version='8.0.0'))
        user = String('User who owns it; only administrators may name another.', is_a='keystone.user',
                      wire='user_id', support=Support(version='9.0.0'))

    class attributes:
        public_key = Attr('The public key.', 'String')
        private_key = Attr('The private key, if it was saved.', 'String', live=True)

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{quote(self.id, safe="")}{tail}{self._whose()}'

    def _whose(self) -> str:
        # Kept when it was made: the property may be a name, and is looked up for a creation only.
        user = self.row.data.get('user_id')
        return f'?user_id={user}' if user else ''

    def adopt(self, body: dict[str, Any]) -> Adopt:
        given, recent = body.get('public_key'), made_since(self, 'created_at')

        def ours(found: dict[str, Any]) -> bool:
            if given:
                return str(found.get('public_key')).strip() == given.strip()
            return recent(found)
        return Adopt(f'{self.path}/{quote(body["name"], safe="")}{self._whose()}', 'keypair', ours)

    def create(self) -> Steps:
        body = self.body(self.props)
        if body.get('user_id'):
            yield self.keep(user_id=body['user_id'])
        answer = yield self.post(body)
        if not body.get('public_key'):
            if not answer.get('private_key'):
                yield self.remove()
                answer = yield self.post(body, 'create again')
            if self.props.get('save_private_key'):
                yield self.keep(private_key=answer.get('private_key'))
        return {name: value for name, value in answer.items() if name != 'private_key'}

    def restore(self) -> Steps:
        if not self.props.get('public_key'):
            # Nobody has the private key of a generated pair any more.
            raise NeedsReplacement
        yield from super().restore()

    def check(self) -> Steps:
        return (yield self.get())

    def read(self, names: tuple[Any, ...]) -> Steps:
        found = yield from super().read(names)
        if 'private_key' in found:
            # Empty, not null, where it was not saved: templates put it into text.
            found['private_key'] = self.row.data.get('private_key') or ''
        return found
