"""What lets an engine act for a user when the request is long over.

Purpose: at intake, turn a request into a ``Credential`` that can be stored: a
trust; the user's password where the configuration wants that; the EC2 credential
that signed the request where Keystone refuses such a trust. Invariant: one trust
per root stack, deleted with it; a request that came with a trust keeps that one,
and it is never deleted here. Neighbours: the engine's intake stores ``Deferred``;
``credential`` makes tokens of it, ``ec2`` those of EC2 credentials.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from heat.clouds import ec2, rest
from heat.clouds.credential import AccountRefused, Credential, Kind
from heat.clouds.session import Sessions
from heat.common import errors
from heat.common.context import RequestContext
from heat.model import op

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deferred:
    """A storable credential; ``owned`` tells that the trust was made for this stack and goes with it."""

    credential: Credential
    owned: bool


def defer(sessions: Sessions, context: RequestContext) -> Deferred:
    """The credential to store for the request's stack, according to deferred_auth_method.

    Raises MissingCredentialError when the request lacks what the method needs,
    AuthorizationFailure when a role cannot be delegated, NotConfigured when there
    is no account to trust, CloudFault when keystone refuses or does not answer.
    """
    if sessions.conf.deferred_auth_method == 'password':
        return Deferred(Credential.of_password(context), owned=False)
    region = context.region_name or ''
    if context.trust_id:
        return Deferred(
            Credential.of_trust(context.trust_id, context.tenant_id, context.trustor_user_id, region),
            owned=False,
        )
    try:
        return Deferred(_create(sessions, context, region), owned=True)
    except op.CloudFault as exc:
        access_key = ec2.access_key_of(context)
        if exc.status != 403 or access_key is None:
            raise
        LOG.info('Keystone delegates nothing to a signed request (%s)', exc.message)
    return Deferred(_of_ec2(sessions, context, access_key, region), owned=False)


def _of_ec2(sessions: Sessions, context: RequestContext, access_key: str, region: str) -> Credential:
    """The EC2 credential of the request, if it will give tokens when the request is over."""
    credential = Credential.of_ec2(access_key, context.tenant_id, context.user_id, region)
    # Told now, and not when the stack has begun.
    sessions.for_credential(credential).access()
    return credential


def works(sessions: Sessions, credential: Credential, context: RequestContext) -> bool:
    """False if Keystone gives no token for it any more, or its user signs with another EC2 credential now.

    A trust goes with its user, with a role of that user, and with whoever deletes it.
    """
    if credential.kind is Kind.EC2:
        now = ec2.access_key_of(context)
        if now is not None and context.user_id == credential.user_id and now != credential.access_key:
            return False
    connection = sessions.for_credential(credential)
    try:
        # A token that is remembered may be dead as well, and asking by it costs less than another one.
        connection.access()
        rest.perform(connection, op.Call('identity', 'GET', '/auth/projects'), context.request_id)
    except op.CloudFault as exc:
        return exc.status != 401 or exc.kind == AccountRefused.__name__
    return True


def _create(sessions: Sessions, context: RequestContext, region: str) -> Credential:
    user = sessions.for_credential(Credential.of_request(context))
    access = user.access()
    if not access.project_id:
        raise errors.AuthorizationFailure(failure_reason=' A trust needs a token scoped to a project.')
    roles = delegated_roles(sessions.conf.trusts_delegated_roles, tuple(access.role_names or ()))
    trustee = sessions.for_credential(Credential.of_trustee()).access().user_id
    wish = {
        'trustor_user_id': access.user_id,
        'trustee_user_id': trustee,
        'project_id': access.project_id,
        'impersonation': True,
        'allow_redelegation': sessions.conf.allow_trusts_redelegation,
        'roles': [{'name': name} for name in roles],
    }
    try:
        call = op.Call('identity', 'POST', '/OS-TRUST/trusts', {'trust': wish}, unwrap='trust')
        made = rest.perform(user, call, context.request_id)
    except op.CloudFault as exc:
        if exc.status == 404:
            raise errors.MissingCredentialError(required=f'roles {", ".join(roles)}') from exc
        raise
    return Credential.of_trust(made['id'], access.project_id, access.user_id, region)


def delegated_roles(configured: list[str], held: tuple[str, ...]) -> tuple[str, ...]:
    """The roles a trust carries: the configured ones, or all that are held.

    MissingCredentialError if a configured role is not held, or none is.
    """
    if not configured:
        if not held:
            raise errors.MissingCredentialError(required='at least one role in the project')
        return tuple(sorted(held))
    missing = sorted(set(configured) - set(held))
    if missing:
        raise errors.MissingCredentialError(required=f'roles {", ".join(missing)}')
    return tuple(configured)


def revoke(sessions: Sessions, credential: Credential, context: RequestContext | None = None) -> None:
    """Delete the trust of ``credential``; done already is success. CloudFault if nobody may delete it.

    Asked of the trustor's own request when ``context`` is that, then of the service's
    account, then of the trust itself (which acts as the trustor). A token of the trust
    costs keystone more than all else here, so one that is there comes first and a new
    one last.
    """
    if credential.kind is not Kind.TRUST:
        return
    # Not as the trustee: without a project it has no catalogue to find keystone in.
    service = Credential.of_service(credential.region)
    ready = sessions.for_credential(credential).has_token
    askers = [credential, service] if ready else [service, credential]
    if context is not None and context.auth_token and context.user_id == credential.user_id:
        askers.insert(0, Credential.of_request(context))
    call = op.Call('identity', 'DELETE', f'/OS-TRUST/trusts/{credential.trust_id}', ok=(404,))
    for asker in askers:
        try:
            rest.perform(sessions.for_credential(asker), call)
            break
        except op.CloudFault as exc:
            if asker is askers[-1] or not (exc.status in (401, 403) or exc.kind == 'EndpointNotFound'):
                raise
            LOG.info('Trust %s: not deleted by its %s', credential.trust_id, asker.kind.value)
    sessions.forget(credential)
