"""Anything at all as template, environment and parameters: an answer or a refusal, never a crash.

Good templates are broken at random places, as text and as trees, and taken the whole way
that a create takes before it is written down. HEAT_EXAMPLES=100000 goes on for an hour; a
failure prints the texts as they can be given again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heat.common import errors
from heat.common.context import RequestContext
from heat.common.ids import StackId
from heat.engine.compiled import compile_all
from heat.engine.validate import Validator
from heat.template import versions
from heat.template.environment import parse_environment
from heat.template.load import Marks, parse
from heat.template.tags import LONG

EXAMPLES = int(os.environ.get('HEAT_EXAMPLES', '1500'))
ROOT = Path(__file__).resolve().parents[2]
DATA = json.loads((ROOT / 'tests' / 'data' / 'templates.json').read_text())
IDENTITY = StackId('t', 'fuzz', '00000000-0000-4000-8000-000000000000')

SMALL_HOT = """\
heat_template_version: wallaby
description: small
parameters:
  size: {type: number, default: 3, constraints: [{range: {min: 1, max: 9}}, {modulo: {step: 2, offset: 1}}]}
  name: {type: string, default: abc, hidden: true, constraints: [{allowed_pattern: '[a-z]+'}]}
  list: {type: comma_delimited_list, default: 'a,b'}
  map: {type: json, default: {k: {l: [1, 2]}}}
  flag: {type: boolean, default: true, immutable: true, tags: [x]}
parameter_groups: [{label: all, parameters: [size, name]}]
conditions: {big: {equals: [{get_param: size}, 3]}, both: {and: [big, {not: {get_param: flag}}]}}
resources:
  one:
    type: OS::Heat::TestResource
    condition: big
    properties:
      value: {str_replace: {template: x-y, params: {x: {get_param: name}, y: {get_param: [map, k, l, 0]}}}}
      wait_secs: 0
  two:
    type: OS::Heat::ResourceGroup
    depends_on: [one]
    deletion_policy: retain
    properties:
      count: {get_param: size}
      resource_def: {type: OS::Heat::RandomString, properties: {length: 8}}
  three:
    type: OS::Heat::Value
    metadata: {m: {get_attr: [two, refs, 0]}}
    properties:
      value:
        if: [both, {yaql: {expression: $.data.len(), data: {get_param: list}}}, {get_resource: one}]
outputs:
  o: {value: {get_attr: [three, value]}, condition: big}
  p: {value: {repeat: {template: {k: '%i%'}, for_each: {'%i%': {get_param: list}}}}}
"""
SMALL_CFN = """\
AWSTemplateFormatVersion: '2010-09-09'
Parameters: {P: {Type: String, Default: x, AllowedValues: [x, y]}, N: {Type: Number, Default: 1, MaxValue: 5}}
Mappings: {M: {a: {b: c}}}
Conditions: {C: {'Fn::Equals': [{Ref: P}, x]}}
Resources:
  A: {Type: 'OS::Heat::TestResource', Condition: C, Properties: {value: {'Fn::FindInMap': [M, a, b]}}}
  B:
    Type: OS::Heat::TestResource
    DependsOn: A
    DeletionPolicy: Retain
    Properties: {value: {'Fn::Join': ['-', [{Ref: P}, {'Fn::GetAtt': [A, output]}]]}}
Outputs: {O: {Value: {'Fn::If': [C, {Ref: B}, no]}}}
"""
SMALL_AWS = """\
Transform: AWS::LanguageExtensions
Metadata: {'AWS::CloudFormation::Interface': {ParameterGroups: [{Label: {default: g}, Parameters: [P]}]}}
Parameters:
  P: {Type: String, Default: x, AllowedPattern: '[a-z]', ConstraintDescription: one letter}
  L: {Type: CommaDelimitedList, Default: 'a,b'}
  N: {Type: Number, Default: 2, MinValue: 1}
  V: {Type: 'AWS::EC2::VPC::Id', Default: net, NoEcho: true}
Rules: {R: {RuleCondition: !Equals [!Ref P, x], Assertions: [{Assert: !Contains [!Ref L, a]}]}}
Mappings: {M: {a: {b: [c, d]}}}
Conditions: {C: !And [!Not [!Condition D], !Equals [!Sub '${P}', x]], D: !Or [!Equals [1, 2], !Condition E],
             E: !Equals [!Select [0, !Ref L], b]}
Resources:
  Fn::ForEach::Many:
    - X
    - !Ref L
    - 'R${X}':
        Type: OS::Heat::TestResource
        Condition: C
        DeletionPolicy: !If [C, Retain, Delete]
        UpdateReplacePolicy: Snapshot
        CreationPolicy: {ResourceSignal: {Count: 1, Timeout: PT5M}}
        Properties: {value: !Join ['-', !FindInMap [M, a, b, DefaultValue: [!Base64 x]]]}
  A:
    Type: OS::Heat::TestResource
    DependsOn: [Ra]
    Metadata: {m: !GetAtt Ra.output, n: !Ref AWS::NoValue}
    Properties: {value: !Sub ['${Ra.output} ${Y} ${!Z} ${AWS::Region}', {Y: !ImportValue e}]}
  B:
    Type: OS::Heat::Value
    Properties: {value: [!Cidr [10.0.0.0/16, !Ref N, 8], !Split [',', 'a,b'], !ToJsonString {k: !Length [1]},
                         !GetStackOutput {StackName: s, OutputName: o}, !GetAZs '']}
  D: {Type: OS::Neutron::Net, Properties: {name: '{{resolve:ssm:/a:1}}'}}
Outputs: {O: {Value: !Ref A, Export: {Name: !Sub '${AWS::StackName}-o'}, Condition: C}}
"""
ENVIRONMENT = """\
parameters: {size: 3}
parameter_defaults: {name: zzz}
resource_registry: {'OS::Heat::Ran*': 'OS::Heat::Ran*', resources: {one: {hooks: [pre-create]}}}
event_sinks: [{type: zaqar-queue, target: q}]
encrypted_param_names: []
"""
SEEDS = [SMALL_HOT, SMALL_CFN, SMALL_AWS, json.dumps(parse(SMALL_HOT)), json.dumps(parse(SMALL_CFN)),
         json.dumps(parse(SMALL_AWS)),
         *(path.read_text() for path in sorted((ROOT / 'etc/heat/templates').glob('*.yaml'))
           if '.env.' not in path.name)]
NAMES = sorted({name for row in versions.table().values()
                for name in (*row.functions, *row.condition_functions, *row.sections, *row.resource_keys,
                             *row.parameter_keys, *row.pseudo_parameters, *row.parameter_types,
                             *row.rule_functions)} | {*LONG, 'Fn::ForEach::X', 'AWS::Include'})
PIECES = [*NAMES, 'one', 'two', 'A', 'B', 'P', '- ', ': ', '{', '}', '[', ']', '&a ', '*a', '<<: ', '!Ref ',
          '!!python/object:os.system ', '? ', '|\n', '>\n', '"', "'", '\n', '\n  ', '\t', '#', '%', '\0',
          '\u2028', '...', '---\n', '~', 'null', '1e999', '-1', '0', '.nan', '2021-04-16',
          '999999999999999999999', 'true']


@st.composite
def broken_texts(draw: st.DrawFn, seeds: list[str]) -> str:
    """A good text with a few pieces put in, taken out, doubled or moved."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=5) | st.just(text[start:end] * 2))
        text = text[:start] + piece + text[end:]
    return text


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(PIECES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=4), max_leaves=12)


@st.composite
def broken_trees(draw: st.DrawFn) -> dict[str, Any]:
    """A good tree with a few parts exchanged for anything."""
    tree = parse(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = tree
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(place[key], (dict, list)) and place[key]
            if deeper and draw(st.integers(0, 3)):
                place = place[key]
                continue
            if isinstance(place, dict) and draw(st.booleans()):
                place[draw(st.sampled_from(NAMES))] = place.pop(key)
            else:
                place[key] = draw(PLAIN)
            break
    return tree


def taken(tree: dict[str, Any], environment: dict[str, Any] | None = None) -> bool:
    """Whether a stack could be made; every refusal is one of the errors a user may get."""
    try:
        compiled = compile_all(IDENTITY, tree, environment or {}, {})
        wanted = compiled.wanted()
        Validator(RequestContext(tenant_id='t'), finder=None, credential=None, available=lambda service: True,
                  policy=None, max_resources=1000, max_depth=5).stack(IDENTITY, compiled, wanted)
    except errors.HeatException as error:
        assert str(error)
        return False
    return True


def test_the_seeds_are_good() -> None:
    assert taken(parse(SMALL_HOT), parse_environment(ENVIRONMENT))
    assert taken(parse(SMALL_CFN)) and taken(parse(SMALL_AWS))


FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(broken_texts(SEEDS))
def test_any_template_text(text: str) -> None:
    Marks(text).at(('resources', 'one'))
    try:
        tree = parse(text)
    except errors.HeatException as error:
        assert str(error)
        return
    taken(tree)


@FUZZ
@given(broken_trees())
def test_any_template_tree(tree: dict[str, Any]) -> None:
    taken(tree)


@FUZZ
@given(broken_texts([ENVIRONMENT]))
def test_any_environment(text: str) -> None:
    try:
        environment = parse_environment(text)
    except (ValueError, errors.RequestLimitExceeded) as error:
        assert str(error)
        return
    taken(parse(SMALL_HOT), environment)


@FUZZ
@given(st.dictionaries(st.sampled_from(['size', 'name', 'list', 'map', 'flag', 'OS::stack_id', 'zz']), PLAIN))
def test_any_parameters(parameters: dict[str, Any]) -> None:
    taken(parse(SMALL_HOT), {'parameters': parameters})
