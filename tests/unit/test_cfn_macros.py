"""Macros: loops of AWS::LanguageExtensions, AWS::Include, order, limits, and the way of a stack."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from heat.common import errors
from heat.common.ids import StackId
from heat.engine.compiled import Compiled, compile_all, compile_child
from heat.resources.nested import ChildTemplate
from heat.resources.types import TypeTable
from heat.template import loops, macros
from heat.template.files import Files
from heat.template.jsonschema import schema_of, version_named
from heat.template.load import parse

EXTENSIONS = 'AWS::LanguageExtensions'
IDENTITY = StackId('me', 'web', 'some-id')
DOCUMENTS = {'topics.yaml': '{"TopicName": "t", "Tags": ["a"]}', 'list.json': '- !Ref A\n- b',
             'section.yaml': 'Resources:\n  C: {Type: T}\nMetadata: {m: 1}', 'text.txt': 'plain',
             'x.yaml': 'k: x', 'nested.yaml': 'in: {"Fn::Transform": {Name: "AWS::Include", '
                                              'Parameters: {Location: x.yaml}}, own: 1}',
             'itself.yaml': 'a: {"Fn::Transform": {Name: "AWS::Include", '
                            'Parameters: {Location: itself.yaml}}}'}


def expand(tree: dict[str, Any], **values: Any) -> dict[str, Any]:
    before = json.dumps(tree)
    made = macros.expand(tree, values, Files(DOCUMENTS).document).tree
    assert json.dumps(tree) == before
    return made


def looped(section: dict[str, Any], where: str = 'Resources', **values: Any) -> Any:
    tree = {'Transform': EXTENSIONS, 'Resources': {}, 'Parameters': {
        'Names': {'Type': 'CommaDelimitedList'}, 'Name': {'Type': 'String'}}, where: section}
    return expand(tree, **{'Names': ['a', 'b'], 'Name': 'n', **values})[where]


def include(location: Any, **beside: Any) -> dict[str, Any]:
    return {'Fn::Transform': {'Name': 'AWS::Include', 'Parameters': {'Location': location}}, **beside}


@pytest.mark.parametrize(
    ('section', 'expected'),
    [
        ({'Fn::ForEach::L': ['X', ['A', 'B'], {'R${X}': {'Type': 'T', 'P': {'Ref': 'X'}}}]},
         {'RA': {'Type': 'T', 'P': 'A'}, 'RB': {'Type': 'T', 'P': 'B'}}),
        ({'Fn::ForEach::L': ['X', {'Ref': 'Names'}, {'R${X}': 1}]}, {'Ra': 1, 'Rb': 1}),
        ({'Fn::ForEach::L': ['X', ['10.0.0.1/8'], {'R&{X}': '${X} &{X} ${ X }'}]},
         {'R100018': '10.0.0.1/8 100018 10.0.0.1/8'}),
        ({'Fn::ForEach::L': ['X', [1, True], {'R${X}': {'v': '${X}', '${X}k': ['${X}']}}]},
         {'R1': {'v': '1', '1k': ['1']}, 'Rtrue': {'v': 'true', 'truek': ['true']}}),
        ({'Fn::ForEach::L': ['X', ['a'], {'R${X}': {'Fn::Sub': '${X} ${!X} ${Y} ${X.Arn}'}}]},
         {'Ra': {'Fn::Sub': 'a ${!X} ${Y} ${X.Arn}'}}),
        ({'Fn::ForEach::L': ['X', ['a', 'b'], {'Fn::ForEach::M': ['Y', ['1', '2'], {'R${X}${Y}': {
            'Fn::GetAtt': [{'Fn::Sub': 'S${X}'}, {'Ref': 'Y'}]}}]}]},
         {f'R{x}{y}': {'Fn::GetAtt': [{'Fn::Sub': f'S{x}'}, y]} for x in 'ab' for y in '12'}),
        ({'Fn::ForEach::L': ['X', ['a', 'b'], {'R${X}': {'Type': 'T', 'Properties': {'Fn::ForEach::P': [
            'Y', {'Fn::Split': [',', 'p${X},q']}, {'${Y}': {'v': '${X}'}}]}}}]},
         {'Ra': {'Type': 'T', 'Properties': {'pa': {'v': 'a'}, 'q': {'v': 'a'}}},
          'Rb': {'Type': 'T', 'Properties': {'pb': {'v': 'b'}, 'q': {'v': 'b'}}}}),
        ({'A': 1, 'Fn::ForEach::L': ['X', [], {'R${X}': 1}], 'B': 2}, {'A': 1, 'B': 2}),
        ({'Fn::ForEach::L': ['X', ['${Y}'], {'R': {'v': '${X}', 'w': '${Y}'}}]},
         {'R': {'v': '${Y}', 'w': '${Y}'}}),
        ({'Fn::ForEach::L': ['X', [{'Ref': 'Name'}, {'Fn::Join': ['', {'Ref': 'Names'}]}], {'R${X}': 1}]},
         {'Rn': 1, 'Rab': 1}),
        ({'Fn::ForEach::L': ['X', ['a'], {'R${X}': 1, 'S${X}': {'DependsOn': 'R${X}'}}]},
         {'Ra': 1, 'Sa': {'DependsOn': 'Ra'}}),
    ],
)
def test_loops(section: dict[str, Any], expected: Any) -> None:
    assert looped(section) == expected


@pytest.mark.parametrize('where', ['Conditions', 'Resources', 'Outputs'])
def test_sections_with_loops(where: str) -> None:
    assert looped({'Fn::ForEach::L': ['X', ['a'], {'C${X}': '${X}'}]}, where) == {'Ca': 'a'}


def test_other_sections_are_left_alone() -> None:
    metadata = {'Fn::ForEach::L': ['X', ['a'], {'C${X}': '${X}'}]}
    assert looped(metadata, 'Metadata') == metadata


def test_loops_over_a_mapping() -> None:
    tree = {'Transform': [EXTENSIONS], 'Mappings': {'M': {'prod': {'l': ['x', 'y']}}}, 'Resources': {
        'Fn::ForEach::L': ['X', {'Fn::FindInMap': ['M', {'Ref': 'E'}, 'l', {'DefaultValue': ['z']}]},
                           {'R${X}': 1}]}}
    assert expand(tree, E='prod')['Resources'] == {'Rx': 1, 'Ry': 1}
    assert expand(tree, E='dev')['Resources'] == {'Rz': 1}


@pytest.mark.parametrize(
    ('section', 'sentence'),
    [
        ({'Fn::ForEach::L': ['X', ['a']]},
         'Resources.Fn::ForEach::L: Arguments to "Fn::ForEach::L" must be of the form '
         '[identifier, [value, ...], {key: body}]'),
        ({'Fn::ForEach::a-b': ['X', ['a'], {'${X}': 1}]},
         'Resources.Fn::ForEach::a-b: The name of a loop is made of letters and digits, not "a-b"'),
        ({'Fn::ForEach::L': ['a-b', ['a'], {'${X}': 1}]},
         'Resources.Fn::ForEach::L[0]: The identifier of a loop is made of letters and digits'),
        ({'Fn::ForEach::L': ['Name', ['a'], {'${Name}': 1}]},
         'Resources.Fn::ForEach::L[0]: The identifier "Name" is the name of a parameter too'),
        ({'R': {}, 'Fn::ForEach::L': ['R', ['a'], {'${R}': 1}]},
         'Resources.Fn::ForEach::L[0]: The identifier "R" is the name of a resource too'),
        ({'Fn::ForEach::L': ['X', ['a'], {'Fn::ForEach::M': ['X', ['b'], {'${X}': 1}]}]},
         'Resources.Fn::ForEach::L[2].Fn::ForEach::M[0]: The identifier "X" is the name of a loop around '
         'too'),
        ({'Fn::ForEach::L': ['X', {'Ref': 'Name'}, {'${X}': 1}]},
         'Resources.Fn::ForEach::L[1]: A loop goes over a list, not a text'),
        ({'Fn::ForEach::L': ['X', [['a']], {'${X}': 1}]},
         'Resources.Fn::ForEach::L[1]: "Fn::ForEach" needs text, not a list'),
        ({'Fn::ForEach::L': ['X', ['a', 'a'], {'R${X}': 1}]}, 'Resources.Fn::ForEach::L: "Ra" is made twice'),
        ({'Ra': 1, 'Fn::ForEach::L': ['X', ['a'], {'R${X}': 1}]},
         'Resources.Fn::ForEach::L: "Ra" is made twice'),
        ({'Fn::ForEach::L': ['X', {'Fn::GetAtt': 'A.b'}, {'${X}': 1}]},
         'Resources.Fn::ForEach::L[1].Fn::GetAtt: The function "Fn::GetAtt" is invalid in this context'),
        ({'Fn::ForEach::L': ['X', {'Fn::Select': [5, ['a']]}, {'${X}': 1}]},
         'Resources.Fn::ForEach::L[1]: "Fn::Select" cannot select nonexistent value at index 5'),
    ],
)
def test_refused_loops(section: dict[str, Any], sentence: str) -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        looped(section)
    assert str(caught.value) == sentence


def test_missing_values_are_told() -> None:
    tree = {'Transform': EXTENSIONS, 'Parameters': {'P': {'Type': 'CommaDelimitedList'}},
            'Resources': {'Fn::ForEach::L': ['X', {'Ref': 'P'}, {'R${X}': 1}]}}
    with pytest.raises(macros.ValuesMissing) as caught:
        expand(tree)
    assert str(caught.value) == 'Resources.Fn::ForEach::L[1]: the value of P is needed here, but not known'
    assert errors.from_wire(caught.value.to_wire()).__class__ is errors.StackValidationFailed


def test_the_size_is_bounded() -> None:
    many = [str(number) for number in range(1000)]
    section = {'Fn::ForEach::L': ['X', many, {'Fn::ForEach::M': ['Y', many, {'R${X}x${Y}': 1}]}]}
    with pytest.raises(errors.StackValidationFailed, match='the template becomes larger than 8388608'):
        looped(section)
    text = {'Fn::ForEach::L': ['X', many, {'R${X}': 'x' * 100_000}]}
    with pytest.raises(errors.StackValidationFailed, match='becomes larger'):
        looped(text)


# -- includes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('node', 'expected'),
    [
        (include('topics.yaml'), {'TopicName': 't', 'Tags': ['a']}),
        (include('topics.yaml', Other=1), {'TopicName': 't', 'Tags': ['a'], 'Other': 1}),
        (include('list.json'), [{'Ref': 'A'}, 'b']),
        ({'k': [include('text.txt')]}, {'k': ['plain']}),
        (include({'Fn::Sub': '${Base}.yaml'}), {'k': 'x'}),
        (include({'Ref': 'File'}), {'k': 'x'}),
        (include('nested.yaml'), {'in': {'k': 'x', 'own': 1}}),
        ({'Fn::Transform': [{'Name': 'AWS::Include', 'Parameters': {'Location': 'x.yaml'}},
                            {'Name': 'AWS::Include', 'Parameters': {'Location': 'topics.yaml'}}]},
         {'k': 'x', 'TopicName': 't', 'Tags': ['a']}),
    ],
)
def test_inline_includes(node: Any, expected: Any) -> None:
    tree = {'Resources': {'A': {'Type': 'T', 'Properties': {'p': node}}}}
    assert macros.wanted(tree)
    made = expand(tree, Base='x', File='x.yaml')
    assert made['Resources']['A']['Properties']['p'] == expected


def test_a_document_of_sections() -> None:
    tree = {'Transform': {'Name': 'AWS::Include', 'Parameters': {'Location': 'section.yaml'}},
            'Resources': {'A': {'Type': 'T'}}}
    both = {'A': {'Type': 'T'}, 'C': {'Type': 'T'}}
    assert expand(tree) == {**tree, 'Metadata': {'m': 1}, 'Resources': both}


def test_the_innermost_first_then_in_order() -> None:
    tree = {'Transform': [{'Name': 'AWS::Include', 'Parameters': {'Location': 'section.yaml'}}, EXTENSIONS],
            'Resources': {'Fn::ForEach::L': ['X', ['a'], {'R${X}': include('x.yaml')}]}}
    assert list(expand(tree)['Resources']) == ['Ra', 'C']
    assert expand(tree)['Resources']['Ra'] == {'k': 'x'}


@pytest.mark.parametrize(
    ('tree', 'sentence'),
    [
        ({'Transform': 'AWS::Serverless-2016-10-31'},
         'Transform: The macro "AWS::Serverless-2016-10-31" is not served here, only '
         'AWS::LanguageExtensions and AWS::Include are'),
        ({'Transform': [EXTENSIONS, 'AWS::LanguageExtension']},
         'Transform[1]: The macro "AWS::LanguageExtension" is not served here, only '
         'AWS::LanguageExtensions and AWS::Include are. Did you mean AWS::LanguageExtensions?'),
        ({'Transform': 5},
         'Transform: A transform is the name of a macro or {Name: name, Parameters: {...}}'),
        ({'Transform': {'Name': EXTENSIONS, 'Params': {}}},
         'Transform.Params: A transform has no "Params". Did you mean Parameters?'),
        ({'Transform': 'AWS::Include'},
         'Transform: AWS::Include needs Parameters: {Location: name of a document}'),
        ({'Transform': {'Name': 'AWS::Include', 'Parameters': {'Location': 'list.json'}}},
         'Transform: The document that AWS::Include names must hold sections of a template'),
        ({'Resources': {'C': {}},
          'Transform': {'Name': 'AWS::Include', 'Parameters': {'Location': 'section.yaml'}}},
         'Resources.C: "C" stands here and in the document that AWS::Include names'),
        ({'Resources': include('zz')},
         'The document "zz" that AWS::Include names was not sent along'),
        ({'Resources': include(5)},
         'Resources.Fn::Transform.Parameters.Location: Location must be a string'),
        ({'Resources': include('list.json', A=1)},
         'Resources.Fn::Transform: AWS::Include stands beside A, so its document must hold a map'),
        ({'Resources': include('x.yaml', k=1)},
         'Resources.k: "k" stands here and in the document that AWS::Include names'),
        ({'Resources': {'Fn::Transform': {'Name': EXTENSIONS}}},
         'Resources.Fn::Transform: AWS::LanguageExtensions can only be asked for in the Transform section'),
        ({'Resources': include('itself.yaml')},
         'Resources.Fn::Transform.a.Fn::Transform' + '.a.Fn::Transform' * 4 + '.Parameters.Location: '
         'documents include one another more than 5 deep'),
        ({'Resources': {'A': [include('x.yaml')] * 101}},
         'Resources.A[100].Fn::Transform.Parameters.Location: more than 100 documents are included'),
    ],
)
def test_refused_macros(tree: dict[str, Any], sentence: str) -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        expand({'Resources': {}, **tree})
    assert str(caught.value) == sentence


# -- the way of a stack ------------------------------------------------------------------------

STACK = parse('''
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList, Default: 'a,b'}
  Needed: {Type: CommaDelimitedList}
Conditions:
  Fn::ForEach::C: [N, !Ref Names, {'Is${N}': !Equals ['${N}', a]}]
Resources:
  Fn::ForEach::R:
    - N
    - !Ref Names
    - 'R${N}':
        Type: OS::Heat::TestResource
        Condition: Is${N}
        Properties:
          value: !Sub '${N}-${AWS::StackName}'
  Fn::ForEach::S: [N, !Ref Needed, {'S${N}': {Type: OS::Heat::TestResource}}]
Outputs:
  Fn::ForEach::O: [N, !Ref Names, {'O${N}': {Condition: 'Is${N}', Value: !GetAtt ['R${N}', output]}}]
''')


def made(environment: dict[str, Any], strict: bool = True) -> Compiled:
    return compile_all(IDENTITY, STACK, environment, {}, strict=strict)


def test_loops_go_over_the_parameters_of_the_stack() -> None:
    compiled = made({'parameters': {'Names': 'a,c', 'Needed': 'x'}})
    assert list(compiled.template.resources) == ['Ra', 'Rc', 'Sx']
    assert compiled.template.raw is STACK
    assert list(compiled.template.processed['Resources']) == ['Ra', 'Rc', 'Sx']
    assert 'Transform' not in compiled.template.processed
    wanted = compiled.wanted().template
    assert wanted is not None
    assert (list(wanted.resources), list(wanted.outputs)) == (['Ra', 'Sx'], ['Oa'])
    other = made({'parameters': {'Needed': ''}}).template
    assert list(other.resources) == ['Ra', 'Rb']


def test_nested_stacks_have_macros_too() -> None:
    child = ChildTemplate(STACK)
    wanted = compile_child(IDENTITY, child, {'parameters': {'Needed': 'x,y'}}, TypeTable()).wanted()
    assert list(wanted.definitions) == ['Ra', 'Sx', 'Sy']


def test_a_type_that_is_a_template_with_macros() -> None:
    types = TypeTable(files=Files({'own.yaml': json.dumps(STACK)}))
    kind = types('own.yaml', 'a')
    assert [(name, one.required) for name, one in kind.schema.properties.items()] == [
        ('Names', False), ('Needed', True)]
    child = ChildTemplate(source='own.yaml', parameters={'Needed': ['x', 'y']})
    made = compile_child(IDENTITY, child, {'parameters': dict(child.parameters)}, types)
    assert list(made.wanted().definitions) == ['Ra', 'Sx', 'Sy']


def test_without_the_values_validation_tells_the_parameters() -> None:
    with pytest.raises(errors.UserParameterMissing):
        made({})
    compiled = made({}, strict=False)
    assert list(compiled.parameters.validation_form()) == ['Names', 'Needed']
    assert compiled.template.resources == {}


def test_an_include_comes_from_the_files() -> None:
    tree = {'Resources': {'A': {'Type': 'OS::Heat::TestResource', 'Properties': include('p.yaml')}}}
    compiled = compile_all(IDENTITY, tree, {}, {'p.yaml': 'value: !Sub "${AWS::StackName}"'})
    wanted = compiled.wanted()
    assert wanted.definitions['A'].properties.value(None) == {'value': 'web'}  # type: ignore[arg-type]
    with pytest.raises(errors.StackValidationFailed, match=r'"p\.yaml" that AWS::Include names was not sent'):
        compile_all(IDENTITY, tree, {}, {})


def test_an_include_by_url_is_read_as_templates_are() -> None:
    class Web(Files):
        def template(self, name: str, user: bool = True) -> str:
            return f'value: {name}'

    url = 'https://there.example/p.yaml'
    tree = {'Resources': {'A': {'Type': 'OS::Heat::TestResource', 'Properties': include(url)}}}
    wanted = compile_all(IDENTITY, tree, {}, Web()).wanted()
    assert wanted.definitions['A'].properties.value(None) == {'value': url}  # type: ignore[arg-type]
    with pytest.raises(errors.StackValidationFailed, match='Could not fetch remote template'):
        compile_all(IDENTITY, tree, {}, {})


def test_parts_of_a_template_with_macros_are_checked_one_by_one() -> None:
    def parts(tree: dict[str, Any]) -> tuple[Any, tuple[errors.Fault, ...]]:
        noted = errors.Collected()
        compiled = compile_all(None, tree, None, None, strict=False, noted=noted)
        error = noted.error()
        return compiled.template, error.faults if error else ()

    assert parts(STACK)[1] == ()
    tree = {'Transform': EXTENSIONS, 'Parameters': {'L': {'Type': 'CommaDelimitedList', 'Default': 'a'}},
            'Resources': {'Fn::ForEach::R': ['N', {'Ref': 'L'}, {'R${N}': {'Type': 'T', 'Foo': 1}}],
                          'B': {'Type': 'T'}}}
    template, faults = parts(tree)
    assert [one.bare() for one in faults] == ['A resource has no "Foo"']
    assert list(template.resources) == ['B'] and template.broken == {'Ra'}
    template, faults = parts({**tree, 'Transform': 'AWS::Nowhere'})
    assert 'is not served here' in faults[0].message and faults[0].path == ('Transform',)
    assert list(template.parameters) == ['L'] and not template.resources


def test_the_schema_for_editors_knows_loops() -> None:
    described = schema_of(version_named('AWSTemplateFormatVersion.2010-09-09'), {})
    validator = jsonschema.Draft202012Validator(described)
    assert list(validator.iter_errors(STACK)) == []
    assert list(validator.iter_errors({**STACK, 'Resorces': {}})) != []


def test_loops_write_out_nothing_they_were_not_asked_for() -> None:
    tree = {'Resources': {'A': {'Type': 'T', 'Properties': {'p': ['x', {'y': '${Z} &{Z}'}]}}}}
    expansion = macros.Expansion({**tree, 'Transform': EXTENSIONS}, {}, Files().document)
    assert loops.write_out(expansion, tree) == tree
