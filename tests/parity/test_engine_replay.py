"""Whole recorded conversations with our API and engine, as far as both know the types in them.

The files tests/data/recorded/engine-*.json are cut from recordings of
openstack-heat 27.0.1 made on 2026-11-22: stacks are created as there, and every
answer is compared. What only the front-end decides stands in tests/wire. Not
covered: types that we do not have, the filter by a resource's number, pages of
software configs (made in one second, so in no order), answers to an admin of
another project.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from heat.resources.types import PLUGINS
from tests.parity.conftest import ENGINE, Site
from tests.parity.unify import Bound
from tests.wire import keystone
from tests.wire.test_replay import undetailed

DATA = pathlib.Path(__file__).parents[1] / 'data' / 'recorded'
KNOWN = {'<project>': keystone.PROJECT, '<other_project>': keystone.OTHER_PROJECT,
         '<admin_project>': keystone.ADMIN_PROJECT, '<heat>': 'http://localhost', '<user_name>': 'member',
         '<engine_id>': ENGINE,
         # What an adoption hands over has the names of things made by the recorded service.
         '<suffix>': 'q7y2bnd5kxo4', '<stack_user_project:1>': 'c' * 32}
TOPICS = sorted(file.stem.removeprefix('engine-') for file in DATA.glob('engine-*.json'))
EVENTS = 'independent resources interleave as they like'
MEMBERS = "a group's template asks for what is read of its members, and for nothing else"
HALF_WAY = 'an action that would drop an update half-way is refused'
NOTHING = 'a success that had nothing to do says so'
ORDER = 'equal keys had no order there; ours is that of creation'
FAILED_THERE = 'the recorded service failed; ours answers'
TOLD = 'another sentence for the same fault'
# (topic, name of a record) -> why ours is another answer.
DECIDED: dict[tuple[str, str], str] = {
    **{('events', name): EVENTS for name in (
        'list', 'list asc', 'list desc', 'sort by resource_type', 'sort by event_time', 'limit and marker',
        'nested_depth 1', 'filter resource_name', 'filter resource_status COMPLETE', 'filter resource_type',
        'of a resource', 'of a resource, limited')},
    ('events', 'list sort bad'): 'the refusal says why',
    ('events', 'show'): 'the properties hold the defaults too',
    ('events', 'show last'): 'the id of the event was bound in another order',
    ('abandon-adopt-export', 'export'): MEMBERS, ('abandon-adopt-export', 'abandon'): MEMBERS,
    ('abandon-adopt-export', 'events adopted'): EVENTS,
    ('abandon-adopt-export', 'events of adopt with a resource missing'): EVENTS,
    ('actions', 'suspend while updating'): HALF_WAY, ('actions', 'check while updating'): HALF_WAY,
    ('actions', 'cancel_update'): HALF_WAY, ('actions', 'show after cancel'): HALF_WAY,
    ('snapshots', 'list at the end'): ORDER, ('stacks-preview', 'preview nested'): ORDER,
    ('stacks-preview', 'preview CFN'): 'CloudFormation templates have more pseudo parameters by now',
    ('snapshots', 'events'): EVENTS,
    **{('stacks-update', f'show after {name}'): NOTHING for name in (
        'PUT with parameters and tags', 'PATCH one parameter', 'PATCH clear_parameters', 'PATCH empty object',
        'PATCH tags', 'PATCH timeout and rollback', 'PUT existing in the body', 'PUT converge')},
    ('stacks-update', 'preview PUT show_nested'): 'a group that is not made has removed nothing: null',
    ('stacks-update', 'PATCH unknown parameter'): 'a parameter that nobody declares is refused, as by PUT',
    ('stacks-update', 'PUT converge text'): 'the refusal says why',
    ('stacks-update', 'PUT disable_rollback text'): 'the refusal says why',
    ('resource-types', 'template OS::Heat::Value hot'): FAILED_THERE,
    ('resource-types', 'template OS::Heat::Value cfn'): FAILED_THERE,
    ('resource-types', 'template type upper'): FAILED_THERE,
    ('resources', 'list with_detail'): 'as for the group and the handle alone',
    ('resources', 'show pair'): 'a finished group knows its members',
    ('resources', 'show group with_attr'): 'a finished group knows its members',
    ('resources', 'show wait handle'): 'nobody knows our address here, so the handle has none',
    ('stacks-list', 'sort by stack_status'): ORDER, ('stacks-list', 'sort by updated_time'): ORDER,
    ('stacks-list', 'filter disable_rollback'): 'a flag filters by its value; there it found nothing',
    **{('template-versions', f'functions of AWSTemplateFormatVersion.2010-09-09{more}'):
       'the whole format of AWS is served, and listed' for more in ('', ' with conditions')},
    ('validate', 'ignore_errors unknown code'): 'a refused value is a 400',
    ('validate', 'ignore_errors text'): 'a refused value is a 400',
    ('validate', 'resources is a list'): TOLD, ('validate', 'outputs is a list'): TOLD,
    ('validate', 'parameters is a list'): TOLD,
    **{('validate', name): TOLD for name in ('circular dependency', 'circular by get_attr',
                                             'depends on itself')},
    ('validate', 'parameter pattern broken'): FAILED_THERE,
    ('validate', 'environment_files merge strategies'): FAILED_THERE,
    ('validate', 'CFN Ref unknown'): 'creation refuses it, so does validation',
    ('validate', 'duplicated parameter (YAML keeps the last)'): 'a key given twice is a fault',
    ('validate', 'duplicated resource (YAML keeps the last)'): 'a key given twice is a fault',
}


def trimmed(value: Any) -> Any:
    """Without the project of stack users: we make it when a resource needs one, not before."""
    if isinstance(value, dict):
        return {key: trimmed(item) for key, item in value.items() if key != 'stack_user_project_id'}
    if isinstance(value, list):
        return [trimmed(item) for item in value]
    return value


# Made of a server there; here a service carries it that the recorded cloud did not have.
CARRIED = frozenset({'AWS::ElasticLoadBalancing::LoadBalancer'})


def known_types(body: Any) -> Any:
    """A list of types without those that we do not have."""
    if not isinstance(body, dict) or 'resource_types' not in body:
        return body
    return {'resource_types': [one for one in body['resource_types'] if (
        one['resource_type'] if isinstance(one, dict) else one) in PLUGINS.keys() - CARRIED]}


def replay(site: Site, topic: str) -> dict[str, list[str]]:
    """Name of a record -> what differs."""
    bound, wrong = Bound(KNOWN), {}
    # Validation is asked about the templates as they stand.
    cut = trimmed if topic != 'validate' else lambda value: value
    for record in json.loads((DATA / f'engine-{topic}.json').read_text())['records']:
        if 'wait' in record:
            site.world.run()
            # The next stack is younger, and its events have another second.
            site.world.clock.advance(1)
            continue
        if 'sleep_seconds' in record:
            site.world.run(until=site.world.clock.monotonic() + record['sleep_seconds'])
            continue
        asked, expected = record['request'], record['response']
        try:
            path, body = bound.fill(asked['path']), cut(bound.fill(asked.get('body')))
            if 'raw_body' in asked:
                body = asked['raw_body'].encode()
        except KeyError as missing:
            wrong[record['name']] = [f'{missing} was never seen']
            continue
        got = site.ask(asked['method'], path, body, 'boss' if asked.get('admin') else 'member')
        if asked['method'] == 'PATCH' or path.endswith('/signal'):
            # What needs no time is done before the next request.
            site.world.run(until=site.world.clock.monotonic())
        found = []
        if got.status_int != expected['status']:
            found.append(f'status {got.status_int} instead of {expected["status"]}: {got.text[:300]}')
        else:
            said = got.json_body if got.content_type == 'application/json' and got.body else got.text or None
            wanted = expected.get('body')
            fault = wanted.get('error') if isinstance(wanted, dict) else None
            if isinstance(fault, dict) and isinstance(said, dict):
                undetailed(said['error'], fault.get('message'))
            found += bound.differences('', cut(known_types(wanted)), cut(said))
        if found:
            wrong[record['name']] = found
    return wrong


@pytest.mark.parametrize('topic', TOPICS)
def test_answers_as_recorded(site: Callable[[], Site], topic: str) -> None:
    wrong = replay(site(), topic)
    decided = {name for of, name in DECIDED if of == topic}
    assert {name: why for name, why in wrong.items() if name not in decided} == {}
    assert decided - set(wrong) == set(), 'these are as recorded; they need no decision'
