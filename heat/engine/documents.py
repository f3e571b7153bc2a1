"""Templates that a request names without sending them: read once, then stored.

Purpose: the ``files`` of a stack while it is taken in. Invariant: what a user
names is read over http(s) alone and by the rules of ``common.fetch``; files of this
host are read for mappings of its operator only; all is bounded by what one request
may bring. What was read joins the files that are stored, so nothing is read later.
Neighbours: ``intake`` and ``templates`` open them, ``resources.types`` asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from heat.common import errors, fetch
from heat.common.fault import shortened
from heat.common.ids import new_id
from heat.template.files import Files, macro_key

MOST = 100
Fetch = Callable[[str, Any, float], str]
Ask = Callable[[str, Any, Any, float], Any]


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
                 monotonic: Callable[[], float] = time.monotonic, ask: Ask = fetch.ask) -> None:
        super().__init__(files, conf.template_dir)
        self._ask = ask
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

    def macro(self, name: str) -> Callable[[Mapping[str, Any]], Any] | None:
        url = self._conf.engine.template_macros.get(name) if self._open else None
        return super().macro(name) if url is None else partial(self._made, name, url)

    def _made(self, name: str, url: str, request: Mapping[str, Any]) -> Any:
        """What a macro makes of a fragment; the answer is kept with the files."""
        key = macro_key(name, request)
        if key not in self._files:
            self._files[key] = json.dumps(self._asked(name, url, request))
        return json.loads(self._files[key])

    def _asked(self, name: str, url: str, request: Mapping[str, Any]) -> Any:
        left = self._until - self._monotonic()
        asked = {**request, 'requestId': new_id()}
        try:
            if left <= 0:
                raise ValueError('there was no time left for it')
            answer = self._ask(url, asked, self._conf, left)
        except (OSError, ValueError) as error:
            raise errors.StackValidationFailed(message=f'The macro "{name}" failed: {error}') from error
        said = answer.get('status') if isinstance(answer, dict) else None
        if not isinstance(said, str) or answer.get('requestId') != asked['requestId']:
            raise errors.StackValidationFailed(
                message=f'The macro "{name}" failed: its answer is not of the form '
                        '{requestId, status, fragment}')
        if said.lower() != 'success' or 'fragment' not in answer:
            why = str(answer.get('errorMessage') or f'its status is {said}')
            raise errors.StackValidationFailed(message=f'The macro "{name}" failed: {shortened(why, 1000)}')
        self._counted(json.dumps(answer['fragment']))
        return answer['fragment']

    def _fetched(self, name: str) -> str:
        left = self._until - self._monotonic()
        try:
            if left <= 0:
                raise ValueError('there was no time left for it')
            text = self._fetch(name, self._conf, left)
        except (OSError, ValueError) as error:
            raise errors.StackValidationFailed(
                message=f'Could not fetch remote template "{fetch.shown(name)}": {error}') from error
        self._counted(text)
        return text

    def _counted(self, text: str) -> None:
        self._left -= 1
        self._room -= len(text.encode('utf-8', 'replace'))
        if self._left < 0 or self._room < 0:
            raise errors.RequestLimitExceeded(message=(
                f'The templates named by URL are more than {MOST}, or larger than '
                f'{self._conf.max_json_body_size} bytes together.'))
