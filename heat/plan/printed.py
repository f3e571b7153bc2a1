"""Plans as stable text and as plain JSON.

Purpose: one text for people, goldens and logs; one JSON form that is stored and
sent. Invariant: the same plan prints the same; hidden values never appear in the
text, and UNKNOWN is written as such. Neighbours: ``preview`` makes plans.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from heat.model.plan import CHANGE_KEYS, ENTRY_KEYS, Change, Entry
from heat.plan.preview import walk
from heat.schema import UNKNOWN

MASK = '******'
LONGEST = 160
SIGNS = {'create': '+', 'adopt': '+', 'keep': '=', 'update': '~', 'replace': '±', 'delete': '-',
         'retain': '-', 'refuse': '!'}
WORDS = {'keep': 'unchanged', 'retain': 'delete, left in the cloud', 'refuse': 'refused',
         'adopt': 'take over'}
COUNTED = (('create', 'to create'), ('adopt', 'to take over'), ('update', 'to update'),
           ('replace', 'to replace'), ('delete', 'to delete'), ('retain', 'to leave in the cloud'),
           ('refuse', 'refused'), ('keep', 'unchanged'))
_UNKNOWN = {'heat_unknown': True}


def text(action: str, stack_name: str, entries: tuple[Entry, ...]) -> str:
    """The whole plan; lines end without spaces, the text with a newline."""
    lines = [f'{action} of stack {stack_name}: {summary_text(entries)}']
    for entry in entries:
        lines += _entry(entry, '  ')
    return '\n'.join(lines) + '\n'


def summary(entries: tuple[Entry, ...]) -> dict[str, int]:
    """action -> how many resources, nested ones included."""
    counts = Counter(entry.action for _path, entry in walk(entries))
    return {action: counts[action] for action, _words in COUNTED if counts[action]}


def summary_text(entries: tuple[Entry, ...]) -> str:
    counts = summary(entries)
    told = [f'{counts[action]} {words}' for action, words in COUNTED if action in counts]
    return ', '.join(told) or 'nothing to do'


def _entry(entry: Entry, margin: str) -> list[str]:
    sign = f'{SIGNS[entry.action]}?' if entry.conditional else f'{SIGNS[entry.action]} '
    word = WORDS.get(entry.action, entry.action)
    if entry.conditional:
        word = f'may {word}, else {WORDS.get(entry.otherwise, entry.otherwise)}'
    line = f'{margin}{sign} {entry.name} ({entry.type}): {word}'
    if entry.reason and entry.action != 'refuse':
        line += f'; {entry.reason}'
    lines = [line]
    if entry.refused:
        lines.append(f'{margin}     fails: {entry.refused}')
    lines += [_change(change, margin + '     ') for change in entry.changes]
    if entry.inner is None:
        lines.append(f'{margin}     (what is in it is not known yet)')
    for one in entry.inner or ():
        lines += _entry(one, margin + '   ')
    return lines


def _change(change: Change, margin: str) -> str:
    after = _value(change.after, change.hidden)
    if change.effect == 'none':
        line = f'{margin}{change.name}: {after}'
    else:
        line = f'{margin}{change.name}: {_value(change.before, change.hidden)} -> {after}'
    if change.effect not in ('none', 'update'):
        line += f' [{"may " if change.conditional else ""}{change.effect}]'
    if change.cause:
        line += f' ({", ".join(change.cause)})'
    return line


def _value(value: Any, hidden: bool) -> str:
    if value is UNKNOWN:
        return 'UNKNOWN'
    if hidden:
        return MASK
    written = json.dumps(_marked(value), ensure_ascii=False, sort_keys=True, default=str)
    written = written.replace('"\\u0000UNKNOWN"', 'UNKNOWN')
    return written if len(written) <= LONGEST else f'{written[:LONGEST]}... ({len(written)} characters)'


def _marked(value: Any) -> Any:
    if value is UNKNOWN:
        return '\0UNKNOWN'
    if isinstance(value, Mapping):
        return {str(key): _marked(item) for key, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list | tuple) else value


# -- as JSON -----------------------------------------------------------------------------------------


def to_wire(entries: tuple[Entry, ...] | None) -> list[dict[str, Any]] | None:
    """JSON of entries; hidden values are masked, an unknown value is ``{"heat_unknown": true}``."""
    return None if entries is None else [{
        **{key: getattr(one, name) for key, name in ENTRY_KEYS.items()},
        'changes': [_change_to_wire(change) for change in one.changes],
        'inner': to_wire(one.inner)} for one in entries]


def _change_to_wire(one: Change) -> dict[str, Any]:
    return {**{key: getattr(one, name) for key, name in CHANGE_KEYS.items()}, 'cause': list(one.cause),
            'before': _json(one.before, one.hidden), 'after': _json(one.after, one.hidden)}


def _json(value: Any, hidden: bool = False) -> Any:
    if value is UNKNOWN:
        return dict(_UNKNOWN)
    if hidden:
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def from_wire(data: list[dict[str, Any]] | None) -> tuple[Entry, ...] | None:
    """The reverse of ``to_wire``."""
    return None if data is None else tuple(Entry(**{
        **{name: one[key] for key, name in ENTRY_KEYS.items()},
        'changes': tuple(_change_from_wire(change) for change in one['changes']),
        'inner': from_wire(one['inner'])}) for one in data)


def _change_from_wire(data: dict[str, Any]) -> Change:
    return Change(**{**{name: data[key] for key, name in CHANGE_KEYS.items()}, 'cause': tuple(data['cause']),
                     'before': _known(data['before']), 'after': _known(data['after'])})


def _known(value: Any) -> Any:
    if value == _UNKNOWN:
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    return [_known(item) for item in value] if isinstance(value, list) else value
