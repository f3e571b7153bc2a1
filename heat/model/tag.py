"""A stack's tag: one text that may stand for a key and a value.

Purpose: ``Key=Value`` and its parts. In the text ``%``, the comma (which divides tags in the
orchestration API) and, in the key, ``=`` are percent-encoded; a tag without ``=`` is a key with
an empty value. Invariant: what was put together comes apart as it was. Neighbours: the API of
CloudFormation has keys and values, ``plan.handed_down`` gives them to resources.
"""

from __future__ import annotations

import re

_ENCODED = re.compile('%(2C|25|3D|20|09|0A|0D)')
# A blank at an end would be stripped where tags are read from a list.
_OUTER_BLANK = re.compile(r'^[ \t\n\r]|[ \t\n\r]$')


def joined(key: str, value: str) -> str:
    text = f'{_encoded(key, "%,=")}={_encoded(value, "%,")}'
    return _OUTER_BLANK.sub(lambda blank: f'%{ord(blank[0]):02X}', text)


def parts(text: str) -> tuple[str, str]:
    key, _, value = text.partition('=')
    return _decoded(key), _decoded(value)


def _encoded(text: str, special: str) -> str:
    return ''.join(f'%{ord(c):02X}' if c in special else c for c in text)


def _decoded(text: str) -> str:
    return _ENCODED.sub(lambda found: chr(int(found[1], 16)), text)
