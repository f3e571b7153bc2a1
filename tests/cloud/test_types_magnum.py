"""Templates of clusters on a real Magnum."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).parent / 'types' / 'magnum.yaml'

pytestmark = [pytest.mark.groups('magnum'), pytest.mark.usefixtures('leaves_nothing')]


def test_templates_of_clusters(administrator: User) -> None:
    stack = Stack(administrator, 'types-magnum')
    magnum = administrator.api('container-infra')

    def kind() -> dict[str, Any]:
        found: dict[str, Any] = magnum.get(f'/clustertemplates/{stack.physical("kind")}').json()
        return found

    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    made = kind()
    assert (made['name'], made['coe'], made['public']) == ('types-kind', 'kubernetes', False)
    assert (made['fixed_network'], made['fixed_subnet']) == (stack.physical('net'), stack.physical('subnet'))
    assert made['labels'] == {'of': 'types'} and made['docker_volume_size'] == 3
    assert stack.outputs()['kind']['uuid'] == made['uuid']
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', public=True)
    stack.ends('UPDATE_COMPLETE')
    assert kind()['public'] is True and kind()['uuid'] == made['uuid']
    stack.update('--existing', flavor='m1.medium')
    stack.ends('UPDATE_COMPLETE')
    assert kind()['uuid'] != made['uuid']
    stack.delete()
