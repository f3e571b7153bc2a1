"""The yaql language, within limits of steps, memory and time.

Purpose: parse and evaluate the expressions of the ``yaql`` function. Invariant: what
an expression may use is bounded, its regular expressions included, which the library
would match without a limit. Neighbours: ``functions_data`` has the function's rule; the
operator's limits come from the options of [yaql], given once by whoever starts a process.
yaql is imported when first used.
"""

from __future__ import annotations

import collections.abc  # noqa: F401 - the library uses it without importing it
import functools
from typing import Any

from heat.common.pattern import Pattern

DEFAULT_ITERATORS, DEFAULT_MEMORY = 200, 10_000
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
    return _engine()(expression).evaluate(data=data, context=_context().create_child_context())


@functools.cache
def _engine() -> Any:
    import yaql

    return yaql.YaqlFactory().create({
        'yaql.limitIterators': _limits['iterators'], 'yaql.memoryQuota': _limits['memory']})


@functools.cache
def _context() -> Any:
    import yaql

    context = yaql.create_context(regex=False)
    _register_patterns(context)
    return context


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
