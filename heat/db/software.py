"""Software configurations and deployments.

Purpose: store and find what in-instance agents read and answer. Invariant: a
configuration never changes; it cannot be deleted while a deployment uses it.
Contents, inputs and outputs may hold passwords and are encrypted. Neighbours:
``model.software`` has the values; ``engine.software`` serves, ``writer`` applies
what steps change.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from heat.db import paging
from heat.db.schema import software_config, software_deployment
from heat.db.secrets import Cipher, seal, unseal
from heat.model import software as model
from heat.model.software import SoftwareConfig, SoftwareDeployment

LOG = logging.getLogger(__name__)


class ConfigInUse(Exception):
    """A configuration that deployments still refer to."""


_SECRET = ('config', 'input_values', 'output_values')
_CONFIG = ('id', 'name', 'group', 'tenant', 'config', 'created_at')
_DEPLOYMENT = tuple(SoftwareDeployment.__dataclass_fields__)
_CHANGEABLE = {'config_id', 'input_values', 'output_values', 'action', 'status', 'status_reason',
               'updated_at'}
# What an encrypted value stands under in its column.
SEALED = '__sealed__'


def _sealed(crypt: Cipher, value: Any) -> Any:
    return None if value is None else {SEALED: list(seal(crypt, value))}


def _opened(crypt: Cipher, value: Any) -> Any:
    # Rows of the classic service are in clear.
    return unseal(crypt, *value[SEALED]) if isinstance(value, dict) and SEALED in value else value


def insert_config(conn: Connection, value: SoftwareConfig, now: datetime.datetime,
                  crypt: Cipher) -> SoftwareConfig:
    """Store; returns the value with its creation time."""
    row = {name: getattr(value, name) for name in _CONFIG} | {
        'config': _sealed(crypt, value.config), 'created_at': now}
    conn.execute(sa.insert(software_config), [row])
    return replace(value, created_at=now)


def _config(row: Any, crypt: Cipher | None) -> SoftwareConfig:
    """Without ``crypt`` the configuration comes without its contents."""
    content = _opened(crypt, row['config']) if crypt is not None else None
    return SoftwareConfig(**{name: row[name] for name in _CONFIG if name != 'config'}, config=content or {})


def load_config(conn: Connection, config_id: str, tenant: str | None, crypt: Cipher) -> SoftwareConfig | None:
    """The configuration, if it belongs to ``tenant`` (None: anybody)."""
    query = sa.select(software_config).where(software_config.c.id == config_id)
    if tenant is not None:
        query = query.where(software_config.c.tenant == tenant)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _config(row, crypt)


def list_configs(conn: Connection, tenant: str | None, limit: int | None = None,
                 marker: str | None = None) -> list[SoftwareConfig]:
    """Newest first, without contents, after the id ``marker``; an unknown marker means from the start."""
    query = sa.select(software_config)
    if tenant is not None:
        query = query.where(software_config.c.tenant == tenant)
    after = None
    if marker:
        after = conn.execute(query.where(software_config.c.id == marker)).mappings().one_or_none()
    query = paging.page(query, [software_config.c.created_at, software_config.c.id], True, limit, after)
    return [_config(row, None) for row in conn.execute(query).mappings()]


def configs_of_server(conn: Connection, tenant: str | None, server_id: str,
                      crypt: Cipher) -> list[SoftwareConfig]:
    """What is deployed on a server, in the order of the configurations' names: what its agent reads.

    A deployment must be visible to ``tenant``; its configuration may belong to the parent project.
    """
    query = sa.select(software_config, software_deployment.c.created_at.label('deployed_at'),
                      software_deployment.c.id.label('deployment_id')).select_from(
        software_deployment.join(software_config,
                                 software_config.c.id == software_deployment.c.config_id)).where(
        software_deployment.c.server_id == server_id, *_of(tenant))
    rows = conn.execute(query).mappings().all()
    ordered = sorted(rows, key=lambda row: (row['name'] or '', row['deployed_at'], row['deployment_id']))
    return [_config(row, crypt) for row in ordered]


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


def insert_deployment(conn: Connection, value: SoftwareDeployment, now: datetime.datetime,
                      crypt: Cipher) -> SoftwareDeployment:
    """Store; IntegrityError if the configuration does not exist."""
    row = {name: getattr(value, name) for name in _DEPLOYMENT} | {'created_at': now}
    conn.execute(sa.insert(software_deployment), [_hidden(row, crypt)])
    return replace(value, created_at=now)


def _hidden(columns: dict[str, Any], crypt: Cipher) -> dict[str, Any]:
    return {name: _sealed(crypt, value) if name in _SECRET else value for name, value in columns.items()}


def _deployment(row: Any, crypt: Cipher) -> SoftwareDeployment:
    values = {name: _opened(crypt, row[name]) if name in _SECRET else row[name] for name in _DEPLOYMENT}
    return SoftwareDeployment(**{**values, 'input_values': values['input_values'] or {}})


def _of(tenant: str | None) -> list[sa.ColumnElement[bool]]:
    if tenant is None:
        return []
    return [sa.or_(software_deployment.c.tenant == tenant,
                   software_deployment.c.stack_user_project_id == tenant)]


def load_deployment(conn: Connection, deployment_id: str, tenant: str | None,
                    crypt: Cipher) -> SoftwareDeployment | None:
    """The deployment, if ``tenant`` is its project or its stack-user project."""
    row = conn.execute(sa.select(software_deployment).where(
        software_deployment.c.id == deployment_id, *_of(tenant))).mappings().one_or_none()
    return None if row is None else _deployment(row, crypt)


def list_deployments(conn: Connection, tenant: str | None, server_id: str | None,
                     crypt: Cipher) -> list[SoftwareDeployment]:
    """All, or those of one server, oldest first."""
    query = sa.select(software_deployment).where(*_of(tenant))
    if server_id is not None:
        query = query.where(software_deployment.c.server_id == server_id)
    query = query.order_by(software_deployment.c.created_at, software_deployment.c.id)
    return [_deployment(row, crypt) for row in conn.execute(query).mappings()]


def count_deployments(conn: Connection, tenant: str | None) -> int:
    return int(conn.execute(sa.select(sa.func.count()).select_from(software_deployment).where(
        *_of(tenant))).scalar_one())


def update_deployment(conn: Connection, deployment_id: str, crypt: Cipher, *,
                      only_if_status: str | None = None, **changes: Any) -> int:
    """Change a deployment, with ``only_if_status`` only while it has that status; returns the hits."""
    wrong = set(changes) - _CHANGEABLE
    if wrong:
        raise TypeError(f'not changeable on a deployment: {sorted(wrong)}')
    where = [software_deployment.c.id == deployment_id]
    if only_if_status is not None:
        where.append(software_deployment.c.status == only_if_status)
    return int(conn.execute(sa.update(software_deployment).where(*where).values(
        _hidden(changes, crypt))).rowcount)


def delete_deployment(conn: Connection, deployment_id: str) -> bool:
    """False if it was not there."""
    return bool(conn.execute(sa.delete(software_deployment).where(
        software_deployment.c.id == deployment_id)).rowcount)


# -- changes that steps make -----------------------------------------------------------------------


def apply(conn: Connection, change: model.Change, now: datetime.datetime, crypt: Cipher) -> None:
    """Carry out a step's change, in the transaction that saves its row."""
    if isinstance(change, model.PutConfig):
        if not _there(conn, change.config.id):
            insert_config(conn, change.config, now, crypt)
    elif isinstance(change, model.DropConfig):
        _drop(conn, change.config_id)
    elif isinstance(change, model.Deploy):
        _deploy(conn, change, now, crypt)
    elif isinstance(change, model.Abandon):
        update_deployment(conn, change.deployment_id, crypt, only_if_status=model.IN_PROGRESS,
                          status=model.FAILED, status_reason=model.CANCELLED, updated_at=now)
    elif isinstance(change, model.Answered):
        if _config_of(conn, change.deployment_id) == change.config_id:
            update_deployment(conn, change.deployment_id, crypt, only_if_status=model.IN_PROGRESS,
                              status=change.word.status, status_reason=change.word.reason,
                              output_values=change.word.outputs, updated_at=now)
    else:
        made_for_it = _config_of(conn, change.deployment_id)
        delete_deployment(conn, change.deployment_id)
        if made_for_it is not None:
            _drop(conn, made_for_it)


def _deploy(conn: Connection, change: model.Deploy, now: datetime.datetime, crypt: Cipher) -> None:
    wanted = change.deployment
    before = _config_of(conn, wanted.id)
    if before == wanted.config_id:
        return
    if not _there(conn, change.config.id):
        insert_config(conn, change.config, now, crypt)
    if before is None:
        insert_deployment(conn, wanted, now, crypt)
        return
    update_deployment(conn, wanted.id, crypt, config_id=wanted.config_id, input_values=wanted.input_values,
                      action=wanted.action, status=wanted.status, status_reason=wanted.status_reason,
                      updated_at=now)
    _drop(conn, before)


def _there(conn: Connection, config_id: str) -> bool:
    return conn.execute(sa.select(software_config.c.id).where(
        software_config.c.id == config_id)).first() is not None


def _config_of(conn: Connection, deployment_id: str) -> str | None:
    return conn.execute(sa.select(software_deployment.c.config_id).where(
        software_deployment.c.id == deployment_id)).scalar()


def _drop(conn: Connection, config_id: str) -> None:
    try:
        delete_config(conn, config_id)
    except ConfigInUse:
        # Somebody deployed it by hand: it goes when they delete it.
        LOG.info('Software config %s stays, since a deployment refers to it.', config_id)
