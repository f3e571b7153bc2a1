"""Images that the image service fetches from the web.

Purpose: OS::Glance::WebImage. Invariant: its id is the one that was asked for or one
that we choose, so it is found again by it; it is there once the service has its
content. Neighbours: ``rest`` has the common verbs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Adopt, Call, CloudFault, NeedsReplacement, Poll, StepFailed
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import made_since, members
from heat.resources.openstack.metadata import text_values
from heat.resources.rest import Rest
from heat.schema import IN_PLACE, UNKNOWN, Boolean, Integer, List, Map, String, Support

LIKE_AN_ID = r'^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'
# Formats of Amazon's images, which are their own containers.
AMAZON = ('aki', 'ari', 'ami')
PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
# Where the service says that it works on an image, and what it could not do.
AT_WORK, FAILED_STORES = 'os_glance_import_task', 'os_glance_failed_import'
# States of a task that has not ended, and how often it is looked at for its last word.
UNENDED, LOOKS = ('pending', 'processing'), 10


class WebImage(Rest):
    """An image whose content the image service fetches from an address."""

    type = 'OS::Glance::WebImage'
    support = Support(version='12.0.0')
    service, path, plural = 'image', '/images', 'images'
    survives_failure = True

    class properties:
        name = String('Name.')
        id = String('Id; by default one that nobody has.')
        visibility = String('Who sees it.', default='private', update=IN_PLACE,
                            values=['public', 'private', 'community', 'shared'])
        protected = Boolean('Whether it is kept from being deleted.', default=False, update=IN_PLACE)
        min_disk = Integer('Smallest disk in GB that it boots from.', default=0, range=(0, None))
        min_ram = Integer('Smallest memory in MB that it boots in.', default=0, range=(0, None))
        disk_format = String('Format of the disk.', required=True, values=[
            'ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'])
        container_format = String('What the disk is in.', required=True, values=[
            'ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker'])
        location = String('Address of the content.', required=True, wire=None)
        tags = List('Tags.', update=IN_PLACE)
        architecture = String('Architecture of the processor.', update=IN_PLACE)
        kernel_id = String('Image of its kernel.', pattern=LIKE_AN_ID, update=IN_PLACE)
        os_distro = String('Distribution.', update=IN_PLACE)
        os_version = String('Version of the distribution.', update=IN_PLACE)
        owner = String('Project that owns it.', update=IN_PLACE)
        ramdisk_id = String('Image of its first disk.', pattern=LIKE_AN_ID, update=IN_PLACE)
        active = Boolean('Whether its content can be had.', default=True, wire=None, update=IN_PLACE,
                         support=Support(version='16.0.0'))
        members = List('Projects that it is shared with.', wire=None, update=IN_PLACE, of=String(),
                       support=Support(version='16.0.0'))
        extra_properties = Map('What else is known of it.', default={}, wire=None, update=IN_PLACE,
                               support=Support(version='17.0.0'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        formats = [props.get('container_format'), props.get('disk_format')]
        if UNKNOWN not in formats and set(formats) & set(AMAZON) and formats[0] != formats[1]:
            yield ('Invalid mix of disk and container formats. When setting a disk or container format to '
                   "one of 'aki', 'ari', or 'ami', the container and disk formats must match.")
        if props.get('members') and props.get('visibility') not in ('shared', UNKNOWN):
            yield 'members property should only be specified for visibility with value shared.'
        extra = props.get('extra_properties')
        for name in extra if isinstance(extra, Mapping) else ():
            if name in cls.schema.properties:
                yield f'{name} is a property of its own and does not belong into extra_properties.'

    # -- creation --------------------------------------------------------------------------------

    def create(self) -> Steps:
        yield self.post(self.body(self.props))
        yield from self._import()
        yield from self._share(self.props.get('members'), [])
        if not self.props.get('active'):
            yield self._turn('deactivate')
        return None

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {'id': self.row.uuid, **super().body(props), **_texts(props)}

    def adopt(self, body: dict[str, Any]) -> Adopt:
        return Adopt(f'/images/{body["id"]}', None, made_since(self, 'created_at'))

    def _import(self) -> Steps:
        """Have the content fetched; what the service is at already, or has done, is as wished."""
        method = {'name': 'web-download', 'uri': self.props['location']}
        try:
            yield Call('image', 'POST', self.url('/import'), {'method': method}, label='import')
        except CloudFault as fault:
            now = yield self.get()
            if fault.status != 409 or (now['status'] == 'queued' and not now.get(AT_WORK)):
                raise
        try:
            yield self._content()
        except StepFailed as broken:
            raise StepFailed(f'{broken.message}{(yield from self._why())}', broken.kind) from broken

    def _content(self) -> Poll:
        """Wait for the content; the service puts an image back into the queue when it could not get it."""
        seen_at_work = False

        def judge(body: dict[str, Any] | None) -> bool | str:
            nonlocal seen_at_work
            state = None if body is None else body.get('status')
            if body is None or state in ('killed', 'deleted', 'pending_delete'):
                return f'Image {self.id} went to status {state or "deleted"}'
            at_work = bool(body.get(AT_WORK))
            given_up = seen_at_work and not at_work
            seen_at_work = seen_at_work or at_work
            if state == 'queued' and (body.get(FAILED_STORES) or given_up):
                return f'The content of image {self.id} could not be fetched from {self.props["location"]}'
            return state in ('active', 'deactivated')
        return self.poll(judge)

    def poll(self, judge: Any) -> Poll:
        return Poll('image', self.url(), self.id, judge)

    def _why(self) -> Steps:
        """What the service says about its last attempt, if it does.

        It gives the image up before it has written down why, so some looks are worth it.
        """
        looks, said = itertools.count(1), ''

        def judge(body: dict[str, Any] | None) -> bool:
            nonlocal said
            tasks = (body or {}).get('tasks') or []
            said = next((str(one['message']) for one in reversed(tasks) if one.get('message')), '')
            return next(looks) >= LOOKS or not any(one.get('status') in UNENDED for one in tasks)

        try:
            yield Poll('image', self.url('/tasks'), self.id, judge)
        except CloudFault:
            return '.'
        return f': {said}' if said else '.'

    # -- updates ---------------------------------------------------------------------------------

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        shared = new.get('visibility') == 'shared'
        # Only a shared image has members.
        if not shared:
            yield from self._share([], diff.old.get('members'))
        changes = self.changes(diff)
        if 'extra_properties' in diff:
            old, now = _texts(diff.old), _texts(new)
            changes |= {**dict.fromkeys(set(old) - set(now)), **now}
        if changes:
            yield (yield from self._patch(changes))
        if shared:
            yield from self._share(new.get('members'), diff.old.get('members'))
        if 'active' in diff or self.row.keep.get('revive'):
            yield self._turn('reactivate' if new.get('active') else 'deactivate')

    def _patch(self, changes: dict[str, Any]) -> Steps:
        """The call that makes the changes; null takes a property away."""
        there = yield self.get()
        usual = {'owner': self.around.stack.tenant, 'tags': []}
        wanted = []
        for name in sorted(changes):
            place, value = f'/{name.replace("~", "~0").replace("/", "~1")}', changes[name]
            value = usual.get(name) if value is None else value
            if value is not None:
                wanted.append({'op': 'replace' if name in there else 'add', 'path': place, 'value': value})
            elif name in there:
                wanted.append({'op': 'remove', 'path': place})
        return Call('image', 'PATCH', self.url(), wanted, headers=PATCH, label='update')

    def _share(self, wanted: list[str] | None, old: list[str] | None) -> Steps:
        yield from members(
            self, 'members', wanted or (), old or (),
            lambda one: Call('image', 'POST', self.url('/members'), {'member': one}, ok=(409,),
                             label=f'share with {one}'),
            lambda one: Call('image', 'DELETE', self.url(f'/members/{one}'), ok=(404,),
                             label=f'unshare with {one}'))

    def _turn(self, verb: str) -> Call:
        return Call('image', 'POST', self.url(f'/actions/{verb}'), label=verb)

    # -- what it is like ---------------------------------------------------------------------------

    def check(self) -> Steps:
        answer = yield self.get()
        wanted = 'active' if self.props.get('active', True) else 'deactivated'
        if answer['status'] != wanted:
            raise StepFailed(f'Image {self.id} is {answer["status"]}, not {wanted}.', 'ResourceInError')
        return answer

    def revive(self) -> Steps:
        """Without its content it is of no use, and the content can be fetched only once."""
        found = yield Call('image', 'GET', self.url(), ok=(404,), label='show')
        state = 'gone' if found is None else found['status']
        if state not in ('active', 'deactivated'):
            raise NeedsReplacement(f'Image {self.id} is {state}.')

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = super().differences(body)
        wanted = _texts(self.props)
        there = {name: body[name] for name in wanted if name in body}
        if there != wanted:
            found['extra_properties'] = there
        return found


def _texts(props: Mapping[str, Any]) -> dict[str, str]:
    """The extra properties, which the service takes as text."""
    return text_values(props.get('extra_properties') or {})
