"""Regular expressions that users bring: matched within a time limit.

Purpose: compile and match patterns of templates, expressions and queries. Invariant: no
pattern can hold a process up, whatever it is and whatever it is matched against; the
standard library's engine knows no limit. Neighbours: constraints, yaql and type lists.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import regex

SECONDS = 0.5
MAX_LENGTH = 4096


class TooSlow(ValueError):
    """The pattern did not come to an end in time."""


class Pattern:
    """A compiled pattern; every method raises TooSlow after half a second."""

    def __init__(self, text: str, flags: int = 0) -> None:
        """ValueError if ``text`` is not a regular expression or has more than 4096 characters."""
        if len(text) > MAX_LENGTH:
            raise ValueError(f'a pattern may have {MAX_LENGTH} characters, this one has {len(text)}')
        try:
            self._compiled = regex.compile(text, flags)
        except (regex.error, RecursionError, OverflowError, ValueError) as error:
            raise ValueError(f'"{text}" is not a regular expression: {error}') from None
        self.text = text

    def fullmatch(self, text: str) -> Any:
        return self._within(self._compiled.fullmatch, text)

    def match(self, text: str) -> Any:
        return self._within(self._compiled.match, text)

    def search(self, text: str) -> Any:
        return self._within(self._compiled.search, text)

    def split(self, text: str, max_split: int = 0) -> list[Any]:
        return list(self._within(self._compiled.split, text, max_split))

    def sub(self, new: Any, text: str, count: int = 0) -> str:
        return str(self._within(self._compiled.sub, new, text, count))

    def finditer(self, text: str) -> Iterator[Any]:
        try:
            yield from self._compiled.finditer(text, timeout=SECONDS)
        except TimeoutError:
            raise self._slow() from None

    def _within(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return function(*args, timeout=SECONDS)
        except TimeoutError:
            raise self._slow() from None

    def _slow(self) -> TooSlow:
        return TooSlow(f'The pattern "{self.text}" takes too long; it has too many ways to match.')


@functools.lru_cache(256)
def compiled(text: str) -> Pattern:
    """The pattern of ``text``, kept for the next time. Raises ValueError."""
    return Pattern(text)
