"""Secrets, orders of secrets and containers of secrets, kept by the key manager.

Purpose: the types OS::Barbican::*. Invariant: a payload goes to the key manager and
to who asks for the attribute that it is; a thing's id is its address (``ref``), and
calls go to the key manager of the catalogue all the same. Neighbours: ``rest`` has
the common verbs; ``clouds.find`` knows what is at an address.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat.model.op import Adopt, Call
from heat.resources.base import Steps
from heat.resources.openstack.journal import made_since
from heat.resources.rest import Rest
from heat.schema import UNKNOWN, Attr, Integer, List, Map, String, Support

SERVICE = 'key-manager'
# As many as a page of a list may have.
PAGE = 100


def id_in(ref: str) -> str:
    return ref.rstrip('/').rpartition('/')[2]


def secret_ref(description: str) -> Any:
    return String(description, check='barbican.secret')


class Kept(Rest):
    """A thing of the key manager, whose physical id is its address."""

    service = SERVICE
    by_list = False
    survives_failure = False
    list_query: ClassVar[str] = 'name'

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{id_in(self.id)}{tail}'

    def named(self, found: Mapping[str, Any]) -> Any:
        """The name of one in a list."""
        return found.get('name')

    def adopt(self, body: dict[str, Any]) -> Adopt:
        name, recent = self.named(body), made_since(self, 'created')
        return Adopt(self.path, self.plural, lambda found: self.named(found) == name and recent(found),
                     {self.list_query: name, 'limit': PAGE})

    def why_broken(self, body: Mapping[str, Any]) -> str:
        said = [str(body[key]) for key in ('error_status_code', 'error_reason') if body.get(key)]
        return ': '.join(said) or super().why_broken(body)

    def payload(self, ref: str, as_given: bool = False) -> Steps:
        """What is in a secret: a text, or base64 of what is none. None if nothing is in it."""
        content = yield Call(SERVICE, 'GET', f'/secrets/{id_in(ref)}/payload', headers={'Accept': '*/*'},
                             ok=(404,), encoded=True, label='payload')
        if content is None or as_given:
            return content
        try:
            return base64.b64decode(content).decode()
        except UnicodeDecodeError:
            return content


class Secret(Kept):
    """A secret: a key, a password, a certificate or anything else that is kept for its project."""

    type = 'OS::Barbican::Secret'
    support = Support(version='2014.2')
    path, plural, id_key, noun = '/secrets', 'secrets', 'secret_ref', 'secret'

    class properties:
        name = String('Name.')
        payload = String('What is kept. It is shown by nothing but the attribute decrypted_payload.',
                         secret=True)
        payload_content_type = String('What the payload is; text/plain if that is not said.',
                                      values=['text/plain', 'application/octet-stream'])
        payload_content_encoding = String('How a payload is written that is no text.', values=['base64'])
        mode = String('Mode of the algorithm that it is a key for.')
        expiration = String('When it expires, in ISO 8601.', check='expiration')
        algorithm = String('Algorithm that it is a key for.')
        bit_length = Integer('Length of the key in bits.', range=(0, None))
        secret_type = String('What it is.', default='opaque', support=Support(version='5.0.0'), values=[
            'symmetric', 'public', 'private', 'certificate', 'passphrase', 'opaque'])

    class attributes:
        status = Attr('Status.', 'String')
        decrypted_payload = Attr('The payload; base64 of one that is no text.', 'String')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        payload, kind = props.get('payload'), props.get('payload_content_type')
        encoding = props.get('payload_content_encoding')
        if kind is not None and payload is None:
            yield 'payload_content_type cannot be specified without payload.'
        if encoding is not None and kind in (None, 'text/plain'):
            yield ('payload_content_encoding property should only be specified for payload_content_type with '
                   'value application/octet-stream.')
        if kind == 'application/octet-stream' and payload is not None and encoding is None:
            yield 'payload_content_type application/octet-stream needs payload_content_encoding base64.'

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        if body.get('payload') is not None:
            body.setdefault('payload_content_type', 'text/plain')
        return body

    def create(self) -> Steps:
        # The answer has nothing but the address: what is read is looked up.
        yield from super().create()

    def read(self, names: tuple[Any, ...]) -> Steps:
        found = yield from super().read(names)
        if 'decrypted_payload' in names:
            encoded = (self.row.props or {}).get('payload_content_encoding') is not None
            found['decrypted_payload'] = yield from self.payload(self.id, as_given=encoded)
        return found


PLAIN = ('name', 'algorithm', 'bit_length', 'mode', 'expiration', 'payload_content_type')
CERTIFICATE = ('name', 'request_type', 'subject_dn', 'source_container_ref', 'ca_id', 'profile',
               'request_data')
OF_TYPE = {'key': PLAIN, 'asymmetric': (*PLAIN, 'pass_phrase'), 'certificate': CERTIFICATE}
IN_CONTAINER = ('certificate', 'intermediates', 'private_key', 'public_key')


class Order(Kept):
    """Has the key manager make a key, a pair of keys or a certificate.

    What was made is deleted with the order.
    """

    type = 'OS::Barbican::Order'
    support = Support(version='2014.2')
    path, plural, id_key, noun = '/orders', 'orders', 'order_ref', 'order'
    ready, broken = ('ACTIVE',), ('ERROR',)
    list_query = 'meta'

    class properties:
        name = String('Name.')
        payload_content_type = String('What the payload will be.')
        mode = String('Mode of the algorithm.')
        expiration = String('When it expires, in ISO 8601.', check='expiration')
        algorithm = String('Algorithm of the key.')
        bit_length = Integer('Length of the key in bits.')
        type = String('What is ordered.', required=True, wire=None, support=Support(version='5.0.0'),
                      values=['key', 'asymmetric', 'certificate'])
        request_type = String('How the certificate is asked for.', support=Support(version='5.0.0'),
                              values=['stored-key', 'simple-cmc', 'custom'])
        subject_dn = String('Subject of the certificate.', support=Support(version='5.0.0'))
        source_container_ref = String('Container with the keys of the certificate.', wire='container_ref',
                                      check='barbican.container', support=Support(version='5.0.0'))
        ca_id = String('Authority that signs the certificate.', support=Support(version='5.0.0'))
        profile = String('Profile of the certificate.', support=Support(version='5.0.0'))
        request_data = String('The request for the certificate.', support=Support(version='5.0.0'))
        pass_phrase = String('What the private key is locked with.', secret=True,
                             support=Support(version='5.0.0'))

    class attributes:
        status = Attr('Status.', 'String')
        order_ref = Attr('Address of the order.', 'String')
        secret_ref = Attr('Address of the secret that was made.', 'String')
        container_ref = Attr('Address of the container with what was made.', 'String',
                             support=Support(version='5.0.0'))
        public_key = Attr('The public key.', 'String', support=Support(version='5.0.0'))
        private_key = Attr('The private key.', 'String', support=Support(version='5.0.0'))
        certificate = Attr('The certificate.', 'String', support=Support(version='5.0.0'))
        intermediates = Attr('The certificates between it and its authority.', 'String',
                             support=Support(version='5.0.0'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        kind = props.get('type')
        if kind is UNKNOWN or kind not in OF_TYPE:
            return
        strange = [name for name, value in props.items()
                   if value is not None and name not in ('type', *OF_TYPE[kind])]
        if strange:
            yield (f'Unexpected properties: {", ".join(strange)}. Only these properties are allowed for '
                   f'{kind} type of order: {", ".join(OF_TYPE[kind])}.')
        if props.get('request_type') == 'stored-key' and props.get('source_container_ref') is None:
            yield 'request_type stored-key cannot be specified without source_container_ref.'

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {'type': props['type'], 'meta': super().body(props)}

    def named(self, found: Mapping[str, Any]) -> Any:
        return (found.get('meta') or {}).get('name')

    def read(self, names: tuple[Any, ...]) -> Steps:
        body = self.seen if isinstance(self.seen, dict) else (yield self.get())
        self.seen = body
        found = yield from super().read(names)
        wanted = [name for name in names if name in IN_CONTAINER]
        if wanted and body.get('container_ref'):
            refs = yield from self._held(body['container_ref'])
            for name in wanted:
                if refs.get(name):
                    found[name] = yield from self.payload(refs[name])
        return found

    def _held(self, container: str) -> Steps:
        """Name -> address of the secrets in a container that may be gone."""
        shown = yield Call(SERVICE, 'GET', f'/containers/{id_in(container)}', ok=(404,), label='container')
        return {one['name']: one['secret_ref'] for one in (shown or {}).get('secret_refs') or ()}

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        made = yield from self.at_first('made', (yield from self._made()))
        # First, since Barbican lets by default administrators only: who may not loses no key.
        yield self.remove()
        for path in made:
            yield Call(SERVICE, 'DELETE', path, ok=(404,), label=f'delete {path.split("/")[1]}')

    def _made(self) -> Steps:
        """The paths of what the order has led to."""
        body = yield Call(SERVICE, 'GET', self.url(), ok=(404,), label='show')
        paths = []
        if (body or {}).get('container_ref'):
            held = yield from self._held(body['container_ref'])
            paths = [f'/containers/{id_in(body["container_ref"])}',
                     *(f'/secrets/{id_in(ref)}' for ref in held.values())]
        if (body or {}).get('secret_ref'):
            paths.append(f'/secrets/{id_in(body["secret_ref"])}')
        return paths


class Container(Kept):
    """Base of containers: ``kind`` as the key manager calls it, ``roles`` property -> name in it."""

    path, plural, id_key, noun = '/containers', 'containers', 'container_ref', 'container'
    ready, broken = ('ACTIVE',), ('ERROR',)
    kind: ClassVar[str] = ''
    roles: ClassVar[Mapping[str, str]] = {}

    class attributes:
        status = Attr('Status.', 'String')
        container_ref = Attr('Address of the container.', 'String')
        secret_refs = Attr('Addresses of the secrets in it, by their names.', 'Map', get=lambda body: {
            one['name']: one['secret_ref'] for one in body['secret_refs']})
        consumers = Attr('Who has said that it uses the container.', 'List')

    @classmethod
    def refs(cls, props: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{'name': name, 'secret_ref': props[prop]} for prop, name in cls.roles.items()
                if props.get(prop) is not None]

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        known = [str(one['secret_ref']) for one in cls.refs(props) if one['secret_ref'] is not UNKNOWN]
        if len(set(known)) != len(known):
            yield 'Duplicate refs are not allowed.'
        if props.get('private_key_passphrase_ref') is not None and props.get('private_key_ref') is None:
            yield 'private_key_passphrase_ref cannot be specified without private_key_ref.'

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {'name': props.get('name') or self.physical_name(), 'type': self.kind,
                'secret_refs': self.refs(props)}


class GenericContainer(Container):
    """A container of any secrets, each under a name."""

    type = 'OS::Barbican::GenericContainer'
    support = Support(version='6.0.0')
    kind = 'generic'

    class properties:
        name = String('Name.')
        secrets = List('The secrets in it.', of=Map(
            name=String('Name of the secret in the container.', required=True),
            ref=String('Address of the secret.', required=True, check='barbican.secret')))

    @classmethod
    def refs(cls, props: Mapping[str, Any]) -> list[dict[str, Any]]:
        given = props.get('secrets')
        return [{'name': one.get('name'), 'secret_ref': one.get('ref')}
                for one in (given if isinstance(given, list) else ()) if isinstance(one, Mapping)]


class CertificateContainer(Container):
    """A container of a certificate and what belongs to it."""

    type = 'OS::Barbican::CertificateContainer'
    support = Support(version='6.0.0')
    kind = 'certificate'
    roles: ClassVar[Mapping[str, str]] = {
        'certificate_ref': 'certificate', 'private_key_ref': 'private_key',
        'private_key_passphrase_ref': 'private_key_passphrase', 'intermediates_ref': 'intermediates'}

    class properties:
        name = String('Name.')
        certificate_ref = secret_ref('The certificate.')
        private_key_ref = secret_ref('Its private key.')
        private_key_passphrase_ref = secret_ref('What the private key is locked with.')
        intermediates_ref = secret_ref('The certificates between it and its authority.')


class RSAContainer(Container):
    """A container of a pair of RSA keys."""

    type = 'OS::Barbican::RSAContainer'
    support = Support(version='6.0.0')
    kind = 'rsa'
    roles: ClassVar[Mapping[str, str]] = {
        'private_key_ref': 'private_key', 'private_key_passphrase_ref': 'private_key_passphrase',
        'public_key_ref': 'public_key'}

    class properties:
        name = String('Name.')
        private_key_ref = secret_ref('The private key.')
        private_key_passphrase_ref = secret_ref('What the private key is locked with.')
        public_key_ref = secret_ref('The public key.')


TYPES = (Secret, Order, GenericContainer, CertificateContainer, RSAContainer)
