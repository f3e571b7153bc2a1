"""Tokens, retries and lost answers, against a scripted service over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from heat.clouds import rest
from heat.clouds.credential import Credential
from heat.clouds.performer import Answer, Fault, Performer, Result
from heat.clouds.session import Connection, LostAnswer, Sessions
from heat.clouds.watch import Round
from heat.common import config, green
from heat.common.clock import VirtualClock
from heat.model import op
from heat.model.op import Find


class Script:
    """Answers given in order to requests below /net: (status, body[, headers]) or 'cut'."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.seen: list[tuple[str, str, str, str]] = []
        self.tokens = 0
        self.url = ''

    def token(self) -> tuple[int, Any, dict[str, str]]:
        self.tokens += 1
        endpoints = [
            {'id': '1', 'interface': 'public', 'region': 'R', 'region_id': 'R', 'url': f'{self.url}/net'}
        ]
        body = {
            'token': {
                'expires_at': '2999-01-01T00:00:00.000000Z',
                'issued_at': '2020-01-01T00:00:00.000000Z',
                'methods': ['password'],
                'user': {'id': 'u', 'name': 'heat', 'domain': {'id': 'default', 'name': 'D'}},
                'project': {'id': 'p', 'name': 'service', 'domain': {'id': 'default', 'name': 'D'}},
                'roles': [{'id': 'r', 'name': 'service'}],
                'catalog': [{'id': 'c', 'type': 'network', 'name': 'neutron', 'endpoints': endpoints}],
            }
        }
        return 201, body, {'X-Subject-Token': f'token-{self.tokens}'}


@pytest.fixture
def script() -> Iterator[Script]:
    plan = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get('Content-Length') or 0))
            if self.path == '/v3/auth/tokens':
                given: Any = plan.token()
            else:
                plan.seen.append(
                    (
                        self.command,
                        self.path,
                        self.headers.get('X-Auth-Token', ''),
                        self.headers.get('X-Openstack-Request-Id', ''),
                    )
                )
                given = plan.answers.pop(0)
            if given == 'cut':
                self.close_connection = True
                return
            body = json.dumps(given[1]).encode() if given[1] is not None else b''
            self.send_response(given[0])
            for name, value in (given[2] if len(given) > 2 else {}).items():
                self.send_header(name, value)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    plan.url = f'http://127.0.0.1:{server.server_address[1]}'
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield plan
    server.shutdown()
    server.server_close()
    assert plan.answers == [], 'fewer requests came than the test says'


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def sessions(script: Script, tmp_path: Path, naps: list[float]) -> Sessions:
    file = tmp_path / 'heat.conf'
    file.write_text(
        f'[keystone_authtoken]\nauth_type=password\nauth_url={script.url}\nusername=heat\n'
        'password=pw\nproject_name=service\n[engine]\nhttp_timeout=5\n'
    )
    conf = config.load('heat-engine', [], [str(file)], logging_setup=False)
    return Sessions(conf, sleep=naps.append)


@pytest.fixture
def connection(sessions: Sessions) -> Connection:
    return sessions.for_credential(Credential.of_service())


GET = op.Call('network', 'GET', '/ports/1', unwrap='port')
POST = op.Call('network', 'POST', '/ports', {'port': {}}, unwrap='port')
DELETE = op.Call('network', 'DELETE', '/ports/1')


def test_one_token_serves_many_calls(script: Script, connection: Connection) -> None:
    script.answers = [(200, {'port': {'n': n}}) for n in range(3)]
    assert [rest.perform(connection, GET)['n'] for _ in range(3)] == [0, 1, 2]
    assert script.tokens == 1
    assert script.seen[0][:3] == ('GET', '/net/v2.0/ports/1', 'token-1')


def test_the_operations_id_travels_along(script: Script, connection: Connection) -> None:
    script.answers = [(200, {'port': {}})]
    rest.perform(connection, GET, 'req-5bf2a8a2-70c5-4d75-a5f8-2b4a6ab3a9f4')
    assert script.seen[0][3] == 'req-5bf2a8a2-70c5-4d75-a5f8-2b4a6ab3a9f4'


@pytest.mark.parametrize('call', [GET, POST])
def test_a_refused_token_is_renewed_once(script: Script, connection: Connection, call: op.Call) -> None:
    script.answers = [(401, {}), (200, {'port': {}})]
    rest.perform(connection, call)
    assert [seen[2] for seen in script.seen] == ['token-1', 'token-2']


def test_a_token_refused_twice_is_a_fault(script: Script, connection: Connection) -> None:
    script.answers = [(401, {}), (401, {'error': {'message': 'No.'}})]
    with pytest.raises(op.CloudFault, match='No') as caught:
        rest.perform(connection, GET)
    assert caught.value.status == 401 and len(script.seen) == 2


@pytest.mark.parametrize('trouble', [(503, {}), (500, {}), (429, {}), 'cut'])
def test_reading_is_tried_again(
    script: Script, connection: Connection, naps: list[float], trouble: Any
) -> None:
    script.answers = [trouble, trouble, (200, {'port': {'ok': True}})]
    assert rest.perform(connection, GET) == {'ok': True}
    assert naps == [0.25, 0.5]


def test_reading_gives_up(script: Script, connection: Connection) -> None:
    script.answers = ['cut', 'cut', 'cut']
    with pytest.raises(op.CloudFault) as caught:
        rest.perform(connection, GET)
    assert caught.value.status == 0 and not isinstance(caught.value, LostAnswer)


@pytest.mark.parametrize('trouble', ['cut', (504, {}), (502, {})])
def test_a_change_without_answer_is_lost_and_not_repeated(
    script: Script, connection: Connection, trouble: Any
) -> None:
    script.answers = [trouble]
    with pytest.raises(LostAnswer) as caught:
        rest.perform(connection, POST)
    assert caught.value.status == 0 and len(script.seen) == 1


@pytest.mark.parametrize('answer', [
    (200, '<html>Down for maintenance</html>'), (200, {}), (200, {'port': {}}), (200, {'port': {'id': None}}),
    (200, None)])
def test_a_creation_answered_without_what_it_made_is_lost(
    script: Script, connection: Connection, answer: Any
) -> None:
    script.answers = [answer]
    with pytest.raises(LostAnswer, match='The answer of the network service has no "'):
        rest.perform(connection, op.Call('network', 'POST', '/ports', {}, unwrap='port', identify='id'))


def test_a_change_that_was_throttled_is_sent_again(
    script: Script, connection: Connection, naps: list[float]
) -> None:
    script.answers = [(429, {}, {'Retry-After': '3'}), (201, {'port': {'id': '1'}})]
    assert rest.perform(connection, POST) == {'id': '1'}
    assert naps == [3.0]


def test_a_failed_change_is_not_sent_again(script: Script, connection: Connection) -> None:
    script.answers = [(500, {'NeutronError': {'type': 'X', 'message': 'Broken.', 'detail': ''}})]
    with pytest.raises(op.CloudFault, match='Broken') as caught:
        rest.perform(connection, POST)
    assert not isinstance(caught.value, LostAnswer)


def test_a_delete_whose_answer_was_lost_may_find_nothing(script: Script, connection: Connection) -> None:
    script.answers = [
        'cut',
        (404, {'NeutronError': {'type': 'PortNotFound', 'message': 'Gone.', 'detail': ''}}),
    ]
    assert rest.perform(connection, DELETE) is None


def test_a_delete_that_finds_nothing_at_first_is_a_fault(script: Script, connection: Connection) -> None:
    script.answers = [(404, {'NeutronError': {'type': 'PortNotFound', 'message': 'Gone.', 'detail': ''}})]
    with pytest.raises(op.CloudFault) as caught:
        rest.perform(connection, DELETE)
    assert caught.value.kind == 'PortNotFoundClient'


def test_a_service_that_nobody_serves_was_never_reached(script: Script, connection: Connection) -> None:
    assert connection.base('network')
    connection._bases['network'] = 'http://127.0.0.1:1'
    with pytest.raises(op.CloudFault) as caught:
        rest.perform(connection, POST)
    assert caught.value.kind == 'ConnectFailure' and not isinstance(caught.value, LostAnswer)


def test_a_missing_endpoint_never_looks_like_a_missing_object(connection: Connection) -> None:
    with pytest.raises(op.CloudFault) as caught:
        rest.perform(connection, op.Call('messaging', 'DELETE', '/queues/q', ok=(404,)))
    assert caught.value.text() == 'public endpoint for messaging service not found'
    assert (
        caught.value.status == 0 and not connection.has_service('zaqar') and connection.has_service('network')
    )


def test_pages_keep_the_path_and_follow_the_query(script: Script, connection: Connection) -> None:
    link = {'rel': 'next', 'href': 'http://elsewhere/v2.0/ports?limit=2&fields=id&fields=name&marker=b'}
    script.answers = [
        (200, {'ports': [{'id': 'a'}, {'id': 'b'}], 'ports_links': [link]}),
        (200, {'ports': [{'id': 'c'}]}),
    ]
    found = list(rest.pages(connection, 'network', '/ports?limit=2', 'ports', {'fields': ['id', 'name']}))
    assert found == [[{'id': 'a'}, {'id': 'b'}], [{'id': 'c'}]]
    assert [seen[1] for seen in script.seen] == [
        '/net/v2.0/ports?limit=2&fields=id&fields=name',
        '/net/v2.0/ports?limit=2&fields=id&fields=name&marker=b',
    ]


def test_pages_that_lead_in_a_circle_are_no_list(script: Script, connection: Connection) -> None:
    page = (200, {'ports': [{'id': 'a'}], 'ports_links': [{'rel': 'next', 'href': 'http://h/ports?limit=1'}]})
    script.answers = [page, page]
    with pytest.raises(op.CloudFault, match='lead back'):
        list(rest.pages(connection, 'network', '/ports?limit=1', 'ports'))


def performed(start: Callable[[Callable[[Result], None]], None]) -> Result:
    came, results = green.Event(), []

    def done(result: Result) -> None:
        results.append(result)
        came.set()

    start(done)
    assert came.wait(10)
    return results[0]


def test_the_performer_gives_values(script: Script, sessions: Sessions) -> None:
    performer, who = Performer(sessions, VirtualClock()), Credential.of_service()
    script.answers = [(200, {'port': {'id': '1'}}), 'cut', (404, {})]
    assert performed(lambda done: performer.perform(who, GET, done)) == Answer({'id': '1'})
    lost = performed(lambda done: performer.perform(who, POST, done))
    assert isinstance(lost, Fault) and lost.lost
    refused = performed(lambda done: performer.perform(who, GET, done))
    assert isinstance(refused, Fault) and not refused.lost and refused.fault.status == 404


def test_a_call_whose_owner_no_longer_wants_it_is_not_made(script: Script, sessions: Sessions) -> None:
    performer, asked = Performer(sessions, VirtualClock()), green.Event()

    def begin() -> bool:
        asked.set()
        return False

    performer.perform(
        Credential.of_service(), POST, lambda result: pytest.fail('no result may come'), begin=begin
    )
    assert asked.wait(10) and script.seen == []


def test_a_service_that_hangs_holds_up_no_other(script: Script, sessions: Sessions) -> None:
    performer, who, over = Performer(sessions, VirtualClock()), Credential.of_service(), green.Event()

    def hanging() -> bool:
        over.wait(30)
        return False

    def look(service: str) -> Round:
        poll = op.Poll(service, '/ports/1', '1', lambda body: True, unwrap='port')
        return Round(1, (who, service, '/ports/1', None), False, (poll,))

    for _ in range(sessions.conf.engine.service_call_pool):
        performer.perform(who, look('compute'), lambda result: None, begin=hanging)
        performer.perform(who, Find('nova.flavor', 'small'), lambda result: None, begin=hanging)
    script.answers = [(200, {'port': {'id': '1'}}), (200, {'networks': [{'id': 'n', 'name': 'net'}]})]
    assert performed(lambda done: performer.perform(who, look('network'), done)) == Answer({'1': {'id': '1'}})
    assert performed(lambda done: performer.perform(who, Find('neutron.network', 'net'), done)) == Answer('n')
    over.set()


def test_an_operation_without_configuration_says_which_option(sessions: Sessions) -> None:
    performer = Performer(sessions, VirtualClock())
    call = op.UserCall('create_user', {'name': 'n', 'project_name': 'p'})
    result = performed(lambda done: performer.perform(Credential.of_service(), call, done))
    assert isinstance(result, Fault) and 'stack_user_domain_id' in result.fault.text() and not result.lost
