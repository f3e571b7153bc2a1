"""One call of an operation, from what was signed to the answer.

Purpose: find the operation, check the caller, read the members, answer in the protocol of
the request. Invariant: whatever happens becomes an answer in that protocol, and a function
sees only members that its row of the table names. Neighbours: ``operations`` has the table,
``app`` calls ``answer``.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import webob

from heat.api import ec2token
from heat.api.cfn import paging
from heat.api.cloudwatch import protocols
from heat.api.cloudwatch.faults import Fault
from heat.api.cloudwatch.members import Structure
from heat.api.dispatch import Call
from heat.common.clock import Clock


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table; a row without ``function`` is an operation we know and do not serve."""

    function: Callable[[Invocation], Mapping[str, Any] | None] | None = None
    members: Structure | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a function of an operation works with; ``query`` tells that the call is one, ``now`` is in UTC."""

    call: Call
    operation: str
    given: Mapping[str, Any]
    query: bool
    now: datetime.datetime

    def get(self, name: str, default: Any = None) -> Any:
        return self.given.get(name, default)

    def engine(self, method: str, **arguments: Any) -> Any:
        return self.call.engine(method, **arguments)

    def marker(self) -> str | None:
        """Where the page begins that NextToken asks for. Fault for a token of another request."""
        try:
            return paging.marker(self._request(), self.get('NextToken'))
        except Fault as fault:
            raise Fault('InvalidNextToken', fault.message) from fault

    def token(self, marker: str | None) -> str | None:
        """The NextToken of the page behind ``marker``, None if there is none."""
        return None if marker is None else paging.token(self._request(), marker)

    def _request(self) -> list[Any]:
        # Another size of the page asks for the same list.
        return [self.operation, sorted((name, str(value)) for name, value in self.given.items()
                                       if name not in ('NextToken', 'MaxRecords'))]


def answer(call: Call, table: Mapping[str, Operation], clock: Clock) -> webob.Response:
    """The response to a call of an operation of ``table``."""
    request, request_id = call.request, call.context.request_id
    as_json = False
    try:
        asked = protocols.asked(request)
        operation = table.get(asked.operation)
        if operation is None:
            # Neither dialect nor format can be believed of a call that is none of ours.
            raise Fault('InvalidAction', f'The action {asked.operation[:100]} is not valid for this service.')
        as_json = asked.as_json
        if operation.function is None or operation.members is None:
            raise Fault('InvalidAction', f'The action {asked.operation} is not supported by this service.')
        if request.environ.get(ec2token.TIMELESS):
            raise Fault('MissingParameter', 'The request must contain the parameter Timestamp or Expires.')
        call.allow(f'cloudwatch:{asked.operation}')
        sent = protocols.tree(asked.given) if asked.loose else asked.given
        given = operation.members('', sent, asked.loose)
        now = clock.now().replace(tzinfo=datetime.UTC)
        result = operation.function(Invocation(call, asked.operation, given, asked.loose, now))
        return protocols.answered(request, asked, result, request_id)
    except Exception as error:
        return protocols.refused(request, error, request_id, as_json)
