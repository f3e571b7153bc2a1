"""Signatures of AWS clients: right ones get in, all others never do."""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heat.api import ec2token, signatures
from heat.api.aws import AWSError
from tests.wire import boto
from tests.wire.conftest import World
from tests.wire.keystone import PROJECT, SECRET
from tests.wire.test_shapes import RESOURCE, WEB

Load = Callable[..., World]
FORM = 'application/x-www-form-urlencoded'
LIST = {'Action': 'ListStacks', 'Version': '2010-05-15'}
METADATA = {'Action': 'DescribeStackResource', 'StackName': 'web', 'LogicalResourceId': 'kid'}


@pytest.fixture
def api(pipeline: Load) -> World:
    world = pipeline('heat-api-cfn')
    world.engine.answers.update(identify_stack=WEB, describe_stack_resource={
        **RESOURCE, 'updated_time': '2026-11-22T10:00:00Z', 'metadata': {'k': ['<v>', 1]}})
    return world


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def version_2(params: dict[str, str], verb: str = 'GET', path: str = '/v1/', host: str = 'localhost',
              secret: str = SECRET, timed: bool = True, shift: float = 0.0) -> dict[str, str]:
    """Parameters with a signature of version 2, made here from AWS's description of it."""
    signed = {**params, 'AWSAccessKeyId': 'member', 'SignatureVersion': '2', 'SignatureMethod': 'HmacSHA256'}
    if timed:
        moment = now() + datetime.timedelta(seconds=shift)
        signed.setdefault('Timestamp', f'{moment:%Y-%m-%dT%H:%M:%SZ}')
    query = '&'.join(f'{quote(k, safe="-_.~")}={quote(v, safe="-_.~")}' for k, v in sorted(signed.items()))
    digest = hmac.new(secret.encode(), f'{verb}\n{host}\n{path}\n{query}'.encode(), hashlib.sha256).digest()
    return {**signed, 'Signature': base64.b64encode(digest).decode()}


def get(api: World, params: dict[str, str], path: str = '/v1/', **headers: str) -> Any:
    return api.ask('GET', f'{path}?{urlencode(params)}', None, '', Host='localhost', **headers)


def post(api: World, params: dict[str, str], path: str = '/v1/', **headers: str) -> Any:
    return api.ask('POST', path, urlencode(params).encode(), '', Host='localhost', Content_Type=FORM,
                   **headers)


def version_4(method: str = 'POST', params: dict[str, str] = LIST, url: str = 'http://localhost:8000/v1/',
              expires: int = 0, shift: float = 0.0, secret: str = SECRET) -> Any:
    """A request signed by botocore, in the header, or in the query if it ``expires``."""
    request = AWSRequest(method, url if method == 'POST' else f'{url}?{urlencode(params)}',
                         data=params if method == 'POST' else None)
    if method == 'POST':
        request.headers['Content-Type'] = FORM
    credentials = Credentials('member', secret)
    signer: Any = SigV4Auth(credentials, 'cloudformation', 'RegionOne')
    if expires:
        signer = SigV4QueryAuth(credentials, 'cloudformation', 'RegionOne', expires=expires)
    moment = now() + datetime.timedelta(seconds=shift)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('botocore.auth.get_current_datetime', lambda *_: moment.replace(tzinfo=None))
        signer.add_auth(request)
    return request.prepare()


def code(response: Any) -> str:
    return response.text.split('<Code>')[1].split('</Code>')[0]


# -- who gets in -------------------------------------------------------------------------------------


@pytest.mark.parametrize('url', [
    'http://localhost:8000', 'http://localhost:8000/', 'http://localhost:8000/v1', 'http://localhost:8000/v1/',
    'http://localhost:8000/v1.0/', 'http://localhost/heat-api-cfn/v1', 'http://localhost/any/where/',
    f'http://localhost:8000/v1/{PROJECT}'])
def test_any_path_with_and_without_a_slash(api: World, url: str) -> None:
    assert boto.client(api, url=url).list_stacks()['StackSummaries'] == []


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_both_methods_in_both_versions(api: World, method: str) -> None:
    assert boto.sent(api, version_4(method)).status_int == 200
    send = get if method == 'GET' else post
    assert send(api, version_2(LIST, method)).status_int == 200


def test_presigned(api: World) -> None:
    assert boto.sent(api, version_4('GET', expires=60)).status_int == 200
    assert boto.sent(api, version_4('GET', expires=60, shift=-50)).status_int == 200
    late = boto.sent(api, version_4('GET', expires=60, shift=-70))
    assert (code(late), late.status_int) == ('RequestExpired', 400)


def test_behind_a_proxy_the_signed_path_counts(api: World) -> None:
    params = version_2(LIST, path='/heat-api-cfn/v1/')
    response = api.ask('GET', f'/v1/?{urlencode(params)}', script='/heat-api-cfn', Host='localhost')
    assert response.status_int == 200


def test_tools_inside_instances_read_their_metadata(api: World) -> None:
    """heat-cfntools reads JSON, os-collect-config reads XML; neither has to sign a time."""
    plain = get(api, version_2(METADATA, timed=False))
    assert '<Metadata>{"k": ["&lt;v&gt;", 1]}</Metadata>' in plain.text
    assert plain.text.startswith('<DescribeStackResourceResponse><DescribeStackResourceResult>')
    for send, verb in ((get, 'GET'), (post, 'POST')):
        answer = send(api, version_2({**METADATA, 'ContentType': 'JSON'}, verb)).json_body
        detail = answer['DescribeStackResourceResponse']['DescribeStackResourceResult']['StackResourceDetail']
        assert detail['Metadata'] == {'k': ['<v>', 1]}
        assert detail['ResourceStatus'] == 'CREATE_COMPLETE'


def test_who_wishes_for_more_signs_the_time(api: World) -> None:
    response = get(api, version_2({'Action': 'DeleteStack', 'StackName': 'web'}, timed=False))
    assert (code(response), response.status_int) == ('ValidationError', 400)
    assert api.engine.calls == []


def test_unsigned_calls_of_any_path(api: World) -> None:
    for path in ('/', '/v1', '/v1/', '/zz/'):
        response = get(api, LIST, path)
        assert (code(response), response.status_int) == ('IncompleteSignature', 400)


def test_json_faults_are_json_with_a_status_of_their_own(api: World) -> None:
    from heat.common import errors
    api.engine.answers['identify_stack'] = errors.EntityNotFound(entity='Stack', name='web')
    response = get(api, version_2({**METADATA, 'ContentType': 'JSON'}))
    assert (response.status_int, response.content_type) == (400, 'application/json')
    assert response.json_body['Error'] == {'Type': 'Sender', 'Code': 'ValidationError',
                                           'Message': 'Stack with id web does not exist'}


# -- who does not ------------------------------------------------------------------------------------


@pytest.mark.parametrize('request_of', [
    lambda: version_4(shift=-1000), lambda: version_4(shift=1000),
    lambda: version_4('GET', shift=-1000), lambda: version_4('GET', expires=60, shift=1000),
    lambda: version_4('GET', expires=9999999)])
def test_other_times(api: World, request_of: Callable[[], Any]) -> None:
    response = boto.sent(api, request_of())
    assert code(response) in ('RequestExpired', 'IncompleteSignature') and response.status_int == 400


@pytest.mark.parametrize(('more', 'expected'), [
    ({'Timestamp': '2020-01-01T00:00:00Z'}, 'RequestExpired'),
    ({'Timestamp': '2999-01-01T00:00:00Z'}, 'RequestExpired'),
    ({'Timestamp': 'yesterday'}, 'IncompleteSignature'),
    ({'Expires': '2020-01-01T00:00:00Z'}, 'RequestExpired'),
    ({'SignatureVersion': '0'}, 'IncompleteSignature'), ({'SignatureVersion': '1'}, 'IncompleteSignature'),
    ({'SignatureVersion': '9'}, 'IncompleteSignature')])
def test_version_2_of_other_times_and_other_versions(api: World, more: dict[str, str], expected: str) -> None:
    response = get(api, {**version_2({**LIST, **more}), **more})
    assert (code(response), response.status_int) == (expected, 400)


def exchange(request: Any, old: str, new: str) -> None:
    was = str(request.headers['Authorization'])
    assert old in was
    request.headers['Authorization'] = was.replace(old, new)


def test_an_unknown_key_is_forbidden_and_no_failure(api: World) -> None:
    for response in (get(api, {**version_2(LIST), 'AWSAccessKeyId': 'nobody'}),
                     boto.sent(api, _other_key())):
        assert (code(response), response.status_int) == ('InvalidClientTokenId', 403)


def _other_key() -> Any:
    request = version_4()
    exchange(request, '=member/', '=nobody/')
    return request


@pytest.mark.parametrize('change', [
    lambda r: r.headers.__setitem__('Authorization', 'AWS4-HMAC-SHA256 Signature=member'),
    lambda r: exchange(r, 'SHA256', 'MD5'), lambda r: exchange(r, 'host;', ''),
    lambda r: r.headers.__delitem__('X-Amz-Date'), lambda r: r.headers.__setitem__('X-Amz-Date', 'now'),
    lambda r: r.headers.__setitem__('X-Amz-Date', f'{now() - datetime.timedelta(days=1):%Y%m%dT%H%M%SZ}')])
def test_halves_of_a_signature_are_not_shown_to_keystone(api: World, change: Callable[[Any], None]) -> None:
    request, before = version_4(), len(api.keystone.asked)
    change(request)
    response = boto.sent(api, request)
    assert response.status_int in (400, 403)
    assert len(api.keystone.asked) == before and api.engine.calls == []


def test_a_signed_post_takes_no_parameters_from_its_query(api: World) -> None:
    request = version_4()
    request.url += '?StackName=other'
    assert code(boto.sent(api, request)) == 'IncompleteSignature'
    request = version_4()
    request.url += '?Action=DeleteStack&StackName=web'
    assert boto.sent(api, request).status_int == 400
    assert api.engine.calls == []


def test_parameters_given_twice(api: World) -> None:
    query = urlencode(version_2(LIST))
    for twice in (f'{query}&Action=DeleteStack', f'Action=DeleteStack&{query}'):
        response = api.ask('GET', f'/v1/?{twice}', Host='localhost')
        assert code(response) == 'InvalidQueryParameter'
    assert api.engine.calls == []


def test_a_signature_of_one_version_is_none_of_another(api: World) -> None:
    """A captured signature of version 2 must not pass as one of version 4 with a time of its own."""
    old = version_2({**LIST, 'Timestamp': '2020-01-01T00:00:00Z'}, 'POST')
    signature = old.pop('Signature')
    del old['Timestamp']
    day = f'{now():%Y%m%d}'
    response = post(api, old, X_Amz_Date=f'{now():%Y%m%dT%H%M%SZ}', Authorization=(
        f'AWS4-HMAC-SHA256 Credential=member/{day}/R/cloudformation/aws4_request, SignedHeaders=host, '
        f'Signature={signature}'))
    assert code(response) == 'IncompleteSignature'


def json_body(**headers: str) -> Any:
    """A call of the JSON protocol, signed as boto3 does; ``headers`` are added afterwards."""
    request = AWSRequest('POST', 'http://localhost:8000/v1/', data=b'{"Names": ["a"]}', headers={
        'X-Amz-Target': 'AmazonSSM.GetParameters', 'Content-Type': 'application/x-amz-json-1.1'})
    SigV4Auth(Credentials('member', SECRET), 'ssm', 'RegionOne').add_auth(request)
    for name, value in headers.items():
        request.headers.replace_header(name.replace('_', '-'), value)
    return request.prepare()


def test_what_a_signature_does_not_cover_is_not_done(api: World) -> None:
    """Neither a body beside signed parameters, nor another target for a signed body, nor a target at all."""
    target = {'X_Amz_Target': 'AmazonSSM.DeleteParameters', 'Content_Type': 'application/x-amz-json-1.1'}
    body = b'{"Names": ["a"]}'
    for verb in ('GET', 'POST'):
        old = f'/v1/?{urlencode(version_2(LIST, verb))}'
        for more in (target, {'Smithy_Protocol': 'rpc-v2-cbor'}):
            response = api.ask(verb, old, body, Host='localhost', **more)
            assert (response.status_int, api.engine.calls) == (400, [])
    assert boto.sent(api, json_body()).status_int != 403
    assert [name for name, _ in api.engine.calls] == ['get_stored_parameters']
    api.engine.calls.clear()
    assert boto.sent(api, json_body(X_Amz_Target='AmazonSSM.DeleteParameters')).status_int == 403
    unsigned = json_body()
    exchange(unsigned, ';x-amz-target', '')
    for request in (unsigned, version_4(), version_4('GET', expires=60)):
        request.headers['X-Amz-Target'] = 'AmazonSSM.DeleteParameters'
        response = boto.sent(api, request)
        assert (response.status_int, response.json_body['__type']) == (400, 'IncompleteSignature')
    assert api.engine.calls == []


def compressed(body: bytes, encoding: str = 'gzip') -> Any:
    request = AWSRequest('POST', 'http://localhost:8000/v1/', data=body, headers={
        'Content-Type': FORM, 'Content-Encoding': encoding})
    SigV4Auth(Credentials('member', SECRET), 'cloudformation', 'RegionOne').add_auth(request)
    return request.prepare()


def test_a_compressed_body_is_read_and_the_signature_is_that_of_what_was_sent(api: World) -> None:
    form = urlencode(LIST).encode()
    assert boto.sent(api, compressed(gzip.compress(form))).status_int == 200
    assert boto.sent(api, compressed(form, 'identity')).status_int == 200
    api.engine.calls.clear()
    whole = gzip.compress(form)
    for body, encoding in ((form, 'gzip'), (whole[:-9], 'gzip'), (whole + b'x', 'gzip'), (whole, 'br')):
        response = boto.sent(api, compressed(body, encoding))
        assert (code(response), response.status_int) == ('InvalidParameterValue', 400)
    bomb = gzip.compress(bytes(100 << 20))
    assert code(boto.sent(api, compressed(bomb))) == 'RequestLimitExceeded'
    assert api.engine.calls == []


PIECES = ('path', 'host', 'method', 'body', 'signature', 'header')


@settings(max_examples=60, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_nothing_but_what_was_signed_gets_in(api: World, data: st.DataObject) -> None:
    """Requests changed in one place, replayed elsewhere, cut short: never an answer of an action."""
    api.engine.calls.clear()
    kind = data.draw(st.sampled_from(('4', '4 query', '2')))
    if kind == '2':
        params = version_2(LIST)
        name = data.draw(st.sampled_from(sorted(params)))
        value = data.draw(st.one_of(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=9),
                                    st.just(params[name][:-1]), st.just(params[name] + '=')))
        if value == params[name]:
            return
        response = get(api, {**params, name: value})
        # A name, a time or a path that nobody signed, or no signature at all.
        assert response.status_int in (400, 403)
        assert api.engine.calls == []
        return
    request = version_4('GET', expires=60) if kind == '4 query' else version_4()
    piece = data.draw(st.sampled_from(PIECES))
    if piece == 'path':
        request.url = request.url.replace('/v1/', data.draw(st.sampled_from(('/', '/v1', '/v1.0/', '/x/'))))
    elif piece == 'host':
        request.url = request.url.replace('localhost:8000', 'other:8000')
    elif piece == 'method':
        request.method = 'GET' if request.method == 'POST' else 'POST'
    elif piece == 'body':
        request.body = data.draw(st.sampled_from((
            'Action=DeleteStack&StackName=web', f'{urlencode(LIST)}&NextToken=x', 'x')))
        if kind == '4 query':
            request.headers['Content-Type'] = FORM
    elif piece == 'signature':
        cut = data.draw(st.integers(1, 63))
        if kind == '4 query':
            request.url = request.url[:-cut]
        else:
            request.headers['Authorization'] = str(request.headers['Authorization'])[:-cut]
    else:
        later = f'{now() + datetime.timedelta(seconds=5):%Y%m%dT%H%M%SZ}'
        request.url = request.url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600')
        if kind == '4':
            request.headers['X-Amz-Date'] = later
    response = boto.sent(api, request)
    assert response.status_int in (400, 403), (kind, piece, response.text)
    assert api.engine.calls == []


# -- what is kept --------------------------------------------------------------------------------------


def test_the_same_request_is_checked_once_a_minute(api: World) -> None:
    before = len(api.keystone.asked)
    params = version_2(METADATA, timed=False)
    for _ in range(3):
        assert get(api, params).status_int == 200
    assert len(api.keystone.asked) == before + 1
    assert get(api, version_2({**METADATA, 'LogicalResourceId': 'other'}, timed=False)).status_int == 200
    assert len(api.keystone.asked) == before + 2


def test_what_is_kept_ends_with_its_minute_and_with_its_token() -> None:
    from heat.common.clock import VirtualClock
    clock = VirtualClock()
    kept = ec2token.Confirmed(clock)
    for lives, seconds in ((10_000, 60), (90, 30), (50, 0)):
        ends = datetime.datetime.fromtimestamp(clock.wall() + lives, datetime.UTC).isoformat()
        kept.keep({'access': 'a'}, ('url', 'token', {'expires_at': ends}))
        assert bool(kept.find({'access': 'a'})) == bool(seconds)
        clock.advance(seconds - 0.5)
        assert bool(kept.find({'access': 'a'})) == bool(seconds)
        clock.advance(1)
        assert kept.find({'access': 'a'}) is None
    for number in range(ec2token.KEPT + 10):
        kept.keep({'access': number}, ('url', 'token', {'expires_at': '2999-01-01T00:00:00Z'}))
    assert kept.find({'access': 9}) is None and kept.find({'access': 10}) is not None


def test_wrong_signatures_do_not_have_us_log_in_again_and_again(api: World, caplog: Any) -> None:
    caplog.set_level('INFO')
    logins = api.keystone.logins
    for _ in range(5):
        assert code(get(api, version_2(LIST, secret='wrong'))) == 'AccessDenied'
    assert api.keystone.logins <= logins + 2
    assert SECRET not in caplog.text


def test_bytes_that_are_no_text() -> None:
    import webob
    request = webob.Request.blank('/?Action=%ff&Signature=%fe')
    with pytest.raises(AWSError) as caught:
        signatures.read(request, datetime.datetime(2026, 1, 1))
    assert caught.value.code == 'MalformedQueryString'


def test_keystone_is_told_no_secret_of_other_kinds(api: World) -> None:
    get(api, version_2(LIST), X_Auth_Token='token-boss', Cookie='c')
    told = json.dumps(api.keystone.asked[-1])
    assert 'token-boss' not in told and 'Cookie' not in told
