"""A snapshot as a template to walk to.

Purpose: the template of then, with the properties through which things come back
from what was kept of them. Invariant: pure. Neighbours: ``actions`` restores,
``resources.base`` says what ``restored`` is for a type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heat.resources.types import TypeTable
from heat.template.registry import Layer


def restored_template(data: Mapping[str, Any], operator: Sequence[Layer] = ()) -> dict[str, Any]:
    """The raw template of a snapshot's ``data``, properties of restored content in it.

    Members of nested stacks are made from their parents' properties and come back as these say.
    """
    tree = dict(data.get('template') or {})
    section = 'Resources' if 'Resources' in tree else 'resources'
    properties = 'Properties' if section == 'Resources' else 'properties'
    registry = (data.get('environment') or {}).get('resource_registry') or {}
    types = TypeTable([*operator, Layer(registry)])
    resources = dict(tree.get(section) or {})
    for name, kept in (data.get('resources') or {}).items():
        definition = resources.get(name)
        if not isinstance(definition, Mapping) or 'resource_data' not in kept:
            continue
        kind = types(str(definition.get('type') or definition.get('Type')), name)
        props = definition.get(properties) or {}
        changed = kind.restored(props, kept['resource_data'])
        if changed:
            merged = {key: value for key, value in {**props, **changed}.items() if value is not None}
            resources[name] = {**definition, properties: merged}
    if resources:
        tree[section] = resources
    return tree
