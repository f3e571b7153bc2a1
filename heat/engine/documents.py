"""Templates that a request names without sending them: read once, then stored.

Purpose: the ``files`` of a stack while it is taken in. Invariant: what a user
names is read over http(s) alone and by the rules of ``common.fetch``; files of this
host are read for mappings of its operator only; all is bounded by what one request
may bring. What was read joins the files that are stored, so nothing is read later.
Neighbours: ``intake`` and ``templates`` open them, ``resources.types`` asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from heat.common import errors, fetch
from heat.template.files import Files

MOST = 100
Fetch = Callable[[str, Any, float], str]


class HostFiles(Files):
    """Files of a stack, and the templates that this host's operator maps types to."""

    def __init__(self, files: Mapping[str, Any] | None, directory: str) -> None:
        super().__init__(files)
        self._directory = directory

    def template(self, name: str, user: bool = True) -> str:
        if name not in self._files and not user and urlsplit(name).scheme == 'file':
            self._files[name] = self._read(name)
        return super().template(name, user)

    def _read(self, name: str) -> str:
        path = Path(unquote(urlsplit(name).path))
        for one in (path, Path(self._directory) / path.name):
            try:
                return one.read_text(encoding='utf-8')
            except (OSError, ValueError):
                continue
        raise errors.StackValidationFailed(message=(
            f'The operator of this service maps a type to the template "{name}", which cannot be read.'))


class Documents(HostFiles):
    """The same, and what stands behind http(s) addresses; ``seal`` ends the reading."""

    def __init__(self, files: Mapping[str, Any] | None, conf: Any, read: Fetch = fetch.document,
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(files, conf.template_dir)
        self._conf = conf
        self._fetch = read
        self._monotonic = monotonic
        self._until = monotonic() + conf.template_fetch_timeout
        self._room = conf.max_json_body_size
        self._left = MOST
        self._open = True

    def seal(self) -> None:
        """From now on the files are what they are: nothing is read in the loop, or later."""
        self._open = False

    def template(self, name: str, user: bool = True) -> str:
        if name not in self._files and self._open and urlsplit(name).scheme in ('http', 'https'):
            self._files[name] = self._fetched(name)
        return super().template(name, user)

    def _fetched(self, name: str) -> str:
        left = self._until - self._monotonic()
        try:
            if left <= 0:
                raise ValueError('there was no time left for it')
            text = self._fetch(name, self._conf, left)
        except (OSError, ValueError) as error:
            raise errors.StackValidationFailed(
                message=f'Could not fetch remote template "{fetch.shown(name)}": {error}') from error
        self._left -= 1
        self._room -= len(text.encode())
        if self._left < 0 or self._room < 0:
            raise errors.RequestLimitExceeded(message=(
                f'The templates named by URL are more than {MOST}, or larger than '
                f'{self._conf.max_json_body_size} bytes together.'))
        return text
