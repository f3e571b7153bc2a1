"""Templates in Heat's older variant of CloudFormation's format (HeatTemplateFormatVersion).

Purpose: the words of the dialect; AWS's own format is ``aws``. Invariant: unknown
resource keys are let pass, as the interface always did. Neighbours: ``sections`` does
the work, ``versions`` holds what each version knows, ``hot.compile_template`` is the
one entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.common import errors
from heat.common.fault import SHAPE
from heat.template.definition import Template
from heat.template.sections import Words, build
from heat.template.versions import Version

WORDS = Words(
    description='Description', parameters='Parameters', resources='Resources', outputs='Outputs',
    conditions='Conditions', type='Type', properties='Properties', metadata='Metadata',
    depends_on='DependsOn', deletion_policy='DeletionPolicy', update_policy='UpdatePolicy',
    condition='Condition', external_id='', value='Value',
    no_type='Each Resource must contain a Type key.', strict_keys=False)


def compile_cfn(tree: Mapping[str, Any], version: Version, noted: errors.Collected | None = None) -> Template:
    mappings = tree.get('Mappings')
    if mappings is not None and not isinstance(mappings, dict):
        fault = errors.StackValidationFailed(
            message=f'"Mappings" must contain a map of maps. Found a [{type(mappings).__name__}] instead').at(
                ('Mappings',), kind=SHAPE)
        if noted is None:
            raise fault
        noted.add(fault)
    return build(tree, version, WORDS, noted)
