"""What stacks of a project offer each other: exports made, taken, and kept from changing.

Purpose: the transactions around exports: names reserved and imports noted when a request
is taken in, values published when a stack stands. Invariant: what a stack imports can
neither change nor go while it stands; a name belongs to one stack of a project.
Neighbours: ``intake`` and ``carry`` call, ``db.exports`` stores, ``borrow`` lends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.clouds.credential import Credential
from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.db import connect, exports, leases, resources, stacks, templates
from heat.db.secrets import Cipher
from heat.engine.borrow import Lender
from heat.engine.compiled import Compiled
from heat.engine.loader import Loader
from heat.engine.outputs import Standing
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action
from heat.plan.exports import export_names
from heat.plan.traversal import Wanted


def as_kept(row: Row, kind: Any, names: tuple[Any, ...], stack: Stack) -> dict[str, Any] | None:
    """Reads nothing anew: what the rows hold will do."""
    return None


class Exchange:
    """``live`` reads attributes anew from the cloud for outputs of other stacks (engine.live).

    ``zones`` asks the cloud for the zones of its compute service.
    """

    def __init__(self, database: Engine, crypt: Cipher, clock: Clock, loader: Loader,
                 live: Callable[..., dict[str, Any] | None] = as_kept,
                 zones: Callable[[Credential | None], Collection[str]] = lambda credential: ()) -> None:
        self._zones = zones
        self._database = database
        self._crypt = crypt
        self._clock = clock
        self._loader = loader
        self._live = live

    # -- taking in ---------------------------------------------------------------------------------

    def lender(self, context: RequestContext) -> Lender:
        """For one request of the context's project."""
        return self.lender_of(context.tenant_id or '', lambda: Credential.of_request(context))

    def lender_of(self, tenant: str, credential: Callable[[], Credential | None]) -> Lender:
        """For one stack of the project."""
        return Lender(self._database, self._crypt, tenant, self._loader.region,
                      lambda stack, name: self._output(tenant, stack, name),
                      lambda: self._zones(credential()))

    def _output(self, tenant: str, name: str, output: str) -> Any:
        def load(conn: Connection) -> tuple[Stack, Any, list[Row]]:
            stack = stacks.find_by_name(conn, name, tenant)
            parts = None if stack is None else templates.load_template(conn, stack.template_id, self._crypt)
            if stack is None or parts is None:
                raise errors.EntityNotFound(entity='Stack', name=name)
            return stack, parts, resources.rows_of_stack(conn, stack.id, self._crypt)

        stack, parts, rows = connect.reading(self._database, load)
        compiled = self._loader.compile(stack.identity, *parts)
        told = Standing(stack, compiled, rows, self._live, lambda row: None).outputs(output)
        if not told:
            raise ValueError(f'Stack {name} has no output named {output}.')
        if told[0].get('output_error'):
            raise ValueError(f'The output {output} of stack {name} has no value: {told[0]["output_error"]}')
        return told[0]['output_value']

    def claim(self, conn: Connection, stack: Stack, compiled: Compiled, wanted: Wanted) -> None:
        """In the transaction of a create or update: reserve what it exports, note what it imports.

        StackValidationFailed for a name that another stack has, for an export that vanished
        meanwhile, and for one that would vanish though others import it.
        """
        now = self._clock.now()
        names = set(export_names(wanted.template, wanted.facts))
        faults = [f'Export with name {name} is already exported by stack {self._name(conn, owner)}.'
                  for name, owner in exports.reserve(conn, stack.id, stack.tenant, names, now).items()]
        faults += self._held(conn, stack, exports.names_of(conn, stack.id) - names, 'deleted')
        imports = set(compiled.borrowed.imports)
        there = {one.name for one in exports.published(conn, stack.tenant, self._crypt, imports)
                 } if imports else set()
        faults += [f'No export named {name} found.' for name in sorted(imports - there)]
        if faults:
            raise errors.StackValidationFailed(message='\n'.join(faults))
        exports.add_imports(conn, stack.id, stack.tenant, imports, now)

    def note_imports(self, root_id: str, tenant: str, names: Collection[str]) -> None:
        """A root stack that is being worked on imports these as well.

        StackValidationFailed for an export that vanished meanwhile.
        """
        def run() -> None:
            with connect.write(self._database) as conn:
                exports.add_imports(conn, root_id, tenant, names, self._clock.now())
                gone = set(names) - {one.name for one in exports.published(conn, tenant, self._crypt, names)}
                if gone:
                    raise errors.StackValidationFailed(
                        message='\n'.join(f'No export named {name} found.' for name in sorted(gone)))

        if names:
            connect.offload(self._database, run)

    def check_deletion(self, conn: Connection, stack: Stack) -> None:
        """NotSupported while another stack imports what this one, or one nested in it, exports."""
        names: set[str] = set()
        for one in stacks.tree(conn, stack.id):
            names |= exports.names_of(conn, one.id)
        faults = self._held(conn, stack, names, 'deleted')
        if faults:
            raise errors.NotSupported(feature=f'{faults[0]} Deleting stack {stack.name}')

    # -- standing ----------------------------------------------------------------------------------

    def publish(self, stack: Stack, engine_id: str, fence: int, values: Mapping[str, Any],
                imports: Collection[str]) -> str | None:
        """Give a stack's exports their values at the end of its goal; the reason if that cannot be.

        May be repeated. Nothing is done, and nothing said, by an engine that lost the tree.
        """
        def run(conn: Connection) -> str | None:
            if not leases.hold(conn, engine_id, {stack.root_id: fence}):
                return None
            return self._published(conn, stack, values, imports)

        return connect.writing(self._database, run)

    def _published(self, conn: Connection, stack: Stack, values: Mapping[str, Any],
                   imports: Collection[str]) -> str | None:
        taken = exports.reserve(conn, stack.id, stack.tenant, values, self._clock.now())
        for name, owner in taken.items():
            return f'Export with name {name} is already exported by stack {self._name(conn, owner)}'
        old = exports.of_stack(conn, stack.id, self._crypt)
        changed = {name for name, value in old.items() if name in values and values[name] != value}
        for sentence in (*self._held(conn, stack, changed, 'updated'),
                         *self._held(conn, stack, set(old) - set(values), 'deleted')):
            return sentence.rstrip('.')
        exports.publish(conn, stack.id, values, self._crypt, self._clock.now())
        if stack.owner_id is None:
            exports.keep_imports(conn, stack.id, imports)
        return None

    def _held(self, conn: Connection, stack: Stack, names: Collection[str], what: str) -> list[str]:
        """Sentences for those of ``names`` that stacks outside of this one's tree import."""
        found = []
        for name, users in exports.importers(conn, stack.tenant, names).items():
            others = [user for user, user_id in users if user_id != stack.root_id]
            if others:
                found.append(f'Export {name} cannot be {what} as it is in use by {" and ".join(others)}.')
        return found

    def _name(self, conn: Connection, stack_id: str) -> str:
        found = stacks.load_stack(conn, stack_id, show_deleted=True)
        return found.name if found is not None else stack_id


def publishes(action: Action) -> bool:
    """Whether the end of such a goal changes what a stack exports."""
    return action in (Action.CREATE, Action.UPDATE, Action.ROLLBACK, Action.ADOPT, Action.RESTORE)
