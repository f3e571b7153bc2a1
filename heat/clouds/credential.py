"""Who a call is made as, and the keystoneauth plugin that proves it.

Purpose: ``Credential`` is a value that rows and steps can name; ``plugin_for``
turns it into something that fetches tokens. Invariant: no secret shows in
``repr`` or in a log, and a password is sent only when no token can be had
otherwise. Neighbours: ``session`` caches what is made here, ``trust`` and
``stack_user`` make the credentials of deferred and in-instance users.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from keystoneauth1 import access, exceptions, loading
from keystoneauth1.identity import v3
from keystoneauth1.identity.v3.base import BaseAuth
from oslo_config import cfg

from heat.clouds.ec2 import EC2Token
from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext


class Kind(StrEnum):
    TOKEN = 'token'
    TRUST = 'trust'
    EC2 = 'ec2'
    PASSWORD = 'password'
    SERVICE = 'service'
    TRUSTEE = 'trustee'
    DOMAIN_ADMIN = 'domain_admin'


@dataclass(frozen=True, slots=True)
class Credential:
    """One identity with its scope; hashable, so sessions are cached by it.

    ``kind`` says which of the fields count. ``region`` '' means that of the
    configuration; ``auth_url`` '' likewise.
    """

    kind: Kind
    project_id: str | None = None
    user_id: str | None = None
    username: str | None = None
    user_domain_id: str | None = None
    trust_id: str | None = None
    token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    access_key: str | None = field(default=None, repr=False)
    region: str = ''
    auth_url: str = ''

    @classmethod
    def of_request(cls, context: RequestContext) -> Credential:
        """The request's own token, else its trust or password; MissingCredentialError if it has none."""
        region = context.region_name or ''
        if context.auth_token:
            return cls(
                Kind.TOKEN, context.tenant_id, context.user_id, token=context.auth_token, region=region
            )
        if context.trust_id:
            return cls.of_trust(context.trust_id, context.tenant_id, context.trustor_user_id, region)
        if context.password:
            return cls.of_password(context)
        raise errors.MissingCredentialError(required='X-Auth-Token')

    @classmethod
    def of_trust(
        cls, trust_id: str, project_id: str | None, trustor_user_id: str | None = None, region: str = ''
    ) -> Credential:
        """Act for the trustor in the project of the trust."""
        return cls(Kind.TRUST, project_id, trustor_user_id, trust_id=trust_id, region=region)

    @classmethod
    def of_ec2(
        cls, access_key: str, project_id: str | None, user_id: str | None, region: str = ''
    ) -> Credential:
        """Act as the user whose EC2 credential that is, in its project."""
        return cls(Kind.EC2, project_id, user_id, access_key=access_key, region=region)

    @classmethod
    def of_password(cls, context: RequestContext) -> Credential:
        """The user's stored password; MissingCredentialError names the header that lacked it."""
        if not context.username and not context.user_id:
            raise errors.MissingCredentialError(required='X-Auth-User')
        if not context.password:
            raise errors.MissingCredentialError(required='X-Auth-Key')
        return cls(
            Kind.PASSWORD,
            context.tenant_id,
            context.user_id,
            context.username,
            context.user_domain_id or 'default',
            password=context.password,
            region=context.region_name or '',
        )

    @classmethod
    def of_stack_user(cls, user_id: str, password: str, project_id: str) -> Credential:
        """An in-instance user of the stack domain in its stack's project."""
        return cls(Kind.PASSWORD, project_id, user_id, password=password)

    @classmethod
    def of_service(cls, region: str = '') -> Credential:
        """The daemon itself, in its own project."""
        return cls(Kind.SERVICE, region=region)

    @classmethod
    def of_trustee(cls, region: str = '') -> Credential:
        """The account that users' trusts are given to; it may have no project."""
        return cls(Kind.TRUSTEE, region=region)

    @classmethod
    def of_domain_admin(cls) -> Credential:
        """Who manages the domain of in-instance users."""
        return cls(Kind.DOMAIN_ADMIN)


class NotConfigured(errors.Error):
    """heat.conf lacks what the call needs; the message names the option."""

    def __init__(self, message: str) -> None:
        super().__init__(message=message)

    def to_wire(self) -> dict[str, Any]:
        return {**super().to_wire(), 'class': 'Error'}


class AccountRefused(exceptions.Unauthorized):
    """Keystone refuses the service itself, not who it acts for."""


class GivenToken(BaseAuth):
    """A token as the request brought it: shown, never exchanged, never renewed.

    Its data and catalogue are read from keystone with the token itself, or with
    that of the service where keystone does not let it ask (a token of an EC2
    credential). Exchanging it would be refused for tokens of trusts and
    application credentials.
    """

    def __init__(self, auth_url: str, token: str, service: Callable[[], v3.Password]) -> None:
        super().__init__(auth_url, reauthenticate=False)
        self._token = token
        self._service = service

    def get_auth_ref(self, session: Any) -> access.AccessInfoV3:
        try:
            answer = self._asked(session, self._token)
        except exceptions.Forbidden:
            answer = self._asked(session, self._service().get_access(session).auth_token or '')
        return access.AccessInfoV3(auth_token=self._token, body=answer.json())

    def _asked(self, session: Any, asker: str) -> Any:
        return session.get(
            self.token_url,
            authenticated=False,
            log=False,
            headers={
                'X-Auth-Token': asker,
                'X-Subject-Token': self._token,
                'Accept': 'application/json',
            },
        )

    def invalidate(self) -> bool:
        # There is nothing to try again with.
        return False

    def get_cache_id_elements(self) -> dict[str, str | None]:
        return {}


class TrustToken(BaseAuth):
    """Tokens of a trust, got with the cached token of the service user.

    So keystone checks the service's password once for all trusts, not once for each.
    """

    def __init__(self, auth_url: str, service: v3.Password, trust_id: str) -> None:
        super().__init__(auth_url, trust_id=trust_id)
        self._service = service

    def get_auth_ref(self, session: Any) -> access.AccessInfoV3:
        for attempt in (0, 1):
            try:
                token = self._service.get_access(session).auth_token or ''
            except exceptions.HttpError as exc:
                if not 400 <= exc.http_status < 500 or exc.http_status == 429:
                    raise
                raise AccountRefused(
                    'Keystone refuses the account of this service, as heat.conf has it: '
                    f'{said(exc)}', request_id=exc.request_id) from exc
            try:
                return v3.Token(self.auth_url, token, trust_id=self.trust_id).get_auth_ref(session)
            except exceptions.Unauthorized:
                # The service's token may have been revoked; a fresh one tells.
                if attempt:
                    raise
                self._service.invalidate()
        raise AssertionError('unreachable')

    def get_cache_id_elements(self) -> dict[str, str | None]:
        return {}


def said(exc: exceptions.HttpError) -> str:
    """Keystone's sentence."""
    return (exc.message or '').partition(' (HTTP ')[0]


def identity_url(url: str) -> str:
    """``url`` with exactly one ``/v3`` at its end."""
    url = url.rstrip('/')
    for version in ('/v3', '/v2.0'):
        url = url.removesuffix(version)
    return f'{url}/v3'


class Plugins:
    """Makes the keystoneauth plugin of a credential; those of the service's accounts are made once."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._accounts: dict[str, v3.Password] = {}

    def plugin_for(self, credential: Credential) -> BaseAuth:
        """Raises NotConfigured when heat.conf lacks the account that the kind needs."""
        url = identity_url(credential.auth_url) if credential.auth_url else self.auth_url()
        match credential.kind:
            case Kind.TOKEN:
                return GivenToken(url, credential.token or '', self.service)
            case Kind.TRUST:
                return TrustToken(url, self.trustee(), credential.trust_id or '')
            case Kind.EC2:
                return EC2Token(
                    url,
                    self.service(),
                    credential.user_id or '',
                    credential.project_id or '',
                    credential.access_key or '',
                    Clock(),
                )
            case Kind.PASSWORD:
                return v3.Password(
                    url,
                    credential.password or '',
                    user_id=credential.user_id,
                    username=None if credential.user_id else credential.username,
                    user_domain_id=None if credential.user_id else credential.user_domain_id,
                    project_id=credential.project_id,
                )
            case Kind.SERVICE:
                return self.service()
            case Kind.TRUSTEE:
                return self.trustee()
            case Kind.DOMAIN_ADMIN:
                return self._domain_admin(url)

    def auth_url(self) -> str:
        """[clients_keystone] auth_uri, else the URL of the service's account."""
        url = self._conf.clients_keystone.auth_uri
        return identity_url(url or self._account('trustee', 'keystone_authtoken')[1].auth_url)

    def service(self) -> v3.Password:
        """The account of [keystone_authtoken], which has a project; [trustee] if it has no password."""
        return self._kept('keystone_authtoken', 'trustee')

    def trustee(self) -> v3.Password:
        """The account of [trustee]; that of [keystone_authtoken] if there is none."""
        return self._kept('trustee', 'keystone_authtoken')

    def _kept(self, *sections: str) -> v3.Password:
        section, loaded = self._account(*sections)
        if section not in self._accounts:
            self._accounts[section] = self._as_v3(section, loaded)
        return self._accounts[section]

    def _account(self, *sections: str) -> tuple[str, Any]:
        """(section, loaded plugin) of the first with a password, else of the first with any auth_type."""
        found: list[tuple[str, Any]] = []
        for section in sections:
            loading.register_auth_conf_options(self._conf, section)
            plugin = loading.load_auth_from_conf_options(self._conf, section)
            if plugin is not None:
                found.append((section, plugin))
        if not found:
            raise NotConfigured(
                'Neither [trustee] nor [keystone_authtoken] has an auth_type, so there is no account to act '
                'with.'
            )
        return next((one for one in found if self._given(one[0], 'password')), found[0])

    def _given(self, section: str, name: str) -> Any:
        """The option's value; None where the section's auth_type does not have such an option."""
        try:
            return self._conf[section][name]
        except cfg.NoSuchOptError:
            return None

    def _as_v3(self, section: str, loaded: Any) -> v3.Password:
        if not loaded.auth_url:
            raise NotConfigured(f'[{section}] auth_url is not set.')

        def given(name: str) -> Any:
            return self._given(section, name)

        if not given('password') or not (given('username') or given('user_id')):
            raise NotConfigured(
                f'[{section}] needs username and password; other kinds of accounts cannot be trustees.'
            )
        user_domain_id, user_domain_name = given('user_domain_id'), given('user_domain_name')
        if not (given('user_id') or user_domain_id or user_domain_name):
            user_domain_id = given('default_domain_id') or 'default'
        project_domain_id, project_domain_name = given('project_domain_id'), given('project_domain_name')
        if given('project_name') and not (project_domain_id or project_domain_name):
            project_domain_id = given('default_domain_id') or 'default'
        return v3.Password(
            identity_url(self._conf.clients_keystone.auth_uri or loaded.auth_url),
            given('password'),
            user_id=given('user_id'),
            username=None if given('user_id') else given('username'),
            user_domain_id=user_domain_id,
            user_domain_name=user_domain_name,
            project_id=given('project_id'),
            project_name=given('project_name'),
            project_domain_id=project_domain_id,
            project_domain_name=project_domain_name,
        )

    def _domain_admin(self, url: str) -> v3.Password:
        conf = self._conf
        domain_id, domain_name = conf.stack_user_domain_id, conf.stack_user_domain_name
        if not (domain_id or domain_name):
            raise NotConfigured(
                'Users for servers and signals need a domain: set stack_user_domain_id or '
                'stack_user_domain_name.'
            )
        if not (conf.stack_domain_admin and conf.stack_domain_admin_password):
            raise NotConfigured(
                'Users for servers and signals need an administrator of their domain: set '
                'stack_domain_admin and stack_domain_admin_password.'
            )
        if domain_id:
            return v3.Password(
                url,
                conf.stack_domain_admin_password,
                username=conf.stack_domain_admin,
                user_domain_id=domain_id,
                domain_id=domain_id,
            )
        return v3.Password(
            url,
            conf.stack_domain_admin_password,
            username=conf.stack_domain_admin,
            user_domain_name=domain_name,
            domain_name=domain_name,
        )
