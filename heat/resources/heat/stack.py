"""OS::Heat::Stack: a stack in a stack, its template given as text.

Purpose: composition without a registry. Invariant: the child stands in the tree
of its parent, so it has the same cloud and the same credential; a stack of
another region or of another's credential is refused and not made here instead.
Neighbours: ``engine.nested`` runs the child.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.model.resource import Row
from heat.resources.nested import LEARNED, ChildTemplate, ChildView, Nested, learned
from heat.resources.provider import compiled_text
from heat.schema import IN_PLACE, UNKNOWN, Attr, Boolean, Integer, Map, String, Support


class Stack(Nested):
    """A Resource representing a stack.

    To create this resource, we just create a stack in a specific region or with
    a specific credential.
    """

    type = 'OS::Heat::Stack'

    class properties:
        context = Map('Context for this stack.', update=IN_PLACE, keys={
            'region_name': String('Region name in which this stack will be created.'),
            'credential_secret_id': String(
                'A Barbican secret that stores the cloud credential for a remote cloud.', update=IN_PLACE,
                support=Support(version='12.0.0')),
            'ca_cert': String('Optional. The contents of a CA certificate with which to verify the '
                              "connection to the remote cloud.", update=IN_PLACE,
                              support=Support(version='12.0.0')),
            'insecure': Boolean('If the connection to the remote cloud goes unverified.', default=False,
                                update=IN_PLACE, support=Support(version='12.0.0'))})
        template = String('Template that specifies the stack to be created as a resource.', required=True,
                          update=IN_PLACE)
        timeout = Integer('Number of minutes to wait for this stack creation.', update=IN_PLACE)
        parameters = Map('Set of parameters passed to this stack.', default={}, update=IN_PLACE)

    class attributes:
        stack_name = Attr('Name of the stack.', type='String')
        outputs = Attr('A dict of key-value pairs output from the stack.', type='Map')

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        props = row.props or {}
        template = compiled_text(props['template'], row.name)
        return ChildTemplate(template.raw, dict(props.get('parameters') or {}), minutes=props.get('timeout'))

    @classmethod
    def elsewhere(cls, props: Mapping[str, Any], region: str) -> str | None:
        context = props.get('context')
        if not isinstance(context, Mapping):
            return None
        # A ca_cert secures a connection; to one's own cloud none is made.
        wanted = context.get('region_name')
        if wanted not in (None, '', UNKNOWN, region):
            return (f'A stack in the region {wanted} is not supported; the property context may only name '
                    f'this region, {region}.')
        if context.get('credential_secret_id'):
            return ('A stack made with another credential is not supported; leave credential_secret_id out '
                    'of the property context.')
        return None

    @classmethod
    def learn(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        return {LEARNED: {'stack_name': child.identity.stack_name, 'outputs': child.outputs()}}

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return learned(row).get(name)
