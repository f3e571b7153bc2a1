"""The recorded conversation with scaling policies: their addresses, sizes after signals, events.

What went to the signed address there is given to the engine as the same signal
here; who may call such an address is decided by Keystone and the front-end.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

from heat.common.context import RequestContext
from tests.parity.conftest import Site
from tests.parity.unify import Bound
from tests.wire import keystone

DATA = pathlib.Path(__file__).parents[1] / 'data' / 'recorded' / 'scaling-signals.json'
KNOWN = {'<project>': keystone.PROJECT, '<heat>': 'http://localhost', '<user_name>': 'member'}
# Whose key the address is signed with: a user in the project of the stack's own users.
SIGNER = RequestContext(user_id='u' * 32, tenant_id='p' * 32, roles=('heat_stack_user',))


def told(body: Any) -> list[tuple[str, ...]]:
    return sorted((e['resource_name'], e['resource_status'], e['resource_status_reason'])
                  for e in body['events'])


def test_scaling_as_recorded(site: Callable[[], Site]) -> None:
    here = site()
    here.world.conf.set_override('url', 'http://localhost/v1', 'clients_heat')
    here.world.conf.set_override('heat_waitcondition_server_url', 'http://cfn:8000/v1/waitcondition')
    bound, wrong = Bound({**KNOWN, '<cfn>': 'http://cfn:8000'}), {}
    for record in json.loads(DATA.read_text())['records']:
        here.world.run()
        if 'wait' in record:
            here.world.clock.advance(1)
            continue
        asked, expected = record['request'], record['response']
        if record.get('service') == 'cfn':
            if asked['method'] == 'POST':
                head = bound.fill(asked['url']).partition('?')[0].split('/')
                raw = asked.get('raw_body')
                here.world.hearing.resource_signal(
                    SIGNER, {'tenant': keystone.PROJECT, 'stack_name': head[-4], 'stack_id': head[-3]},
                    head[-1], json.loads(raw) if raw else None)
            continue
        got = here.ask(asked['method'], bound.fill(asked['path']), bound.fill(asked.get('body')))
        if record['name'] == 'events of the policies':
            # Independent resources interleave as they like.
            assert told(got.json_body) == told(expected['body'])
            continue
        found = list(bound.differences('', expected.get('body'), got.json_body))
        if got.status_int != expected['status'] or found:
            wrong[record['name']] = [got.status_int, *found]
    assert wrong == {}
