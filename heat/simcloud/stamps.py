"""Times as the services write them.

Purpose: one place for the spelling of a moment. Invariant: input is wall
seconds from the injected clock. Neighbours: every service module.
"""

from __future__ import annotations

import datetime


def iso(seconds: float) -> str:
    """``2026-01-31T12:00:00Z``, as compute, network and image write it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')


def iso_micro(seconds: float) -> str:
    """``2026-01-31T12:00:00.000000`` without zone, as block storage writes it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')
