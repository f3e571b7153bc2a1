"""From stored text to something to walk to: template, environment, parameters.

Purpose: one way from (template tree, environment, files) to ``Wanted`` and the
stack's types, used by intake, loading and nested stacks alike. Invariant: pure
but for a cache by content; errors are those of the template floor.
Neighbours: ``template`` compiles, ``loader`` and ``intake`` call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from heat.common import errors, green
from heat.common.fault import RULE, SHAPE
from heat.common.ids import StackId
from heat.common.text import content_hash
from heat.engine.borrow import Borrowed, Lender
from heat.model import topic
from heat.plan.drift import secretive
from heat.plan.scope import ZONES, Facts
from heat.plan.traversal import Wanted
from heat.resources.base import Resource
from heat.resources.nested import ChildTemplate
from heat.resources.types import PLUGINS, TypeTable
from heat.schema.parameters import (
    DEFAULT_REGION,
    Parameters,
    ParameterSchema,
    bind,
    pseudo_parameters,
    store_keys,
)
from heat.template import aws, macros
from heat.template.definition import Template
from heat.template.environment import Environment, merge_files
from heat.template.expr import NullScope, Ref
from heat.template.files import Files
from heat.template.hot import compile_template
from heat.template.origins import Origins
from heat.template.registry import Layer, registry_below
from heat.template.rules import check_rules
from heat.template.versions import HOT_KEY, dialect_of

CACHED = 256
# Resources from which on a template takes more than some ten milliseconds.
LONG = 300
T = TypeVar('T')


class Cache:
    """Compiled templates by content; the least recently used one goes first."""

    def __init__(self, size: int = CACHED) -> None:
        self._size = size
        self._kept: OrderedDict[str, Template] = OrderedDict()

    def template(self, tree: Mapping[str, Any], noted: errors.Collected | None = None) -> Template:
        """Compile ``tree`` or find it compiled; raises and notes as ``compile_template``."""
        try:
            key = content_hash(tree)
        except (ValueError, RecursionError, TypeError):
            # Nothing that JSON could hold, and it says why; or, for validation, a tree with values
            # that are not known yet.
            return compile_template(tree, noted)
        before = 0 if noted is None else noted.count
        found = self._kept.pop(key, None) or compile_template(tree, noted)
        if noted is not None and noted.count > before:
            # Only what is sound is kept.
            return found
        self._kept[key] = found
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return found


TEMPLATES = Cache()


@dataclass(frozen=True, slots=True)
class Place:
    """Where this service runs, as templates of AWS's format may ask (AWS::Region, ...)."""

    region: str = DEFAULT_REGION
    partition: str = 'openstack'
    url_suffix: str = 'amazonaws.com'


_place = [Place()]


def settle_in(place: Place) -> None:
    """Said once, by whoever starts the process."""
    _place[0] = place


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template with its environment: what intake validates and reads show."""

    template: Template
    environment: Environment
    parameters: Parameters
    types: TypeTable
    files: Files
    lender: Lender | None = None
    kept: Borrowed = field(default_factory=Borrowed)
    # What is wrong so far, to be told together with what validation finds.
    noted: errors.Collected | None = None
    origins: Origins = field(default_factory=Origins)
    # Why what is stored is not this, but cannot be used any more.
    refusal: str = ''

    def told(self, error: errors.HeatException) -> errors.HeatException:
        """``error`` as its reader should see it: at places that were written, without hidden values."""
        return self.origins.written(error).masked(self.parameters.secrets())

    @property
    def borrowed(self) -> Borrowed:
        """What the stack takes from elsewhere, as far as it has been worked out."""
        return self.kept if self.lender is None else self.lender.borrowed

    def stored_environment(self) -> dict[str, Any]:
        """The environment as it is stored, and as nested stacks inherit it."""
        return {**self.environment.to_dict(), **self.borrowed.section()}

    def wanted(self, facade: Mapping[str, Any] | None = None, reads: Sequence[Any] = ()) -> Wanted:
        """Settled for these parameters: conditions are gone, references exact.

        ``facade`` is what a nested stack may know of the resource it stands for, and
        ``reads`` what that resource reads inside it (``[resource, attribute, *path]``).
        """
        values = {name: self.parameters.value(name) for name in self.parameters.names()
                  if name in self.parameters}
        scope = NullScope(values, self.files, facade=facade)
        try:
            settled = self.template.settle(scope)
        except errors.HeatException as error:
            if self.noted is None:
                raise self.told(error) from None
            self.noted.add(error)
            settled = self.template
        self._borrow(settled)
        refs = frozenset(Ref(name, attribute, tuple(path)) for name, attribute, *path in reads)
        borrowed = self.borrowed
        return Wanted(settled, Facts(values, self.files, facade=facade or {}, imports=borrowed.imports,
                                     stack_outputs=borrowed.outputs, zones=borrowed.zones or ZONES),
                      refs, self._masked(settled), tuple(self.parameters.secrets()))

    def _masked(self, settled: Template) -> Mapping[str, frozenset[str]]:
        hidden = [name for name, one in self.template.parameters.items() if one.hidden]
        return secretive(self.template, settled, hidden, self.parameters.secrets()) if hidden else {}

    def _borrow(self, settled: Template) -> None:
        if self.lender is None or not takes(self.template.raw):
            return
        found = errors.Collected() if self.noted is None else self.noted
        for path, sentence in self.lender.lend(settled.imports(), settled.stack_outputs(),
                                               settled.zones_asked()):
            found.add(errors.StackValidationFailed(message=sentence).at(path))
        error = found.error() if self.noted is None else None
        if error is not None:
            raise self.told(error)


def compile_all(identity: StackId | None, tree: Mapping[str, Any], environment: Mapping[str, Any] | None,
                files: Mapping[str, str] | None, *, operator: Sequence[Layer] = (),
                environment_files: Sequence[str] | None = None, strict: bool = True,
                inside: frozenset[str] = frozenset(), lender: Lender | None = None,
                noted: errors.Collected | None = None, judge: bool = False,
                plugins: Mapping[str, type[Resource]] = PLUGINS) -> Compiled:
    """Everything a stack is made from. Raises the template floor's errors.

    ``environment_files`` are merged in order over ``environment``; not ``strict``
    lets missing and unfit parameters pass (the validate call), with ``judge`` only missing
    ones; ``inside`` names the templates around a nested stack. ``lender`` gets what the
    template takes from elsewhere; without one, what is stored with the environment counts.
    Who gives ``noted`` asks a ``Validator`` next: all that is wrong is noted there, as far
    as the template can be told apart, and not raised.
    """
    given = Environment.from_dict(environment)
    held = files if isinstance(files, Files) else Files(files)
    plain = _plain(tree, noted)
    if environment_files:
        given = merge_files(given, environment_files, held,
                            aws.declared(tree) if plain is None else plain.parameters)
    types = TypeTable([*operator, Layer(given.resource_registry)], plugins, held,
                      defaults=given.parameter_defaults, inside=inside)
    return _bound(identity, tree, plain, given, types, strict, lender, Borrowed.of(environment), noted,
                  judge)


def takes(tree: Mapping[str, Any]) -> bool:
    """Whether a template may take anything from elsewhere: no HOT does but the first, which knows zones."""
    return HOT_KEY not in tree or str(tree[HOT_KEY]) == '2013-05-23'


def at_leisure(tree: Mapping[str, Any], work: Callable[[], T]) -> T:
    """``work`` on a template: in a real thread if it is long, so that nobody else waits for it.

    What a template takes from elsewhere is asked for on the hub.
    """
    resources = tree.get('resources') if isinstance(tree, Mapping) and not takes(tree) else None
    if isinstance(resources, Mapping) and len(resources) >= LONG:
        return cast(T, green.in_thread(work))
    return work()


def child_environment(environment: Mapping[str, Any], child: ChildTemplate, resource_name: str,
                      ) -> dict[str, Any]:
    """What a nested stack inherits: the registry and defaults, with parameters of its own."""
    return {'parameters': dict(child.parameters),
            'resource_registry': registry_below(environment.get('resource_registry') or {}, resource_name,
                                                child.inside),
            'parameter_defaults': dict(environment.get('parameter_defaults') or {}),
            **Borrowed.of(environment).section()}


def compile_child(identity: StackId | None, child: ChildTemplate, environment: Mapping[str, Any],
                  types: TypeTable, *, strict: bool = True, lender: Lender | None = None,
                  noted: errors.Collected | None = None) -> Compiled:
    """A nested stack, from its own environment and the types of its parent. Errors as ``compile_all``."""
    tree = child.tree if child.source is None else types.template(child.source).raw
    given = Environment.from_dict(environment)
    inside = frozenset() if child.inside is None else frozenset((child.inside,))
    files = types.files.inside(child.source or child.inside)
    below = types.below(given.resource_registry, files, given.parameter_defaults, inside)
    return _bound(identity, tree, _plain(tree, noted), given, below, strict, lender,
                  Borrowed.of(environment), noted)


def _plain(tree: Mapping[str, Any], noted: errors.Collected | None = None) -> Template | None:
    """The template, if it can be compiled without knowing values of parameters."""
    return None if macros.wanted(tree) else TEMPLATES.template(tree, noted)


def _bound(identity: StackId | None, tree: Mapping[str, Any], template: Template | None, given: Environment,
           types: TypeTable, strict: bool, lender: Lender | None, kept: Borrowed,
           noted: errors.Collected | None = None, judge: bool = False) -> Compiled:
    """The template, its macros worked out for the values given if it is not plain, and these.

    Raises StackValidationFailed if the values break a rule of the template, or notes it in
    ``noted``. While values that a macro needs are missing, or it cannot be worked out, only
    parameters are told: not ``strict`` in the first case, with ``noted`` in both.
    """
    dialect = dialect_of(tree).dialect if template is None else template.dialect
    here = _place[0] if dialect == 'aws' else Place()
    facts = pseudo_parameters(dialect, identity, here.region, partition=here.partition,
                              url_suffix=here.url_suffix, notification_arns=() if identity is None else
                              topic.arns_of(identity.tenant, given.event_sinks))

    def bound(schemas: Mapping[str, ParameterSchema], noted: errors.Collected | None) -> Parameters:
        resolved: Mapping[str, Any] = kept.parameters
        refused: Mapping[str, str] = {}
        if lender is not None:
            keys = store_keys(schemas, given.parameters, given.parameter_defaults)
            resolved, refused = lender.stored(keys.values())
        return bind(schemas, given.parameters, given.parameter_defaults, facts, strict=strict,
                    resolved=resolved, refused=refused, section=section_of(dialect), noted=noted,
                    judge=judge)

    origins = Origins()
    if template is None:
        try:
            # An included document may declare more, so that this is only for the macros.
            early = None if noted is None else errors.Collected()
            parameters = bound(aws.declared(tree), early)
            template, origins = _expanded(tree, parameters, types.files, strict, noted)
        except errors.HeatException as error:
            if noted is None:
                raise
            # What is wrong with the parameters is the cause, and told below.
            if not isinstance(error, macros.ValuesMissing) or early is None or not early.count:
                noted.add(error.told([one if one.kind else replace(one, kind=SHAPE)
                                      for one in error.faults], error.untold))
            template = replace(TEMPLATES.template(aws.skeleton(tree), noted), raw=tree)
    parameters = bound(template.parameters, noted)
    found = errors.Collected() if noted is None else noted
    for path, sentence in check_rules(template, parameters) if strict or judge else ():
        found.add(errors.StackValidationFailed(message=sentence).at(path, kind=RULE))
    if noted is None:
        found.raise_any()
    return Compiled(template, given, parameters, types, types.files, lender, kept, noted, origins)


def _expanded(tree: Mapping[str, Any], parameters: Parameters, files: Files, strict: bool,
              noted: errors.Collected | None) -> tuple[Template, Origins]:
    values = {name: parameters.value(name) for name in parameters.names() if name in parameters}
    try:
        made = macros.expand(tree, values, files.document, files.macro)
    except macros.ValuesMissing:
        if strict:
            raise
        made = macros.Expanded(aws.skeleton(tree), Origins())
    try:
        return replace(TEMPLATES.template(made.tree, noted), raw=tree), made.origins
    except errors.HeatException as error:
        raise made.origins.written(error).masked(parameters.secrets()) from None


def section_of(dialect: str) -> str:
    """The section in which a template of a dialect declares parameters."""
    return 'parameters' if dialect == 'hot' else 'Parameters'
