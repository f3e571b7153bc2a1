"""Macros that an operator serves: what is asked, what becomes of the answer, and what goes wrong."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from heat.common import config, errors
from heat.common.ids import StackId
from heat.engine.compiled import Compiled, compile_all
from heat.engine.documents import Documents, HostFiles

IDENTITY = StackId('t', 's', '00000000-0000-4000-8000-000000000000')
TREE: dict[str, Any] = {
    'Parameters': {'Word': {'Type': 'String', 'Default': 'w'}, 'Secret': {'Type': 'String', 'Default': 'sss',
                                                                          'NoEcho': True}},
    'Resources': {'A': {'Type': 'AWS::CloudFormation::WaitConditionHandle', 'Metadata': {
        'k': 'v', 'Fn::Transform': {'Name': 'Inline', 'Parameters': {'P': {'Ref': 'Word'}}}}}}}


class Macros(http.server.ThreadingHTTPServer):
    """Answers as ``answer`` says and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: Callable[[dict[str, Any]], Any] = lambda request: request['fragment']

    def documents(self, **more: Any) -> Documents:
        conf = config.load('heat-engine', [], [], logging_setup=False)
        url = f'http://127.0.0.1:{self.server_port}'
        served = {name: f'{url}/{name}' for name in ('Whole', 'Inline')}
        conf.set_override('template_macros', served, 'engine')
        for name, value in more.items():
            conf.set_override(name, value)
        return Documents({}, conf)


class Handler(http.server.BaseHTTPRequestHandler):
    server: Macros

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.server.asked.append((self.path, request))
        made = self.server.answer(request)
        body = made if isinstance(made, bytes) else json.dumps(
            made if isinstance(made, dict) and 'requestId' in made else
            {'requestId': request['requestId'], 'status': 'success', 'fragment': made}).encode()
        self.send_response(500 if body == b'broken' else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def macros() -> Iterator[Macros]:
    server = Macros()
    threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def made(tree: dict[str, Any], files: Any, **parameters: Any) -> Compiled:
    return compile_all(IDENTITY, tree, {'parameters': parameters}, files)


def test_what_stands_beside_it_is_given_to_the_macro_and_replaced(macros: Macros) -> None:
    macros.answer = lambda request: {**request['fragment'], 'made': request['params']['P']}
    compiled = made(TREE, macros.documents(), Word='x')
    assert compiled.template.processed['Resources']['A']['Metadata'] == {'k': 'v', 'made': 'x'}
    ((path, asked),) = macros.asked
    assert path == '/Inline' and asked.pop('requestId')
    assert asked == {
        'region': asked['region'], 'accountId': 't', 'transformId': 't::Inline', 'fragment': {'k': 'v'},
        'params': {'P': 'x'}, 'templateParameterValues': {'Word': 'x', 'Secret': 'sss'}}


def test_a_macro_of_the_transform_section_makes_the_whole_template_last_of_all(macros: Macros) -> None:
    def answer(request: dict[str, Any]) -> Any:
        if request['transformId'] == 't::Inline':
            return {'inline': 1}
        resources = request['fragment']['Resources']
        return {**request['fragment'], 'Resources': {**resources, 'B': {
            **resources['A'], 'Type': request['params']['Type']}}}

    macros.answer = answer
    tree = {**TREE, 'Transform': [{'Name': 'Whole', 'Parameters': {'Type': 'AWS::CloudFormation::Stack'}}]}
    compiled = made(tree, macros.documents())
    assert [path for path, _asked in macros.asked] == ['/Inline', '/Whole']
    assert 'Transform' not in macros.asked[1][1]['fragment']
    assert compiled.template.resources['B'].type == 'AWS::CloudFormation::Stack'
    assert compiled.template.processed['Resources']['B']['Metadata'] == {'inline': 1}
    assert compiled.template.raw == tree


def test_a_macro_may_take_sections_of_its_own_away(macros: Macros) -> None:
    macros.answer = lambda request: {'Resources': {request['fragment']['Things']['Name']: {
        'Type': 'AWS::CloudFormation::WaitConditionHandle'}}}
    tree = {'AWSTemplateFormatVersion': '2010-09-09', 'Transform': 'Whole', 'Things': {'Name': 'W'}}
    assert list(made(tree, macros.documents()).template.resources) == ['W']
    macros.answer = lambda request: request['fragment']
    with pytest.raises(errors.InvalidTemplateSection, match='Things'):
        made(tree, macros.documents())
    with pytest.raises(errors.StackValidationFailed, match='The macro "Whole" is not served here'):
        made(tree, {})


def test_a_stack_that_stands_asks_nobody(macros: Macros) -> None:
    macros.answer = lambda request: {'made': len(macros.asked)}
    documents = macros.documents()
    first = made(TREE, documents)
    # As the engine reads it from the database; one that asks for other values was not taken in so.
    again = made(TREE, HostFiles(dict(documents), ''))
    assert again.template.processed == first.template.processed and len(macros.asked) == 1
    with pytest.raises(errors.StackValidationFailed, match='not asked for this template and these values'):
        made(TREE, HostFiles(dict(documents), ''), Word='other')


@pytest.mark.parametrize(('answer', 'said'), [
    (lambda request: b'broken', 'it answers with status 500'),
    (lambda request: b'text', 'its answer is not JSON'),
    (lambda request: {'requestId': 'x', 'status': 'success', 'fragment': {}},
     'its answer is not of the form'),
    (lambda request: {'requestId': request['requestId'], 'status': 'failed', 'errorMessage': 'too hot'},
     'too hot'),
    (lambda request: {'requestId': request['requestId'], 'status': 'success'}, 'its status is success'),
    (lambda request: b'[' * 100_000, 'its answer is not JSON'),
])
def test_what_a_macro_says_wrong_is_told_at_its_place(macros: Macros, answer: Any, said: str) -> None:
    macros.answer = answer
    with pytest.raises(errors.StackValidationFailed, match=f'The macro "Inline" failed: {said}') as caught:
        made(TREE, macros.documents())
    assert caught.value.faults[0].path == ('Resources', 'A', 'Metadata', 'Fn::Transform')


def test_limits_and_services_that_are_away(macros: Macros) -> None:
    macros.answer = lambda request: {'x': 'y' * 2000}
    with pytest.raises(errors.RequestLimitExceeded, match=r'maximum allowed size \(1000 bytes\)'):
        made(TREE, macros.documents(max_template_size=1000))
    macros.answer = lambda request: 'no template'
    with pytest.raises(errors.StackValidationFailed, match='made what is no template'):
        made({**TREE, 'Transform': 'Whole'}, macros.documents())
    away = macros.documents()
    away._conf.set_override('template_macros', {'Inline': 'http://127.0.0.1:1/'}, 'engine')
    with pytest.raises(errors.StackValidationFailed, match='The macro "Inline" failed: it cannot be reached'):
        made(TREE, away)


def test_one_that_nobody_serves_is_refused_by_name(macros: Macros) -> None:
    for tree in ({**TREE, 'Transform': 'Strange'}, {'Resources': {'Fn::Transform': {'Name': 'Strange'}}}):
        with pytest.raises(errors.StackValidationFailed, match='The macro "Strange" is not served here'):
            made(tree, macros.documents())
    assert [path for path, _asked in macros.asked] == []


def test_without_the_values_of_parameters_no_macro_is_asked(macros: Macros) -> None:
    tree = {**TREE, 'Parameters': {'Word': {'Type': 'String'}}}
    lenient = compile_all(IDENTITY, tree, {}, macros.documents(), strict=False)
    assert lenient.template.resources == {} and 'Word' in lenient.template.parameters
    with pytest.raises(errors.UserParameterMissing):
        compile_all(IDENTITY, tree, {}, macros.documents())
    assert macros.asked == []
