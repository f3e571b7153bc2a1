"""One run of a workflow: what is asked for, and how it went.

Purpose: the request that starts an execution and what its answer means. Invariant: the id of
an execution is ours and follows from what asked for it, so that to ask twice is to ask once.
Neighbours: ``external`` and ``workflow`` start executions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from heat.model.op import Adopt, Call, Poll
from heat.resources.openstack.neutron.rest import UUID

SERVICE = 'workflow'


def named(workflow: str) -> dict[str, str]:
    """How a request says which workflow: by its id or by its name."""
    return {'workflow_id' if UUID.match(workflow) else 'workflow_name': workflow}


def start(identity: str, workflow: str, given: Mapping[str, Any], params: Mapping[str, Any],
          description: str, label: str = 'execute') -> Call:
    """Run ``workflow`` with the input ``given``, under the id ``identity``."""
    body = {'id': identity, **named(workflow), 'input': dict(given), 'params': dict(params),
            'description': description}
    return Call(SERVICE, 'POST', '/executions', body, label=label, adopt=Adopt(
        f'/executions/{identity}', None, lambda found: found.get('id') == identity))


def until_done(identity: str, called: str) -> Poll:
    """Wait until it has succeeded; the value is the execution."""
    def judge(body: dict[str, Any] | None) -> bool | str:
        if body is None:
            return f'Execution {identity} of {called} is gone.'
        state = str(body.get('state'))
        if state in ('ERROR', 'CANCELLED'):
            why = str(body.get('state_info') or '').strip()
            return f'Execution {identity} of {called} went to state {state}{": " + why if why else ""}'
        return state == 'SUCCESS'
    return Poll(SERVICE, f'/executions/{identity}', identity, judge)


def parsed(text: Any) -> dict[str, Any]:
    """A map that the service writes as JSON text."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return dict(found) if isinstance(found, Mapping) else {}
