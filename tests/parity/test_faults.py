"""Every kind of fault a template or environment can have, and the whole answer about it.

For each tests/data/faults/NAME.yaml (the template), with NAME.env (the environment)
where there is one, NAME.txt holds what validation and creation answer over REST, and
what a tool prints with the text at hand. ``HEAT_WRITE_FAULTS=1`` writes the
answers anew, to be read before they are kept.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from heat.common.fault import Fault
from heat.template.report import report
from tests.parity.conftest import Site
from tests.wire import keystone

DATA = pathlib.Path(__file__).parents[1] / 'data' / 'faults'
CASES = sorted(file.stem for file in DATA.glob('*.yaml'))


def asked(site: Site, action: str, template: Any, environment: Any, **more: Any) -> Any:
    body = {'template': template, 'environment': environment or {}, **more}
    path = f'/v1/{keystone.PROJECT}/validate'
    if action == 'create':
        path, body = f'/v1/{keystone.PROJECT}/stacks', {**body, 'stack_name': 'bad'}
    return site.ask('POST', path, body)


def told(answer: Any) -> str:
    if answer.status_int < 400:
        return f'{answer.status_int}\n'
    error = answer.json_body['error']
    faults = '\n'.join(json.dumps(one, ensure_ascii=False) for one in error.get('faults', []))
    return f'{answer.status_int} {error["type"]}\n{error["message"]}\n\n{faults}\n'


def faults_of(answer: Any) -> list[Fault]:
    """The faults as a tool has them; their lines have been found already."""
    return [Fault(one['message'], (one['path'],) if one['path'] else (), one.get('value'),
                  one.get('expected'), one.get('suggestion'), one.get('line'), one.get('column'),
                  one['source'])
            for one in answer.json_body.get('error', {}).get('faults', [])]


@pytest.mark.parametrize('name', CASES)
def test_the_whole_answer(site: Callable[[], Site], name: str) -> None:
    template = (DATA / f'{name}.yaml').read_text()
    environment = (DATA / f'{name}.env').read_text() if (DATA / f'{name}.env').exists() else ''
    here = site()
    validated, created = (asked(here, action, template, environment) for action in ('validate', 'create'))
    answers = (f'== validate ==\n{told(validated)}\n== create ==\n{told(created)}\n== report ==\n'
               + report(faults_of(created), {'template': template, 'environment': environment}) + '\n')
    file = DATA / f'{name}.txt'
    if os.environ.get('HEAT_WRITE_FAULTS'):
        file.write_text(answers)
    assert answers == file.read_text()


def test_what_came_as_an_object_has_paths_and_no_lines(site: Callable[[], Site]) -> None:
    template = {'heat_template_version': '2021-04-16', 'resources': {
        'a': {'type': 'OS::Heat::Value', 'properties': {'valeu': 1}}}}
    answer = asked(site(), 'create', template, {'parameters': {'p': 1}})
    error = answer.json_body['error']
    assert error['message'].splitlines() == [
        'The Parameter (p) was not defined in template.',
        '  at parameters.p, in environment',
        'Property error: : resources.a.properties: : Unknown Property valeu. Did you mean value?',
        '  at resources.a.properties.valeu',
        'Property error: : resources.a.properties: : Property value not assigned',
        '  expected: a value']
    assert [one['path'] for one in error['faults']] == [
        'parameters.p', 'resources.a.properties.valeu', 'resources.a.properties']
    assert all('line' not in one for one in error['faults'])


def test_a_parameter_given_beside_the_environment_has_no_line_in_it(site: Callable[[], Site]) -> None:
    answer = asked(site(), 'validate', 'heat_template_version: 2021-04-16\n', 'parameters:\n  b: 1\n',
                   parameters={'a': 1})
    found = {one['path']: one.get('line') for one in answer.json_body['error']['faults']}
    assert found == {'parameters.a': None, 'parameters.b': 2}


@pytest.mark.parametrize(('files', 'first', 'place'), [
    ({'one': 'parameters:\n  p: 1\n', 'two': 'parameters:\n  p: 2\n  q: 3\n'},
     'The Parameter (q) was not defined in template.', 'parameters.q, in two, line 3, column 3'),
    ({'one': 'parameters:\n  q: 1\n', 'two': 'parameters:\n  p: many\n'},
     'The Parameter (q) was not defined in template.', 'parameters.q, in one, line 2, column 3'),
    ({'one': '', 'two': 'parametres: {}\nparameters: {}\n'},
     'Environment file "two" not in valid format: environment has wrong section "parametres"',
     'parametres, in two, line 1, column 1'),
    # As clients send it: their JSON of the file, whose lines would mislead.
    ({'one': '', 'two': '{"parameters": {"q": 1}}'},
     'The Parameter (q) was not defined in template.', 'parameters.q, in two'),
    ({'one': '', 'two': 'parameters: [\n'},
     'Environment file "two" not in valid format: while parsing a flow node', 'two, line 2, column 1'),
    ({'one': '', 'two': 'event_sinks:\n  - type: smoke\n'},
     'Invalid event sink type "smoke"; known types are: zaqar-queue',
     'event_sinks[0].type, in two, line 2, column 5'),
    ({'two': ''}, 'The environment file "one" is not among the files given.', None)])
def test_faults_of_environment_files_name_the_file(site: Callable[[], Site], files: dict[str, str],
                                                   first: str, place: str | None) -> None:
    template = 'heat_template_version: 2021-04-16\nparameters:\n  p: {type: number, default: 0}\n'
    answer = asked(site(), 'create', template, None, files=files, environment_files=['one', 'two'])
    assert answer.status_int == 400
    lines = answer.json_body['error']['message'].splitlines()
    assert lines[0] == first
    assert place is None or f'  at {place}' in lines, lines


def test_an_update_tells_as_much_as_a_creation(site: Callable[[], Site]) -> None:
    here = site()
    good = 'heat_template_version: 2021-04-16\nresources:\n  a: {type: OS::Heat::None}\n'
    made = asked(here, 'create', good, None).json_body['stack']['id']
    here.world.run()
    bad = good.replace('None', 'Noen') + '  b: {type: OS::Heat::None, depends_on: c}\n'
    for method, template in (('PUT', bad), ('PATCH', bad)):
        answer = here.ask(method, f'/v1/{keystone.PROJECT}/stacks/bad/{made}', {'template': template})
        assert [(one['path'], one['line']) for one in answer.json_body['error']['faults']] == [
            ('resources.a.type', 3), ('resources.b.depends_on', 4)]


AWS = "AWSTemplateFormatVersion: '2010-09-09'\n"


@pytest.mark.parametrize(('template', 'document', 'first', 'place'), [
    (AWS + 'Resources:\n  A:\n    Fn::Transform: {Name: AWS::Include, Parameters: {Location: a.yaml}}\n',
     'Type: OS::Heat::RandomString\nProperties:\n  length: long\n',
     "Property error: : resources.A.properties.length: : Value 'long' is not an integer",
     'Properties.length, in a.yaml, line 3, column 3'),
    (AWS + 'Resources:\n  A:\n    Type: OS::Heat::RandomString\n'
     '    Fn::Transform: {Name: AWS::Include, Parameters: {Location: a.yaml}}\n',
     'Properties:\n  lenght: 5\n',
     'Property error: : resources.A.properties: : Unknown Property lenght. Did you mean length?',
     'Properties.lenght, in a.yaml, line 2, column 3'),
    (AWS + 'Transform: {Name: AWS::Include, Parameters: {Location: a.yaml}}\n'
     'Resources:\n  B: {Type: OS::Heat::None}\n',
     'Outputs: {}\nResources:\n  A:\n    Typ: x\n', 'Each Resource must contain a Type key.',
     'Resources.A, in a.yaml, line 3, column 3'),
    (AWS + 'Transform: {Name: AWS::Include, Parameters: {Location: a.yaml}}\n'
     'Resources:\n  B: {Type: OS::Heat::None}\n',
     'Outputs:\n  O:\n    Value: !Ref C\n',
     'The specified reference "C" (in Outputs.O.Value) is incorrect.',
     'Outputs.O.Value.Ref, in a.yaml, line 3, column 12'),
    (AWS + 'Resources:\n  Fn::Transform: {Name: AWS::Include, Parameters: {Location: a.yaml}}\n',
     'A: {\n', 'Error parsing template a.yaml while parsing a flow node', 'a.yaml, line 2, column 1'),
    (AWS + 'Resources:\n  Fn::Transform: {Name: AWS::Include, Parameters: {Location: b.yaml}}\n', '',
     'The document "b.yaml" that AWS::Include names was not sent along',
     'Resources.Fn::Transform.Parameters.Location, line 3, column 52')])
def test_faults_of_an_included_document_stand_in_it(site: Callable[[], Site], template: str, document: str,
                                                    first: str, place: str) -> None:
    answer = asked(site(), 'create', template, None, files={'a.yaml': document})
    assert answer.status_int == 400, answer.text
    lines = answer.json_body['error']['message'].splitlines()
    assert lines[0] == first
    assert f'  at {place}' in lines, lines


def test_what_an_update_cannot_take_from_elsewhere_is_told_once(site: Callable[[], Site]) -> None:
    here = site()
    good = AWS + 'Resources:\n  A: {Type: OS::Heat::None}\n'
    made = asked(here, 'create', good, None).json_body['stack']['id']
    here.world.run()
    bad = good + '  B: {Type: OS::Heat::Value, Properties: {value: !ImportValue x}}\n'
    answer = here.ask('PUT', f'/v1/{keystone.PROJECT}/stacks/bad/{made}', {'template': bad})
    assert [(one['message'], one['line']) for one in answer.json_body['error']['faults']] == [
        ('No export named x found.', 4)]


HEAD = 'heat_template_version: 2021-04-16\n'
OUTER = HEAD + 'resources:\n  first: {type: OS::Heat::None}\n  kid:\n    type: http://x.org/kid.yaml\n'


@pytest.mark.parametrize(('kid', 'first', 'place'), [
    (HEAD + 'resources:\n   a: {type: x}\n  b: {}\n',
     'Error parsing template http://x.org/kid.yaml while parsing a block mapping',
     'http://x.org/kid.yaml, line 4, column 3'),
    (HEAD + 'resources:\n  a: {typ: OS::Heat::None}\n',
     '"typ" is not a valid keyword inside a resource definition',
     'resources.a.typ, in http://x.org/kid.yaml, line 3, column 7'),
    (HEAD + 'parameters:\n  p: {type: sting}\n', 'Invalid type (sting)',
     'parameters.p.type, in http://x.org/kid.yaml, line 3, column 7'),
    (HEAD + 'resources:\n  a: {type: OS::Heat::Noen}\n',
     'resources.kid<http://x.org/kid.yaml>: The Resource Type (OS::Heat::Noen) could not be found. '
     'Did you mean OS::Heat::None?', 'resources.a.type, in http://x.org/kid.yaml, line 3, column 7'),
    (HEAD + 'resources:\n  a:\n    type: OS::Heat::RandomString\n    properties:\n      length: long\n',
     'Property error: : resources.kid<http://x.org/kid.yaml>.resources.a.properties.length: : '
     "Value 'long' is not an integer",
     'resources.a.properties.length, in http://x.org/kid.yaml, line 6, column 7'),
    (HEAD + 'parameters:\n  p: {type: number}\n', 'Property error: : resources.kid.properties: : '
     'Property p not assigned', 'resources.kid.properties, line 4, column 3')])
def test_faults_inside_a_template_of_a_type_stand_in_its_file(site: Callable[[], Site], kid: str, first: str,
                                                              place: str) -> None:
    answer = asked(site(), 'create', OUTER, None, files={'http://x.org/kid.yaml': kid})
    assert answer.status_int == 400, answer.text
    lines = answer.json_body['error']['message'].splitlines()
    assert lines[0] == first
    assert f'  at {place}' in lines, lines
