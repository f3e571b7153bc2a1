"""heat-template's check: the engine's validation, on files and without a cloud.

Purpose: everything that is wrong with a template and the templates it is made of, as
findings. Invariant: the rules are those of ``engine.compiled`` and ``engine.validate``;
here they meet files that name each other relative to themselves, values that are not
given yet, and branches that these parameters leave out. Neighbours: ``template`` asks,
``template_files`` reads, ``heat.plan.lint`` and ``show`` go on from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.common import errors, fault
from heat.common.context import RequestContext
from heat.common.fault import ENVIRONMENT, TEMPLATE, Fault
from heat.common.ids import StackId
from heat.engine.compiled import Compiled, compile_all
from heat.engine.validate import Validator
from heat.model.resource import Row
from heat.plan.checked import Checked
from heat.plan.scope import Facts
from heat.plan.traversal import Wanted
from heat.resources.provider import AnyType
from heat.resources.types import TypeTable
from heat.schema.suggest import suggesting
from heat.template.bundle import Bundle
from heat.template.environment import Environment
from heat.template.files import Files
from heat.template.findings import Finding, Path, Place
from heat.template.registry import Registry

MAX_DEPTH = 5
# Nobody reads more of one template.
MOST = 10_000
CODES: Mapping[str, str] = {
    fault.TEXT: 'E001', fault.SHAPE: 'E002', fault.PARAMETER: 'E003', fault.MISSING: 'E003',
    fault.TYPE: 'E004', fault.PROPERTY: 'E005', fault.REFERENCE: 'E006', fault.ATTRIBUTE: 'E007',
    fault.CIRCLE: 'E008', fault.RULE: 'E011'}
FUNCTION, UNREAD = 'E009', 'E010'
_NOWHERE = StackId('', '', '00000000-0000-4000-8000-000000000000')
_CONTEXT = RequestContext()

Children = Mapping[str, Bundle | None]


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of the environments, the strongest last, and the parameters that were given beside them."""

    places: tuple[Place, ...] = ()
    beside: frozenset[str] = frozenset()

    def at(self, path: Path) -> Place | None:
        """The environment that says what counts at ``path``; None if none does."""
        if path[:1] == ('parameters',) and path[1:2] and path[1] in self.beside:
            return None
        return next((one for one in reversed(self.places) if one.holds(path)), None)


class BundleFiles(Files):
    """The files of a bundle, as its template names them; ``mapped`` are those of environments."""

    def __init__(self, bundle: Bundle, mapped: Children, around: tuple[str, ...]) -> None:
        super().__init__()
        self._bundle = bundle
        self._mapped = mapped
        self._around = (*around, bundle.file)
        # What macros have included, by name.
        self.documents: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        return self._bundle.files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bundle.files)

    def __len__(self) -> int:
        return len(self._bundle.files)

    def child(self, name: str) -> Bundle | None:
        return self._bundle.children.get(name) or self._mapped.get(name)

    def open(self, name: str) -> bool:
        child = self.child(name)
        return child is None or child.tree is None or child.file in self._around

    def template(self, name: str, user: bool = True) -> str:
        child = self.child(name)
        return super().template(name, user) if child is None else child.text

    def document(self, location: str) -> str:
        if self._bundle.document is None:
            return super().document(location)
        try:
            self.documents[location] = self._bundle.document(location)
        except OSError as error:
            raise errors.StackValidationFailed(message=(
                f'The document "{location}" that AWS::Include names cannot be read: {error}')) from None
        return self.documents[location]

    def source(self, name: str) -> str:
        child = self.child(name)
        return name if child is None else child.file

    def inside(self, template: str | None) -> Files:
        child = None if template is None else self.child(template)
        return self if child is None else BundleFiles(child, self._mapped, self._around)


@dataclass(frozen=True, slots=True)
class LenientTypes:
    """The types of a stack; what cannot be found accepts and tells anything."""

    types: TypeTable

    def __call__(self, type_name: str, resource_name: str) -> Any:
        try:
            return self.types(type_name, resource_name)
        except errors.HeatException:
            return AnyType

    def of(self, row: Row) -> Any:
        return self(row.type, row.name)


def check(bundle: Bundle, registry: Registry, environment: Environment, *, strict: bool = False,
          around: tuple[str, ...] = (), mapped: Children | None = None,
          written: Written = Written()) -> Checked:
    """Check a template and the templates it names. ``strict``: every parameter needs a value.

    ``registry`` has the plugins and what the operator maps. ``around`` are the files of
    the templates that hold this one, ``mapped`` the templates that environments name.
    ``written`` tells where environments say what they say.
    """
    place = Place(bundle.file, bundle.text, bundle.tree)
    if bundle.tree is None:
        error = bundle.fault or errors.StackValidationFailed(message='The template is empty.')
        return Checked(bundle, place, (place.unreadable('E001', error),))
    mapped = bundle.children if mapped is None else mapped
    inside = Environment(resource_registry=environment.resource_registry,
                         parameter_defaults=environment.parameter_defaults)
    children: dict[str, Checked] = {}
    circles = []
    for name, child in bundle.children.items():
        if child is None or child.file in children:
            continue
        if child.file in (*around, bundle.file):
            circles.append(name)
        else:
            children[child.file] = check(child, registry, inside, around=(*around, bundle.file),
                                         mapped=mapped, written=written)
    work = _Check(bundle, place, children, environment, BundleFiles(bundle, mapped, around), written)
    for name in circles:
        work.say('E008', f'The template {name} is made of itself.', work.type_path(name))
    for path, message in bundle.missing:
        work.say(UNREAD, message, path)
    try:
        compiled = work.compiled(registry)
    except errors.HeatException as error:
        work.tell(error, None)
        return Checked(bundle, place, work.told(), children=children)
    settled = work.validate(compiled, strict)
    files = {name: one.file for name, one in {**mapped, **bundle.children}.items() if one is not None}
    return Checked(bundle, place, work.told(), compiled.template, settled, LenientTypes(compiled.types),
                   children, files)


class _Check:
    def __init__(self, bundle: Bundle, place: Place, children: Mapping[str, Checked],
                 environment: Environment, files: BundleFiles, written: Written) -> None:
        self._written = written
        self.bundle, self.place, self.environment, self.files = bundle, place, environment, files
        self.tree: Mapping[str, Any] = bundle.tree or {}
        self.findings: list[Finding] = []
        self._places = {file: one.place for file, one in _below(children)}

    def told(self) -> tuple[Finding, ...]:
        return tuple(dict.fromkeys(self.findings))

    def say(self, code: str, message: str, path: Path = ()) -> None:
        place = self._written.at(path) if path[:1] == ('resource_registry',) else None
        self.findings.append((place or self.place).finding(code, message, path))

    def compiled(self, registry: Registry) -> Compiled:
        """The template, with its faults noted; raises what leaves nothing of it."""
        operator = [layer for layer in registry.layers if not layer.user]
        return compile_all(None, self.tree, self.environment.to_dict(), self.files, operator=operator,
                           strict=False, judge=True, noted=errors.Collected(MOST), plugins=registry.plugins)

    def validate(self, compiled: Compiled, strict: bool) -> Any:
        """Tell what is wrong; the settled template."""
        if strict:
            self._missing(compiled)
        wanted = compiled.wanted()
        self._validated(compiled, wanted)
        if compiled.template.conditions:
            # Branches that these parameters leave out are looked at as well.
            whole = Wanted(compiled.template, Facts({}, self.files), frozenset())
            self._validated(replace(compiled, noted=errors.Collected(MOST)), whole)
        return wanted.template

    def _validated(self, compiled: Compiled, wanted: Wanted) -> None:
        validator = Validator(_CONTEXT, finder=None, credential=None, available=lambda _service: True,
                              policy=None, max_resources=-1, max_depth=MAX_DEPTH, thorough=True)
        try:
            validator.stack(_NOWHERE, compiled, wanted)
        except errors.RequestLimitExceeded:
            # Deeper than a stack may be nested; what was found before is told.
            found = compiled.noted.error() if compiled.noted is not None else None
            if found is not None:
                self.tell(compiled.told(found), compiled)
        except errors.HeatException as error:
            self.tell(error, compiled)

    def _missing(self, compiled: Compiled) -> None:
        given, defaults = self.environment.parameters, self.environment.parameter_defaults
        for name, one in compiled.template.parameters.items():
            if one.required and given.get(name) is None and defaults.get(name) is None:
                self.say('E003', str(errors.UserParameterMissing(key=name)), self._declared(compiled, name))

    def tell(self, error: errors.HeatException, compiled: Compiled | None) -> None:
        """Every fault that an error tells, each as a finding."""
        told = set()
        for one in error.faults or (Fault(str(error)),):
            message = suggesting(one.bare(), one.suggestion) if one.suggestion and (
                f'Did you mean {one.suggestion}?' not in one.bare()) else one.bare()
            path: Path = one.path
            place = self.place if one.source in (TEMPLATE, ENVIRONMENT) else self._of(one.source)
            said = self._written.at(path) if one.source == ENVIRONMENT else None
            if said is not None:
                place = said
            elif one.source == ENVIRONMENT:
                path = self._declared(compiled, str(one.path[1])) if len(one.path) > 1 else ()
            # The members of a group are alike, and so are their faults.
            alike = (one.source, path, message.partition(': ')[2] or message)
            if alike in told and message.startswith(('resources.', 'Resources.')):
                continue
            told.add(alike)
            if place is not None:
                self.findings.append(place.finding(CODES.get(one.kind, FUNCTION), message, path))

    def _of(self, source: str) -> Place | None:
        """The text of a template below this one, or of a document that it includes."""
        text = self.files.documents.get(source)
        return self._places.get(source) if text is None else Place(source, text)

    def _declared(self, compiled: Compiled | None, name: str) -> Path:
        """Where the template declares a parameter; nowhere if it does not."""
        if compiled is None or name not in compiled.template.parameters:
            return ()
        return 'parameters' if compiled.template.dialect == 'hot' else 'Parameters', name

    def type_path(self, kind: str) -> Path:
        """Where the first resource of a type names it."""
        for section, key in (('resources', 'type'), ('Resources', 'Type')):
            found = self.tree.get(section)
            for name, data in found.items() if isinstance(found, Mapping) else ():
                if isinstance(data, Mapping) and data.get(key) == kind:
                    return section, name, key
        return ()


def _below(children: Mapping[str, Checked]) -> Iterator[tuple[str, Checked]]:
    for file, child in children.items():
        yield file, child
        yield from _below(child.children)
