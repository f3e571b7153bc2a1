"""How a server's agent learns of its software deployments.

Purpose: the in-guest user, its keys, the place where it looks, and the
``os-collect-config`` part of the metadata. Invariant: that part holds secrets, so it
is kept with the row's private data and put in where the metadata is shown; what is
deployed is never kept with it. A place that was given out is written to as long as
the server is there, for an agent that has not heard of another. Neighbours:
``server`` and ``deployed_server`` run it; ``engine.reads_resources`` shows the
metadata, ``engine.courier`` writes it to the places.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from heat.common.ids import derived_id
from heat.model.op import Call, ReadConfig, Record, Tell, UserCall
from heat.model.resource import Row
from heat.resources import queue, temp_url
from heat.resources.base import Resource, Steps
from heat.resources.openstack.user_data import CFNTOOLS, SOFTWARE_CONFIG

UUID = re.compile(r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', re.IGNORECASE)
CFN, NATIVE, OBJECT, MESSAGE = 'POLL_SERVER_CFN', 'POLL_SERVER_HEAT', 'POLL_TEMP_URL', 'ZAQAR_MESSAGE'
KEY = 'os-collect-config'


def faults(props: Mapping[str, Any]) -> Iterable[str]:
    """Sentences about properties that do not fit together."""
    transport = props.get('software_config_transport')
    if props.get('deployment_swift_data') and transport in (CFN, NATIVE, MESSAGE):
        yield f'deployment_swift_data serves software_config_transport {OBJECT} only, not {transport}.'


def script(props: Mapping[str, Any]) -> Steps:
    """The text of ``user_data``: given itself, or by the id of a software config."""
    text = props.get('user_data') or ''
    if props.get('user_data_format') != CFNTOOLS and UUID.match(text):
        config = yield ReadConfig(text)
        if config is not None:
            return str(config.config.get('config') or '')
    return text


def expected(props: Mapping[str, Any]) -> bool:
    """Whether a server has an agent that asks for what is deployed on it."""
    return bool(props.get('user_data_format') == SOFTWARE_CONFIG)


def connect(server: Resource, props: Mapping[str, Any]) -> Steps:
    """Make what its agent needs, and say in the metadata where to ask or to look."""
    transport = props['software_config_transport']
    if transport == OBJECT:
        url = yield from _object(server, props.get('deployment_swift_data') or {})
        told: dict[str, Any] = {'collectors': ['request', 'local'], 'request': {'metadata_url': url}}
    else:
        told = yield from _account(server, transport)
    yield Record(data={KEY: told})
    # An object or a queue is not empty when the agent first looks.
    for call in deliveries(server.row, metadata_of(server.row)):
        _answer = yield call


def changed(server: Resource, props: Mapping[str, Any], diff: Collection[str]) -> Steps:
    """The same where an update asks for another way; what an agent is told may have changed in any case."""
    if {'software_config_transport', 'deployment_swift_data'} & set(diff):
        yield from connect(server, props)
    if deliveries(server.row, {}):
        # With what is deployed already, also to where its agent has looked until now.
        yield Tell(server.id)


def _object(server: Resource, wanted: Mapping[str, Any]) -> Steps:
    """A URL to read the object by that its metadata will be written to."""
    shared, name = wanted.get('container'), wanted.get('object') or derived_id(server.row.uuid, 'metadata')
    place = [shared or server.physical_name(), name]
    known = server.row.data.get('objects') or []
    yield Record(data={'objects': [*(one for one in known if one != place), place]})
    if shared:
        return (yield from temp_url.share(server, shared, name, 'GET'))
    return (yield from temp_url.prepare(server, name, 'GET', versions=False))


def _account(server: Resource, transport: str) -> Steps:
    """Make the user, and give what the agent asks with."""
    data = server.row.data
    password = data.get('password') or secrets.token_urlsafe(24)
    yield Record(data={'password': password})
    project = yield from server.at_first('project', server.around.stack_user_project)
    # One project serves the whole tree of stacks; keystone limits names to 64 characters.
    name = f'{server.row.root_id}-{server.around.stack.stack_name}'[:64]
    if project is None:
        made = yield UserCall('create_project', {'project_name': name}, label='project')
        project = made['project_id']
    user = yield UserCall('create_user', {'name': server.physical_name(), 'password': password,
                                          'project_id': project, 'project_name': name}, label='user')
    # It may be another one, since somebody has deleted the one that there was.
    project = user['project_id']
    yield Record(data={'user_id': user['user_id'], 'project_id': project}, stack_user_project=project)
    account = {'user_id': user['user_id'], 'password': password, 'project_id': project,
               'auth_url': server.around.urls.get('auth', ''), 'region_name': server.around.region}
    if transport == NATIVE:
        stack = server.around.stack
        return {'collectors': ['heat', 'local'], 'heat': {
            **account, 'stack_id': f'{stack.stack_name}/{stack.stack_id}', 'resource_name': server.name}}
    if transport == MESSAGE:
        name = server.physical_name()
        yield from queue.prepare(server, name)
        return {'collectors': ['zaqar', 'local'], 'zaqar': {**account, 'queue_id': name}}
    keys = yield UserCall('create_keypair', {'user_id': user['user_id'], 'project_id': project}, label='keys')
    yield Record(data={'access_key': keys['access'], 'secret_key': keys['secret'],
                       'credential_id': keys['credential_id']})
    return {'collectors': ['cfn', 'local'], 'cfn': _cfn(server, keys['access'], keys['secret'])}


def deliveries(row: Row, metadata: Mapping[str, Any]) -> tuple[Call, ...]:
    """What writes the metadata to each place that the server's agent was given."""
    objects = [temp_url.put(container, name, metadata) for container, name in row.data.get('objects') or ()]
    queues = [queue.post(name, metadata, queue.site_of(row.data)) for name in row.data.get('queues') or ()]
    return *objects, *queues


def metadata_of(row: Row) -> dict[str, Any]:
    """The template's metadata with what the agent is told."""
    told = row.data.get(KEY)
    if told is None:
        return row.metadata
    given = row.metadata.get(KEY)
    others = given if isinstance(given, dict) else {}
    return {**row.metadata, 'deployments': [], KEY: {**others, **told}}


def metadata_url(server: Resource) -> str:
    """Where the agents of heat-cfntools ask, '' if the engine does not know."""
    base = server.around.urls.get('cfn', '').rstrip('/')
    return f'{base}/v1/' if base else ''


def _cfn(server: Resource, access: str, secret: str) -> dict[str, Any]:
    return {'metadata_url': metadata_url(server), 'access_key_id': access, 'secret_access_key': secret,
            'stack_name': server.around.stack.stack_name, 'path': f'{server.name}.Metadata'}


def remove(server: Resource) -> Steps:
    for container, name in server.row.data.get('objects') or ():
        yield from temp_url.take_out(container, name)
    yield from queue.remove(server)
    if server.row.data.get('user_id'):
        yield UserCall('delete_user', {'user_id': server.row.data['user_id']}, label='delete user')
