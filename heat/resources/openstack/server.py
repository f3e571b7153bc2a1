"""OS::Nova::Server: a virtual machine through its life.

Purpose: the verbs. Invariant: every action is judged by the server's state, so
that a repeated one passes; the ports and the user made for a server go with it.
Neighbours: ``server_table`` declares, ``server_networks``, ``server_devices``,
``server_agent`` and ``user_data`` make parts of the request, ``server_views`` reads.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import Adopt, Call, CloudFault, NeedsReplacement, Poll, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Steps
from heat.resources.openstack import server_agent as agent
from heat.resources.openstack import server_devices as devices
from heat.resources.openstack import server_networks as networks
from heat.resources.openstack import server_table, server_views, user_data
from heat.resources.openstack.cinder import TRIES, at_rest, busy
from heat.resources.openstack.journal import made_since
from heat.resources.openstack.metadata import text_values
from heat.resources.openstack.neutron.rest import named, subnets_of
from heat.resources.openstack.neutron.trunk import trunks_of
from heat.resources.rest import Rest
from heat.schema import UNKNOWN
from heat.template.definition import Definition
from heat.template.expr import Ref

# States that a server leaves by itself or by what was asked of it.
DEFERRED = ('BUILD', 'HARD_REBOOT', 'PASSWORD', 'REBOOT', 'RESCUE', 'RESIZE', 'REVERT_RESIZE', 'SHUTOFF',
            'SUSPENDED', 'VERIFY_RESIZE', 'REBUILD', 'PAUSED', 'MIGRATING')
SPECIAL = re.compile(r'[^A-Za-z0-9_. -]')
# Files are injected up to this version; without networks a server gets the project's only one up to that.
WITH_FILES, WITHOUT_NETWORKS = '2.56', '2.36'
Body = Mapping[str, Any]


class Server(Rest):
    """A virtual machine."""

    type = 'OS::Nova::Server'
    service, path, key = 'compute', '/servers', 'server'
    list_path = '/servers/detail'
    ready, broken = ('ACTIVE',), ('ERROR',)
    name_limit = 53
    survives_failure = True
    releases = True
    snapshots = True
    deployed_to = True
    properties = server_table.Properties
    attributes = server_table.Attributes

    # -- what the planner asks -------------------------------------------------------------------

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        networks = named(definition, 'networks')
        return subnets_of(networks, others) | trunks_of(networks, others)

    @classmethod
    def wanted(cls, refs: frozenset[Ref]) -> tuple[Any, ...]:
        if any(ref.attribute is None for ref in refs):
            return tuple(name for name in super().wanted(refs) if name != 'os_collect_config')
        names: set[Any] = set()
        for ref in refs:
            if ref.attribute == 'os_collect_config':
                # It holds a password, and a copy among the attributes would stand in the clear.
                continue
            if ref.attribute == 'console_urls' and ref.path and isinstance(ref.path[0], str):
                names.add(('console_urls', ref.path[0]))
            else:
                names.add(ref.attribute)
        return tuple(sorted((list(name) if isinstance(name, tuple) else name for name in names), key=str))

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        return (('flavor' in changed and new.get('flavor_update_policy') == 'REPLACE')
                or ('image' in changed and (new.get('image_update_policy') == 'REPLACE'
                                            or not new.get('image') or not (row.props or {}).get('image')))
                or ('user_data' in changed and new.get('user_data_update_policy') == 'REPLACE'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from devices.faults(props)
        yield from networks.faults(props)
        if agent.expected(props):
            yield from agent.faults(props)
        elif props.get('deployment_swift_data'):
            yield 'deployment_swift_data serves servers with user_data_format SOFTWARE_CONFIG only.'
        if props.get('reservation_id') is not None:
            yield 'reservation_id is not supported: the compute service reserves nothing for servers to come.'
        files = props.get('personality')
        for name, content in files.items() if isinstance(files, Mapping) else ():
            if content is not UNKNOWN and len(str(content).encode()) > 10240:
                yield f'The contents of personality file "{name}" is larger than the maximum of 10240 bytes.'

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        if name == 'os_collect_config':
            return row.data.get(agent.KEY) or {}
        return super().attribute(row, name, path)

    @classmethod
    def metadata_of(cls, row: Row) -> dict[str, Any]:
        return agent.metadata_of(row)

    @classmethod
    def deliveries(cls, row: Row, metadata: Mapping[str, Any]) -> tuple[Call, ...]:
        return agent.deliveries(row, metadata)

    # -- creation --------------------------------------------------------------------------------

    def create(self) -> Steps:
        props = self.props
        nics = yield from networks.prepare(self, props.get('networks') or [])
        if agent.expected(props):
            yield from agent.connect(self, props)
        body = yield from self._request(props, nics)
        # Compute's list takes the name as an expression; the exact name is compared afterwards.
        name, recent = body['name'], made_since(self, 'created')
        adopt = Adopt('/servers/detail', 'servers', lambda found: found.get('name') == name and recent(found),
                      {'name': SPECIAL.sub('.', name)})
        hints = props.get('scheduler_hints')
        version = WITH_FILES if props.get('personality') else ''
        if nics is None:
            version = WITHOUT_NETWORKS
        tags = body.pop('tags', None) if version else None
        headers = {'X-OpenStack-Nova-API-Version': version} if version else {}
        request = {'server': body, **({'os:scheduler_hints': hints} if hints else {})}
        yield Call('compute', 'POST', '/servers', request, headers=headers, unwrap='server', identify='id',
                   label='create', adopt=adopt)
        answer = yield self.active()
        if tags:
            yield self._tags(tags)
        yield from networks.reach(self, props.get('networks') or [])
        return answer

    def _request(self, props: Mapping[str, Any], nics: Any) -> Steps:
        text = user_data.build((yield from agent.script(props)), props['user_data_format'],
                               agent.metadata_of(self.row), agent.metadata_url(self),
                               self.around.urls.get('watch', ''))
        image = props.get('image')
        body: dict[str, Any] = {'name': props.get('name') or self.physical_name(), 'imageRef': image or '',
                                'flavorRef': props['flavor']}
        for name, key in (('key_name', 'key_name'), ('availability_zone', 'availability_zone'),
                          ('config_drive', 'config_drive'), ('diskConfig', 'OS-DCF:diskConfig'),
                          ('admin_pass', 'adminPass'), ('tags', 'tags')):
            # A parameter cannot be null: templates such as those of Magnum say none by an empty text.
            if props.get(name) not in (None, ''):
                body[key] = props[name]
        if text:
            body['user_data'] = encoded(text)
        if props.get('metadata'):
            body['metadata'] = text_values(props['metadata'])
        if props.get('security_groups'):
            body['security_groups'] = [{'name': group} for group in props['security_groups']]
        if nics is not None:
            body['networks'] = nics
        if props.get('block_device_mapping'):
            body['block_device_mapping'] = devices.first_form(props['block_device_mapping'])
        if props.get('block_device_mapping_v2'):
            body['block_device_mapping_v2'] = devices.second_form(props['block_device_mapping_v2'], image)
        if props.get('personality'):
            body['personality'] = [{'path': path, 'contents': encoded(str(content))}
                                   for path, content in props['personality'].items()]
        return body

    # -- updates ---------------------------------------------------------------------------------

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'metadata' in diff:
            yield Call('compute', 'PUT', self.url('/metadata'),
                       {'metadata': text_values(new.get('metadata') or {})}, label='metadata')
        if 'name' in diff:
            yield self.put({'name': new.get('name') or self.physical_name()})
        if 'tags' in diff:
            yield self._tags(new.get('tags') or [])
        if new.get('admin_pass') and 'admin_pass' in diff:
            yield self.action('changePassword', adminPass=new['admin_pass'])
        if 'networks' in diff:
            yield from networks.change(self, diff)
        if agent.expected(new):
            yield from agent.changed(self, new, diff)
        if 'flavor' in diff:
            yield from self._resize(new['flavor'])
        if 'image' in diff or ('user_data' in diff and new.get('user_data_update_policy') == 'REBUILD'):
            yield from self._rebuild(new)

    def _tags(self, tags: list[str]) -> Call:
        return Call('compute', 'PUT', self.url('/tags'), {'tags': list(tags)}, label='tags')

    def _resize(self, flavor: str) -> Steps:
        name = (yield Call('compute', 'GET', f'/flavors/{flavor}', unwrap='flavor', label='flavor'))['name']
        yield from self._unless(self.action('resize', {'flavorRef': flavor}), 'RESIZE', 'VERIFY_RESIZE')
        body = yield self.until_state('VERIFY_RESIZE', 'ACTIVE', 'SHUTOFF')
        if state_of(body) != 'VERIFY_RESIZE' and not of_flavor(body, flavor, name):
            # Without a host that takes it the server is back where it was, and shows no error.
            raise StepFailed(f"Resizing to '{flavor}' failed, status '{state_of(body)}'", 'ResourceInError')
        # A confirmation under way refuses another while the server still shows VERIFY_RESIZE.
        yield from self._unless(self.action('confirmResize'), 'ACTIVE', 'SHUTOFF', 'VERIFY_RESIZE')
        yield self._as_it_was()

    def _rebuild(self, new: Mapping[str, Any]) -> Steps:
        image = new.get('image')
        if not image:
            raise NeedsReplacement('A server without an image cannot be rebuilt.')
        request: dict[str, Any] = {'imageRef': image}
        if new.get('image_update_policy') == 'REBUILD_PRESERVE_EPHEMERAL':
            request['preserve_ephemeral'] = True
        if new.get('admin_pass'):
            request['adminPass'] = new['admin_pass']
        if new.get('user_data_update_policy') == 'REBUILD':
            text = user_data.build((yield from agent.script(new)), new['user_data_format'],
                                   agent.metadata_of(self.row), agent.metadata_url(self),
                                   self.around.urls.get('watch', ''))
            request['user_data'] = encoded(text) if text else None
        yield from self._unless(self.action('rebuild', request), 'REBUILD')
        yield self._as_it_was()

    def _unless(self, call: Call, *states: str) -> Steps:
        """Act; a refusal passes where the server is in one of ``states``: it was done before.

        What else is being done with the server is waited for, a bounded number of times.
        """
        for turn in range(TRIES):
            try:
                yield call
            except CloudFault as fault:
                if fault.status not in (400, 409):
                    raise
                # As it was then: a step that is resumed must take the same way.
                state = yield from self.at_first(f'{call.label} {turn}', state_of((yield self.get())))
                if state in states:
                    return
                if not busy(fault) or turn == TRIES - 1:
                    raise
            else:
                return
            yield at_rest(self.id)

    # -- other verbs -----------------------------------------------------------------------------

    def release(self) -> Steps:
        yield from networks.let_go(self)

    def restore(self) -> Steps:
        yield from networks.take_back(self)

    def suspend(self) -> Steps:
        yield from self._unless(self.action('suspend'), 'SUSPENDED')
        yield self.until_state('SUSPENDED')

    # -- snapshots: an image of the disk --------------------------------------------------------------

    def snapshot(self) -> Steps:
        # Kept before it is waited for, and by its name before it is asked for: a snapshot that is cut off
        # is taken away as well.
        yield self.keep(snapshot_image_id=None, snapshot_image_name=self._image_name())
        image = yield from self._image()
        yield self.keep(snapshot_image_id=image)
        yield self._filled(image)

    def last_snapshot(self) -> Steps:
        if (yield replace(self.get(), ok=(404,))) is None:
            # Of what is gone nothing can be kept, and its stack is to end all the same.
            return
        yield self._filled((yield from self._image()))

    def _image_name(self) -> str:
        # A name of its own, since only newer versions answer with the image's id.
        return f'{self.physical_name()}-{self.row.goal_seq}'

    def _image(self) -> Steps:
        name = self._image_name()
        adopt = Adopt('/images', 'images', lambda found: bool(found.get('name') == name), {'name': name},
                      service='image')
        yield Call('compute', 'POST', self.url('/action'), {'createImage': {'name': name}},
                   label='create image', adopt=adopt)
        found = yield Call('image', 'GET', '/images', query={'name': name}, unwrap='images',
                           label='find image')
        if not found:
            raise StepFailed(f'The image {name} of server {self.id} is not there.', 'NotFound')
        return found[0]['id']

    def _filled(self, image: str) -> Poll:
        def judge(body: dict[str, Any] | None) -> bool | str:
            state = None if body is None else body.get('status')
            if state in (None, 'deleted', 'killed', 'pending_delete'):
                return f'The image {image} of server {self.id} is {state or "gone"}.'
            return state == 'active'
        return Poll('image', f'/images/{image}', image, judge)

    @classmethod
    def restored(cls, props: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        return {'image': kept['snapshot_image_id']} if kept.get('snapshot_image_id') else {}

    @classmethod
    def forget_snapshot(cls, kept: Mapping[str, Any]) -> Steps:
        name = kept.get('snapshot_image_name')
        found = [kept['snapshot_image_id']] if kept.get('snapshot_image_id') else []
        if not found and name:
            listed = yield Call('image', 'GET', '/images', query={'name': name}, unwrap='images',
                                label='find image')
            found = [one['id'] for one in listed if one.get('name') == name]
        for image in found:
            yield Call('image', 'DELETE', f'/images/{image}', ok=(404,), label='delete image')

    def resume(self) -> Steps:
        yield from self._unless(self.action('resume'), 'ACTIVE')
        yield self.until_state('ACTIVE')

    def check(self) -> Steps:
        body = yield self.get()
        if state_of(body) != 'ACTIVE':
            raise StepFailed(f"'{self.name}': expected 'ACTIVE' status, got '{body.get('status')}'",
                             'ResourceInError')
        return body

    def revive(self) -> Steps:
        yield from super().revive()
        body = yield self.get()
        if state_of(body) in ('DELETED', 'SOFT_DELETED'):
            raise NeedsReplacement(f'Server {self.id} is deleted.')

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield self.remove()
            yield self.poll(self._gone)
        yield from networks.remove_ports(self)
        yield from agent.remove(self)

    def read(self, names: tuple[Any, ...]) -> Steps:
        return (yield from server_views.read(self, names))

    # -- waiting ---------------------------------------------------------------------------------

    def active(self) -> Poll:
        return self.until_state('ACTIVE')

    def _as_it_was(self) -> Poll:
        """Wait until it runs again; one that somebody has stopped is stopped again."""
        return self.until_state('ACTIVE', 'SHUTOFF')

    def until_state(self, *wanted: str) -> Poll:
        """Wait for a state, with no task under way."""
        return self.poll(self._judge(wanted))

    def _judge(self, wanted: tuple[str, ...]) -> Callable[[dict[str, Any] | None], bool | str]:
        def judge(body: dict[str, Any] | None) -> bool | str:
            if body is None:
                return f'The server {self.row.physical_id} is gone.'
            state = state_of(body)
            if state == 'ERROR':
                return f'Went to status ERROR due to "{self.why_broken(body)}"'
            if state in wanted:
                return not body.get('OS-EXT-STS:task_state')
            if state in DEFERRED or state == 'ACTIVE':
                return False
            return f'{self.name} - Unknown status {state} due to "Server is not in a known state"'
        return judge

    def _gone(self, body: dict[str, Any] | None) -> bool | str:
        if body is None or state_of(body) in ('DELETED', 'SOFT_DELETED'):
            return True
        # A server that was broken before shows it while it is being deleted.
        if state_of(body) == 'ERROR' and body.get('OS-EXT-STS:task_state') != 'deleting':
            return (f'Went to status ERROR due to "Server {body.get("name")} delete failed: '
                    f'{self.why_broken(body)}"')
        return False

    def why_broken(self, body: Body) -> str:
        fault = body.get('fault') or {}
        return f'Message: {fault.get("message", "Unknown")}, Code: {fault.get("code", "Unknown")}'


def state_of(body: Body) -> str:
    # Some clouds append a remark in brackets.
    return str(body.get('status', '')).partition('(')[0]


def of_flavor(body: Body, flavor: str, name: str) -> bool:
    # Newer versions show a flavor's name and no id, older ones the id alone.
    shown = body.get('flavor') or {}
    return shown.get('id') == flavor or shown.get('original_name') == name


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode('ascii')
