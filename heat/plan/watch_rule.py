"""What a watch rule may be, and whom its actions tell: pure.

Purpose: a rule out of what somebody sent, or the sentence that says what is wrong
with it; the resource that an action means. Invariant: an action is a signal to a
resource of ours; nothing else is accepted, since nothing else would be done.
Neighbours: ``engine.watches`` and the resource types take rules in,
``engine.watch_actions`` carries actions out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from heat.common.ids import StackId
from heat.model.watch import COMPARISONS, MISSING, STATISTICS, TREATMENTS, UNITS, WatchRule

MOST_ACTIONS, MOST_DIMENSIONS, LONGEST_TEXT, LONGEST_VALUE = 5, 30, 255, 1024
DAY, WEEK, HOUR = 86_400, 604_800, 3_600
SHORT_PERIODS = (10, 20, 30)
ACTIONS = ('actions', 'ok_actions', 'insufficient_actions')
_KEYS = frozenset(('name', 'namespace', 'metric_name', 'dimensions', 'statistic', 'comparison', 'threshold',
                   'period', 'periods', 'datapoints', 'missing', 'unit', 'description', 'actions_enabled',
                   *ACTIONS))


@dataclass(frozen=True, slots=True)
class Target:
    """The resource ``name`` of ``stack``; without one, of the rule's own stack, by name or physical id."""

    name: str
    stack: StackId | None = None


def target_of(action: str) -> Target:
    """What an action means; ValueError with a sentence if it is no signal to a resource.

    It may be the address that a policy hands out (signed, or of the native API), the ARN in the
    former, or the name or id of a resource in the same stack.
    """
    if action.startswith('arn:'):
        return _of_arn(action, action)
    if '://' not in action:
        if not action:
            raise ValueError('An action of an alarm is empty.')
        return Target(action)
    path = urlsplit(action).path
    _before, sep, arn = path.partition('/signal/')
    if sep:
        return _of_arn(unquote(arn), action)
    parts = path.split('/')
    # .../<tenant>/stacks/<name>/<id>/resources/<resource>/signal
    if len(parts) >= 8 and parts[-1] == 'signal' and parts[-3] == 'resources' and parts[-6] == 'stacks':
        tenant, _stacks, name, stack_id, _resources, resource, _signal = map(unquote, parts[-7:])
        return Target(unquote(resource), StackId(tenant, name, stack_id))
    raise ValueError(_no_action(action))


def _of_arn(arn: str, action: str) -> Target:
    try:
        found = StackId.from_arn(arn)
    except ValueError:
        raise ValueError(_no_action(action)) from None
    before, sep, name = found.path.partition('/resources/')
    if before or not sep or not name:
        raise ValueError(_no_action(action))
    return Target(unquote(name), StackId(found.tenant, found.stack_name, found.stack_id))


def shown(action: str) -> str:
    """An action without what it is signed with."""
    return action.partition('?')[0]


def _no_action(action: str) -> str:
    return (f'"{shown(action)}" is no action that can be carried out: an alarm signals a resource of a '
            'stack, given as its signal address or its ARN '
            '(arn:openstack:heat::PROJECT:stacks/NAME/ID/resources/RESOURCE).')


def foreign(action: str, tenant: str) -> str | None:
    """Why a rule of the project ``tenant`` may not have this action; None if it may."""
    try:
        target = target_of(action)
    except ValueError as error:
        return str(error)
    if target.stack is not None and target.stack.tenant != tenant:
        return f'"{shown(action)}" is a resource of another project.'
    return None


# -- rules -----------------------------------------------------------------------------------------


def rule_of(given: Mapping[str, Any], lite: bool = False) -> WatchRule:
    """The rule that a request describes; ValueError with a sentence that says what is wrong with it."""
    strange = sorted(set(given) - _KEYS)
    if strange:
        raise ValueError(f'A watch rule has no "{strange[0]}".')
    for key in ('name', 'namespace', 'metric_name'):
        check_text(key, given.get(key))
    check_dimensions(given.get('dimensions'))
    if not isinstance(given.get('description') or '', str) or len(given.get('description') or '') > 1024:
        raise ValueError('The description of a watch rule is a text of at most 1024 characters.')
    if not isinstance(given.get('actions_enabled', True), bool):
        raise ValueError('"actions_enabled" of a watch rule is true or false.')
    for key in ACTIONS:
        listed = given.get(key) or []
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise ValueError(f'"{key}" of a watch rule is a list of texts.')
    rule = WatchRule.from_wire({
        **given, 'threshold': _number('threshold', given.get('threshold')),
        'period': _whole('period', given.get('period')),
        'periods': _whole('periods', given.get('periods')),
        'datapoints': None if given.get('datapoints') is None else _whole(
            'datapoints', given['datapoints']),
        'missing': given.get('missing') or MISSING}, lite)
    for said in faults(rule):
        raise ValueError(said)
    return rule


def faults(rule: WatchRule) -> Iterable[str]:
    """What is wrong with a rule, in sentences."""
    for word, value, known in (
            ('statistic', rule.statistic, STATISTICS), ('comparison', rule.comparison, COMPARISONS),
            ('treatment of missing data', rule.missing, TREATMENTS)):
        if value not in known:
            yield f'"{value}" is no {word} of a watch rule; use one of {", ".join(known)}.'
    if rule.unit is not None and rule.unit not in UNITS:
        yield f'"{rule.unit}" is no unit; use one of {", ".join(UNITS)}.'
    if rule.lite:
        if rule.period < 1:
            yield f'The period of an alarm is a number of seconds, not {rule.period}.'
    elif rule.period not in SHORT_PERIODS and (rule.period < 60 or rule.period % 60):
        yield f'The period of an alarm is 10, 20, 30 or a multiple of 60 seconds, not {rule.period}.'
    if rule.periods < 1:
        yield f'An alarm evaluates one period or more, not {rule.periods}.'
    longest = WEEK if rule.period >= HOUR else DAY
    if rule.period * rule.periods > longest:
        yield (f'An alarm looks back {longest} seconds at the most; {rule.periods} periods of {rule.period} '
               'seconds are more.')
    if rule.datapoints is not None and not 1 <= rule.datapoints <= rule.periods:
        yield (f'Of {rule.periods} evaluated periods {rule.datapoints} cannot breach: datapoints to alarm '
               'are between 1 and the evaluation periods.')
    for actions in (rule.actions, rule.ok_actions, rule.insufficient_actions):
        if len(actions) > MOST_ACTIONS:
            yield f'An alarm has at most {MOST_ACTIONS} actions for a state, not {len(actions)}.'


def check_text(key: str, value: Any, longest: int = LONGEST_TEXT) -> None:
    """ValueError unless it is a text of 1 to 255 characters, or as many as are given."""
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError(f'"{key}" is a text of 1 to {longest} characters.')


def check_dimensions(given: Any) -> None:
    """ValueError unless it is a list of pairs of texts, each name once."""
    pairs = given or []
    if not isinstance(pairs, Sequence) or isinstance(pairs, str) or not all(
            isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError('Dimensions are a list of names with values.')
    for name, value in pairs:
        check_text('The name of a dimension', name)
        check_text(f'The value of the dimension {name}', value, LONGEST_VALUE)
    names = [name for name, _value in pairs]
    if len(names) > MOST_DIMENSIONS:
        raise ValueError(f'A metric has at most {MOST_DIMENSIONS} dimensions, not {len(names)}.')
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'The dimension {name} is given more than once.')


def _number(key: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if isinstance(value, bool) or not math.isfinite(found):
        raise ValueError(f'"{key}" of a watch rule is a number, not {value!r}.')
    return found


def _whole(key: str, value: Any) -> int:
    found = _number(key, value)
    if not found.is_integer() or abs(found) > 1e9:
        raise ValueError(f'"{key}" of a watch rule is a whole number, not {value!r}.')
    return int(found)
