"""Alarms of Aodh.

Purpose: the types OS::Aodh::*. Invariant: an alarm is written whole, what this service
does not know of it as it was; a suspended one is switched off, and resumed as its
properties say. Neighbours: ``aodh_actions`` says whom it calls; ``rest`` has the common verbs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from heat import schema
from heat.model.op import Adopt, Call, CloudFault
from heat.resources.base import Diff, Steps
from heat.resources.openstack import aodh_actions
from heat.resources.openstack.aodh_actions import STATES, actions, queues
from heat.resources.openstack.journal import made_since
from heat.resources.openstack.signal_address import TRUST, told
from heat.resources.rest import Rest, alike
from heat.schema import (
    IN_PLACE,
    Boolean,
    Integer,
    List,
    Map,
    Number,
    String,
    Support,
    deprecated,
)
from heat.template.definition import Definition

OPERATORS = ['le', 'ge', 'eq', 'lt', 'gt', 'ne']


class Alarm(Rest):
    """Base of alarms: ``kind`` as Aodh calls it; ``rule`` names the properties that its rule is made of."""

    service, path, noun, id_key = 'alarming', '/alarms', 'alarm', 'alarm_id'
    by_list = False
    survives_failure = True
    # A policy that is made anew has another signed address, and the same name.
    follows = True
    kind: ClassVar[str] = ''
    rule: ClassVar[tuple[str, ...]] = ()

    class properties:
        alarm_actions = actions('What is done when the alarm goes off.')
        ok_actions = actions('What is done when all is well again.')
        insufficient_data_actions = actions('What is done when there is not enough data.')
        alarm_queues = queues('Queues that are told when the alarm goes off.')
        ok_queues = queues('Queues that are told when all is well again.')
        insufficient_data_queues = queues('Queues that are told when there is not enough data.')
        description = String('What the alarm is for.', update=IN_PLACE)
        enabled = Boolean('Whether it is evaluated.', default='true', update=IN_PLACE)
        repeat_actions = Boolean('Whether actions are repeated while the state lasts.', default='true',
                                 update=IN_PLACE)
        severity = String('How bad it is.', values=['low', 'moderate', 'critical'], default='low',
                          update=IN_PLACE, support=Support(version='5.0.0'))
        time_constraints = List('When it is evaluated; always if nothing is said.', default=[],
                                support=Support(version='5.0.0'), of=Map(keys={
            'name': String('Name.', required=True),
            'start': String('When it begins, as cron says it.', required=True, check='cron_expression'),
            'description': String('What it is for.'),
            'duration': Integer('How many seconds it lasts.', required=True, range=(0, None)),
            'timezone': String('Time zone of the beginning.', check='timezone')}))

    # -- the template ------------------------------------------------------------------------------

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return aodh_actions.named_in(definition, others) - {name}

    @classmethod
    def validate_among(cls, props: Mapping[str, Any], names: Collection[str]) -> Iterable[str]:
        return aodh_actions.strangers(props, names)

    # -- bodies ------------------------------------------------------------------------------------

    @classmethod
    def rule_of(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        declared = {name: cls.schema.properties[name] for name in cls.rule}
        return schema.wire(declared, {name: props.get(name) for name in cls.rule})

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """The alarm without its actions and its name."""
        common = {name: prop for name, prop in self.schema.properties.items() if name not in self.rule}
        given = {name: value for name, value in props.items() if name in common}
        # An empty description is what Aodh makes a sentence of its own of.
        return {'description': '', **schema.wire(common, given), 'type': self.kind,
                f'{self.kind}_rule': self.rule_of(props)}

    def adopt(self, body: dict[str, Any]) -> Adopt:
        name, recent = body['name'], made_since(self, 'timestamp')
        return Adopt(self.path, None, lambda found: found.get('name') == name and recent(found),
                     {'q.field': 'name', 'q.op': 'eq', 'q.value': name})

    # -- verbs -------------------------------------------------------------------------------------

    def create(self) -> Steps:
        sent = yield from self._actions(self.props)
        body = {'name': self.physical_name(), **self.body(self.props), **sent}
        return (yield from self._send(self.post(body), sent))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        sent = yield from self._actions(new)
        yield from self._send((yield from self._changed({**self.body(new), **sent})), sent)

    def suspend(self) -> Steps:
        yield (yield from self._changed({'enabled': False}, 'suspend'))

    def resume(self) -> Steps:
        yield (yield from self._changed({'enabled': self.props.get('enabled', True)}, 'resume'))

    def _changed(self, changes: Mapping[str, Any], label: str = 'update') -> Steps:
        """The call that writes the alarm; what is left out would be as at the beginning, its state too."""
        return self.put({**(yield self.get()), **changes}, label)

    def _actions(self, props: Mapping[str, Any]) -> Steps:
        sent = yield from aodh_actions.wanted(self, props)
        yield self.keep(sent=sent)
        return sent

    def _send(self, call: Call, sent: Mapping[str, list[str]]) -> Steps:
        try:
            return (yield call)
        except CloudFault as fault:
            trusting = any(url.startswith(TRUST) for urls in sent.values() for url in urls)
            raise (told(fault) if trusting else fault) from fault

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        sent = self.row.data.get('sent') or {}
        for state in STATES:
            key = f'{state}_actions'
            if key in sent and key in body and _plain(sent[key]) != _plain(body[key]):
                found[key] = body[key]
        wanted, there = self.body(self.props), body.get(f'{self.kind}_rule') or {}
        for name in ('description', 'enabled', 'repeat_actions', 'severity'):
            if self.props.get(name) is not None and name in body and not alike(wanted[name], body[name]):
                found[name] = body[name]
        return {**found, **self.rule_differences(there)}

    def rule_differences(self, there: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name in self.rule:
            for key, value in schema.wire({name: self.schema.properties[name]},
                                          {name: self.props.get(name)}).items():
                if key in there and not alike(value, there[key]):
                    found[name] = there[key]
        return found


def _plain(urls: Iterable[str]) -> set[str]:
    # Aodh shows an address that names no host without the slashes before it.
    return {url.replace('://?', ':?') for url in urls}


def _query(description: str, **options: Any) -> Any:
    return List(description, update=IN_PLACE, of=Map(
        field=String('Name of what is compared.'),
        op=String('How it is compared.', values=OPERATORS),
        value=String('What it is compared with.'),
        type_=String('Type of the value.', default='string', values=[
            'integer', 'float', 'string', 'boolean', 'datetime'], **options)), **(
                {'support': Support(version='2015.1')} if options else {}))


class ThresholdAlarm(Alarm):
    """Goes off when a statistic of a meter passes a threshold. Aodh has none of these any more."""

    type = 'OS::Aodh::Alarm'
    support = deprecated('10.0.0', 'The threshold alarm relies on ceilometer-api and has been deprecated in '
                         'aodh since Ocata. Use OS::Aodh::GnocchiAggregationByResourcesAlarm instead.',
                         since='2014.1')
    kind = 'threshold'
    rule = ('meter_name', 'period', 'evaluation_periods', 'statistic', 'comparison_operator', 'threshold')

    class properties:
        comparison_operator = String('How the statistic is compared with the threshold.', values=OPERATORS,
                                     update=IN_PLACE)
        evaluation_periods = Integer('Over how many periods.', update=IN_PLACE)
        meter_name = String('The meter.', required=True)
        period = Integer('Length of a period in seconds.', update=IN_PLACE)
        statistic = String('What is made of the samples of a period.', update=IN_PLACE,
                           values=['count', 'avg', 'sum', 'min', 'max'])
        threshold = Number('What the statistic is compared with.', required=True, update=IN_PLACE)
        matching_metadata = Map('Metadata that samples must have.', default={}, update=IN_PLACE, wire=None)
        query = _query('What samples must fit.', support=Support(version='8.0.0'))

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        body.pop('query', None)
        query = [schema.wire(self.schema.properties['query'].items.keys, one)  # type: ignore[union-attr,arg-type]
                 for one in props.get('query') or ()]
        query += [{'field': f'metadata.metering.{key}', 'op': 'eq', 'value': str(value)}
                  for key, value in (props.get('matching_metadata') or {}).items()]
        if query:
            body['threshold_rule']['query'] = query
        return body


class EventAlarm(Alarm):
    """Goes off when an event occurs."""

    type = 'OS::Aodh::EventAlarm'
    support = Support(version='8.0.0')
    kind = 'event'
    rule = ('event_type', 'query')

    class properties:
        event_type = String('Type of the event, with * for anything.', default='*', update=IN_PLACE)
        query = _query('What the event must fit.')


class CompositeAlarm(Alarm):
    """Goes off by what several rules say together."""

    type = 'OS::Aodh::CompositeAlarm'
    support = Support(version='8.0.0')
    kind = 'composite'

    class properties:
        composite_rule = Map('How rules are joined.', required=True, wire=None, update=IN_PLACE, keys={
            'operator': String('Whether one of them or all must hold.', required=True, values=['or', 'and'],
                               update=IN_PLACE),
            'rules': List('The rules, as Aodh has them; a map of "or" or "and" to rules is one as well.',
                          required=True, length=(2, None), update=IN_PLACE)})

    @classmethod
    def rule_of(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        return {props['composite_rule']['operator']: props['composite_rule']['rules']}

    def rule_differences(self, there: Mapping[str, Any]) -> dict[str, Any]:
        return {} if alike(self.rule_of(self.props), there) else {'composite_rule': dict(there)}


MEASURED = ('aggregation_method', 'granularity', 'evaluation_periods', 'comparison_operator', 'threshold')


class GnocchiAlarm(Alarm):
    """Base of alarms by what Gnocchi has measured."""

    class properties:
        comparison_operator = String('How what was measured is compared with the threshold.',
                                     values=OPERATORS, update=IN_PLACE)
        evaluation_periods = Integer('Over how many periods.', update=IN_PLACE)
        aggregation_method = String('What is made of the measures of a period.', update=IN_PLACE)
        granularity = Integer('Length of a period in seconds.', update=IN_PLACE)
        threshold = Number('What it is compared with.', required=True, update=IN_PLACE)


class GnocchiResourcesAlarm(GnocchiAlarm):
    """Goes off by a metric of one resource of Gnocchi."""

    type = 'OS::Aodh::GnocchiResourcesAlarm'
    support = Support(version='2015.1')
    kind = 'gnocchi_resources_threshold'
    rule = (*MEASURED, 'metric', 'resource_id', 'resource_type')

    class properties:
        metric = String('Name of the metric.', required=True, update=IN_PLACE)
        resource_id = String('The resource of Gnocchi.', required=True, update=IN_PLACE)
        resource_type = String('Its type.', required=True, update=IN_PLACE)


class GnocchiAggregationByMetricsAlarm(GnocchiAlarm):
    """Goes off by several metrics of Gnocchi together."""

    type = 'OS::Aodh::GnocchiAggregationByMetricsAlarm'
    support = Support(version='2015.1')
    kind = 'gnocchi_aggregation_by_metrics_threshold'
    rule = (*MEASURED, 'metrics')

    class properties:
        metrics = List('Ids of the metrics.', required=True, update=IN_PLACE)


class GnocchiAggregationByResourcesAlarm(GnocchiAlarm):
    """Goes off by a metric of all resources of Gnocchi that a query finds, such as the members of a group."""

    type = 'OS::Aodh::GnocchiAggregationByResourcesAlarm'
    support = Support(version='2015.1')
    kind = 'gnocchi_aggregation_by_resources_threshold'
    rule = (*MEASURED, 'metric', 'query', 'resource_type')

    class properties:
        metric = String('Name of the metric.', required=True, update=IN_PLACE)
        query = String('Which resources, as a query of Gnocchi in JSON.', required=True, update=IN_PLACE)
        resource_type = String('Their type.', required=True, update=IN_PLACE)

    def rule_differences(self, there: Mapping[str, Any]) -> dict[str, Any]:
        # Aodh puts into the query whose resources it may find.
        return super().rule_differences({key: value for key, value in there.items() if key != 'query'})


class LBMemberHealthAlarm(Alarm):
    """Goes off when a member of a pool of a load balancer does not answer.

    The action trust+heat:// marks it as unhealthy and updates its stack, so that it is replaced.
    """

    type = 'OS::Aodh::LBMemberHealthAlarm'
    support = Support(version='13.0.0')
    kind = 'loadbalancer_member_health'
    rule = ('pool', 'stack', 'autoscaling_group_id')

    class properties:
        pool = String('The pool.', required=True, find='octavia.pool', wire='pool_id', update=IN_PLACE)
        stack = String('Id of the stack in which the members are.', required=True, wire='stack_id')
        autoscaling_group_id = String('Id of the group of the members.', required=True, update=IN_PLACE)


class PrometheusAlarm(Alarm):
    """Goes off by what Prometheus answers to a query."""

    type = 'OS::Aodh::PrometheusAlarm'
    support = Support(version='22.0.0')
    kind = 'prometheus'
    rule = ('comparison_operator', 'threshold', 'query')

    class properties:
        comparison_operator = String('How the answer is compared with the threshold.', values=OPERATORS,
                                     update=IN_PLACE)
        threshold = Number('What it is compared with.', required=True, update=IN_PLACE)
        query = String('The query.', required=True, update=IN_PLACE)


TYPES = (ThresholdAlarm, EventAlarm, CompositeAlarm, GnocchiResourcesAlarm, GnocchiAggregationByMetricsAlarm,
         GnocchiAggregationByResourcesAlarm, LBMemberHealthAlarm, PrometheusAlarm)
