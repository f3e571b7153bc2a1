"""Compiled expressions: what a property, an output or a condition says.

Purpose: a template is compiled once into trees of ``Expr``; evaluation needs only
a ``Scope``. Invariant: an expression holds no stack and does no I/O, its static
needs are known (``refs``, ``parameters``), and ``UNKNOWN`` propagates: a function
of an unknown value is unknown, lists and maps keep it at its place. Values may be
shared with the template: whoever gets one must not change it.
Neighbours: ``functions`` and ``functions_cfn`` build nodes, ``definition`` holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from heat.common.errors import HeatException
from heat.schema.kinds import UNKNOWN


@dataclass(frozen=True, slots=True)
class Ref:
    """A need of one resource: its reference id, an attribute, or all attributes.

    ``kind`` is 'reference' (get_resource) or 'attribute'. ``attribute`` is None for
    get_resource, and for get_attr that wants every attribute. ``path`` is what the
    function walks inside the attribute, as far as it is known before evaluation.
    """

    resource: str
    attribute: str | None = None
    path: tuple[Any, ...] = ()
    kind: str = 'attribute'


class Scope(Protocol):
    """What an expression may ask of its stack. Values may be ``UNKNOWN``."""

    budget: Budget

    def parameter(self, name: str) -> Any:
        """The typed value; raises UserParameterMissing if there is none."""

    def reference(self, resource: str) -> Any:
        """The reference id that get_resource gives (usually the physical id)."""

    def attribute(self, resource: str, attribute: str | None, path: tuple[Any, ...]) -> Any:
        """The whole attribute (the function walks ``path``), all of them as a map for None.

        ``Walked`` if the path has been walked already.

        Raises InvalidTemplateAttribute if the type has no such attribute.
        """

    def file(self, name: str) -> str:
        """Content of an entry of ``files``; raises KeyError if it is not there."""

    def condition(self, name: str) -> bool:
        """Value of a named condition of this template."""

    def facade(self, kind: str) -> Any:
        """'metadata', 'deletion_policy' or 'update_policy' of the resource this stack stands for."""

    def zones(self) -> list[str]:
        """Names of the availability zones."""

    def imported(self, name: str) -> Any:
        """What a stack of this project exports as ``name``; raises ValueError if none does."""

    def stack_output(self, stack: str, output: str, region: str | None) -> Any:
        """An output of another stack, of this region if None; raises ValueError if there is none."""


MAX_MADE = 256 * 1024 * 1024
"""Characters and items that functions may make for one template, or for one resource."""
MAX_READ = 64 * 1024 * 1024
"""Characters that parameters, attributes and files may come to in one resource, or in all outputs."""
ITEM = 16
"""As many characters as an item counts among these: a walk over them must not take long."""


class Budget:
    """What functions may still make before a small template fills the memory.

    Also what they may still take from elsewhere: that fills no memory, since it is shared, but
    it is walked over and written down as often as it stands there.
    """

    __slots__ = ('left', 'unread')

    def __init__(self) -> None:
        self.renew()

    def spend(self, value: Any) -> None:
        """Count what a function made; ValueError when it is too much in all."""
        self.left -= weight(value, self.left)
        if self.left < 0:
            raise ValueError(f'The functions of the template make more than {MAX_MADE} characters.')

    def read(self, value: Any) -> Any:
        """``value``, counted; ValueError when it is too much in all."""
        self.unread -= weight(value, self.unread, ITEM)
        if self.unread < 0:
            raise ValueError('The parameters, attributes and files in one resource, or in the outputs, '
                             f'come to more than {MAX_READ} characters.')
        return value

    def renew(self) -> None:
        self.left = MAX_MADE
        self.turn()

    def turn(self) -> None:
        """The next resource begins, or the outputs do."""
        self.unread = MAX_READ


def weight(value: Any, most: int | None = None, of_item: int = 1) -> int:
    """Characters and items of plain data; not counted further when above ``most``."""
    total, pending = 0, [value]
    while pending and (most is None or total <= most):
        item = pending.pop()
        total += of_item
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            total += sum(map(len, item)) if all(isinstance(key, str) for key in item) else len(item)
            pending.extend(item.values())
        elif isinstance(item, (list, tuple)):
            pending.extend(item)
    return total


class _Omitted:
    """Value of an ``if`` without else that is false: its key or item vanishes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return 'OMITTED'


OMITTED: Any = _Omitted()


@dataclass(frozen=True, slots=True)
class Walked:
    """An attribute that has walked the path by itself: a group walks it in each member."""

    value: Any


class Expr:
    """A node. Subclasses are frozen; ``children`` are the expressions inside."""

    __slots__ = ()

    def value(self, scope: Scope) -> Any:
        """The plain value; raises ValueError or TypeError as the function words it."""
        raise NotImplementedError

    def children(self) -> Iterable[Expr]:
        return ()

    def steps(self) -> tuple[str, ...]:
        """The keys of the template between the node and its children."""
        return ()

    def own_refs(self) -> Iterable[Ref]:
        return ()

    def own_parameters(self) -> Iterable[str]:
        return ()

    def settle(self, scope: Scope) -> Expr:
        """The same expression with all that hangs on parameters and conditions alone worked out."""
        raise NotImplementedError

    def walk(self) -> Iterator[Expr]:
        """This node and all below it."""
        pending: list[Expr] = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(node.children())

    def refs(self) -> frozenset[Ref]:
        """Every need of a resource, in all branches."""
        return frozenset(ref for node in self.walk() for ref in node.own_refs())

    def parameters(self) -> frozenset[str]:
        """Names of all parameters asked for."""
        return frozenset(name for node in self.walk() for name in node.own_parameters())


@dataclass(frozen=True, slots=True)
class Constant(Expr):
    """Plain data without any function inside."""

    data: Any

    def value(self, scope: Scope) -> Any:
        return self.data

    def settle(self, scope: Scope) -> Expr:
        return self

    def refs(self) -> frozenset[Ref]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class ListOf(Expr):
    items: tuple[Expr, ...]

    def value(self, scope: Scope) -> Any:
        return [v for v in (item.value(scope) for item in self.items) if v is not OMITTED]

    def children(self) -> Iterable[Expr]:
        return self.items

    def settle(self, scope: Scope) -> Expr:
        return list_of([item.settle(scope) for item in self.items])


@dataclass(frozen=True, slots=True)
class MapOf(Expr):
    """Keys are plain; ``items`` holds ``(key, expression)`` in template order."""

    items: tuple[tuple[str, Expr], ...]

    def value(self, scope: Scope) -> Any:
        return {k: v for k, v in ((k, item.value(scope)) for k, item in self.items) if v is not OMITTED}

    def children(self) -> Iterable[Expr]:
        return [item for _, item in self.items]

    def get(self, key: str) -> Expr | None:
        return next((item for k, item in self.items if k == key), None)

    def settle(self, scope: Scope) -> Expr:
        return map_of([(k, item.settle(scope)) for k, item in self.items])


NOTHING = Constant(None)
EMPTY_MAP = Constant({})


def list_of(items: list[Expr]) -> Expr:
    """A list node; a ``Constant`` when all its items are."""
    if all(type(item) is Constant for item in items):
        return Constant([item.data for item in items  # type: ignore[attr-defined]
                         if item.data is not OMITTED])  # type: ignore[attr-defined]
    return ListOf(tuple(items))


def map_of(items: list[tuple[str, Expr]]) -> Expr:
    """A map node; a ``Constant`` when all its values are."""
    if all(type(item) is Constant for _, item in items):
        return Constant({k: item.data for k, item in items  # type: ignore[attr-defined]
                         if item.data is not OMITTED})  # type: ignore[attr-defined]
    return MapOf(tuple(items))


def items_of(node: Expr) -> dict[str, Expr]:
    """The entries of a map-shaped node, each as an expression; empty for anything else."""
    if isinstance(node, MapOf):
        return dict(node.items)
    if isinstance(node, Constant) and isinstance(node.data, dict):
        return {k: Constant(v) for k, v in node.data.items()}
    return {}


def unknown_inside(value: Any) -> bool:
    """True if ``UNKNOWN`` is the value or stands anywhere in it."""
    if value is UNKNOWN:
        return True
    if isinstance(value, dict):
        return any(unknown_inside(v) for v in value.values())
    if isinstance(value, list):
        return any(unknown_inside(v) for v in value)
    return False


def scope_free(node: Expr) -> bool:
    """True if nothing below needs a resource or the stack around, parameters aside."""
    return not any(isinstance(n, Live) for n in node.walk())


class Live(Expr):
    """A node whose value is known only while the stack is worked on."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Apply(Expr):
    """A function whose arguments are evaluated first: most of them.

    ``rule`` maps the plain arguments to the value. With ``shallow`` an unknown
    value deeper than the arguments themselves does not make the result unknown.
    """

    name: str
    args: Expr
    rule: Callable[[Any], Any]
    shallow: bool = False

    def value(self, scope: Scope) -> Any:
        args = self.args.value(scope)
        if self.shallow:
            held = args.values() if isinstance(args, dict) else args if isinstance(args, list) else ()
            if args is UNKNOWN or any(item is UNKNOWN for item in held):
                return UNKNOWN
        elif unknown_inside(args):
            return UNKNOWN
        made = self.rule(args)
        if not self.shallow:
            # A shallow one makes no copies of what it is given.
            scope.budget.spend(made)
        return made

    def children(self) -> Iterable[Expr]:
        return (self.args,)

    def steps(self) -> tuple[str, ...]:
        return (self.name,)

    def settle(self, scope: Scope) -> Expr:
        return settled_or_kept(
            Apply(self.name, self.args.settle(scope), self.rule, self.shallow), scope)


def settled_or_kept(node: Expr, scope: Scope) -> Expr:
    """``node`` as a Constant if its value no longer hangs on a resource, else itself.

    A function that refuses its arguments is kept too: it says so when it is evaluated.
    """
    if not scope_free(node):
        return node
    try:
        value = node.value(scope)
    except (ValueError, TypeError, HeatException):
        return node
    return node if unknown_inside(value) else Constant(value)


class NullScope:
    """Knows parameters, files and conditions if given them; all else is ``UNKNOWN``.

    The scope of validation and preview.
    """

    def __init__(self, parameters: dict[str, Any] | None = None, files: Any = None,
                 conditions: dict[str, bool] | None = None, facade: Mapping[str, Any] | None = None) -> None:
        self.budget = Budget()
        self._parameters = parameters
        self._files = files if files is not None else {}
        self._conditions = conditions or {}
        self._facade = facade

    def parameter(self, name: str) -> Any:
        return UNKNOWN if self._parameters is None else self._parameters.get(name, UNKNOWN)

    def reference(self, resource: str) -> Any:
        return UNKNOWN

    def attribute(self, resource: str, attribute: str | None, path: tuple[Any, ...]) -> Any:
        return UNKNOWN

    def file(self, name: str) -> str:
        return self._files[name]

    def condition(self, name: str) -> Any:
        return self._conditions.get(name, UNKNOWN)

    def facade(self, kind: str) -> Any:
        return UNKNOWN if self._facade is None else self._facade.get(kind)

    def zones(self) -> Any:
        return UNKNOWN

    def imported(self, name: str) -> Any:
        return UNKNOWN

    def stack_output(self, stack: str, output: str, region: str | None) -> Any:
        return UNKNOWN


class HasValues(Protocol):
    """``heat.schema.parameters.Parameters``, as far as expressions are concerned."""

    def value(self, name: str) -> Any: ...

    def __contains__(self, name: str) -> bool: ...


class ParameterScope(NullScope):
    """The bound parameters of a stack and its files; resources are ``UNKNOWN``.

    The scope to settle a template with. ``lenient``: a parameter without a value is
    ``UNKNOWN`` (the validate call), else UserParameterMissing.
    """

    def __init__(self, parameters: HasValues, files: Any = None, lenient: bool = False) -> None:
        super().__init__(files=files)
        self._bound = parameters
        self._lenient = lenient

    def parameter(self, name: str) -> Any:
        if self._lenient and name not in self._bound:
            return UNKNOWN
        return self._bound.value(name)
