"""What a request gives to make a stack from, before it is compiled.

Purpose: environments, and what was handed over by an abandoned stack. Invariant: pure.
Neighbours: ``intake`` compiles what comes of it; ``borrow`` fills the section that is no user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.common import errors
from heat.common.text import flaw
from heat.engine.borrow import KEY
from heat.template.load import parse

Args = Mapping[str, Any]
MOST_MINUTES = 2 ** 31 - 1


def own(environment: Args | None) -> dict[str, Any]:
    """A user's own sections; what the stack borrowed is worked out anew, and by nobody else."""
    return {name: section for name, section in (environment or {}).items() if name != KEY}


def handed_over(text: Any) -> dict[str, Any]:
    """The resources in the data of an abandoned stack: name -> what it was there."""
    data = parse(text, what='environment') if isinstance(text, str) else text
    found = data.get('resources') if isinstance(data, Mapping) else None
    _check_handed(found, 'resources')
    return dict(found or {})


def _check_handed(found: Any, place: str) -> None:
    if found is not None and not isinstance(found, Mapping):
        raise errors.StackValidationFailed(message=f'Invalid adopt data: "{place}" must be a map.')
    for name, one in (found or {}).items():
        own = f'{place}.{name}'
        if not isinstance(one, Mapping):
            raise errors.StackValidationFailed(message=f'Invalid adopt data: "{own}" must be a map.')
        for key in ('resource_data', 'metadata'):
            if not isinstance(one.get(key) or {}, Mapping):
                raise errors.StackValidationFailed(
                    message=f'Invalid adopt data: "{own}.{key}" must be a map.')
        if wrong := flaw(str(one.get('resource_id') or '')):
            raise errors.StackValidationFailed(message=f'Invalid adopt data: "{own}.resource_id" {wrong}.')
        _check_handed(one.get('resources'), f'{own}.resources')


def check_timeout(args: Args) -> None:
    """Invalid for more minutes than the database counts."""
    if (args.get('timeout_mins') or 0) > MOST_MINUTES:
        raise errors.Invalid(reason=f'"timeout_mins" may be {MOST_MINUTES} at most.')


def types_of(text: Any) -> dict[str, str]:
    """Name -> type of the resources in such data that have an id."""
    return {name: str(one.get('type')) for name, one in handed_over(text).items()
            if isinstance(one, Mapping) and one.get('resource_id')}


def merged_environment(old: Args | None, new: Args, args: Args) -> dict[str, Any]:
    """An ``existing`` update's environment: the new sections over the stored ones.

    The arguments of the request may name parameters to forget, and want nobody to hear any more.
    """
    merged: dict[str, Any] = {}
    clear, old = args.get('clear_parameters') or (), dict(old or {})
    if args.get('clear_event_sinks'):
        old.pop('event_sinks', None)
    for section in {*old, *new}:
        before, after = old.get(section), new.get(section)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            merged[section] = {**before, **after}
        else:
            merged[section] = before if after in (None, [], {}) else after
    parameters = merged.get('parameters') or {}
    merged['parameters'] = {name: value for name, value in parameters.items()
                            if name not in clear or name in (new.get('parameters') or {})}
    return merged
