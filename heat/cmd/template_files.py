"""The files that a template names, read from disk as the command-line client reads them.

Purpose: a ``Bundle`` of a template, its get_file texts and its provider templates, each
relative to the file that names it; environments with their registries made absolute.
Invariant: nothing outside is fetched unless asked for. Neighbours: ``template`` (the
command) asks, ``template_check`` says what is missing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests

from heat.common import errors
from heat.schema.kinds import UNKNOWN
from heat.template.bundle import Bundle
from heat.template.environment import Unreadable as NoEnvironment
from heat.template.environment import parse_environment
from heat.template.findings import Place
from heat.template.load import MAX_BYTES, parse
from heat.template.registry import TEMPLATE_SUFFIXES

FETCH_SECONDS = 30
ENVIRONMENT_CODE = 'E012'
_URLS = ('http://', 'https://', 'file:')


class Unreadable(Exception):
    """A file that was named on the command line cannot be read; the text is for the user."""


class Reader:
    """Reads each file once. ``fetch``: URLs of http and https are fetched, else left unknown."""

    def __init__(self, fetch: bool = False) -> None:
        self._fetch = fetch
        self._bundles: dict[str, Bundle] = {}
        # The environments that were read, the strongest last.
        self.environments: dict[str, Place] = {}
        self._open: set[str] = set()

    def root(self, name: str) -> Bundle:
        """The template of a file, a URL or ``-``. Raises Unreadable."""
        text = self.text(name)
        if name == '-':
            return self._bundle('<stdin>', '', text)
        place = _joined('', name)
        self._open.add(place)
        return self._bundle(place, place, text)

    def text(self, name: str) -> str:
        """The text of a file, a URL or ``-``. Raises Unreadable."""
        if name == '-':
            return _decoded(name, sys.stdin.buffer.read(MAX_BYTES + 1))
        if _is_remote(name):
            return self._fetched(name)
        path = Path(unquote(urlsplit(name).path)) if name.startswith('file:') else Path(name)
        try:
            with path.open('rb') as stream:
                return _decoded(name, stream.read(MAX_BYTES + 1))
        except OSError as error:
            raise Unreadable(f'{name}: {error.strerror}') from None

    def _fetched(self, url: str) -> str:
        try:
            with requests.get(url, timeout=FETCH_SECONDS, stream=True) as answer:
                answer.raise_for_status()
                return _decoded(url, answer.raw.read(MAX_BYTES + 1, decode_content=True))
        except (requests.RequestException, OSError) as error:
            raise Unreadable(f'{url}: {error}') from None

    def environment(self, name: str) -> dict[str, Any]:
        """An environment file's sections; templates in its registry get absolute names. Raises Unreadable."""
        text = self.text(name)
        place = Place(name, text)
        try:
            tree = parse_environment(text)
        except NoEnvironment as error:
            raise Unreadable('\n'.join(
                place.finding(ENVIRONMENT_CODE, one.bare(), one.path).text() if one.path
                else f'{name}: not a valid environment: {one.message}' for one in error.faults)) from None
        self.environments[name] = place
        registry = tree.get('resource_registry')
        if isinstance(registry, dict):
            tree['resource_registry'] = _absolute(registry, name)
        return tree

    def parsed(self, name: str, text: str) -> Bundle:
        """A template alone, without the files that it names but what its macros include."""
        try:
            return Bundle(name, text, parse(text),
                          document=partial(self._document, '' if name == '-' else _joined('', name)))
        except errors.HeatException as fault:
            return Bundle(name, text, None, fault)

    def add(self, bundle: Bundle, registry: Mapping[str, Any], optional: bool = False) -> Bundle:
        """The bundle with the templates that an environment's registry names.

        ``optional``: one that is not there is taken for a type that accepts anything, since
        an operator's files lie where the service runs.
        """
        children = dict(bundle.children)
        missing = list(bundle.missing)
        for path, target in _targets(registry, ('resource_registry',)):
            self._child(target, '', path, children, [] if optional else missing)
        return replace(bundle, children=children, missing=tuple(missing))

    def _bundle(self, file: str, base: str, text: str) -> Bundle:
        try:
            tree = parse(text)
        except errors.HeatException as fault:
            return Bundle(file, text, None, fault)
        files: dict[str, Any] = {}
        children: dict[str, Bundle | None] = {}
        missing: list[tuple[tuple[Any, ...], str]] = []
        for path, key, name in named_files(tree):
            if key != 'get_file':
                self._child(name, base, path, children, missing)
            elif name not in files:
                place = _joined(base, name)
                if _is_remote(place) and not self._fetch:
                    files[name] = UNKNOWN
                    continue
                try:
                    files[name] = self.text(place)
                except Unreadable as error:
                    files[name] = UNKNOWN
                    missing.append((path, f'The file cannot be read: {error}'))
        return Bundle(file, text, tree, None, files, children, tuple(missing),
                      partial(self._document, base))

    def _document(self, base: str, location: str) -> str:
        if '://' in location and not location.startswith(_URLS):
            raise OSError('only files, and what has an http or https URL, can be')
        place = _joined(base, location)
        if _is_remote(place) and not self._fetch:
            raise OSError('it is fetched with --fetch only')
        try:
            return self.text(place)
        except Unreadable as error:
            raise OSError(str(error).removeprefix(f'{place}: ')) from None

    def _child(self, name: str, base: str, path: tuple[Any, ...], children: dict[str, Bundle | None],
               missing: list[tuple[tuple[Any, ...], str]]) -> None:
        if name in children:
            return
        place = _joined(base, name)
        children[name] = None
        if _is_remote(place) and not self._fetch:
            return
        if place in self._bundles:
            children[name] = self._bundles[place]
            return
        if place in self._open:
            # It holds itself; an empty stand-in with its name lets the check say so.
            children[name] = Bundle(place, '', None)
            return
        self._open.add(place)
        try:
            children[name] = self._bundles[place] = self._bundle(place, place, self.text(place))
        except Unreadable as error:
            missing.append((path, f'The template cannot be read: {error}'))
        finally:
            self._open.discard(place)


def named_files(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """``(path, key, name)`` of every file that a template names, at any depth."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if isinstance(value, str) and ((key == 'get_file' and value) or (
                    key in ('type', 'Type') and value.endswith(TEMPLATE_SUFFIXES))):
                yield (*path, key), key, value
            else:
                yield from named_files(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from named_files(value, (*path, index))


def _is_remote(name: str) -> bool:
    return name.startswith(('http://', 'https://'))


def _joined(base: str, name: str) -> str:
    """The name of a file that ``base`` names ``name``."""
    if _is_remote(name) or _is_remote(base):
        return urljoin(base, name)
    if name.startswith('file:'):
        return name
    base = unquote(urlsplit(base).path) if base.startswith('file:') else base
    joined = Path(base).parent / name
    # ``a/../b`` and ``b`` are one file, which is to be read and checked once.
    return str(Path(*_without_dots(joined.parts)))


def _without_dots(parts: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    for part in parts:
        if part == '..' and kept and kept[-1] not in ('..', '/'):
            kept.pop()
        else:
            kept.append(part)
    return kept


def _absolute(registry: Mapping[str, Any], base: str) -> dict[str, Any]:
    if isinstance(registry.get('base_url'), str):
        base = f'{registry["base_url"]}/_'
    made: dict[str, Any] = {}
    for key, value in registry.items():
        if isinstance(value, dict):
            made[key] = _absolute(value, base)
        elif isinstance(value, str) and value.endswith(TEMPLATE_SUFFIXES) and key != 'base_url':
            place = _joined(base, value)
            made[key] = place if place.startswith(_URLS) else str(Path(place).absolute())
        else:
            made[key] = value
    return made


def _targets(registry: Mapping[str, Any], path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Each template that a registry names, and where."""
    for key, value in registry.items():
        if isinstance(value, Mapping):
            yield from _targets(value, (*path, key))
        elif isinstance(value, str) and value.endswith(TEMPLATE_SUFFIXES):
            yield (*path, key), value


def _decoded(name: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise Unreadable(f'{name}: larger than {MAX_BYTES} bytes')
    try:
        return content.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise Unreadable(f'{name}: not UTF-8: {error}') from None


def as_json(tree: Mapping[str, Any]) -> str:
    """An environment as text again, for who merges texts."""
    return json.dumps(tree)
