"""The bus, direct and over a broker: the same requests must give the same answers."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from heat import bus
from heat.bus import notify, transport, wire
from heat.bus.client import EngineClient
from heat.bus.server import EngineServer
from heat.common import config, errors
from heat.common.context import RequestContext

CONTEXT = RequestContext(user_id='u', tenant_id='p', roles=('member',), auth_token='secret-token')


class Engine:
    """Answers what the tests ask for, and remembers who asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, RequestContext, dict[str, Any]]] = []
        self.poked = threading.Event()
        self.entered = threading.Event()
        self.released = threading.Event()

    def dispatch(self, method: str, context: RequestContext, arguments: dict[str, Any]) -> Any:
        self.seen.append((method, context, arguments))
        if method == 'poke':
            self.poked.set()
            return None
        if method == 'show_stack':
            raise errors.EntityNotFound(entity='Stack', name=arguments['stack_identity'])
        if method == 'validate_template':
            raise errors.StackValidationFailed(error='Bad', path=['resources', 'a'], message='no')
        if method == 'get_template':
            raise KeyError('token-in-a-message')
        if method == 'list_services':
            self.entered.set()
            self.released.wait(30)
        return {'method': method, 'arguments': arguments}


def _conf(*overrides: tuple[str, str, Any]) -> cfg.ConfigOpts:
    conf = config.load('heat-engine', [], [], logging_setup=False)
    for group, name, value in overrides:
        conf.set_override(name, value, group=None if group == 'DEFAULT' else group)
    return conf


class World:
    """A client port and an engine on a port of its own, if the transport has such."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.conf = conf
        self.client_port = bus.connect(conf)
        direct = conf.bus.mode == 'direct'
        self.server_port = self.client_port if direct else bus.connect(conf)
        self.client = EngineClient(self.client_port, conf)
        self.engine = Engine()
        self.server = EngineServer(self.server_port, conf, self.engine, 'engine-1')
        self.server.start()

    def close(self) -> None:
        self.engine.released.set()
        self.server.stop(10)
        self.client_port.close()
        self.server_port.close()


@pytest.fixture(params=['direct', 'rabbit'])
def world(request: pytest.FixtureRequest) -> Any:
    if request.param == 'direct':
        conf = _conf(('bus', 'mode', 'direct'))
    else:
        conf = _conf()
        broker = request.getfixturevalue('rabbitmq')
        transport.register(conf)
        conf.set_override('transport_url', broker.vhost())
    made = World(conf)
    yield made
    made.close()


def test_a_call_brings_arguments_context_and_result(world: World) -> None:
    reply = world.client.call(CONTEXT, 'list_stacks', limit=3, filters={'name': ['a']}, tags=('x',))
    assert reply == {'method': 'list_stacks',
                     'arguments': {'limit': 3, 'filters': {'name': ['a']}, 'tags': ['x']}}
    method, context, _ = world.engine.seen[0]
    assert (method, context) == ('list_stacks', CONTEXT)


def test_an_expected_error_keeps_its_class_message_and_arguments(world: World) -> None:
    with pytest.raises(errors.EntityNotFound) as caught:
        world.client.call(CONTEXT, 'show_stack', stack_identity='s')
    assert str(caught.value) == 'The Stack (s) could not be found.'
    assert caught.value.kwargs == {'entity': 'Stack', 'name': 's'}
    with pytest.raises(errors.StackValidationFailed) as invalid:
        world.client.call(CONTEXT, 'validate_template', template={})
    assert (invalid.value.path, invalid.value.error_message) == ('resources.a', 'no')


def test_many_who_ask_at_once_get_their_own_answers(world: World) -> None:
    found: dict[int, Any] = {}

    def ask(n: int) -> None:
        try:
            found[n] = (world.client.call(CONTEXT, 'list_stacks', limit=n) if n % 3 else
                        world.client.call(CONTEXT, 'show_stack', stack_identity=n))
        except errors.EntityNotFound as error:
            found[n] = str(error)

    threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(1, 41)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {
        n: {'method': 'list_stacks', 'arguments': {'limit': n}} if n % 3 else
        f'The Stack ({n}) could not be found.' for n in range(1, 41)}
    assert [context for _method, context, _given in world.engine.seen] == [CONTEXT] * 40


def test_an_unforeseen_error_tells_only_the_request(world: World) -> None:
    with pytest.raises(errors.RemoteError) as caught:
        world.client.call(CONTEXT, 'get_template', stack_identity='s')
    assert CONTEXT.request_id in str(caught.value)
    assert 'token-in-a-message' not in str(caught.value)
    assert caught.value.kwargs['type'] == 'KeyError'


def test_methods_and_arguments_outside_the_table_never_leave(world: World) -> None:
    with pytest.raises(TypeError, match='no method'):
        world.client.call(CONTEXT, 'drop_tables')
    with pytest.raises(TypeError, match='no argument'):
        world.client.call(CONTEXT, 'delete_stack', stack_identity='s', whole_region=True)
    assert world.engine.seen == []


def test_a_poke_reaches_the_engine_it_names(world: World) -> None:
    world.client.poke('engine-1', 'root')
    assert world.engine.poked.wait(10)
    assert world.engine.seen[0][2] == {'stack_root_id': 'root'}
    assert world.client.listening('engine-1') is True


def test_an_engine_that_does_not_exist_is_not_listening(world: World) -> None:
    world.conf.set_override('engine_life_check_timeout', 1)
    assert EngineClient(world.client_port, world.conf).listening('engine-2') is False


def test_a_cast_is_served(world: World) -> None:
    world.client.cast(CONTEXT, 'list_services')
    assert world.engine.entered.wait(10)
    assert world.engine.seen[0][1].request_id == CONTEXT.request_id


def test_stopping_waits_for_the_call_in_flight(world: World) -> None:
    replies: list[Any] = []
    caller = threading.Thread(
        target=lambda: replies.append(world.client.call(CONTEXT, 'list_services')), daemon=True)
    caller.start()
    assert world.engine.entered.wait(10)
    stopper = threading.Thread(target=world.server.stop, args=(20,), daemon=True)
    stopper.start()
    world.engine.released.set()
    stopper.join(15)
    caller.join(15)
    assert not stopper.is_alive()
    assert replies == [{'method': 'list_services', 'arguments': {}}]


def test_a_caller_without_envelopes_gets_the_bare_result(world: World) -> None:
    plain = CONTEXT.to_wire()
    reply = world.client_port.call(wire.TOPIC, '1.0', plain, 'identify_stack', {'stack_name': 'n'})
    assert reply == {'method': 'identify_stack', 'arguments': {'stack_name': 'n'}}
    with pytest.raises(errors.EntityNotFound, match='could not be found'):
        world.client_port.call(wire.TOPIC, '1.20', plain, 'show_stack', {'stack_identity': 's'})


@pytest.fixture(params=['direct', 'rabbit'])
def classic(request: pytest.FixtureRequest) -> Any:
    """A client, and an engine that has nothing but the recorded interface and knows no envelopes."""
    conf = _conf(('bus', 'mode', request.param))
    if request.param == 'rabbit':
        broker = request.getfixturevalue('rabbitmq')
        transport.register(conf)
        conf.set_override('transport_url', broker.vhost())
    port = bus.connect(conf)

    def delete_stack(stack_identity: Any) -> None:
        pass

    def create_stack(stack_name: str, args: Any) -> str:
        return stack_name

    def handle(context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        own = {'delete_stack': delete_stack, 'create_stack': create_stack}.get(method)
        return own(**arguments) if own is not None else method

    listener = port.serve(wire.TOPIC, 'old', wire.SERVER_VERSION, wire.METHODS, handle)
    yield EngineClient(port, conf)
    listener.stop()
    port.close()


def test_an_engine_that_is_not_upgraded_yet_does_not_know_our_methods(
        classic: EngineClient, request: pytest.FixtureRequest) -> None:
    assert classic.call(CONTEXT, 'list_stacks') == 'list_stacks'
    with pytest.raises(errors.EngineOutdated, match='does not know describe_stacks yet'):
        classic.call(CONTEXT, 'describe_stacks')
    if 'rabbit' in request.node.name:
        with pytest.raises(errors.EngineOutdated, match='does not know delete_stack with retain yet'):
            classic.call(CONTEXT, 'delete_stack', stack_identity='s', retain=['a'])


def test_a_wish_that_must_not_be_carried_out_without_says_so(world: World) -> None:
    world.client.call(CONTEXT, 'create_stack', stack_name='n', args={'tags': ['a'], 'capabilities': ['C'],
                                                                     'termination_protection': False})
    world.client.call(CONTEXT, 'create_stack', stack_name='n', args={'on_failure': 'DELETE', 'guard': []})
    world.client.call(replace(CONTEXT, generations=(3,)), 'update_stack', args={'guard': ['a']})
    assert [arguments.get('needs') for _method, _context, arguments in world.engine.seen] == [
        None, ['on_failure'], ['guard', 'generations']]


def test_an_engine_that_is_not_upgraded_yet_drops_nothing_that_matters(
        classic: EngineClient, request: pytest.FixtureRequest) -> None:
    assert classic.call(CONTEXT, 'create_stack', stack_name='n', args={'capabilities': ['C']}) == 'n'
    if 'rabbit' in request.node.name:
        for context, args, said in ((CONTEXT, {'on_failure': 'DELETE'}, 'on_failure'),
                                    (replace(CONTEXT, generations=(3,)), {}, 'generations')):
            with pytest.raises(errors.EngineOutdated, match=f'does not know create_stack with {said} yet'):
                classic.call(context, 'create_stack', stack_name='n', args=args)


def test_a_version_that_no_engine_serves_yet_is_told_like_a_method(request: pytest.FixtureRequest) -> None:
    broker = request.getfixturevalue('rabbitmq')
    conf = _conf()
    transport.register(conf)
    conf.set_override('transport_url', broker.vhost())
    port = bus.connect(conf)
    listener = port.serve(wire.TOPIC, 'old', '1.20', wire.METHODS, lambda *_asked: None)
    try:
        with pytest.raises(errors.EngineOutdated, match='list_stacks'):
            EngineClient(port, conf).call(CONTEXT, 'list_stacks')
    finally:
        listener.stop()
        port.close()


def test_silence_becomes_an_error_after_the_time_out(request: pytest.FixtureRequest) -> None:
    conf = _conf()
    broker = request.getfixturevalue('rabbitmq')
    transport.register(conf)
    conf.set_override('transport_url', broker.vhost())
    port = bus.connect(conf)
    try:
        with pytest.raises(wire.NoReply, match='within 1 seconds'):
            EngineClient(port, conf).call(CONTEXT, 'list_stacks', rpc_timeout=1)
    finally:
        port.close()


def test_a_broker_that_goes_away_only_delays_calls(request: pytest.FixtureRequest) -> None:
    broker = request.getfixturevalue('rabbitmq')
    conf = _conf()
    transport.register(conf)
    conf.set_override('transport_url', broker.vhost())
    world = World(conf)
    replies: list[Any] = []
    try:
        world.client.call(CONTEXT, 'list_stacks')
        broker.control('stop_app')
        try:
            caller = threading.Thread(
                target=lambda: replies.append(world.client.call(CONTEXT, 'list_stacks')), daemon=True)
            caller.start()
        finally:
            broker.control('start_app')
        caller.join(50)
        assert replies == [{'method': 'list_stacks', 'arguments': {}}]
    finally:
        world.close()


@pytest.mark.parametrize('text, url', [
    ('', None),
    ('transport_url = rabbit://a:b@c:5672/\nrabbit_host = old\n', None),
    ('rabbit_host = mq\nrabbit_password = p@ss/1\n', 'rabbit://guest:p%40ss%2F1@mq:5672/'),
    ('rabbit_hosts = a:1, b:2\nrabbit_userid = u\nrabbit_password = p\nrabbit_virtual_host = /heat\n',
     'rabbit://u:p@a:1,u:p@b:2/heat'),
    ('rpc_backend = heat.openstack.common.rpc.impl_kombu\nrabbit_port = 5671\n',
     'rabbit://guest:guest@localhost:5671/')])
def test_a_broker_named_piece_by_piece(text: str, url: str | None, tmp_path: Path) -> None:
    (tmp_path / 'heat.conf').write_text('[DEFAULT]\n' + text)
    conf = config.load('heat-engine', [], [str(tmp_path / 'heat.conf')], logging_setup=False)
    transport.register(conf)
    assert transport.transport_url(conf) == url


def test_a_driver_for_another_broker_is_refused() -> None:
    conf = _conf(('DEFAULT', 'rpc_backend', 'heat.openstack.common.rpc.impl_qpid'))
    with pytest.raises(ValueError, match='impl_qpid is not supported'):
        bus.connect(conf)


def test_notifications_go_to_the_configured_drivers(caplog: pytest.LogCaptureFixture) -> None:
    conf = _conf(('DEFAULT', 'host', 'node'))
    transport.register(conf)
    conf.set_override('driver', ['log'], group='oslo_messaging_notifications')
    sender = notify.Notifier(conf)
    caplog.set_level('INFO')
    assert sender.stack(CONTEXT, 'CREATE', 'IN_PROGRESS', {'stack_name': 's'})
    assert sender.stack(CONTEXT, 'CREATE', 'FAILED', {'stack_name': 's'})
    first, second = (record for record in caplog.records if 'notification' in record.name)
    assert first.name.endswith('orchestration.stack.create.start')
    assert '"publisher_id": "orchestration.node"' in first.getMessage()
    assert '"stack_name": "s"' in first.getMessage()
    assert second.name.endswith('orchestration.stack.create.error')
    assert (first.levelname, second.levelname) == ('INFO', 'ERROR')
    assert 'secret-token' not in caplog.text


def test_without_a_driver_nothing_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level('INFO')
    assert notify.Notifier(_conf()).autoscaling(CONTEXT, 'end', {'groupname': 'g'})
    assert [record for record in caplog.records if 'notification' in record.name] == []


def test_the_tables_equal_the_recorded_interface() -> None:
    recorded = json.loads((Path(__file__).resolve().parents[1] / 'data/rpc_methods.json').read_text())
    fixed = (recorded['topic'], recorded['server_version'], recorded['exchange'])
    assert fixed == (wire.TOPIC, wire.SERVER_VERSION, transport.EXCHANGE)
    methods = {name: (method['version'], tuple(method['message_args']))
               for name, method in recorded['methods'].items()}
    assert methods == wire.METHODS
