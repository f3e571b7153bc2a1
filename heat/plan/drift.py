"""What a check finds otherwise than it was asked for, and how much of it may be told.

Purpose: the record of a check on a row (``data['drift']``), the sentence about it, and
which properties may hold what is hidden. Invariant: pure; a value that a hidden parameter
may stand in is in no record, and what the row's reason tells, which is stored in clear, is
what the template itself says. Neighbours: ``engine.step`` finds, ``traversal`` says what
may be told, ``engine.drift`` shows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heat.common.fault import MASK
from heat.common.text import fit
from heat.model.resource import Row
from heat.schema import Property
from heat.template.definition import Definition, Template
from heat.template.expr import Constant, Expr, items_of

KEPT = 'drift'
EVERY = '*'
IN_SYNC, MODIFIED, DELETED, NOT_CHECKED = 'IN_SYNC', 'MODIFIED', 'DELETED', 'NOT_CHECKED'
DRIFTED = 'DRIFTED'
LONGEST_SENTENCE = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """``kind``: ADD (nothing was asked for), REMOVE (nothing is there) or NOT_EQUAL."""

    property: str
    expected: Any
    actual: Any
    kind: str

    def to_wire(self) -> dict[str, Any]:
        return {'property': self.property, 'expected': self.expected, 'actual': self.actual,
                'kind': self.kind}


@dataclass(frozen=True, slots=True)
class Drift:
    """What the last check has found; ``at`` is wall time in seconds, None if there was none.

    ``masked`` names the properties whose values are not told, ``EVERY`` all of them.
    """

    status: str = NOT_CHECKED
    at: float | None = None
    differences: tuple[Difference, ...] = ()
    masked: tuple[str, ...] = (EVERY,)

    def to_wire(self) -> dict[str, Any]:
        return {'status': self.status, 'at': self.at, 'differences': [d.to_wire() for d in self.differences],
                'masked': list(self.masked)}

    @classmethod
    def of(cls, row: Row) -> Drift:
        """What is recorded on ``row``; before there were records of this form, nothing was."""
        kept = row.data.get(KEPT)
        if not isinstance(kept, Mapping) or kept.get('status') not in (IN_SYNC, MODIFIED, DELETED):
            return cls()
        return cls(kept['status'], kept['at'], tuple(Difference(**one) for one in kept['differences']),
                   # Records without it are older than the wish to tell all properties.
                   tuple(kept.get('masked', (EVERY,))))


def compared(row: Row, asked: Mapping[str, Any], there: Mapping[str, Any], at: float) -> Drift:
    """The record of a check: ``there`` has the properties that differ as they are in the cloud."""
    masked = _untold(row)
    every = EVERY in masked
    found = []
    for name, actual in there.items():
        expected = asked.get(name)
        kind = 'ADD' if _empty(expected) else 'REMOVE' if _empty(actual) else 'NOT_EQUAL'
        if every or name in masked:
            expected, actual = _covered(expected), _covered(actual)
        found.append(Difference(name, expected, actual, kind))
    return Drift(MODIFIED if found else IN_SYNC, at, tuple(found), masked)


def gone(row: Row, at: float) -> Drift:
    """The record of a check that has found nothing there."""
    return Drift(DELETED, at, masked=_untold(row))


def _untold(row: Row) -> tuple[str, ...]:
    """Names of the properties that are masked; what comes from elsewhere as a secret is told of none."""
    masked = row.keep.get('masked') or ()
    return (EVERY,) if EVERY in masked or row.keep.get('dynamic') else tuple(sorted(masked))


def properties(row: Row) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The properties that the last check has expected and found, hidden ones masked; None if not known."""
    drift = Drift.of(row)
    if drift.status == NOT_CHECKED or EVERY in drift.masked:
        return None, None
    expected = {name: _covered(value) if name in drift.masked else value
                for name, value in (row.props or {}).items() if value is not None}
    if drift.status == DELETED:
        return expected, None
    actual = {**expected, **{one.property: one.actual for one in drift.differences}}
    return expected, {name: value for name, value in actual.items() if value is not None}


def recorded(row: Row, drift: Drift | None) -> dict[str, Any]:
    """The row's private data with that record, or with none."""
    data = {name: value for name, value in row.data.items() if name != KEPT}
    return data if drift is None else {**data, KEPT: drift.to_wire()}


def summary(rows: Iterable[Row], at: float) -> dict[str, Any]:
    """What the rows of a whole stack come to: DRIFTED, IN_SYNC or NOT_CHECKED, and when that was found."""
    found = {Drift.of(row).status for row in rows if row.replaced_by is None and not row.gone}
    whole = DRIFTED if found & {MODIFIED, DELETED} else IN_SYNC if IN_SYNC in found else NOT_CHECKED
    return {'status': whole, 'at': at}


def sentence(row: Row, drift: Drift) -> str:
    """What the reason of a check adds; '' if nothing differs."""
    untold = row.keep.get('untold') or ()
    told = [f'{one.property} has another value'
            if EVERY in untold or one.property in untold or MASK in (one.expected, one.actual) else
            f'{one.property} is {_text(one.actual)} instead of {_text(one.expected)}'
            for one in drift.differences]
    return fit(f'differs from what was asked for: {", ".join(told)}', LONGEST_SENTENCE) if told else ''


def _empty(value: Any) -> bool:
    return value is None or value in ('', [], {})


def _covered(value: Any) -> Any:
    return value if _empty(value) else MASK


def _text(value: Any) -> str:
    return json.dumps(value, default=str)


# -- what may be told ------------------------------------------------------------------------------


def secretive(template: Template, settled: Template, hidden: Collection[str],
              secrets: Collection[str]) -> dict[str, frozenset[str]]:
    """Resource -> its properties in which something hidden may stand; ``EVERY`` for all of them.

    ``hidden`` are names of parameters, ``secrets`` texts of their values. What refers to an
    attribute of such a resource may be told the same by it.
    """
    if not hidden:
        return {}
    names = frozenset(hidden)
    constants = {name: _holding(settled.resources.get(name, one), secrets)
                 for name, one in template.resources.items()}
    readers: dict[str, list[str]] = {}
    for name, definition in template.resources.items():
        for ref in definition.refs():
            if ref.kind == 'attribute':
                readers.setdefault(ref.resource, []).append(name)
    waiting = [name for name, one in template.resources.items() if constants[name]
               or any(part.parameters() & names for _place, part in one.parts())]
    known = set(waiting)
    while waiting:
        new = set(readers.get(waiting.pop(), ())) - known
        known |= new
        waiting += new

    def veils(expr: Expr) -> bool:
        return bool(expr.parameters() & names) or any(
            ref.kind == 'attribute' and ref.resource in known for ref in expr.refs())

    found = {}
    for name in known:
        definition = template.resources[name]
        within = {key for key, expr in items_of(definition.properties).items() if veils(expr)}
        # Else the whole map is worked out, or it is what a nested stack can read beside its properties.
        beside = not within and any(veils(part) for _place, part in definition.parts())
        found[name] = constants[name] | within | ({EVERY} if beside else set())
    return found


def _holding(settled: Definition, secrets: Collection[str]) -> frozenset[str]:
    """Properties whose values have a secret in them though no parameter: a macro has put it there."""
    return frozenset(name for name, expr in items_of(settled.properties).items()
                     if isinstance(expr, Constant) and any(secret in text for text in _texts(expr.data)
                                                           for secret in secrets))


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
        elif one is not None:
            yield str(one)


def restricted(definition: Definition | None, properties: Mapping[str, Property],
               masked: frozenset[str]) -> dict[str, Any]:
    """What joins a row's ``keep`` while it is checked: ``masked`` and ``untold`` properties.

    A name that has moved stands for the one that it has moved to.
    """
    if definition is None:
        return {'masked': [EVERY], 'untold': [EVERY]}
    masked |= {name for name, prop in properties.items() if prop.secret}
    items = items_of(definition.properties)
    untold = {name for name, expr in items.items() if not isinstance(expr, Constant)}
    if not items and not isinstance(definition.properties, Constant):
        untold.add(EVERY)
    return {key: sorted(_with_moved(names, properties))
            for key, names in (('masked', masked), ('untold', untold)) if names}


def _with_moved(names: Collection[str], properties: Mapping[str, Property]) -> set[str]:
    found = set(names)
    for name in names:
        prop = properties.get(name)
        if prop is not None:
            found |= {*((prop.replaced_by,) if prop.replaced_by else ()), *(prop.unpack or ())}
    return found
