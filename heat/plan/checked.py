"""A template of the command line after its check: what warnings and pictures work on.

Purpose: ``Checked`` holds the template, as far as it could be compiled, with its
findings and its types. Invariant: plain values. Neighbours: ``heat.cmd.template_check``
makes it with the engine's validation, ``lint`` and ``show`` go on from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heat.plan.types import Types
from heat.template.bundle import Bundle
from heat.template.definition import Template
from heat.template.findings import Finding, Place


@dataclass(frozen=True, slots=True)
class Checked:
    """``template`` is what could be compiled, ``settled`` the same for the parameters given.

    ``types`` knows a type for every name; ``children`` holds the templates that types
    are, by file, and ``files`` maps the names of such types to their files.
    """

    bundle: Bundle
    place: Place
    findings: tuple[Finding, ...]
    template: Template | None = None
    settled: Template | None = None
    types: Types | None = None
    children: Mapping[str, Checked] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def inside(self, kind: Any) -> Checked | None:
        """The template that a type is, if it is one that was read."""
        return self.children.get(self.files.get(getattr(kind, 'source', ''), ''))

    def everything(self) -> list[Finding]:
        """The findings of this template and of all templates it is made of, each once."""
        found = dict.fromkeys(self.findings)
        for child in self.children.values():
            found.update(dict.fromkeys(child.everything()))
        return list(found)
