"""The ``files`` that come with a template: texts by name.

Purpose: access to content for get_file and for provider templates. Invariant:
immutable, names are kept as the client wrote them. Neighbours: scopes ask it,
the engine compiles nested templates out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heat.common import errors


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
