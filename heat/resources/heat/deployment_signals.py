"""How a server tells what became of a deployment: the ways to answer.

Purpose: for each signal transport the inputs that the tools in the server read,
and the user and keys that these need. Invariant: what is secret stands in the
row's private data and in the derived configuration, both encrypted. Neighbours:
``software_deployment`` deploys them; the CFN and the native API take the answers.
"""

from __future__ import annotations

from typing import Any

from heat.common.ec2 import signed_url
from heat.model.op import Record, StepFailed, UserCall
from heat.model.status import Action
from heat.resources import queue, temp_url
from heat.resources.base import Steps
from heat.resources.heat.wait_condition import StackUser

CFN_SIGNAL, TEMP_URL_SIGNAL, HEAT_SIGNAL = 'CFN_SIGNAL', 'TEMP_URL_SIGNAL', 'HEAT_SIGNAL'
NO_SIGNAL, ZAQAR_SIGNAL = 'NO_SIGNAL', 'ZAQAR_SIGNAL'
TRANSPORTS = (CFN_SIGNAL, TEMP_URL_SIGNAL, HEAT_SIGNAL, NO_SIGNAL, ZAQAR_SIGNAL)
TEXTS = {
    'deploy_server_id': 'ID of the server being deployed to',
    'deploy_action': 'Name of the current action being deployed',
    'deploy_stack_id': 'ID of the stack this deployment belongs to',
    'deploy_resource_name': 'Name of this deployment resource in the stack',
    'deploy_signal_transport': 'How the server should signal to heat with the deployment output values.',
    'deploy_signal_id': 'ID of signal to use for signaling output values',
    'deploy_signal_verb': 'HTTP verb to use for signaling output values',
    'deploy_auth_url': 'URL for API authentication',
    'deploy_username': 'Username for API authentication',
    'deploy_user_id': 'User ID for API authentication',
    'deploy_password': 'Password for API authentication',
    'deploy_project_id': 'ID of project for API authentication',
    'deploy_queue_id': 'ID of queue to use for signaling output values',
    'deploy_region_name': 'Region name for API authentication'}


def prepare(deployment: StackUser, action: Action, derived: str) -> Steps:
    """The inputs named ``deploy_*``; makes the user that they speak of, if there is none yet.

    ``derived`` is the id of the configuration that they are for.
    """
    props, around = deployment.props, deployment.around
    transport = props['signal_transport']
    values: dict[str, Any] = {
        'deploy_server_id': props['server'], 'deploy_action': str(action),
        'deploy_stack_id': f'{around.stack.stack_name}/{around.stack.stack_id}',
        'deploy_resource_name': deployment.name, 'deploy_signal_transport': transport}
    made = not (yield from deployment.at_first('user', deployment.row.data.get('user_id')))
    if transport in (CFN_SIGNAL, HEAT_SIGNAL, ZAQAR_SIGNAL) and made:
        yield from deployment.make_user()
    if transport == CFN_SIGNAL:
        values |= yield from _signed(deployment, made)
    elif transport == TEMP_URL_SIGNAL:
        values['deploy_signal_id'] = yield from temp_url.prepare(deployment, derived)
        values['deploy_signal_verb'] = 'PUT'
    elif transport == HEAT_SIGNAL:
        values |= _account(deployment)
    elif transport == ZAQAR_SIGNAL:
        # One for each turn: what was said too late for one is no word on the next.
        yield from queue.prepare(deployment, derived)
        values |= {**_account(deployment), 'deploy_queue_id': derived}
    return [{'name': name, 'type': 'String', 'description': TEXTS[name], 'value': value}
            for name, value in values.items()]


def _account(deployment: StackUser) -> dict[str, Any]:
    data = deployment.row.data
    return {'deploy_auth_url': deployment.around.urls.get('auth', ''),
            'deploy_username': deployment.physical_name()[-64:], 'deploy_user_id': data['user_id'],
            'deploy_password': data['password'], 'deploy_project_id': data['project_id'],
            'deploy_region_name': deployment.around.region}


def _signed(deployment: StackUser, made: bool) -> Steps:
    """The address to POST to, signed with keys of the deployment's user."""
    data = deployment.row.data
    base = deployment.around.urls.get('cfn_signal')
    if not base:
        raise StepFailed('Nobody could signal: the address of the CFN API is neither in the catalogue nor in '
                         'heat_waitcondition_server_url.')
    if made:
        keys = yield UserCall('create_keypair', {
            'user_id': data['user_id'], 'project_id': data['project_id']}, label='keys')
        yield Record(data={'access_key': keys['access'], 'secret_key': keys['secret'],
                           'credential_id': keys['credential_id']})
        data = deployment.row.data
    # Without a time in it, so that it does not grow old.
    url = signed_url(base, f'signal/{deployment.around.stack.resource(deployment.name).arn()}', 'POST',
                     data['access_key'], data['secret_key'])
    return {'deploy_signal_id': url, 'deploy_signal_verb': 'POST'}
