"""Signals that are waited for: a resource counts as made once those inside have said so.

Purpose: how many signals a CreationPolicy or a batch of a rolling update waits for and
how long, and what each does. Invariant: pure; signals are kept in the row's private data
by their id, so the same one counts once. Neighbours: ``engine.step`` waits after the
create, ``engine.awaited`` after a stage of a nested stack, ``engine.carry`` applies
signals. Interface: CloudFormation's CreationPolicy, UpdatePolicy and SignalResource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.model.op import AwaitSignals, StepFailed
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.resources.base import Steps
from heat.template.policies import LONGEST_WAIT, seconds

KEPT = 'resource_signals'
SUCCESS, FAILURE = 'SUCCESS', 'FAILURE'
DEFAULT = 300


@dataclass(frozen=True, slots=True)
class Expected:
    """So many signals within ``patience`` seconds, of which ``least`` must tell of success."""

    count: int
    patience: float
    least: int

    @classmethod
    def part(cls, count: int, patience: float, percent: int) -> Expected:
        """With ``least`` as a percentage, rounded up."""
        return cls(count, patience, -(-count * percent // 100))

    def to_wire(self) -> list[float]:
        return [self.count, self.patience, self.least]

    def verdict(self, received: Mapping[str, Any], policy: str = 'creation') -> bool | str:
        """True when enough have come, a sentence about the policy when enough can no longer come."""
        failed = sum(status == FAILURE for status in received.values())
        if len(received) - failed >= self.least:
            return True
        if failed <= self.count - self.least:
            return False
        part = (f'satisfy the requirement of the {policy} policy' if self.least == self.count else
                f'have {self.least} successful ones, as MinSuccessfulInstancesPercent asks for')
        return f'Received {failed} FAILURE signal(s) out of {self.count}. Unable to {part}.'

    def late(self, received: Mapping[str, Any]) -> str:
        """What is told when the time is over."""
        return (f'Failed to receive {self.count - len(received)} resource signal(s) within the specified '
                f'duration of {self.patience:.0f} seconds ({len(received)} of {self.count} received).')


def expected(row: Row) -> Expected | None:
    """The signals that the row's creation policy asks for; None if it asks for none."""
    policies = row.keep.get('creation_policy') or {}
    policy = policies.get('ResourceSignal')
    if policy is None:
        return None
    count = int(policy.get('Count', 1))
    length = seconds(str(policy.get('Timeout', 'PT5M')))
    percent = (policies.get('AutoScalingCreationPolicy') or {}).get('MinSuccessfulInstancesPercent', 100)
    return Expected.part(count, float(min(length if length is not None else DEFAULT, LONGEST_WAIT)),
                         int(percent)) if count else None


def staged(row: Row) -> Expected | None:
    """The signals that the stage waits for in which a nested row's step is (``engine.stages``)."""
    kept = row.memo[-1].get('signals') if row.memo and isinstance(row.memo[-1], dict) else None
    return None if kept is None else Expected(int(kept[0]), float(kept[1]), int(kept[2]))


def awaits(row: Row) -> bool:
    """Whether a signal to this resource would count now."""
    return row.status is Status.IN_PROGRESS and (
        (row.action is Action.CREATE and expected(row) is not None) or staged(row) is not None)


def received(row: Row) -> dict[str, str]:
    """The signals that have come: id -> SUCCESS or FAILURE."""
    return dict(row.data.get(KEPT) or {})


def forgotten(row: Row) -> Row:
    """The row without the signals of what came before."""
    return replace(row, data={key: value for key, value in row.data.items() if key != KEPT})


def wait(row: Row) -> Steps:
    """What follows the create of a resource with a policy; ends when enough signals came."""
    wanted = expected(row)
    if wanted is not None:
        yield AwaitSignals('', wanted.patience, wanted.verdict, wanted.late, 'CreationPolicy')


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
    kept = received(row)
    name = str(said.get('uniqueid') or said.get('id') or len(kept) + 1)
    kept[name] = status
    return (replace(row, data={**row.data, KEPT: kept}),
            f'Received {status} signal with UniqueId {name}')
