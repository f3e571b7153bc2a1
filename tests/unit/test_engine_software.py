"""Software configurations and deployments: whose they are, and what is refused.

The recorded conversation about them is replayed in tests/parity.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from heat.common import config as config_of_heat
from heat.common import errors
from heat.common.clock import VirtualClock
from heat.common.context import RequestContext
from heat.common.crypt import Crypt
from heat.db import connect, migrate
from heat.engine.software import Software
from tests.unit.store import put_stack

ME = RequestContext(user_id='u', tenant_id='t')
GUEST = RequestContext(user_id='g', tenant_id='sup')
STRANGER = RequestContext(user_id='x', tenant_id='x')


@pytest.fixture
def software() -> Iterator[Software]:
    engine = connect.open_engine('sqlite://')
    migrate.upgrade(engine)
    conf = config_of_heat.load('heat-engine', argv=[], config_files=[], logging_setup=False)
    clock = VirtualClock()
    put_stack(engine, stack_user_project_id='sup')
    yield Software(engine, conf, Crypt(['k']), clock, lambda root_id: None, clock.advance)
    engine.dispose()


def config(software: Software, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {'group': 'script', 'name': 'c', 'config': 'x', 'inputs': [], 'outputs': [],
                             'options': {}}
    return software.create_software_config(ME, **{**given, **changes})


def deploy(software: Software, config_id: str, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {'server_id': 'srv', 'config_id': config_id, 'input_values': {'a': 1},
                             'action': 'CREATE', 'status': 'IN_PROGRESS', 'status_reason': 'r',
                             'stack_user_project_id': 'sup'}
    return software.create_software_deployment(ME, **{**given, **changes})


@pytest.mark.parametrize('wrong', [
    {'inputs': [{'type': 'String'}]}, {'inputs': [{'name': 'a', 'type': 'Colour'}]},
    {'outputs': [{'name': 'a', 'bogus': 1}]}, {'name': 'n' * 256}])
def test_faulty_configurations_are_refused(software: Software, wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.Invalid):
        config(software, **wrong)
    assert software.list_software_configs(ME) == []


def test_only_the_project_sees_its_configurations(software: Software) -> None:
    number = config(software)['id']
    with pytest.raises(errors.NotFound, match=f'Software config with id {number} not found'):
        software.show_software_config(STRANGER, number)
    with pytest.raises(errors.NotFound):
        software.delete_software_config(STRANGER, number)
    assert software.list_software_configs(STRANGER) == []
    everything = software.list_software_configs(RequestContext(tenant_id='x', is_admin=True))
    assert [one['project'] for one in everything] == ['t']


def test_nobody_deploys_on_the_servers_of_another_project(software: Software) -> None:
    """What names a project is visible in it, and its servers do what they see."""
    mine = software.create_software_config(STRANGER, 'script', 'c', 'rm -rf /', [], [], {})['id']
    for project in ('t', 'sup', 'nobody'):
        with pytest.raises(errors.Invalid, match='no project of users of your stacks'):
            software.create_software_deployment(STRANGER, 'srv', mine, {}, 'CREATE', 'IN_PROGRESS', 'r',
                                                project)
    assert software.metadata_software_deployments(GUEST, 'srv') == []
    assert software.list_software_deployments(ME) == []
    software.create_software_deployment(STRANGER, 'srv', mine, {}, 'CREATE', 'IN_PROGRESS', 'r', 'x')
    assert software.metadata_software_deployments(ME, 'srv') == []


def test_a_server_polls_what_is_deployed_on_it(software: Software) -> None:
    first, second = config(software, name='1'), config(software, name='2')
    made = deploy(software, first['id'])
    deploy(software, second['id'], server_id='other')
    assert software.metadata_software_deployments(GUEST, 'srv') == [first]
    assert software.metadata_software_deployments(STRANGER, 'srv') == []
    assert software.show_software_deployment(GUEST, made['id']) == made


def test_a_configuration_in_use_stays(software: Software) -> None:
    number = config(software)['id']
    made = deploy(software, number)
    with pytest.raises(errors.InvalidRestrictedAction, match='can not be deleted as it is referenced'):
        software.delete_software_config(ME, number)
    software.delete_software_deployment(ME, made['id'])
    software.delete_software_config(ME, number)
    assert software.list_software_configs(ME) == []


def test_a_change_keeps_what_is_not_given(software: Software) -> None:
    number = config(software)['id']
    made = deploy(software, number)
    assert 'updated_time' not in made
    changed = software.update_software_deployment(ME, made['id'], status='COMPLETE',
                                                  updated_at='2026-01-02T03:04:05+01:00')
    assert changed == {**made, 'status': 'COMPLETE', 'updated_time': '2026-01-02T02:04:05Z'}
    with pytest.raises(errors.NotFound, match='Software config with id nope not found'):
        software.update_software_deployment(ME, made['id'], config_id='nope')
    with pytest.raises(errors.Invalid):
        software.update_software_deployment(ME, made['id'], updated_at='yesterday')
    with pytest.raises(errors.NotFound):
        software.update_software_deployment(STRANGER, made['id'], status='FAILED')


def test_a_deployment_needs_a_server_and_a_configuration(software: Software) -> None:
    number = config(software)['id']
    with pytest.raises(errors.Invalid, match='"server_id" is required'):
        deploy(software, number, server_id=None)
    with pytest.raises(errors.NotFound):
        deploy(software, 'nope')
    with pytest.raises(errors.Invalid, match='should be no more than 64 characters'):
        deploy(software, number, stack_user_project_id='p' * 65)
