"""What a resource type is: a table first, generators where the cloud needs them.

Purpose: ``Resource`` answers the planner's pure questions as class methods and
runs a step as an instance bound to one row. Invariant: a step asks for
everything through the ops it yields (``model.op``) and keeps nothing outside its
row; it never sees the stack, the bus or the database.
Neighbours: ``plan.types`` is the planner's view, ``engine.step`` runs steps.
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from heat.common.ids import StackId, physical_name
from heat.model.op import Call, Op, Record, StepFailed
from heat.model.outcome import Done, Outcome
from heat.model.resource import Row
from heat.model.software import Change
from heat.model.status import Action
from heat.schema import Diff, TypeSchema, compile_schema
from heat.template.definition import Definition
from heat.template.expr import Ref

Steps = Generator[Op, Any, Any]
Others = Mapping[str, tuple[Any, Mapping[str, Any]]]
"""The resources of a template by name: their classes and properties."""

VERB_METHODS = {Action.CREATE: 'create', Action.UPDATE: 'update', Action.DELETE: 'delete',
                Action.CHECK: 'check', Action.SUSPEND: 'suspend', Action.RESUME: 'resume',
                Action.SNAPSHOT: 'snapshot', Action.ADOPT: 'take_over'}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a step may know besides its row: names and addresses, no state.

    ``files`` and ``environment`` are the stack's, where a step runs.
    ``urls`` holds ``signal`` (native API), ``cfn`` (where agents ask), ``cfn_signal``
    (where signed addresses begin), ``watch`` (where agents send what they measure), ``auth``.
    ``secret`` is the project's, and nobody knows it.
    """

    stack: StackId
    region: str = ''
    stack_user_project: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    now: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secret: str = field(default='', repr=False)


class Resource:
    """Base of all types. Subclasses fill the table and override verbs as generators."""

    type: ClassVar[str] = ''
    service: ClassVar[str | None] = None
    # The extension of its service's API without which nothing of the type can be made ('': none).
    extension: ClassVar[str] = ''
    pure: ClassVar[bool] = False
    nested: ClassVar[bool] = False
    survives_failure: ClassVar[bool] = False
    # The calls of an update may be made again, so the next one does what a failed creation has left undone.
    redoes: ClassVar[bool] = False
    signals: ClassVar[bool] = False
    scales: ClassVar[bool] = False
    """Its signals adjust a group: it answers ``adjustment(row)`` instead of ``signal``."""
    # What get_attr may name is known only to the resource itself.
    any_attribute: ClassVar[bool] = False
    private_attributes: ClassVar[bool] = False
    """Attributes are told from private data: a copy among those fetched would stand in the clear."""
    relays: ClassVar[bool] = False
    """Its signals ask for a call to the cloud: it answers ``relay`` instead of ``signal``."""
    # Signals are what became of a deployment (``model.software.Word``), heard in every state.
    deploys: ClassVar[bool] = False
    # A server whose agent reads what is deployed on it from the metadata.
    deployed_to: ClassVar[bool] = False
    releases: ClassVar[bool] = False
    renewed: ClassVar[bool] = False
    """Each update of its stack makes it anew."""
    follows: ClassVar[bool] = False
    """An update of its stack in which something that it refers to was made anew updates it as well."""
    observes: ClassVar[bool] = False
    settled: ClassVar[bool] = False
    tags_in: ClassVar[str] = ''
    # Whether deletion_policy Snapshot may be asked for: ``last_snapshot`` runs before the deletion.
    snapshots: ClassVar[bool] = False
    name_limit: ClassVar[int] = 255
    hidden: ClassVar[bool] = False
    retired: ClassVar[str] = ''
    """Why none is made any more, a sentence; those that there are stay until they are deleted."""
    schema: ClassVar[TypeSchema]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get('type'):
            cls.schema = compile_schema(cls)

    def __init__(self, row: Row, props: dict[str, Any], around: Surroundings) -> None:
        self.row = row
        self.props = props
        self.around = around
        # The object as the verb last saw it; spares ``read`` a request.
        self.seen: Any = None

    # -- the step's side: verbs as generators of ops ---------------------------------------------

    def create(self) -> Steps:
        yield from ()

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from ()

    def delete(self) -> Steps:
        yield from ()

    def suspend(self) -> Steps:
        """Rest; most things have no such state and go along."""
        yield from ()

    def resume(self) -> Steps:
        yield from ()

    def snapshot(self) -> Steps:
        """Keep in the row's data what the thing can be restored from; most things have no content."""
        yield from ()

    def take_over(self) -> Steps:
        """Become what stands for a thing that is there already; the row knows its id and data."""
        yield from ()

    def release(self) -> Steps:
        """Before its successor is made (where ``releases``): let go of what both cannot have."""
        yield from ()

    def restore(self) -> Steps:
        """A released thing is wanted after all: take hold again of what was let go."""
        yield from ()

    def read(self, names: tuple[Any, ...]) -> Steps:
        """The attributes ``names`` as a map; runs when a step completes and for live reads."""
        yield from ()
        return {}

    def observe(self) -> Steps:
        """Where ``observes``: what differs in the cloud, property -> value there.

        NeedsReplacement if the thing is gone.
        """
        yield from ()
        return {}

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The same of an object that was shown already."""
        return {}

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def id(self) -> str:
        """The physical id; a step that needs one and has none fails with a sentence."""
        if self.row.physical_id is None:
            raise StepFailed(f'Resource {self.name} has no physical id.', 'NotFound')
        return self.row.physical_id

    def physical_name(self) -> str:
        return physical_name(self.around.stack.stack_name, self.name, self.row.uuid, self.name_limit)

    def keep(self, **data: Any) -> Record:
        """Keep private data on the row (encrypted at rest)."""
        return Record(data=data)

    def at_first(self, name: str, value: Any) -> Steps:
        """``value`` as it was when this step first came here: yields a record, gives the value.

        A step that goes on after a crash is fed its journal, so it must ask the same things
        in the same order; what it decides by must not have changed by what it did.
        """
        kept = self._kept_first()
        if name not in kept:
            kept = {**kept, name: value}
            yield Record(data={'at_first': kept})
        return kept[name]

    def came_by(self, name: str) -> bool:
        """Whether this step has passed its ``at_first(name)``, before a crash perhaps."""
        return name in self._kept_first()

    def _kept_first(self) -> dict[str, Any]:
        turn = f'{self.row.action}:{self.row.goal_seq}'
        kept: dict[str, Any] = self.row.data.get('at_first') or {}
        return kept if kept.get('turn') == turn else {'turn': turn}

    # -- the planner's side: pure, on the class ----------------------------------------------------

    @classmethod
    def compute(cls, verb: Action, row: Row, stack: StackId) -> tuple[Outcome, Row]:
        """A pure type's step: by default nothing but a physical name."""
        return Done(physical_name(stack.stack_name, row.name, row.uuid, cls.name_limit)), row

    @classmethod
    def variant(cls, props: Mapping[str, Any] | None) -> builtins.type[Resource]:
        """The class that works on a resource of these properties, which may be UNKNOWN."""
        return cls

    @classmethod
    def supports(cls, verb: Action) -> bool:
        return hasattr(cls, VERB_METHODS.get(verb, ''))

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.physical_id if row.physical_id is not None else row.name

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return row.attrs.get(name)

    @classmethod
    def attribute_names(cls, row: Row) -> tuple[str, ...]:
        """The names of all attributes that ``row`` has."""
        return tuple(cls.schema.attributes)

    @classmethod
    def knows(cls, name: str) -> bool:
        return name in cls.schema.attributes or name == 'show'

    @classmethod
    def wanted(cls, refs: frozenset[Ref]) -> tuple[Any, ...]:
        """What of the attributes referred to is fetched and kept when a step is over."""
        if cls.private_attributes:
            return ()
        names = {ref.attribute for ref in refs}
        if None in names:
            return tuple(cls.schema.attributes)
        return tuple(sorted(n for n in names if n is not None))

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        return False

    @classmethod
    def in_the_way(cls, row: Row, new: Mapping[str, Any]) -> bool:
        """Where ``releases``: whether what has the properties ``new`` cannot be made beside it."""
        return True

    @classmethod
    def wants_update(cls, row: Row) -> bool:
        """Whether an update of the stack has something to do to it though nothing has changed."""
        return False

    @classmethod
    def described(cls, row: Row) -> dict[str, Any]:
        """The properties by which those go whose child is made from them (``Nested.refers``)."""
        return dict(row.props or {})

    @classmethod
    def same_thing(cls, row: Row, other: Row) -> bool:
        """Whether two rows of one name stand for one thing: a link is known by what it joins."""
        return row.physical_id is not None and row.physical_id == other.physical_id

    @classmethod
    def before(cls, name: str, definition: Definition,
               others: Mapping[str, Definition]) -> frozenset[str]:
        return frozenset()

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        """Sentences about properties that do not fit together; values may be UNKNOWN."""
        return ()

    @classmethod
    def among(cls, refers: Mapping[str, frozenset[str]], others: Others) -> Iterable[str]:
        """Sentences about the resources of the same template that its properties refer to.

        ``refers`` maps a property to the names in it.
        """
        return ()

    @classmethod
    def metadata_of(cls, row: Row) -> dict[str, Any]:
        """The metadata that users and agents see."""
        return row.metadata

    @classmethod
    def deliveries(cls, row: Row, metadata: Mapping[str, Any]) -> tuple[Call, ...]:
        """Where ``deployed_to``: what writes the metadata to where its agent looks, if that does not ask."""
        return ()

    @classmethod
    def validate_policy(cls, policy: Mapping[str, Any]) -> Iterable[str]:
        """Sentences about the update policy (resolved)."""
        return ()

    @classmethod
    def validate_among(cls, props: Mapping[str, Any], names: Collection[str]) -> Iterable[str]:
        """Sentences about resources that are named in ``props`` but are not among the stack's ``names``."""
        return ()

    @classmethod
    def restored(cls, props: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """Properties to lay over a template's so that it comes back from a snapshot.

        ``kept`` is the row's data of then.
        """
        return {}

    @classmethod
    def forget_snapshot(cls, kept: Mapping[str, Any]) -> Steps:
        """Calls that take away what a snapshot left in other services; ``kept`` as in ``restored``."""
        yield from ()

    @classmethod
    def abandoned(cls, row: Row) -> tuple[Change, ...]:
        """What a cancelled step must still say of deployments it waited for."""
        return ()

    @classmethod
    def admits(cls, row: Row, wanted: Row, others: Mapping[str, Row]) -> bool:
        """Whether the user that ``row`` made may read ``wanted``, one of ``others`` in its stack."""
        return row.uuid == wanted.uuid

    @classmethod
    def signal(cls, row: Row, details: Mapping[str, Any] | None) -> tuple[Row, str]:
        """The row after a signal, and the event's reason. Only called where ``signals``."""
        raise StepFailed(f'Resource {row.name} does not support signals.', 'ResourceActionNotSupported')

    @classmethod
    def relay(cls, row: Row, details: Mapping[str, Any] | None, signal: str) -> Call:
        """The call that a signal asks for, only where ``relays``; StepFailed if it asks for nonsense.

        ``signal`` is its uuid: to make the call twice for one signal must be as to make it once.
        """
        raise StepFailed(f'Resource {row.name} does not support signals.', 'ResourceActionNotSupported')


__all__ = ['Diff', 'Others', 'Resource', 'Steps', 'Surroundings']
