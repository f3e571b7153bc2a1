"""The short YAML tags of CloudFormation and the functions they stand for.

Purpose: ``!Sub x`` is ``{"Fn::Sub": "x"}``; this is the table of it. Invariant:
pure; a tag that is not in the table makes nothing. Neighbours: ``load`` reads
tagged nodes and refuses them where the template is of another format.
"""

from __future__ import annotations

from typing import Any

# Those that are spelled without Fn:: in the long form too.
_BARE = ('Ref', 'Condition')
_FUNCTIONS = (
    'And', 'Base64', 'Cidr', 'Contains', 'EachMemberEquals', 'EachMemberIn', 'Equals', 'FindInMap', 'GetAZs',
    'GetAtt', 'GetStackOutput', 'If', 'ImportValue', 'Join', 'Length', 'Not', 'Or', 'RefAll', 'Select',
    'Split', 'Sub', 'ToJsonString', 'Transform', 'ValueOf', 'ValueOfAll')

LONG: dict[str, str] = {**{f'!{name}': name for name in _BARE},
                        **{f'!{name}': f'Fn::{name}' for name in _FUNCTIONS}}


def is_short(tag: str | None) -> bool:
    """True for a tag of a document's own kind, ``!Name``; ``!`` alone says only "no plain scalar"."""
    return tag is not None and len(tag) > 1 and tag[0] == '!'


def long_form(tag: str, value: Any) -> Any:
    """``value`` inside the function that a known short tag names."""
    name = LONG[tag]
    if name == 'Fn::GetAtt' and isinstance(value, str) and '.' in value:
        value = value.split('.', 1)
    return {name: value}
