"""What a resumable step of many calls needs: a view taken once, and whether a call is a repetition.

Purpose: a re-run generator must come to the same mutating calls in the same
order. Invariant: what decides which calls are made comes from properties, from
journaled answers, or from a view that was written to the row before acting.
Neighbours: the network, volume and compute types; ``engine.step`` replays.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable, Mapping
from typing import Any

from heat.model.op import Record
from heat.resources.base import Resource, Steps

VIEW = 'view'
# Clocks of the cloud and ours differ; more than this is not expected of synchronised machines.
SKEW = 60.0


def once(plugin: Resource, key: str, look: Steps) -> Steps:
    """What ``look`` found when the step first came here (JSON); a resumed step sees the same."""
    place = f'{plugin.row.goal_seq}:{key}'
    kept = plugin.row.data.get(VIEW) or {}
    if place in kept:
        look.close()
        return kept[place]
    found = yield from look
    mine = {name: value for name, value in kept.items() if name.startswith(f'{plugin.row.goal_seq}:')}
    yield Record(data={VIEW: {**mine, place: found}})
    return found


def repeated(plugin: Resource, label: str) -> bool:
    """Whether the call ``label`` may have been made already: its intent stands without an answer."""
    intent = plugin.row.intent
    return intent is not None and intent.label == label and intent.index >= len(plugin.row.memo)


def seconds_of(stamp: Any) -> float | None:
    """``2026-01-02T03:04:05[.678][Z]`` in seconds since the epoch; None if it is no such text."""
    text = str(stamp or '').removesuffix('Z').partition('.')[0].partition('+')[0]
    try:
        return float(calendar.timegm(time.strptime(text, '%Y-%m-%dT%H:%M:%S')))
    except ValueError:
        return None


def made_since(plugin: Resource, stamp_key: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an object is not older than the intent to make it: the older one is somebody else's."""
    def judge(found: Mapping[str, Any]) -> bool:
        intent = plugin.row.intent
        made = seconds_of(found.get(stamp_key))
        return intent is None or made is None or made >= intent.at - SKEW
    return judge
