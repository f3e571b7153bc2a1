"""What a value must satisfy beyond its kind.

Purpose: constraints of properties and of template parameters, one class each.
Invariant: ``check`` is pure and never raises for a value of any shape; what
needs a cloud is only named (``Custom.needs_cloud``) and looked up by the shell.
Neighbours: ``kinds`` builds them, ``constraints_named`` holds the pure custom
ones, ``template`` uses them for parameters. Messages follow the recorded API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from heat.common.fault import shortened
from heat.common.pattern import TooSlow, compiled
from heat.schema.constraints_named import NAMED

LONGEST_EXPECTED = 300
Bound = int | float | None


def _span(low: Bound, high: Bound) -> str:
    if low is None:
        return f'at most {high}'
    return f'at least {low}' if high is None else f'from {low} to {high}'


def _bounds(low: Bound, high: Bound) -> dict[str, Any]:
    return {name: value for name, value in (('min', low), ('max', high)) if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """Base. ``description`` is the author's own sentence, said instead of ours on a failure.

    ``kinds`` names the kinds of value (property spelling) that it may be put on.
    """

    description: str | None = None
    kinds: ClassVar[tuple[str, ...]] = ('String', 'Integer', 'Number', 'Boolean', 'Map', 'List', 'Any')

    def fault(self, value: Any, label: str) -> str | None:
        raise NotImplementedError

    def check(self, value: Any, label: str = 'value') -> str | None:
        """None, or the sentence that tells why ``value`` will not do.

        ``label`` is the noun used where the value itself has nothing to measure.
        """
        fault = self.fault(value, label)
        return (self.description or fault) if fault else None

    def expected(self) -> str:
        """What would do, as a noun: ``a number from 1 to 5``."""
        raise NotImplementedError

    def body(self) -> dict[str, Any]:
        raise NotImplementedError

    def render(self) -> dict[str, Any]:
        """The form of HOT templates and of the resource type API: ``{'range': {...}}``."""
        if self.description:
            return {**self.body(), 'description': self.description}
        return self.body()

    def to_parameter(self) -> dict[str, Any]:
        """The keys of a CFN parameter: ``{'MinValue': 1}``, without its description."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Range(Constraint):
    """``min <= value <= max``; None leaves a side open."""

    min: Bound = None
    max: Bound = None
    kinds: ClassVar[tuple[str, ...]] = ('Integer', 'Number')

    def fault(self, value: Any, label: str) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f'{label} is not a number and has no range'
        if (self.min is not None and value < self.min) or (self.max is not None and value > self.max):
            return f'{value} is out of range (min: {self.min}, max: {self.max})'
        return None

    def expected(self) -> str:
        return f'a number, {_span(self.min, self.max)}'

    def body(self) -> dict[str, Any]:
        return {'range': _bounds(self.min, self.max)}

    def to_parameter(self) -> dict[str, Any]:
        return {f'{side.title()}Value': bound for side, bound in _bounds(self.min, self.max).items()}


@dataclass(frozen=True, slots=True)
class Length(Constraint):
    """The number of characters, items or keys lies between ``min`` and ``max``."""

    min: int | None = None
    max: int | None = None
    kinds: ClassVar[tuple[str, ...]] = ('String', 'List', 'Map')

    def fault(self, value: Any, label: str) -> str | None:
        if not hasattr(value, '__len__'):
            return f'{label} has no length'
        size = len(value)
        if (self.min is not None and size < self.min) or (self.max is not None and size > self.max):
            return f'length ({size}) is out of range (min: {self.min}, max: {self.max})'
        return None

    def expected(self) -> str:
        return f'a length of {_span(self.min, self.max)}'

    def body(self) -> dict[str, Any]:
        return {'length': _bounds(self.min, self.max)}

    def to_parameter(self) -> dict[str, Any]:
        return {f'{side.title()}Length': bound for side, bound in _bounds(self.min, self.max).items()}


@dataclass(frozen=True, slots=True)
class Modulo(Constraint):
    """``value = n * step + offset``; ``step`` is not 0 and ``abs(offset) < abs(step)``."""

    step: int = 1
    offset: int = 0
    kinds: ClassVar[tuple[str, ...]] = ('Integer', 'Number')

    def __post_init__(self) -> None:
        if not self.step:
            raise ValueError('step cannot be 0.')
        if abs(self.offset) >= abs(self.step):
            raise ValueError('offset must be smaller (by absolute value) than step.')
        if self.step * self.offset < 0:
            raise ValueError('step and offset must be both positive or both negative.')

    def fault(self, value: Any, label: str) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f'{label} is not a number and has no multiples'
        # An infinite value has no remainder and NaN compares unequal, so both fail here.
        if value in (float('inf'), float('-inf')) or value % self.step != self.offset % self.step:
            return f'{value} is not a multiple of {self.step} with an offset of {self.offset}'
        return None

    def expected(self) -> str:
        return f'a multiple of {self.step} with an offset of {self.offset}'

    def body(self) -> dict[str, Any]:
        return {'modulo': {'step': self.step, 'offset': self.offset}}

    def to_parameter(self) -> dict[str, Any]:
        return {'Step': self.step, 'Offset': self.offset}


@dataclass(frozen=True, slots=True)
class AllowedValues(Constraint):
    """The value, or each item of a list, is one of ``allowed``."""

    allowed: tuple[Any, ...] = ()

    def fault(self, value: Any, label: str) -> str | None:
        items = value if isinstance(value, list | tuple) else [value]
        if all(any(item == good or str(item) == str(good) for good in self.allowed) for item in items):
            return None
        shown = json.dumps(value) if isinstance(value, list | tuple) else f'"{value}"'
        return f'{shown} is not an allowed value {json.dumps(list(self.allowed))}'

    def expected(self) -> str:
        return shortened(f'one of {", ".join(str(one) for one in self.allowed)}', LONGEST_EXPECTED)

    def body(self) -> dict[str, Any]:
        return {'allowed_values': list(self.allowed)}

    def to_parameter(self) -> dict[str, Any]:
        return {'AllowedValues': list(self.allowed)}


@dataclass(frozen=True, slots=True)
class AllowedPattern(Constraint):
    """The whole value matches the regular expression ``pattern``."""

    pattern: str = ''
    kinds: ClassVar[tuple[str, ...]] = ('String',)

    def __post_init__(self) -> None:
        compiled(self.pattern)

    def fault(self, value: Any, label: str) -> str | None:
        if not isinstance(value, str):
            return f'{label} is not a string and matches no pattern'
        try:
            fits = compiled(self.pattern).fullmatch(value)
        except TooSlow as error:
            return str(error)
        if not fits:
            return f'"{value}" does not match pattern "{self.pattern}"'
        return None

    def expected(self) -> str:
        return shortened(f'text that matches {self.pattern}', LONGEST_EXPECTED)

    def body(self) -> dict[str, Any]:
        return {'allowed_pattern': self.pattern}

    def to_parameter(self) -> dict[str, Any]:
        return {'AllowedPattern': self.pattern}


@dataclass(frozen=True, slots=True)
class Custom(Constraint):
    """A constraint by name: ``ip_addr`` is pure, ``neutron.network`` needs the cloud."""

    name: str = ''
    kinds: ClassVar[tuple[str, ...]] = ('String', 'Integer', 'Number', 'Boolean', 'List', 'Any')

    @property
    def needs_cloud(self) -> bool:
        return self.name not in NAMED

    def message(self, value: Any, detail: str) -> str:
        """The sentence for a failed look-up; ``detail`` is the finder's own."""
        return self.description or f"Error validating value '{value}': {detail}"

    def fault(self, value: Any, label: str) -> str | None:
        if self.needs_cloud:
            return None
        detail = NAMED[self.name](value)
        return f"Error validating value '{value}': {detail}" if detail else None

    def expected(self) -> str:
        return f'a value that satisfies {self.name}'

    def body(self) -> dict[str, Any]:
        return {'custom_constraint': self.name}

    def to_parameter(self) -> dict[str, Any]:
        return {'CustomConstraint': self.name}


def first_fault(constraints: Iterable[Constraint], value: Any, label: str = 'value') -> str | None:
    """The sentence of the first constraint that ``value`` fails, or None."""
    broken = first_broken(constraints, value, label)
    return broken[1] if broken else None


def first_broken(constraints: Iterable[Constraint], value: Any,
                 label: str = 'value') -> tuple[Constraint, str] | None:
    """The first constraint that ``value`` fails, with its sentence, or None."""
    return next(((one, fault) for one in constraints if (fault := one.check(value, label))), None)
