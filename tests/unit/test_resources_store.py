"""Types that keep things: what containers, secrets, queues and alarms refuse, and what they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from heat import schema
from heat.common.ids import StackId
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.resources.base import Surroundings
from heat.resources.openstack.signal_address import address
from heat.resources.types import PLUGINS
from heat.template.definition import Definition
from heat.template.expr import Constant, Expr, Ref, list_of, map_of


def faults(kind: str, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(PLUGINS[kind].schema.properties, props)
    assert errors == []
    return list(PLUGINS[kind].validate(values))


@pytest.mark.parametrize(
    ('kind', 'props', 'part'),
    [
        ('OS::Swift::Container', {'name': 'a/b'}, '"a/b" is no name of a container'),
        ('OS::Swift::Container', {'name': 'ü' * 129}, '256 bytes at most'),
        ('OS::Swift::Container', {'X-Container-Meta': {'a:b': '1'}}, "'a:b' is no name"),
        ('OS::Swift::Container', {'X-Account-Meta': {'a': 'x\r\nX-Other: y'}}, 'more than one line'),
        ('OS::Swift::Container', {'X-Account-Meta': {'a': [1]}}, 'the value of a is no text'),
        ('OS::Swift::Container', {'X-Container-Read': '.r:*\nX-Other: y'}, 'more than one line'),
        ('OS::Barbican::Secret', {'payload_content_type': 'text/plain'}, 'without payload'),
        (
            'OS::Barbican::Secret',
            {'payload': 'x', 'payload_content_encoding': 'base64'},
            'with value application/octet-stream',
        ),
        (
            'OS::Barbican::Secret',
            {'payload': 'x', 'payload_content_type': 'application/octet-stream'},
            'needs payload_content_encoding base64',
        ),
        (
            'OS::Barbican::Order',
            {'type': 'key', 'pass_phrase': 'p'},
            'Unexpected properties: pass_phrase. Only these properties are allowed for key type of order',
        ),
        (
            'OS::Barbican::Order',
            {'type': 'certificate', 'request_type': 'stored-key'},
            'without source_container_ref',
        ),
        ('OS::Barbican::RSAContainer', {'private_key_passphrase_ref': 'r'}, 'without private_key_ref'),
        (
            'OS::Barbican::CertificateContainer',
            {'certificate_ref': 'r', 'intermediates_ref': 'r'},
            'Duplicate refs',
        ),
        (
            'OS::Barbican::GenericContainer',
            {'secrets': [{'name': 'a', 'ref': 'r'}, {'name': 'b', 'ref': 'r'}]},
            'Duplicate refs',
        ),
        ('OS::Zaqar::Subscription', {'queue_name': 'q', 'subscriber': 'ftp://x'}, 'must begin with one of'),
        (
            'OS::Zaqar::MistralTrigger',
            {'queue_name': 'q', 'workflow_id': 'w', 'params': {'env': 1}},
            'env is no map',
        ),
    ],
)
def test_what_does_not_fit_together_is_said(kind: str, props: dict[str, Any], part: str) -> None:
    said = faults(kind, **props)
    assert len(said) == 1 and part in said[0], said


@pytest.mark.parametrize(
    ('kind', 'props'),
    [
        ('OS::Swift::Container', {'name': schema.UNKNOWN, 'X-Container-Meta': {'a': schema.UNKNOWN}}),
        ('OS::Swift::Container', {'X-Container-Meta': schema.UNKNOWN}),
        ('OS::Barbican::Secret', {'payload': schema.UNKNOWN, 'payload_content_type': 'text/plain'}),
        ('OS::Barbican::Order', {'type': schema.UNKNOWN, 'pass_phrase': 'p'}),
        (
            'OS::Barbican::GenericContainer',
            {'secrets': [{'name': 'a', 'ref': schema.UNKNOWN}, {'name': 'b', 'ref': schema.UNKNOWN}]},
        ),
        ('OS::Zaqar::Subscription', {'queue_name': 'q', 'subscriber': schema.UNKNOWN}),
        (
            'OS::Barbican::RSAContainer',
            {'private_key_ref': schema.UNKNOWN, 'public_key_ref': schema.UNKNOWN},
        ),
    ],
)
def test_what_is_not_known_yet_is_let_pass(kind: str, props: dict[str, Any]) -> None:
    assert faults(kind, **props) == []


STACK = StackId('tenant', 'my stack', '11111111-1111-4111-8111-111111111111')
BASE, SIGNED = 'http://heat:8004/v1', 'http://heat:8000/v1/signal/arn%3A...?Signature=x'
OTHER = f'{BASE}{STACK.url_path()[:-1]}2/resources/grow/signal'


def called(action: str, **data: str) -> Any:
    """What becomes of an action of an alarm whose stack has a policy "grow" with this private data."""
    alarm = PLUGINS['OS::Aodh::EventAlarm'](Row('u', 's', 's', 'a', ''), {}, Surroundings(
        STACK, urls={'signal': BASE}))
    steps = address(alarm, action)
    try:
        asked = next(steps)
        steps.send(Row('v', 's', 's', 'grow', '', data=data) if asked.reference == 'grow' else None)
    except StopIteration as end:
        return end.value
    raise AssertionError('It asks for more.')


@pytest.mark.parametrize(
    ('action', 'becomes'),
    [
        ('grow', SIGNED),
        (f'{BASE}{STACK.resource("grow").url_path()}/signal', SIGNED),
        (f'trust+{BASE}{STACK.resource("grow").url_path()}/signal', SIGNED),
        (OTHER, f'trust+{OTHER}'),
        (f'trust+{OTHER}', f'trust+{OTHER}'),
        ('http://elsewhere/signal', 'http://elsewhere/signal'),
        ('trust+heat://', 'trust+heat://'),
    ],
)
def test_a_resource_of_the_same_stack_is_signalled_at_its_signed_address(action: str, becomes: str) -> None:
    assert called(action, signed_url=SIGNED) == becomes


def test_who_has_no_signed_address_is_signalled_with_a_trust() -> None:
    native = f'{BASE}{STACK.resource("grow").url_path()}/signal'
    assert called('grow', signal_url=native) == f'trust+{native}'
    with pytest.raises(StepFailed, match='Resource gone, which resource a is to signal, has no address'):
        called('gone')
    # A wait condition is signalled in another way.
    with pytest.raises(StepFailed):
        called('grow', signed_url='http://heat:8000/v1/waitcondition/arn')


def test_an_alarm_comes_after_what_it_names() -> None:
    alarm = PLUGINS['OS::Aodh::EventAlarm']
    names = {'grow': None, 'shrink': None, 'ok': None}
    given: list[tuple[str, Expr]] = [
        ('alarm_actions', Constant(['grow', 'http://x'])),
        ('ok_actions', list_of([Constant('shrink'), Reference()])),
        ('description', Constant('ok')),
    ]
    definition = Definition('a', alarm.type, map_of(given))
    assert alarm.before('a', definition, names) == {'grow', 'shrink'}  # type: ignore[arg-type]
    said = list(alarm.validate_among({'alarm_actions': ['grow', 'log://'], 'ok_actions': ['gone']}, names))
    assert said == ['ok_actions: the stack has no resource "gone" that could be signalled.']


class Reference(Expr):
    """get_attr, without a template around it."""

    def own_refs(self) -> list[Ref]:
        return [Ref('elsewhere', 'signal_url')]


def body(kind: str, **props: Any) -> Any:
    values, errors = schema.resolve(PLUGINS[kind].schema.properties, props)
    assert errors == []
    alarm: Any = PLUGINS[kind](Row('u', 's', 's', 'a', kind, props=values), values, Surroundings(STACK))
    return alarm.body(values)


def test_the_rules_of_alarms_that_no_cloud_of_the_tests_knows() -> None:
    asked = body(
        'OS::Aodh::Alarm',
        meter_name='cpu',
        threshold=5,
        query=[{'field': 'a', 'op': 'eq', 'value': '1'}],
        matching_metadata={'stack': 's'},
    )
    assert asked['threshold_rule'] == {
        'meter_name': 'cpu',
        'threshold': 5,
        'query': [
            {'field': 'a', 'op': 'eq', 'value': '1', 'type': 'string'},
            {'field': 'metadata.metering.stack', 'op': 'eq', 'value': 's'},
        ],
    }
    assert 'query' not in asked and 'matching_metadata' not in asked
    asked = body('OS::Aodh::PrometheusAlarm', query='up', threshold=0.5, comparison_operator='lt')
    assert asked['type'] == 'prometheus'
    assert asked['prometheus_rule'] == {'query': 'up', 'threshold': 0.5, 'comparison_operator': 'lt'}
