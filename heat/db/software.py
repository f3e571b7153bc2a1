"""Software configurations and deployments.

Purpose: store and find what in-instance agents read and answer. Invariant: a
configuration never changes; it cannot be deleted while a deployment uses it.
Neighbours: ``engine.software`` and the types OS::Heat::Software*.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from heat.db import paging
from heat.db.schema import software_config, software_deployment


@dataclass(frozen=True, slots=True)
class SoftwareConfig:
    """``config`` holds the keys inputs, outputs, options and config."""

    id: str
    name: str | None
    group: str | None
    tenant: str
    config: dict[str, Any] = field(default_factory=dict)
    created_at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class SoftwareDeployment:
    """One configuration applied to one server. ``updated_at`` stays None until its first change."""

    id: str
    config_id: str
    server_id: str
    tenant: str
    stack_user_project_id: str | None = None
    input_values: dict[str, Any] = field(default_factory=dict)
    output_values: dict[str, Any] | None = None
    action: str | None = None
    status: str | None = None
    status_reason: str | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


class ConfigInUse(Exception):
    """A configuration that deployments still refer to."""


_CONFIG = ('id', 'name', 'group', 'tenant', 'config', 'created_at')
_DEPLOYMENT = tuple(SoftwareDeployment.__dataclass_fields__)
_CHANGEABLE = {'config_id', 'input_values', 'output_values', 'action', 'status', 'status_reason',
               'updated_at'}


def insert_config(conn: Connection, value: SoftwareConfig, now: datetime.datetime) -> SoftwareConfig:
    """Store; returns the value with its creation time."""
    row = {name: getattr(value, name) for name in _CONFIG} | {'created_at': now}
    conn.execute(sa.insert(software_config), [row])
    return SoftwareConfig(**row)


def _config(row: Any) -> SoftwareConfig:
    return SoftwareConfig(**{name: row[name] for name in _CONFIG if name != 'config'},
                          config=row['config'] or {})


def load_config(conn: Connection, config_id: str, tenant: str | None) -> SoftwareConfig | None:
    """The configuration, if it belongs to ``tenant`` (None: anybody)."""
    query = sa.select(software_config).where(software_config.c.id == config_id)
    if tenant is not None:
        query = query.where(software_config.c.tenant == tenant)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _config(row)


def list_configs(conn: Connection, tenant: str | None, limit: int | None = None,
                 marker: str | None = None) -> list[SoftwareConfig]:
    """Newest first, after the id ``marker``; an unknown marker means from the start."""
    query = sa.select(software_config)
    if tenant is not None:
        query = query.where(software_config.c.tenant == tenant)
    after = None
    if marker:
        after = conn.execute(query.where(software_config.c.id == marker)).mappings().one_or_none()
    query = paging.page(query, [software_config.c.created_at, software_config.c.id], True, limit, after)
    return [_config(row) for row in conn.execute(query).mappings()]


def count_configs(conn: Connection, tenant: str | None) -> int:
    query = sa.select(sa.func.count()).select_from(software_config)
    if tenant is not None:
        query = query.where(software_config.c.tenant == tenant)
    return int(conn.execute(query).scalar_one())


def delete_config(conn: Connection, config_id: str) -> bool:
    """False if it was not there; ConfigInUse if a deployment refers to it."""
    if conn.execute(sa.select(software_deployment.c.id).where(
            software_deployment.c.config_id == config_id).limit(1)).scalar() is not None:
        raise ConfigInUse(config_id)
    try:
        with conn.begin_nested():
            result = conn.execute(sa.delete(software_config).where(software_config.c.id == config_id))
    except IntegrityError:
        raise ConfigInUse(config_id) from None
    return bool(result.rowcount)


def insert_deployment(conn: Connection, value: SoftwareDeployment,
                      now: datetime.datetime) -> SoftwareDeployment:
    """Store; IntegrityError if the configuration does not exist."""
    row = {name: getattr(value, name) for name in _DEPLOYMENT} | {'created_at': now}
    conn.execute(sa.insert(software_deployment), [row])
    return SoftwareDeployment(**row)


def _deployment(row: Any) -> SoftwareDeployment:
    return SoftwareDeployment(**{**{name: row[name] for name in _DEPLOYMENT},
                                 'input_values': row['input_values'] or {}})


def _of(tenant: str | None) -> list[sa.ColumnElement[bool]]:
    if tenant is None:
        return []
    return [sa.or_(software_deployment.c.tenant == tenant,
                   software_deployment.c.stack_user_project_id == tenant)]


def load_deployment(conn: Connection, deployment_id: str, tenant: str | None) -> SoftwareDeployment | None:
    """The deployment, if ``tenant`` is its project or its stack-user project."""
    row = conn.execute(sa.select(software_deployment).where(
        software_deployment.c.id == deployment_id, *_of(tenant))).mappings().one_or_none()
    return None if row is None else _deployment(row)


def list_deployments(conn: Connection, tenant: str | None,
                     server_id: str | None = None) -> list[SoftwareDeployment]:
    """Oldest first: the order in which a server's agent applies them."""
    query = sa.select(software_deployment).where(*_of(tenant))
    if server_id is not None:
        query = query.where(software_deployment.c.server_id == server_id)
    query = query.order_by(software_deployment.c.created_at, software_deployment.c.id)
    return [_deployment(row) for row in conn.execute(query).mappings()]


def count_deployments(conn: Connection, tenant: str | None) -> int:
    return int(conn.execute(sa.select(sa.func.count()).select_from(software_deployment).where(
        *_of(tenant))).scalar_one())


def update_deployment(conn: Connection, deployment_id: str, *, only_if_status: str | None = None,
                      **changes: Any) -> int:
    """Change a deployment, with ``only_if_status`` only while it has that status; returns the hits."""
    wrong = set(changes) - _CHANGEABLE
    if wrong:
        raise TypeError(f'not changeable on a deployment: {sorted(wrong)}')
    where = [software_deployment.c.id == deployment_id]
    if only_if_status is not None:
        where.append(software_deployment.c.status == only_if_status)
    return int(conn.execute(sa.update(software_deployment).where(*where).values(changes)).rowcount)


def delete_deployment(conn: Connection, deployment_id: str) -> bool:
    """False if it was not there."""
    return bool(conn.execute(sa.delete(software_deployment).where(
        software_deployment.c.id == deployment_id)).rowcount)
