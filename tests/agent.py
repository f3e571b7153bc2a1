"""What os-collect-config and heat-config-notify do in a server, over HTTP.

It takes the account from the server's user data, reads the metadata with it and answers the way the
inputs say. Invariant: nothing else tells it where the service is or whose it is. Neighbours:
tests/functional/test_software.py over the simulated cloud, tests/cloud over a real one.
"""
from __future__ import annotations

import email
import json
from typing import Any, Self

import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3
from zaqarclient.queues import client as zaqar


class Agent:
    """What runs in a server; ``told`` is the os-collect-config part of its user data.

    It asks for its metadata as who has an account of the orchestration service.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self.account = told.get('heat') or {}
        self.done: set[str] = set()

    @classmethod
    def boots(cls, user_data: str) -> Self:
        """The agent of a server whose cloud-init finds this."""
        parts = email.message_from_string(user_data).walk()
        payload = next(one for one in parts if one.get_filename() == 'cfn-init-data').get_payload(decode=True)
        assert isinstance(payload, bytes)
        return cls(json.loads(payload)['os-collect-config'])

    def session(self, account: dict[str, Any]) -> Any:
        return session.Session(v3.Password(
            auth_url=account['auth_url'], user_id=account['user_id'], password=account['password'],
            project_id=account['project_id']))

    def metadata(self) -> dict[str, Any]:
        path = f'/stacks/{self.account["stack_id"]}/resources/{self.account["resource_name"]}/metadata'
        answer = self.session(self.account).get(path, endpoint_filter={'service_type': 'orchestration'})
        found: dict[str, Any] = answer.json()['metadata']
        return found

    def news(self) -> list[dict[str, Any]]:
        """Configurations that were not applied yet: a configuration never changes, so ids tell."""
        return [one for one in self.metadata()['deployments'] if one['id'] not in self.done]

    def apply(self, config: dict[str, Any], **said: Any) -> dict[str, Any]:
        """'Run' it and answer; the values of its inputs."""
        self.done.add(config['id'])
        values = {one['name']: one['value'] for one in config['inputs']}
        answer = {'deploy_stdout': f'{config["config"]} {values["who"]}', 'deploy_stderr': '',
                  'deploy_status_code': 0, **said}
        if 'deploy_queue_id' in values:
            self.post(values, answer)
        elif 'deploy_signal_id' in values:
            done = requests.request(values['deploy_signal_verb'], values['deploy_signal_id'],
                                    data=json.dumps(answer), headers={'content-type': ''}, timeout=30)
            assert done.status_code in (200, 201), done.text
        elif 'deploy_auth_url' in values:
            account = {key: values[f'deploy_{key}']
                       for key in ('auth_url', 'user_id', 'password', 'project_id')}
            path = f'/stacks/{values["deploy_stack_id"]}/resources/{values["deploy_resource_name"]}/signal'
            self.session(account).post(path, json=answer, endpoint_filter={'service_type': 'orchestration'})
        return values

    def post(self, values: dict[str, Any], answer: dict[str, Any]) -> None:
        """Write it into the queue of the deployment, as its user."""
        account = self.session({key: values[f'deploy_{key}']
                                for key in ('auth_url', 'user_id', 'password', 'project_id')})
        where = account.get_endpoint(service_type='messaging')
        client = zaqar.Client(where, version=2, conf={'auth_opts': {'backend': 'keystone', 'options': {
            'os_auth_token': account.get_token(), 'os_project_id': values['deploy_project_id']}}})
        client.queue(values['deploy_queue_id']).post({'body': answer, 'ttl': 600})
