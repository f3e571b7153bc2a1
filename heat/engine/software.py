"""Software configurations and deployments: made, shown, changed, deleted.

Purpose: the RPC methods over ``db.software``; what agents inside instances poll.
Invariant: a configuration is not deleted while a deployment uses it; a project
sees its own, and what its stack users deploy; a resource that stands for a
deployment hears of each change in the same commit. Neighbours: ``service``
dispatches here, ``deployed`` takes signals in, ``render`` shapes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oslo_config import cfg
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common import errors, green, text
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.common.ids import new_id
from heat.db import connect, software, stacks
from heat.db.secrets import Cipher
from heat.engine import deployed, render
from heat.engine.backlog import Backlog
from heat.engine.reads_stored import reach
from heat.model.software import IN_PROGRESS, SoftwareConfig, SoftwareDeployment

TYPES = ('String', 'Number', 'CommaDelimitedList', 'Json', 'Boolean')
# Clients that derive a configuration for a deployment give its inputs values.
INPUT_KEYS = ('name', 'description', 'type', 'default', 'replace_on_change', 'value')
OUTPUT_KEYS = ('name', 'description', 'type', 'error_output')
# Widths of the columns, told to the caller instead of failing in the server.
WIDTHS = {'server_id': 36, 'stack_user_project_id': 64, 'name': 255, 'group': 255, 'action': 255,
          'status': 255}
# How often somebody who waits for a deployment looks at it, in seconds.
FIRST_LOOK, LONGEST_LOOK = 0.2, 5.0


class Software:
    """Methods of the RPC interface; names and arguments are the contract's."""

    def __init__(self, database: Engine, conf: cfg.ConfigOpts, crypt: Cipher, clock: Clock,
                 poke: Callable[[str], None], sleep: Callable[[float], None] = green.sleep,
                 tell: Callable[[str | None, str], None] = lambda tenant, server_id: None) -> None:
        """``tell(tenant, server_id)`` lets a server know what is deployed on it, if it does not ask."""
        self._database = database
        self._conf = conf
        self._crypt = crypt
        self._clock = clock
        self._poke = poke
        self._sleep = sleep
        self._tell_server = tell

    # -- configurations ----------------------------------------------------------------------------

    def create_software_config(self, context: RequestContext, group: str | None, name: str | None,
                               config: Any, inputs: Sequence[Mapping[str, Any]] | None,
                               outputs: Sequence[Mapping[str, Any]] | None,
                               options: Mapping[str, Any] | None) -> dict[str, Any]:
        """Store a configuration; Invalid for inputs or outputs that are none."""
        _fit(name=name, group=group)
        _check('input', inputs, INPUT_KEYS)
        _check('output', outputs, OUTPUT_KEYS)
        value = SoftwareConfig(new_id(), name, group, context.tenant_id or '', {
            'config': config, 'inputs': list(inputs or ()), 'outputs': list(outputs or ()),
            'options': dict(options or {})})

        def create(conn: Connection) -> SoftwareConfig:
            _room('software configs', software.count_configs(conn, value.tenant),
                  self._conf.max_software_configs_per_tenant)
            return software.insert_config(conn, value, self._clock.now(), self._crypt)

        return render.config(connect.writing(self._database, create))

    def show_software_config(self, context: RequestContext, config_id: str) -> dict[str, Any]:
        return render.config(connect.reading(self._database, self._config, context, config_id))

    def list_software_configs(self, context: RequestContext, limit: int | None = None,
                              marker: str | None = None, tenant_safe: bool = True) -> list[dict[str, Any]]:
        """Newest first, without contents; an admin sees all projects' and whose they are."""
        everywhere = context.is_admin or not tenant_safe
        found = connect.reading(self._database, software.list_configs,
                                None if everywhere else reach(context), limit, marker)
        return [render.config_row(one, everywhere) for one in found]

    def delete_software_config(self, context: RequestContext, config_id: str) -> None:
        """NotFound; SoftwareConfigInUse while a deployment uses it."""
        def delete(conn: Connection) -> None:
            self._config(conn, context, config_id)
            try:
                software.delete_config(conn, config_id)
            except software.ConfigInUse:
                raise errors.SoftwareConfigInUse(config=config_id) from None

        connect.writing(self._database, delete)

    def _config(self, conn: Connection, context: RequestContext, config_id: str | None) -> SoftwareConfig:
        found = software.load_config(conn, config_id, reach(context), self._crypt) if config_id else None
        if found is None:
            raise render.missing(f'Software config with id {config_id} not found')
        return found

    # -- deployments -------------------------------------------------------------------------------

    def create_software_deployment(self, context: RequestContext, server_id: str | None,
                                   config_id: str | None, input_values: Mapping[str, Any] | None,
                                   action: str | None, status: str | None, status_reason: str | None,
                                   stack_user_project_id: str | None,
                                   deployment_id: str | None = None) -> dict[str, Any]:
        """Apply a configuration to a server; NotFound for the configuration, Invalid for the rest."""
        if not server_id:
            raise errors.Invalid(reason='"server_id" is required')
        _fit(server_id=server_id, stack_user_project_id=stack_user_project_id, action=action, status=status)

        def create(conn: Connection) -> SoftwareDeployment:
            self._config(conn, context, config_id)
            _check_users(conn, context, stack_user_project_id)
            _room('software deployments', software.count_deployments(conn, context.tenant_id or ''),
                  self._conf.max_software_deployments_per_tenant)
            return software.insert_deployment(conn, SoftwareDeployment(
                deployment_id or new_id(), str(config_id), server_id, context.tenant_id or '',
                stack_user_project_id, dict(input_values or {}), None, action, status,
                # Existing clients get the word where no reason was given.
                str(status_reason)), self._clock.now(), self._crypt)

        made = connect.writing(self._database, create)
        self._tell_server(reach(context), server_id)
        return render.deployment(made)

    def show_software_deployment(self, context: RequestContext, deployment_id: str) -> dict[str, Any]:
        return render.deployment(connect.reading(self._database, self._deployment, context, deployment_id))

    def list_software_deployments(self, context: RequestContext, server_id: str | None = None,
                                  ) -> list[dict[str, Any]]:
        """All, or those of one server, oldest first."""
        return [render.deployment(one) for one in connect.reading(
            self._database, software.list_deployments, reach(context), server_id, self._crypt)]

    def update_software_deployment(self, context: RequestContext, deployment_id: str,
                                   config_id: str | None = None,
                                   input_values: Mapping[str, Any] | None = None,
                                   output_values: Mapping[str, Any] | None = None,
                                   action: str | None = None, status: str | None = None,
                                   status_reason: str | None = None,
                                   updated_at: str | None = None) -> dict[str, Any]:
        """Change what is given and not null; ``updated_at`` is ISO 8601, now if it is null."""
        _fit(action=action, status=status)
        given = {'config_id': config_id, 'input_values': input_values, 'output_values': output_values,
                 'action': action, 'status': status, 'status_reason': status_reason}
        changes: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None}
        when = _parsed(updated_at) if updated_at else self._clock.now()

        def update(conn: Connection) -> tuple[SoftwareDeployment, list[str]]:
            found = self._deployment(conn, context, deployment_id)
            if config_id is not None and config_id != found.config_id:
                self._config(conn, context, config_id)
            software.update_deployment(conn, deployment_id, self._crypt, **{**changes, 'updated_at': when})
            after = self._deployment(conn, context, deployment_id)
            roots = []
            if changes.keys() & {'status', 'status_reason', 'output_values'}:
                roots = deployed.pass_on(conn, deployment_id, deployed.state_of(after), self._crypt, when,
                                         backlog=Backlog.of(self._conf))
            return after, roots

        after, roots = connect.writing(self._database, update)
        self._tell(roots)
        if config_id is not None:
            self._tell_server(reach(context), after.server_id)
        return render.deployment(after)

    def signal_software_deployment(self, context: RequestContext, deployment_id: str,
                                   details: Mapping[str, Any] | None,
                                   updated_at: str | None = None) -> str | None:
        """Take a server's word on a deployment in progress: the sentence of it, None if it does not count."""
        if not deployment_id:
            raise errors.Invalid(reason='"deployment_id" is required')
        when = _parsed(updated_at) if updated_at else self._clock.now()

        def take(conn: Connection) -> tuple[str | None, list[str]]:
            found = self._deployment(conn, context, deployment_id)
            word = deployed.take(conn, found, details, self._crypt, when)
            if word is None:
                return None, []
            return word.event, deployed.pass_on(conn, deployment_id, word, self._crypt, when, found.config_id,
                                                Backlog.of(self._conf))

        said, roots = connect.writing(self._database, take)
        self._tell(roots)
        return said

    def check_software_deployment(self, context: RequestContext, deployment_id: str,
                                  timeout: float) -> dict[str, Any]:
        """The deployment once it is no longer in progress, or as it is after ``timeout`` seconds."""
        try:
            end = self._clock.monotonic() + float(timeout)
        except (TypeError, ValueError):
            raise errors.Invalid(reason=f'"timeout" is {timeout!r}, which is no number of seconds') from None
        pause = FIRST_LOOK
        while True:
            found = connect.reading(self._database, self._deployment, context, deployment_id)
            left = end - self._clock.monotonic()
            if found.status != IN_PROGRESS or left <= 0:
                return render.deployment(found)
            self._sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_LOOK)

    def delete_software_deployment(self, context: RequestContext, deployment_id: str) -> None:
        """NotFound if it is not there."""
        def delete(conn: Connection) -> tuple[str, list[str]]:
            found = self._deployment(conn, context, deployment_id)
            software.delete_deployment(conn, deployment_id)
            return found.server_id, deployed.pass_on(
                conn, deployment_id, deployed.gone(deployment_id), self._crypt, self._clock.now())

        server_id, roots = connect.writing(self._database, delete)
        self._tell(roots)
        self._tell_server(reach(context), server_id)

    def metadata_software_deployments(self, context: RequestContext, server_id: str) -> list[dict[str, Any]]:
        """The configurations to apply on a server, in order: what its agent polls."""
        return [render.config(one) for one in connect.reading(
            self._database, software.configs_of_server, reach(context), server_id, self._crypt)]

    def _deployment(self, conn: Connection, context: RequestContext,
                    deployment_id: str) -> SoftwareDeployment:
        found = software.load_deployment(conn, deployment_id, reach(context), self._crypt)
        if found is None:
            raise render.missing(f'Deployment with id {deployment_id} not found')
        return found

    def _tell(self, roots: Sequence[str]) -> None:
        for root_id in roots:
            self._poke(root_id)

def _room(what: str, count: int, most: int) -> None:
    """RequestLimitExceeded if a project has as many as it may have; -1 means no limit."""
    if 0 <= most <= count:
        raise errors.RequestLimitExceeded(message=(
            f'You have reached the maximum {what} per tenant, {most}. Please delete some {what}.'))


def _check_users(conn: Connection, context: RequestContext, project: str | None) -> None:
    """Invalid unless ``project`` is the caller's, or one of users of the caller's stacks.

    What is deployed is visible there, and run by the servers of those who look.
    """
    if project is None or context.is_admin or project == context.tenant_id:
        return
    if not stacks.is_user_project(conn, project, context.tenant_id or ''):
        raise errors.Invalid(reason='"stack_user_project_id" is no project of users of your stacks')


def _fit(**values: str | None) -> None:
    """Invalid for the first value that does not fit into its column."""
    for name, value in values.items():
        flaw = None if value is None else text.flaw(str(value), WIDTHS[name])
        if flaw:
            raise errors.Invalid(reason=f'"{name}" {flaw}')


def _check(what: str, given: Sequence[Mapping[str, Any]] | None, keys: Sequence[str]) -> None:
    """Invalid unless each of ``given`` has a name, known keys and a known type."""
    for one in given or ():
        unknown = [key for key in one if key not in keys]
        if not one.get('name'):
            raise errors.Invalid(reason=f'An {what} of a software config has no name')
        if unknown:
            raise errors.Invalid(reason=f'The {what} {one["name"]} has an unknown key "{unknown[0]}"')
        if one.get('type') is not None and one['type'] not in TYPES:
            raise errors.Invalid(reason=f'The {what} {one["name"]} has the type "{one["type"]}", '
                                        f'which is none of {", ".join(TYPES)}')


def _parsed(written: str) -> datetime.datetime:
    """A time as the columns keep it; Invalid if ``written`` is none."""
    try:
        value = datetime.datetime.fromisoformat(written)
    except ValueError:
        raise errors.Invalid(reason=f'"{written}" is not a time in ISO 8601') from None
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value.replace(microsecond=0)
