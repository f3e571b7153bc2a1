"""What all types of the identity service share.

Purpose: ``Keystone`` is ``Unstamped`` in the identity service's dialect.
Invariant: nothing moves to another domain; it is made anew there.
Neighbours: the types beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from heat.model.op import Adopt, NeedsReplacement
from heat.resources.base import Diff, Steps
from heat.resources.openstack.unstamped import Unstamped
from heat.schema import IN_PLACE, Property, String

# By these a thing is found again, as far as it has them.
MARKS = ('name', 'domain_id', 'type', 'service_id', 'interface', 'url')
# What the service takes for "as at the beginning", where it refuses null.
BEGINNINGS: dict[str, Any] = {'description': '', 'tags': []}


def domain(description: str = 'Domain it belongs to; in another one it is made anew.') -> Property:
    return String(description, default='default', is_a='keystone.domain', wire='domain_id', update=IN_PLACE)


class Keystone(Unstamped):
    """A row of a collection of the identity service."""

    service = 'identity'
    update_method = 'PATCH'
    survives_failure = True
    # What the list of the collection can be narrowed by.
    narrowed: ClassVar[tuple[str, ...]] = ('name', 'domain_id')

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{quote(self.id, safe="")}{tail}'

    def marks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {mark: body[mark] for mark in MARKS if body.get(mark) is not None}

    def search(self, marks: Mapping[str, Any]) -> Adopt:
        narrowed = {mark: marks[mark] for mark in self.narrowed if mark in marks}
        return replace(super().search(marks), query=narrowed)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'domain' in diff:
            raise NeedsReplacement(f'{self.key} {self.id} cannot move to another domain.')
        changes = {name: BEGINNINGS.get(name) if value is None else value
                   for name, value in self.body_of_update(self.changes(diff)).items()}
        if changes:
            yield self.put(changes)
