"""The answer of the validate call about a template.

Purpose: what a client needs to ask for parameters. Invariant: a pure rendering of
compiled values; keys are those of the recorded interface. Neighbours: the engine's
template calls add Environment and NestedParameters.
"""

from __future__ import annotations

from typing import Any

from heat.schema.parameters import Parameters
from heat.template.definition import Template


def validation(template: Template, parameters: Parameters) -> dict[str, Any]:
    """``{Description, Parameters[, ParameterGroups]}``, parameters CFN spelled for HOT too."""
    answer: dict[str, Any] = {'Description': template.description,
                              'Parameters': parameters.validation_form()}
    if template.parameter_groups:
        answer['ParameterGroups'] = [
            {key: value for key, value in (('label', group.label), ('description', group.description),
                                           ('parameters', list(group.parameters))) if value is not None}
            for group in template.parameter_groups]
    return answer
