"""Faults as a text to be read beside the template: place, excerpt, what would be right.

Purpose: what a command line tool prints. Invariant: pure; the first line of each
fault is its sentence. Neighbours: ``common.fault`` says the same without the text,
``load.placed`` finds the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from heat.common.fault import MASK, Fault, remaining, shortened
from heat.template.load import placed

LONGEST_LINE = 160


def report(faults: Iterable[Fault], sources: Mapping[str, str] | None = None, untold: int = 0,
           environments: Sequence[str] = ()) -> str:
    """Every fault with its place and the line it stands on, an empty line between them.

    ``sources`` and ``environments`` are those of ``load.placed``; a fault that stands in
    none of them is told with its path alone. ``untold`` counts the faults not given.
    """
    sources = sources or {}
    blocks = ['\n'.join(_block(fault, sources)) for fault in placed(faults, sources, environments)]
    return '\n\n'.join([*blocks, *remaining(untold)])


def _block(fault: Fault, sources: Mapping[str, str]) -> list[str]:
    lines = [fault.message]
    if not fault.says():
        lines.append(f'  at {fault.place()}')
    # The sentence of a parser shows the line itself, and a hidden value is not shown.
    shown = '^' in fault.message or MASK in (fault.value or '')
    if fault.line is not None and fault.source in sources and not shown:
        lines += _excerpt(sources[fault.source], fault.line, fault.column or 1)
    if fault.expected:
        lines.append(f'  expected: {fault.expected}')
    if fault.suggestion and f'Did you mean {fault.suggestion}?' not in fault.message:
        lines.append(f'  Did you mean {fault.suggestion}?')
    return lines


def _excerpt(text: str, line: int, column: int) -> list[str]:
    """The line with a caret below its column; a long line is cut around it."""
    lines = text.splitlines()
    if line > len(lines):
        return []
    start = max(0, column - 1 - LONGEST_LINE // 2)
    shown = shortened(lines[line - 1][start:].replace('\t', ' '), LONGEST_LINE)
    return [f'    {line} | {shown}', f'    {" " * len(str(line))} | {" " * (column - 1 - start)}^']
