"""AWS::CloudFormation::Stack: a stack in a stack, its template named by URL.

Purpose: the child's template is the document behind ``TemplateURL``. Invariant:
the document was read when the stack was taken in and is stored with it.
Neighbours: ``engine.documents`` reads, ``engine.nested`` runs the child.
"""

from __future__ import annotations

from typing import Any

from heat.common import errors
from heat.model.resource import Row
from heat.resources.nested import ChildTemplate, ChildView, Told, learned, output
from heat.schema import IN_PLACE, Integer, Map, String

_OUTPUTS = 'Outputs.'


class Stack(Told):
    """Represents a child stack to allow composition of templates."""

    type = 'AWS::CloudFormation::Stack'
    title = 'NestedStack'

    class properties:
        TemplateURL = String('The URL of a template that specifies the stack to be created as a resource.',
                             required=True, update=IN_PLACE)
        TimeoutInMinutes = Integer('The length of time, in minutes, to wait for the nested stack creation.',
                                   update=IN_PLACE)
        Parameters = Map('The set of parameters passed to this nested stack.', update=IN_PLACE)

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        props = row.props or {}
        return ChildTemplate(source=props.get('TemplateURL'), parameters=dict(props.get('Parameters') or {}),
                             minutes=props.get('TimeoutInMinutes'))

    @classmethod
    def reference(cls, row: Row) -> Any:
        return learned(row).get('arn', row.name)

    @classmethod
    def attribute_names(cls, row: Row) -> tuple[str, ...]:
        return tuple(f'{_OUTPUTS}{name}' for name in learned(row).get('outputs', ()))

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        if not name.startswith(_OUTPUTS):
            raise errors.InvalidTemplateAttribute(resource=row.name, key=name)
        return output(row, name.removeprefix(_OUTPUTS)) if learned(row) else None
