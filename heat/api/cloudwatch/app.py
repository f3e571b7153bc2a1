"""The CloudWatch-compatible API.

Purpose: the operations on metrics and alarms, for clients of all ages. Invariant: every
answer is in the protocol of its request, and an address means no more than it was signed
for. Neighbours: ``api.ec2token`` has checked the signature, ``invocation`` answers by the
table of ``operations``.
"""

from __future__ import annotations

from typing import Any

import webob

from heat.api import aws, wiring
from heat.api.cloudwatch import invocation
from heat.api.cloudwatch.operations import OPERATIONS
from heat.api.dispatch import Address, Call, Dispatcher, Route
from heat.common.clock import Clock


def routes(clock: Clock) -> tuple[Address, ...]:
    """One address for all: clients make their own of the one they were given, and two protocols need none."""
    def act(call: Call) -> webob.Response:
        return invocation.answer(call, OPERATIONS, clock)

    def look(call: Call) -> None:
        raise aws.AWSError('InvalidAction')

    return (Address('/{path:.*}', (Route('GET', act, body='raw'), Route('POST', act, body='raw'),
                                   Route('HEAD', look, body='raw')), closed=False),)


def factory(global_conf: dict[str, str], **local_conf: str) -> Any:
    """A paste app factory (paste.app_factory)."""
    return Dispatcher(routes(Clock()), wiring.current(), aws.response_of)
