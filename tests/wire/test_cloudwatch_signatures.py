"""Signed calls of CloudWatch's protocols: right ones get in, captured and altered ones never do."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heat.api import cbor
from tests.wire import boto
from tests.wire.cloudwatch import FORM, PROTOCOLS, SERVICE, signed
from tests.wire.conftest import World
from tests.wire.test_cfn_signatures import version_2

NAMES = {'AlarmNames': ['a']}
BODIES = {'smithy-rpc-v2-cbor': cbor.dumps(NAMES), 'json': json.dumps(NAMES).encode(),
          'query': urlencode({'Action': 'DisableAlarmActions', 'AlarmNames.member.1': 'a'}).encode()}
OTHERS = {'smithy-rpc-v2-cbor': cbor.dumps({'AlarmNames': ['b']}), 'json': b'{"AlarmNames": ["b"]}',
          'query': BODIES['query'].replace(b'Disable', b'Enable')}
PLACES = ('/', '/v1', '/v1.0/', f'/v1/service/{SERVICE}/operation/DeleteAlarms')
TYPES = ('application/cbor', 'application/x-amz-json-1.0', FORM, 'text/plain')


def call(protocol: str, **how: Any) -> Any:
    return signed(protocol, 'DisableAlarmActions', BODIES[protocol], **how)


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_who_signs_gets_in(cloudwatch: World, protocol: str) -> None:
    for shift in (0, -800, 800):
        assert boto.sent(cloudwatch, call(protocol, shift=shift)).status_int == 200
    assert [name for name, _ in cloudwatch.engine.calls] == ['set_watch_actions'] * 3


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('how', [{'secret': 'wrong'}, {'shift': -1000}, {'shift': 1000}])
def test_wrong_and_stale(cloudwatch: World, protocol: str, how: dict[str, Any]) -> None:
    assert boto.sent(cloudwatch, call(protocol, **how)).status_int in (400, 403)
    assert cloudwatch.engine.calls == []


@settings(max_examples=100, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_nothing_but_what_was_signed_is_done(cloudwatch: World, data: st.DataObject) -> None:
    """Requests changed in one place: refused, or understood as nothing but what was signed."""
    cloudwatch.engine.calls.clear()
    protocol = data.draw(st.sampled_from(PROTOCOLS))
    request = call(protocol)
    was = str(request.headers['Authorization'])
    piece = data.draw(st.sampled_from(('path', 'host', 'body', 'cut', 'header', 'type', 'target', 'query')))
    if piece == 'path':
        own = request.url.removeprefix('http://localhost:8003')
        request.url = f'http://localhost:8003{data.draw(st.sampled_from(PLACES).filter(lambda p: p != own))}'
    elif piece == 'host':
        request.url = request.url.replace('localhost:8003', 'other:8003')
    elif piece == 'body':
        body = request.body
        request.body = data.draw(st.sampled_from((OTHERS[protocol], body[:-1], body + b' ', b'')))
    elif piece == 'cut':
        request.headers['Authorization'] = was[:-data.draw(st.integers(1, 63))]
    elif piece == 'header':
        # All that are signed: a header that is left out is another request.
        names = was.split('SignedHeaders=')[1].split(',')[0].split(';')
        name = data.draw(st.sampled_from([name for name in names if name != 'host']))
        del request.headers[name]
    elif piece == 'type':
        kind = data.draw(st.sampled_from([kind for kind in TYPES if kind != request.headers['Content-Type']]))
        request.headers['Content-Type'] = kind
    elif piece == 'target':
        request.headers['X-Amz-Target'] = f'{SERVICE}.DeleteAlarms'
    else:
        request.url += '?Action=DeleteAlarms&AlarmNames.member.1=a'
    response = boto.sent(cloudwatch, request)
    assert response.status_int in (400, 403, 404), (protocol, piece, response.text)
    assert cloudwatch.engine.calls == []


def test_a_signature_of_a_query_lets_no_other_body_in(cloudwatch: World) -> None:
    for verb in ('GET', 'POST'):
        params = version_2({'Action': 'DescribeAlarms', 'Version': '2010-08-01'}, verb)
        for protocol in ('json', 'smithy-rpc-v2-cbor'):
            path, headers = '/v1/', {'X_Amz_Target': f'{SERVICE}.DeleteAlarms'}
            if protocol != 'json':
                path, headers = PLACES[-1], {'Smithy_Protocol': 'rpc-v2-cbor'}
            answer = cloudwatch.ask(verb, f'{path}?{urlencode(params)}', BODIES[protocol], Host='localhost',
                                    **headers)
            assert answer.status_int in (400, 403, 404)
    assert cloudwatch.engine.calls == []


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_a_body_is_what_was_signed_however_its_headers_call_it(cloudwatch: World, protocol: str) -> None:
    """A header that a signer left out says nothing about what is to be done."""
    request = call(protocol)
    request.headers['Content-Encoding'] = 'gzip'
    assert boto.sent(cloudwatch, request).status_int == 400
    request = call(protocol)
    if protocol == 'smithy-rpc-v2-cbor':
        request.headers['Smithy-Protocol'] = 'rpc-v2-json'
    else:
        request.headers['Smithy-Protocol'] = 'rpc-v2-cbor'
    assert boto.sent(cloudwatch, request).status_int in (400, 403)
    assert cloudwatch.engine.calls == []


def test_a_signature_that_names_no_time_holds_for_ever_and_does_nothing(cloudwatch: World) -> None:
    params = version_2({'Action': 'DescribeAlarms'}, timed=False)
    response = cloudwatch.ask('GET', f'/v1/?{urlencode(params)}', Host='localhost')
    assert response.status_int == 400 and '<Code>MissingParameter</Code>' in response.text
    assert cloudwatch.engine.calls == []
