"""Who asks: the request context that travels from the API to the engine.

Purpose: identity, project, roles, request id and the credentials a request
brought. Invariant: ``to_wire`` is what crosses the bus; ``loggable`` is what may
reach a log line and holds no secret. Neighbours: ``api.filters`` makes it,
``bus`` carries it, ``clouds.session`` spends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from heat.common.ids import new_id


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request's identity; the names follow the classic context keys."""

    user_id: str | None = None
    username: str | None = None
    tenant_id: str | None = None
    tenant: str | None = None
    user_domain_id: str | None = None
    project_domain_id: str | None = None
    roles: tuple[str, ...] = ()
    is_admin: bool = False
    # Keystone may name one project whose administrators are those of the cloud.
    is_admin_project: bool = True
    auth_token: str | None = field(default=None, repr=False)
    auth_url: str | None = None
    password: str | None = field(default=None, repr=False)
    aws_creds: str | None = field(default=None, repr=False)
    trust_id: str | None = None
    trustor_user_id: str | None = None
    region_name: str | None = None
    service_catalog: tuple[Any, ...] = field(default=(), repr=False)
    system_scope: str | None = None
    # The request is for a stack at one of these generations; empty: at any.
    generations: tuple[int, ...] = ()
    request_id: str = field(default_factory=lambda: f'req-{new_id()}')

    def to_wire(self) -> dict[str, Any]:
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        data['roles'] = list(self.roles)
        data['generations'] = list(self.generations)
        data['service_catalog'] = list(self.service_catalog)
        return data

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> RequestContext:
        known = {f.name for f in fields(cls)}
        values = {k: v for k, v in data.items() if k in known}
        values['roles'] = tuple(values.get('roles') or ())
        values['generations'] = tuple(values.get('generations') or ())
        values['service_catalog'] = tuple(values.get('service_catalog') or ())
        return cls(**values)

    def loggable(self) -> dict[str, Any]:
        return {'request_id': self.request_id, 'user_id': self.user_id, 'project_id': self.tenant_id}
