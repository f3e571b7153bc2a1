"""Names of requests: the filter does what the library's does."""

from __future__ import annotations

import re
from typing import Any

import oslo_middleware
import pytest
import webob
import webob.exc
from oslo_middleware import request_id

from heat.api.request_ids import RequestIds

OTHER = 'req-' + '-'.join(('0' * 8, '1' * 4, '2' * 4, '3' * 4, '4' * 12))


@pytest.mark.parametrize('make', [RequestIds, oslo_middleware.RequestId])
@pytest.mark.parametrize('own', [{}, {'X-Openstack-Request-Id': 'mine'}])
@pytest.mark.parametrize('given', [OTHER, 'req-broken', None])
@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST'])
@pytest.mark.parametrize('raised', [True, False])
def test_each_request_has_a_name_of_its_own(
        make: Any, own: dict[str, str], given: str | None, method: str, raised: bool) -> None:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        seen.update(environ)
        if raised:
            raise webob.exc.HTTPConflict(headers=own)
        return webob.Response('text', headers=own)(environ, start_response)

    request = webob.Request.blank('/', method=method)
    if given:
        request.headers['X-Openstack-Request-Id'] = given
    response = request.get_response(make(application))
    name = seen['openstack.request_id']
    assert re.match(request_id.ID_FORMAT, name) and name != given
    assert seen.get('openstack.global_request_id') == (OTHER if given == OTHER else None)
    assert response.status_int == (409 if raised else 200)
    named = list(own.values()) or ([] if raised else [name])
    assert response.headers.getall('x-openstack-request-id') == named
    assert bool(response.body) is (method != 'HEAD')
