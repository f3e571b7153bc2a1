"""What is to be said about a template, each with its place in the text.

Purpose: ``Finding`` and its forms for people and for programs; ``Place`` turns paths
into lines; ``silenced`` reads the comments that ask for silence. Invariant: pure; an
error is never silenced. Neighbours: ``heat.cmd.template_check`` and ``heat.plan.lint`` find.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from heat.common.errors import HeatException, path_text
from heat.template.load import ROOT, Marks
from heat.template.source import read

ERROR, WARNING = 'error', 'warning'
_LINE = re.compile(r'line (\d+), column (\d+)')
_IGNORE = re.compile(r'#\s*heat-lint:\s*ignore\b[:\s]*(?P<codes>[A-Z]\d+(?:[,\s]+[A-Z]\d+)*)?')
_CODE = re.compile(r'[A-Z]\d+')

Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """``line`` and ``column`` count from 1, 0 if unknown; ``excerpt`` is that line of the text."""

    code: str
    message: str
    path: Path = ()
    file: str = ''
    line: int = 0
    column: int = 0
    excerpt: str = ''

    @property
    def level(self) -> str:
        return WARNING if self.code.startswith('W') else ERROR

    def text(self) -> str:
        """Lines for people: the place, the sentence, and the line of the template."""
        where = ':'.join(str(part) for part in (self.file, self.line, self.column) if part)
        path = path_text(list(self.path))
        lines = [f'{where}: {self.level} {self.code}: {self.message}' + (f' [{path}]' if path else '')]
        if self.excerpt:
            number = f'{self.line:5}'
            lines += [f'{number} | {self.excerpt}', f'{" " * len(number)} | {" " * (self.column - 1)}^']
        return '\n'.join(lines)

    def form(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {'code': self.code, 'level': self.level, 'message': self.message,
                'path': path_text(list(self.path)), 'file': self.file, 'line': self.line,
                'column': self.column, 'excerpt': self.excerpt}


class Place:
    """One text, and where its parts stand."""

    def __init__(self, file: str, text: str, tree: Any = None) -> None:
        self.file = file
        self.tree = tree
        self._text = text
        self._marks = Marks(text)
        self._lines = text.split('\n')

    def finding(self, code: str, message: str, path: Path = ()) -> Finding:
        """A finding about the part at ``path``, or about the nearest part around it."""
        at = self._marks.at(path) if path else None
        return self._made(code, message, path, *(at or (0, 0)))

    def holds(self, path: Path) -> bool:
        """Whether the text says something at ``path`` itself."""
        return self._marks.exactly(path) is not None

    def unreadable(self, code: str, fault: HeatException) -> Finding:
        """A finding about a text that is no template; the parser's sentence names the line."""
        message = getattr(fault, 'error_message', '') or str(fault)
        named = _LINE.findall(message)
        line, column = (int(named[-1][0]), int(named[-1][1])) if named else (0, 0)
        # The parser says where it is and draws the line; we do that our way.
        kept = [part.strip() for part in message.split('\n')
                if not part.startswith(('    ', '  in "<unicode'))]
        sentence = ' '.join(kept).removeprefix(f'Error parsing {ROOT} ')
        return self._made(code, sentence, (), line, column)

    def _made(self, code: str, message: str, path: Path, line: int, column: int) -> Finding:
        excerpt = self._lines[line - 1].rstrip() if 0 < line <= len(self._lines) else ''
        # A line of a minified template helps nobody.
        return Finding(code, message, path, self.file, line, column, excerpt if len(excerpt) < 500 else '')

    def silenced(self, findings: Iterable[Finding], ignored: Collection[str] = ()) -> list[Finding]:
        """The findings less the warnings that were asked not to be told.

        ``# heat-lint: ignore W101`` above an entry or behind it is for all that it holds,
        at the head of the file for the whole file; without a code it is for every warning.
        """
        quiet = self._quiet()
        return [one for one in findings if one.level == ERROR or not (
            one.code in ignored or any(one.path[:len(path)] == path and (not codes or one.code in codes)
                                       for path, codes in quiet))]

    def _quiet(self) -> list[tuple[Path, frozenset[str]]]:
        if 'heat-lint' not in self._text:
            return []
        document = read(self._text)
        held: list[tuple[Path, Iterable[str]]] = [((), document.head)]
        held += [(path, [*entry.leading, *entry.notes]) for path, entry in document.entries()]
        return [(path, frozenset(_CODE.findall(found['codes'] or ''))) for path, comments in held
                for comment in comments if (found := _IGNORE.match(comment))]
