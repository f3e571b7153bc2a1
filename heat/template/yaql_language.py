"""The yaql language, within limits of steps, memory and time.

Purpose: parse and evaluate the expressions of the ``yaql`` function. Invariant: what
an expression may use is bounded: the time it takes (``patience``), its regular expressions,
numbers and lists in lists too, which the library would not limit.
Neighbours: ``functions_data`` has the function's rule; the operator's limits come from the
options of [yaql], given once by whoever starts a process. yaql is imported when first used.
"""

from __future__ import annotations

import collections.abc  # noqa: F401 - the library uses it without importing it
import functools
import threading
import time
from collections.abc import Mapping
from typing import Any

from heat.common.patience import SHARED
from heat.common.pattern import Pattern, TooSlow

DEFAULT_ITERATORS, DEFAULT_MEMORY = 200, 10_000
# Seconds that one evaluation may take, and while many were slow of late.
SECONDS, LEAST = 2.0, 0.05
# Binary digits of a whole number; items of a value with all that is in it.
MAX_BITS, MAX_ITEMS = 4096, 1_000_000
_running = threading.local()
_limits = {'iterators': DEFAULT_ITERATORS, 'memory': DEFAULT_MEMORY}


def limit(iterators: int, memory: int) -> None:
    """Steps that one iteration may take and bytes that one evaluation may use."""
    _limits.update(iterators=iterators, memory=memory)
    _engine.cache_clear()


def check(expression: str) -> None:
    """Raise what the parser raises (any Exception) if this is no expression."""
    _engine()(expression)


def evaluate(expression: str, data: Any) -> Any:
    """What the expression finds; ``$`` holds ``data``. Any Exception of the language."""
    parsed, context = _engine()(expression), _context().create_child_context()
    with SHARED.limit(SECONDS, LEAST) as seconds:
        _running.until, _running.sizes = time.monotonic() + seconds, {}
        try:
            return parsed.evaluate(data=data, context=context)
        finally:
            _running.sizes = {}


def _watched(function: Any) -> Any:
    """``function`` of the language, refusing when time is over and what no memory would hold."""
    def watched(*args: Any, **kwargs: Any) -> Any:
        if time.monotonic() > _running.until:
            raise TooSlow('The expression takes too long.')
        made = function(*args, **kwargs)
        if _size(made) > MAX_ITEMS:
            raise ValueError(f'The expression makes more than {MAX_ITEMS} items.')
        return made

    return watched


def _size(value: Any) -> int:
    """Items of a list or map, those inside it included; what stands in it twice counts twice.

    The library's own limits look at the outermost only, and sharing makes much of little.
    """
    if not isinstance(value, (tuple, list, frozenset, Mapping)):
        return 1
    known = _running.sizes.get(id(value))
    if known is None:
        inside = (*value, *value.values()) if isinstance(value, Mapping) else value
        # Kept with the value, so that its number is that of no other.
        known = _running.sizes[id(value)] = 1 + sum(map(_size, inside)), value
    return int(known[0])


@functools.cache
def _engine() -> Any:
    import yaql

    return yaql.YaqlFactory().create({
        'yaql.limitIterators': _limits['iterators'], 'yaql.memoryQuota': _limits['memory']})


@functools.cache
def _context() -> Any:
    import yaql
    from yaql.language import contexts, conventions

    class Watched(contexts.Context):
        """Has watched functions only; so have the contexts that expressions make of it."""

        @staticmethod
        def _import_function_definition(fd: Any) -> Any:
            fd = fd.clone()
            fd.payload = _watched(fd.payload)
            return fd

    context = yaql.create_context(
        regex=False, context=Watched(convention=conventions.CamelCaseConvention()))
    _register_patterns(context)
    _register_numbers(context)
    return context


def _register_numbers(context: Any) -> None:
    """The library's functions that could make whole numbers of any length."""
    from yaql.language import specs
    from yaql.standard_library import math as library

    def bounded(function: Any, bits: Any) -> None:
        definition = specs.get_function_definition(function, convention=context.convention).clone()
        compute = definition.payload

        def within(*numbers: Any, **named: Any) -> Any:
            given = [*numbers, *named.values()]
            if all(isinstance(number, int) for number in given[:2]) and bits(*given) > MAX_BITS:
                raise ValueError(f'The expression makes a number of more than {MAX_BITS} binary digits.')
            return compute(*numbers, **named)

        definition.payload = within
        context.register_function(definition)

    bounded(library.multiplication, lambda left, right: left.bit_length() + right.bit_length())
    bounded(library.shift_bits_left, lambda value, count: value.bit_length() + count)
    # Half of ten to the power of the digits that go.
    bounded(library.round_, lambda number, digits=0: max(0, -digits) * 4)
    # With a third number, the power is taken modulo that.
    bounded(library.pow_, lambda base, exponent, modulus=None: (
        max(base.bit_length(), exponent.bit_length(), (modulus or 0).bit_length()) if modulus
        else base.bit_length() * abs(exponent)))


def _register_patterns(context: Any) -> None:
    """The library's own functions on patterns, working on bounded ones."""
    from yaql.language import specs, yaqltypes
    from yaql.standard_library import regex as library

    def regex(pattern: str, ignore_case: bool = False, multi_line: bool = False,
              dot_all: bool = False) -> Pattern:
        flags = (library.re.IGNORECASE * ignore_case | library.re.MULTILINE * multi_line
                 | library.re.DOTALL * dot_all)
        return Pattern(pattern, int(flags))

    def found(string: str, pattern: str) -> bool:
        return Pattern(pattern).search(string) is not None

    ours = {
        library.regex: regex,
        library.matches_: lambda string, regexp: found(string, regexp),
        library.matches_operator_string: lambda string, pattern: found(string, pattern),
        library.not_matches_operator_string: lambda string, pattern: not found(string, pattern),
        library.is_regex: lambda value: isinstance(value, Pattern)}
    theirs = (library.regex, library.matches, library.matches_, library.matches_operator_string,
              library.matches_operator_regex, library.not_matches_operator_string,
              library.not_matches_operator_regex, library.search, library.search_all, library.split,
              library.split_string, library.replace, library.replace_by, library.replace_string,
              library.replace_by_string, library.escape_regex, library.is_regex)
    for function in theirs:
        definition = specs.get_function_definition(function, convention=context.convention).clone()
        for parameter in definition.parameters.values():
            kind = parameter.value_type
            if isinstance(kind, yaqltypes.PythonType) and kind.python_type is library.REGEX_TYPE:
                parameter.value_type = yaqltypes.PythonType(Pattern, False)
        definition.payload = ours.get(function, definition.payload)
        context.register_function(definition)
