"""What comes out of each service's answers, endpoints and lists, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from heat.clouds import catalog, find, rest, session
from heat.clouds.credential import Credential, identity_url
from heat.clouds.trust import delegated_roles
from heat.common import errors
from heat.common.context import RequestContext


def answer(status: int, body: Any, kind: str = 'application/json') -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    response.headers['Content-Type'] = kind
    response.headers['X-Openstack-Request-Id'] = 'req-1'
    return response


@pytest.mark.parametrize(
    ('service', 'status', 'body', 'kind', 'message'),
    [
        (
            'compute',
            404,
            {'itemNotFound': {'code': 404, 'message': 'Instance x could not be found.'}},
            'NotFound',
            'Instance x could not be found.',
        ),
        ('compute', 409, {'conflictingRequest': {'code': 409, 'message': 'Busy.'}}, 'Conflict', 'Busy.'),
        ('compute', 500, {'computeFault': {'code': 500, 'message': 'Oops.'}}, 'ClientException', 'Oops.'),
        (
            'network',
            409,
            {'NeutronError': {'type': 'OverQuota', 'message': 'Quota exceeded.', 'detail': ''}},
            'OverQuotaClient',
            'Quota exceeded.',
        ),
        (
            'network',
            404,
            {'NeutronError': {'type': 'SubnetNotFound', 'message': 'No subnet.', 'detail': ''}},
            'NotFound',
            'No subnet.',
        ),
        (
            'volumev3',
            413,
            {'overLimit': {'code': 413, 'message': 'VolumeLimitExceeded: 10', 'retryAfter': '0'}},
            'OverLimit',
            'VolumeLimitExceeded: 10',
        ),
        (
            'identity',
            403,
            {'error': {'code': 403, 'message': 'Not allowed.', 'title': 'Forbidden'}},
            'Forbidden',
            'Not allowed.',
        ),
        (
            'image',
            404,
            {'message': 'No image found with ID x<br /><br />\n\n', 'code': '404', 'title': 'Not Found'},
            'HTTPNotFound',
            'No image found with ID x',
        ),
        (
            'key-manager',
            400,
            {'title': 'Bad Request', 'description': 'Provided object bad.', 'code': 400},
            'BadRequest',
            'Provided object bad.',
        ),
        (
            'load-balancer',
            404,
            {'faultcode': 'Client', 'faultstring': 'Load Balancer x not found.', 'debuginfo': None},
            'NotFound',
            'Load Balancer x not found.',
        ),
        (
            'container-infra',
            404,
            {'errors': [{'status': 404, 'title': 'Cluster', 'detail': 'Cluster x gone.'}]},
            'NotFound',
            'Cluster x gone.',
        ),
        (
            'baremetal',
            404,
            {'error_message': '{"faultcode": "Client", "faultstring": "Node x gone."}'},
            'NotFound',
            'Node x gone.',
        ),
        ('messaging', 400, [], 'BadRequest', 'BadRequest: the messaging service said no more.'),
    ],
)
def test_error_bodies(service: str, status: int, body: Any, kind: str, message: str) -> None:
    fault = rest.fault(service, answer(status, body))
    assert (fault.status, fault.kind, fault.message, fault.request_id) == (status, kind, message, 'req-1')


def test_html_error() -> None:
    page = '<html><head><title>404</title></head><body><h1>404</h1>No such &quot;thing&quot;<br/></body>'
    assert rest.fault('object-store', answer(404, page, 'text/html')).message == 'No such "thing"'


@pytest.mark.parametrize(
    ('body', 'key', 'link'),
    [
        (
            {'servers_links': [{'rel': 'next', 'href': 'http://h/servers?marker=5'}]},
            'servers',
            'http://h/servers?marker=5',
        ),
        ({'next': '/v2/images?marker=7'}, 'images', '/v2/images?marker=7'),
        ({'links': {'next': None, 'self': 'x'}}, 'users', None),
        ({'links': {'next': 'http://h/users?marker=1'}}, 'users', 'http://h/users?marker=1'),
        ({'links': [{'rel': 'next', 'href': 'http://h/s?marker=2'}]}, 'stacks', 'http://h/s?marker=2'),
        ({'ports_links': [{'rel': 'previous', 'href': 'http://h/ports?page_reverse=True'}]}, 'ports', None),
    ],
)
def test_next_page(body: dict[str, Any], key: str, link: str | None) -> None:
    assert rest._next_link(body, key) == link


@pytest.mark.parametrize(
    ('service', 'endpoint', 'path', 'url'),
    [
        ('network', 'http://h:9696', '/ports', 'http://h:9696/v2.0/ports'),
        ('network', 'http://h:9696/', '/v2.0/ports', 'http://h:9696/v2.0/ports'),
        ('network', 'http://h:9696/v2.0', '/v2.0/ports', 'http://h:9696/v2.0/ports'),
        ('network', 'http://h/networking/v2.0/', '/ports', 'http://h/networking/v2.0/ports'),
        ('image', 'http://h/image', '/images', 'http://h/image/v2/images'),
        ('volumev3', 'http://h/volume/v3/p', '/volumes', 'http://h/volume/v3/p/volumes'),
        ('volumev3', 'http://h/volume', '/volumes', 'http://h/volume/v3/p/volumes'),
        ('compute', 'http://h/compute/v2.1/p', 'servers', 'http://h/compute/v2.1/p/servers'),
        ('identity', 'http://h:5000', '/users', 'http://h:5000/v3/users'),
        ('object-store', 'http://h:8080/v1/AUTH_p', '/c/o', 'http://h:8080/v1/AUTH_p/c/o'),
    ],
)
def test_urls(service: str, endpoint: str, path: str, url: str) -> None:
    row = catalog.service(service)
    assert catalog.join(row, catalog.base_url(row, endpoint, 'p'), path) == url


def test_microversions_obey_their_limit() -> None:
    row = catalog.service('volumev3')
    assert row.version_header(None) == ('OpenStack-API-Version', 'volume 3.59')
    assert row.version_header('3.7') == ('OpenStack-API-Version', 'volume 3.7')
    assert row.version_header('3.100') == ('OpenStack-API-Version', 'volume 3.59')
    assert catalog.service('network').version_header('3.7') is None


def test_services_are_known_by_their_other_names() -> None:
    assert {catalog.service(name).name for name in ('cinder', 'block-storage', 'volume', 'volumev3')} == {
        'volumev3'
    }
    assert catalog.service('neutron').name == 'network' and catalog.service('heat').name == 'orchestration'
    with pytest.raises(catalog.UnknownServiceError):
        catalog.service('clients')


@pytest.mark.parametrize(
    'url', ['http://h:5000', 'http://h:5000/', 'http://h:5000/v3', 'http://h:5000/v2.0/']
)
def test_identity_url(url: str) -> None:
    assert identity_url(url) == 'http://h:5000/v3'


@pytest.mark.parametrize(
    ('method', 'path', 'again'),
    [
        ('GET', '/x', True),
        ('DELETE', '/x/1', True),
        ('PUT', '/servers/1', True),
        ('POST', '/servers', False),
        ('PATCH', '/x/1', False),
        ('PUT', '/routers/1/add_router_interface', False),
    ],
)
def test_what_may_be_sent_twice(method: str, path: str, again: bool) -> None:
    assert session.repeatable(method, path) is again


def test_credentials_show_no_secret() -> None:
    context = RequestContext(
        tenant_id='p', user_id='u', username='joe', auth_token='tok-secret', password='pw-secret'
    )
    for credential in (
        Credential.of_request(context),
        Credential.of_password(context),
        Credential.of_stack_user('u', 'pw-secret', 'p'),
    ):
        assert 'secret' not in repr(credential)


@pytest.mark.parametrize(
    ('context', 'missing'),
    [(RequestContext(), 'X-Auth-Token'), (RequestContext(username='joe'), 'X-Auth-Token')],
)
def test_a_request_without_credentials(context: RequestContext, missing: str) -> None:
    with pytest.raises(errors.MissingCredentialError, match=missing):
        Credential.of_request(context)


def test_password_needs_both_headers() -> None:
    with pytest.raises(errors.MissingCredentialError, match='X-Auth-User'):
        Credential.of_password(RequestContext(password='x'))
    with pytest.raises(errors.MissingCredentialError, match='X-Auth-Key'):
        Credential.of_password(RequestContext(username='joe'))


def test_delegated_roles() -> None:
    assert delegated_roles([], ('member', 'a')) == ('a', 'member')
    assert delegated_roles(['member'], ('member', 'a')) == ('member',)
    with pytest.raises(errors.MissingCredentialError, match='heat_stack_owner'):
        delegated_roles(['heat_stack_owner'], ('member',))


def test_sentences_about_missing_things_cross_the_bus() -> None:
    error = find._missing(find.KINDS['nova.keypair'], 'k')
    assert (
        find.constraint_message('k', error) == "Error validating value 'k': The Key (k) could not be found."
    )
    again = errors.from_wire(error.to_wire())
    assert type(again) is errors.EntityNotFound and str(again) == 'The Key (k) could not be found.'


def test_every_kind_names_a_service_and_formats_its_sentences() -> None:
    for kind, noun in find.KINDS.items():
        assert catalog.service(noun.service), kind
        assert "it's" in str(find._missing(noun, "it's")), kind
        assert "it's" in str(find._ambiguous(noun, "it's")), kind
