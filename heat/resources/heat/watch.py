"""OS::Heat::CWLiteAlarm, and what it shares with the alarm of CloudFormation: a watch rule.

Purpose: a resource that is a row of the table of watch rules. Invariant: the row is
written in the commit that says so on the resource, and read back before the step
ends: a name that somebody else was faster to take fails the step. Neighbours:
``plan.watch_rule`` says what a rule may be, ``engine.watcher`` evaluates it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from heat.model.op import ReadWatch, Record, Shelve, StepFailed
from heat.model.watch import (
    COMPARISONS,
    MISSING,
    STATISTICS,
    UNITS,
    DropWatch,
    PutWatch,
    RestWatch,
    WatchRule,
)
from heat.plan.watch_rule import foreign, rule_of, target_of
from heat.resources.base import Diff, Resource, Steps
from heat.schema import IN_PLACE, UNKNOWN, List, Property, String, Support, has_unknown, hidden

ACTIONS = ('AlarmActions', 'OKActions', 'InsufficientDataActions')
# Property -> its name in a rule, and what stands for it while it is not known.
WORDS: Mapping[str, tuple[str, Any]] = {
    'MetricName': ('metric_name', 'm'), 'Namespace': ('namespace', 'n'),
    'Statistic': ('statistic', STATISTICS[0]), 'ComparisonOperator': ('comparison', COMPARISONS[0]),
    'Threshold': ('threshold', 0), 'Period': ('period', 60), 'EvaluationPeriods': ('periods', 1),
    'DatapointsToAlarm': ('datapoints', None), 'TreatMissingData': ('missing', MISSING),
    'Units': ('unit', None), 'Unit': ('unit', None), 'AlarmDescription': ('description', ''),
    'ActionsEnabled': ('actions_enabled', True), 'AlarmActions': ('actions', []),
    'OKActions': ('ok_actions', []), 'InsufficientDataActions': ('insufficient_actions', [])}


def actions(description: str) -> Property:
    return List(f'{description} Each is the address at which a resource of a stack is signalled, its ARN, or '
                'the name of a resource of this stack.', update=IN_PLACE)


class Alarm(Resource):
    """Base of both forms. ``lite``: evaluated as the classic did."""

    lite: ClassVar[bool] = False

    @classmethod
    def rule(cls, name: str, props: Mapping[str, Any]) -> WatchRule:
        """The rule that the properties, known or not, describe; ValueError says what is wrong with it."""
        given: dict[str, Any] = {'name': name, 'dimensions': dimensions_of(props.get('Dimensions'))}
        for word, (key, stand_in) in WORDS.items():
            value = props.get(word)
            if value is not None:
                given[key] = stand_in if has_unknown(value) else value
        if props.get('EvaluationPeriods') is UNKNOWN:
            given.pop('datapoints', None)
        return rule_of(given, cls.lite)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        name = props.get('AlarmName')
        try:
            cls.rule(name if isinstance(name, str) else 'alarm', props)
        except ValueError as error:
            yield str(error)
        for word, action in _listed(props):
            try:
                target_of(action)
            except ValueError as error:
                yield f'{word}: {error}'

    @classmethod
    def validate_among(cls, props: Mapping[str, Any], names: Collection[str]) -> Iterable[str]:
        for word, action in _listed(props):
            if '://' not in action and not action.startswith('arn:') and action not in names:
                yield f'{word}: the stack has no resource "{action}" that could be signalled.'

    # -- steps -------------------------------------------------------------------------------------

    def rule_name(self) -> str:
        return self.row.physical_id or self.props.get('AlarmName') or self.physical_name()

    def create(self) -> Steps:
        yield from self._put(self.props)

    def take_over(self) -> Steps:
        yield from self._put(self.props, adopt=True)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from self._put(new)

    def _put(self, props: Mapping[str, Any], adopt: bool = False) -> Steps:
        name, tenant = self.rule_name(), self.around.stack.tenant
        for word, action in _listed(props):
            said = foreign(action, tenant)
            if said is not None:
                raise StepFailed(f'{word} of resource {self.name}: {said}', 'ValueError')
        try:
            rule = self.rule(name, props)
        except ValueError as error:
            raise StepFailed(f'Resource {self.name} makes no watch rule: {error}', 'ValueError') from None
        yield Shelve((PutWatch(rule, tenant, self.around.stack.stack_id, self.row.uuid, adopt),))
        owner = yield ReadWatch(name)
        if owner != self.row.uuid:
            raise StepFailed(f'Resource {self.name}: there is another alarm of the name "{name}".',
                             'EntityExists')
        yield Record(physical_id=name)

    def check(self) -> Steps:
        owner = yield ReadWatch(self.id)
        if owner != self.row.uuid:
            raise StepFailed(f'The watch rule {self.id} of resource {self.name} is gone.', 'NotFound')

    def suspend(self) -> Steps:
        yield Shelve((RestWatch(self.row.uuid, True),))

    def resume(self) -> Steps:
        yield Shelve((RestWatch(self.row.uuid, False),))

    def delete(self) -> Steps:
        yield Shelve((DropWatch(self.row.uuid),))


def dimensions_of(given: Any) -> list[list[Any]]:
    """Pairs out of ``[{Name, Value}]``, or of the classic's ``[{name: value}]``; ValueError for others.

    What is not known yet is left out.
    """
    found: list[list[Any]] = []
    for one in given if isinstance(given, Sequence) and not isinstance(given, str) else ():
        if one is UNKNOWN:
            continue
        if not isinstance(one, Mapping) or not one:
            raise ValueError(f'A dimension is a map of Name and Value, not {one!r}.')
        pairs = [(one.get('Name'), one.get('Value'))] if set(one) == {'Name', 'Value'} else list(one.items())
        found += [[name, str(value)] for name, value in pairs if UNKNOWN not in (name, value)]
    return found


def _listed(props: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(property, action) of the actions that are known."""
    for word in ACTIONS:
        given = props.get(word)
        for one in given if isinstance(given, list) else ():
            if isinstance(one, str):
                yield word, one


class CWLiteAlarm(Alarm):
    """Signals resources, such as scaling policies, by what is measured.

    It is evaluated once in each period, over the periods until then, and its
    actions follow each evaluation.
    """

    type = 'OS::Heat::CWLiteAlarm'
    support = hidden('5.0.0', Support('DEPRECATED', '2014.2'))
    lite = True

    class properties:
        ComparisonOperator = String('How the statistic is compared with the threshold.', required=True,
                                    values=COMPARISONS, update=IN_PLACE)
        AlarmDescription = String('What the alarm is for.', update=IN_PLACE)
        EvaluationPeriods = String('Over how many periods the comparison must hold.', required=True,
                                   update=IN_PLACE)
        MetricName = String('The metric to watch.', required=True)
        Namespace = String('The namespace of the metric.', required=True)
        Period = String('The length of a period in seconds.', required=True, update=IN_PLACE)
        Statistic = String('What is made of the samples of a period.', required=True, values=STATISTICS,
                           update=IN_PLACE)
        AlarmActions = actions('What to do when the comparison holds.')
        OKActions = actions('What to do when it does not hold.')
        InsufficientDataActions = actions('What to do when there is not enough data.')
        Dimensions = List('Names and values that tell the metric from others of its name.')
        Threshold = String('What the statistic is compared with.', required=True, update=IN_PLACE)
        Units = String('The unit of the samples that count; all if it is not given.',
                       values=[*UNITS[:-1], None], update=IN_PLACE)

