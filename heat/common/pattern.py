"""Regular expressions that users bring: matched within a time limit.

Purpose: compile and match patterns of templates, expressions and queries. Invariant: no
pattern can hold a process up, whatever it is and whatever it is matched against; the
standard library's engine knows no limit. Nor can many patterns, one after the other
(``patience``), or one whose repetitions would be laid out in memory.
Neighbours: constraints, yaql and type lists.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import regex

from heat.common.patience import SHARED

# One match may take so long, and while many were slow of late at least so long.
SECONDS, LEAST = 0.5, 0.005
MAX_LENGTH = 4096
# So often may a pattern ask for something at least: the engine lays out each time.
MAX_REPEATED = 20_000
_REPETITION = re.compile(r'\{\s*(\d+)')
_PIECE = re.compile(r'\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\s*(\d+)[^}]*\}|.', re.DOTALL)


class TooSlow(ValueError):
    """The pattern did not come to an end in time."""


class Pattern:
    """A compiled pattern; every method raises TooSlow after half a second."""

    def __init__(self, text: str, flags: int = 0) -> None:
        """ValueError if ``text`` is not a regular expression, has more than 4096 characters or is too big."""
        if len(text) > MAX_LENGTH:
            raise ValueError(f'a pattern may have {MAX_LENGTH} characters, this one has {len(text)}')
        if repeated(text) > MAX_REPEATED:
            raise ValueError(f'"{text}" repeats too often: what it needs at least may come to {MAX_REPEATED} '
                             'repetitions')
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
        found = self._within(self._compiled.finditer, text)
        while True:
            match = self._within(lambda timeout: next(found, None))
            if match is None:
                return
            yield match

    def _within(self, function: Callable[..., Any], *args: Any) -> Any:
        with SHARED.limit(SECONDS, LEAST) as seconds:
            try:
                return function(*args, timeout=seconds)
            except TimeoutError:
                raise self._slow() from None

    def _slow(self) -> TooSlow:
        return TooSlow(f'The pattern "{self.text}" takes too long; it has too many ways to match.')


def repeated(text: str) -> int:
    """How many repetitions of something ``text`` asks for at least, those inside others multiplied."""
    counts = [int(digits[:9]) for digits in _REPETITION.findall(text)]
    product = math.prod(max(1, count) for count in counts)
    if product <= MAX_REPEATED or any(mark in text for mark in ('(?#', '(?x', 'x)', 'x:')):
        # Comments may hold anything, so nothing is made of the brackets around them.
        return product
    # For each open group: what stands in it by now, and the last thing in it.
    groups: list[list[int]] = [[0, 0]]
    for piece in _PIECE.finditer(text):
        top = groups[-1]
        if piece[0] == '(':
            groups.append([0, 0])
        elif piece[0] == ')' and len(groups) > 1:
            inner = sum(groups.pop())
            top = groups[-1]
            groups[-1] = [top[0] + top[1], max(1, inner)]
        elif piece[1] is not None:
            top[1] *= max(1, int(piece[1][:9]))
        else:
            groups[-1] = [top[0] + top[1], 1]
    return sum(map(sum, groups))


@functools.lru_cache(256)
def compiled(text: str) -> Pattern:
    """The pattern of ``text``, kept for the next time. Raises ValueError."""
    return Pattern(text)
