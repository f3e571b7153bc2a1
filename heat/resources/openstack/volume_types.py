"""Kinds of volumes: types, how they are encrypted, and their qualities of service.

Purpose: OS::Cinder::VolumeType, EncryptedVolumeType, QoSSpecs and QoSAssociation.
Invariant: a type follows one quality of service at a time, so an association lets
go before its successor is made. Neighbours: ``unstamped`` has the common verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from heat.model.op import Adopt, Call, CloudFault, NeedsReplacement, Record, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import members, pairs
from heat.resources.openstack.metadata import text_values
from heat.resources.openstack.unstamped import MARKS, Unstamped
from heat.resources.rest import alike
from heat.schema import IN_PLACE, Boolean, Integer, List, Map, String, Support

SINCE_LIBERTY = Support(version='5.0.0')


class VolumeType(Unstamped):
    """A kind of volume that users choose."""

    type = 'OS::Cinder::VolumeType'
    extension = 'os-types-manage'
    support = Support(version='2015.1')
    service, path, key = 'volumev3', '/types', 'volume_type'
    survives_failure = True

    class properties:
        name = String('Name.', required=True, update=IN_PLACE)
        metadata = Map('What it asks of a back end.', wire=None, update=IN_PLACE)
        is_public = Boolean('Whether all projects may use it.', default=True, update=IN_PLACE,
                            support=SINCE_LIBERTY)
        description = String('Description.', update=IN_PLACE, support=SINCE_LIBERTY)
        projects = List('Projects that may use it, where it is not everybody\'s.', default=[], wire=None,
                        update=IN_PLACE, of=String(is_a='keystone.project'), support=SINCE_LIBERTY)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('is_public') is True and props.get('projects'):
            yield 'Can not specify property "projects" if the volume type is public.'

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        public = body.pop('is_public', None)
        return body if public is None else {**body, 'os-volume-type-access:is_public': public}

    def search(self, marks: Mapping[str, Any]) -> Adopt:
        # Also those that not everybody may use.
        return replace(super().search(marks), query={'is_public': 'None'})

    def furnish(self, answer: dict[str, Any]) -> Steps:
        yield from self._specify(self.props.get('metadata'), {})
        yield from self._open_to(self.props.get('projects'), [])
        return None

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        projects, old = new.get('projects'), diff.old.get('projects')
        # There is access to be given, or to be taken back, as long as it is not everybody's.
        if new.get('is_public'):
            yield from self._open_to(projects, old)
        changes = self.body_of_update(self.changes(diff))
        if changes:
            yield self.put(changes)
        yield from self._specify(new.get('metadata'), diff.old.get('metadata'))
        if not new.get('is_public'):
            yield from self._open_to(projects, old)

    def _specify(self, wanted: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> Steps:
        yield from pairs(
            self, 'extra_specs', text_values(wanted or {}), text_values(old or {}),
            lambda values: Call('volumev3', 'POST', self.url('/extra_specs'), {'extra_specs': values},
                                label='extra specs'),
            lambda name: Call('volumev3', 'DELETE', self.url(f'/extra_specs/{quote(name, safe="")}'),
                              ok=(404,), label=f'drop {name}'))

    def _open_to(self, wanted: list[str] | None, old: list[str] | None) -> Steps:
        def access(verb: str, project: str, passes: int) -> Call:
            return replace(self.action(verb, project=project, label=f'{verb} {project}'), ok=(passes,))
        yield from members(self, 'access', wanted or (), old or (),
                           lambda project: access('addProjectAccess', project, 409),
                           lambda project: access('removeProjectAccess', project, 404))

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = super().differences(body)
        there = body.get('extra_specs')
        if there is not None and not alike(text_values(self.props.get('metadata') or {}), there):
            found['metadata'] = there
        return found


class EncryptedVolumeType(Unstamped):
    """How the volumes of a type are encrypted. Its id is the type's."""

    type = 'OS::Cinder::EncryptedVolumeType'
    extension = 'encryption'
    support = SINCE_LIBERTY
    service, key = 'volumev3', 'encryption'
    id_key = 'volume_type_id'
    name_key = None
    survives_failure = True

    class properties:
        provider = String('What encrypts, like luks.', required=True, update=IN_PLACE)
        control_location = String('Where it is encrypted.', values=['front-end', 'back-end'],
                                  default='front-end', update=IN_PLACE)
        cipher = String('Algorithm and mode.', values=['aes-xts-plain64', 'aes-cbc-essiv'], update=IN_PLACE)
        key_size = Integer('Length of the key in bits.', update=IN_PLACE)
        volume_type = String('The type.', required=True, is_a='cinder.vtype', wire=None)

    def url(self, tail: str = '') -> str:
        return f'/types/{self.id}/encryption{tail}'

    def post(self, body: dict[str, Any], label: str = 'create') -> Call:
        where = self.row.data[MARKS]['volume_type_id']
        return replace(super().post(body, label), path=f'/types/{where}/encryption')

    def get(self) -> Call:
        # Not wrapped; nothing in it if there is none.
        return replace(super().get(), unwrap=None)

    def put(self, changes: dict[str, Any], label: str = 'update') -> Call:
        return replace(super().put(changes, label), path=self.url('/provider'))

    def remove(self, label: str = 'delete') -> Call:
        return replace(super().remove(label), path=self.url('/provider'))

    def marks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {'volume_type_id': self.props['volume_type']}

    def search(self, marks: Mapping[str, Any]) -> Adopt:
        return Adopt(f'/types/{marks["volume_type_id"]}/encryption', None,
                     lambda found: bool(found.get('encryption_id')))

    def check(self) -> Steps:
        answer = yield self.get()
        if not answer.get('encryption_id'):
            raise StepFailed(f'The volume type {self.id} is not encrypted.', 'NotFound')
        return answer

    def revive(self) -> Steps:
        if not (yield self.get()).get('encryption_id'):
            raise NeedsReplacement(f'The volume type {self.id} is not encrypted.')

    def observe(self) -> Steps:
        answer = yield replace(self.get(), ok=(404,))
        if not (answer or {}).get('encryption_id'):
            raise NeedsReplacement(f'The volume type {self.id} is not encrypted.')
        return self.differences(answer)


class QoSSpecs(Unstamped):
    """A quality of service: what a back end or a host shall do for volumes."""

    type = 'OS::Cinder::QoSSpecs'
    extension = 'qos-specs'
    support = Support(version='7.0.0')
    service, path, key, plural = 'volumev3', '/qos-specs', 'qos_specs', 'qos_specs'
    survives_failure = True

    class properties:
        name = String('Name.')
        specs = Map('Keys and values; "consumer" says who minds them.', required=True, wire=None,
                    update=IN_PLACE)

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**text_values(props.get('specs') or {}), **super().body(props)}

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        def drop(name: str) -> Call:
            if name == 'consumer':
                # It is always there; this is what it is at the beginning.
                return self.put({'consumer': 'back-end'}, 'drop consumer')
            return Call('volumev3', 'PUT', self.url('/delete_keys'), {'keys': [name]}, ok=(400, 404),
                        label=f'drop {name}')
        yield from pairs(self, 'specs', text_values(new['specs']), text_values(diff.old.get('specs') or {}),
                         self.put, drop)

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield Call('volumev3', 'GET', self.url('/disassociate_all'), ok=(404,), changes=True,
                   label='let go of types')
        yield self.remove()

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        there = {**(body.get('specs') or {}), 'consumer': body.get('consumer')}
        wanted = text_values(self.props.get('specs') or {})
        return {} if alike(wanted, there) else {'specs': there}


class QoSAssociation(Resource):
    """Volume types that follow a quality of service. Its id is the latter's."""

    type = 'OS::Cinder::QoSAssociation'
    extension = 'qos-specs'
    support = Support(version='8.0.0')
    service = 'volumev3'
    survives_failure = True
    observes = True
    releases = True

    class properties:
        qos_specs = String('The quality of service.', required=True, is_a='cinder.qos_specs')
        volume_types = List('The types.', required=True, update=IN_PLACE, of=String(is_a='cinder.vtype'))

    def create(self) -> Steps:
        yield Record(physical_id=self.props['qos_specs'])
        yield from self._settle(self.props['volume_types'], [])

    def take_over(self) -> Steps:
        types = list(self.props['volume_types'])
        yield Record(physical_id=self.props['qos_specs'], data={'types': {'sure': types, 'ours': types}})

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from self._settle(new['volume_types'], diff.old.get('volume_types'))

    def _settle(self, wanted: list[str], old: list[str] | None) -> Steps:
        yield from members(self, 'types', wanted, old or (), lambda one: self._turn('associate', one),
                           lambda one: self._turn('disassociate', one))

    def _turn(self, verb: str, volume_type: str) -> Call:
        return Call('volumev3', 'GET', f'/qos-specs/{self.id}/{verb}', query={'vol_type_id': volume_type},
                    ok=(404,) if verb == 'disassociate' else (), changes=True, label=f'{verb} {volume_type}')

    def _let_go(self) -> Steps:
        for one in (self.row.data.get('types') or {}).get('ours', ()):
            yield self._turn('disassociate', one)

    def release(self) -> Steps:
        yield from self._let_go()

    def restore(self) -> Steps:
        for one in self.props['volume_types']:
            yield self._turn('associate', one)

    def delete(self) -> Steps:
        if not self.row.keep.get('released'):
            yield from self._let_go()

    def _there(self) -> Steps:
        """Ids of the types that follow it; None if it is gone."""
        try:
            listed = yield Call('volumev3', 'GET', f'/qos-specs/{self.id}/associations',
                                unwrap='qos_associations', label='show')
        except CloudFault as fault:
            if fault.status != 404:
                raise
            return None
        return [one['id'] for one in listed]

    def check(self) -> Steps:
        there = yield from self._there()
        for one in self.props['volume_types']:
            if one not in (there or ()):
                raise StepFailed(f'Volume type {one} does not follow the quality of service {self.id}.',
                                 'NotFound')
        return {}

    def observe(self) -> Steps:
        there = yield from self._there()
        if there is None:
            raise NeedsReplacement(f'The quality of service {self.id} is gone.')
        kept = [one for one in self.props['volume_types'] if one in there]
        return {} if kept == self.props['volume_types'] else {'volume_types': kept}

    def read(self, names: tuple[Any, ...]) -> Steps:
        if 'show' not in names:
            return {}
        return {'show': {'qos_associations': (yield Call(
            'volumev3', 'GET', f'/qos-specs/{self.id}/associations', unwrap='qos_associations',
            label='show'))}}
