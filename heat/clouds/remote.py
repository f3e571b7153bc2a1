"""The way to a service elsewhere: in another region, another cloud, or a stack user's project.

Purpose: ``reached`` gives a connection to a ``Site`` for as long as it is needed.
Invariant: the credential that a secret holds is read for the call at hand, goes to
the identity service that it names, and is neither kept, logged nor told; what is
trusted for a site is trusted for its connections only. Neighbours: ``secrets``
reads, ``session`` connects, ``performer`` calls.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneauth1.identity.v3.base import BaseAuth

from heat.clouds import secrets
from heat.clouds.credential import Credential, identity_url
from heat.clouds.session import Connection, Sessions
from heat.model import op

_USER = ('user_id', 'username', 'user_domain_id', 'user_domain_name')
_PROJECT = ('project_id', 'project_name', 'project_domain_id', 'project_domain_name')
_APPLICATION = ('application_credential_id', 'application_credential_name', 'application_credential_secret')
# auth_type -> how it is proved, what it must have, what else it may have.
_KINDS: dict[str, tuple[Callable[..., BaseAuth], tuple[str, ...], tuple[str, ...]]] = {
    'v3applicationcredential': (v3.ApplicationCredential, _APPLICATION[2:], (*_APPLICATION[:2], *_USER)),
    'v3password': (v3.Password, ('password',), (*_USER, *_PROJECT)),
}
_KINDS['password'] = _KINDS['v3password']
KIND = 'RemoteCredential'


@contextlib.contextmanager
def reached(sessions: Sessions, credential: Credential, site: op.Site | None,
            request_id: str = '') -> Iterator[Connection]:
    """A connection to ``site``, or to this cloud if it is None; CloudFault if the secret is of no use."""
    if site is not None and site.account is not None:
        who = site.account
        yield sessions.for_credential(Credential.of_stack_user(who.user_id, who.password, who.project_id))
        return
    home = sessions.for_credential(credential)
    if site is None:
        yield home
        return
    with contextlib.ExitStack() as stack:
        http = stack.enter_context(_trusting(sessions, site))
        if not site.secret:
            # The same token, of the identity service that is known here.
            yield Connection(sessions, credential, home.plugin, lambda service: (
                http if http is not None and service != 'identity' else sessions.http(service)), site.region)
        else:
            plugin = _plugin(_credential(home, site.secret, request_id))
            yield Connection(sessions, credential, plugin,
                             lambda service: http or sessions.http(service), site.region)


@contextlib.contextmanager
def _trusting(sessions: Sessions, site: op.Site) -> Iterator[session.Session | None]:
    """The sender that trusts whom the site says; None if it says nothing."""
    if site.insecure:
        with _open(sessions.http_trusting(False)) as http:
            yield http
    elif not site.ca_cert:
        yield None
    else:
        try:
            ssl.create_default_context(cadata=site.ca_cert)
        except (ssl.SSLError, ValueError) as error:
            raise op.CloudFault(0, 'The ca_cert of the context is no certificate in PEM format.',
                                kind=KIND) from error
        with tempfile.NamedTemporaryFile('w', suffix='.pem') as file:
            file.write(site.ca_cert)
            file.flush()
            with _open(sessions.http_trusting(file.name)) as http:
                yield http


@contextlib.contextmanager
def _open(http: session.Session) -> Iterator[session.Session]:
    """Its connections last no longer than what they were made for."""
    try:
        yield http
    finally:
        http.session.close()


def _credential(home: Connection, secret: str, request_id: str) -> dict[str, Any]:
    """What the secret holds."""
    try:
        text = secrets.secret_text(home, op.Resolve('secretsmanager', secret), request_id)
    except op.CloudFault as fault:
        if fault.status != 404:
            raise
        # Not 404, which would pass for a stack that is gone.
        raise op.CloudFault(0, f'The secret {secret} with the credential cannot be read: {fault.message}',
                            kind=KIND) from fault
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if not isinstance(held, dict) or not isinstance(held.get('auth'), dict):
        raise _useless(secret, 'it is no JSON object with auth_type and auth')
    kind = held.get('auth_type')
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _useless(secret, f'its auth_type is none of {", ".join(sorted(_KINDS))}')
    _make, needed, possible = _KINDS[kind]
    auth: dict[str, Any] = held['auth']
    missing = [name for name in ('auth_url', *needed) if not auth.get(name)]
    if missing:
        raise _useless(secret, f'its auth lacks {", ".join(missing)}')
    known = ('auth_url', *needed, *possible)
    if any(name not in known or not isinstance(value, str) for name, value in auth.items()):
        # The names are not repeated: in a muddled secret a password may stand for one.
        raise _useless(secret, f'its auth may have only texts, named {", ".join(known)}')
    return held


def _plugin(held: Mapping[str, Any]) -> BaseAuth:
    make = _KINDS[held['auth_type']][0]
    auth = {name: value for name, value in held['auth'].items() if name != 'auth_url'}
    return make(identity_url(held['auth']['auth_url']), **auth)


def _useless(secret: str, why: str) -> op.CloudFault:
    return op.CloudFault(0, f'The secret {secret} holds no credential that can be used: {why}.', kind=KIND)
