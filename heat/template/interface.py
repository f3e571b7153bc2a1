"""AWS::CloudFormation::Interface: how a client should ask for parameters.

Purpose: groups and labels of parameters out of the Metadata section. Invariant: AWS does
not check them, so what is wrong with them is only warned about. Neighbours: ``aws``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heat.schema.parameters import ParameterSchema
from heat.template.definition import ParameterGroup
from heat.template.functions import Path

if TYPE_CHECKING:
    from heat.template.compile import Unit

INTERFACE = 'AWS::CloudFormation::Interface'


def interface(unit: Unit, found: Any, schemas: Mapping[str, ParameterSchema],
              ) -> tuple[tuple[ParameterGroup, ...], dict[str, ParameterSchema]]:
    """The groups, and the schemas with the labels that are given for them."""
    path: Path = ('Metadata', INTERFACE)
    labelled = dict(schemas)
    if found is None:
        return (), labelled
    if not isinstance(found, dict):
        unit.warn(path, 'it should be a map')
        return (), labelled
    given = found.get('ParameterGroups')
    groups = [_group(unit, group, schemas, (*path, 'ParameterGroups', index))
              for index, group in enumerate(given if isinstance(given, list) else ())]
    labels = found.get('ParameterLabels')
    for name, label in (labels if isinstance(labels, dict) else {}).items():
        text = _label(label)
        if name in schemas and text is not None:
            labelled[name] = replace(schemas[name], label=text)
        else:
            unit.warn((*path, 'ParameterLabels', name), 'it is no parameter, or has no default')
    return tuple(group for group in groups if group is not None), labelled


def _group(unit: Unit, group: Any, schemas: Mapping[str, ParameterSchema],
           path: Path) -> ParameterGroup | None:
    names = group.get('Parameters') if isinstance(group, dict) else None
    if not isinstance(names, list):
        unit.warn(path, 'a group should have a list of Parameters')
        return None
    known = tuple(name for name in names if isinstance(name, str) and name in schemas)
    strange = [str(name) for name in names if name not in known]
    if strange:
        unit.warn(path, f'{", ".join(strange)} is no parameter')
    return ParameterGroup(_label(group.get('Label')), None, known)


def _label(found: Any) -> str | None:
    text = found.get('default') if isinstance(found, dict) else None
    return text if isinstance(text, str) else None
