"""The text of a template as a tree that forgets nothing: styles, places and comments.

Purpose: ``read`` gives what a formatter, a linter and a converter need beside the plain
data. Invariant: every comment of the text is held exactly once, by the entry or the
collection that it speaks of. Neighbours: ``load`` has the parser and the plain data,
``print`` writes the tree again.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from heat.template.load import events
from heat.template.scalars import plain

_PROPERTY = re.compile(r'[&!][^\s,\[\]{}]*')
_SKIPPED = re.compile(r'(?:\s+|#[^\n]*)*')
_DASH = re.compile(r'(?<![^\s])-(?=\s|\Z)')
_HEADER = re.compile(r'[|>][-+0-9]*[ \t]*')


@dataclass(slots=True)
class Scalar:
    """``style`` is '' (plain), a quote, '|' or '>'; ``body`` the dedented lines of a folded one."""

    text: str
    style: str = ''
    tag: str | None = None
    anchor: str | None = None
    start: int = 0
    end: int = 0
    several_lines: bool = False
    body: tuple[str, ...] | None = None


@dataclass(slots=True)
class Alias:
    name: str
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class Collection:
    """A map or list. ``tail`` holds the comments behind its last entry, '' for an empty line."""

    is_map: bool
    entries: list[Entry] = field(default_factory=list)
    flow: bool = False
    tag: str | None = None
    anchor: str | None = None
    start: int = 0
    end: int = 0
    column: int = 0
    tail: list[str] = field(default_factory=list)
    owner: Entry | None = None


@dataclass(slots=True)
class Entry:
    """A pair of a map, or an item of a list (``key`` is None).

    ``leading`` are the comments above it, ``notes`` those at the end of its first line;
    ``blank`` tells that an empty line stands before it.
    """

    key: Scalar | Alias | None
    value: Node
    within: Collection
    start: int = 0
    leading: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blank: bool = False

    @property
    def name(self) -> str:
        return self.key.text if isinstance(self.key, Scalar) else ''


Node = Scalar | Alias | Collection


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with its place: index in the text, line and column from 0."""

    text: str
    index: int
    line: int
    column: int
    alone: bool


@dataclass(frozen=True, slots=True)
class Document:
    """``head`` are the comments above everything, ``comments`` all there are."""

    root: Node | None
    head: tuple[str, ...]
    comments: tuple[Comment, ...]

    def entries(self) -> Iterator[tuple[tuple[Any, ...], Entry]]:
        """Every entry with its path, in the order of the text."""
        if isinstance(self.root, Collection):
            yield from _entries(self.root, ())


def _entries(node: Collection, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Entry]]:
    for index, entry in enumerate(node.entries):
        here = (*path, entry.name if node.is_map else index)
        yield here, entry
        if isinstance(entry.value, Collection):
            yield from _entries(entry.value, here)


def read(source: str) -> Document:
    """The tree of a text that ``load.parse`` accepts; raises yaml.YAMLError for one that is no YAML."""
    return _Reader(source.removeprefix('\ufeff').replace('\r\n', '\n')).document()


def node_of(value: Any, functions: frozenset[str] = frozenset(), flow: bool = False) -> Node:
    """Plain data as a tree to print; calls of ``functions`` with plain arguments stay on one line."""
    if not isinstance(value, (dict, list)):
        return scalar_of(value, flow)
    flow = flow or not value or (isinstance(value, dict) and _is_short(value, functions))
    made = Collection(isinstance(value, dict), flow=flow)
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    made.entries = [Entry(None if key is None else scalar_of(str(key), flow),
                          node_of(item, functions, flow), made) for key, item in pairs]
    return made


def _is_short(value: dict[str, Any], functions: frozenset[str]) -> bool:
    name, args = next(iter(value.items()))
    return len(value) == 1 and name in functions and not isinstance(args, dict) and not (
        isinstance(args, list) and any(isinstance(one, (dict, list)) for one in args))


_INDICATORS = frozenset('-?:,[]{}#&*!|>\'"%@`=~ ')
_UNSAFE = re.compile(r': |:\Z| #| \Z|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|[\x85\u2028\u2029]')


def scalar_of(value: Any, flow: bool = False) -> Scalar:
    """A plain value as the scalar that reads back as it; ``flow``: between brackets."""
    if isinstance(value, str):
        if '\n' in value and not flow:
            return Scalar(value, '|')
        safe = (value and value[0] not in _INDICATORS and not _UNSAFE.search(value) and plain(value) == value
                and not value.startswith(('---', '...', '<<')) and not (flow and set(value) & set(',[]{}:')))
        return Scalar(value, '' if safe else "'")
    if value is None or isinstance(value, bool):
        return Scalar({None: 'null', True: 'true', False: 'false'}[value])
    text = repr(value)
    if isinstance(value, float):
        text = {'inf': '.inf', '-inf': '-.inf', 'nan': '.nan'}.get(text, text)
        if 'e' in text:
            digits, _, exponent = text.partition('e')
            text = f'{digits if "." in digits else digits + ".0"}e{exponent}'
    return Scalar(text)


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.starts = [0, *(at.end() for at in re.finditer(r'\r\n|[\n\r\x85\u2028\u2029]', source))]
        self.spans: list[tuple[int, int]] = []
        self.headers: list[tuple[int, str]] = []
        self.ordered: list[Entry] = []

    def document(self) -> Document:
        root = self._tree()
        comments = self._comments()
        self._dashes([(comment.index, comment.index + len(comment.text)) for comment in comments])
        return Document(root, self._attach(root, comments), tuple(comments))

    def _tree(self) -> Node | None:
        root: Node | None = None
        open_: list[Collection] = []
        key: Scalar | Alias | None = None
        for event in events(self.source):
            kind = type(event).__name__
            if kind in ('MappingEndEvent', 'SequenceEndEvent'):
                open_.pop().end = event.end_mark.index
                continue
            if kind == 'ScalarEvent':
                made: Node = self._scalar(event)
            elif kind == 'AliasEvent':
                made = Alias(event.anchor, event.start_mark.index, event.end_mark.index)
                self.spans.append((made.start, made.end))
            elif kind in ('MappingStartEvent', 'SequenceStartEvent'):
                made = Collection(kind == 'MappingStartEvent', flow=bool(event.flow_style), tag=event.tag,
                                  anchor=event.anchor, start=event.start_mark.index)
                inside = self._properties(made.start) if event.tag or event.anchor else made.start
                made.column = self._place(inside)[1]
            else:
                continue
            if open_ and open_[-1].is_map and key is None and not isinstance(made, Collection):
                key = made
                continue
            if open_:
                within = open_[-1]
                entry = Entry(key, made, within, key.start if key is not None else made.start)
                within.entries.append(entry)
                self.ordered.append(entry)
                if isinstance(made, Collection):
                    made.owner = entry
            else:
                root = made
            if isinstance(made, Collection):
                open_.append(made)
            key = None
        return root

    def _scalar(self, event: Any) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        inside = self._properties(start) if event.tag or event.anchor else start
        style = '' if not event.style or event.style == ':' else event.style
        made = Scalar(event.value, style, event.tag, event.anchor, start, end)
        if inside < end:
            self.spans.append((inside, end))
            raw = self.source[inside:end]
            made.several_lines = '\n' in raw.rstrip('\n') and style not in ('|', '>')
            if style in ('|', '>'):
                header = _HEADER.match(raw)
                rest = raw[header.end() if header else 0:]
                first, _, lines = rest.partition('\n')
                if first.startswith('#'):
                    self.headers.append((inside + (header.end() if header else 0), first.rstrip()))
                made.body = _body(raw[:header.end() if header else 0], lines)
        return made

    def _properties(self, index: int) -> int:
        """Where a node itself begins; the places of its anchor and tag hold no comments."""
        while (found := _PROPERTY.match(self.source, index)) is not None:
            self.spans.append((index, found.end()))
            skipped = _SKIPPED.match(self.source, found.end())
            index = skipped.end() if skipped else found.end()
        return index

    def _place(self, index: int) -> tuple[int, int]:
        line = bisect.bisect_right(self.starts, index) - 1
        return line, index - self.starts[line]

    def _gaps(self, taken: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        at = 0
        for start, end in sorted(taken):
            if at < start:
                yield at, start
            at = max(at, end)
        yield at, len(self.source)

    def _comments(self) -> list[Comment]:
        found = []
        for start, end in self._gaps(self.spans):
            for at in re.finditer(r'#[^\n\r]*', self.source[start:end]):
                found.append((start + at.start(), at.group().rstrip()))
        comments = []
        for index, text in sorted(found + self.headers):
            line, column = self._place(index)
            before = self.source[self.starts[line]:index]
            # A directive is no place for one that should stay.
            if not before.startswith('%'):
                comments.append(Comment(text, index, line, column, not before.strip()))
        return comments

    def _dashes(self, comments: list[tuple[int, int]]) -> None:
        """Items of block lists begin at their dash."""
        dashes = [at.start() for start, end in self._gaps(self.spans + comments)
                  for at in _DASH.finditer(self.source, start, end + 1) if at.start() < end] or [0]
        for entry in self.ordered:
            if entry.key is None and not entry.within.flow:
                entry.start = dashes[max(bisect.bisect_left(dashes, entry.value.start) - 1, 0)]

    def _attach(self, root: Node | None, comments: list[Comment]) -> tuple[str, ...]:
        head: list[str] = []
        ends: list[int] = []
        starts = [entry.start for entry in self.ordered]
        for comment in comments:
            number = bisect.bisect_left(starts, comment.index)
            before = self.ordered[number - 1] if number else None
            after = self.ordered[number] if number < len(starts) else None
            if not comment.alone and before is not None:
                while before.within.flow and before.within.end <= comment.index and before.within.owner:
                    before = before.within.owner
                before.notes.append(comment.text)
                continue
            room, tail = (head, False) if before is None else self._room(comment, before, after, root)
            if self._empty(comment.line - 1) and (room or tail):
                room.append('')
            room.append(comment.text)
            if room is head and self._empty(comment.line + 1):
                ends.append(comment.line)
        if ends and comments[len([one for one in head if one]) - 1].line == ends[-1]:
            head.append('')
        for entry in self.ordered:
            if not entry.within.flow:
                self._separate(entry)
        return tuple(head)

    def _separate(self, entry: Entry) -> None:
        line = self._place(entry.start)[0]
        # An entry on its parent's line has nothing above it.
        if self.source[self.starts[line]:entry.start].strip():
            return
        if entry.leading and self._empty(line - 1):
            entry.leading.append('')
        entry.blank = self._empty(self._first(entry, line) - 1)

    def _first(self, entry: Entry, line: int) -> int:
        """The line of the first comment above the entry."""
        left = sum(1 for one in entry.leading if one)
        while left and line:
            line -= 1
            left -= bool(self._text(line).strip())
        return line

    def _text(self, line: int) -> str:
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.source)
        return self.source[self.starts[line]:end]

    def _empty(self, line: int) -> bool:
        return 0 <= line < len(self.starts) - 1 and not self._text(line).strip()

    def _room(self, comment: Comment, before: Entry, after: Entry | None, root: Node | None,
              ) -> tuple[list[str], bool]:
        """The list in which a comment on a line of its own is kept, and whether it is a tail."""
        around = _around(before)
        held = [before.value, *around] if isinstance(before.value, Collection) else around
        flow = next((one for one in held if isinstance(one, Collection) and one.flow
                     and one.start < comment.index < one.end), None)
        if flow is not None:
            following = next((one for one in flow.entries if one.start > comment.index), None)
            if following is not None:
                return following.leading, False
            if flow.entries:
                return flow.tail, True
            return (flow.owner or before).leading, False
        value = before.value
        if value.start >= comment.index and not (isinstance(value, Collection) and not value.flow):
            return before.leading, False
        if after is not None and comment.column <= self._place(after.start)[1]:
            return after.leading, False
        kept = _around(after)
        for one in around:
            if one.column <= comment.column and not one.flow and not any(one is other for other in kept):
                return one.tail, True
        if after is not None:
            return after.leading, False
        assert isinstance(root, Collection)
        return root.tail, True


def _around(entry: Entry | None) -> list[Collection]:
    """The collections that hold an entry, the innermost first."""
    found = []
    while entry is not None:
        found.append(entry.within)
        entry = entry.within.owner
    return found


def _body(header: str, text: str) -> tuple[str, ...] | None:
    """The lines of a block scalar without their indentation; None if it is not plain to see."""
    if any(sign.isdigit() or sign == '+' for sign in header):
        return None
    lines = text.split('\n')
    first = next((line for line in lines if line.strip()), '')
    indent = len(first) - len(first.lstrip(' '))
    # Spaces alone are part of the text where they reach further than its indentation.
    while lines and not lines[-1][indent:].strip(' ') and len(lines[-1]) <= indent:
        lines.pop()
    if not lines or not lines[-1].strip() or any(line[:indent].strip(' ') for line in lines):
        return None
    return tuple(line[indent:] for line in lines)
