"""What stacks offer and take, and what protects them: reads and one mark, for the AWS front-end.

Purpose: list exports and importers, tell what of a stack only CloudFormation's API shows, set
its termination protection, roll it back on request. Invariant: a project sees its own only.
Interface: RPC methods that the classic does not have. Neighbours: ``exchange`` keeps exports
true, ``intake`` makes wishes durable, ``api.cfn`` asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import connect, exports, stacks
from heat.engine import render, repeats
from heat.engine.intake import Intake
from heat.model.stack import Stack
from heat.model.status import Action, Status
from heat.plan.exports import export_names

Args = Mapping[str, Any]
Json = dict[str, Any]
PAGE = 100


class Offers:
    """Methods of the RPC interface."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def list_exports(self, context: RequestContext, marker: str | None = None,
                     limit: int | None = None) -> list[Json]:
        """``{'name', 'value', 'stack_identity'}`` by name, beyond the name ``marker``."""
        tenant, size = context.tenant_id or '', min(limit or PAGE, PAGE)

        def load(conn: Connection) -> list[Json]:
            found = exports.published(conn, tenant, self._intake.crypt, after=marker or '', limit=size)
            owners = {one.stack_id: stacks.load_stack(conn, one.stack_id) for one in found}
            return [{'name': one.name, 'value': render.plain(one.value),
                     'stack_identity': owner.identity.to_wire()}
                    for one in found if (owner := owners[one.stack_id]) is not None]

        return list(self._read(load))

    def list_imports(self, context: RequestContext, name: str) -> list[str]:
        """Names of the stacks that import an export; NotFound if there is no such export."""
        tenant = context.tenant_id or ''

        def load(conn: Connection) -> list[str] | None:
            if not exports.published(conn, tenant, self._intake.crypt, {name}):
                return None
            return [user for user, _user_id in exports.importers(conn, tenant, {name}).get(name, [])]

        found = self._read(load)
        if found is None:
            raise render.missing(f'Export {name} does not exist')
        return list(found)

    def stack_facts(self, context: RequestContext, stack_identity: Args) -> Json:
        """``termination_protection`` and ``export_names`` (output -> export) of a live stack."""
        stack = self._intake.find(context, stack_identity)

        def load(conn: Connection) -> Json:
            marks = stacks.extra_columns(conn, stack.root_id) or {}
            compiled = self._intake.loader.compiled(conn, stack.identity, stack.template_id)
            wanted = compiled.wanted()
            try:
                names = export_names(wanted.template, wanted.facts)
            except errors.StackValidationFailed:
                # What it imported is gone or not known yet; it exports nothing by now either.
                names = {}
            return {'termination_protection': bool(marks.get('termination_protection')),
                    'export_names': {output.name: name for name, output in names.items()}}

        shown: Json = self._read(load)
        return shown

    def get_processed_template(self, context: RequestContext, stack_identity: Args) -> Json:
        """A stack's template with its macros worked out."""
        stack = self._intake.find(context, stack_identity)

        def load(conn: Connection) -> Any:
            return self._intake.loader.compiled(conn, stack.identity, stack.template_id).template.processed

        return dict(render.plain(self._read(load)))

    def set_termination_protection(self, context: RequestContext, stack_identity: Args,
                                   enabled: bool) -> None:
        """Protect a stack from deletion, or no longer; NotSupported for a nested one."""
        stack = self._intake.find(context, stack_identity)
        if stack.owner_id is not None:
            raise errors.NotSupported(feature='Termination protection of a nested stack by itself')

        def store() -> None:
            with connect.write(self._intake.database) as conn:
                stacks.update_stack(conn, stack.id, termination_protection=bool(enabled))

        connect.offload(self._intake.database, store)

    def stack_rollback(self, context: RequestContext, stack_identity: Args,
                       client_request_token: str | None = None, again: bool = False) -> Json:
        """Back to what last stood, from a failed creation or update; returns the identity.

        With ``again`` from a rollback of an update that has failed itself. Said twice with
        the same token it is one rollback. NotSupported in another state.
        """
        intake, stack = self._intake, self._intake.find(context, stack_identity)
        with connect.read(intake.database) as conn:
            if repeats.repeated(conn, stack.tenant, stack.name, Action.ROLLBACK, client_request_token):
                return stack.identity.to_wire()
        if not _can_go_back(stack, again):
            raise errors.NotSupported(feature=f'Rolling back when stack is {stack.action}_{stack.status}')
        mark = repeats.mark(Action.ROLLBACK, client_request_token)
        intake.wish(context, stack, Action.ROLLBACK, stack.timeout, template_id=stack.prev_template_id,
                    changes={'client_request_token': mark} if mark else None)
        return stack.identity.to_wire()

    def _read(self, function: Any) -> Any:
        def run() -> Any:
            with connect.read(self._intake.database) as conn:
                return function(conn)

        return connect.offload(self._intake.database, run)


def _can_go_back(stack: Stack, again: bool) -> bool:
    if stack.status is not Status.FAILED:
        return False
    if again:
        return stack.action is Action.ROLLBACK and stack.prev_template_id is not None
    return stack.action is Action.CREATE or (
        stack.action is Action.UPDATE and stack.prev_template_id is not None)
