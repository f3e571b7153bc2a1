"""heat-template validate, the pure part: every fault is told, each with its code and place."""

from __future__ import annotations

from typing import Any

import pytest

from heat.cmd.template_check import check
from heat.common import errors
from heat.plan.checked import Checked
from heat.resources.types import PLUGINS
from heat.schema.kinds import UNKNOWN
from heat.template.bundle import Bundle
from heat.template.environment import Environment
from heat.template.findings import Place
from heat.template.load import parse
from heat.template.registry import Layer, Registry

HEAD = 'heat_template_version: 2021-04-16\n'


def bundle(text: str, file: str = 't.yaml', **more: Any) -> Bundle:
    try:
        return Bundle(file, text, parse(text), **more)
    except errors.HeatException as fault:
        return Bundle(file, text, None, fault)


def checked(
    text: str,
    strict: bool = False,
    registry: dict[str, Any] | None = None,
    given: Any = (),
    defaults: Any = (),
    **more: Any,
) -> Checked:
    environment = Environment(dict(given), registry or {}, dict(defaults))
    return check(bundle(text, **more), Registry(PLUGINS, [Layer(registry or {})]), environment, strict=strict)


def told(text: str, **more: Any) -> list[tuple[str, int, int, str]]:
    return [(one.code, one.line, one.column, one.message) for one in checked(text, **more).everything()]


RANDOM = 'OS::Heat::RandomString'

CASES = [
    # What cannot be read.
    ('a: [1\nb: 2', 'E001', 2, 2, "while parsing a flow sequence expected ',' or ']', but got ':'"),
    (
        HEAD + 'resources: {a: {type: x}, a: {type: y}}',
        'E001',
        2,
        27,
        "while constructing a mapping found duplicate key 'a'",
    ),
    ('resources: {}', 'E001', 0, 0, 'Template format version not found.'),
    # Versions, sections, shapes.
    ('heat_template_version: 1999-01-01', 'E002', 1, 1, 'The template version is invalid: "heat_template_'),
    (HEAD + 'Resources: {}', 'E002', 2, 1, 'The template section is invalid: Resources'),
    (
        HEAD + 'resources: [a]',
        'E002',
        2,
        1,
        '"resources" must contain a map of resource maps. Found a [list]',
    ),
    (HEAD + 'resources:\n  a: {type: 1}', 'E002', 3, 7, 'Resource a type type must be string'),
    (
        HEAD + f'resources:\n  a: {{type: {RANDOM}, propertys: {{}}}}',
        'E002',
        3,
        37,
        '"propertys" is not a valid',
    ),
    (
        HEAD + f'resources:\n  a:\n    type: {RANDOM}\n    properties:\n      salt: {{list_join: [1]}}',
        'E002',
        6,
        14,
        'Incorrect arguments to "list_join"',
    ),
    (HEAD + 'outputs:\n  o: {val: 1}', 'E002', 3, 3, 'Output validation error: Each output definition must'),
    (HEAD + 'conditions:\n  c: {equals: [1]}', 'E002', 3, 7, 'Arguments to "equals" must be of the form'),
    (
        HEAD + 'conditions:\n  c: d',
        'E002',
        3,
        3,
        'Condition validation error: The definition of condition "c"',
    ),
    (
        HEAD + 'parameter_groups:\n  - {label: l, parameters: [p]}',
        'E002',
        3,
        5,
        'Parameter Groups error: The',
    ),
    ('HeatTemplateFormatVersion: 2012-12-12\nMappings: []', 'E002', 2, 1, '"Mappings" must contain a map'),
    # Parameters.
    (HEAD + 'parameters:\n  p: {type: strung}', 'E003', 3, 7, 'Invalid type (strung). Did you mean string?'),
    (HEAD + 'parameters: [p]', 'E002', 2, 1, '"parameters" must contain a map'),
    (
        HEAD + 'parameters:\n  p: {type: number, default: x, constraints: [range: {min: 1}]}',
        'E003',
        3,
        21,
        "Parameter 'p' is invalid: Invalid default x (could not",
    ),
    # Types.
    (
        HEAD + 'resources:\n  a: {type: OS::Heat::RandomStrin}',
        'E004',
        3,
        7,
        f'The Resource Type (OS::Heat::RandomStrin) could not be found. Did you mean {RANDOM}?',
    ),
    # Properties.
    (
        HEAD + f'resources:\n  a:\n    type: {RANDOM}\n    properties:\n      lenght: 1',
        'E005',
        6,
        7,
        'Unknown Property lenght. Did you mean length?',
    ),
    (
        HEAD + f'resources:\n  a:\n    type: {RANDOM}\n    properties:\n      length: 9999',
        'E005',
        6,
        7,
        '9999 is out of range (min: 1, max: 512)',
    ),
    (HEAD + 'resources:\n  a: {type: OS::Neutron::Port}', 'E005', 3, 3, 'Property network not assigned'),
    (
        HEAD + 'resources:\n  a: {type: OS::Heat::ResourceGroup, update_policy: {b: 1}, '
        'properties: {resource_def: {type: OS::Heat::None}}}',
        'E005',
        3,
        54,
        'Unknown Property b',
    ),
    (
        HEAD
        + 'resources:\n  a:\n    type: OS::Heat::ResourceGroup\n    properties: {count: 2, resource_def: '
        '{type: OS::Neutron::Net, properties: {nme: x}}}',
        'E005',
        5,
        5,
        'resources.0.properties.nme: Unknown Pr',
    ),
    # References.
    (
        HEAD + f'resources:\n  a: {{type: {RANDOM}, depends_on: [b]}}',
        'E006',
        3,
        50,
        'The specified reference "b" (in a) is incorrect.',
    ),
    (
        HEAD + f'resources:\n  name1:\n    type: {RANDOM}\n  b:\n    type: {RANDOM}\n    properties:\n'
        "      salt: {list_join: ['', [{get_resource: name2}]]}",
        'E006',
        8,
        32,
        'The specified reference "name2" (in b.Properties.salt.list_join[1][0]) is incorrect. '
        'Did you mean name1?',
    ),
    (
        HEAD + f'resources:\n  a:\n    type: {RANDOM}\n    properties: {{salt: {{get_param: sa}}}}',
        'E006',
        5,
        25,
        'The Parameter (sa) was not defined in template.',
    ),
    (
        HEAD + 'parameters:\n  size: {type: number}\noutputs:\n  o: {value: {get_param: siz}}',
        'E006',
        5,
        15,
        'The Parameter (siz) was not defined in template. Did you mean size?',
    ),
    (
        'HeatTemplateFormatVersion: 2012-12-12\nResources:\n  a:\n    Type: OS::Neutron::Net\n'
        '    Properties: {name: {Ref: nothing}}',
        'E006',
        5,
        25,
        'The specified reference "nothing" (in a.Properties.name) is incorrect.',
    ),
    # Attributes.
    (
        HEAD + f'resources:\n  a: {{type: {RANDOM}}}\noutputs:\n  o: {{value: {{get_attr: [a, valu]}}}}',
        'E007',
        5,
        15,
        'The Referenced Attribute (a valu) is incorrect. Did you mean value?',
    ),
    # Circles.
    (
        HEAD + f'resources:\n  a: {{type: {RANDOM}, depends_on: b}}\n  b: {{type: {RANDOM}, depends_on: a}}',
        'E008',
        3,
        3,
        'Circular Dependency Found: a -> b -> a',
    ),
    (
        HEAD + 'conditions:\n  c: {not: d}\n  d: {not: c}',
        'E009',
        3,
        3,
        'Circular definition for condition "c"',
    ),
    # Functions whose arguments turn out wrong.
    (
        HEAD + f"resources:\n  a:\n    type: {RANDOM}\n    properties:\n      salt: {{list_join: [1, [a]]}}",
        'E009',
        6,
        7,
        '"list_join" delimiter must be a string',
    ),
]


@pytest.mark.parametrize(('text', 'code', 'line', 'column', 'start'), CASES, ids=range(len(CASES)))
def test_a_fault_is_told_once_with_its_place(
    text: str, code: str, line: int, column: int, start: str
) -> None:
    (found,) = told(text)
    assert found[:3] == (code, line, column)
    assert found[3].startswith(start)


def test_one_fault_does_not_hide_another() -> None:
    text = HEAD + (
        'bogus: 1\n'
        'parameters:\n'
        '  bad: {type: strung}\n'
        'conditions:\n'
        '  wrong: {equals: [1]}\n'
        'resources:\n'
        '  a: {type: OS::Neutron::Net, properties: {shared: maybe, nam: x}}\n'
        '  b: {type: OS::Nothing}\n'
        '  c: {type: OS::Heat::None, deletion_policy: Burn}\n'
        '  d: {type: OS::Neutron::Port, condition: wrong, depends_on: c, '
        'properties: {network: {get_resource: aa}}}\n'
        'outputs:\n'
        '  o: {valu: 1}\n'
        '  p: {value: {get_attr: [c, x]}}\n'
    )
    found = told(text)
    assert [one[:2] for one in found] == [
        ('E002', 2),
        ('E003', 4),
        ('E002', 6),
        ('E002', 10),
        ('E002', 13),
        ('E004', 9),
        ('E006', 11),
        ('E005', 8),
        ('E005', 8),
    ]


def test_parameters_are_checked_where_they_are_given() -> None:
    text = HEAD + (
        'parameters:\n  p: {type: number, constraints: [range: {max: 5}]}\n'
        '  s: {type: string, hidden: true, constraints: [length: {max: 5}]}\n'
    )
    assert told(text) == []
    assert told(text, strict=True) == [
        ('E003', 3, 3, 'The Parameter (p) was not provided.'),
        ('E003', 4, 3, 'The Parameter (s) was not provided.'),
    ]
    assert told(text, given={'p': 6}) == [
        ('E003', 3, 3, "Parameter 'p' is invalid: 6 is out of range (min: None, max: 5)")
    ]
    assert told(text, defaults={'p': 'six', 'nobody': 1})[0][:2] == ('E003', 3)
    assert told(text, given={'q': 1, 'p': 1}) == [
        ('E003', 0, 0, 'The Parameter (q) was not defined in template.')
    ]
    (hidden,) = told(text, given={'s': 'a long secret'})
    assert 'secret' not in hidden[3]


def test_values_reach_the_properties() -> None:
    text = HEAD + (
        'parameters:\n  p: {type: string}\n  k: {type: string, hidden: true}\n'
        f'resources:\n  a: {{type: {RANDOM}, properties: {{length: {{get_param: p}}}}}}\n'
        '  b: {type: OS::Neutron::Net, properties: {shared: {get_param: k}}}\n'
    )
    assert told(text) == []
    (length, shared) = told(text, given={'p': 'long', 'k': 'hunter22'})
    assert length[3] == "Value 'long' is not an integer" and length[1] == 6
    assert shared[3] == '"******" is not a valid boolean'


def test_what_a_condition_leaves_out_is_checked_as_well() -> None:
    text = HEAD + (
        'parameters: {p: {type: boolean, default: false}}\n'
        'conditions: {c: {get_param: p}}\n'
        'resources:\n'
        f'  a: {{type: {RANDOM}, condition: c, properties: {{lenght: 1}}}}\n'
        f'  b: {{type: {RANDOM}, properties: {{salt: {{get_resource: a}}}}}}\n'
    )
    assert [one[0] for one in told(text)] == ['E006', 'E005']
    assert 'Its condition is false.' in told(text)[0][3]
    assert [one[0] for one in told(text, given={'p': True})] == ['E005']


def test_a_rule_that_does_not_hold_has_a_code_of_its_own() -> None:
    text = (
        "AWSTemplateFormatVersion: '2010-09-09'\n"
        'Parameters:\n  P: {Type: Number, Default: 2}\n  Q: {Type: String}\n'
        'Rules:\n  R:\n    Assertions:\n      - Assert: !Equals [!Ref P, 1]\n'
        '      - Assert: !Equals [!Ref Q, 1]\n'
        'Resources:\n  A: {Type: OS::Heat::None}\n'
    )
    assert told(text) == [('E011', 8, 9, 'Rules.R: assertion 1 does not hold')]
    assert told(text, given={'P': 1, 'Q': 1}) == []
    assert [one[:2] for one in told(text, given={'P': 1, 'Q': 2})] == [('E011', 9)]


def test_what_stands_in_a_parameter_store_is_not_known_here() -> None:
    text = (
        "AWSTemplateFormatVersion: '2010-09-09'\n"
        "Parameters:\n  P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}\n"
        'Resources:\n  A: {Type: OS::Heat::RandomString, Properties: {length: !Ref P}}\n'
    )
    assert told(text) == [] and told(text, strict=True) == []


def test_files_may_be_unknown_or_missing() -> None:
    text = HEAD + f'resources:\n  a: {{type: {RANDOM}, properties: {{length: {{get_file: f}}}}}}\n'
    assert told(text, files={'f': '4'}) == []
    assert told(text, files={'f': UNKNOWN}) == []
    assert told(text, files={'f': 'long'})[0][3] == "Value 'long' is not an integer"
    missing = ((('resources', 'a', 'properties', 'length', 'get_file'), 'The file cannot be read: f: gone'),)
    assert ('E010', 3, 59, 'The file cannot be read: f: gone') in told(
        text, missing=missing, files={'f': UNKNOWN}
    )


CHILD = HEAD + (
    'parameters:\n  size: {type: number, constraints: [range: {max: 9}]}\n'
    f'resources:\n  x: {{type: {RANDOM}, properties: {{oops: {{get_param: size}}}}}}\n'
    'outputs:\n  out: {value: {get_attr: [x, value]}}\n'
)


def test_a_template_is_a_type() -> None:
    text = HEAD + (
        'resources:\n  a: {type: c.yaml, properties: {size: 10, other: 1}}\n  b: {type: My::Type}\n'
        'outputs:\n  o: {value: {get_attr: [a, out]}}\n  p: {value: {get_attr: [b, ot]}}\n'
        '  q: {value: {get_attr: [b, resource.x]}}\n'
    )
    child = bundle(CHILD, 'c.yaml')
    found = checked(text, registry={'My::Type': '/c.yaml'}, children={'c.yaml': child, '/c.yaml': child})
    assert [(one.file, one.code, one.line, one.message) for one in found.everything()] == [
        ('t.yaml', 'E007', 7, 'The Referenced Attribute (b ot) is incorrect. Did you mean out?'),
        ('t.yaml', 'E005', 3, 'Unknown Property other'),
        ('t.yaml', 'E005', 3, '10 is out of range (min: None, max: 9)'),
        ('t.yaml', 'E005', 4, 'Property size not assigned'),
        ('c.yaml', 'E005', 5, 'Unknown Property oops'),
    ]


def test_a_template_made_of_itself_is_told() -> None:
    text = HEAD + 'resources:\n  a: {type: t.yaml}\n'
    found = told(text, children={'t.yaml': Bundle('t.yaml', '', None)})
    assert found == [('E008', 3, 7, 'The template t.yaml is made of itself.')]


def test_a_template_left_out_on_purpose_accepts_anything() -> None:
    text = HEAD + 'resources:\n  a: {type: "http://x/c.yaml", properties: {b: 1}}\n'
    assert told(text, children={'http://x/c.yaml': None}) == []


def test_a_finding_has_a_form_for_people_and_one_for_programs() -> None:
    (one,) = checked(HEAD + 'resources:\n  a: {type: OS::Nope}\n').findings
    assert one.text() == (
        't.yaml:3:7: error E004: The Resource Type (OS::Nope) could not be found. '
        '[resources.a.type]\n    3 |   a: {type: OS::Nope}\n      |       ^'
    )
    assert one.form() == {
        'code': 'E004',
        'level': 'error',
        'message': 'The Resource Type (OS::Nope) could not be found.',
        'path': 'resources.a.type',
        'file': 't.yaml',
        'line': 3,
        'column': 7,
        'excerpt': '  a: {type: OS::Nope}',
    }
    assert Place('f', 'x' * 1000).finding('E005', 'm').excerpt == ''
