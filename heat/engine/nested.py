"""What a child stack is: its id, its goal, and what its end means to its parent.

Purpose: the pure part of running nested stacks in the tree of their root.
Invariant: the child's id follows from the parent's row, so a repeated
submission finds the same child. Neighbours: ``carry`` submits and is told,
``resources.nested`` says what the template is.
"""

from __future__ import annotations

import re
import uuid as uuid_module
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.common import errors
from heat.common.ids import StackId, new_id, physical_name
from heat.common.policy import names_of
from heat.common.text import fit, flaw
from heat.engine import stages
from heat.engine.borrow import KEY
from heat.engine.compiled import Compiled, child_environment, compile_child
from heat.engine.late import IMPORTS, Found, Late, Sought, lacks
from heat.engine.render import plain
from heat.engine.settings import DENIED
from heat.engine.tree import StackRun
from heat.model.op import StepFailed
from heat.model.outcome import Failed
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan.candidates import fits
from heat.plan.handed_down import OPTION, tags_of
from heat.plan.scope import StackScope
from heat.plan.traversal import Traversal, Wanted
from heat.resources.nested import ChildTemplate, Stage
from heat.resources.provider import TemplateResource
from heat.template.stack_policy import MODIFY, SEALED, StackPolicy

_NAMESPACE = uuid_module.UUID('5d5f0ab9-6c2a-4c0f-9b57-0e3a1f6f8f11')
_CAUSE = re.compile(
    r'Resource \w+ failed: (?:(?P<kind>\w+): )?(?:resources\.(?P<path>\S+): )?(?P<message>.*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Made:
    """A child's next goal, ready to begin; ``row`` is the parent's row with what it must keep.

    ``private``: its template is no document, but made of the properties of its resource.
    """

    run: StackRun
    tree: Mapping[str, Any]
    row: Row
    private: bool = False


def child_id(row: Row) -> str:
    """The id of the stack that the row ``row`` is."""
    return str(uuid_module.uuid5(_NAMESPACE, row.uuid))


def child_goal(parent: StackRun, row: Row, verb: Action, child: StackRun | None, now: float,
               deepest: int, *, stage: Stage | None = None, timeout_at: float | None = None,
               found: Found | None = None) -> Made:
    """The child's run towards what the parent's step asks, or towards ``stage`` by ``timeout_at``.

    ``now`` and ``timeout_at`` are wall time. ``found`` is what was looked for after ``Late``.

    Raises StepFailed, what compiling the child's template raises, and, if nothing was looked
    for yet, Late for what is not at hand.
    """
    seq = child.goal.seq + 1 if child is not None else 1
    identity = row.physical_id or child_id(row)
    name = child.stack.name if child is not None else physical_name(parent.stack.name, row.name, row.uuid)
    if child is None:
        if verb not in (Action.CREATE, Action.UPDATE, Action.ADOPT):
            raise StepFailed(f'The stack of resource {row.name} is not there.', 'NotFound')
        # What a failed creation did not come to is made now.
        verb = Action.ADOPT if verb is Action.ADOPT else Action.CREATE
    elif verb is Action.CREATE:
        # A later stage of a creation in batches.
        verb = Action.UPDATE
    depth = parent.stack.nested_depth + 1
    if depth > deepest:
        raise errors.RequestLimitExceeded(message=f'Recursion depth exceeds {deepest}.')
    stack = Stack(
        id=identity, name=name, tenant=parent.stack.tenant, root_id=parent.stack.root_id, template_id=0,
        action=verb, status=Status.IN_PROGRESS, reason=f'Stack {verb} started', owner_id=parent.stack.id,
        parent_resource_name=row.name, parent_row=row.uuid, nested_depth=depth,
        username=parent.stack.username, user_creds_id=parent.stack.user_creds_id,
        stack_user_project_id=parent.stack.stack_user_project_id, disable_rollback=True,
        timeout=parent.stack.timeout, goal_seq=seq)
    options = child_options(parent.goal, row)
    tags = tags_of(parent.stack, parent.goal, parent.wanted.aws)
    if tags:
        options[OPTION] = list(tags)
    goal = Goal(identity, seq, verb, 0, parent.goal.timeout_at, None, parent.goal.requested_by,
                options=options)
    if timeout_at is not None:
        goal = replace(goal, timeout_at=timeout_at, requested_by=None)
    rows = child.rows if child is not None else {}
    if verb in (Action.CREATE, Action.UPDATE, Action.ADOPT):
        return _made(parent, row, stack, goal, child, rows, now, stage, found)
    assert child is not None
    lasting: dict[str, Any] = {key: child.goal.options[key] for key in ('reads', 'inside')
                               if key in child.goal.options}
    goal = replace(goal, options={**lasting, **goal.options})
    wanted = Wanted() if verb is Action.DELETE else child.wanted
    raw: Mapping[str, Any] = child.wanted.template.raw if child.wanted.template else {}
    run = StackRun(stack, goal, wanted, rows, child.types, replace(parent.around, stack=stack.identity),
                   child.environment, child.files, restraints=parent.restraints.inside(row.name))
    run.traversal = Traversal(stack, goal, wanted, rows, run.types, restraints=run.restraints)
    return Made(run, raw, row, _private(parent, row))


def _private(parent: StackRun, row: Row) -> bool:
    kind: Any = parent.types.of(row)
    return not kind.source


def _made(parent: StackRun, row: Row, stack: Stack, goal: Goal, child: StackRun | None, rows: dict[str, Row],
          now: float, stage: Stage | None, found: Found | None) -> Made:
    """Towards the template of ``stage``, or of the one that is next by the row's properties."""
    kind: Any = parent.types.of(row)
    view = View(child) if child is not None else None
    if stage is None:
        row = with_referred(parent, row)
        here = stages.place(row)
        if stack.action is Action.ADOPT:
            # What is taken over is there already: there is nothing to go about in batches.
            stage = Stage(kind.expand(row, view))
        else:
            stage = kind.stage(row, view, here.notes if here else {})
        row = stages.entered(row, stage)
    template = stage.template
    if stage.data:
        row = replace(row, data={**row.data, **stage.data})
    environment = child_environment(parent.environment, template, row.name)
    reads = kind.reads(row)
    compiled, wanted, environment = _compiled(parent, stack, template, environment, row, reads, found)
    _check_types(goal, compiled, wanted)
    if found is not None or IMPORTS in row.data:
        late = {IMPORTS: list(found.imports)} if found is not None and found.imports else {}
        row = replace(row, data={**{key: value for key, value in row.data.items() if key != IMPORTS}, **late})
    if child is not None:
        _keep_immutable(child, compiled)
    options = {key: value for key, value in (
        ('reads', reads), ('inside', sorted(compiled.types.inside))) if value}
    goal = replace(goal, options={**options, **goal.options})
    if template.minutes is not None:
        ends = now + template.minutes * 60
        goal = replace(goal, timeout_at=ends if goal.timeout_at is None else min(ends, goal.timeout_at))
        stack = replace(stack, timeout=template.minutes)
    if stack.action is Action.ADOPT:
        handed = adopted_rows(stack, wanted, compiled.types, row.data.get('adopt') or {})
        rows = {one.uuid: one for one in handed}
        row = replace(row, data={key: value for key, value in row.data.items() if key != 'adopt'})
    run = StackRun(stack, goal, wanted, rows, compiled.types, replace(parent.around, stack=stack.identity),
                   environment, compiled.files, restraints=parent.restraints.inside(row.name))
    run.traversal = Traversal(stack, goal, wanted, rows, compiled.types, restraints=run.restraints)
    return Made(run, compiled.template.raw, row, _private(parent, row))


def _compiled(parent: StackRun, stack: Stack, template: ChildTemplate, environment: dict[str, Any], row: Row,
              reads: Any, found: Found | None) -> tuple[Compiled, Wanted, dict[str, Any]]:
    """The child's template, what it is walked to, and its environment; with what was found for it."""
    types: Any = parent.types
    if found is not None:
        types = types.with_files(found.files)
        environment = {**environment, **({KEY: dict(found.borrowed)} if found.borrowed else {})}
        compiled = compile_child(stack.identity, template, environment, types)
        return compiled, compiled.wanted(facade(row), reads), environment
    late = Late(Sought(stack.identity, stack.root_id, template, environment, types, facade(row), reads))
    try:
        compiled = compile_child(stack.identity, template, environment, types)
        wanted = compiled.wanted(facade(row), reads)
    except errors.HeatException:
        # It may be for want of something; if not, the same is found wrong once more.
        raise late from None
    if lacks(compiled, wanted):
        raise late
    return compiled, wanted, environment


def _check_types(goal: Goal, compiled: Compiled, wanted: Wanted) -> None:
    """Forbidden for a type that policy keeps from who asked for the goal.

    StackValidationFailed for names and types that cannot be kept, and were not known before.
    """
    for name, definition in wanted.definitions.items():
        if said := flaw(name) or flaw(definition.type):
            raise errors.StackValidationFailed(message=(
                f'The name or type of resource {fit(name, 60)} {said}.'))
    denied = frozenset(goal.options.get(DENIED) or ())
    for name, definition in wanted.definitions.items() if denied else ():
        kind = compiled.types(definition.type, name).type
        called = definition.type if kind == TemplateResource.type else kind
        if denied.intersection(names_of(called)):
            raise errors.Forbidden(action=called)


def _keep_immutable(child: StackRun, compiled: Compiled) -> None:
    old = child.wanted.facts.parameters
    changed = [name for name, schema in compiled.template.parameters.items()
               if schema.immutable and name in old and old[name] != compiled.parameters.value(name)]
    if changed:
        raise errors.ImmutableParameterModified(keys=', '.join(changed))


def facade(row: Row) -> dict[str, Any]:
    """What a nested stack may know of the resource it stands for (resource_facade)."""
    return {'metadata': row.metadata, 'deletion_policy': row.keep.get('deletion_policy', 'Delete'),
            'update_policy': row.keep.get('update_policy') or {}}


def find(parent: StackRun, reference: Any) -> Row | None:
    """The stack's live row that ``get_resource`` gives ``reference`` for."""
    for row in parent.rows.values():
        if row.action is not Action.DELETE and parent.types.of(row).reference(row) == reference:
            return row
    return None


def with_referred(parent: StackRun, row: Row) -> Row:
    """The row with the properties of those resources whose properties its child is made from.

    Raises StackValidationFailed if there is no such resource.
    """
    found: dict[str, Any] = {}
    for name in parent.types.of(row).refers:
        given = (row.props or {}).get(name)
        if given is None:
            continue
        several = isinstance(given, list)
        others = [_referred(parent, row, name, one) for one in (given if several else [given])]
        found[name] = others if several else others[0]
    return replace(row, data={**row.data, 'referred': found}) if found else row


def _referred(parent: StackRun, row: Row, name: str, reference: Any) -> dict[str, Any]:
    other = find(parent, reference)
    if other is None:
        raise errors.StackValidationFailed(message=(
            f'The {name} of resource {row.name} refers to {reference}, which is not in the stack.'))
    kind: Any = parent.types.of(other)
    return {'properties': kind.described(other), 'metadata': other.keep.get('metadata') or {}}


def child_options(goal: Goal, row: Row) -> dict[str, Any]:
    """What of the parent's goal holds inside; a resource that is retained abandons what it holds."""
    options = goal.inside(row.name)
    if goal.options.get(DENIED):
        options[DENIED] = goal.options[DENIED]
    policy = StackPolicy.of(goal.options.get('policy'))
    if row.action is Action.UPDATE and policy.denial(MODIFY, row.name, row.type):
        options['policy'] = SEALED
    if row.keep.get('masked'):
        options['veiled'] = True
    return {**options, 'abandon': True} if row.keep.get('abandon') else options


def adopted_rows(stack: Stack, wanted: Wanted, types: Any, data: Mapping[str, Any],
                 make_id: Callable[[], str] = new_id) -> list[Row]:
    """Rows for what an abandoned stack's ``data`` says is there, for the resources that are wanted.

    One without an id there gets no row; its adoption says so.
    """
    rows = []
    for name, definition in wanted.definitions.items():
        kind, given = types(definition.type, name), data.get(name)
        if not isinstance(given, Mapping):
            continue
        row = Row(uuid=make_id(), stack_id=stack.id, root_id=stack.root_id, name=name, type=definition.type,
                  goal_seq=stack.goal_seq, keep={'class': kind.type})
        if kind.nested and isinstance(given.get('resources'), Mapping):
            rows.append(replace(row, data={'adopt': dict(given['resources'])}))
        elif not kind.nested and given.get('resource_id'):
            rows.append(replace(row, physical_id=str(given['resource_id']),
                                data=dict(given.get('resource_data') or {}),
                                metadata=dict(given.get('metadata') or {})))
    return rows


def failure(reason: str) -> Failed:
    """The parent's failure for a child's: the root cause keeps its class and its path."""
    found = _CAUSE.fullmatch(reason)
    if found is None or not found['kind']:
        return Failed(reason)
    path = f'resources.{found["path"]}' if found['path'] else ''
    return Failed(found['message'], found['kind'], path)


def gather(parent: StackRun, row: Row, child: StackRun, wanted: tuple[Any, ...]) -> dict[str, Any]:
    """The attributes of a nested resource whose child has come to its end."""
    kind: Any = parent.types.of(row)
    return dict(plain(kind.gather(row, View(child), wanted)))


def instructed(parent: StackRun, row: Row, child: StackRun, wanted: tuple[Any, ...]) -> Row:
    """The row with what it keeps privately of a child that has come to its end."""
    kind: Any = parent.types.of(row)
    known = plain(kind.learn(row, View(child), wanted))
    return replace(row, data={**row.data, **known}) if known else row


def concluded(parent: StackRun, row: Row, child: StackRun, now: float) -> Row:
    """The row of a nested resource whose creation or update has come to its good end."""
    kind: Any = parent.types.of(row)
    after: Row = kind.concluded(row, View(child), now)
    return after


class View:
    """A child stack as its parent's resource sees it.

    Worked out when it is asked for: most of a big tree's stacks are never looked into.
    """

    def __init__(self, run: StackRun) -> None:
        self._run = run

    @property
    def _scope(self) -> StackScope:
        return _at_rest(self._run).scope

    @property
    def identity(self) -> StackId:
        return self._run.stack.identity

    def names(self) -> list[str]:
        live = {row.name for row in self._run.rows.values()
                if row.action is not Action.DELETE and row.replaced_by is None}
        ordered = [name for name in self._run.wanted.definitions if name in live]
        return ordered + sorted(live - set(ordered))

    def reference(self, name: str) -> Any:
        return self._scope.reference(name)

    def attribute(self, name: str, attribute: str, path: tuple[Any, ...] = ()) -> Any:
        return self._scope.attribute(name, attribute, path)

    def outputs(self) -> dict[str, Any]:
        return self._told()[0]

    def faults(self) -> dict[str, str]:
        return self._told()[1]

    def _told(self) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        template = self._run.wanted.template
        scope = self._scope
        scope.budget.renew()
        for name, output in template.outputs.items() if template is not None else ():
            values[name] = None
            try:
                values[name] = output.value.value(scope)
            except (errors.HeatException, ValueError, TypeError, KeyError) as error:
                faults[name] = f'{error.args[0]} was not found' if isinstance(error, KeyError) else str(error)
        return values, faults

    def row(self, name: str) -> Row | None:
        return _at_rest(self._run).row_of(name)

    def definition(self, name: str) -> Mapping[str, Any] | None:
        template = self._run.wanted.template
        return template.plain(name) if template is not None else None

    def settled(self, name: str) -> bool:
        row, definition = self.row(name), self._run.wanted.definitions.get(name)
        return row is not None and definition is not None and fits(
            definition, row, self._run.types, self._scope)


def _at_rest(run: StackRun) -> Traversal:
    """The traversal of a stack; one that is not working gets a finished one, for its scope."""
    if run.traversal is None:
        run.traversal = Traversal(run.stack, run.goal, run.wanted, run.rows, run.types)
        run.traversal.rest()
    return run.traversal
