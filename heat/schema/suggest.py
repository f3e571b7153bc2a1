"""Did you mean ...? for misspelt names.

Purpose: add the nearest known name to the classic sentence, never change its
first sentence. Neighbours: ``resolve`` for properties; anyone with a name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most alike of ``known``, or None if none is like ``name``; case counts little."""
    folded: dict[str, str] = {}
    for one in known:
        folded.setdefault(one.lower(), one)
    found = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.75)
    return folded[found[0]] if found else None


def unknown(sentence: str, name: str, known: Iterable[str]) -> str:
    """``sentence``, followed by a suggestion if one of ``known`` is near."""
    near = nearest(name, known)
    return f'{sentence}. Did you mean {near}?' if near else sentence
