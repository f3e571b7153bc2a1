"""CreationPolicy: a resource counts as created once those inside have said so.

Purpose: how many signals are waited for and how long, and what each does. Invariant:
pure; signals are kept in the row's private data by their id, so the same one counts
once. Neighbours: ``engine.step`` waits after the create, ``engine.carry`` applies
signals. Interface: CloudFormation's CreationPolicy and SignalResource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import AwaitSignals, StepFailed
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.resources.base import Steps
from heat.template.policies import LONGEST_WAIT, seconds

KEPT = 'resource_signals'
SUCCESS, FAILURE = 'SUCCESS', 'FAILURE'
DEFAULT = 300
def expected(row: Row) -> tuple[int, float] | None:
    """(signals, seconds) that the row's policy asks for; None if it asks for none."""
    policy = (row.keep.get('creation_policy') or {}).get('ResourceSignal')
    if policy is None:
        return None
    count = int(policy.get('Count', 1))
    length = seconds(str(policy.get('Timeout', 'PT5M')))
    return (count, float(min(length if length is not None else DEFAULT, LONGEST_WAIT))) if count else None


def awaits(row: Row) -> bool:
    """Whether a signal to this resource would count now."""
    return (row.action is Action.CREATE and row.status is Status.IN_PROGRESS
            and expected(row) is not None)


def wait(row: Row) -> Steps:
    """What follows the create of a resource with a policy; ends when enough signals came."""
    wanted = expected(row)
    if wanted is None:
        return
    count, patience = wanted

    def judge(received: Mapping[str, Any]) -> bool | str:
        failed = sum(status == FAILURE for status in received.values())
        if failed:
            return (f'Received {failed} FAILURE signal(s) out of {count}. '
                    'Unable to satisfy the requirement of the creation policy.')
        return len(received) >= count

    def expired(received: Mapping[str, Any]) -> str:
        return (f'Failed to receive {count - len(received)} resource signal(s) within the specified '
                f'duration of {patience:.0f} seconds ({len(received)} of {count} received).')

    yield AwaitSignals('', patience, judge, expired, 'CreationPolicy')


def signal(row: Row, details: Mapping[str, Any] | None) -> tuple[Row, str]:
    """The row after a signal and the event's reason; StepFailed for one that says nothing usable.

    ``details``: ``status`` SUCCESS or FAILURE, ``id`` (unique), ``reason``; also in CloudFormation's
    spelling (Status, UniqueId, Reason).
    """
    said = {str(key).lower(): value for key, value in (details or {}).items()}
    status = str(said.get('status', SUCCESS)).upper()
    if status not in (SUCCESS, FAILURE):
        raise StepFailed(f'A signal to {row.name} must have the status {SUCCESS} or {FAILURE}, '
                         f'not "{status}".', 'ValueError')
    received = dict(row.data.get(KEPT) or {})
    name = str(said.get('uniqueid') or said.get('id') or len(received) + 1)
    received[name] = status
    return (replace(row, data={**row.data, KEPT: received}),
            f'Received {status} signal with UniqueId {name}')
