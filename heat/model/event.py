"""One recorded state change.

Purpose: what the user reads in the event list. Invariant: an event is written in
the same transaction as the state it tells of, so none is lost or doubled.
Neighbours: ``plan`` emits it, ``db.events`` stores it, ``bus.notify`` sends it on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heat.common.ids import new_id

# The classic interface bounds the reason of an event, not that of a resource.
REASON_MAX = 255


@dataclass(frozen=True, slots=True)
class Event:
    """``resource_name`` is the stack's own name for an event of the stack itself."""

    stack_id: str
    root_id: str
    resource_name: str
    resource_type: str
    action: str
    status: str
    reason: str
    physical_id: str | None = None
    props: dict[str, Any] | None = None
    operation: str | None = None
    uuid: str = field(default_factory=new_id)
