"""What users do with stacks that are there: hooks, snapshots, marks, previews, stopping, abandoning.

Purpose: as ``flows``, whose stories these go on with. Invariant: the same.
Neighbours: tests/functional/test_heatclient.py.
"""
from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from heatclient import exc

from tests.functional.flows import Place, Story, hot, one


def hooks(place: Place, directory: Path) -> None:
    """A hook holds a creation; `openstack stack hook` finds and clears it."""
    environment = {'resource_registry': {'resources': {'a': {'hooks': 'pre-create'}}}}
    template = hot({'a': one({'value': 'x'}), 'b': one({'value': 'y'}, depends_on='a')})
    with place.stack('hooked', template, environment=environment):
        held = place.wait(lambda: place.openstack('stack', 'hook', 'poll', '-f', 'json', 'hooked'), len)
        assert 'CREATE paused until Hook pre-create is cleared' in held[0].values()
        with pytest.raises(exc.HTTPBadRequest, match='The "post-create" hook is not defined on TestResource'):
            place.heat.resources.signal('hooked', 'a', data={'unset_hook': 'post-create'})
        place.openstack('stack', 'hook', 'clear', '--pre-create', 'hooked', 'a')
        place.until('hooked', 'CREATE_COMPLETE')


def snapshots(place: Place, directory: Path) -> None:
    """Take, list, show, restore and delete a snapshot of a stack with a volume."""
    def template(value: str) -> str:
        return hot({'a': one({'value': value}), 'v': one({'size': 1}, 'OS::Cinder::Volume')})

    with place.stack('kept', template('first'), 'CREATE_COMPLETE'):
        place.openstack('stack', 'snapshot', 'create', '-f', 'json', '--name', 'one', 'kept')
        place.until('kept', 'SNAPSHOT_COMPLETE')
        listed = place.openstack('stack', 'snapshot', 'list', '-f', 'json', 'kept')
        assert [(row['name'], row['status']) for row in listed] == [('one', 'COMPLETE')]
        made = listed[0]
        shown = place.openstack('stack', 'snapshot', 'show', '-f', 'json', 'kept', made['id'])
        assert shown['snapshot']['data']['resources']['v']['resource_data']['backup_id']
        place.heat.stacks.update('kept', template=template('second'))
        place.until('kept', 'UPDATE_COMPLETE')
        place.openstack('stack', 'snapshot', 'restore', 'kept', made['id'])
        place.until('kept', 'RESTORE_COMPLETE')
        assert place.heat.resources.get('kept', 'a').attributes['output'] == 'first'
        place.openstack('stack', 'snapshot', 'delete', '-y', 'kept', made['id'])
        assert place.openstack('stack', 'snapshot', 'list', '-f', 'json', 'kept') == []


def health(place: Place, directory: Path) -> None:
    """What is marked unhealthy is replaced by the next update, as its preview says."""
    template = hot({'a': one({'value': 'x'}), 'b': one({'value': 'y'})})
    with place.stack('sick', template, 'CREATE_COMPLETE'):
        old = place.resources('sick')['a'].physical_resource_id
        place.openstack('stack', 'resource', 'mark', 'unhealthy', 'sick', 'a', 'it smells')
        seen = place.resources('sick')['a']
        assert (seen.resource_status, seen.resource_status_reason) == ('CHECK_FAILED', 'it smells')
        changes = place.heat.stacks.preview_update('sick', template=template)['resource_changes']
        assert {kind: [row['resource_name'] for row in rows] for kind, rows in changes.items()} == {
            'added': [], 'deleted': [], 'updated': [], 'replaced': ['a'], 'unchanged': ['b']}
        place.heat.stacks.update('sick', template=template)
        place.until('sick', 'UPDATE_COMPLETE')
        assert place.resources('sick')['a'].physical_resource_id != old


def stopping(place: Place, directory: Path) -> None:
    """A creation is stopped and left as it is; an update that asks for nothing else goes on with it."""
    file = directory / 'slow.json'
    slow = {'value': 'x', 'action_wait_secs': {'create': 600}}
    file.write_text(hot({'a': one(slow), 'b': one({'value': 'y'})}))
    with place.stack('stopped', file.read_text()):
        place.wait(lambda: place.resources('stopped').get('a'),
                   lambda row: row is not None and row.resource_status == 'CREATE_IN_PROGRESS')
        place.openstack('stack', 'cancel', '--no-rollback', 'stopped')
        place.until('stopped', 'CREATE_FAILED')
        assert place.heat.stacks.get('stopped').stack_status_reason == 'Stack CREATE cancelled'
        quick = {**slow, 'action_wait_secs': {'create': 0}}
        file.write_text(hot({'a': one(quick), 'b': one({'value': 'y'})}))
        place.openstack('stack', 'update', '--wait', '-t', file, 'stopped')
        counts = [name for name, state in place.events('stopped') if state == 'CREATE_COMPLETE']
        assert sorted(counts) == ['a', 'b']


def told(place: Place, directory: Path) -> None:
    """A queue is told what becomes of a stack, to its very end, when the stack's trust is gone."""
    sink = {'type': 'zaqar-queue', 'target': 'told'}
    template = hot({'n': one({}, 'OS::Neutron::Net')})
    with pytest.raises(exc.HTTPBadRequest, match=r'Invalid ttl "long"(.|\n)*at event_sinks\[0\]\.ttl'):
        place.create('told', template, environment={'event_sinks': [{**sink, 'ttl': 'long'}]})
    with place.stack('told', template, 'CREATE_COMPLETE', environment={'event_sinks': [sink]}):
        known = [(row.id, row.resource_name, row.resource_status)
                 for row in place.heat.events.list('told', sort_dir='asc')]
    found: list[Any] = []
    session, mine = place.user.session(), {'Client-ID': str(uuid.uuid4())}

    def ended() -> bool:
        found.extend(session.delete(
            '/v2/queues/told/messages', params={'pop': 20}, headers=mine,
            endpoint_filter={'service_type': 'messaging'}).json()['messages'])
        last = found[-1]['body']['payload'] if found else {}
        return (last.get('resource_name'), last.get('resource_action'), last.get('resource_status')) == (
            'told', 'DELETE', 'COMPLETE')

    place.wait(ended, bool)
    seen = [(one['body']['id'], one['body']['payload']['resource_name'], '_'.join(
        one['body']['payload'][key] for key in ('resource_action', 'resource_status'))) for one in found]
    assert seen[:len(known)] == known and len(seen) == len({row[0] for row in seen}) == len(known) + 4


def abandoned(place: Place, directory: Path) -> None:
    """Export, abandon and adopt; not among the stories, since an operator has to allow it."""
    file = directory / 'abandoned.json'
    place.create('left', hot({'n': one({}, 'OS::Neutron::Net'), 'r': one({}, 'OS::Heat::RandomString')},
                             outputs={'word': {'value': {'get_attr': ['r', 'value']}}}))
    place.until('left', 'CREATE_COMPLETE')
    word, network = place.outputs('left'), place.resources('left')['n'].physical_resource_id
    exported: Any = place.openstack('stack', 'export', '-f', 'json', 'left')
    assert exported['resources']['n']['resource_id'] == network
    place.openstack('stack', 'abandon', '--output-file', file, 'left')
    place.wait(lambda: place.gone('left'), bool)
    assert json.loads(file.read_text())['resources']['n']['resource_id'] == network
    place.openstack('stack', 'adopt', '--adopt-file', file, '--wait', 'found')
    assert place.status('found') == 'ADOPT_COMPLETE' and place.outputs('found') == word
    assert place.resources('found')['n'].physical_resource_id == network
    place.remove('found')


STORIES: tuple[Story, ...] = (hooks, snapshots, health, stopping, told)
