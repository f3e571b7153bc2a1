"""heat-template convert: CloudFormation as HOT with the same meaning; what is lost is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.cmd.template_check import LenientTypes
from heat.plan.references import graph_of
from heat.resources.types import TypeTable
from heat.schema.parameters import bind, pseudo_parameters
from heat.template.convert import newest, to_hot
from heat.template.convert_calls import CALLS
from heat.template.definition import Template
from heat.template.expr import ParameterScope
from heat.template.hot import compile_template
from heat.template.load import parse
from heat.template.print import text_of
from heat.template.versions import AWS_KEY, table
from tests.unit.test_tool_fmt import DATA, SHIPPED


def edges(template: Template) -> set[tuple[str, str]]:
    graph = graph_of(template.resources, LenientTypes(TypeTable()))
    return {
        (str(graph.nodes[user]), str(graph.nodes[needed]))
        for user, needs in enumerate(graph.need)
        for needed in needs
    }


def references(template: Template) -> dict[str, set[tuple[str, str | None]]]:
    return {
        name: {(ref.resource, ref.attribute) for ref in one.refs()}
        for name, one in template.resources.items()
    }


def values(template: Template, given_: dict[str, Any]) -> Any:
    """Everything that the parameters alone decide."""
    facts = pseudo_parameters(template.dialect, None)
    known = {name: value for name, value in given_.items() if name in template.parameters}
    scope = ParameterScope(bind(template.parameters, known, {}, facts), {})
    settled = template.settle(scope)
    return {
        name: (
            one.type,
            one.properties.value(scope),
            one.metadata.value(scope),
            one.depends_on,
            one.deletion_policy,
        )
        for name, one in settled.resources.items()
    }


def same(tree: dict[str, Any], given_: dict[str, Any]) -> None:
    before, converted = compile_template(tree), to_hot(tree)
    assert converted.lost == ()
    # As text too, since that is what the command gives.
    after = compile_template(parse(text_of(converted.tree)))
    assert after.version == newest()
    assert list(after.resources) == list(before.resources) and list(after.outputs) == list(before.outputs)
    assert references(after) == references(before)
    assert edges(after) == edges(before)
    assert values(after, given_) == values(before, given_)


@pytest.mark.parametrize('zone', ['east', 'west'])
@pytest.mark.parametrize('count', [1, 2])
def test_one_of_everything(zone: str, count: int) -> None:
    tree = parse((DATA / 'everything.cfn.yaml').read_text())
    assert text_of(to_hot(tree).tree) == (DATA / 'everything.hot.yaml').read_text()
    same(tree, {'Zone': zone, 'Count': count, 'Name': 'web', 'Key': '{}'})


@pytest.mark.parametrize(
    'path', [one for one in SHIPPED if one.name.startswith('AWS')], ids=lambda one: one.name
)
def test_shipped_templates(path: Any) -> None:
    tree = parse(path.read_text())
    same(
        tree,
        {
            name: 'db.m1.small' if name == 'DBInstanceClass' else (one.get('AllowedValues') or ['1'])[0]
            for name, one in tree['Parameters'].items()
        },
    )


def test_what_is_lost_is_told_with_its_place() -> None:
    tree = parse((DATA / 'lost.cfn.yaml').read_text())
    lost = {path[-2:]: sentence for path, sentence in to_hot(tree).lost}
    assert lost == {
        ('A', 'UpdateReplacePolicy'): 'HOT has no UpdateReplacePolicy here.',
        ('Zones', 'Fn::GetAZs'): 'HOT has no function like Fn::GetAZs.',
        ('Region', 'Ref'): 'HOT has no parameter like AWS::Region.',
        ('Id', 'Ref'): 'AWS::StackId is an ARN; OS::stack_id, in its place, is the bare id.',
        ('Which', 'Fn::Select'): 'HOT cannot say this use of Fn::Select.',
        ('Data', 'get_param'): 'get_param is data here, and HOT would take it for a function.',
        ('Members', 'Fn::MemberListToMap'): 'HOT has no function like Fn::MemberListToMap.',
        ('B', 'Export'): 'HOT has no Export here.',
    }


def test_mappings_that_cannot_become_parameters_are_told() -> None:
    tree = {
        AWS_KEY: '2010-09-09',
        'Parameters': {'M': {'Type': 'String'}},
        'Mappings': {'M': {'a': {'b': 'c'}}},
        'Outputs': {
            'o': {'Value': {'Fn::FindInMap': ['M', {'Ref': 'M'}, 'b']}},
            'p': {'Value': {'Fn::FindInMap': ['M', 'a', 'x']}},
        },
    }
    assert [sentence for _, sentence in to_hot(tree).lost] == [
        'The mapping M would become a parameter, and there is one of that name.',
        'The mapping M has no a x.',
    ]


def test_conditions_that_a_version_does_not_read_are_told() -> None:
    tree = {'HeatTemplateFormatVersion': '2012-12-12', 'Resources': {'a': {'Type': 'X', 'Condition': 'c'}}}
    converted = to_hot(tree)
    assert [path for path, _ in converted.lost] == [('Resources', 'a', 'Condition')]
    assert compile_template(converted.tree).resources['a'].condition is None


@pytest.mark.parametrize('name', [name for name, row in table().items() if row.dialect != 'hot'])
def test_a_function_without_equivalent_is_told(name: str) -> None:
    row = table()[name]
    assert {'Fn::GetAtt', 'Fn::Join', 'Ref'} <= set(CALLS) & set(row.functions)
    loops = {'Fn::ForEach::X'} if row.dialect == 'aws' else set()
    for function in (set(row.functions) - set(CALLS)) | loops:
        tree = {row.key: row.date, 'Outputs': {'o': {'Value': {function: ['a', 'b']}}}}
        assert (('Outputs', 'o', 'Value', function), f'HOT has no function like {function}.') in to_hot(
            tree
        ).lost


def test_an_item_that_is_not_there_is_an_empty_text() -> None:
    for source in (['a', {'Ref': 'P'}], ['a'], {'Fn::Split': [',', {'Ref': 'P'}]}, {'Ref': 'L'}):
        value = {'Fn::Select': [2, source]}
        tree = {
            'HeatTemplateFormatVersion': '2012-12-12',
            'Parameters': {'P': {'Type': 'String'}, 'L': {'Type': 'CommaDelimitedList'}},
            'Resources': {'R': {'Type': 'OS::Heat::None', 'Properties': {'x': value}}},
        }
        same(tree, {'P': 'x', 'L': 'y,z'})


def test_base64_is_kept_where_it_says_nothing() -> None:
    value = {'Fn::Base64': {'Ref': 'P'}}
    tree = {
        'HeatTemplateFormatVersion': '2012-12-12',
        'Parameters': {'P': {'Type': 'String'}},
        'Outputs': {'o': {'Value': value}},
    }
    assert to_hot(tree).tree['outputs'] == {'o': {'value': {'get_param': 'P'}}} and to_hot(tree).lost == ()


def test_hot_is_left_alone() -> None:
    tree = {'heat_template_version': '2013-05-23', 'outputs': {'o': {'value': {'Ref': 'x'}}}}
    assert to_hot(tree).tree == tree


NAMES = st.sampled_from(['P', 'Q', 'L'])


def expressions(depth: int, earlier: int, text: bool = False) -> st.SearchStrategy[Any]:
    """A value; ``earlier`` resources may be referred to, ``text``: it must be a string or unknown."""
    texts = [
        st.sampled_from(['x', 'a,b', '$v', 'é: #', '1']),
        st.sampled_from(['P', 'Q']).map(lambda n: {'Ref': n}),
    ]
    if earlier:
        number = st.integers(0, earlier - 1)
        texts += [
            number.map(lambda n: {'Ref': f'R{n}'}),
            number.map(lambda n: {'Fn::GetAtt': [f'R{n}', 'value']}),
        ]
    if not depth:
        return st.one_of(texts)
    inner = expressions(depth - 1, earlier, True)
    texts += [
        st.lists(inner, max_size=3).map(lambda items: {'Fn::Join': ['-', items]}),
        st.tuples(st.sampled_from(['C', 'D']), inner, inner).map(lambda args: {'Fn::If': list(args)}),
        st.tuples(inner, inner).map(lambda two: {'Fn::Replace': [{'$v': two[0]}, 'say $v']}),
        st.lists(inner, min_size=1, max_size=3).flatmap(
            lambda items: st.integers(0, len(items) - 1).map(lambda n: {'Fn::Select': [n, items]})
        ),
        st.integers(0, 1).map(lambda n: {'Fn::Select': [str(n), {'Ref': 'L'}]}),
        st.tuples(st.sampled_from(['k', 'm']), inner, inner).map(
            lambda args: {'Fn::Select': [args[0], {'k': args[1], 'm': args[2]}]}
        ),
        st.sampled_from(['east', 'west']).map(lambda key: {'Fn::FindInMap': ['M', key, 'a']}),
        st.just({'Fn::FindInMap': ['M', {'Ref': 'Z'}, 'a']}),
    ]
    if text:
        return st.one_of(texts)
    outer = expressions(depth - 1, earlier)
    return st.one_of(
        [
            *texts,
            st.integers(),
            st.none(),
            st.booleans(),
            st.lists(outer, max_size=3),
            st.dictionaries(st.sampled_from(['a', 'b', 'c d']), outer, max_size=3),
            inner.map(lambda one: {'Fn::Split': [',', one]}),
        ]
    )


def conditions(depth: int) -> st.SearchStrategy[Any]:
    simple = st.tuples(st.sampled_from(['P', 'Q', 'Z']), st.sampled_from(['x', 'east'])).map(
        lambda pair: {'Fn::Equals': [{'Ref': pair[0]}, pair[1]]}
    )
    if not depth:
        return simple
    inner = conditions(depth - 1)
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        simple,
        inner.map(lambda one: {'Fn::Not': [one]}),
        several.map(lambda all_: {'Fn::And': all_}),
        several.map(lambda any_: {'Fn::Or': any_}),
    )


@st.composite
def templates(draw: Any) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 4))):
        one: dict[str, Any] = {
            'Type': draw(st.sampled_from(['AWS::EC2::Instance', 'OS::Heat::RandomString']))
        }
        for key in draw(st.sets(st.sampled_from(['Properties', 'Metadata']))):
            one[key] = draw(
                st.dictionaries(
                    st.sampled_from(['One', 'two words', '3']), expressions(2, number), max_size=3
                )
            )
        if number and draw(st.booleans()):
            one['DependsOn'] = draw(st.sampled_from([f'R{number - 1}', ['R0']]))
        one |= draw(st.sampled_from([{}, {'DeletionPolicy': 'Retain'}, {'Description': 'd'}]))
        resources[f'R{number}'] = one
    # The last alone may be left out, since a reference to what is left out is a fault.
    if draw(st.booleans()):
        resources[f'R{len(resources) - 1}']['Condition'] = draw(st.sampled_from(['C', 'D']))
    return {
        AWS_KEY: '2010-09-09',
        'Description': 'd',
        'Mappings': {'M': {'east': {'a': '1'}, 'west': {'a': '2'}}},
        'Parameters': {
            'P': {'Type': 'String'},
            'Q': {'Type': 'String', 'Default': 'q', 'NoEcho': True},
            'L': {'Type': 'CommaDelimitedList', 'Default': 'one,two'},
            'Z': {'Type': 'String', 'AllowedValues': ['east', 'west']},
        },
        'Conditions': {'C': draw(conditions(2)), 'D': {'Fn::Not': ['C']}},
        'Resources': resources,
        'Outputs': {'o': {'Value': draw(expressions(2, 1)), 'Description': 'd', 'Condition': 'C'}},
    }


@given(templates(), st.sampled_from(['x', 'a,b', '']), st.sampled_from(['east', 'west']))
def test_any_template_keeps_resources_references_graph_and_values(
    tree: dict[str, Any], word: str, zone: str
) -> None:
    same(tree, {'P': word, 'Z': zone})


def test_what_a_parameter_names_in_the_cloud_is_still_looked_up() -> None:
    found = to_hot(parse('AWSTemplateFormatVersion: "2010-09-09"\nResources: {}\nParameters:\n'
                         '  K: {Type: "AWS::EC2::KeyPair::KeyName", ConstraintDescription: a key}\n'
                         '  Z: {Type: "AWS::EC2::AvailabilityZone::Name"}\n'
                         '  S: {Type: "AWS::SSM::Parameter::Value<String>", Default: /size}\n'))
    assert found.tree['parameters'] == {
        'K': {'type': 'string',
              'constraints': [{'custom_constraint': 'nova.keypair', 'description': 'a key'}]},
        'Z': {'type': 'string'}, 'S': {'type': 'string', 'default': '/size'}}
    assert found.lost == (
        (('Parameters', 'S', 'Type'), 'HOT reads no values from a parameter store.'),)
