"""Things of services that do not say when a thing was made.

Purpose: a creation whose answer was lost finds what it made, and nothing of
somebody else's that has the same name. Invariant: what had the name before the
first call is written to the row with that call's intent. Neighbours: ``rest``;
the types of identity, of compute's and of volumes' administrators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import Adopt, Call
from heat.resources.base import Steps
from heat.resources.rest import Rest

OTHERS, MARKS = 'others', 'marks'


class Unstamped(Rest):
    """``furnish`` is what a new thing still needs after its first call."""

    def create(self) -> Steps:
        body = self.body(self.props)
        yield from self.note_others(body)
        answer = yield self.post(body)
        return (yield from self.furnish(answer))

    def furnish(self, answer: dict[str, Any]) -> Steps:
        yield from ()
        return answer

    def note_others(self, body: dict[str, Any]) -> Steps:
        """Keep by what it is found again, and the ids of what looks like it already."""
        if self.row.intent is not None:
            return
        marks = self.marks(body)
        yield self.keep(**{MARKS: marks, OTHERS: []})
        if self.only_ours(body):
            return
        search = self.search(marks)
        listed = yield Call(self.service or '', 'GET', search.path, query=search.query, ok=(404,),
                            unwrap=search.key, label='look')
        found = listed if isinstance(listed, list) else [listed]
        yield self.keep(**{OTHERS: [str(one[self.id_key]) for one in found if one and search.match(one)]})

    def only_ours(self, body: Mapping[str, Any]) -> bool:
        """Whether nobody else's can look like it: the name that we give has a random part."""
        return bool(self.name_key and body.get(self.name_key) == self.physical_name())

    def marks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """By what ``body`` is recognised; with ids where properties may have names."""
        return {self.name_key: body[self.name_key]} if self.name_key else {}

    def search(self, marks: Mapping[str, Any]) -> Adopt:
        """How to find things with these ``marks``."""
        return Adopt(self.list_path or self.path, self.plural or f'{self.key}s',
                     lambda found: all(found.get(mark) == value for mark, value in marks.items()))

    def adopt(self, body: dict[str, Any]) -> Adopt:
        search = self.search(self.row.data.get(MARKS) or self.marks(body))
        others = frozenset(self.row.data.get(OTHERS) or ())
        return replace(search, match=lambda found: (
            str(found.get(self.id_key)) not in others and search.match(found)))
