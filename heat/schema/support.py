"""Since when something is supported, and what it was before.

Purpose: support status of a resource type, a property or an attribute, with its
history. Invariant: a plain value; ``previous`` is older. Neighbours: ``kinds``
and ``attributes`` carry it, ``render`` shows it. Interface: resource type show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STATUSES = ('UNKNOWN', 'SUPPORTED', 'DEPRECATED', 'UNSUPPORTED', 'HIDDEN')


@dataclass(frozen=True, slots=True)
class Support:
    """``version`` is the release in which ``status`` began; ``message`` is for people.

    ``substitute`` is the type that took this type's place: a change between the
    two is no replacement.
    """

    status: str = 'SUPPORTED'
    version: str | None = None
    message: str | None = None
    previous: Support | None = None
    substitute: str | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f'Support status {self.status} is none of {", ".join(STATUSES)}.')

    @property
    def hidden(self) -> bool:
        return self.status == 'HIDDEN'

    def render(self) -> dict[str, Any]:
        """The form of the resource type API, all four keys always there."""
        return {'status': self.status, 'version': self.version, 'message': self.message,
                'previous_status': self.previous.render() if self.previous else None}


SUPPORTED = Support()


def deprecated(version: str, message: str | None = None, since: str | None = None) -> Support:
    """Deprecated in ``version``; supported from ``since`` on, if that is told."""
    previous = Support(version=since) if since else None
    return Support('DEPRECATED', version, message, previous)


def hidden(version: str, previous: Support | None = None, message: str | None = None) -> Support:
    """Still accepted, but not shown since ``version``."""
    return Support('HIDDEN', version, message, previous)
