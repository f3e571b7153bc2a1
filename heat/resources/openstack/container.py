"""Containers of the object store.

Purpose: OS::Swift::Container, and what AWS::S3::Bucket shares with it. Invariant: a
container's name follows from the row, so each request may be made again; what a
predecessor of the same name had and the new one does not have is taken away.
Neighbours: ``temp_url`` has the containers that signals are put into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

from heat.common.text import flaw
from heat.model.op import Call, CloudFault, Endpoint, NeedsReplacement, ReadRow, Record, StepFailed
from heat.resources.base import Resource, Steps
from heat.resources.temp_url import STORE, path_of
from heat.schema import UNKNOWN, Attr, Boolean, Map, String, Support

ACCOUNT, CONTAINER = 'X-Account-Meta-', 'X-Container-Meta-'
GIVEN = (CONTAINER.lower(), 'x-container-read', 'x-container-write')
NAME_LIMIT = 256
# Objects to a request, and of one purge: their names are kept while it goes on.
BULK, MOST = 1000, 50_000


class Stored(Resource):
    """Base of what is a container: subclasses say its name and headers."""

    service = STORE
    observes = True

    class attributes:
        DomainName = Attr('The host of its address.', 'String')
        WebsiteURL = Attr('Its address.', 'String')

    def headers(self, props: Mapping[str, Any]) -> dict[str, str]:
        """What a container of these properties is made with."""
        raise NotImplementedError

    def container_name(self) -> str:
        return self.physical_name()

    # -- verbs -------------------------------------------------------------------------------------

    def create(self) -> Steps:
        name = self.container_name()
        yield self.put(name, (yield from self.at_first('headers', {
            **(yield from self._left(name)), **self.headers(self.props)})))
        yield Record(physical_id=name)

    def _left(self, name: str) -> Steps:
        """Headers that take away what the row has set that this one replaces under the same name."""
        old = yield ReadRow(name)
        if old is None or old.uuid == self.row.uuid or (old.name, old.type) != (self.name, self.row.type):
            return {}
        return dict.fromkeys(self.headers(old.props or {}), '')

    def put(self, name: str, headers: Mapping[str, str], label: str = 'create') -> Call:
        return Call(STORE, 'PUT', path_of(name), headers=encoded(headers), label=label)

    releases = True

    def release(self) -> Steps:
        """A successor of the same name will change it; what it has now is remembered."""
        yield self.keep(had=sorted((yield from self._said())))

    def restore(self) -> Steps:
        own = self.headers(self.row.props or {})
        known = {*self.row.data.get('had', ()), *(name.lower() for name in own)}
        strange = dict.fromkeys((name for name in (yield from self._said()) if name not in known), '')
        yield self.put(self.id, {**strange, **own}, 'restore')

    def _said(self) -> Steps:
        """The names of the headers that were given to it."""
        found = yield Call(STORE, 'HEAD', path_of(self.id), ok=(404,), header='*', label='show')
        return [name for name in decoded(found or {}) if name.startswith(GIVEN)]

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield from self.remove(self.id)

    def remove(self, name: str) -> Steps:
        try:
            yield Call(STORE, 'DELETE', path_of(name), ok=(404,), label='delete')
        except CloudFault as fault:
            if fault.status != 409:
                raise
            raise StepFailed(f'Container {name} is not empty: {fault.text()}', 'Conflict') from fault

    def check(self) -> Steps:
        return (yield from self.look())

    def look(self) -> Steps:
        """Its headers, by their names in lower case."""
        return decoded((yield Call(STORE, 'HEAD', path_of(self.id), header='*', label='show')))

    def observe(self) -> Steps:
        found = yield Call(STORE, 'HEAD', path_of(self.id), ok=(404,), header='*', label='show')
        if found is None:
            raise NeedsReplacement(f'The container {self.id} is gone.')
        return self.differences(decoded(found))

    def read(self, names: tuple[Any, ...]) -> Steps:
        found: dict[str, Any] = {}
        shown = yield from self.look()
        base = yield Endpoint(STORE)
        for name in names:
            if name == 'DomainName':
                found[name] = urlsplit(base).hostname
            elif name == 'WebsiteURL':
                found[name] = f'{base.rstrip("/")}/{quote(self.id)}'
            elif name == 'RootURL':
                found[name] = base.rstrip('/')
            elif name in ('ObjectCount', 'BytesUsed'):
                key = 'object-count' if name == 'ObjectCount' else 'bytes-used'
                found[name] = int(shown.get(f'x-container-{key}') or 0)
            else:
                found[name] = shown
        return found


class Container(Stored):
    """A container of the object store. It must be empty to be deleted, unless it is purged."""

    type = 'OS::Swift::Container'
    support = Support()
    name_limit = NAME_LIMIT - 1

    class properties:
        name = String('Name of the container.')
        extra: ClassVar[dict[str, Any]] = {
            'X-Container-Read': String('Who may read and list its objects, as an ACL of the object store.'),
            'X-Container-Write': String('Who may write to it, as an ACL of the object store.'),
            'X-Container-Meta': Map('Names and values that describe the container; each is put behind '
                                    'X-Container-Meta-.', default={}),
            'X-Account-Meta': Map('Names and values that describe the account; each is put behind '
                                  'X-Account-Meta-. They stay when the container goes.', default={})}
        PurgeOnDelete = Boolean('Whether its objects are deleted with it.', default=False,
                                support=Support(version='2015.1'))

    class attributes:
        RootURL = Attr('The address of the account, which its own begins with.', 'String')
        ObjectCount = Attr('How many objects are in it.', 'Integer')
        BytesUsed = Attr('Their size in bytes.', 'Integer')
        HeadContainer = Attr('All that the object store says of it, by the names of headers.', 'Map')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        name = props.get('name')
        if isinstance(name, str):
            if not name or '/' in name:
                yield f'"{name}" is no name of a container: it has a character at least, and no "/".'
            elif len(name.encode()) > NAME_LIMIT:
                yield f'The name of a container has {NAME_LIMIT} bytes at most.'
            elif said := flaw(name):
                yield f'The name of a container {said}.'
        for key in ('X-Container-Read', 'X-Container-Write'):
            if set(str(props.get(key))) & set('\r\n'):
                yield f'{key}: the value is more than one line.'
        for key in ('X-Container-Meta', 'X-Account-Meta'):
            given = props.get(key)
            for word, value in given.items() if isinstance(given, Mapping) else ():
                if not isinstance(word, str) or not word.strip() or set(word) & set(':\r\n/'):
                    yield f'{key}: {word!r} is no name that can stand in a header.'
                elif isinstance(value, Mapping | list):
                    yield f'{key}: the value of {word} is no text.'
                elif value is not UNKNOWN and set(str(value)) & set('\r\n'):
                    yield f'{key}: the value of {word} is more than one line.'

    def container_name(self) -> str:
        return str(self.props.get('name') or self.physical_name())

    def headers(self, props: Mapping[str, Any]) -> dict[str, str]:
        told = prefixed(CONTAINER, props.get('X-Container-Meta'))
        for name in ('X-Container-Read', 'X-Container-Write'):
            if props.get(name) is not None:
                told[name] = str(props[name])
        return told

    def create(self) -> Steps:
        yield from super().create()
        account = prefixed(ACCOUNT, self.props.get('X-Account-Meta'))
        if account:
            # To the address of the account itself, which has no path below it.
            yield Call(STORE, 'POST', '', headers=encoded(account), label='account')

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        if (self.row.props or {}).get('PurgeOnDelete'):
            yield from self._purge(self.id)
        yield from self.remove(self.id)

    def _purge(self, name: str) -> Steps:
        """Delete all that is in it now, many objects to a request where the object store takes that."""
        names = yield from self.at_first('objects', (yield from self._listed(path_of(name))))
        for start in range(0, len(names), BULK):
            some = names[start:start + BULK]
            paths = '\n'.join(path_of(name, one) for one in some)
            answer = yield Call(STORE, 'POST', '?bulk-delete', paths.encode(), label='objects',
                                ok=(400, 404, 405, 501), headers={'Content-Type': 'text/plain'})
            if not isinstance(answer, Mapping) or 'Number Deleted' not in answer:
                # Not installed there: the request is refused, or changes nothing.
                for one in some:
                    yield Call(STORE, 'DELETE', path_of(name, one), ok=(404,), label='object')
            elif answer.get('Errors'):
                told = ', '.join(f'{unquote(str(path))}: {why}' for path, why in answer['Errors'][:10])
                raise StepFailed(f'Objects of container {name} could not be deleted: {told}', 'Conflict')

    def _listed(self, path: str) -> Steps:
        names: list[str] = []
        while True:
            after = {'marker': names[-1]} if names else {}
            page = yield Call(STORE, 'GET', path, query={'format': 'json', **after}, ok=(404,), label='list')
            new = [one['name'] for one in page or () if not names or one['name'] > names[-1]]
            if not new:
                return names
            names += new
            if len(names) > MOST:
                raise StepFailed(f'Container {self.id} has more than {MOST} objects; delete some of them '
                                 'first.', 'Conflict')


def prefixed(prefix: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    return {f'{prefix}{name}': '' if value is None else str(value) for name, value in (values or {}).items()}


def encoded(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as HTTP carries them: the bytes of UTF-8, one character each."""
    return {name.encode().decode('latin-1'): value.encode().decode('latin-1')
            for name, value in headers.items()}


def decoded(headers: Mapping[str, str]) -> dict[str, str]:
    """The same the other way round."""
    return {name.encode('latin-1').decode(errors='replace'): value.encode('latin-1').decode(errors='replace')
            for name, value in headers.items()}
