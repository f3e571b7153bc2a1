"""How a step ends that does not end well: what its row then says.

Purpose: errors of plugins and services as outcomes and sentences. Invariant: whatever is
raised becomes a ``Failed`` with the service's own words. Neighbours: ``step``, ``loop``
and ``carry`` end steps with it.
"""

from __future__ import annotations

from heat.common.errors import HeatException
from heat.common.text import fit, flaw
from heat.model.op import CloudFault, StepFailed
from heat.model.outcome import Failed
from heat.model.resource import Row
from heat.resources.base import Surroundings


def failure_of(error: Exception) -> Failed:
    if isinstance(error, CloudFault):
        return Failed(error.text(), error.kind)
    if isinstance(error, StepFailed):
        return Failed(error.message, error.kind)
    return Failed(str(error), type(error).__name__)


def nobody_asked(fault: CloudFault | HeatException) -> bool:
    """Whether nobody was there who could be asked."""
    return isinstance(fault, CloudFault) and fault.status == 0 and fault.kind == 'ConnectFailure'


def replacement_reason(row: Row, around: Surroundings) -> str:
    """The classic sentence of an update that asks to be a replacement."""
    kind = row.type.rpartition('::')[2]
    return (f'The Resource {kind} "{row.name}" [{row.physical_id}] Stack "{around.stack.stack_name}" '
            f'[{around.stack.stack_id}] requires replacement.')


def unfit(identity: str) -> StepFailed | None:
    """What is wrong with a physical id that cannot be kept."""
    said = flaw(identity)
    return None if said is None else StepFailed(f'The physical id "{fit(identity, 60)}" {said}.')
