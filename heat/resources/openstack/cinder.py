"""Volumes and their attachment to servers.

Purpose: OS::Cinder::Volume and OS::Cinder::VolumeAttachment. Invariant: every
verb may be repeated: what is refused because it was done already passes.
Neighbours: ``nova`` boots from volumes; ``rest`` has the common verbs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import Adopt, Call, CloudFault, NeedsReplacement, Poll, Record, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import made_since
from heat.resources.openstack.metadata import text_values
from heat.resources.rest import Rest
from heat.schema import IN_PLACE, Attr, Attribute, Boolean, Integer, Map, String, Support, deprecated, hidden

# States that pass by themselves; nothing can be done to a volume in them.
PASSING = ('creating', 'attaching', 'detaching', 'extending', 'downloading', 'uploading', 'retyping',
           'restoring-backup', 'backing-up', 'reserved', 'maintenance')
LOOKS = 60
# Tries of what compute refuses while it is busy with the server.
TRIES = 5


def _text(description: str, key: str = '', live: bool = False, support: Support | None = None) -> Any:
    """An attribute that has always been given as text, whatever it is."""
    def declare(name: str) -> Attribute:
        return Attr(description, 'String', live, get=lambda body: str(body.get(name)),
                    support=support or Support())
    return declare(key)


class Volume(Rest):
    """A block storage volume."""

    type = 'OS::Cinder::Volume'
    service, path, key = 'volumev3', '/volumes', 'volume'
    list_path = '/volumes/detail'
    ready, broken = ('available',), ('error', 'error_restoring', 'error_extending')
    gone_by_poll = True
    survives_failure = True
    snapshots = True

    class properties:
        availability_zone = String('Where the volume is made.')
        size = Integer('Size in GB; it can only grow.', range=(1, None), update=IN_PLACE)
        snapshot_id = String('Snapshot to copy from.', is_a='cinder.snapshot')
        backup_id = String('Backup to restore.', is_a='cinder.backup', wire=None, update=IN_PLACE)
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        volume_type = String('Volume type.', is_a='cinder.vtype', update=IN_PLACE)
        metadata = Map('Key and value pairs.', default={}, update=IN_PLACE)
        imageRef = String('Image to copy from.', replaced_by='image', support=hidden(
            '5.0.0', deprecated('2014.1', 'Use property image.')))
        image = String('Image to copy from.', is_a='glance.image', wire='imageRef')
        source_volid = String('Volume to copy from.', is_a='cinder.volume')
        scheduler_hints = Map('Hints for the scheduler.', wire=None, support=Support(version='2015.1'))
        read_only = Boolean('Attach read-only.', wire=None, update=IN_PLACE, support=Support(version='5.0.0'))
        multiattach = Boolean('Attach to many servers.', default=False, support=hidden(
            '13.0.0', Support(version='6.0.0'), 'Use a volume type with multiattach.'))

    class attributes:
        availability_zone = _text('Where it is.', 'availability_zone')
        size = _text('Size in GB.', 'size')
        snapshot_id = _text('The snapshot it was copied from.', 'snapshot_id')
        display_name = _text('Name.', 'name')
        display_description = _text('Description.', 'description')
        volume_type = _text('Volume type.', 'volume_type')
        metadata = Attr('Key and value pairs as JSON text.', 'String',
                        get=lambda body: json.dumps(body['metadata']))
        metadata_values = Attr('Key and value pairs.', 'Map', wire='metadata')
        source_volid = _text('The volume it was copied from.', 'source_volid')
        status = _text('Current status.', 'status', live=True)
        created_at = _text('When it was made.', 'created_at')
        bootable = _text('Whether it boots.', 'bootable')
        encrypted = _text('Whether it is encrypted.', 'encrypted')
        attachments = _text('Where it is attached, as text.', 'attachments', live=True, support=deprecated(
            '9.0.0', 'Use attachments_list.', since='2015.1'))
        attachments_list = Attr('Where it is attached.', 'List', wire='attachments', live=True,
                                support=Support(version='9.0.0'))
        multiattach = Attr('Whether it attaches to many servers.', 'Boolean',
                           support=Support(version='6.0.0'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        sources = [name for name in ('snapshot_id', 'source_volid', 'image') if props.get(name) is not None]
        backup, size = props.get('backup_id'), props.get('size')
        if len(sources) > 1:
            yield f'Cannot define the following properties at the same time: {", ".join(sources)}.'
        if size is None and not backup and not {'snapshot_id', 'source_volid'} & set(sources):
            yield ('If neither "backup_id" nor "snapshot_id" nor "source_volid" is provided, the property '
                   '"size" must be specified.')
        if backup is not None and sources:
            yield f'Cannot define the following properties at the same time: backup_id, {", ".join(sources)}.'

    # -- creation --------------------------------------------------------------------------------

    def create(self) -> Steps:
        body = self.body(self.props)
        backup = self.props.get('backup_id')
        if backup and not body.get('size'):
            kept = yield Call('volumev3', 'GET', f'/backups/{backup}', unwrap='backup', label='backup')
            body['size'] = kept['size']
        hints = self.props.get('scheduler_hints')
        request = {'volume': body, **({'OS-SCH-HNT:scheduler_hints': hints} if hints else {})}
        yield Call('volumev3', 'POST', '/volumes', request, unwrap='volume', identify='id', label='create',
                   adopt=self.adopt(body))
        answer = yield self.until('available')
        if backup:
            answer = yield from self._restore(backup)
            yield self.put({'name': body['name'], 'metadata': body.get('metadata') or {},
                            **({'description': body['description']} if body.get('description') else {})})
        if self.props.get('read_only') is not None:
            yield self.action('os-update_readonly_flag', readonly=self.props['read_only'])
        return answer

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        if not body.get('multiattach'):
            # Newer services know it only as a quality of the volume type.
            body.pop('multiattach', None)
        if 'metadata' in body:
            body['metadata'] = text_values(body['metadata'])
        if not body.get('availability_zone'):
            # A parameter cannot be null: templates such as those of Magnum say none by an empty text.
            body.pop('availability_zone', None)
        return body

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        name, recent = body['name'], made_since(self, 'created_at')
        return Adopt('/volumes/detail', 'volumes', lambda found: found.get('name') == name and recent(found),
                     {'name': name})

    def _restore(self, backup: str) -> Steps:
        def restoring(body: Mapping[str, Any]) -> bool:
            return body.get('status') == 'restoring-backup'
        found = yield self.get()
        # The service restores into a volume that nobody has.
        users = yield from self.at_first('users', [
            [one['server_id'], one.get('device')] for one in found.get('attachments') or ()])
        for server, _device in users:
            yield at_rest(server)
            yield from detach(server, self.id, wait=not self.came_by('freed'))
        yield from self.at_first('freed', True)
        call = Call('volumev3', 'POST', f'/backups/{backup}/restore', {'restore': {'volume_id': self.id}},
                    label='restore')
        yield from self.unless_done(call, restoring)
        answer = yield self.until('available', 'in-use')
        for server, device in users:
            yield at_rest(server)
            yield from attach(server, self.id, device)
        return answer

    # -- updates ---------------------------------------------------------------------------------

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'size' in diff:
            size = new.get('size')
            now = yield self.get()
            if size is not None and size < now['size']:
                raise StepFailed('Shrinking volume is not supported.', 'NotSupported')
        changes = self.body_of_update(self.changes(diff, 'name', 'description', 'metadata'))
        if changes:
            if 'metadata' in changes:
                changes['metadata'] = text_values(changes['metadata'] or {})
            if 'description' in changes:
                changes['description'] = changes['description'] or ''
            yield self.put(changes)
        if new.get('volume_type') is not None and 'volume_type' in diff:
            yield from self.unless_done(
                self.action('os-retype', new_type=new['volume_type'], migration_policy='never'),
                lambda body: body.get('status') == 'retyping')
            yield self.until('available', 'in-use')
        if 'read_only' in diff:
            yield self.action('os-update_readonly_flag', readonly=bool(new.get('read_only')))
        if 'size' in diff and new.get('size') is not None:
            wanted = new['size']
            if now['size'] != wanted or self.row.memo:
                yield from self.unless_done(
                    self.action('os-extend', new_size=wanted),
                    lambda body: body.get('size') == wanted or body.get('status') == 'extending')
                yield self.until('available', 'in-use')
        if new.get('backup_id') is not None and 'backup_id' in diff:
            yield from self._restore(new['backup_id'])

    def unless_done(self, call: Call, done: Callable[[Mapping[str, Any]], bool]) -> Steps:
        """Make the call; a refusal passes if the volume shows that it was done before."""
        try:
            yield call
        except CloudFault as fault:
            if fault.status not in (400, 409) or not done((yield self.get())):
                raise

    # -- snapshots: a backup of the content ----------------------------------------------------------

    def snapshot(self) -> Steps:
        # Kept before it is waited for, and by its name before it is asked for: a snapshot that is cut off
        # is taken away as well.
        yield self.keep(backup_id=None, backup_name=self._backup_name())
        backup = yield from self._back_up()
        yield self.keep(backup_id=backup)
        yield self._backed_up(backup)

    def last_snapshot(self) -> Steps:
        if (yield replace(self.get(), ok=(404,))) is None:
            # Of what is gone nothing can be kept, and its stack is to end all the same.
            return
        yield self._backed_up((yield from self._back_up()))

    def _backup_name(self) -> str:
        # A name of its own, by which it is found again.
        return f'{self.physical_name()}-{self.row.goal_seq}'

    def _back_up(self) -> Steps:
        name = self._backup_name()
        adopt = Adopt('/backups/detail', 'backups', lambda found: bool(found.get('name') == name),
                      {'name': name})
        wanted = {'volume_id': self.id, 'name': name, 'force': True}
        made = yield Call('volumev3', 'POST', '/backups', {'backup': wanted}, unwrap='backup',
                          label='back up', adopt=adopt)
        return made['id']

    def _backed_up(self, backup: str) -> Poll:
        def judge(body: dict[str, Any] | None) -> bool | str:
            state = None if body is None else body.get('status')
            if state in (None, 'error'):
                why = 'it is gone' if body is None else body.get('fail_reason') or 'Unknown'
                return f'The backup {backup} failed: {why}'
            return state == 'available'
        return Poll('volumev3', f'/backups/{backup}', backup, judge, unwrap='backup',
                    list_path='/backups/detail', list_key='backups')

    @classmethod
    def restored(cls, props: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        if not kept.get('backup_id'):
            return {}
        # What it was made from first is in the backup.
        return {**dict.fromkeys(('image', 'imageRef', 'source_volid', 'snapshot_id')),
                'backup_id': kept['backup_id']}

    @classmethod
    def forget_snapshot(cls, kept: Mapping[str, Any]) -> Steps:
        found = [kept['backup_id']] if kept.get('backup_id') else []
        if not found and kept.get('backup_name'):
            listed = yield Call('volumev3', 'GET', '/backups/detail', query={'name': kept['backup_name']},
                                unwrap='backups', label='find backup')
            found = [one['id'] for one in listed if one.get('name') == kept['backup_name']]
        for backup in found:
            yield Call('volumev3', 'DELETE', f'/backups/{backup}', ok=(404,), label='delete backup')

    # -- the end ---------------------------------------------------------------------------------

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        body = yield until_settled(self.id)
        if body is None:
            return
        if body.get('attachments') and body.get('status') == 'in-use':
            users = ', '.join(str(one.get('server_id')) for one in body['attachments'])
            raise StepFailed(f'Volume {self.id} is in use by server {users}.', 'ResourceInUse')
        try:
            yield self.remove()
        except CloudFault as fault:
            # A volume on its way out refuses to be deleted once more.
            again = yield Call('volumev3', 'GET', self.url(), ok=(404,), unwrap='volume', label='show')
            if fault.status != 400 or (again is not None and again.get('status') != 'deleting'):
                raise
        yield self.until_gone()

    def check(self) -> Steps:
        answer = yield self.get()
        if answer.get('status') not in ('available', 'in-use'):
            raise StepFailed(f"'{self.row.name}': expected 'available or in-use' status, got "
                             f"'{answer.get('status')}'", 'ResourceInError')
        return answer

    def why_broken(self, body: Mapping[str, Any]) -> str:
        state = body.get('status')
        return {'error_restoring': 'Volume backup restore failed', 'error_extending': 'Volume resize failed',
                }.get(str(state), 'Unknown')


def until_settled(volume: str) -> Poll:
    """Wait while the volume is on its way from one state to another, a bounded number of looks."""
    looks = 0

    def judge(body: dict[str, Any] | None) -> bool | str:
        nonlocal looks
        looks += 1
        state = None if body is None else body.get('status')
        if state not in PASSING:
            return True
        return False if looks < LOOKS else f'Volume {volume} has remained in state {state}.'
    return Poll('volumev3', f'/volumes/{volume}', volume, judge, unwrap='volume', list_path='/volumes/detail',
                list_key='volumes')


def at_rest(server: str) -> Poll:
    """Wait until compute does nothing with the server, such as rebuilding it: it refuses volumes then."""
    def judge(body: dict[str, Any] | None) -> bool | str:
        return body is None or body.get('OS-EXT-STS:task_state') is None
    return Poll('compute', f'/servers/{server}', server, judge, unwrap='server', list_path='/servers/detail',
                list_key='servers')


def busy(fault: CloudFault) -> bool:
    """Whether compute refuses because it does something with the server just now."""
    return fault.status == 409 and 'task_state' in fault.message


def _once_at_rest(server: str, call: Call) -> Steps:
    """Make the call; what comes in between, such as a rebuild, is waited for a bounded number of times."""
    for turn in range(TRIES):
        try:
            return (yield call)
        except CloudFault as fault:
            # The words decide, since they are kept: a look at the server would find it otherwise later.
            if not busy(fault) or turn == TRIES - 1:
                raise
        yield at_rest(server)


def attach(server: str, volume: str, device: str | None = None) -> Steps:
    """Attach a volume, unless it is attached there, and wait until it is in use."""
    body = {'volumeId': volume, **({'device': device} if device else {})}
    try:
        yield from _once_at_rest(server, Call(
            'compute', 'POST', f'/servers/{server}/os-volume_attachments', {'volumeAttachment': body},
            unwrap='volumeAttachment', label=f'attach {volume}'))
    except CloudFault as fault:
        # Attached there already, by a call whose answer was lost: as wished.
        if fault.status not in (400, 409) or not (yield from attached(server, volume)):
            raise
    yield _until(volume, server, True)


def attached(server: str, volume: str) -> Steps:
    """Whether the server has the volume."""
    listed = yield Call('compute', 'GET', f'/servers/{server}/os-volume_attachments', ok=(404,),
                        unwrap='volumeAttachments', label='look')
    return any(one.get('volumeId') == volume for one in listed or ())


def detach(server: str, volume: str, wait: bool = True) -> Steps:
    """Take a volume from a server, if it has it, and wait until it is free of it.

    A step that attaches it again must not ``wait`` when it comes here once more after that.
    """
    yield until_settled(volume)
    try:
        yield from _once_at_rest(server, Call(
            'compute', 'DELETE', f'/servers/{server}/os-volume_attachments/{volume}', ok=(404,),
            label=f'detach {volume}'))
    except CloudFault as fault:
        # On its way out already.
        if fault.status not in (400, 409) or (yield from _stuck(server, volume)):
            raise
    if wait:
        yield _until(volume, server, False)


def _stuck(server: str, volume: str) -> Steps:
    body = yield Call('volumev3', 'GET', f'/volumes/{volume}', ok=(404,), unwrap='volume', label='show')
    if body is None or body.get('status') == 'detaching':
        return False
    return (yield from attached(server, volume))


def _until(volume: str, server: str, attached: bool) -> Poll:
    """Wait until the volume is, or is no longer, on that server."""
    def judge(body: dict[str, Any] | None) -> bool | str:
        if body is None:
            return f'The volume {volume} is gone.' if attached else True
        state = body.get('status')
        here = any(one.get('server_id') == server for one in body.get('attachments') or ())
        if str(state).startswith('error'):
            return f'Went to status {state} due to "Unknown"'
        if attached:
            if state == 'available':
                return f'Went to status {state} due to "Volume attachment failed"'
            return state == 'in-use' and here
        return not here and state not in PASSING
    return Poll('volumev3', f'/volumes/{volume}', volume, judge, unwrap='volume',
                list_path='/volumes/detail', list_key='volumes')


class VolumeAttachment(Resource):
    """The attachment of a volume to a server."""

    type = 'OS::Cinder::VolumeAttachment'
    service = 'volumev3'
    observes = True

    class properties:
        instance_uuid = String('The server.', required=True, update=IN_PLACE)
        volume_id = String('The volume.', required=True, check='cinder.volume', update=IN_PLACE)
        mountpoint = String('Where the server shows it, as far as it cares, like /dev/vdb.', update=IN_PLACE)

    def create(self) -> Steps:
        yield from self._attach(self.props)

    def _attach(self, props: Mapping[str, Any]) -> Steps:
        # Compute names an attachment by its volume, so the id is known and written with the intent.
        yield Record(physical_id=props['volume_id'])
        yield from attach(props['instance_uuid'], props['volume_id'], props.get('mountpoint'))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if not diff:
            return
        yield from self._detach(diff.old, wait=not self.came_by('freed'))
        yield from self.at_first('freed', True)
        yield from self._attach(new)

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield from self._detach(self.row.props or {})

    def _detach(self, props: Mapping[str, Any], wait: bool = True) -> Steps:
        server, volume = props.get('instance_uuid'), props.get('volume_id')
        if server is not None and volume is not None:
            yield from detach(server, volume, wait)

    def check(self) -> Steps:
        props = self.row.props or {}
        if not (yield from attached(props['instance_uuid'], props['volume_id'])):
            raise StepFailed(f'Volume {props["volume_id"]} is not attached to {props["instance_uuid"]}.',
                             'NotFound')
        return {}

    def observe(self) -> Steps:
        """Whether it stands; under which name the server shows the volume is the server's to say."""
        props = self.row.props or {}
        if not (yield from attached(props.get('instance_uuid', ''), props.get('volume_id', ''))):
            raise NeedsReplacement('The volume is not attached.')
        return {}

    @classmethod
    def same_thing(cls, row: Row, other: Row) -> bool:
        # The id is the volume's alone, which may be on several servers.
        return super().same_thing(row, other) and (row.props or {}).get('instance_uuid') == (
            other.props or {}).get('instance_uuid')

    def revive(self) -> Steps:
        """A FAILED attachment is kept only if it stands."""
        old = self.row.keep.get('old_props') or self.row.props or {}
        if not (yield from attached(old.get('instance_uuid', ''), old.get('volume_id', ''))):
            raise NeedsReplacement('The volume is not attached.')

    def read(self, names: tuple[Any, ...]) -> Steps:
        if 'show' not in names:
            return {}
        props = self.row.props or {}
        return {'show': (yield Call(
            'compute', 'GET', f'/servers/{props["instance_uuid"]}/os-volume_attachments/{props["volume_id"]}',
            unwrap='volumeAttachment', label='show'))}
