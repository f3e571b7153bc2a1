"""Answers of CloudFormation's API held against AWS's model: every member is known, and of its type.

botocore reads what it knows and says nothing of the rest, so a misspelt member would be lost unseen.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

FORMS = {'timestamp': r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', 'integer': r'-?\d+', 'boolean': 'true|false'}

# What AWS says although its model does not: the one event of a stack that is under review.
BEYOND = {'ResourceStatus': ('REVIEW_IN_PROGRESS',)}


def faults(operation: Any, body: bytes) -> list[str]:
    """What is wrong with the XML of an answer to ``operation``, a model of botocore's."""
    root = ET.fromstring(body)
    return list(_envelope(operation, root))


def _envelope(operation: Any, root: ET.Element) -> Iterator[str]:
    if root.tag != f'{operation.name}Response':
        yield f'the root is {root.tag}'
    result = f'{operation.name}Result'
    for child in root:
        if child.tag == result:
            if operation.output_shape is not None:
                yield from _structure(operation.output_shape, child, operation.name)
            elif len(child) or child.text:
                yield f'{result} has something in it'
        elif child.tag != 'ResponseMetadata' or [one.tag for one in child] != ['RequestId']:
            yield f'{child.tag} is no element of an answer'
    if operation.output_shape is not None and operation.output_shape.members and root.find(result) is None:
        yield f'{result} is missing'


def _structure(shape: Any, element: ET.Element, place: str) -> Iterator[str]:
    seen = [child.tag for child in element]
    for child in element:
        member = shape.members.get(child.tag)
        if member is None:
            yield f'{place}.{child.tag} is unknown'
        else:
            yield from _value(member, child, f'{place}.{child.tag}')
    yield from (f'{place}.{name} is missing' for name in shape.required_members if name not in seen)
    yield from (f'{place}.{name} is there twice' for name in set(seen) if seen.count(name) > 1)


def _value(shape: Any, element: ET.Element, place: str) -> Iterator[str]:
    if shape.type_name == 'structure':
        yield from _structure(shape, element, place)
        return
    if shape.type_name == 'list':
        for number, child in enumerate(element):
            if child.tag != 'member':
                yield f'{place} has an item {child.tag}'
            yield from _value(shape.member, child, f'{place}[{number}]')
        return
    text = element.text or ''
    if len(element):
        yield f'{place} has elements in it'
    form = FORMS.get(shape.type_name)
    if form is None and shape.type_name != 'string':
        yield f'{place} is of a type {shape.type_name} that nobody looked at'
    if form is not None and not re.fullmatch(form, text):
        yield f'{place} is no {shape.type_name}: {text!r}'
    if shape.type_name == 'string' and shape.enum and text not in (*shape.enum, *BEYOND.get(shape.name, ())):
        yield f'{place} is none of its words: {text!r}'
