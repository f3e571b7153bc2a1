"""Did you mean ...? for misspelt names.

Purpose: add the nearest known name to the classic sentence, never change its
first sentence. Invariant: bounded work, done only when something is wrong.
Neighbours: whoever has a name that is not known; ``fault`` carries suggestions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

# More names than this are not compared, nor are longer ones: nobody waits for a suggestion.
MOST_NAMES, LONGEST_NAME = 2000, 100


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most alike of ``known``, or None if none is like ``name``; case counts little."""
    if len(name) > LONGEST_NAME:
        return None
    folded: dict[str, str] = {}
    for one in islice(known, MOST_NAMES):
        if one != name and len(one) <= LONGEST_NAME:
            folded.setdefault(one.lower(), one)
    found = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.75)
    return folded[found[0]] if found else None


def suggesting(sentence: str, near: str | None) -> str:
    """``sentence``, followed by the name that may have been meant."""
    if not near:
        return sentence
    return f'{sentence}{"" if sentence.endswith(".") else "."} Did you mean {near}?'


def unknown(sentence: str, name: str, known: Iterable[str]) -> str:
    """``sentence``, followed by a suggestion if one of ``known`` is near."""
    return suggesting(sentence, nearest(name, known))
