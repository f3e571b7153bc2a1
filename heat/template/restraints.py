"""Where a stack pauses and what it may not do to a resource, as its environment says.

Purpose: hooks and restricted actions for the names of one stack, nested ones by
their path. Invariant: pure; entries of all layers and of all patterns that fit a
name count together. Neighbours: ``registry`` checks the shape and knows types,
``plan.traversal`` asks at each resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heat.template.registry import Layer, as_list, rooms_of


@dataclass(frozen=True, slots=True)
class Restraints:
    """``sections`` are the ``resources`` maps of all layers, as seen from one stack."""

    sections: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> Restraints:
        """Those of a root stack."""
        found = (layer.registry.get('resources') for layer in layers)
        return cls(tuple(section for section in found if section))

    def hooks(self, name: str) -> frozenset[str]:
        """``pre-create`` and so on, as far as they are set for the resource."""
        return self._words(name, 'hooks')

    def restricted(self, name: str) -> frozenset[str]:
        """'update' and 'replace', as far as they are forbidden for the resource."""
        return self._words(name, 'restricted_actions')

    def inside(self, name: str) -> Restraints:
        """Those of the stack that the resource ``name`` is: the maps found under its name."""
        if not self.sections:
            return self
        return Restraints(tuple(
            {key: value for key, value in entries.items() if isinstance(value, dict)}
            for section in self.sections for _, entries in rooms_of({'resources': section}, name)))

    def _words(self, name: str, key: str) -> frozenset[str]:
        return frozenset(word for section in self.sections
                         for _, entries in rooms_of({'resources': section}, name)
                         for word in as_list(entries.get(key)))


FREE = Restraints()
