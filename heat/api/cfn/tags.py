"""Tags: key and value for AWS, one text for the engine.

Purpose: the mapping between both, there and back. ``Key=Value`` is the text; in
it ``%``, the comma (which divides tags in the orchestration API) and, in the key,
``=`` are percent-encoded. A tag without ``=`` is a key with an empty value.
Invariant: what is stored is a tag that the orchestration API allows, and what AWS
gave comes back as it was. Neighbours: ``stacks`` and ``shapes``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from heat.api.cfn.faults import refused

LONGEST = 80
ENCODED = re.compile('%(2C|25|3D|20|09|0A|0D)')
# A blank at an end would be stripped where tags are read from a list.
OUTER_BLANK = re.compile(r'^[ \t\n\r]|[ \t\n\r]$')


def stored(tags: Iterable[Mapping[str, str]]) -> list[str]:
    """The engine's texts. Fault for a key given twice and for a tag too long to keep."""
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag['Key'], tag['Value']
        if not key:
            raise refused("Value at 'tags.member.key' must be 1 to 128 characters long.")
        if key in found:
            raise refused(f'Duplicate tag key {key}')
        text = f'{_encoded(key, "%,=")}={_encoded(value, "%,")}'
        text = OUTER_BLANK.sub(lambda blank: f'%{ord(blank[0]):02X}', text)
        if len(text) > LONGEST:
            raise refused(f'The tag {key} is too long: key, "=" and value have {LONGEST} characters at most '
                          f'on this service, and these have {len(text)}.')
        found[key] = text
    return list(found.values())


def shown(texts: Iterable[str] | None) -> list[dict[str, Any]]:
    """AWS's tags of the engine's texts."""
    parts = (text.partition('=') for text in texts or ())
    return [{'Key': _decoded(key), 'Value': _decoded(value)} for key, _, value in parts]


def _encoded(text: str, special: str) -> str:
    return ''.join(f'%{ord(c):02X}' if c in special else c for c in text)


def _decoded(text: str) -> str:
    return ENCODED.sub(lambda found: chr(int(found[1], 16)), text)
