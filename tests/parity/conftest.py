"""The REST and CloudFormation front-ends before a whole engine in virtual time, in this process."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import webob

from heat.api import deploy, wiring
from heat.common import config, errors
from heat.common.context import RequestContext
from heat.db import connect, services
from heat.engine.live import LiveReader
from heat.engine.parameter_store import ParameterStore
from heat.engine.reads import Reads
from heat.engine.service import Service
from heat.engine.software import Software
from heat.engine.templates import Templates
from tests.sim.world import World
from tests.wire import conftest as wire
from tests.wire import keystone
from tests.wire.conftest import identity  # noqa: F401  (a fixture)

ENGINE = '6f0d1f1e-8a3c-4c8e-9d5e-1f2a3b4c5d6e'


class Client:
    """What front-ends call; everything crosses as JSON, as over the bus."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def call(self, context: RequestContext, method: str, /, **arguments: Any) -> Any:
        context = RequestContext.from_wire(json.loads(json.dumps(context.to_wire())))
        try:
            return json.loads(json.dumps(self._service.dispatch(
                method, context, json.loads(json.dumps(arguments)))))
        except errors.HeatException as error:
            raise errors.from_wire(json.loads(json.dumps(error.to_wire()))) from None


@dataclass
class Site:
    """An application and the world behind it. The cloud has no service."""

    app: Any
    world: World
    live: list[tuple[str, tuple[Any, ...]]]
    cfn: Any = None
    tails: Any = None

    def ask(self, method: str, path: str, body: Any = None, user: str = 'member') -> webob.Response:
        request = webob.Request.blank(path, method=method, base_url='http://localhost')
        request.headers['X-Auth-Token'] = f'token-{user}'
        if body is not None:
            request.headers['Content-Type'] = 'application/json'
            request.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return request.get_response(self.app)


@pytest.fixture
def site(identity: Any, tmp_path: pathlib.Path) -> Callable[[], Site]:  # noqa: F811
    def build() -> Site:
        (tmp_path / 'policy.yaml').write_text('{}\n')
        file = tmp_path / 'heat.conf'
        file.write_text(wire.HEAT_CONF.format(
            url=identity[1], flavor='', more='hidden_stack_tags = hidden', password=keystone.PASSWORD,
            directory=tmp_path, paste=wire.ROOT / 'etc' / 'heat' / 'api-paste.ini'))
        conf = config.load('heat-api', [], [str(file)], logging_setup=False)
        # As the recorded service had them.
        conf.set_override('enable_stack_abandon', True)
        conf.set_override('enable_stack_adopt', True)
        world = World(conf)
        seen: list[tuple[str, tuple[Any, ...]]] = []
        engine = world.engine
        reader = LiveReader(world.database, engine.loader, engine.performer)  # type: ignore[arg-type]

        def live(row: Any, kind: Any, names: tuple[Any, ...], stack: Any) -> dict[str, Any] | None:
            seen.append((row.name, names))
            return reader(row, kind, names, stack)

        service = Service(
            engine.intake, Reads(world.database, conf, world.crypt, world.clock, live),
            Templates(conf, available=lambda _context, kind: kind.service is None,
                      allowed=lambda _context, _name: True),
            Software(world.database, conf, world.crypt, world.clock, engine.owner.poke), engine.owner.poke,
            ParameterStore(world.database, world.crypt, world.clock), engine.watches, engine.metrics)
        with connect.write(world.database) as conn:
            services.register(conn, services.Service(
                '0d1f1e6f-8a3c-4c8e-9d5e-1f2a3b4c5d6e', ENGINE, 'here', 'here', 'heat-engine', 'engine', 60),
                world.clock.now())
        wiring.configure(conf, Client(service))
        return Site(deploy.load_app(conf, 'heat-api'), world, seen, deploy.load_app(conf, 'heat-api-cfn'),
                    wiring.current().tails)
    return build


@pytest.fixture
def here(site: Callable[[], Site]) -> Site:
    return site()
