"""The tags of a stack, as far as they are those of its resources too.

Purpose: CloudFormation's rule that what a stack is tagged with its resources are tagged with;
their own tags come first. Invariant: pure; for templates of AWS's format alone. What cannot be
tagged anew in place keeps the tags that it was made with. Neighbours: ``candidates`` asks when it
works out properties; a type names in ``tags_in`` the property that takes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heat.model import tag
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action
from heat.plan.types import ResourceType

OPTION = 'tags'
KEPT = 'stack_tags'


def tags_of(stack: Stack, goal: Goal, aws: bool) -> tuple[str, ...]:
    """The tags that ``stack`` hands down: its own, or what its parent's goal has handed to it."""
    if stack.owner_id is not None:
        return tuple(goal.options.get(OPTION, ()))
    return stack.tags if aws else ()


def wanted(kind: ResourceType, row: Row, tags: Sequence[str]) -> dict[str, str]:
    """The tags by their keys that the thing of ``row`` is to have of its stack."""
    if not kind.tags_in:
        return {}
    if row.action is not Action.INIT and not kind.schema.properties[kind.tags_in].updatable:
        return dict(row.keep.get(KEPT) or {})
    # A tag of the orchestration API that is one word has no value that it could have here.
    return dict(tag.parts(text) for text in tags if '=' in text)


def merged(kind: ResourceType, props: dict[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """``props`` with ``tags`` behind the thing's own."""
    given = props.get(kind.tags_in) if tags else None
    if not tags or not (given is None or isinstance(given, list)):
        return props
    own = [one.get('Key') for one in given or () if isinstance(one, Mapping)]
    more = [{'Key': key, 'Value': value} for key, value in tags.items() if key not in own]
    return {**props, kind.tags_in: [*(given or ()), *more]} if more else props
