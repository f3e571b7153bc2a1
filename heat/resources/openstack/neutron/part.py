"""What has no name in the network service, lies below another thing, or bears none beside it.

Purpose: ``Nameless`` is found again by what it says, ``Part`` has its owner's id
in its URL, ``GivesWay`` goes before its successor comes. Invariant: what finds
it is kept with the row under ids, since a deletion looks no names up.
Neighbours: ``rest``; rules, sharing and port forwardings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from heat.common.errors import EntityNotFound
from heat.model.op import Adopt, Call, Find, StepFailed
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.rest import UUID, Neutron
from heat.resources.rest import alike


class Nameless(Neutron):
    """What has no name, and the service takes no two that are alike: it is found again by what it says."""

    name_key = None

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        body = yield from super().prepare(body, props, diff)
        if self.row.physical_id is not None:
            return body
        # Kept as it was asked for first: a deletion after a crash looks no names up.
        said = self.row.data.get('said') or body
        yield self.keep(said=said)
        return said

    def adopt(self, body: dict[str, Any]) -> Adopt:
        said = {name: value for name, value in body.items() if name != 'tenant_id'}
        return Adopt(self.place(), self.plural or f'{self.key}s', lambda found: alike(said, found))

    def place(self) -> str:
        """Where they are listed."""
        return self.path


class GivesWay(Nameless):
    """What goes before its successor comes: the service takes no two that overlap."""

    releases = True

    def release(self) -> Steps:
        yield self.remove('release')

    def restore(self) -> Steps:
        def look() -> Steps:
            return (yield Call('network', 'GET', self.url(), ok=(404,), label='show')) is not None
        if not (yield from once(self, 'still there', look())):
            yield self.post((yield from self.prepare(self.body(self.props), self.props)), 'restore')


class Part(Nameless):
    """What lies below another object: ``{owner}`` in its path is the id of what property ``owner`` names."""

    owner: ClassVar[str] = ''
    owner_kind: ClassVar[str] = ''

    def owned(self) -> Steps:
        """Keep the owner's id: a deletion looks no names up, and its name may change."""
        if 'owner' not in self.row.data:
            value = self.props[self.owner]
            yield self.keep(owner=value if UUID.match(value) else (yield Find(self.owner_kind, value)))

    def place(self) -> str:
        owner = self.row.data.get('owner') or self.props.get(self.owner)
        if owner is None:
            raise StepFailed(f'Resource {self.name} is found by its {self.owner} only, which is not given.',
                             'NotFound')
        return self.path.format(owner=owner)

    def url(self, tail: str = '') -> str:
        return f'{self.place()}/{self.id}{tail}'

    def create(self) -> Steps:
        yield from self.owned()
        return (yield from super().create())

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        try:
            yield from self.owned()
        except EntityNotFound:
            # It went with its owner.
            return
        yield from super().delete()

    def post(self, body: dict[str, Any], label: str = 'create') -> Call:
        return replace(super().post(body, label), path=self.place())
