"""Where what macros have made stands in the text that was written.

Purpose: a loop writes one resource many times, a document is put in from elsewhere; a
fault found in the result is told where its author will find it. Invariant: pure; a path
that no macro made is its own origin. Neighbours: ``macros`` and ``loops`` note,
``engine.compiled`` asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.common import errors
from heat.common.fault import TEMPLATE, keys
from heat.template.functions import Path

# The place of a part -> the source and the place in it from which the part came.
Stage = dict[Path, tuple[str, Path]]


class Origins:
    """One stage for each macro, in the order in which they were worked out."""

    def __init__(self) -> None:
        self._stages: list[Stage] = []

    def stage(self) -> Stage:
        """A further one, to be filled."""
        self._stages.append({})
        return self._stages[-1]

    def of(self, path: Path) -> tuple[str, Path]:
        """The source and the place in it of a part of the result."""
        for stage in reversed(self._stages):
            source, path = _before(stage, path)
            if source != TEMPLATE:
                return source, path
        return TEMPLATE, path

    def written(self, error: errors.HeatException) -> errors.HeatException:
        """``error`` with its faults at the places that were written."""
        if any(self._stages):
            error.faults = tuple(self._moved(one) for one in error.faults)
        return error

    def _moved(self, fault: errors.Fault) -> errors.Fault:
        if fault.source != TEMPLATE:
            return fault
        source, path = self.of(fault.path)
        return replace(fault, source=source, path=keys(path))


def _before(stage: Mapping[Path, tuple[str, Path]], path: Path) -> tuple[str, Path]:
    for length in range(len(path), 0, -1) if stage else ():
        found: Any = stage.get(path[:length])
        if found is not None:
            return found[0], (*found[1], *path[length:])
    return TEMPLATE, path
