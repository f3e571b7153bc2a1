"""The ``files`` that come with a template: texts by name.

Purpose: access to content for get_file and for provider templates. Invariant:
immutable, names are kept as the client wrote them. Neighbours: scopes ask it,
the engine compiles nested templates out of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from heat.common import errors
from heat.common.text import content_hash

MACRO = 'aws-macro'


class Files(Mapping[str, str]):
    """A read-only map of name to text. StackValidationFailed for content that is no text."""

    def __init__(self, files: Mapping[str, Any] | None = None) -> None:
        for name, content in (files or {}).items():
            if not isinstance(content, str):
                raise errors.StackValidationFailed(message=f'The content of file "{name}" must be a string.')
        self._files: dict[str, str] = dict(files or {})

    def __getitem__(self, name: str) -> str:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def document(self, location: str) -> str:
        """The text of a document that a macro includes, read by URL as templates are.

        StackValidationFailed if it was not sent along.
        """
        if location.startswith(('http://', 'https://')):
            return self.template(location)
        if location not in self:
            raise errors.StackValidationFailed(
                message=f'The document "{location}" that AWS::Include names was not sent along')
        return self[location]

    def macro(self, name: str) -> Callable[[Mapping[str, Any]], Any] | None:
        """Who works out a macro: the request of AWS's form to the fragment that it makes of it.

        None if nobody does. It raises StackValidationFailed.
        """
        known = any(key.startswith(f'{MACRO}:{name}:') for key in self)
        return partial(self._answered, name) if known else None

    def _answered(self, name: str, request: Mapping[str, Any]) -> Any:
        """What a macro said when it was asked: a stack that stands asks nobody."""
        try:
            return json.loads(self[macro_key(name, request)])
        except KeyError:
            raise errors.StackValidationFailed(
                message=f'The macro "{name}" was not asked for this template and these values') from None

    def inside(self, template: str | None) -> Files:
        """The files as a template among them names them; its own, if it has no name."""
        return self

    def source(self, name: str) -> str:
        """The name by which faults of a template among them are told."""
        return name

    def open(self, name: str) -> bool:
        """Whether a template is left out on purpose, so that it stands for a type that takes anything."""
        return False

    def template(self, name: str, user: bool = True) -> str:
        """The text of a nested template; StackValidationFailed if it was not sent along.

        ``user`` tells that a user named it: nothing of the service's host is read for users.
        """
        if name not in self._files:
            scheme = name.split(':', 1)[0] if ':' in name else ''
            reason = 'it was not sent along'
            if scheme not in ('http', 'https'):
                reason = f'Invalid URL scheme {scheme}'
            raise errors.StackValidationFailed(message=f'Could not fetch remote template "{name}": {reason}')
        return self._files[name]


def macro_key(name: str, request: Mapping[str, Any]) -> str:
    """Under which name the answer of a macro is kept with the files."""
    return f'{MACRO}:{name}:{content_hash(request)}'
