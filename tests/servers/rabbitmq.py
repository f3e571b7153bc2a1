"""A private RabbitMQ: node name, epmd, ports, cookie, plugins and data of its own.

Invariant: it never meets another broker of the machine, since it has its own epmd, whose port no
other Erlang node uses. Queues survive `restart()`.
"""
from __future__ import annotations

import socket
import uuid
from pathlib import Path

from tests.servers.daemon import LOOPBACK, Daemon, account, free_port, listening, program

_BIN = '/usr/lib/rabbitmq/bin'


class _PortMapper(Daemon):
    """epmd in the foreground, so that it is our child and ends with us."""

    name = 'epmd'

    def __init__(self, directory: Path, user: str | None, port: int) -> None:
        super().__init__(directory, user)
        self.port = port

    def command(self) -> list[str]:
        return [program('/usr/bin/epmd', 'epmd'), '-port', str(self.port), '-address', LOOPBACK]

    def ready(self) -> bool:
        return listening(self.port)


class RabbitMQ(Daemon):
    """A broker with one administrator; `url` is a transport URL of oslo.messaging."""

    name = 'rabbitmq'

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, account('rabbitmq'))
        self.port, self._dist_port = free_port(), free_port()
        self.username, self.password = 'heat', uuid.uuid4().hex
        self.node = f'heat{self.port}@localhost'
        self._mapper = _PortMapper(directory / 'epmd', self.user, free_port())

    @property
    def url(self) -> str:
        """Transport URL of the virtual host '/'."""
        return self.url_of('')

    def url_of(self, vhost: str) -> str:
        """Transport URL of a virtual host by its name."""
        return f'rabbit://{self.username}:{self.password}@{LOOPBACK}:{self.port}/{vhost}'

    def vhost(self) -> str:
        """Transport URL of a fresh virtual host."""
        name = 'v' + uuid.uuid4().hex[:12]
        self.control('add_vhost', name)
        self.control('set_permissions', '-p', name, self.username, '.*', '.*', '.*')
        return self.url_of(name)

    def control(self, *words: str) -> str:
        """`rabbitmqctl` with these words; its output, or RuntimeError."""
        return self.run([program(f'{_BIN}/rabbitmqctl'), '--quiet', *words])

    def command(self) -> list[str]:
        return [program(f'{_BIN}/rabbitmq-server')]

    def environment(self) -> dict[str, str]:
        here = self.directory
        return {
            'RABBITMQ_NODENAME': self.node, 'RABBITMQ_MNESIA_BASE': str(here / 'mnesia'),
            'RABBITMQ_LOG_BASE': str(here / 'log'), 'RABBITMQ_LOGS': '-',
            'RABBITMQ_CONF_ENV_FILE': str(here / 'none'), 'RABBITMQ_CONFIG_FILE': str(here / 'rabbitmq.conf'),
            'RABBITMQ_ADVANCED_CONFIG_FILE': str(here / 'none.config'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(here / 'plugins'), 'RABBITMQ_PID_FILE': str(here / 'pid'),
            'RABBITMQ_DIST_PORT': str(self._dist_port),
            'ERL_EPMD_PORT': str(self._mapper.port), 'ERL_EPMD_ADDRESS': LOOPBACK,
            # idle schedulers that spin would take the cores from what is tested
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
                '+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}'}

    def prepare(self) -> None:
        conf = self.directory / 'rabbitmq.conf'
        conf.write_text(f'listeners.tcp.local = {LOOPBACK}:{self.port}\n'
                        f'default_user = {self.username}\ndefault_pass = {self.password}\n'
                        'disk_free_limit.absolute = 10MB\n')
        conf.chmod(0o644)
        (self.directory / 'plugins').write_text('[].\n')

    def start(self) -> RabbitMQ:
        self.command()
        self._own(self.directory)
        self._mapper.start()
        try:
            super().start()
        except BaseException:
            self._mapper.stop()
            raise
        return self

    def stop(self) -> None:
        super().stop()
        self._mapper.stop()

    def ready(self) -> bool:
        # the port opens before the broker serves: wait for its answer to the protocol header
        with socket.create_connection((LOOPBACK, self.port), 2) as connection:
            connection.sendall(b'AMQP\x00\x00\x09\x01')
            return connection.recv(1) == b'\x01'
