"""Names and the Mappings section in AWS's format.

Purpose: which names and keys a template may use, and what a mapping may hold.
Invariant: pure; faults are noted in the unit. Neighbours: ``aws``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from heat.template.functions import Path

if TYPE_CHECKING:
    from heat.template.compile import Unit

_ID = re.compile(r'[A-Za-z0-9]{1,255}\Z')
# Loops make names of conditions with what stands in their items.
CONDITION_ID = re.compile(r'[A-Za-z0-9&_]{1,255}\Z')
_KEY = re.compile(r'[A-Za-z0-9.-]{1,255}\Z')


def check_ids(unit: Unit, section: str, names: Iterable[str], form: re.Pattern[str] = _ID) -> None:
    for name in names:
        if not form.match(name):
            unit.fault((section, name), f'The name "{name}" must be alphanumeric, of at most 255 characters')


def check_mappings(unit: Unit, extensions: bool) -> None:
    """Two levels of maps, then scalars or lists. With ``extensions`` a key may be any text."""
    check_ids(unit, 'Mappings', unit.mappings)
    for name, mapping in unit.mappings.items():
        path: Path = ('Mappings', name)
        if not isinstance(mapping, dict) or not mapping:
            unit.fault(path, 'A mapping must be a map of maps')
            continue
        for key, entries in mapping.items():
            if not isinstance(entries, dict) or not entries:
                unit.fault((*path, key), 'A mapping must be a map of maps')
                continue
            # With the extensions a key may be worked out, and be JSON text for one.
            for one in () if extensions else (key, *entries):
                if not _KEY.match(one):
                    unit.fault((*path, key), f'The key "{one}" of a mapping may have letters, digits, "." '
                                             'and "-" only')
            for inner, value in entries.items():
                if isinstance(value, dict) or value is None:
                    unit.fault((*path, key, inner), 'A value of a mapping must be a string, number, true, '
                                                    'false or a list, and no function')
