"""HOT templates, and the one entry that compiles a template of any dialect.

Purpose: ``compile_template``. Invariant: pure and linear; the tree is not changed
and not copied. Neighbours: ``load`` makes the tree from text, ``sections`` checks
and compiles it, ``checks`` judges references afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.common import errors
from heat.template.aws import compile_aws
from heat.template.cfn import compile_cfn
from heat.template.definition import Template
from heat.template.load import check_depth
from heat.template.sections import Words, build
from heat.template.versions import dialect_of

WORDS = Words(
    description='description', parameters='parameters', resources='resources', outputs='outputs',
    conditions='conditions', type='type', properties='properties', metadata='metadata',
    depends_on='depends_on', deletion_policy='deletion_policy', update_policy='update_policy',
    condition='condition', external_id='external_id', value='value',
    no_type='Each resource must contain a type key.', strict_keys=True)


def compile_template(tree: Mapping[str, Any], noted: errors.Collected | None = None) -> Template:
    """Compile a plain tree of any known version.

    Raises InvalidTemplateVersion, InvalidTemplateSection, InvalidSchemaError, or
    StackValidationFailed whose first sentence is the classic one and whose further
    lines are the other faults. Files are not looked at: ``get_file`` asks its scope.
    Macros (``macros.wanted``) must have been worked out. With ``noted`` the faults of
    sections are noted there and not raised; the template is what is left without them.
    """
    if not isinstance(tree, Mapping):
        raise errors.StackValidationFailed(message='The template is not a JSON object or YAML mapping.')
    check_depth(tree)
    version = dialect_of(tree)
    if version.dialect == 'hot':
        return build(tree, version, WORDS, noted)
    compiled = compile_aws if version.dialect == 'aws' else compile_cfn
    return compiled(tree, version, noted)
