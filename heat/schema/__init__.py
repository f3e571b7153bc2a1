"""The language in which resource types declare properties and attributes: pure.

Purpose: the public names of this room. Invariant: no I/O, no clock.
Neighbours: ``template`` uses the constraints, ``plan`` the decisions, plugins
the declarations, the engine ``resolve`` and the look-ups.
"""

from heat.schema.attributes import SHOW, Attr, Attribute, read
from heat.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    Custom,
    Length,
    Modulo,
    Range,
    first_fault,
)
from heat.schema.contract import contract_form, differences
from heat.schema.diff import IMMUTABLE, KEEP, REPLACEMENT, UPDATE, Diff, diff, effect, same
from heat.schema.kinds import (
    ABSENT,
    IN_PLACE,
    REPLACE,
    SAME,
    UNKNOWN,
    Any_,
    Boolean,
    Integer,
    List,
    Map,
    Number,
    Property,
    String,
    Update,
    has_unknown,
)
from heat.schema.lookups import custom_checks, put, translations, walk
from heat.schema.properties import (
    Rule,
    TypeSchema,
    at_least_one,
    at_most_one,
    compile_schema,
    conflict,
    exactly_one,
    requires,
)
from heat.schema.render import generate_template, resource_schema
from heat.schema.resolve import PropertyError, late_defaults, resolve, unknown_names
from heat.schema.suggest import nearest, unknown
from heat.schema.support import STATUSES, SUPPORTED, Support, deprecated, hidden
from heat.schema.wire import wire

__all__ = [
    'ABSENT', 'IMMUTABLE', 'IN_PLACE', 'KEEP', 'REPLACE', 'REPLACEMENT', 'SAME', 'SHOW', 'STATUSES',
    'SUPPORTED', 'UNKNOWN', 'UPDATE', 'AllowedPattern', 'AllowedValues', 'Any_', 'Attr', 'Attribute',
    'Boolean', 'Constraint', 'Custom', 'Diff', 'Integer', 'Length', 'List', 'Map', 'Modulo', 'Number',
    'Property', 'PropertyError', 'Range', 'Rule', 'String', 'Support', 'TypeSchema', 'Update',
    'at_least_one', 'at_most_one', 'compile_schema', 'conflict', 'contract_form', 'custom_checks',
    'deprecated', 'diff', 'differences', 'effect', 'exactly_one', 'first_fault', 'generate_template',
    'has_unknown', 'hidden', 'late_defaults', 'nearest', 'put', 'read', 'requires', 'resolve',
    'resource_schema', 'same', 'translations', 'unknown', 'unknown_names', 'walk', 'wire',
]
