"""Nobody reaches what is another project's, by any route: made from the route table.

A new route is tried here without anybody thinking of it. Seen is the answer, and
the database: every row that was there must still be there as it was.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import webob

from heat.api.dispatch import Address, Route
from heat.api.rest import routes
from heat.common import policy
from heat.db import connect, schema
from tests.parity.test_rest_objects import NEW, Furnished, here  # noqa: F401  (a fixture)
from tests.wire.keystone import OTHER_PROJECT, PROJECT
from tests.wire.test_contract import CONTRACT, needed

EVERY = [pytest.param(one, route, id=f'{route.method} {one.path}')
         for one in routes.ROUTES for route in one.routes]
RECORDED = {(method, one['path']): one for one in CONTRACT['routes'] for method in one['methods']}
# What a user inside an instance may ask for.
SERVERS = {rule.name for rule in policy.list_rules() if 'heat_stack_user' in rule.check_str}


def body_of(one: Address, route: Route) -> Any:
    recorded = RECORDED.get((route.method, one.path))
    body = needed(recorded, route.method) if recorded else None
    if body and 'template' in body:
        body = {**body, **NEW}
    if body is None and route.sends is not None and 'template' in route.sends.keys:
        return dict.fromkeys(route.sends.required, 'other') | NEW
    return {} if body is None and route.body == 'required' else body


def path_of(here: Furnished, one: Address, tenant: str) -> str:  # noqa: F811
    path = one.path
    if '{path:' in path:
        path = path[:path.index('{path:')] + path[path.index('{path:') + 6:path.index('|')]
    return here.address(path.replace(r'{stack_name:arn\x3A.*}', f'arn%3Aopenstack%3Aheat%3A%3A{PROJECT}'
                                     f'%3Astacks%2Fweb%2F{here.place["stack_id"]}'), tenant)


def kept(here: Furnished) -> set[tuple[str, str]]:  # noqa: F811
    with connect.read(here.site.world.database) as conn:
        return {(table.name, repr(tuple(row))) for table in schema.metadata.sorted_tables
                for row in conn.execute(table.select())}


def told(here: Furnished, got: webob.Response) -> list[str]:  # noqa: F811
    """What an answer says of things that are not the caller's; the address that was asked for aside."""
    secret = {name: value for name, value in here.place.items()
              if name in ('stack_id', 'event_id', 'config_id', 'deployment_id', 'server_id', 'snapshot_id',
                          'plan_id')}
    return [name for name, value in secret.items() if value in got.text]


@pytest.mark.parametrize(('one', 'route'), EVERY)
def test_a_foreign_project_in_the_path(here: Furnished, one: Address, route: Route) -> None:  # noqa: F811
    before = kept(here)
    got = here.site.ask(route.method, path_of(here, one, PROJECT), body_of(one, route), user='stranger')
    assert got.status_int == 403
    assert got.json_body['error']['type'] == 'HTTPForbidden'
    here.site.world.run()
    assert kept(here) == before


@pytest.mark.parametrize(('one', 'route'), EVERY)
def test_foreign_names_and_ids_under_the_own_project(here: Furnished, one: Address,  # noqa: F811
                                                     route: Route) -> None:
    before = kept(here)
    got = here.site.ask(route.method, path_of(here, one, OTHER_PROJECT), body_of(one, route), user='stranger')
    addresses = [name for name in ('{stack_name', '{config_id}', '{deployment_id}', '{plan_id}')
                 if name in one.path]
    if '{stack_name:arn' in one.path:
        # Redirects without looking; what it leads to is refused.
        assert got.status_int == 302
    elif addresses:
        unserved = got.status_int == 400 and 'is not supported' in got.text
        assert got.status_int in (403, 404) or unserved, got.text
    if '{server_id}' in one.path:
        assert got.json_body == {'metadata': []}
    if not addresses:
        assert not told(here, got)
    else:
        assert 'What it says' not in got.text and 'OS::Heat::TestResource' not in got.text
    here.site.world.run()
    assert before <= kept(here)


@pytest.mark.parametrize(('one', 'route'), EVERY)
def test_nobody_without_a_token(here: Furnished, one: Address, route: Route) -> None:  # noqa: F811
    before = kept(here)
    got = here.site.ask(route.method, path_of(here, one, PROJECT), body_of(one, route), user='nobody')
    assert got.status_int == 401
    assert not told(here, got)
    assert kept(here) == before


@pytest.mark.parametrize(('one', 'route'), EVERY)
def test_a_user_inside_an_instance(here: Furnished, one: Address, route: Route) -> None:  # noqa: F811
    before = kept(here)
    got = here.site.ask(route.method, path_of(here, one, PROJECT), body_of(one, route), user='server')
    rules = [route.rule] if route.rule else RECORDED[route.method, one.path]['policy']
    if set(rules) & SERVERS:
        assert 'You are not authorized to use' not in got.text or 'this action' in got.text
    else:
        assert got.status_int == 403
        assert kept(here) == before


def test_what_a_user_inside_an_instance_may() -> None:
    """The list is short, and is to be looked at when it grows."""
    assert {rule for rule in SERVERS if ':' in rule and not rule.startswith('cloudformation')} == {
        'stacks:lookup', 'resource:metadata', 'resource:signal',
        'software_deployments:metadata', 'cloudwatch:PutMetricData'}


def test_a_name_of_another_project_is_free_for_the_own(here: Furnished) -> None:  # noqa: F811
    base = f'/v1/{OTHER_PROJECT}/stacks'
    made = here.site.ask('POST', base, {'stack_name': 'web', **NEW}, user='stranger')
    assert made.status_int == 201
    here.site.world.run()
    found = here.site.ask('GET', f'{base}/web', user='stranger')
    assert found.location == made.json_body['stack']['links'][0]['href']
    rows = here.site.ask('GET', base + '?show_nested=true&show_deleted=true&show_hidden=true',
                         user='stranger').json_body['stacks']
    assert {row['stack_name'] for row in rows} >= {'web'}
    assert here.place['stack_id'] not in json.dumps(rows)
    everywhere = here.site.ask('GET', f'{base}?global_tenant=true', user='stranger')
    assert everywhere.status_int == 403
