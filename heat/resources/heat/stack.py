"""OS::Heat::Stack: a stack in a stack, its template given as text.

Purpose: composition without a registry. Invariant: in this region and with the
credential of its parent it stands in the parent's tree; any other is made by the
service there, and which of the two a resource is does not change in its life.
Neighbours: ``engine.nested`` runs the child, ``remote_stack`` is the other kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from heat.model.resource import Row
from heat.resources.base import Resource
from heat.resources.heat.remote_stack import RemoteStack, StackTable
from heat.resources.nested import LEARNED, ChildTemplate, ChildView, Nested, learned
from heat.resources.provider import compiled_text
from heat.schema import UNKNOWN


class Stack(Nested, StackTable):
    """The kind that stands in the tree of its parent."""

    home: ClassVar[str] = 'RegionOne'
    """The region of this service (see ``types.take_region``)."""

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        props = row.props or {}
        template = compiled_text(props['template'], row.name)
        return ChildTemplate(template.raw, dict(props.get('parameters') or {}), minutes=props.get('timeout'))

    @classmethod
    def variant(cls, props: Mapping[str, Any] | None) -> type[Resource]:
        """What may stand elsewhere is not looked into here."""
        region, secret = cls.place(props)
        return RemoteStack if region or secret else cls

    @classmethod
    def place(cls, props: Mapping[str, Any] | None) -> tuple[Any, Any]:
        """(the region if it is another one, the secret); UNKNOWN stands for itself."""
        context = (props or {}).get('context')
        if context is UNKNOWN:
            return UNKNOWN, UNKNOWN
        if not isinstance(context, Mapping):
            return None, None
        region, secret = context.get('region_name'), context.get('credential_secret_id')
        # A ca_cert secures a connection; to one's own cloud none is made. With another's
        # credential even this region's name is one of another cloud.
        return (region or None) if secret or region != cls.home else None, secret or None

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        region, secret = cls.place(row.props)
        new_region, new_secret = cls.place(new)
        return bool(region != new_region or (secret is None) is not (new_secret is None))

    @classmethod
    def learn(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        return {LEARNED: {'stack_name': child.identity.stack_name, 'outputs': child.outputs()}}

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return learned(row).get(name)
