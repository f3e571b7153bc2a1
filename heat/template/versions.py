"""Template versions: names, sections, keys and functions of each, as data.

Purpose: one row per version; ``dialect_of`` picks the row for a template. Invariant:
the tables of names equal the recorded interface (tests/data/templates.json).
Neighbours: ``hot`` and ``cfn`` read the row; the engine serves ``versions`` and
``functions`` as the template_versions calls of the API.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.schema.parameters_aws import AWS_TYPES, HEAT_TYPES
from heat.schema.suggest import nearest
from heat.template import functions as hot_functions
from heat.template import functions_aws, functions_cfn
from heat.template.compile import CONDITION_BUILDERS
from heat.template.functions import Builder, removed
from heat.template.load import is_cloudformation

HOT_KEY = 'heat_template_version'
AWS_KEY = 'AWSTemplateFormatVersion'
CFN_KEY = 'HeatTemplateFormatVersion'
VERSION_KEYS = (HOT_KEY, CFN_KEY, AWS_KEY)

ALIASES = {'newton': '2016-10-14', 'ocata': '2017-02-24', 'pike': '2017-09-01', 'queens': '2018-03-02',
           'rocky': '2018-08-31', 'wallaby': '2021-04-16'}

_FN_2013 = ('Fn::Base64', 'Fn::GetAZs', 'Fn::Join', 'Fn::MemberListToMap', 'Fn::Replace',
            'Fn::ResourceFacade', 'Fn::Select', 'Fn::Split', 'Ref')

# What each HOT version brings or changes: function -> first version of its variant.
_HOT_STEPS: dict[str, tuple[str, ...]] = {
    '2013-05-23': ('get_attr', 'get_file', 'get_param', 'get_resource', 'list_join', 'resource_facade',
                   'str_replace'),
    '2014-10-16': ('get_attr',),
    '2015-04-30': ('digest', 'repeat'),
    '2015-10-15': ('get_attr', 'list_join', 'str_replace', 'str_split'),
    '2016-04-08': ('map_merge',),
    '2016-10-14': ('if', 'map_replace', 'repeat', 'yaql'),
    '2017-02-24': ('filter', 'str_replace_strict'),
    '2017-09-01': ('contains', 'list_concat', 'list_concat_unique', 'make_url', 'repeat',
                   'str_replace_vstrict'),
    '2018-03-02': (),
    '2018-08-31': (),
    '2021-04-16': ('if',),
}
_KEPT_FN = {'2013-05-23': _FN_2013, '2014-10-16': ('Fn::Select',), '2015-04-30': ('Fn::Select',)}

DESCRIPTIONS = {
    'Fn::And': 'A function that acts as an AND operator on conditions.',
    'Fn::Base64': 'A placeholder function for converting to base64.',
    'Fn::Equals': 'A function for comparing whether two values are equal.',
    'Fn::FindInMap': 'A function for resolving keys in the template mappings.',
    'Fn::GetAZs': 'A function for retrieving the availability zones.',
    'Fn::GetAtt': 'A function for resolving resource attributes.',
    'Fn::If': 'A function to return corresponding value based on condition evaluation.',
    'Fn::Join': 'A function for joining strings.',
    'Fn::MemberListToMap': 'A function to convert lists with enumerated keys and values to mapping.',
    'Fn::Not': 'A function that acts as a NOT operator on a condition.',
    'Fn::Or': 'A function that acts as an OR operator on conditions.',
    'Fn::Replace': 'A function for performing string substitutions.',
    'Fn::ResourceFacade': 'A function for retrieving data in a parent provider template.',
    'Condition': 'A function for referring to a condition by its name.',
    'Fn::Cidr': 'A function for cutting a network into blocks of addresses.',
    'Fn::Contains': 'A function for asserting that a list holds a value, in rules.',
    'Fn::EachMemberEquals': 'A function for asserting that all items of a list are one value, in rules.',
    'Fn::EachMemberIn': 'A function for asserting that a list holds all items of another, in rules.',
    'Fn::ForEach': 'A function for writing entries once for each item of a list.',
    'Fn::GetStackOutput': 'A function for reading an output of another stack.',
    'Fn::ImportValue': 'A function for reading what another stack exports.',
    'Fn::Length': 'A function for counting the items of a list.',
    'Fn::RefAll': 'A function for listing the values of all parameters of a type, in rules.',
    'Fn::Select': 'A function for selecting an item from a list or map.',
    'Fn::Sub': 'A function for putting values into a text.',
    'Fn::ToJsonString': 'A function for writing a map or list as JSON text.',
    'Fn::Transform': 'A function for putting in what a macro gives.',
    'Fn::ValueOf': 'A function for reading an attribute of what a parameter names, in rules.',
    'Fn::ValueOfAll': 'A function for reading an attribute of what all parameters of a type name, in rules.',
    'Fn::Split': 'A function for splitting strings.',
    'Ref': 'A function for resolving parameters or resource references.',
    'and': 'A function that acts as an AND operator on conditions.',
    'contains': 'A function for checking whether specific value is in sequence.',
    'digest': 'A function for performing digest operations.',
    'equals': 'A function for comparing whether two values are equal.',
    'filter': 'A function for filtering out values from lists.',
    'get_attr': 'A function for resolving resource attributes.',
    'get_file': 'A function for including a file inline.',
    'get_param': 'A function for resolving parameter references.',
    'get_resource': 'A function for resolving resource references.',
    'if': 'A function to return corresponding value based on condition evaluation.',
    'list_concat': 'A function for extending lists.',
    'list_concat_unique': 'A function for extending lists with unique items.',
    'list_join': 'A function for joining one or more lists of strings.',
    'make_url': 'A function for performing substitutions on maps.',
    'map_merge': 'A function for merging maps.',
    'map_replace': 'A function for performing substitutions on maps.',
    'not': 'A function that acts as a NOT operator on a condition.',
    'or': 'A function that acts as an OR operator on conditions.',
    'repeat': 'A function for iterating over a list of items or a dict of keys.',
    'resource_facade': 'A function for retrieving data in a parent provider template.',
    'str_replace': 'A function for performing string substitutions.',
    'str_replace_strict': 'A function for performing string substitutions.',
    'str_replace_vstrict': 'A function for performing string substitutions.',
    'str_split': 'A function for splitting delimited strings into a list.',
    'yaql': 'A function for executing a yaql expression.',
}
# Earlier variants described otherwise: (name, first version of the variant).
_OLD_DESCRIPTIONS = {
    ('list_join', '2013-05-23'): 'A function for joining strings.',
    ('repeat', '2015-04-30'): 'A function for iterating over a list of items.',
    ('Ref', 'condition'): 'A function for resolving parameter references.',
}
# Functions that do more in AWS's own format than the interface always told.
_AWS_DESCRIPTIONS = {'Fn::Base64': 'A function for converting to base64.'}


@dataclass(frozen=True, slots=True)
class Version:
    """One row. ``functions`` and ``condition_functions`` map names to the variant's first version."""

    key: str
    date: str
    dialect: str
    sections: tuple[str, ...]
    resource_keys: tuple[str, ...]
    output_keys: tuple[str, ...]
    parameter_keys: tuple[str, ...]
    parameter_constraints: tuple[str, ...]
    parameter_types: tuple[str, ...]
    pseudo_parameters: tuple[str, ...]
    deletion_policies: Mapping[str, str]
    functions: Mapping[str, str]
    condition_functions: Mapping[str, str]
    removed: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    rule_functions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f'{self.key}.{self.date}'

    @property
    def supports_conditions(self) -> bool:
        return bool(self.condition_functions)

    def builders(self) -> dict[str, Builder]:
        """Function name -> builder, refusals of removed functions included."""
        if self.dialect == 'aws':
            return {**functions_aws.ELSEWHERE, **functions_aws.BUILDERS}
        table: dict[str, Builder] = dict.fromkeys(self.removed, removed)
        for name, since in self.functions.items():
            table[name] = _builder(name, since)
        return table

    def condition_builders(self) -> dict[str, Builder]:
        if self.dialect == 'aws':
            return functions_aws.CONDITIONS
        table = {name: _builder(name, since) for name, since in self.condition_functions.items()}
        if 'Ref' in table:
            table['Ref'] = functions_cfn.param_ref
        return table


def _builder(name: str, since: str) -> Builder:
    if name in CONDITION_BUILDERS:
        return CONDITION_BUILDERS[name]
    if name in functions_cfn.BUILDERS:
        return functions_cfn.BUILDERS[name]
    return hot_functions.BUILDERS[name][since]


_HOT_PARAMETER_KEYS = ('type', 'description', 'default', 'schema', 'constraints', 'hidden', 'label',
                       'immutable')
_HOT_TYPES = ('string', 'number', 'comma_delimited_list', 'json', 'boolean')
_POLICIES = {'Delete': 'Delete', 'Retain': 'Retain', 'Snapshot': 'Snapshot'}
_HOT_RESOURCE = ('type', 'properties', 'metadata', 'depends_on', 'deletion_policy', 'update_policy',
                 'description')
_HOT_SECTIONS = (HOT_KEY, 'description', 'parameter_groups', 'parameters', 'resources', 'outputs')


def _hot_rows() -> list[Version]:
    rows = []
    known: dict[str, str] = {}
    for date, changed in _HOT_STEPS.items():
        known = {**known, **dict.fromkeys(changed, date)}
        kept = _KEPT_FN.get(date, ())
        conditional = date >= '2016-10-14'
        condition_functions: dict[str, str] = {}
        if conditional:
            condition_functions = {'and': '2016-10-14', 'equals': '2016-10-14', 'get_param': '2013-05-23',
                                   'not': '2016-10-14', 'or': '2016-10-14'}
        if date >= '2017-09-01':
            condition_functions |= {'contains': '2017-09-01', 'yaql': '2016-10-14'}
        constraints = ['allowed_pattern', 'allowed_values', 'custom_constraint', 'length', 'range']
        if date >= '2017-02-24':
            constraints.insert(4, 'modulo')
        rows.append(Version(
            HOT_KEY, date, 'hot',
            sections=_HOT_SECTIONS + (('conditions',) if conditional else ()),
            resource_keys=_HOT_RESOURCE + (('external_id', 'condition') if conditional else ()),
            output_keys=('description', 'value') + (('condition',) if conditional else ()),
            parameter_keys=_HOT_PARAMETER_KEYS + (('tags',) if date >= '2018-03-02' else ()),
            parameter_constraints=tuple(constraints), parameter_types=_HOT_TYPES,
            pseudo_parameters=('OS::stack_id', 'OS::stack_name', 'OS::project_id'),
            deletion_policies=_POLICIES | ({k.lower(): v for k, v in _POLICIES.items()}
                                           if conditional else {}),
            functions={**known, **dict.fromkeys(kept, '2010-09-09')},
            condition_functions=condition_functions,
            removed=tuple(name for name in _FN_2013 if name not in kept),
            aliases=tuple(alias for alias, meant in ALIASES.items() if meant == date)))
    return rows


# Sections and keys of AWS's own format, beyond those of the older one.
_AWS_SECTIONS = (AWS_KEY, 'Description', 'Metadata', 'Parameters', 'Rules', 'Mappings', 'Conditions',
                 'Transform', 'Resources', 'Outputs', 'Hooks')
_AWS_PSEUDO = ('AWS::AccountId', 'AWS::NotificationARNs', 'AWS::NoValue', 'AWS::Partition', 'AWS::Region',
               'AWS::StackId', 'AWS::StackName', 'AWS::URLSuffix')
# Macros write it out, so that there is no builder for it.
LOOP = 'Fn::ForEach'
_RULES = ('Fn::Contains', 'Fn::EachMemberEquals', 'Fn::EachMemberIn', 'Fn::RefAll', 'Fn::ValueOf',
          'Fn::ValueOfAll')
_CFN_PARAMETER_KEYS = ('Type', 'Default', 'NoEcho', 'AllowedValues', 'AllowedPattern', 'MaxLength',
                       'MinLength', 'MaxValue', 'MinValue', 'Description', 'ConstraintDescription', 'Label')
_CFN_CONSTRAINTS = ('AllowedPattern', 'AllowedValues', 'MaxLength', 'MaxValue', 'MinLength', 'MinValue')
_CFN_RESOURCE_KEYS = ('Type', 'Properties', 'Metadata', 'DependsOn', 'DeletionPolicy', 'UpdatePolicy',
                      'Description')


def _aws_row() -> Version:
    since = '2010-09-09'
    return Version(
        AWS_KEY, since, 'aws', sections=_AWS_SECTIONS,
        resource_keys=(*_CFN_RESOURCE_KEYS, 'Condition', 'CreationPolicy', 'UpdateReplacePolicy', 'Version'),
        output_keys=('Description', 'Value', 'Condition', 'Export'), parameter_keys=_CFN_PARAMETER_KEYS,
        parameter_constraints=_CFN_CONSTRAINTS, parameter_types=(*AWS_TYPES, *HEAT_TYPES),
        pseudo_parameters=_AWS_PSEUDO,
        deletion_policies=_POLICIES | {'RetainExceptOnCreate': 'RetainExceptOnCreate'},
        functions=dict.fromkeys(sorted((*functions_aws.BUILDERS, LOOP)), since),
        condition_functions=dict.fromkeys(sorted(functions_aws.CONDITIONS), since),
        rule_functions=_RULES)


def _cfn_row() -> Version:
    return Version(
        CFN_KEY, '2012-12-12', 'cfn',
        sections=(AWS_KEY, CFN_KEY, 'Description', 'Mappings', 'Parameters', 'Resources', 'Outputs'),
        resource_keys=_CFN_RESOURCE_KEYS, output_keys=('Description', 'Value'),
        parameter_keys=_CFN_PARAMETER_KEYS, parameter_constraints=_CFN_CONSTRAINTS,
        parameter_types=('String', 'Number', 'CommaDelimitedList', 'Json', 'Boolean'),
        pseudo_parameters=('AWS::StackId', 'AWS::StackName', 'AWS::Region'), deletion_policies=_POLICIES,
        functions=dict.fromkeys((name for name in functions_cfn.BUILDERS if name != 'Fn::If'), '2010-09-09'),
        condition_functions={})


@functools.cache
def table() -> dict[str, Version]:
    """Every version by its full name (``heat_template_version.2013-05-23``), oldest first."""
    rows = [_aws_row(), _cfn_row(), *_hot_rows()]
    return {row.name: row for row in rows}


def dialect_of(tree: Mapping[str, Any]) -> Version:
    """The row for a template; InvalidTemplateVersion if it names none, two, or an unknown one."""
    given = [key for key in VERSION_KEYS if key in tree]
    if not given and is_cloudformation(tree):
        return table()[f'{AWS_KEY}.2010-09-09']
    if len(given) > 1:
        raise errors.InvalidTemplateVersion(
            explanation=f'Ambiguous versions ({", ".join(given)})').at((given[1],))
    if not given or not tree[given[0]]:
        raise errors.InvalidTemplateVersion(explanation='Template version was not provided').at(
            (given[0] if given else HOT_KEY,))
    key, wanted = given[0], str(tree[given[0]])
    dates = [row.date for row in table().values() if row.key == key]
    date = ALIASES.get(wanted, wanted) if key == HOT_KEY else wanted
    if date not in dates:
        names = sorted(dates) + (sorted(ALIASES) if key == HOT_KEY else [])
        should = f'should be one of: {", ".join(names)}' if len(names) > 1 else f'should be: {names[0]}'
        raise errors.InvalidTemplateVersion(explanation=f'"{key}: {wanted}". "{key}" {should}').at(
            (key,), value=wanted, suggestion=nearest(wanted, names))
    return table()[f'{key}.{date}']


def versions() -> list[dict[str, Any]]:
    """``[{version, type, aliases}]`` as the template_versions call answers."""
    return [{'version': row.name, 'type': 'hot' if row.dialect == 'hot' else 'cfn',
             'aliases': [f'{row.key}.{alias}' for alias in row.aliases]} for row in table().values()]


def functions(version: str, with_conditions: bool = False) -> list[dict[str, str]]:
    """``[{functions, description}]`` of one version, an alias allowed.

    ``version`` is a full name; with conditions, the functions of conditions follow
    and take the place of equal names. NotFound if there is no such version.
    """
    key, _, wanted = version.partition('.')
    row = table().get(f'{key}.{ALIASES.get(wanted, wanted)}') if key == HOT_KEY else table().get(version)
    if row is None:
        missing = errors.NotFound()
        missing.message = f'Template with version {version} not found'
        missing.args = (missing.message,)
        raise missing
    own = _AWS_DESCRIPTIONS if row.dialect == 'aws' else {}
    shown = {name: own.get(name) or _OLD_DESCRIPTIONS.get((name, since), DESCRIPTIONS[name])
             for name, since in row.functions.items()}
    # From pike on the interface has always listed both.
    if with_conditions or (row.dialect == 'hot' and row.date >= '2017-09-01'):
        shown |= {name: _OLD_DESCRIPTIONS.get((name, 'condition'), DESCRIPTIONS[name])
                  for name in row.condition_functions}
        shown |= {name: DESCRIPTIONS[name] for name in row.rule_functions}
    return [{'functions': name, 'description': text} for name, text in shown.items()]
