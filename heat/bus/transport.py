"""The only importer of oslo.messaging: calls, casts and served topics over a broker.

Purpose: a ``Port`` on top of the transport that ``transport_url`` names. Invariant:
nothing of oslo.messaging, its exceptions included, is seen above. A broker that is
away delays messages and fails none, until the reply time-out. Neighbours: ``client``
and ``server`` talk to the ``Port``; ``notify`` takes ``notifier``.
"""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from urllib.parse import quote

import oslo_messaging
from oslo_config import cfg
from oslo_messaging import opts

from heat.bus import wire
from heat.common import errors, green

LOG = logging.getLogger(__name__)

EXCHANGE = 'heat'
# A call that no queue takes comes back, instead of being dropped by the broker.
TOLD = oslo_messaging.TransportOptions(at_least_once=True)
ABSENT_SECONDS = 0.2
# After a message the library asks its connection again in 1, 2, 4 ... milliseconds whether another has come,
# and each time that costs as much as one: it looks for acknowledgements left by other threads, of which RPC
# has none. A message that comes is taken at once however long it waits; only the end of a listener is
# noticed that much later, as where there is nothing to do.
POLL_SECONDS = 0.05
# The AMQP library asks the kernel for each frame three times, for nine pieces of a message, and keeps what it
# has too much of: so it is given all that is there, up to so many bytes.
AHEAD = 32_768
# Where a front-end of another release looks for the class of an error.
_FOREIGN_MODULE = 'heat.common.exception'
_RABBIT_DRIVERS = ('rabbit', 'kombu', 'heat.openstack.common.rpc.impl_kombu',
                   'oslo.messaging._drivers.impl_rabbit:RabbitDriver')


def register(conf: cfg.ConfigOpts) -> None:
    """Make the library's options known to ``conf`` before a transport is made."""
    oslo_messaging.set_transport_defaults(EXCHANGE)
    for group, options in opts.list_opts():
        conf.register_opts(options, group=group)
    # The library registers these sections with its global configuration only, and then reads ours.
    for name in ('tracing', 'metrics'):
        try:
            module = importlib.import_module(f'oslo_messaging._{name}.client')
        except ImportError:
            continue
        conf.register_opts(getattr(module, f'oslo_messaging_{name}', []), group=f'oslo_messaging_{name}')


def _poll_calmly() -> None:
    driver: Any = importlib.import_module('oslo_messaging._drivers.amqpdriver')
    if hasattr(driver, 'ACK_REQUEUE_EVERY_SECONDS_MIN'):
        driver.ACK_REQUEUE_EVERY_SECONDS_MIN = POLL_SECONDS


def _read_ahead() -> None:
    tcp: Any = importlib.import_module('amqp.transport').TCPTransport
    set_up = getattr(tcp, '_setup_transport', None)
    if set_up is None or hasattr(set_up, 'reads_ahead'):
        return

    def reading_ahead(transport: Any) -> None:
        set_up(transport)
        receive = transport.sock.recv
        transport._quick_recv = lambda size: receive(max(size, AHEAD))

    reading_ahead.reads_ahead = True  # type: ignore[attr-defined]
    tcp._setup_transport = reading_ahead


def transport_url(conf: cfg.ConfigOpts) -> str | None:
    """The broker's URL out of the separate options of early releases; None if none of them is set.

    Raises ValueError if ``rpc_backend`` names a driver other than RabbitMQ's.
    """
    if conf.transport_url not in (None, '', 'rabbit://'):
        return None
    if conf.rpc_backend and conf.rpc_backend not in _RABBIT_DRIVERS:
        raise ValueError(f'rpc_backend = {conf.rpc_backend} is not supported; set transport_url.')
    given = (conf.rabbit_host, conf.rabbit_port, conf.rabbit_hosts, conf.rabbit_userid,
             conf.rabbit_password, conf.rabbit_virtual_host)
    if not any(given):
        return None
    hosts = conf.rabbit_hosts or [f'{conf.rabbit_host or "localhost"}:{conf.rabbit_port or 5672}']
    login = f'{quote(conf.rabbit_userid or "guest", "")}:{quote(conf.rabbit_password or "guest", "")}'
    vhost = quote((conf.rabbit_virtual_host or '/').removeprefix('/'), '')
    return 'rabbit://' + ','.join(f'{login}@{host}' for host in hosts) + f'/{vhost}'


class Transport:
    """A ``wire.Port`` over oslo.messaging."""

    costly = True

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        register(conf)
        _poll_calmly()
        _read_ahead()
        # No module is trusted to be imported by name from a reply.
        self._transport = oslo_messaging.get_rpc_transport(
            conf, url=transport_url(conf), allowed_remote_exmods=[])
        self._clients: dict[str, Any] = {}

    def _client(self, topic: str) -> Any:
        if topic not in self._clients:
            target = oslo_messaging.Target(topic=topic, version='1.0')
            self._clients[topic] = oslo_messaging.get_rpc_client(self._transport, target)
        return self._clients[topic]

    def call(self, topic: str, version: str, context: dict[str, Any], method: str,
             arguments: dict[str, Any], *, server: str | None = None,
             timeout: float | None = None) -> Any:
        options: dict[str, Any] = {'version': version, 'transport_options': TOLD}
        if server:
            options['server'] = server
        if timeout is not None:
            options['timeout'] = timeout
        request = str(context.get('request_id', ''))
        seconds = timeout if timeout is not None else self._transport.conf.rpc_response_timeout
        end = time.monotonic() + seconds
        try:
            while True:
                try:
                    return self._client(topic).prepare(**options).call(context, method, **arguments)
                except oslo_messaging.MessageUndeliverable:
                    # Nobody has it. A broker that was away may know us again, and the engines not yet.
                    if time.monotonic() >= end:
                        raise wire.NoReply(request_id=request, seconds=seconds) from None
                    green.sleep(ABSENT_SECONDS)
        except oslo_messaging.MessagingTimeout:
            raise wire.NoReply(request_id=request, seconds=seconds) from None
        except oslo_messaging.RemoteError as error:
            raise wire.named(str(error.exc_type), str(error.value), request, method) from None
        except errors.HeatException:
            raise
        except Exception as error:
            LOG.warning('Calling %s failed: %s', method, error)
            # Of what was raised there, the library makes Python's own errors again, under another name.
            kind = type(error).__name__.removesuffix('_Remote')
            raise wire.named(kind, str(error), request, method) from None

    def cast(self, topic: str, version: str, context: dict[str, Any], method: str,
             arguments: dict[str, Any], *, server: str | None = None, retry: int | None = None) -> None:
        options: dict[str, Any] = {'version': version}
        if server:
            options['server'] = server
        if retry is not None:
            options['retry'] = retry
        try:
            self._client(topic).prepare(**options).cast(context, method, **arguments)
        except oslo_messaging.MessagingException as error:
            LOG.warning('Casting %s failed: %s', method, error)
            raise wire.unexpected(error, str(context.get('request_id', ''))) from None

    def serve(self, topic: str, server: str, version: str, methods: Collection[str],
              handler: wire.Handler) -> wire.Listener:
        target = oslo_messaging.Target(topic=topic, server=server, version=version)
        # Which executor fits, green or native threads, oslo.messaging finds out itself.
        rpc_server = oslo_messaging.get_rpc_server(
            self._transport, target, [_Endpoint(version, methods, handler)])
        rpc_server.start()
        return _Listener(rpc_server)

    def close(self) -> None:
        self._transport.cleanup()


class _Endpoint:
    """Any method of the table, as the attribute which oslo.messaging's dispatcher looks for."""

    def __init__(self, version: str, methods: Collection[str], handler: wire.Handler) -> None:
        self.target = oslo_messaging.Target(version=version)
        self._methods = frozenset(methods)
        self._handler = handler

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith('_') or name not in self._methods:
            raise AttributeError(name)
        return partial(self._serve, name)

    def _serve(self, method: str, context: dict[str, Any], **arguments: Any) -> Any:
        try:
            return self._handler(context, method, arguments)
        except wire.Refusal as refusal:
            data = refusal.error.to_wire()
        foreign = type(data['class'], (Exception,), {'__module__': _FOREIGN_MODULE})(data['message'])
        foreign.kwargs = data['kwargs']
        try:
            raise foreign
        except Exception:
            raise oslo_messaging.ExpectedException() from None


class _Listener:
    def __init__(self, server: Any) -> None:
        self._server = server

    def stop(self) -> None:
        self._server.stop()
        try:
            self._serve_what_came()
        except Exception as error:
            LOG.warning('Messages that came while the server stopped may be lost: %s', error)

    def _serve_what_came(self) -> None:
        # The library goes on being sent messages between ``stop`` and ``wait``, and drops them with the
        # connection after having acknowledged them. So tell the broker first, then serve the rest.
        listener = self._server.listener
        poller = getattr(listener, '_poll_style_listener', None)
        connection = getattr(getattr(poller, 'conn', None), 'connection', None)
        if poller is None or connection is None:
            # Only the RabbitMQ driver works like this.
            return
        for consumer, tag in list(connection._consumers.items()):
            consumer.cancel(tag)
        while incoming := poller.poll(batch_size=listener.batch_size, batch_timeout=listener.batch_timeout):
            listener.on_incoming_callback(incoming)

    def wait(self, timeout: float | None = None) -> None:
        try:
            self._server.wait(timeout=timeout)
        except oslo_messaging.server.TaskTimeout:
            LOG.warning('Messages are still being served after %s seconds.', timeout)


Send = Callable[[dict[str, Any], str, str, dict[str, Any]], None]


def notifier(conf: cfg.ConfigOpts, publisher: str) -> Send:
    """A function (context, event type, priority, payload) that sends one notification.

    Drivers and topics are those of ``[oslo_messaging_notifications]``; without a
    driver nothing is sent. Raises what the driver raises.
    """
    register(conf)
    transport = oslo_messaging.get_notification_transport(conf)
    sender = oslo_messaging.Notifier(transport, publisher)

    def send(context: dict[str, Any], event_type: str, priority: str, payload: dict[str, Any]) -> None:
        getattr(sender, priority.lower())(context, event_type, payload)

    return send
