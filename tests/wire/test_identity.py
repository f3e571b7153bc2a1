"""Who is let in: passwords, no authentication, roles, signed URLs of the AWS dialects."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heat.api import wiring
from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.common.policy import Enforcer
from tests.wire.conftest import World
from tests.wire.keystone import ADMIN_PROJECT, OTHER_PROJECT, PASSWORD, PROJECT, Keystone

Load = Callable[..., World]
ARN = f'arn%3Aopenstack%3Aheat%3A%3A{PROJECT}%3Astacks/web/id-1/resources/h'
SIGNED = 'SignatureMethod=HmacSHA256&SignatureVersion=2&AWSAccessKeyId=member&Signature=member'


def code(response: Any) -> str:
    return response.text.split('<Code>')[1].split('</Code>')[0]


def test_token_becomes_a_context(api: World) -> None:
    api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_Token='token-member', X_Region_Name='R1', X_Auth_User='u',
            X_Auth_Key='k')
    context = api.engine.contexts[0]
    assert (context.user_id, context.tenant_id, context.roles, context.is_admin) == (
        'id-member', PROJECT, ('member', 'reader'), False)
    assert (context.username, context.password, context.region_name) == ('u', 'k', 'R1')
    assert (context.auth_token, context.auth_url) == ('token-member', api.url)


def test_request_id_is_told_and_travels(api: World) -> None:
    response = api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_Token='token-member')
    assert response.headers['X-Openstack-Request-Id'] == api.engine.contexts[0].request_id


def test_claimed_identity_is_not_believed(api: World) -> None:
    response = api.ask('GET', f'/v1/{OTHER_PROJECT}/stacks', X_Auth_Token='token-member', X_Roles='admin',
                       X_Project_Id=OTHER_PROJECT, X_Identity_Status='Confirmed')
    assert response.status_int == 403
    assert api.engine.calls == []


@pytest.mark.parametrize('name', ['heat-api', 'heat-api-cfn'])
def test_claimed_ec2_credentials_are_nobodys(pipeline: Load, name: str) -> None:
    """Whoever holds some token of a user must not have the engine act by the user's EC2 credential."""
    api = pipeline(name)
    path = f'/v1/{PROJECT}/stacks' if name == 'heat-api' else '/v1/?Action=ListStacks'
    claim = '{"ec2Credentials": {"access": "boss"}}'
    response = api.ask('GET', path, X_Auth_Token='token-member', X_Auth_User='member', X_Auth_EC2_Creds=claim)
    assert response.status_int == 200
    asked = len(api.engine.contexts)
    bare = api.ask('GET', path, X_Auth_Token='token-member', X_Auth_EC2_Creds=claim)
    told = asked * (2 if bare.status_int == 200 else 1)
    assert asked > 0 and [each.aws_creds for each in api.engine.contexts] == [None] * told


def test_claimed_auth_url_is_replaced(api: World) -> None:
    api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_Token='token-member', X_Auth_Url='http://evil.example')
    assert api.engine.contexts[0].auth_url == api.url


def test_reader_may_not_create_but_may_list(api: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.wire import keystone
    monkeypatch.setitem(keystone.USERS, 'viewer', (PROJECT, ('reader',)))
    assert api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_Token='token-viewer').status_int == 200
    refused = api.ask('POST', f'/v1/{PROJECT}/stacks', b'{}', X_Auth_Token='token-viewer')
    assert refused.status_int == 403
    assert refused.json_body['error'] == {'type': 'Forbidden', 'traceback': None,
                                          'message': 'You are not authorized to use stacks:create.'}


@pytest.mark.parametrize('of_the_cloud', [True, False])
@pytest.mark.parametrize('flavor', [None, 'standalone'])
def test_an_admin_of_another_project_than_the_admin_project_is_none_of_the_cloud(
        pipeline: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flavor: str | None,
        of_the_cloud: bool) -> None:
    """Also for an operator's own rules, which may hang on it."""
    real = Keystone.token
    api = pipeline(flavor=flavor) if flavor else pipeline()
    policy_file = tmp_path / 'policy.yaml'
    policy_file.write_text('"stacks:global_index": "rule:context_is_admin"\n')
    # The pipeline holds on to its rules, so that these are other ones.
    conf = wiring.current().conf
    conf.set_override('policy_file', str(policy_file), 'oslo_policy')
    enforcer = Enforcer(conf)
    secret = {'X_Auth_User': 'boss', 'X_Auth_Key': PASSWORD} if flavor else {'X_Auth_Token': 'token-boss'}

    def token(self: Keystone, user: str) -> dict[str, Any]:
        found = real(self, user)
        found['token']['is_admin_project'] = of_the_cloud
        return found

    monkeypatch.setattr(Keystone, 'token', token)
    assert api.ask('GET', f'/v1/{ADMIN_PROJECT}/stacks', **secret).status_int == 200
    context = api.engine.contexts[-1]
    assert context.is_admin is of_the_cloud
    assert enforcer.check(context, 'stacks:global_index') is of_the_cloud
    assert RequestContext.from_wire(context.to_wire()) == context


def test_password_in_the_standalone_flavor(pipeline: Load) -> None:
    api = pipeline(flavor='standalone')
    let_in = api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_User='member', X_Auth_Key=PASSWORD)
    assert let_in.status_int == 200
    context = api.engine.contexts[0]
    assert (context.tenant_id, context.password, context.auth_token) == (PROJECT, PASSWORD, 'token-member')
    wrong: tuple[dict[str, Any], ...] = (
        {'X_Auth_User': 'member', 'X_Auth_Key': 'wrong'}, {'X_Auth_User': 'member'}, {})
    for headers in wrong:
        refused = api.ask('GET', f'/v1/{PROJECT}/stacks', X_Roles='admin', **headers)
        assert refused.status_int == 401
        assert refused.headers['WWW-Authenticate'] == f'Keystone uri="{api.url}"'


def test_a_custom_back_end_says_who_asks_and_no_header_does(pipeline: Load) -> None:
    api = pipeline(flavor='custombackend')
    claimed = {'X_Auth_Token': 'some', 'X_User_Id': 'boss', 'X_Project_Id': OTHER_PROJECT, 'X_Roles': 'admin'}
    api.engine.answers['authenticated_to_backend'] = {
        'user_id': 'me', 'username': 'm', 'tenant_id': PROJECT, 'roles': ['reader'], 'is_admin_project': True}
    foreign = api.ask('GET', f'/v1/{OTHER_PROJECT}/stacks', **claimed)
    assert foreign.status_int == 403
    assert api.ask('GET', f'/v1/{PROJECT}/services', **claimed).status_int == 403
    assert api.ask('GET', f'/v1/{PROJECT}/stacks', **claimed).status_int == 200
    context = api.engine.contexts[-1]
    assert (context.user_id, context.tenant_id, context.roles, context.is_admin) == (
        'me', PROJECT, ('reader',), False)
    api.engine.answers['authenticated_to_backend'] = False
    assert api.ask('GET', f'/v1/{PROJECT}/stacks', **claimed).status_int == 401


def test_noauth_believes_the_path(pipeline: Load) -> None:
    api = pipeline(flavor='noauth')
    assert api.ask('GET', '/v1/anything/stacks').status_int == 200
    assert (api.engine.contexts[0].tenant_id, api.engine.contexts[0].is_admin) == ('anything', True)


def test_secrets_reach_no_log(api: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.engine.answers['*'] = RuntimeError('broken')
    api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_Token='token-member', X_Auth_User='u',
            X_Auth_Key='hushhush')
    assert 'failed' in caplog.text
    assert 'hushhush' not in caplog.text


def test_unforeseen_failure_says_nothing_of_itself(api: World) -> None:
    api.engine.answers['*'] = errors.RemoteError(request_id='r')
    body = api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_Token='token-member').json_body
    assert body['error'] == {'type': 'RemoteError', 'traceback': None}
    api.engine.answers['*'] = RuntimeError('the password is hush')
    response = api.ask('GET', f'/v1/{PROJECT}/stacks', X_Auth_Token='token-member')
    assert response.status_int == 500
    assert 'hush' not in response.text


@pytest.mark.parametrize('name', ['heat-api', 'heat-api-cfn', 'heat-api-cloudwatch'])
def test_healthcheck_needs_no_token(pipeline: Load, name: str) -> None:
    assert pipeline(name).ask('GET', '/healthcheck').status_int == 200


@pytest.mark.parametrize('name', ['heat-api-cfn', 'heat-api-cloudwatch'])
@pytest.mark.parametrize(('query', 'expected', 'status'), [
    ('Action=ListStacks', 'IncompleteSignature', 400), ('', 'IncompleteSignature', 400),
    ('Action=ListStacks&Signature=x', 'MissingAuthenticationToken', 403),
    ('Action=ListStacks&AWSAccessKeyId=nobody&Signature=x', 'InvalidClientTokenId', 403),
    ('Action=ListStacks&AWSAccessKeyId=member&Signature=x', 'AccessDenied', 403),
    (f'Action=Dance&{SIGNED}', 'InvalidAction', 400), (SIGNED, 'InvalidAction', 400)])
def test_aws_refusals(pipeline: Load, name: str, query: str, expected: str, status: int) -> None:
    response = pipeline(name).ask('GET', f'/v1/?{query}')
    assert (code(response), response.status_int) == (expected, status)
    assert response.headers['Content-Type'] == 'application/xml; charset=UTF-8'
    assert response.headers['X-Openstack-Request-Id']


def test_signature_of_version_4_in_the_header(pipeline: Load) -> None:
    api = pipeline('heat-api-cfn')
    now = Clock().now()
    response = api.ask('POST', '/v1/', b'Action=Dance', Content_Type='application/x-www-form-urlencoded',
                       X_Amz_Date=f'{now:%Y%m%dT%H%M%SZ}',
                       Authorization=f'AWS4-HMAC-SHA256 Credential=member/{now:%Y%m%d}/RegionOne/'
                                     'cloudformation/aws4_request, SignedHeaders=host, Signature=member')
    assert code(response) == 'InvalidAction'
    asked = api.keystone.asked[-1]
    assert (asked['access'], asked['verb'], asked['path']) == ('member', 'POST', '/v1/')
    # The hash stands for the form, which need not travel again and again.
    assert asked['params'] == {}
    assert len(asked['body_hash']) == 64


def test_wait_condition(pipeline: Load) -> None:
    api = pipeline('heat-api-cfn')
    response = api.ask('PUT', f'/v1/waitcondition/{ARN}?{SIGNED}', b'{"Status": "SUCCESS"}')
    assert (response.status_int, response.text) == (200, '<resource>h</resource>')
    assert api.engine.calls == [('resource_signal', {
        'stack_identity': {'tenant': PROJECT, 'stack_name': 'web', 'stack_id': 'id-1', 'path': ''},
        'resource_name': 'h', 'details': {'Status': 'SUCCESS'}, 'sync_call': True})]
    assert api.engine.contexts[0].aws_creds
    # What was signed is the path as it is.
    assert api.keystone.asked[-1]['path'] == (
        f'/v1/waitcondition/arn:openstack:heat::{PROJECT}:stacks/web/id-1/resources/h')
    assert 'Signature' not in api.keystone.asked[-1]['params']


def test_scaling_signal(pipeline: Load) -> None:
    api = pipeline('heat-api-cfn')
    response = api.ask('POST', f'/v1/signal/{ARN}?{SIGNED}')
    assert (response.status_int, response.text) == (200, '')
    assert api.engine.calls[0][1]['sync_call'] is False


@pytest.mark.parametrize('body', [
    b'{"Status"', b'[1]', b'"x"', b'\xff', b'{"Data": NaN}', b'{"Data": "\\ud800"}',
    b'{"Data": %s}' % (b'9' * 5000)])
def test_broken_signals_are_the_senders_fault(pipeline: Load, body: bytes) -> None:
    api = pipeline('heat-api-cfn')
    response = api.ask('PUT', f'/v1/waitcondition/{ARN}?{SIGNED}', body)
    assert (code(response), response.status_int) == ('InvalidParameterValue', 400)
    assert api.engine.calls == []


def test_engine_errors_become_aws_codes(pipeline: Load) -> None:
    api = pipeline('heat-api-cfn')
    for error, expected in ((errors.EntityNotFound(entity='Stack', name='<web>'), 'InvalidParameterValue'),
                            (errors.Forbidden(action='x'), 'AccessDenied'),
                            (errors.StopActionFailed(stack_name='a', engine_id='b'), 'InternalFailure')):
        api.engine.answers['resource_signal'] = error
        response = api.ask('PUT', f'/v1/waitcondition/{ARN}?{SIGNED}')
        assert code(response) == expected
        assert '<web>' not in response.text


def test_admin_project_of_the_address(api: World) -> None:
    assert api.ask('GET', f'/v1/{PROJECT}/services', X_Auth_Token='token-boss').status_int == 200
    assert api.engine.contexts[0].tenant_id == ADMIN_PROJECT


@pytest.mark.parametrize(('method', 'path', 'status', 'kind'), [
    ('POST', '/', 300, 'application/json'), ('POST', '/v2/', 300, 'application/json'),
    ('POST', f'/v1?{SIGNED}', 404, 'text/plain'), ('POST', f'/v1/zz?{SIGNED}', 404, 'text/plain'),
    ('POST', f'/zz?{SIGNED}', 404, 'text/plain'), ('OPTIONS', f'/v1/?{SIGNED}', 200, None),
    ('HEAD', f'/v1/?{SIGNED}', 400, 'application/xml')])
def test_addresses_of_the_aws_dialect(pipeline: Load, method: str, path: str, status: int,
                                      kind: str | None) -> None:
    response = pipeline('heat-api-cfn').ask(method, path)
    assert (response.status_int, response.content_type) == (status, kind)


def test_identity_url_of_the_token_filter_serves_passwords_too(pipeline: Load) -> None:
    from heat.api import authentication, wiring
    api = pipeline(flavor='standalone')
    conf = wiring.current().conf
    conf.set_override('auth_uri', None, 'clients_keystone')
    assert authentication.identity_url(conf) == f'{api.url}/v3'
