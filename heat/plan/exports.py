"""What a stack offers to others: the names its template exports and their values.

Purpose: names are known when a stack is asked for, values when it stands. Invariant:
pure; a name hangs on parameters and imports only. Neighbours: intake reserves names,
``traversal`` works values out at the end of a goal, ``db.exports`` keeps both.
"""

from __future__ import annotations

from typing import Any

from heat.common import errors
from heat.plan.scope import Facts
from heat.template.definition import OutputDefinition, Template
from heat.template.expr import NullScope, Scope

LONGEST = 255


class ExportScope(NullScope):
    """Parameters and what other stacks offer; no resource."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(dict(facts.parameters), facts.files)
        self._imports = facts.imports

    def imported(self, name: str) -> Any:
        if name not in self._imports:
            raise ValueError(f'No export named {name} found.')
        return self._imports[name]


def export_names(template: Template | None, facts: Facts) -> dict[str, OutputDefinition]:
    """Export name -> output, of a settled template. StackValidationFailed tells all that is wrong."""
    found: dict[str, OutputDefinition] = {}
    faults = []
    scope = ExportScope(facts)
    for output in template.outputs.values() if template is not None else ():
        if output.export is None:
            continue
        try:
            name = output.export.value(scope)
        except ValueError as error:
            faults.append(f'Outputs.{output.name}.Export.Name: {error}')
            continue
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST:
            faults.append(f'Outputs.{output.name}.Export.Name: the name of an export must be a text of 1 to '
                          f'{LONGEST} characters that depends on no resource.')
        elif name in found:
            faults.append(f'Outputs.{output.name}.Export.Name: the output {found[name].name} is exported as '
                          f'{name} already.')
        else:
            found[name] = output
    if faults:
        raise errors.StackValidationFailed(message='\n'.join(faults))
    return found


def export_values(template: Template | None, facts: Facts, scope: Scope) -> dict[str, Any]:
    """Export name -> value, of a stack that stands. Raises what its expressions raise."""
    values: dict[str, Any] = {}
    for name, output in export_names(template, facts).items():
        scope.budget.turn()
        values[name] = output.value.value(scope)
    return values
