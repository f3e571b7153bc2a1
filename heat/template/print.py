"""Templates as text, in one style: the order of keys, indentation, quotes, comments kept.

Purpose: ``formatted`` writes a text again, ``text_of`` writes plain data. Invariant:
what is written reads back as the same data, and writing it again changes nothing; short
tags stay short. Neighbours: ``source`` reads, ``versions`` names sections and keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from heat.template.load import parse
from heat.template.source import Alias, Collection, Document, Entry, Node, Scalar, node_of, read
from heat.template.versions import VERSION_KEYS, table

WIDTH = 100
_CORE = 'tag:yaml.org,2002:'
# A key longer than this is no simple key to a parser; the limit itself is 1024.
_LONGEST_KEY = 1000
_PLAIN_TEXT = re.compile('[\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\\Z')
_BREAKS = re.compile('[\u2028\u2029]')
_ESCAPES = {'"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r'}

_SECTIONS = (*VERSION_KEYS, 'Transform', 'description', 'Description', 'Metadata', 'parameter_groups',
             'parameters', 'Parameters', 'Rules', 'Mappings', 'conditions', 'Conditions')
_LAST_SECTIONS = ('resources', 'Resources', 'outputs', 'Outputs')
_RESOURCE = ('type', 'description', 'condition', 'external_id', 'depends_on', 'creation_policy',
             'deletion_policy', 'update_replace_policy', 'update_policy', 'metadata', 'properties')
_PARAMETER = ('type', 'label', 'description', 'default', 'hidden', 'no_echo', 'immutable', 'tags', 'schema',
              'constraints', 'allowed_values', 'allowed_pattern', 'min_length', 'max_length', 'min_value',
              'max_value', 'constraint_description')
_OUTPUT = ('description', 'condition', 'value', 'export')
_INSIDE = {'resources': _RESOURCE, 'parameters': _PARAMETER, 'outputs': _OUTPUT}


def formatted(text: str) -> str:
    """The text in canonical order and style.

    Raises what ``parse`` raises for a text that cannot be read, and ValueError if the
    text has something that cannot be written without a change of meaning.
    """
    tree = parse(text)
    made = _json_text(text)
    if made is None:
        document = read(text)
        made = render(document)
        if sorted(one.text for one in read(made).comments) != sorted(one.text for one in document.comments):
            raise ValueError('A comment of this template stands where it cannot be kept.')
    if not alike(parse(made), tree):
        raise ValueError('This template cannot be written in canonical style without changing it.')
    return made


def alike(one: Any, other: Any) -> bool:
    """Equal plain data; true is not 1, and what is not a number equals itself."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def text_of(tree: Mapping[str, Any]) -> str:
    """A template of plain data as YAML in canonical style, keys in the order of ``tree``."""
    short = frozenset({'get_param', 'get_resource', 'get_attr', 'get_file', 'Ref', 'Fn::GetAtt'})
    root = node_of(dict(tree), short)
    return render(Document(root, (), ()), ordered=False)


def json_of(tree: Mapping[str, Any]) -> str:
    """A template as JSON; ValueError if it holds what JSON cannot say."""
    return json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False) + '\n'


def is_yaml(text: str) -> bool:
    """False for a text that is JSON, and so has neither comments nor styles."""
    return _json_text(text) is None


def _json_text(text: str) -> str | None:
    """The text in style if it is JSON, which has no comments to lose."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return json_of(_in_order(tree)) if isinstance(tree, dict) else None


def _in_order(tree: dict[str, Any]) -> dict[str, Any]:
    made = {name: tree[name] for name in sorted(tree, key=_section_place)}
    for section, value in made.items():
        keys = _INSIDE.get(section.lower())
        if keys and isinstance(value, dict):
            made[section] = {
                name: {key: one[key] for key in sorted(one, key=lambda key: _key_place(key, keys))}
                if isinstance(one, dict) else one for name, one in value.items()}
    return made


def _section_place(name: str) -> int:
    if name in _SECTIONS:
        return _SECTIONS.index(name)
    # Sections that only the table of versions knows stand before the resources.
    known = any(name in row.sections for row in table().values()) and name not in _LAST_SECTIONS
    return len(_SECTIONS) + (0 if known else 1 + (
        _LAST_SECTIONS.index(name) if name in _LAST_SECTIONS else len(_LAST_SECTIONS)))


def _key_place(name: str, keys: tuple[str, ...]) -> int:
    if name == '<<':
        return -1
    snake = re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name).lower()
    return keys.index(snake) if snake in keys else len(keys)


def render(document: Document, ordered: bool = True) -> str:
    """The tree as text; it is changed on the way."""
    root = document.root
    if ordered and isinstance(root, Collection) and root.is_map:
        _order(root)
    printer = _Printer()
    lines = list(document.head)
    if isinstance(root, Collection) and root.entries:
        lines += printer.block(root, 0, apart=True)
    elif isinstance(root, Collection):
        lines += ['{}' if root.is_map else '[]', *root.tail]
    elif root is not None:
        lines += printer.scalar(root, 0)
    return '\n'.join(lines) + '\n' if lines else ''


def _order(root: Collection) -> None:
    """Put sections and keys into their order, unless an alias would come before what it repeats."""
    kept = [(root, list(root.entries))]
    before = _targets(root)
    root.entries.sort(key=lambda entry: -1 if entry.name == '<<' else _section_place(entry.name))
    for section in root.entries:
        keys = _INSIDE.get(section.name.lower())
        if keys and isinstance(section.value, Collection) and section.value.is_map:
            for one in section.value.entries:
                if isinstance(one.value, Collection) and one.value.is_map:
                    kept.append((one.value, list(one.value.entries)))
                    one.value.entries.sort(key=lambda entry, keys=keys: _key_place(  # type: ignore[misc]
                        entry.name, keys))
    if _targets(root) != before:
        for node, entries in kept:
            node.entries[:] = entries


def _targets(root: Collection) -> dict[int, int]:
    """What each alias of the tree means: the id of the alias to that of the node."""
    named: dict[str, int] = {}
    found: dict[int, int] = {}
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Alias):
            found[id(node)] = named.get(node.name, 0)
            continue
        if node.anchor:
            named[node.anchor] = id(node)
        if isinstance(node, Collection):
            for entry in reversed(node.entries):
                waiting.append(entry.value)
                if entry.key is not None:
                    waiting.append(entry.key)
    return found


class _Printer:
    """Lines of text, each level without the indentation of those around it."""

    def block(self, node: Collection, indent: int, apart: bool = False) -> list[str]:
        """The lines of a collection with entries; ``apart``: an empty line between all of them."""
        lines: list[str] = []
        for entry in node.entries:
            own = self.entry(entry, indent)
            if lines and (apart or entry.blank):
                lines.append('')
            lines += own
        return lines + node.tail

    def entry(self, entry: Entry, indent: int) -> list[str]:
        value, notes = entry.value, entry.notes
        leading = entry.leading + notes[:-1]
        note = f'  {notes[-1]}' if notes else ''
        head = ['-']
        if entry.key is not None:
            key = self.inline(entry.key)
            head = [f'{key} :' if isinstance(entry.key, Alias) else f'{key}:']
            if len(key) > _LONGEST_KEY:
                head = [f'? {key}', ':']
        if isinstance(value, Collection) and not self._on_one_line(value, indent + len(head[-1])):
            inner = self.block(value, indent + 2)
            plain = not _properties(value) and not note
            if entry.key is None and plain and inner[0][:1] not in ('', '#'):
                return [*leading, f'- {inner[0]}', *_indented(inner[1:])]
            first = ' '.join([head[-1], *_properties(value)]) + note
            return [*leading, *head[:-1], first, *_indented(inner)]
        if isinstance(value, Collection):
            lines = [self.inline(value)]
        else:
            lines = self.scalar(value, indent + 2, len(head[-1]))
        first = f'{head[-1]} {lines[0]}'.rstrip(' ')
        if isinstance(value, Scalar) and value.style in ('|', '>') and len(lines) > 1:
            return [*leading, *head[:-1], first + note, *_indented(lines[1:])]
        if len(lines) == 1:
            return [*leading, *head[:-1], first + note]
        return [*leading, *head[:-1], first, *_indented([*lines[1:-1], lines[-1] + note])]

    def _on_one_line(self, node: Collection, taken: int) -> bool:
        if not node.entries:
            return not node.tail
        return node.flow and not _commented(node) and taken + 1 + len(self.inline(node)) <= WIDTH

    def inline(self, node: Node) -> str:
        """A node in flow style."""
        if isinstance(node, Alias):
            return f'*{node.name}'
        if isinstance(node, Scalar):
            text = node.text
            # At the start of a line these would end the document.
            if node.style or '\n' in text or text.startswith(('---', '...')):
                shown = _quoted(text)
            elif not text:
                shown = "''" if node.tag else 'null'
            else:
                shown = text
            return ' '.join([*_properties(node), shown])
        parts = []
        for entry in node.entries:
            value = self.inline(entry.value)
            if entry.key is None:
                parts.append(value)
            else:
                colon = ' :' if isinstance(entry.key, Alias) else ':'
                parts.append(f'{self.inline(entry.key)}{colon} {value}')
        inside = ', '.join(parts)
        return ' '.join([*_properties(node), f'{{{inside}}}' if node.is_map else f'[{inside}]'])

    def scalar(self, node: Scalar | Alias, indent: int, taken: int = 0) -> list[str]:
        """A scalar in block style; lines after the first are still to be indented."""
        if isinstance(node, Alias):
            return [f'*{node.name}']
        text, words = node.text, _properties(node)
        if node.style == '>' and node.body and not node.body[0].startswith((' ', '\t')):
            chomp = '' if text.endswith('\n') else '-'
            if _PLAIN_TEXT.match('\n'.join(node.body)) and not text.endswith('\n\n') and text.strip('\n'):
                return [' '.join([*words, f'>{chomp}']), *node.body]
        if node.style in ('|', '>') and _literal(text):
            chomp = '' if text.endswith('\n') else '-'
            lines = text.removesuffix('\n').split('\n')
            first = next(line for line in lines if line)
            step = '2' if first.startswith(' ') else ''
            return [' '.join([*words, f'|{step}{chomp}']), *lines]
        if node.style:
            return [' '.join([*words, _quoted(text)])]
        if not text:
            return [' '.join(words)]
        if not node.several_lines:
            return [' '.join([*words, text])]
        lines = _wrapped(text, WIDTH - indent, len(' '.join(words)) + taken)
        return [' '.join([*words, lines[0]]), *lines[1:]]


def _properties(node: Scalar | Collection) -> list[str]:
    words = [f'&{node.anchor}'] if node.anchor else []
    if node.tag:
        tag = node.tag
        words.append(f'!!{tag[len(_CORE):]}' if tag.startswith(_CORE) else
                     tag if tag.startswith('!') else f'!<{tag}>')
    return words


def _indented(lines: list[str]) -> list[str]:
    return [f'  {line}' if line else '' for line in lines]


def _commented(node: Collection) -> bool:
    if node.tail:
        return True
    return any(entry.leading or entry.notes
               or (isinstance(entry.value, Collection) and _commented(entry.value)) for entry in node.entries)


def _literal(text: str) -> bool:
    """Whether a text can stand as it is under a ``|``."""
    if not text.strip('\n ') or text.endswith('\n\n') or not _PLAIN_TEXT.match(text) or _BREAKS.search(text):
        return False
    lines = text.split('\n')
    first = next(line for line in lines if line)
    # Spaces or tabs alone at the start or the end are easily lost.
    return bool(first.strip()) and not first.startswith('\t') and bool(text.rstrip('\n')[-1:].strip())


def _quoted(text: str) -> str:
    if '\n' not in text and _PLAIN_TEXT.match(text) and '\t' not in text and not _BREAKS.search(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + ''.join(_escaped(sign) for sign in text) + '"'


def _escaped(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if _PLAIN_TEXT.match(sign) and not _BREAKS.match(sign):
        return sign
    code = ord(sign)
    return f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}' if code < 0x10000 else f'\\U{code:08x}'


def _wrapped(text: str, width: int, taken: int) -> list[str]:
    """A plain scalar over several lines; a line break of the text is an empty line."""
    lines: list[str] = []
    for number, paragraph in enumerate(text.split('\n')):
        if number:
            lines.append('')
        line = ''
        for word in re.split(r'(?<! ) (?! )', paragraph):
            limit = width - (0 if lines else taken)
            if line and len(line) + 1 + len(word) > limit:
                lines.append(line)
                line = word
            else:
                line = f'{line} {word}' if line else word
        if line:
            lines.append(line)
    return lines
