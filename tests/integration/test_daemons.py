"""The operator's way: separate daemons over RabbitMQ, a database server and Keystone, and their users.

Two heat-engines as two hosts would run them, with two workers each; the stories of users are those of
tests/functional/flows.py.
"""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import serving
from tests.functional import flows
from tests.functional.flows import Place, Story, hot, one
from tests.integration.deployment import Deployment
from tests.servers.keystone import Keystone
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ

LATE = 'late'


@pytest.fixture(scope='module')
def heat(servers_directory: Path, rabbitmq: RabbitMQ, mariadb: MariaDB,
         operators_keystone: Keystone) -> Iterator[Deployment]:
    with serving(Deployment(servers_directory / 'daemons', rabbitmq, mariadb,
                            operators_keystone)) as deployment:
        yield deployment


@pytest.fixture(scope='module')
def place(heat: Deployment) -> Place:
    seen = heat.place()
    # Its minute passes while the stories are told.
    slow = one({'action_wait_secs': {'create': 600}})
    seen.create(LATE, hot({'slow': slow, 'after': one({}, depends_on='slow')}), timeout_mins=1)
    return seen


@pytest.mark.parametrize('story', flows.STORIES, ids=lambda story: story.__name__)
def test_users(story: Story, place: Place, tmp_path: Path) -> None:
    story(place, tmp_path)


def test_both_hosts_serve(heat: Deployment, place: Place) -> None:
    services = place.openstack('orchestration', 'service', 'list', '-f', 'json', who=heat.keystone.admin)
    engines = [each for each in services if each['Binary'] == 'heat-engine' and each['Status'] == 'up']
    assert sorted(each['Host'] for each in engines) == ['a', 'a', 'b', 'b']
    assert len({each['Engine ID'] for each in engines}) == 4
    for name in heat.hosts:
        assert len(heat.engines[name].workers()) == 2


@pytest.mark.parametrize('service', ['heat-api-cfn', 'heat-api-cloudwatch'])
def test_the_aws_dialects_answer(service: str, heat: Deployment) -> None:
    status, body = heat.get(service, '/v1/?Action=ListStacks&Version=2010-05-15')
    assert status == 400
    assert '<ErrorResponse>' in body and '<Code>IncompleteSignature</Code>' in body
    status, body = heat.get(service, '/healthcheck')
    assert (status, body.strip()) == (200, '')


def test_the_native_dialect_answers_those_without_a_token(heat: Deployment) -> None:
    assert heat.get('heat-api', '/healthcheck')[0] == 200
    status, body = heat.get('heat-api', '/')
    assert status == 300 and json.loads(body)['versions'][0]['id'] == 'v1.0'
    assert heat.get('heat-api', '/v1/some-project/stacks')[0] == 401


def test_an_action_ends_when_its_time_is_over(place: Place) -> None:
    assert place.heat.stacks.get(LATE).timeout_mins == 1
    place.until(LATE, 'CREATE_FAILED', seconds=90)
    assert place.heat.stacks.get(LATE).stack_status_reason == 'Timed out'
    assert place.resources(LATE)['after'].resource_status == 'INIT_COMPLETE'
    place.remove(LATE)


def test_no_secret_is_in_a_log(heat: Deployment, place: Place) -> None:
    secrets = {each for each in heat.secrets | place.secrets if len(each) >= 8}
    assert len(secrets) >= 8
    logs = heat.whole_logs()
    assert {'engine-a', 'engine-b', 'heat-api'} <= set(logs)
    assert all(len(text) > 100 for text in logs.values())
    assert [(name, each) for name, text in logs.items() for each in secrets if each in text] == []


def test_the_daemons_complained_of_nothing(heat: Deployment) -> None:
    wrong = [line for text in heat.whole_logs().values() for line in text.splitlines()
             if ' ERROR ' in line or ' CRITICAL ' in line or line.startswith('Traceback')]
    assert wrong == []


def test_another_database(servers_directory: Path, rabbitmq: RabbitMQ, postgresql: PostgreSQL,
                          operators_keystone: Keystone, heat: Deployment, tmp_path: Path) -> None:
    """PostgreSQL, one host. Last: Keystone's catalogue names this deployment from now on."""
    heat.stop()
    with serving(Deployment(servers_directory / 'on-postgresql', rabbitmq, postgresql, operators_keystone,
                            hosts=['only'], workers=1)) as deployment:
        flows.short_life(deployment.place(), tmp_path)
