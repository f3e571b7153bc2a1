"""A template with everything that it names, as far as it could be read.

Purpose: what checks and pictures of a template work on, put together by whoever reads
files. Invariant: plain values; each template has the files under the names that it uses
itself. Neighbours: ``heat.cmd.template_files`` reads, ``template_check`` judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from heat.common.errors import HeatException


@dataclass(frozen=True, slots=True)
class Bundle:
    """``tree`` is None if the text is no template, and ``fault`` says why.

    ``files`` maps names of get_file to texts, UNKNOWN for one that was left out on
    purpose; ``children`` maps names of types to their templates, None likewise. ``missing``
    holds ``(path, sentence)`` of what could not be read. ``document`` reads what a macro
    includes, or raises OSError; None if nothing is to be read.
    """

    file: str
    text: str
    tree: Mapping[str, Any] | None
    fault: HeatException | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    children: Mapping[str, Bundle | None] = field(default_factory=dict)
    missing: tuple[tuple[tuple[Any, ...], str], ...] = ()
    document: Callable[[str], str] | None = None
