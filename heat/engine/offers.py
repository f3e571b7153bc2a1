"""What stacks offer and take, and what protects them: reads and two marks, for the AWS front-end.

Purpose: list exports and importers, set a stack's termination protection and its policy, roll
it back on request. Invariant: a project sees its own only.
Interface: RPC methods that the classic does not have. Neighbours: ``exchange`` keeps exports
true, ``intake`` makes wishes durable, ``api.cfn`` asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import connect, exports, resources, stacks
from heat.engine import render, repeats, settings
from heat.engine.intake import Intake
from heat.model.stack import Stack
from heat.model.status import Action, Status

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

        return list(connect.reading(self._intake.database, load))

    def list_imports(self, context: RequestContext, name: str) -> list[str]:
        """Names of the stacks that import an export; NotFound if there is no such export."""
        tenant = context.tenant_id or ''

        def load(conn: Connection) -> list[str] | None:
            if not exports.published(conn, tenant, self._intake.crypt, {name}):
                return None
            return [user for user, _user_id in exports.importers(conn, tenant, {name}).get(name, [])]

        found = connect.reading(self._intake.database, load)
        if found is None:
            raise render.missing(f'Export {name} does not exist')
        return list(found)

    def get_processed_template(self, context: RequestContext, stack_identity: Args) -> Json:
        """A stack's template with its macros worked out."""
        stack = self._intake.find(context, stack_identity)

        def load(conn: Connection) -> Any:
            return self._intake.loader.compiled(conn, stack.identity, stack.template_id).template.processed

        return dict(render.plain(connect.reading(self._intake.database, load)))

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

    def get_stack_policy(self, context: RequestContext, stack_identity: Args) -> str | None:
        """The text of a stack's policy."""
        stack = self._intake.find(context, stack_identity)
        found: dict[str, Any] = connect.reading(self._intake.database, settings.of, stack.id)
        return found.get('policy')

    def set_stack_policy(self, context: RequestContext, stack_identity: Args, policy: str) -> None:
        """The policy of updates to come; StackValidationFailed for a faulty one."""
        stack = self._intake.find(context, stack_identity)
        if stack.owner_id is not None:
            raise errors.NotSupported(feature='A policy of a nested stack by itself')
        settings.check(policy)

        connect.writing(self._intake.database, settings.change, stack.id, {'policy': policy})

    def stack_rollback(self, context: RequestContext, stack_identity: Args,
                       client_request_token: str | None = None, again: bool = False,
                       skip: Sequence[str] | None = None, force: bool = False,
                       retain_except_on_create: bool = False) -> Json:
        """Back to what last stood, from a failed creation or update; returns the identity.

        With ``again`` from a rollback of an update that has failed itself, past the failed
        resources of the names ``skip`` (``group/0`` inside a nested stack), with ``force`` past
        all of them. Said twice with the same token it is one rollback. NotSupported in another state.
        """
        intake, stack = self._intake, self._intake.find(context, stack_identity)
        asked = repeats.request(Action.ROLLBACK, {
            repeats.TOKEN: client_request_token, 'again': again, 'skip': sorted(skip or ()), 'force': force,
            'retain_except_on_create': retain_except_on_create})
        with connect.read(intake.database) as conn:
            if repeats.repeated(conn, stack.tenant, stack.name, asked, intake.crypt):
                return stack.identity.to_wire()
        if not _can_go_back(stack, again):
            raise errors.NotSupported(feature=f'Rolling back when stack is {stack.action}_{stack.status}')
        intake.check_stored(stack, stack.prev_template_id)
        options = settings.options({'retain_except_on_create': retain_except_on_create})
        if skip or force:
            options['skip'] = self._skipped(stack, skip or (), force)
        try:
            intake.wish(context, stack, Action.ROLLBACK, stack.timeout, template_id=stack.prev_template_id,
                        options=options, also=repeats.kept(asked, intake.crypt))
        except errors.ConcurrentTransaction:
            # It came twice at once; unless the other asks for something else, they are one.
            connect.reading(intake.database, repeats.repeated, stack.tenant, stack.name, asked, intake.crypt)
        return stack.identity.to_wire()

    def _skipped(self, stack: Stack, names: Sequence[str], every: bool) -> list[str]:
        """Paths of resources that have failed; StackValidationFailed if one of ``names`` has not."""
        def load(conn: Connection) -> set[str]:
            prefixes = {stack.id: ''}
            for one in stacks.tree(conn, stack.root_id):
                if one.owner_id in prefixes:
                    prefixes[one.id] = f'{prefixes[one.owner_id]}{one.parent_resource_name}/'
            return {prefixes[row.stack_id] + row.name for row in resources.light_rows(conn, list(prefixes))
                    if row.status is Status.FAILED}

        failed: set[str] = connect.reading(self._intake.database, load)
        wrong = sorted(set(names) - failed)
        if wrong:
            raise errors.StackValidationFailed(message=(
                f'The resources [{", ".join(wrong)}] of stack {stack.name} cannot be skipped: they are not '
                'there, or have not failed.'))
        # A nested stack that has failed because of one inside it is gone through, not past.
        outer = {path for path in failed if any(other.startswith(f'{path}/') for other in failed)}
        return sorted(failed - outer) if every else sorted(set(names))

def _can_go_back(stack: Stack, again: bool) -> bool:
    if stack.status is not Status.FAILED:
        return False
    if again:
        return stack.action is Action.ROLLBACK and stack.prev_template_id is not None
    return stack.action is Action.CREATE or (
        stack.action is Action.UPDATE and stack.prev_template_id is not None)
