"""Macros of AWS's format, worked out before a template is compiled.

Purpose: ``expand`` turns the tree that was given into the one to compile: what
AWS::Include names is put in, loops of AWS::LanguageExtensions are written out. The
innermost come first, then those of the Transform section in their order, which stays
in the tree to tell what was asked for. Invariant: pure (texts come from ``document``),
bounded, the given tree is not changed. Neighbours: ``loops``, ``engine.compiled``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.schema.kinds import UNKNOWN
from heat.template.compile import Unit, misplaced
from heat.template.expr import NullScope, weight
from heat.template.functions import Path
from heat.template.functions_aws import BUILDERS, CONDITIONS, ELSEWHERE
from heat.template.functions_aws_data import EXTENSIONS
from heat.template.load import check_depth, is_cloudformation, parse_part
from heat.template.loops import write_out
from heat.template.origins import Origins

INCLUDE = 'AWS::Include'
INLINE = 'Fn::Transform'
KNOWN = (EXTENSIONS, INCLUDE)
# Characters of a template after expansion; a part counts as some more.
MOST_SIZE = 8 * 1024 * 1024
PART = 8
MOST_INCLUDES = 100
DEEPEST_INCLUDE = 5
_EVALUATED = ('Fn::FindInMap', 'Fn::Join', 'Fn::Length', 'Fn::Select', 'Fn::Split', 'Fn::Sub',
              'Fn::ToJsonString', 'Ref')

Document = Callable[[str], str]
# The name of a macro to who works it out, if anybody does.
Custom = Callable[[str], Callable[[Mapping[str, Any]], Any] | None]


def nobody(name: str) -> None:
    """Who works out macros where none but ours are known."""


class ValuesMissing(errors.StackValidationFailed):
    """A macro hangs on the value of a parameter that is not known (yet)."""

    def to_wire(self) -> dict[str, Any]:
        # The other side of the bus knows the common class.
        return {**super().to_wire(), 'class': 'StackValidationFailed'}


@dataclass(frozen=True, slots=True)
class Macro:
    """One use of a macro: its name, its parameters, and where it stands."""

    name: str
    parameters: Mapping[str, Any]
    path: Path


def transforms(tree: Mapping[str, Any]) -> list[Macro]:
    """What the Transform section asks for, in order. StackValidationFailed for what is not served."""
    found = tree.get('Transform')
    if found is None:
        return []
    if isinstance(found, list):
        return [_macro(one, ('Transform', index)) for index, one in enumerate(found)]
    return [_macro(found, ('Transform',))]


def _macro(data: Any, path: Path) -> Macro:
    if isinstance(data, str):
        data = {'Name': data}
    unit = Unit({}, {})
    if not isinstance(data, dict) or not isinstance(data.get('Name'), str):
        unit.fault(path, 'A transform is the name of a macro or {Name: name, Parameters: {...}}')
        unit.raise_faults()
    for key in data:
        if key not in ('Name', 'Parameters'):
            unit.unknown((*path, key), f'A transform has no "{key}"', key, ('Name', 'Parameters'))
    parameters = data.get('Parameters') or {}
    if not isinstance(parameters, dict):
        unit.fault((*path, 'Parameters'), 'Parameters of a transform must be a map')
    unit.raise_faults()
    return Macro(data['Name'], parameters, path)


def wanted(tree: Any) -> bool:
    """Whether a template asks for any macro."""
    if not is_cloudformation(tree):
        return False
    return 'Transform' in tree or _holds(tree, INLINE)


def _holds(tree: Any, name: str) -> bool:
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            if name in node:
                return True
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return False


def expand(tree: Mapping[str, Any], parameter_values: Mapping[str, Any],
           document: Document, custom: Custom = nobody) -> Expanded:
    """The tree with every macro worked out, and where its parts come from.

    ``parameter_values`` are those of the stack, pseudo parameters included; ``custom`` tells
    who works out macros that are none of ours (``Files.macro``). Raises
    ValuesMissing if one that is needed is not among them or UNKNOWN, else
    StackValidationFailed, with the place.
    """
    check_depth(tree)
    expansion = Expansion(tree, parameter_values, document, custom)
    return Expanded(expansion.run(), expansion.origins)


@dataclass(frozen=True, slots=True)
class Expanded:
    tree: dict[str, Any]
    origins: Origins


class Expansion:
    """One run. ``unit`` collects faults and evaluates what macros are told by functions."""

    def __init__(self, tree: Mapping[str, Any], values: Mapping[str, Any], document: Document,
                 custom: Custom = nobody) -> None:
        self.custom = custom
        self.tree: dict[str, Any] = dict(tree)
        self.values = {name: value for name, value in values.items() if value is not UNKNOWN}
        self.document = document
        self.size = 0
        self.part = PART
        self.included = 0
        self.depth = 0
        self.origins = Origins()
        self.inlined = self.origins.stage()
        parameters = tree.get('Parameters')
        names = {*(parameters if isinstance(parameters, dict) else ()), *values}
        table = {**dict.fromkeys((*BUILDERS, *ELSEWHERE), misplaced),
                 **{name: CONDITIONS[name] for name in _EVALUATED}}
        self.unit = Unit(table, {}, names, strict=True, extensions=True)

    def run(self) -> dict[str, Any]:
        asked = transforms(self.tree)
        for macro in asked:
            self._check(macro, macro.path)
        self.unit.raise_faults()
        self.tree = {key: self._inline(value, (key,)) if key != 'Transform' else value
                     for key, value in self.tree.items()}
        check_depth(self.tree)
        for macro in asked:
            if macro.name == INCLUDE:
                self._merge(*self.included_tree(macro), macro.path)
            elif macro.name == EXTENSIONS:
                self.tree = write_out(self, self.tree)
            else:
                self.tree = self._remade(macro)
        self.unit.raise_faults()
        check_depth(self.tree)
        return self.tree

    def value(self, node: Any, path: Path) -> Any:
        """What literal data or functions of parameters give; StackValidationFailed, ValuesMissing."""
        mappings = self.tree.get('Mappings')
        self.unit.mappings = mappings if isinstance(mappings, dict) else {}
        made = self.unit.node(node, path)
        self.unit.raise_faults()
        try:
            value = made.value(NullScope(self.values))
        except (ValueError, TypeError) as error:
            raise errors.StackValidationFailed(path=list(path), message=error) from error
        if value is UNKNOWN or (isinstance(value, list) and UNKNOWN in value):
            missing = sorted(made.parameters() - set(self.values))
            raise ValuesMissing(path=list(path), message='the value of '
                                f'{", ".join(missing) or "a parameter"} is needed here, but not known')
        return value

    def count(self, path: Path, size: int) -> None:
        """StackValidationFailed when the expanded template becomes too large."""
        self.size += size
        if self.size > MOST_SIZE:
            raise errors.StackValidationFailed(
                path=list(path), message=f'the template becomes larger than {MOST_SIZE} characters here')

    def _inline(self, node: Any, path: Path) -> Any:
        """``node`` with each Fn::Transform replaced by what its macro gives."""
        if isinstance(node, list):
            return [self._inline(item, (*path, index)) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        made = {key: self._inline(value, (*path, key)) for key, value in node.items()}
        if INLINE not in made:
            return made
        asked, place = made.pop(INLINE), (*path, INLINE)
        for one in asked if isinstance(asked, list) and asked else [asked]:
            made = self._beside(made, _macro(one, place), path)
        return made

    def _beside(self, made: Any, macro: Macro, path: Path) -> Any:
        """What a macro makes of the map that it stands in, ``made`` without it."""
        place = (*path, INLINE)
        if macro.name not in KNOWN:
            return self._made(macro, made, place) if self._check(macro, place) else made
        if macro.name != INCLUDE:
            self.unit.fault(place, f'{macro.name} can only be asked for in the Transform section')
            return made
        if not self._check(macro, place):
            return made
        location, content = self.included_tree(macro)
        if not made:
            self._came_from(path, location, ())
            return content
        if not isinstance(content, dict) or not isinstance(made, dict):
            self.unit.fault(place, f'{INCLUDE} stands beside {", ".join(made)}, so its document must hold '
                                   'a map')
            return made
        for key in content:
            self._came_from((*path, key), location, (key,))
            if key in made:
                self.unit.fault((*path, key), f'"{key}" stands here and in the document that {INCLUDE} names')
        return {**content, **made}

    def _check(self, macro: Macro, path: Path) -> bool:
        if macro.name == INCLUDE and set(macro.parameters) != {'Location'}:
            self.unit.fault(path, f'{INCLUDE} needs Parameters: {{Location: name of a document}}')
            return False
        served = macro.name in KNOWN or self.custom(macro.name) is not None
        if not served:
            self.unit.unknown(path, f'The macro "{macro.name}" is not served here, only '
                                    f'{" and ".join(KNOWN)} are', macro.name, KNOWN)
        return served

    def _remade(self, macro: Macro) -> dict[str, Any]:
        """The template as a macro of its Transform section makes it."""
        fragment = {key: value for key, value in self.tree.items() if key != 'Transform'}
        made = self._made(macro, fragment, macro.path)
        if not isinstance(made, dict):
            raise errors.StackValidationFailed(
                path=list(macro.path), message=f'The macro "{macro.name}" made what is no template')
        return {**made, 'Transform': self.tree['Transform']}

    def _made(self, macro: Macro, fragment: Any, path: Path) -> Any:
        """What a macro that is none of ours makes of ``fragment``, in AWS's form."""
        work = self.custom(macro.name)
        assert work is not None
        declared = self.tree.get('Parameters')
        names = list(declared) if isinstance(declared, dict) else []
        missing = [name for name in names if name not in self.values]
        if missing:
            raise ValuesMissing(path=list(path), message='the value of '
                                f'{", ".join(missing)} is needed here, but not known')
        account = self.values.get('AWS::AccountId') or ''
        parameters = {key: self.value(value, (*path, 'Parameters', key))
                      for key, value in macro.parameters.items()}
        try:
            made = work({
                'region': self.values.get('AWS::Region') or '', 'accountId': account,
                'transformId': f'{account}::{macro.name}', 'fragment': fragment, 'params': parameters,
                'templateParameterValues': {name: self.values[name] for name in names}})
        except errors.HeatException as error:
            raise (error if error.faults else error.at(path, value=macro.name)) from None
        check_depth({'': made})
        self.count(path, weight(made))
        return made

    def _came_from(self, path: Path, location: str, below: Path) -> None:
        # What a document includes itself is told where the document includes it.
        if not self.depth:
            self.inlined[path] = location, below

    def included_tree(self, macro: Macro) -> tuple[str, Any]:
        """Name and content of a document, its own macros worked out."""
        place = (*macro.path, 'Parameters', 'Location')
        self.included += 1
        if self.included > MOST_INCLUDES:
            raise errors.StackValidationFailed(
                path=list(place), message=f'more than {MOST_INCLUDES} documents are included')
        if self.depth >= DEEPEST_INCLUDE:
            raise errors.StackValidationFailed(
                path=list(place), message=f'documents include one another more than {DEEPEST_INCLUDE} deep')
        location = self.value(macro.parameters['Location'], place)
        if not isinstance(location, str):
            raise errors.StackValidationFailed(path=list(place), message='Location must be a string')
        try:
            text = self.document(location)
        except errors.HeatException as error:
            raise (error if error.faults else error.at(place, value=location)) from None
        tree = parse_part(text, location)
        check_depth(tree, location)
        self.count(place, weight(tree))
        self.depth += 1
        made = self._inline(tree, macro.path)
        self.depth -= 1
        return location, made

    def _merge(self, location: str, content: Any, path: Path) -> None:
        if not isinstance(content, dict):
            self.unit.fault(path, f'The document that {INCLUDE} names must hold sections of a template')
            return
        stage = self.origins.stage()
        for section, more in content.items():
            held = self.tree.get(section)
            if isinstance(held, dict) and isinstance(more, dict):
                for key in more:
                    stage[section, key] = location, (section, key)
                    if key in held:
                        self.unit.fault((section, key),
                                        f'"{key}" stands here and in the document that {INCLUDE} names')
                self.tree[section] = {**held, **more}
            elif held is None:
                stage[(section,)] = location, (section,)
                self.tree[section] = more
            elif held != more:
                self.unit.fault((section,), f'{section} stands here and in the document that {INCLUDE} names')

