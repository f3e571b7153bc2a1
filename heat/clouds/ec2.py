"""Tokens of a user's EC2 credential when the request it signed is long over.

Purpose: Keystone lets a token that was made of a signature delegate nothing, so
no trust can be had. Instead the service reads the user's secret in Keystone, signs
a request of its own with it and has that confirmed, each time a token is needed.
Invariant: the secret is neither stored nor kept; a credential that is deleted or
belongs to another user or project gives no token. The account of
[keystone_authtoken] needs, to read, the role admin in its project or reader on the
system, and to have signatures confirmed, service or admin. Neighbours: ``trust``
falls back to this, ``credential`` makes the plugin.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

from keystoneauth1 import access, exceptions
from keystoneauth1.identity import v3
from keystoneauth1.identity.v3.base import BaseAuth

from heat.common.clock import Clock
from heat.common.context import RequestContext

# What is signed means nothing but that we know the secret.
VERB, HOST, PATH = 'GET', 'heat', '/'


class EC2Token(BaseAuth):
    """The plugin: tokens of the credential ``access_key`` of that user in that project."""

    def __init__(self, auth_url: str, service: v3.Password, user_id: str, project_id: str, access_key: str,
                 clock: Clock) -> None:
        super().__init__(auth_url)
        self._service = service
        # The same account with the system for its scope, where its project does not let it read.
        self._on_system = v3.Auth(service.auth_url, service.auth_methods, system_scope='all')
        self._user_id, self._project_id, self._access_key = user_id, project_id, access_key
        self._clock = clock

    def get_auth_ref(self, session: Any) -> access.AccessInfoV3:
        signed = signed_request(self._access_key, self._secret(session),
                                f'{self._clock.now():%Y-%m-%dT%H:%M:%SZ}')
        answer = self._as(session, self._service, 'POST', '/ec2tokens', json={'ec2Credentials': signed})
        found = access.AccessInfoV3(auth_token=answer.headers['X-Subject-Token'], body=answer.json())
        if found.project_id != self._project_id:
            raise exceptions.Unauthorized('The EC2 credential of the stack is of another project.')
        return found

    def get_cache_id_elements(self) -> dict[str, str | None]:
        return {}

    def _secret(self, session: Any) -> str:
        path = f'/users/{quote(self._user_id)}/credentials/OS-EC2/{quote(self._access_key, safe="")}'
        try:
            try:
                answer = self._as(session, self._service, 'GET', path)
            except exceptions.Forbidden:
                answer = self._as(session, self._on_system, 'GET', path)
        except exceptions.NotFound as error:
            raise exceptions.Unauthorized('The EC2 credential of the stack is gone.') from error
        except (exceptions.Forbidden, exceptions.Unauthorized) as error:
            raise exceptions.Unauthorized(
                'The service may not read EC2 credentials: it needs the role admin, or reader on the system.',
            ) from error
        kept = answer.json()['credential']
        # Whoever may read all credentials has to look whose they are.
        if (kept.get('user_id'), kept.get('tenant_id')) != (self._user_id, self._project_id):
            raise exceptions.Unauthorized('The EC2 credential of the stack belongs to somebody else.')
        return str(kept['secret'])

    def _as(self, session: Any, account: BaseAuth, method: str, path: str, **more: Any) -> Any:
        """Keystone's answer to the service; a token that was revoked meanwhile is renewed once."""
        for attempt in (0, 1):
            token = account.get_access(session).auth_token
            try:
                return session.request(f'{self.auth_url}{path}', method, authenticated=False, log=False,
                                       headers={'X-Auth-Token': token, 'Accept': 'application/json'}, **more)
            except exceptions.Unauthorized:
                if attempt:
                    raise
                account.invalidate()
        raise AssertionError('unreachable')


def signed_request(access_key: str, secret: str, timestamp: str) -> dict[str, Any]:
    """A request as Keystone confirms it, signed in version 2."""
    params = {'AWSAccessKeyId': access_key, 'SignatureMethod': 'HmacSHA256', 'SignatureVersion': '2',
              'Timestamp': timestamp}
    query = '&'.join(f'{name}={quote(params[name], safe="-_~")}' for name in sorted(params))
    text = f'{VERB}\n{HOST}\n{PATH}\n{query}'
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return {'access': access_key, 'signature': base64.b64encode(digest).decode(), 'verb': VERB, 'host': HOST,
            'path': PATH, 'params': params, 'headers': {}, 'body_hash': ''}


def access_key_of(context: RequestContext) -> str | None:
    """The access key that signed the request, None if none did."""
    try:
        found = json.loads(context.aws_creds or '{}')
        key = found['ec2Credentials']['access']
    except (ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) and key else None
