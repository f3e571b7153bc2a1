"""heat-template lint: each warning where it is due, and not where it is not; comments silence it."""

from __future__ import annotations

import pytest

from heat.cmd.template_check import check
from heat.plan.lint import MEANINGS, RULES, lint
from heat.resources.base import Resource
from heat.resources.types import PLUGINS
from heat.schema import Attr, deprecated, hidden
from heat.template.environment import Environment
from heat.template.registry import Registry
from tests.unit.test_tool_check import bundle

HEAD = 'heat_template_version: 2021-04-16\n'
CFN = "AWSTemplateFormatVersion: '2010-09-09'\n"
RANDOM = 'OS::Heat::RandomString'


def warned(text: str, *ignored: str) -> list[tuple[str, int]]:
    found = lint(check(bundle(text), Registry(PLUGINS), Environment()), ignored)
    return [(one.code, one.line) for one in found]


def only(text: str, code: str) -> list[int]:
    """The lines of one warning."""
    return [line for found, line in warned(text) if found == code]


CASES = [
    (
        'W101',
        HEAD + 'parameters:\n  p: {type: string}\n  q: {type: string}\noutputs: {o: {value: {get_param: q}}}',
        [3],
    ),
    ('W101', HEAD + 'parameters:\n  p: {type: string}\nconditions: {c: {equals: [{get_param: p}, 1]}}', []),
    (
        'W101',
        HEAD + 'parameters:\n  p: {type: string}\n  n: {type: string}\n'
        'outputs: {o: {value: {get_param: [{get_param: n}]}}}',
        [],
    ),
    (
        'W102',
        HEAD + 'conditions:\n  c: true\n  d: {not: e}\n  e: true\noutputs: {o: {value: 1, condition: d}}',
        [3],
    ),
    (
        'W103',
        CFN + "Mappings:\n  M: {a: {b: c}}\n  N: {a: {b: c}}\n"
        "Outputs: {o: {Value: {'Fn::FindInMap': [M, a, b]}}}",
        [4],
    ),
    (
        'W104',
        HEAD + 'parameters:\n  p: {type: string, hidden: true}\n  q: {type: string}\noutputs:\n'
        "  o: {value: {list_join: ['', [{get_param: p}]]}}\n  r: {value: {get_param: q}}",
        [6],
    ),
    ('W105', HEAD + 'parameters:\n  p: {type: string}\n  q: {type: string, description: d}', [3]),
    (
        'W106',
        HEAD + 'parameters:\n  p: {type: string}\n  q: {type: boolean}\n'
        '  r: {type: number, constraints: [range: {min: 1}]}',
        [3],
    ),
    (
        'W108',
        HEAD + 'resources:\n  a:\n    type: OS::Neutron::Port\n    properties:\n      network_id: n\n',
        [6],
    ),
    (
        'W109',
        HEAD + 'resources:\n  v: {type: OS::Cinder::Volume, properties: {size: 1}}\n'
        '  w: {type: OS::Cinder::Volume, properties: {size: 1}, deletion_policy: Delete}',
        [3],
    ),
    (
        'W110',
        HEAD + f'resources:\n  a: {{type: {RANDOM}}}\n  b: {{type: {RANDOM}}}\n  c:\n    type: {RANDOM}\n'
        '    properties: {salt: {get_resource: a}}\n    depends_on:\n      - b\n      - a\n',
        [10],
    ),
    (
        'W111',
        HEAD + 'conditions: {c: {equals: [a, a]}, d: {not: c}}\nparameters: {p: {type: string}}\noutputs:\n'
        '  a:\n    value:\n      if: [c, 1, 2]\n'
        '  b: {value: {if: [{equals: [{get_param: p}, a]}, 1, 2]}}\n',
        [7],
    ),
    ('W111', HEAD + f'conditions: {{c: false}}\nresources:\n  a: {{type: {RANDOM}, condition: c}}', [4]),
    (
        'W112',
        HEAD + 'parameters:\n  a: {type: string, hidden: true, default: x}\n'
        '  db_password: {type: string, default: x}\n  b: {type: string, hidden: true}\n'
        "  password_length: {type: string, default: x}\n  c: {type: string, hidden: true, default: ''}",
        [3, 4],
    ),
    (
        'W113',
        HEAD + 'parameters:\n  db_password: {type: string}\n  a_password: {type: string, hidden: true}\n'
        '  password_length: {type: string}\n  api_key: {type: string}',
        [3, 6],
    ),
    ('W113', CFN + 'Parameters:\n  DBPassword: {Type: String}\n  B: {Type: String, NoEcho: true}', [3]),
    ('W114', HEAD + 'outputs:\n  o: {value: {get_resource: nobody}}', [3]),
]


@pytest.mark.parametrize(('code', 'text', 'lines'), CASES, ids=range(len(CASES)))
def test_warnings(code: str, text: str, lines: list[int]) -> None:
    assert only(text, code) == lines


class Old(Resource):
    """A type that should not be used."""

    type = 'Test::Old'
    support = deprecated('7.0.0', 'Use Test::New.')

    class attributes:
        gone = Attr('Was something.', support=hidden('8.0.0', deprecated('6.0.0', 'Read kept.')))


def test_what_is_old_is_told_with_what_to_use() -> None:
    text = HEAD + 'resources:\n  a: {type: Test::Old}\noutputs:\n  o: {value: {get_attr: [a, gone]}}\n'
    found = lint(check(bundle(text), Registry({'Test::Old': Old}), Environment()))
    assert [(one.code, one.line, one.message) for one in found] == [
        ('W107', 3, 'The type Test::Old is deprecated since 7.0.0: Use Test::New.'),
        ('W108', 5, 'The attribute gone of Test::Old is hidden since 8.0.0: Read kept.'),
    ]


def test_every_rule_has_a_meaning() -> None:
    assert list(RULES) == list(MEANINGS)


TEXT = HEAD + 'parameters:\n  p: {type: string}\n  q: {type: string}\n'


@pytest.mark.parametrize(
    ('text', 'left'),
    [
        (TEXT, [('W101', 3), ('W105', 3), ('W106', 3), ('W101', 4), ('W105', 4), ('W106', 4)]),
        (
            TEXT.replace('  p', '  # heat-lint: ignore W101, W105\n  p'),
            [('W106', 4), ('W101', 5), ('W105', 5), ('W106', 5)],
        ),
        (
            TEXT.replace('string}\n  q', 'string}  # heat-lint: ignore\n  q'),
            [('W101', 4), ('W105', 4), ('W106', 4)],
        ),
        (
            TEXT.replace('parameters:', 'parameters:  # heat-lint: ignore W105 W106'),
            [('W101', 3), ('W101', 4)],
        ),
        ('# heat-lint: ignore W101\n# heat-lint: ignore W105\n' + TEXT, [('W106', 5), ('W106', 6)]),
    ],
)
def test_comments_silence_what_they_stand_beside(text: str, left: list[tuple[str, int]]) -> None:
    assert warned(text) == left


def test_codes_silence_everywhere_and_errors_nowhere() -> None:
    assert warned(TEXT, 'W101', 'W105', 'W106') == []
    assert warned('# heat-lint: ignore\n' + HEAD + 'resources:\n  a: {type: OS::Nope}', 'E004') == [
        ('E004', 4)
    ]


def test_what_is_declared_badly_is_told_as_an_error_alone() -> None:
    text = HEAD + 'parameters:\n  p: {type: strung, hidden: true, default: x}\n'
    assert warned(text) == [('E003', 3)]


def test_nothing_is_called_unused_where_parts_could_not_be_read() -> None:
    assert only(TEXT + 'outputs: {o: {}}', 'W101') == []


def test_the_example_that_is_shipped_has_one_warning() -> None:
    from tests.unit.test_tool_fmt import SHIPPED

    text = next(one for one in SHIPPED if one.name == 'mysql-web-cluster.yaml').read_text()
    assert [code for code, _ in warned(text, 'W105', 'W106')] == ['W109']
