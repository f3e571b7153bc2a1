"""What a template says, compiled: definitions of resources and outputs.

Purpose: the values that planning and execution read. Invariant: immutable, free of
any stack; ``settle`` gives the same template for given parameters, with disabled
resources and untaken branches gone, so that its references are exact.
Neighbours: ``hot`` and ``cfn`` make them, ``heat.plan`` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from heat.common import errors
from heat.schema.kinds import UNKNOWN
from heat.template.expr import EMPTY_MAP, NOTHING, OMITTED, Constant, Expr, ListOf, MapOf, Ref, Scope
from heat.template.foreign import Zones, export_asked, output_asked

POLICIES = ('Delete', 'Retain', 'Snapshot')
EVERY_POLICY = (*POLICIES, 'RetainExceptOnCreate')


@dataclass(frozen=True, slots=True)
class Definition:
    """One resource. ``deletion_policy`` is 'Delete', 'Retain' or 'Snapshot'.

    In AWS's format it may be 'RetainExceptOnCreate' too, and ``update_replace_policy``
    says what becomes of the old thing when it is replaced (None: it is deleted).
    ``properties`` is an expression of a map, ``condition`` one of a boolean,
    ``external_id`` one of a physical id that is managed elsewhere; ``version`` is
    that of a custom resource. A ``..._from`` is the expression of a policy that is
    worked out or taken over from the parent stack; ``settle`` puts its value into place.
    """

    name: str
    type: str
    properties: Expr = EMPTY_MAP
    metadata: Expr = EMPTY_MAP
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = 'Delete'
    deletion_policy_from: Expr | None = None
    update_policy: Expr = EMPTY_MAP
    condition: Expr | None = None
    external_id: Expr | None = None
    description: str = ''
    creation_policy: Expr = EMPTY_MAP
    update_replace_policy: str | None = None
    update_replace_policy_from: Expr | None = None
    version: str | None = None

    def parts(self) -> tuple[tuple[str, Expr], ...]:
        """The expressions that may hold references, each with the name of its place."""
        held = (('properties', self.properties), ('metadata', self.metadata),
                ('update_policy', self.update_policy))
        if self.creation_policy is not EMPTY_MAP:
            held = (*held, ('creation_policy', self.creation_policy))  # type: ignore[assignment]
        return held if self.external_id is None else (*held, ('external_id', self.external_id))

    def refs(self) -> frozenset[Ref]:
        """Every need of a resource in properties, metadata, update policy and external id."""
        return frozenset().union(*(part.refs() for _, part in self.parts()))

    def requires(self) -> frozenset[str]:
        """Names of the resources it refers to or depends on."""
        return frozenset(ref.resource for ref in self.refs()) | frozenset(self.depends_on)

    def settle(self, scope: Scope, disabled: frozenset[str] = frozenset(), hot: bool = True) -> Definition:
        """For given parameters; dependencies on ``disabled`` resources are dropped.

        ``hot`` is the spelling of places in errors.
        """
        policy, replacing = self.deletion_policy, self.update_replace_policy
        if self.deletion_policy_from is not None:
            policy = _policy(self.deletion_policy_from, scope,
                             resource_place(hot, self.name, 'deletion_policy')) or policy
        if self.update_replace_policy_from is not None:
            replacing = _policy(self.update_replace_policy_from, scope,
                                resource_place(hot, self.name, 'update_replace_policy')) or replacing
        scope.budget.turn()
        return replace(
            self, deletion_policy=policy, update_replace_policy=replacing,
            properties=_map_of(self.properties.settle(scope)), metadata=_map_of(self.metadata.settle(scope)),
            update_policy=_map_of(self.update_policy.settle(scope)), condition=None,
            creation_policy=_map_of(self.creation_policy.settle(scope)),
            depends_on=tuple(name for name in self.depends_on if name not in disabled),
            external_id=None if self.external_id is None else self.external_id.settle(scope))


def _policy(node: Expr, scope: Scope, place: tuple[str, ...]) -> str | None:
    """The value of a policy, None if it is not known here or is none at all: the default stands.

    StackValidationFailed if the expression itself refuses its value.
    """
    try:
        value = node.value(scope)
    except (ValueError, TypeError) as exc:
        raise errors.StackValidationFailed(path=list(place), message=exc) from exc
    text = str(value)
    return text if text in EVERY_POLICY else text.capitalize() if text.capitalize() in POLICIES else None


def _map_of(node: Expr) -> Expr:
    """``node``, or no entries if an ``if`` has left it out."""
    return EMPTY_MAP if _omitted(node) else node


@dataclass(frozen=True, slots=True)
class OutputDefinition:
    """One output. Its value is null while ``condition`` is false; ``export`` is a name for other stacks."""

    name: str
    value: Expr = NOTHING
    description: str = 'No description given'
    condition: Expr | None = None
    export: Expr | None = None


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    label: str | None
    description: str | None
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold of the parameters; each assertion with the sentence that tells it, or ''."""

    name: str
    condition: Expr | None
    assertions: tuple[tuple[Expr, str], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. ``dialect`` is 'hot', 'cfn' or 'aws'; ``raw`` the plain tree.

    ``version`` is the date, e.g. '2021-04-16'; ``parameters`` maps names to
    ``heat.schema.parameters.ParameterSchema``. ``processed`` is the tree that was
    compiled, macros worked out; ``warnings`` are sentences, each with its place.
    """

    version: str
    dialect: str
    description: str
    parameters: Mapping[str, Any]
    parameter_groups: tuple[ParameterGroup, ...]
    resources: Mapping[str, Definition]
    outputs: Mapping[str, OutputDefinition]
    conditions: Mapping[str, Expr]
    raw: Mapping[str, Any]
    processed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    rules: tuple[Rule, ...] = ()
    warnings: tuple[str, ...] = ()
    # Resources that are left out, since their definition is at fault.
    broken: frozenset[str] = frozenset()
    # Resources that the settled template lacks, since their condition is false.
    disabled: frozenset[str] = frozenset()
    _index: dict[str, frozenset[str | None]] = field(default_factory=dict, compare=False, repr=False)

    def plain(self, name: str) -> Mapping[str, Any] | None:
        """What the template says of a resource, as plain data; for HOT alone."""
        found = (self.raw.get('resources') or {}).get(name)
        return found if isinstance(found, Mapping) else None

    def refs_to(self, resource: str) -> frozenset[str | None]:
        """Attribute names of ``resource`` that any resource or output reads.

        None among them means: all attributes. Plain get_resource does not count.
        """
        if not self._index:
            found: dict[str, set[str | None]] = {}
            for ref in self._all_refs():
                if ref.kind == 'attribute':
                    found.setdefault(ref.resource, set()).add(ref.attribute)
            self._index.update({name: frozenset(found.get(name, ())) for name in self.resources})
        return self._index.get(resource, frozenset())

    def _all_refs(self) -> list[Ref]:
        refs = [ref for definition in self.resources.values() for ref in definition.refs()]
        refs.extend(ref for output in self.outputs.values() for ref in output.value.refs())
        return refs

    def _spelled(self, name: str) -> str:
        return name if self.dialect == 'hot' else name.capitalize()

    def imports(self) -> dict[str, tuple[Any, ...]]:
        """Names of the exports of other stacks that are asked for, in their order, each with its first
        place; ask the settled template."""
        found: dict[str, tuple[Any, ...]] = {}
        for node, place in self._located():
            name = export_asked(node)
            if name is not None:
                found.setdefault(name, (*place, *node.steps()))
        return dict(sorted(found.items()))

    def stack_outputs(self) -> dict[tuple[str, str, str | None], tuple[Any, ...]]:
        """``(stack, output, region or None)`` of other stacks' outputs, each with its first place; ask the
        settled template."""
        found: dict[tuple[str, str, str | None], tuple[Any, ...]] = {}
        for node, place in self._located():
            wanted = output_asked(node)
            if wanted is not None:
                found.setdefault(wanted, (*place, *node.steps()))
        return dict(sorted(found.items(), key=lambda one: (*one[0][:2], one[0][2] or '')))

    def zones_asked(self) -> tuple[Any, ...] | None:
        """The first place that asks for the zones of the cloud; None if none does."""
        return next((place for node, place in self._located() if isinstance(node, Zones)), None)

    def _located(self) -> Iterator[tuple[Expr, tuple[Any, ...]]]:
        """Every expression of resources and outputs, with its place."""
        for name, definition in self.resources.items():
            for part_name, part in definition.parts():
                yield from located(part, place_of(self, name, part_name))
        for name, output in self.outputs.items():
            place = output_place(self, name)
            yield from located(output.value, place)
            if output.export is not None:
                yield from located(output.export, (*place[:2], 'Export', 'Name'))

    def condition_values(self, scope: Scope) -> dict[str, Any]:
        """Every named condition worked out; they may use one another.

        Raises StackValidationFailed if one is no boolean or they form a circle.
        """
        return ConditionScope(scope, self.conditions, self._spelled('conditions')).all()

    def settle(self, scope: Scope) -> Template:
        """The template for given parameters: exact references, no conditions left.

        ``scope`` need only know parameters and files (``NullScope``). Disabled resources
        are gone and dependencies on them dropped; disabled outputs have a null value.
        A function that refuses its arguments stays as it is and says so when evaluated.
        """
        inner = ConditionScope(scope, self.conditions, self._spelled('conditions'))
        inner.all()
        spelled = self._spelled
        disabled = frozenset(name for name, d in self.resources.items()
                             if not _enabled(d.condition, inner, [spelled('resources'), name,
                                                                     spelled('condition')]))
        hot = self.dialect == 'hot'
        resources = {name: d.settle(inner, disabled, hot) for name, d in self.resources.items()
                     if name not in disabled}
        outputs: dict[str, OutputDefinition] = {}
        for name, o in self.outputs.items():
            enabled = _enabled(o.condition, inner, [spelled('outputs'), name, spelled('condition')])
            inner.budget.turn()
            value = o.value.settle(inner) if enabled else NOTHING
            if self.dialect == 'aws' and (not enabled or _omitted(value)):
                # AWS has no output without a value.
                continue
            outputs[name] = replace(o, value=value, condition=None,
                                    export=None if o.export is None else o.export.settle(inner))
        return replace(self, resources=resources, outputs=outputs, conditions={}, disabled=disabled,
                       _index={})


def _omitted(node: Expr) -> bool:
    return isinstance(node, Constant) and node.data is OMITTED


def _enabled(condition: Expr | None, scope: Scope, path: list[Any]) -> bool:
    """False only if the condition is known to be false."""
    return condition is None or _judged(condition, scope, path) is not False


def _judged(condition: Expr, scope: Scope, path: list[Any]) -> Any:
    """True, False or UNKNOWN; StackValidationFailed for anything else."""
    try:
        value = condition.value(scope)
    except (ValueError, TypeError) as exc:
        raise errors.StackValidationFailed(path=path, message=exc) from exc
    if value is not UNKNOWN and not isinstance(value, bool):
        raise errors.StackValidationFailed(path=path, message=(
            f'The condition value should be boolean, after resolved the value is: {value}'))
    return value


class ConditionScope:
    """A scope with the named conditions of a template, each worked out once."""

    def __init__(self, outer: Scope, conditions: Mapping[str, Expr], section: str = 'conditions') -> None:
        self._outer = outer
        self._section = section
        self._conditions = conditions
        self._values: dict[str, Any] = {}
        self._open: list[str] = []
        self.budget = outer.budget
        self.parameter = outer.parameter
        self.reference = outer.reference
        self.attribute = outer.attribute
        self.file = outer.file
        self.facade = outer.facade
        self.zones = outer.zones
        self.imported = outer.imported
        self.stack_output = outer.stack_output

    def all(self) -> dict[str, Any]:
        return {name: self.condition(name) for name in self._conditions}

    def condition(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name not in self._conditions:
            raise ValueError(f'Invalid condition "{name}"')
        if name in self._open:
            raise errors.StackValidationFailed(
                message=f'Circular definition for condition "{name}"').at(
                    (self._section, name), value=' -> '.join([*self._open, name]))
        self._open.append(name)
        try:
            value = _judged(self._conditions[name], self, [self._section, name])
        finally:
            self._open.pop()
        self._values[name] = value
        return value


def place_of(template: Template, name: str | None = None, *part: str) -> tuple[str, ...]:
    """Where resources, one of them, or a part of it stands in a template of its dialect."""
    hot = template.dialect == 'hot'
    return ('resources' if hot else 'Resources',) if name is None else resource_place(hot, name, *part)


def resource_place(hot: bool, name: str, *part: str) -> tuple[str, ...]:
    """The place of a resource, or of a part of it, in HOT or in CloudFormation's spelling."""
    if hot:
        return 'resources', name, *part
    return 'Resources', name, *(''.join(word.capitalize() for word in one.split('_')) for one in part)


def output_place(template: Template, name: str) -> tuple[str, str, str]:
    """Where the value of an output stands."""
    return ('outputs', name, 'value') if template.dialect == 'hot' else ('Outputs', name, 'Value')


def located_refs(node: Expr) -> Iterator[tuple[Ref, tuple[Any, ...]]]:
    """Every need of a resource with its place in the template below ``node``."""
    for one, path in located(node):
        for ref in one.own_refs():
            yield ref, path


def located(node: Expr, path: tuple[Any, ...] = ()) -> Iterator[tuple[Expr, tuple[Any, ...]]]:
    """``node`` and all below it, each with its place in the template."""
    yield node, path
    if isinstance(node, MapOf):
        for key, item in node.items:
            yield from located(item, (*path, key))
    elif isinstance(node, ListOf):
        for index, item in enumerate(node.items):
            yield from located(item, (*path, index))
    else:
        below = (*path, *node.steps())
        for item in node.children():
            yield from located(item, below)
