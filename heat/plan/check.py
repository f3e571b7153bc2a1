"""Everything that is wrong with a template, told with its place: the check without a cloud.

Purpose: the rules of validation, applied so that one fault does not hide the next.
Invariant: pure; a parameter without a value makes what hangs on it unknown and never
wrong; the value of a hidden parameter stands in no sentence. Neighbours: ``partial``
compiles what can be, ``lint`` goes on from here, the engine has the check with a cloud.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from heat import schema
from heat.common import errors
from heat.model.resource import Row
from heat.plan.partial import Partial, compile_parts, word, words_of
from heat.plan.places import calls_of, located
from heat.plan.provided import KnownTypes, Stranger
from heat.plan.references import graph_of
from heat.schema.parameters import MASK, Parameters, bind, pseudo_parameters
from heat.schema.suggest import nearest
from heat.template.bundle import Bundle
from heat.template.definition import Definition, Template
from heat.template.environment import Environment
from heat.template.expr import OMITTED, Expr, NullScope, ParameterScope, Ref, Scope, items_of
from heat.template.findings import Finding, Path, Place, faults_of, path_in
from heat.template.registry import Registry

MAX_CIRCLES, MAX_DEPTH = 20, 5
_NOWHERE = '00000000-0000-4000-8000-000000000000'
_UNKNOWN_NAME = re.compile(r'Unknown Property (.*?)(?:\. Did you mean .*)?\Z', re.DOTALL)
# A shorter secret would be found in every other word.
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Checked:
    """``template`` is what could be compiled, ``settled`` the same for the parameters given."""

    bundle: Bundle
    place: Place
    findings: tuple[Finding, ...]
    template: Template | None = None
    settled: Template | None = None
    types: KnownTypes | None = None
    parameters: Parameters | None = None
    children: Mapping[str, Checked] = field(default_factory=dict)

    def everything(self) -> list[Finding]:
        """The findings of this template and of all templates it is made of, each once."""
        found = dict.fromkeys(self.findings)
        for child in self.children.values():
            found.update(dict.fromkeys(child.everything()))
        return list(found)


def check(bundle: Bundle, registry: Registry, environment: Environment, *, strict: bool = False,
          around: tuple[str, ...] = ()) -> Checked:
    """Check a template and the templates it names. ``strict``: every parameter needs a value.

    ``around`` are the files of the templates that hold this one.
    """
    place = Place(bundle.file, bundle.text, bundle.tree)
    if bundle.tree is None:
        fault = bundle.fault or errors.StackValidationFailed(message='The template is empty.')
        return Checked(bundle, place, (place.unreadable('E001', fault),))
    partial = compile_parts(bundle.tree)
    children: dict[str, Checked] = {}
    inside = Environment(resource_registry=environment.resource_registry,
                         parameter_defaults=environment.parameter_defaults)
    circles = []
    for name, child in bundle.children.items():
        if child is None or child.file in children:
            continue
        if child.file in (*around, bundle.file):
            circles.append(name)
        else:
            children[child.file] = check(child, registry, inside, around=(*around, bundle.file))
    work = _Check(bundle, place, partial, registry, environment, strict, children, len(around))
    for name in circles:
        work.say('E008', f'The template {name} is made of itself.', work.type_path(name))
    work.all()
    return Checked(bundle, place, tuple(dict.fromkeys(work.findings)), partial.template, work.settled,
                   work.types, work.parameters, children)


class _Check:
    def __init__(self, bundle: Bundle, place: Place, partial: Partial, registry: Registry,
                 environment: Environment, strict: bool, children: Mapping[str, Checked], depth: int) -> None:
        self.bundle, self.place, self.partial = bundle, place, partial
        self.tree: Mapping[str, Any] = bundle.tree or {}
        self.registry, self.environment = registry, environment
        self.strict, self.depth = strict, depth
        self.types = KnownTypes(registry, bundle, {name: one.template for name, one in children.items()})
        self.findings: list[Finding] = []
        self.settled: Template | None = None
        self.parameters: Parameters | None = None
        self.secrets: list[str] = []
        self.words = words_of(self.tree)

    def say(self, code: str, message: str, path: Iterable[Any] = ()) -> None:
        for secret in self.secrets:
            message = message.replace(secret, MASK)
        self.findings.append(self.place.finding(code, message, tuple(path)))

    def blame(self, code: str, error: Exception, path: Path = ()) -> None:
        """Every fault that ``error`` tells; ``path`` is for those that do not say where."""
        for where, sentence in faults_of(error):
            self.say(code, sentence, path_in(self.tree, where) if where else path)

    def all(self) -> None:
        for code, path, message in self.partial.faults:
            self.say(code, message, path)
        for path, message in self.bundle.missing:
            self.say('E010', message, path)
        template = self.partial.template
        if template is None:
            return
        self._parameters(template)
        assert self.parameters is not None
        scope = ParameterScope(self.parameters, self.bundle.files, lenient=True)
        try:
            self.settled = template.settle(scope)
        except errors.HeatException as error:
            self.blame('E009', error)
            self.settled = template
        self._template(template, self.settled, scope)
        if template.conditions:
            # Branches that these parameters leave out are looked at as well.
            self._template(template, template, NullScope(files=self.bundle.files))

    def _template(self, template: Template, settled: Template, scope: Scope) -> None:
        for name, definition in settled.resources.items():
            self.types(definition.type, name)
        for (kind, name), sentence in self.types.strangers.items():
            if kind:
                self.say('E004', sentence, (self.words.resources, name, self.words.type))
        self._references(template, settled)
        self._circles(settled)
        for name, definition in settled.resources.items():
            self._properties(name, definition, scope)

    def type_path(self, kind: str) -> Path:
        """Where the first resource of a type names it."""
        for name, data in self.resources().items():
            if isinstance(data, Mapping) and data.get(self.words.type) == kind:
                return self.words.resources, name, self.words.type
        return ()

    def resources(self) -> Mapping[str, Any]:
        found = self.tree.get(self.words.resources)
        return found if isinstance(found, Mapping) else {}

    # -- parameters --------------------------------------------------------------------------------

    def _parameters(self, template: Template) -> None:
        facts = pseudo_parameters(template.dialect, None)
        given, defaults = self.environment.parameters, self.environment.parameter_defaults
        broken = self.partial.broken_parameters
        for name, one in template.parameters.items():
            values = (given.get(name), defaults.get(name), None if one.required else one.default)
            self.secrets += [str(value) for value in values
                             if one.hidden and value and len(str(value)) >= _SHORTEST_SECRET]
        fit: dict[str, Any] = {}
        for name, value in given.items():
            if name not in template.parameters and name not in facts:
                if self.depth == 0:
                    self.say('E003', hinted(errors.UnknownUserParameter(key=name), name, template.parameters))
            elif name not in broken:
                fit[name] = value
        for name, one in template.parameters.items():
            raw = fit.get(name) if fit.get(name) is not None else defaults.get(name)
            path = (self.words.parameters, name)
            if raw is None:
                if one.required and self.strict and name not in broken:
                    self.say('E003', str(errors.UserParameterMissing(key=name)), path)
                continue
            try:
                one.check(raw)
            except ValueError as error:
                said = 'the value does not fit its type or constraints' if one.hidden else error
                self.say('E003', f"Parameter '{name}' is invalid: {said}", path)
                fit.pop(name, None)
                defaults = {key: value for key, value in defaults.items() if key != name}
        try:
            self.parameters = bind(template.parameters, fit, defaults, facts, strict=False)
        except errors.HeatException as error:
            self.blame('E003', error)
            self.parameters = bind(template.parameters, {}, {}, facts, strict=False)

    # -- references --------------------------------------------------------------------------------

    def _references(self, template: Template, settled: Template) -> None:
        words = self.words
        known = {*settled.resources, *self.partial.broken_resources}
        for name, definition in settled.resources.items():
            written = template.resources[name]
            for index, wanted in enumerate(definition.depends_on):
                if wanted not in known:
                    several = isinstance(self._raw((words.resources, name, words.depends_on)), list)
                    path: Path = (words.resources, name, words.depends_on, *((index,) if several else ()))
                    self._unknown_resource(template, wanted, name, path)
            for place, part in definition.parts():
                self._part(template, settled, part, (words.resources, name, word(words, place)))
            if written.condition is not None:
                self._known_parameters(written.condition, (words.resources, name, words.condition))
        for name, output in settled.outputs.items():
            self._part(template, settled, output.value, (words.outputs, name, words.value), output=True)
        for name, condition in template.conditions.items():
            self._known_parameters(condition, (words.conditions, name))

    def _part(self, template: Template, settled: Template, part: Expr, place: Path,
              output: bool = False) -> None:
        known = {*settled.resources, *self.partial.broken_resources}
        self._known_parameters(part, place)
        for node, path in located(part):
            for ref in node.own_refs():
                where = self._pinned((*place, *path), ref.resource)
                if ref.resource not in known:
                    # An output that only names an unknown resource is let pass by the service.
                    if not output or ref.kind == 'attribute':
                        self._unknown_resource(template, ref.resource, errors.path_text(list(place)), where)
                else:
                    self._attribute(settled, ref, where)

    def _known_parameters(self, part: Expr, place: Path) -> None:
        assert self.parameters is not None
        for node, path in located(part):
            for name in node.own_parameters():
                if name not in self.parameters.schemas and name not in self.parameters.facts:
                    said = hinted(errors.UnknownUserParameter(key=name), name, self.parameters.names())
                    self.say('E006', said, self._pinned((*place, *path), name))

    def _unknown_resource(self, template: Template, wanted: str, key: str, path: Path) -> None:
        fault = errors.InvalidTemplateReference(resource=wanted, key=key)
        disabled = wanted in template.resources
        self.say('E006', f'{fault} Its condition is false.' if disabled else
                 hinted(fault, wanted, template.resources), path)

    def _attribute(self, settled: Template, ref: Ref, path: Path) -> None:
        definition = settled.resources.get(ref.resource)
        if ref.kind != 'attribute' or ref.attribute is None or definition is None:
            return
        kind = self.types(definition.type, ref.resource)
        names = kind.schema.attributes
        if kind.nested or kind.schema.open or ref.attribute in names:
            return
        if isinstance(kind, Stranger) and ref.attribute.startswith(('resource.', 'OS::stack_id')):
            return
        fault = errors.InvalidTemplateAttribute(resource=ref.resource, key=ref.attribute)
        self.say('E007', hinted(fault, ref.attribute, names), path)

    def _raw(self, path: Path) -> Any:
        at: Any = self.tree
        for step in path:
            try:
                at = at[step]
            except (KeyError, IndexError, TypeError):
                return None
        return at

    def _pinned(self, path: Path, name: str) -> Path:
        """The call below or around ``path`` that names ``name``; ``path`` itself if there is none."""
        for length in range(len(path), 2, -1):
            at = self._raw(path[:length])
            if at is not None:
                return next(calls_of(at, name, path[:length]), path)
        return path

    def _circles(self, settled: Template) -> None:
        left = dict(settled.resources)
        for _ in range(MAX_CIRCLES):
            try:
                graph_of(left, self.types)
                return
            except errors.CircularDependencyException as error:
                first = str(error.kwargs['cycle']).split(' -> ')[0]
                self.say('E008', str(error), (self.words.resources, first))
                if left.pop(first, None) is None:
                    return

    # -- properties --------------------------------------------------------------------------------

    def _properties(self, name: str, definition: Definition, scope: Scope) -> None:
        kind = self.types(definition.type, name)
        before = len(self.findings)
        place = (self.words.resources, name, self.words.properties)
        raw = self._values(definition.properties, place, scope)
        policy = self._values(definition.update_policy, (*place[:2], self.words.update_policy), scope)
        self._values(definition.metadata, (*place[:2], self.words.metadata), scope)
        if raw is None or policy is None:
            return
        props, wrong = schema.resolve(kind.schema.properties, raw, path=list(place), unknown_ok=True,
                                      accept_others=kind.schema.open)
        if not kind.schema.open:
            _, bad = schema.resolve(kind.schema.update_policy, policy,
                                    path=[*place[:2], self.words.update_policy])
            wrong = [*wrong, *bad]
        for error in wrong:
            named = _UNKNOWN_NAME.match(error.message)
            path = (*error.path, named[1]) if named else tuple(error.path)
            self.say('E005', error.message, path)
        if len(self.findings) > before:
            return
        for fault in kind.schema.faults(props):
            self.say('E005', str(fault), place)
        for sentence in kind.validate(props):
            self.say('E005', sentence, place)
        if kind.nested and len(self.findings) == before and not schema.has_unknown(props):
            self._nested(name, kind, props, place)

    def _values(self, part: Expr, place: Path, scope: Scope) -> dict[str, Any] | None:
        """The values of a map, each worked out apart; None if it is not known at all."""
        entries = items_of(part)
        found: dict[str, Any] = {}
        try:
            if not entries:
                whole = part.value(scope)
                return whole if isinstance(whole, dict) else None
        except (ValueError, TypeError, KeyError, errors.HeatException) as error:
            self.blame('E009', error, place)
            return None
        for key, item in entries.items():
            try:
                found[key] = item.value(scope)
            except (ValueError, TypeError, KeyError, errors.HeatException) as error:
                self.blame('E009', error, (*place, key))
                found[key] = schema.UNKNOWN
        return {key: value for key, value in found.items() if value is not OMITTED}

    def _nested(self, name: str, kind: Any, props: dict[str, Any], place: Path) -> None:
        if self.depth >= MAX_DEPTH:
            return
        row = Row(uuid=_NOWHERE, stack_id=_NOWHERE, root_id=_NOWHERE, name=name, type=kind.type, props=props)
        try:
            child = kind.expand(row, None)
        except (ValueError, TypeError, KeyError, errors.HeatException) as error:
            self.blame('E005', error, place)
            return
        inside = Environment(child.parameters, self.environment.resource_registry,
                             self.environment.parameter_defaults)
        inner = replace(self.bundle, text='', tree=child.tree, missing=())
        partial = compile_parts(child.tree)
        templates = {one.file: None for one in self.bundle.children.values() if one is not None}
        work = _Check(inner, Place('', ''), partial, self.registry, inside, False, {}, self.depth + 1)
        work.types = KnownTypes(self.registry, inner, {**templates, **self.types.templates})
        work.secrets = self.secrets
        work.all()
        told = set()
        for one in work.findings:
            # The members of a group are alike, and so are their faults.
            if one.message not in told:
                told.add(one.message)
                self.say(one.code, f'{errors.path_text(list(one.path))}: {one.message}', place)


def hinted(fault: Exception, name: str, known: Iterable[str]) -> str:
    """The sentence of ``fault``, with the name that may have been meant."""
    near = nearest(name, known)
    return f'{fault} Did you mean {near}?' if near else str(fault)
