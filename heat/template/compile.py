"""Trees of plain data into expressions, with every fault collected.

Purpose: ``Unit`` holds what builders need while one template is compiled: which
functions its version knows, which parameters and conditions exist, what is wrong so
far. Invariant: linear in the size of the tree; a faulty part compiles to nothing and
is reported, so that all faults come at once.
Neighbours: ``hot`` and ``cfn`` drive it, ``functions`` and ``functions_cfn`` call back.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.common.errors import path_text
from heat.common.fault import MAX_TOLD, SHAPE, keys, value_text
from heat.schema.kinds import UNKNOWN
from heat.schema.suggest import nearest, suggesting
from heat.template.expr import NOTHING, Apply, Constant, Expr, Scope, list_of, map_of, settled_or_kept
from heat.template.functions import Builder, Path


@dataclass(frozen=True, slots=True)
class Condition(Expr):
    """A named condition of the template."""

    name: str

    def value(self, scope: Scope) -> Any:
        return scope.condition(self.name)

    def settle(self, scope: Scope) -> Expr:
        value = scope.condition(self.name)
        return self if value is UNKNOWN else Constant(value)


@dataclass(frozen=True, slots=True)
class Fault:
    """``path`` as the classic sentence names it; ``at`` leads to the part from the root."""

    error: str
    path: str
    message: str
    at: Path = ()
    suggestion: str | None = None
    value: Any = None

    def sentence(self) -> str:
        return ': '.join(part for part in (self.error, self.path, self.message) if part)

    def located(self) -> errors.Fault:
        return errors.Fault(self.sentence(), keys(self.at), value_text(self.value),
                            suggestion=self.suggestion, kind=SHAPE,
                            said=': '.join(part for part in (self.error, self.message) if part))


class Unit:
    """The compilation of one template; ``faults`` and ``warnings`` are shared by all its parts.

    ``strict``: what looks like a function and is none is a fault, as AWS's format has it;
    ``extensions``: the template asks for AWS::LanguageExtensions.
    """

    def __init__(self, functions: Mapping[str, Builder], conditions: Mapping[str, Builder],
                 parameters: Iterable[str] = (), condition_names: Iterable[str] = (),
                 mappings: Mapping[str, Any] | None = None, faults: list[Fault] | None = None, *,
                 strict: bool = False, extensions: bool = False) -> None:
        self.functions = functions
        self.condition_functions = conditions
        self.parameters = frozenset(parameters)
        self.condition_names = frozenset(condition_names)
        self.mappings = mappings if mappings is not None else {}
        self.faults: list[Fault] = [] if faults is None else faults
        self.warnings: list[str] = []
        self.strict = strict
        self.extensions = extensions
        # Where faults stand whose sentences name no place.
        self.place: Path = ()
        # Faults that have a class of their own; they are told first.
        self.graver: list[errors.HeatException] = []
        self._inner: Unit | None = None

    def fault(self, path: Iterable[Any] | str, message: str, error: str = '', *, at: Path | None = None,
              name: Any = None, known: Iterable[str] = (), value: Any = None) -> Expr:
        """Note a fault; the value stands for the part that could not be compiled.

        A ``path`` that is a text is only said; ``at`` is the place then, that of the
        resource being compiled by default. ``name`` is one that is not among ``known``.
        """
        text = path if isinstance(path, str) else path_text(list(path))
        if at is None:
            at = self.place if isinstance(path, str) else tuple(path)
        near = None
        if isinstance(name, str) and len(self.faults) < MAX_TOLD:
            near = nearest(name, known)
        self.faults.append(Fault(error, text, message, at, near, value))
        return NOTHING

    def unknown(self, path: Path, sentence: str, name: Any, known: Iterable[str]) -> Expr:
        """Note that ``name`` is none of ``known``; the one that was probably meant is in the sentence."""
        near = nearest(name, known) if isinstance(name, str) and len(self.faults) < MAX_TOLD else None
        self.faults.append(Fault('', path_text(list(path)), suggesting(sentence, near), tuple(path), near))
        return NOTHING

    def warn(self, path: Path, message: str) -> None:
        """Note what is let pass though AWS would refuse it or do otherwise."""
        self.warnings.append(f'{path_text(list(path))}: {message}')

    def raise_faults(self, noted: errors.Collected | None = None) -> frozenset[Path]:
        """Raise the first fault, in whose error all of them are told, a line each.

        With ``noted`` nothing is raised: the faults are noted there, and the entries that
        have any are given, as (section, name).
        """
        found = errors.Collected() if noted is None else noted
        for error in self.graver:
            found.add(error)
        for fault in self.faults:
            found.note(lambda fault=fault: errors.StackValidationFailed(  # type: ignore[misc]
                error=fault.error, path=fault.path, message=fault.message).told((fault.located(),)))
        if noted is None:
            found.raise_any()
        return frozenset([*(fault.at[:2] for fault in self.faults),
                          *(one.path[:2] for error in self.graver for one in error.faults)])

    def node(self, tree: Any, path: Path) -> Expr:
        """``tree`` as an expression; a map whose only key is a function is a call of it."""
        if isinstance(tree, dict):
            if len(tree) == 1:
                name, args = next(iter(tree.items()))
                builder = self.functions.get(name)
                if builder is not None:
                    return builder(self, name, args, (*path, name))
            if self.strict:
                strange = next((key for key in tree if key.startswith('Fn::')), None)
                if strange is not None:
                    return self._no_function(strange, tree, path)
            # Without a function inside the tree itself will do: it is never changed.
            same, items = True, []
            for key, value in tree.items():
                made = self.node(value, (*path, key)) if isinstance(value, (dict, list)) else Constant(value)
                same = same and type(made) is Constant and made.data is value
                items.append((key, made))
            return Constant(tree) if same else map_of(items)
        if isinstance(tree, list):
            same, nodes = True, []
            for i, value in enumerate(tree):
                made = self.node(value, (*path, i)) if isinstance(value, (dict, list)) else Constant(value)
                same = same and type(made) is Constant and made.data is value
                nodes.append(made)
            return Constant(tree) if same else list_of(nodes)
        return Constant(tree)

    def _no_function(self, name: str, tree: Mapping[str, Any], path: Path) -> Expr:
        path = (*path, name)
        if name.startswith('Fn::ForEach'):
            return self.fault(path, 'Fn::ForEach needs "Transform: AWS::LanguageExtensions", and stands as '
                                    'Fn::ForEach::Name in Conditions, Resources, Outputs and properties')
        if name in self.functions:
            others = ', '.join(key for key in tree if key != name)
            return self.fault(path, f'The function "{name}" must be the only key of its map, but beside it '
                                    f'stands {others}')
        # The prefix alone makes all of them alike.
        short = nearest(name[4:], [known[4:] for known in self.functions if known.startswith('Fn::')])
        near = f'Fn::{short}' if short else None
        sentence = suggesting(f'There is no function "{name}"', near)
        self.faults.append(Fault('', path_text(list(path)), sentence, path, near))
        return NOTHING

    def condition(self, tree: Any, path: Path) -> Expr:
        """A place where a condition may stand: a name, true or false, or a condition function."""
        if isinstance(tree, bool):
            return Constant(tree)
        if isinstance(tree, str):
            if tree not in self.condition_names:
                return self.fault(path, f'Invalid condition "{tree}"', name=tree, known=self.condition_names)
            return Condition(tree)
        if isinstance(tree, dict) and len(tree) == 1 and next(iter(tree)) in self.condition_functions:
            return self._within_conditions().node(tree, path)
        return self.fault(path, f'Invalid condition "{tree}"')

    def definition(self, name: str, tree: Any, path: Path) -> Expr:
        """The definition of a named condition: true, false or a condition function."""
        if isinstance(tree, bool):
            return Constant(tree)
        if isinstance(tree, dict) and len(tree) == 1:
            function = next(iter(tree))
            if function in self.condition_functions:
                return self._within_conditions().node(tree, path)
            if function in self.functions:
                return self._within_conditions().node(tree, path)
        return self.fault('', f'The definition of condition "{name}" is invalid: {tree}',
                          'Condition validation error', at=path, value=tree)

    def _within_conditions(self) -> Unit:
        if self._inner is None:
            self._inner = copy.copy(self)
            self._inner.functions = {**dict.fromkeys(self.functions, misplaced), **self.condition_functions}
            self._inner.alone()
        return self._inner

    def alone(self) -> None:
        """Make this unit the one for conditions inside conditions too."""
        self._inner = self


def misplaced(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    return unit.fault(path, f'The function "{name}" is invalid in this context')


def equals(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, list) or len(args) != 2:
        return unit.fault(path, f'Arguments to "{name}" must be of the form: [value_1, value_2]')
    return Apply(name, unit.node(args, path), lambda pair: pair[0] == pair[1])


def negation(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    """HOT's ``not: condition`` and CFN's ``Fn::Not: [condition]``."""
    if name.startswith('Fn::'):
        if not isinstance(args, list) or len(args) != 1:
            return unit.fault(path, f'Arguments to "{name}" must be of the form: [condition]')
        args = args[0]
    return Apply(name, unit.condition(args, path), lambda value: not _truth(value))


def conjunction(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    return _several(unit, name, args, path, False)


def disjunction(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    return _several(unit, name, args, path, True)


@dataclass(frozen=True, slots=True)
class Several(Expr):
    """Conditions of which one with the value ``decides`` settles the matter, known or not as others are."""

    name: str
    parts: tuple[Expr, ...]
    decides: bool

    def value(self, scope: Scope) -> Any:
        left_open = False
        # What stands behind the one that decides is not looked at, so it need not be a condition.
        for part in self.parts:
            value = part.value(scope)
            if value is UNKNOWN:
                left_open = True
            elif _truth(value) is self.decides:
                return self.decides
        return UNKNOWN if left_open else not self.decides

    def children(self) -> Iterable[Expr]:
        return self.parts

    def settle(self, scope: Scope) -> Expr:
        return settled_or_kept(Several(self.name, tuple(part.settle(scope) for part in self.parts),
                                       self.decides), scope)


def _several(unit: Unit, name: str, args: Any, path: Path, decides: bool) -> Expr:
    if not isinstance(args, list):
        return unit.fault(path, f'Arguments to "{name}" must be of the form: '
                                '[condition_1, condition_2, ...]')
    if len(args) < 2:
        return unit.fault(path, f'The minimum number of condition arguments to "{name}" is 2.')
    return Several(name, tuple(unit.condition(arg, (*path, i)) for i, arg in enumerate(args)), decides)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f'The condition value should be boolean, after resolved the value is: {value}')
    return value


CONDITION_BUILDERS: dict[str, Builder] = {
    'equals': equals, 'not': negation, 'and': conjunction, 'or': disjunction,
    'Fn::Equals': equals, 'Fn::Not': negation, 'Fn::And': conjunction, 'Fn::Or': disjunction,
}
