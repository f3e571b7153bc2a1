"""Text to plain data: YAML or JSON, within limits.

Purpose: ``parse`` builds maps, lists and scalars straight from the parser's events.
Invariant: no tag makes an object, aliases cannot blow a small text up, depth and size
are bounded, dates stay text, keys are strings; faults name line and column.
Neighbours: the API parses what users send, ``hot`` compiles the tree. The only
importer of yaml below the clouds.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import yaml

from heat.common import errors
from heat.common.fault import ENVIRONMENT, TEXT, Fault
from heat.common.text import half_of
from heat.schema.suggest import nearest
from heat.template.scalars import Untaggable, key_text, scalar
from heat.template.tags import LONG, is_short, long_form

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without the C library: slower, otherwise the same
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 100
# Characters that aliases may add to those of the text itself.
MAX_EXPANSION = 8 * 1024 * 1024
# Up to here the pure parser is run again on a broken text, for its better sentence.
_EXPLAINED = 64 * 1024
# An escape that names half a character; the parser of YAML refuses it by itself.
_HALF = re.compile(r'\\u[dD][89a-fA-F]')
_AWS_KEY = 'AWSTemplateFormatVersion'
_VERSION_KEYS = ('heat_template_version', 'HeatTemplateFormatVersion', _AWS_KEY)
ROOT = 'template [root stack]'


def text_of(value: Any) -> str:
    """``value`` as YAML in block style, keys in their order."""
    return str(yaml.safe_dump(value, default_flow_style=False, sort_keys=False))


def parse(text: str | bytes, *, max_bytes: int = MAX_BYTES, what: str = 'template',
          duplicates: str = 'error') -> dict[str, Any]:
    """The map that ``text`` holds; an empty text is an empty map.

    ``what`` is 'template' (the root template), 'environment', or the name of the file,
    and is only used in sentences. ``duplicates``: 'error' refuses a key written twice,
    'last' keeps the last as older releases did. Raises RequestLimitExceeded, or
    StackValidationFailed with the parser's sentence, line and column.
    """
    source = _decoded(text, max_bytes, what)
    tree = _json(source, what, duplicates) if source.lstrip()[:1] == '{' else None
    if tree is None:
        tree = _Reader(source, what, duplicates).document()
    if what == 'environment':
        if tree is None:
            tree = {}
        if not isinstance(tree, dict):
            raise _refused('The environment is not a valid YAML mapping data type.', what)
        check_depth(tree, what)
        return tree
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise _refused('The template is not a JSON object or YAML mapping.', what)
    if not any(key in tree for key in _VERSION_KEYS) and not is_cloudformation(tree):
        raise _refused('Template format version not found.', what,
                       expected=f'one of the keys {", ".join(_VERSION_KEYS)}')
    return tree


def is_cloudformation(tree: Any) -> bool:
    """True for a template in AWS's own format, which may leave its version away."""
    if not isinstance(tree, Mapping):
        return False
    return _AWS_KEY in tree or ('Resources' in tree and not any(key in tree for key in _VERSION_KEYS))


def parse_part(text: str | bytes, what: str, *, max_bytes: int = MAX_BYTES) -> Any:
    """Any plain data that belongs into a CloudFormation template: a snippet to be included.

    Short tags are allowed. ``what`` names it in sentences; errors as ``parse``.
    """
    source = _decoded(text, max_bytes, what)
    tree = _json(source, what, 'error') if source.lstrip()[:1] == '{' else None
    return tree if tree is not None else _Reader(source, what, 'error', part=True).document()


def _refused(sentence: str, what: str, mark: Any = None, expected: str | None = None,
             suggestion: str | None = None) -> errors.HeatException:
    """The error about a text, at the mark of a parser if there is one."""
    line, column = (None, None) if mark is None else (mark.line + 1, mark.column + 1)
    return errors.StackValidationFailed(message=sentence).told((Fault(
        sentence, expected=expected, suggestion=suggestion, line=line, column=column, source=what,
        kind=TEXT),))


def check_depth(tree: Any, what: str = 'template') -> None:
    """StackValidationFailed for plain data nested deeper than ``MAX_DEPTH``, or with infinite numbers.

    ``what`` as in ``parse``.
    """
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            # The whole path would be a page.
            path = _way(tree, lambda child, depth: depth >= MAX_DEPTH)[:5]
            raise errors.StackValidationFailed(
                message=f'The template is nested deeper than {MAX_DEPTH} levels.').at(path, source=what)
        deeper = []
        for node in level:
            for child in node.values() if isinstance(node, Mapping) else node:
                if isinstance(child, (dict, list)):
                    if child:
                        deeper.append(child)
                elif _infinite(child):
                    raise errors.StackValidationFailed(
                        message=f'The number {child} cannot be expressed in JSON.').at(
                            _way(tree, partial(_same, child)), value=str(child), source=what)
        level = deeper


def _same(one: Any, other: Any, _depth: int) -> bool:
    return one is other


def _infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _way(tree: Any, wanted: Callable[[Any, int], bool]) -> list[Any]:
    """The path to the first part that is ``wanted``, given its depth."""
    # Each waiting: a container, its depth, and its key with those above it, innermost first.
    waiting: list[tuple[Any, int, Any]] = [(tree, 0, None)]
    while waiting:
        node, depth, above = waiting.pop()
        for key, child in node.items() if isinstance(node, Mapping) else enumerate(node):
            if wanted(child, depth + 1):
                path = [key]
                while above is not None:
                    path.append(above[0])
                    above = above[1]
                return path[::-1]
            if isinstance(child, (dict, list)):
                waiting.append((child, depth + 1, (key, above)))
    return []


def _decoded(text: str | bytes, max_bytes: int, what: str) -> str:
    size = len(text) if isinstance(text, bytes) or text.isascii() else len(text.encode('utf-8', 'replace'))
    if size > max_bytes:
        noun = 'Environment' if what == 'environment' else 'Template'
        raise errors.RequestLimitExceeded(
            message=f'{noun} size ({size} bytes) exceeds maximum allowed size ({max_bytes} bytes).')
    if isinstance(text, str):
        return text
    try:
        return text.decode('utf-8-sig')
    except UnicodeDecodeError as exc:
        raise _refused(f'{_intro(what)}{exc}', what) from None


def _intro(what: str) -> str:
    if what == 'environment':
        return ''
    return f'Error parsing template {"[root stack]" if what == "template" else what} '


def _json(source: str, what: str, duplicates: str) -> Any:
    """The tree if ``source`` is JSON, None if it must be tried as YAML."""
    try:
        tree = json.loads(source, object_pairs_hook=_unique if duplicates == 'error' else None)
    except _Duplicate:
        # The YAML reader finds it again and knows where.
        return None
    except ValueError:
        return None
    except RecursionError:
        raise _refused(f'{_intro(what)}it is nested deeper than {MAX_DEPTH} levels.', what) from None
    check_depth(tree, what)
    half = half_of(tree) if _HALF.search(source) else None
    if half:
        raise _refused(f'{_intro(what)}the escape {half} is half a character', what)
    return tree


class _Duplicate(Exception):
    """A JSON object with a key written twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Duplicate
    return made


class _Reader:
    """One document, built without recursion from the events of the parser."""

    def __init__(self, source: str, what: str, duplicates: str, part: bool = False) -> None:
        self.source = source
        self.what = what
        self.part = part
        self.unique = duplicates == 'error'
        # The first event with a short tag, and the first whose tag nobody knows: whether
        # they may stand here is known when the whole document has been seen.
        self.tagged: Any = None
        self.strange: Any = None
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.size = 0
        self.limit = MAX_EXPANSION + len(source)

    def document(self) -> Any:
        try:
            tree = self._document(_Parser(self.source))
            self._check_short_tags(tree)
            return tree
        except yaml.YAMLError as exc:
            fault = self._explained(exc)
            raise _refused(f'{_intro(self.what)}{fault}', self.what, self._where(fault)) from None
        except Untaggable as exc:
            raise _refused(f'{_intro(self.what)}{exc}', self.what, exc.mark,
                           suggestion=exc.suggestion) from None
        except UnicodeEncodeError as exc:
            raise _refused(f'{_intro(self.what)}{exc}', self.what) from None

    def _explained(self, fault: yaml.YAMLError) -> yaml.YAMLError:
        if isinstance(fault, (yaml.constructor.ConstructorError, yaml.composer.ComposerError)):
            return fault
        if len(self.source) <= _EXPLAINED:
            try:
                for _ in yaml.parse(self.source, Loader=yaml.SafeLoader):
                    pass
            except yaml.YAMLError as exc:
                return exc
        if isinstance(fault, yaml.MarkedYAMLError):
            # The C parser's marks hold no text; with it they show the line.
            for name in ('context_mark', 'problem_mark'):
                mark = getattr(fault, name)
                setattr(fault, name, mark and self._mark(mark))
        return fault

    def _where(self, fault: yaml.YAMLError) -> Any:
        if isinstance(fault, yaml.MarkedYAMLError):
            return fault.problem_mark or fault.context_mark
        position = getattr(fault, 'position', None)
        if not isinstance(position, int):
            return None
        before = self.source[:position]
        return yaml.Mark('', position, before.count('\n'), position - before.rfind('\n') - 1, None, 0)

    def _document(self, parser: Any) -> Any:
        next_event = parser.get_event
        # Each open container: [value, anchor, size at its start, waiting key, mark of that
        # key, merges, keys seen]; a list has only the first three.
        stack: list[list[Any]] = []
        # Depth of an open container -> its first event, if it has a short tag.
        short: dict[int, Any] = {}
        root: Any = None
        started = False
        while True:
            event = next_event()
            if event is None:
                return root
            kind = type(event)
            if kind is yaml.ScalarEvent:
                text = event.value
                self.size += len(text) + 1
                value = scalar(event, self._mark, self._long_form)
                anchor = event.anchor
                if anchor is not None:
                    self.anchors[anchor] = (value, len(text) + 1)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if event.tag is not None and self._has_short_tag(event, kind):
                    short[len(stack)] = event
                if len(stack) >= MAX_DEPTH:
                    raise self._fault(event, f'found more than {MAX_DEPTH} levels of nesting')
                self.size += 1
                if kind is yaml.MappingStartEvent:
                    stack.append([{}, event.anchor, self.size, _NO_KEY, None, None])
                else:
                    stack.append([[], event.anchor, self.size])
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = stack.pop()
                value = frame[0]
                if kind is yaml.MappingEndEvent and frame[5]:
                    value = self._merged(value, frame[5])
                if short and len(stack) in short:
                    value = self._long_form(short.pop(len(stack)), value)
                if frame[1] is not None:
                    self.anchors[frame[1]] = (value, self.size - frame[2] + 1)
            elif kind is yaml.AliasEvent:
                if event.anchor not in self.anchors:
                    raise self._fault(event, f'found undefined alias {event.anchor!r}')
                value, weight = self.anchors[event.anchor]
                self.size += weight
                if self.size > self.limit:
                    raise self._fault(event, 'found aliases that make the text too large')
            elif kind is yaml.DocumentStartEvent:
                if started:
                    raise yaml.composer.ComposerError(
                        'expected a single document in the stream', self._mark(event.start_mark),
                        'but found another document', self._mark(event.start_mark))
                started = True
                continue
            else:
                continue
            if not stack:
                root = value
                continue
            frame = stack[-1]
            if len(frame) == 3:
                frame[0].append(value)
            elif frame[3] is _NO_KEY:
                self._key(frame, event, value)
            else:
                key = frame[3]
                frame[3] = _NO_KEY
                if key is _MERGE:
                    frame[5] = (frame[5] or []) + [(value, event)]
                else:
                    frame[0][key] = value

    def _key(self, frame: list[Any], event: Any, value: Any) -> None:
        if isinstance(value, (dict, list)):
            raise self._fault(event, 'found unhashable key', 'while constructing a mapping')
        if value == '<<' and type(event) is yaml.ScalarEvent and not event.style:
            frame[3] = _MERGE
            return
        key = value if type(value) is str else key_text(value)
        if self.unique and key in frame[0]:
            raise self._fault(event, f'found duplicate key {key!r}', 'while constructing a mapping')
        # Kept at its first place, with the value that follows.
        frame[0][key] = None
        frame[3] = key

    def _merged(self, own: dict[str, Any], merges: list[tuple[Any, Any]]) -> dict[str, Any]:
        base: dict[str, Any] = {}
        for value, event in merges:
            parts = value if isinstance(value, list) else [value]
            # The first of several has the last word.
            for part in reversed(parts):
                if not isinstance(part, dict):
                    raise self._fault(event, 'expected a mapping or list of mappings for merging',
                                      'while constructing a mapping')
                base.update(part)
        base.update(own)
        return base

    def _has_short_tag(self, event: Any, kind: Any) -> bool:
        """Whether the container is tagged like ``!Sub``; Untaggable if it would be an object."""
        tag = event.tag
        if is_short(tag):
            return True
        own = 'map' if kind is yaml.MappingStartEvent else 'seq'
        if tag not in (f'tag:yaml.org,2002:{own}', '!'):
            raise Untaggable(tag, self._mark(event.start_mark))
        return False

    def _long_form(self, event: Any, value: Any) -> Any:
        if self.tagged is None:
            self.tagged = event
        if event.tag in LONG:
            return long_form(event.tag, value)
        if self.strange is None:
            self.strange = event
        return value

    def _check_short_tags(self, tree: Any) -> None:
        if self.tagged is None:
            return
        if not self.part and (self.what == 'environment' or not is_cloudformation(tree)):
            raise Untaggable(self.tagged.tag, self._mark(self.tagged.start_mark))
        if self.strange is not None:
            tag = self.strange.tag
            raise Untaggable(tag, self._mark(self.strange.start_mark), nearest(tag, LONG))

    def _mark(self, mark: Any) -> Any:
        """A mark of the C parser with the text beside it, so that it can show the place."""
        return yaml.Mark('<unicode string>', mark.index, mark.line, mark.column, self.source + '\0',
                         mark.index)

    def _fault(self, event: Any, problem: str, context: str | None = None) -> yaml.MarkedYAMLError:
        return yaml.constructor.ConstructorError(context, None, problem, self._mark(event.start_mark))


_NO_KEY: Any = object()
_MERGE: Any = object()


class Marks:
    """Where each part of a text stands; worked out when first asked."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._places: dict[tuple[Any, ...], tuple[int, int]] | None = None

    def at(self, path: tuple[Any, ...]) -> tuple[int, int] | None:
        """Line and column, from 1, of the part at ``path`` or of the nearest part around it."""
        for length in range(len(path), -1, -1):
            found = self.exactly(path[:length])
            if found is not None:
                return found
        return None

    def exactly(self, path: tuple[Any, ...]) -> tuple[int, int] | None:
        """Line and column of the part at ``path`` itself."""
        if self._places is None:
            try:
                self._places = dict(_places(_Parser(self._source)))
            except (yaml.YAMLError, UnicodeEncodeError):
                self._places = {}
        return self._places.get(path)


def placed(faults: Iterable[Fault], sources: Mapping[str, str],
           environments: Sequence[str] = ()) -> tuple[Fault, ...]:
    """``faults`` with line and column, as far as ``sources`` holds the text that they are in.

    ``sources`` maps 'template', 'environment' and names of files to texts;
    ``environments`` are the files that make up the environment, the strongest last.
    What stands nowhere in an environment came beside it, and gets no line; nor does what
    stands in a text of one line, which a client made of a file that its user knows better.
    """
    marks: dict[str, Marks] = {}

    def put(fault: Fault) -> Fault:
        if fault.line is not None:
            return fault
        for name in (fault.source, *(reversed(environments) if fault.source == ENVIRONMENT else ())):
            if name in sources and name not in marks:
                marks[name] = Marks(sources[name])
            if name not in marks:
                continue
            exact = fault.source == ENVIRONMENT
            where = marks[name].exactly(fault.path) if exact else marks[name].at(fault.path)
            if where is not None:
                line, column = where if '\n' in sources[name].strip() else (None, None)
                return replace(fault, source=name, line=line, column=column)
        return fault

    return tuple(put(fault) for fault in faults)


def parse_with_marks(text: str | bytes, **options: Any) -> tuple[dict[str, Any], Marks]:
    """As ``parse``, with the ``Marks`` of the text."""
    tree = parse(text, **options)
    return tree, Marks(text.decode('utf-8-sig') if isinstance(text, bytes) else text)


def _places(parser: Any) -> Iterator[tuple[tuple[Any, ...], tuple[int, int]]]:
    # Frames: [path, next index] of lists, [path, None or waiting key] of maps.
    frames: list[list[Any]] = []
    while True:
        event = parser.get_event()
        if event is None:
            return
        kind = type(event)
        if kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            frames.pop()
            continue
        if kind not in (yaml.ScalarEvent, yaml.AliasEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent):
            continue
        path: tuple[Any, ...] = ()
        if frames:
            frame = frames[-1]
            if frame[2]:
                path = (*frame[0], frame[1])
                frame[1] += 1
            elif frame[1] is None and kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent):
                # A key that is no scalar: the reader refuses such a text.
                return
            elif frame[1] is None:
                frame[1] = event.value if kind is yaml.ScalarEvent else ''
                yield (*frame[0], frame[1]), (event.start_mark.line + 1, event.start_mark.column + 1)
                continue
            else:
                path = (*frame[0], frame[1])
                frame[1] = None
        if not frames or frames[-1][2]:
            yield path, (event.start_mark.line + 1, event.start_mark.column + 1)
        if kind is not yaml.AliasEvent and event.tag in LONG:
            # What a short tag holds stands inside the function that it names.
            path = (*path, LONG[event.tag])
            yield path, (event.start_mark.line + 1, event.start_mark.column + 1)
        if kind is yaml.MappingStartEvent:
            frames.append([path, None, False])
        elif kind is yaml.SequenceStartEvent:
            frames.append([path, 0, True])


def events(source: str) -> Iterator[Any]:
    """The parser's events, for who needs places and comments; raises yaml.YAMLError."""
    parser = _Parser(source)
    while (event := parser.get_event()) is not None:
        yield event
