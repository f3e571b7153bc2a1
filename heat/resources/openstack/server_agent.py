"""How a server's agent learns of its software deployments.

Purpose: the in-guest user, its keys, and the ``os-collect-config`` part of the
metadata. Invariant: that part holds secrets, so it is kept with the row's
private data and put in where the metadata is shown; what is deployed is never
copied, but read with it. Neighbours: ``server`` and ``deployed_server`` run it;
``engine.reads_resources`` shows the metadata.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import ReadConfig, Record, UserCall
from heat.model.resource import Row
from heat.resources.base import Resource, Steps
from heat.resources.openstack.user_data import CFNTOOLS, SOFTWARE_CONFIG

UUID = re.compile(r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', re.IGNORECASE)
CFN, NATIVE = 'POLL_SERVER_CFN', 'POLL_SERVER_HEAT'
KEY = 'os-collect-config'


def faults(props: Mapping[str, Any]) -> Iterable[str]:
    """Sentences about ways of transport that this service does not have."""
    if props.get('software_config_transport') in ('POLL_TEMP_URL', 'ZAQAR_MESSAGE'):
        yield (f'software_config_transport {props["software_config_transport"]} is not supported; use '
               f'{CFN} or {NATIVE}.')
    if props.get('deployment_swift_data'):
        yield 'deployment_swift_data serves POLL_TEMP_URL only, which is not supported.'


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


def connect(server: Resource, transport: str) -> Steps:
    """Make the user and tell the agent in the metadata where to ask."""
    data = server.row.data
    password = data.get('password') or secrets.token_urlsafe(24)
    yield Record(data={'password': password})
    project = yield from server.at_first('project', server.around.stack_user_project)
    if project is None:
        # One project serves the whole tree of stacks; keystone limits names to 64 characters.
        name = f'{server.row.root_id}-{server.around.stack.stack_name}'[:64]
        made = yield UserCall('create_project', {'project_name': name}, label='project')
        project = made['project_id']
    user = yield UserCall('create_user', {'name': server.physical_name(), 'password': password,
                                          'project_id': project}, label='user')
    yield Record(data={'user_id': user['user_id'], 'project_id': project}, stack_user_project=project)
    if transport == NATIVE:
        told: dict[str, Any] = {'collectors': ['heat', 'local'],
                                'heat': _native(server, user['user_id'], password, project)}
    else:
        keys = yield UserCall('create_keypair', {'user_id': user['user_id'], 'project_id': project},
                              label='keys')
        yield Record(data={'access_key': keys['access'], 'secret_key': keys['secret'],
                           'credential_id': keys['credential_id']})
        told = {'collectors': ['cfn', 'local'], 'cfn': _cfn(server, keys['access'], keys['secret'])}
    yield Record(data={KEY: told})


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


def _native(server: Resource, user: str, password: str, project: str) -> dict[str, Any]:
    stack = server.around.stack
    return {'user_id': user, 'password': password, 'auth_url': server.around.urls.get('auth', ''),
            'project_id': project, 'stack_id': f'{stack.stack_name}/{stack.stack_id}',
            'resource_name': server.name, 'region_name': server.around.region}


def remove(server: Resource) -> Steps:
    if server.row.data.get('user_id'):
        yield UserCall('delete_user', {'user_id': server.row.data['user_id']}, label='delete user')
