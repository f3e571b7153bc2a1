"""What a resumable step of many calls needs: a view taken once, and whether a call is a repetition.

Purpose: a re-run generator must come to the same mutating calls in the same
order. Invariant: what decides which calls are made comes from properties, from
journaled answers, or from a view that was written to the row before acting.
Neighbours: the network, volume and compute types; ``engine.step`` replays.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from heat.model.op import Call, ReadRow, Record
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


def successors(plugin: Resource, rivals: Iterable[str]) -> Steps:
    """Those of the things ``rivals`` that were made in place of this one, or of its successor.

    What is somebody else's is not among them.
    """
    found = []
    for rival in rivals:
        row = yield ReadRow(rival)
        if row is not None and row.name == plugin.row.name and row.uuid != plugin.row.uuid:
            found.append(rival)
    return found


def members(plugin: Resource, key: str, wanted: Iterable[str], old: Iterable[str],
            join: Callable[[str], Call], leave: Callable[[str], Call]) -> Steps:
    """Have all of ``wanted`` in the thing, and nothing more of what was there by us.

    ``old`` is what was there until now: as the properties said, or as was seen. What was begun is
    kept on the row under ``key``, so that a step after a failed one knows what may be there; both
    calls must be such that they may be repeated.
    """
    wanted, old = list(dict.fromkeys(wanted)), list(dict.fromkeys(old))
    kept = plugin.row.data.get(key) or {'sure': old, 'ours': old}
    before = yield from plugin.at_first(
        key, {'sure': [one for one in kept['sure'] if one in old], 'ours': kept['ours']})
    yield Record(data={key: {'sure': [one for one in before['sure'] if one in wanted],
                             'ours': list(dict.fromkeys([*before['ours'], *wanted]))}})
    for one in before['ours']:
        if one not in wanted:
            yield leave(one)
    for one in wanted:
        if one not in before['sure']:
            yield join(one)
    yield Record(data={key: {'sure': wanted, 'ours': wanted}})


def pairs(plugin: Resource, key: str, wanted: Mapping[str, Any], old: Mapping[str, Any],
          put: Callable[[dict[str, Any]], Call], drop: Callable[[str], Call]) -> Steps:
    """Have the keys and values ``wanted`` in the thing, and no key more by us; as ``members``."""
    before = yield from plugin.at_first(key, list(plugin.row.data.get(key) or old))
    yield Record(data={key: list(dict.fromkeys([*before, *wanted]))})
    for name in before:
        if name not in wanted:
            yield drop(name)
    if wanted and (dict(wanted) != dict(old) or plugin.row.keep.get('revive')):
        yield put(dict(wanted))
    yield Record(data={key: list(wanted)})
