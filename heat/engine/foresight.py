"""What a creation or update would do, seen before it is done.

Purpose: the stack as it would be made, checked like the wish itself, and walked in a preview.
Invariant: nothing is changed; of an update that looks at the cloud first the preview has looked as
well. Neighbours: ``plans`` asks, ``intake`` checks, ``looking`` looks, ``expansion`` tells what is
nested, ``plan.preview`` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import Connection

from heat.clouds.credential import Credential
from heat.common.context import RequestContext
from heat.db import connect, stacks
from heat.engine import repeats, settings
from heat.engine.compiled import Compiled, at_leisure
from heat.engine.expansion import Expansion, Stored
from heat.engine.intake import Intake
from heat.engine.loader import restraints_of
from heat.engine.looking import Looker
from heat.model.outcome import Outcome
from heat.model.plan import Entry
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan.preview import Expand, Extent, Inner, Preview, Source

Args = Mapping[str, Any]
Json = dict[str, Any]
See = Callable[[Inner, Expand], Preview]
"""How far an update or creation is walked before it is done."""
NO_STACK = 'None'


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A plan with what it was made from. ``rows`` are those of the stack as it is."""

    stack: Stack
    compiled: Compiled
    entries: tuple[Entry, ...]
    expansion: Expansion
    rows: Mapping[str, Row]
    unchanged: bool = False


class Foresight:
    """Previews of wishes, over one intake."""

    def __init__(self, intake: Intake, looker: Looker | None = None) -> None:
        """Without a ``looker`` nothing in the cloud is looked at before."""
        self._intake = intake
        if looker is None and intake.performer is not None:
            looker = Looker(intake.loader, intake.clock, intake.performer.perform_now)
        self._looker = looker

    def new(self, context: RequestContext, stack_name: Any, template: Args, params: Args | None,
            files: Mapping[str, str] | None, args: Args, environment_files: Sequence[str] | None,
            files_container: str | None) -> Foreseen:
        """The creation of a stack; arguments and errors are those of ``intake.create_stack``."""
        identity, compiled, _wanted = self._intake.check_new(
            context, stack_name, template, params, files, args, environment_files, files_container,
            identity=NO_STACK)
        stack = Stack(
            id=NO_STACK, name=identity.stack_name, tenant=identity.tenant, root_id=NO_STACK, template_id=0,
            username=context.username, disable_rollback=bool(args.get('disable_rollback', True)),
            timeout=args.get('timeout_mins'), tags=tuple(args.get('tags') or ()),
            created_at=self._intake.clock.now())
        return self._foresee(stack, Goal(NO_STACK, 1, Action.CREATE, 0), compiled, None,
                             Stored(self._intake.database, self._intake.crypt))

    def update(self, context: RequestContext, stack_identity: Args, template: Args | None,
               params: Args | None, files: Mapping[str, str] | None, args: Args,
               environment_files: Sequence[str] | None, files_container: str | None,
               extent: Extent = Extent.WHOLE, only: frozenset[str] | None = None) -> Foreseen:
        """An update; arguments and errors are those of ``intake.update_stack``.

        ``extent`` and ``only`` (names of resources) say how much of the tree is asked about (``Preview``).
        """
        stack, compiled, kept = self._intake.check_update(
            context, stack_identity, template, params, files, args, environment_files, files_container)
        observes = self._looker is not None and self._intake.observes(stack, args)
        # What is in the cloud is looked at for all of the tree at once.
        every = (extent is Extent.WHOLE and only is None) or observes
        kept_settings, rows = self._load(stack, every)
        options = settings.options(args, kept_settings)
        if args.get('guard'):
            options['guard'] = list(args['guard'])
        looked: dict[str, Outcome] = {}
        if self._looker is not None and observes:
            options['observe'] = True
            looked = self._looker.look(rows.tree, rows.every(), self._credential(stack))
        goal = Goal(stack.id, stack.goal_seq + 1, Action.UPDATE, 0, options=options)
        tags = tuple(args['tags'] or ()) if 'tags' in args else stack.tags if args.get('existing') else ()
        foreseen = self._foresee(replace(stack, tags=tags), goal, compiled, kept, rows,
                                 lambda inner, expand: Preview(inner, expand, looked, extent, only))
        return replace(foreseen, stack=stack, unchanged=stack.status is Status.COMPLETE
                       and repeats.unchanged(compiled, kept))

    def _load(self, stack: Stack, every: bool) -> tuple[Json, Stored]:
        """Settings of the stack; its rows, and with ``every`` those of the whole tree at once."""
        def load(conn: Connection) -> tuple[Json, Stored]:
            rows = Stored(self._intake.database, self._intake.crypt, stacks.tree(conn, stack.root_id))
            rows.read(conn, None if every else stack.id)
            return settings.of(conn, stack.id), rows

        return connect.reading(self._intake.database, load)

    def _credential(self, stack: Stack) -> Credential | None:
        """That of the stack: a plan sees what the update will see."""
        with connect.read(self._intake.database) as conn:
            root = stack if stack.id == stack.root_id else stacks.load_stack(conn, stack.root_id)
            return None if root is None else self._intake.loader.credential(conn, root)

    def _foresee(self, stack: Stack, goal: Goal, compiled: Compiled, kept: Compiled | None, rows: Stored,
                 see: See = Preview) -> Foreseen:
        def work() -> Foreseen:
            return self._foreseen(stack, goal, compiled, kept, rows, see)

        # Of nested stacks that are there the database is asked, which belongs to the hub.
        return work() if len(rows.tree) > 1 else at_leisure(compiled.template.raw, work)

    def _foreseen(self, stack: Stack, goal: Goal, compiled: Compiled, kept: Compiled | None, rows: Stored,
                  see: See) -> Foreseen:
        restraints = restraints_of(compiled)
        expansion = Expansion(self._intake.loader, self._intake.database, compiled, goal, restraints, rows)
        templates = [compiled.template, *([kept.template] if kept is not None else [])]
        source = Source(compiled.template.resources, kept.template.resources if kept is not None else {},
                        changed_parameters(compiled, kept), frozenset(
                            name for one in templates for name, value in one.parameters.items()
                            if value.hidden))
        inner = Inner(stack, goal, compiled.wanted(), rows.of(stack.id), compiled.types, source,
                      restraints)
        entries = see(inner, expansion).run()
        return Foreseen(stack, compiled, entries, expansion, rows.of(stack.id))


def changed_parameters(new: Compiled, old: Compiled | None) -> frozenset[str]:
    """Names of parameters that have another value than before."""
    if old is None:
        return frozenset()

    def value(compiled: Compiled, name: str) -> Any:
        return compiled.parameters.value(name) if name in compiled.parameters else None

    return frozenset(name for name in new.parameters.names()
                     if name not in old.parameters or value(new, name) != value(old, name))
