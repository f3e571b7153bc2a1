"""Tags: key and value for AWS, one text for the engine.

Purpose: the mapping between both, there and back. Invariant: what is stored is a tag
that the orchestration API allows, and what AWS gave comes back as it was. Neighbours:
``stacks`` and ``shapes``; ``model.tag`` has the form of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.api.cfn.faults import refused
from heat.model import tag

LONGEST = 80


def stored(tags: Iterable[Mapping[str, str]]) -> list[str]:
    """The engine's texts. Fault for a key given twice and for a tag too long to keep."""
    found: dict[str, str] = {}
    for one in tags:
        key, value = one['Key'], one['Value']
        if not key:
            raise refused("Value at 'tags.member.key' must be 1 to 128 characters long.")
        if key in found:
            raise refused(f'Duplicate tag key {key}')
        text = tag.joined(key, value)
        if len(text) > LONGEST:
            raise refused(f'The tag {key} is too long: key, "=" and value have {LONGEST} characters at most '
                          f'on this service, and these have {len(text)}.')
        found[key] = text
    return list(found.values())


def shown(texts: Iterable[str] | None) -> list[dict[str, Any]]:
    """AWS's tags of the engine's texts."""
    return [{'Key': key, 'Value': value} for key, value in map(tag.parts, texts or ())]
