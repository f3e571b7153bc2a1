"""One stack, used as its owner would: the `openstack` command to act, Heat's API to watch.

Neighbours: `daemons` has the user; the tests say what the cloud must look like then.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cloud.daemons import User
from tests.servers.daemon import wait_until

SECONDS = 180.0


class Stack:
    """A stack by its name; `create` and the like return when Heat has accepted."""

    def __init__(self, user: User, name: str) -> None:
        self.user, self.name = user, name
        self._api = user.api('orchestration')

    # -- acting ----------------------------------------------------------------------------------

    def create(self, template: Path, *words: str, **parameters: Any) -> None:
        self.user.openstack('stack', 'create', '-f', 'json', '-t', template, *words,
                            *_parameters(parameters), self.name)

    def update(self, *words: str | Path, **parameters: Any) -> None:
        self.user.openstack('stack', 'update', '-f', 'json', *words, *_parameters(parameters), self.name)

    def act(self, verb: str) -> None:
        """check, suspend or resume."""
        self.user.openstack('stack', verb, self.name)

    def delete(self) -> None:
        """Also waits until it is gone; fails with the reason if it stays."""
        self.user.openstack('stack', 'delete', '--yes', self.name)

        def gone() -> bool:
            answer = self._api.get(f'/stacks/{self.name}', raise_exc=False)
            if answer.status_code == 404:
                return True
            seen = answer.json()['stack']
            assert seen['stack_status'] != 'DELETE_FAILED', f'{seen["stack_status_reason"]}: {self.told()}'
            return False

        wait_until(f'{self.name} is gone', gone, SECONDS, every=0.5)

    # -- watching --------------------------------------------------------------------------------

    def show(self) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f'/stacks/{self.name}').json()['stack']
        return found

    def ends(self, wanted: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The stack once it is no longer in progress; fails unless the status is `wanted`."""
        seen: dict[str, Any] = {}

        def settled() -> bool:
            seen.update(self.show())
            return not seen['stack_status'].endswith('IN_PROGRESS')

        try:
            wait_until(f'{self.name} {wanted}', settled, seconds, every=0.5)
        except RuntimeError as error:
            raise AssertionError(f'{error}: {self.told()}') from None
        assert seen['stack_status'] == wanted, f'{seen["stack_status_reason"]}\n{self.told()}'
        return seen

    def event_ids(self) -> set[str]:
        shown = self.show()
        found = self._api.get(f'/stacks/{self.name}/{shown["id"]}/events').json()['events']
        return {str(one['id']) for one in found}

    def told(self) -> str:
        """What is not at rest, for the message of a failing test."""
        return json.dumps([(one['resource_name'], one['resource_status'], one['resource_status_reason'])
                           for one in self.resources(depth=3).values()
                           if not one['resource_status'].endswith('_COMPLETE')])

    def until(self, resource: str, status: str, seconds: float = SECONDS) -> None:
        try:
            # A stack is known a moment before its resources are.
            wait_until(f'{resource} {status}',
                       lambda: self.resources().get(resource, {}).get('resource_status') == status,
                       seconds, every=0.5)
        except RuntimeError as error:
            raise AssertionError(f'{error}: {self.show()["stack_status_reason"]}: {self.told()}') from None

    def resource(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f'{self._path}/resources/{name}').json()['resource']
        return found

    def metadata(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f'{self._path}/resources/{name}/metadata').json()['metadata']
        return found

    def resources(self, depth: int = 0) -> dict[str, dict[str, Any]]:
        """By name; members of nested stacks come as 'name@parent' with `depth`."""
        query = {'nested_depth': str(depth)} if depth else {}
        listed = self._api.get(f'{self._path}/resources', params=query).json()['resources']
        return {f'{one["resource_name"]}@{one["parent_resource"]}' if one.get('parent_resource')
                else one['resource_name']: one for one in listed}

    def drifted(self) -> dict[str, str]:
        """What a check has told of the resources that differ from what was asked for."""
        return {name: one['resource_status_reason'] for name, one in self.resources().items()
                if 'differs' in one['resource_status_reason']}

    def physical(self, name: str) -> str:
        return str(self.resource(name)['physical_resource_id'])

    def members(self, group: str) -> dict[str, str]:
        """Member name -> physical id, of a group of servers and the like."""
        return {name.partition('@')[0]: one['physical_resource_id']
                for name, one in self.resources(depth=2).items() if name.endswith(f'@{group}')}

    def outputs(self) -> dict[str, Any]:
        """As `openstack stack output show --all` prints them."""
        shown = self.user.openstack('stack', 'output', 'show', '--all', '-f', 'json', self.name)
        return {name: one['output_value'] for name, one in shown.items()}

    @property
    def _path(self) -> str:
        one = self.show()
        return f'/stacks/{one["stack_name"]}/{one["id"]}'


def _parameters(values: dict[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in ('--parameter', f'{name}={value}')]
