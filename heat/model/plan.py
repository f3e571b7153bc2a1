"""What a plan says of each resource and property, as values.

Purpose: entries and changes, and the keys under which both stand in JSON. Invariant:
``plan.printed`` writes and reads plans by these tables, and the API describes them by
the same. Neighbours: ``plan.preview`` makes entries, ``api.rest.objects`` describes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What may become of a resource, and what a change of a property may ask for ('none': the thing is made, or
# has nothing to do).
ACTIONS = ('create', 'adopt', 'update', 'replace', 'delete', 'retain', 'refuse', 'keep')
EFFECTS = ('update', 'replace', 'immutable', 'none')


@dataclass(frozen=True, slots=True)
class Change:
    """One property: values before and after (UNKNOWN where only the cloud will tell).

    ``effect`` is one of ``EFFECTS``; ``conditional``: only if the value turns
    out to be another. ``cause`` names changed references and parameters, or
    'template'. ``hidden`` values come from hidden parameters and are not shown.
    """

    name: str
    before: Any
    after: Any
    effect: str
    conditional: bool = False
    cause: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource. ``action`` is one of ``ACTIONS``.

    A ``conditional`` action may turn out to be ``otherwise``. ``inner`` are the
    resources of the stack that it is, None if they are not known yet. ``refused`` is
    the sentence with which the execution will fail.
    """

    name: str
    type: str
    action: str
    physical_id: str | None = None
    conditional: bool = False
    otherwise: str = ''
    reason: str = ''
    changes: tuple[Change, ...] = ()
    inner: tuple[Entry, ...] | None = ()
    refused: str = ''


# Key -> what of a change, or of an entry, it holds. An entry has ``changes`` and ``inner`` besides.
CHANGE_KEYS = {'property': 'name', 'before': 'before', 'after': 'after', 'effect': 'effect',
               'conditional': 'conditional', 'cause': 'cause', 'hidden': 'hidden'}
ENTRY_KEYS = {'resource_name': 'name', 'resource_type': 'type', 'action': 'action',
              'physical_resource_id': 'physical_id', 'conditional': 'conditional', 'otherwise': 'otherwise',
              'reason': 'reason', 'refused': 'refused'}
