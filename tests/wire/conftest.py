"""The pipelines of the shipped paste file in this process, with a Keystone beside them."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import webob

from heat.api import deploy, wiring
from heat.api.tails import Tails
from heat.common import config
from tests.wire import boto, keystone
from tests.wire.engine import Engine

ROOT = pathlib.Path(__file__).parents[2]
HEAT_CONF = """
[DEFAULT]
max_json_body_size = 10485760
max_template_size = 5242880
{more}
[paste_deploy]
api_paste_config = {paste}
flavor = {flavor}
[keystone_authtoken]
www_authenticate_uri = {url}/v3
auth_url = {url}
auth_type = password
username = heat
password = {password}
user_domain_id = default
project_name = service
project_domain_id = default
service_token_roles_required = false
[clients_keystone]
auth_uri = {url}
[oslo_policy]
policy_file = {directory}/policy.yaml
"""


@dataclass
class World:
    """An application, the engine behind it and the Keystone beside it."""

    app: Any
    engine: Engine
    keystone: keystone.Keystone
    url: str

    def ask(self, method: str, path: str, body: bytes | None = None, script: str = '',
            **headers: str) -> webob.Response:
        """Send a request; header names come with underscores."""
        request = webob.Request.blank(path, method=method, base_url=f'http://localhost{script}')
        for name, value in headers.items():
            request.headers[name.replace('_', '-')] = value
        if body is not None:
            request.body = body
        return request.get_response(self.app)


@pytest.fixture(scope='session')
def identity() -> Iterator[tuple[keystone.Keystone, str]]:
    with keystone.running() as running:
        yield running


@pytest.fixture
def pipeline(identity: tuple[keystone.Keystone, str],
             tmp_path_factory: pytest.TempPathFactory) -> Callable[..., World]:
    """A loaded pipeline; ``more`` are lines of [DEFAULT], ``policy`` is the text of policy.yaml."""
    def load(name: str = 'heat-api', flavor: str = '', more: str = '',
             policy: str = '{}\n', tails: Tails | None = None) -> World:
        directory = tmp_path_factory.mktemp('conf')
        (directory / 'policy.yaml').write_text(policy)
        file = directory / 'heat.conf'
        file.write_text(HEAT_CONF.format(
            url=identity[1], flavor=flavor, more=more, password=keystone.PASSWORD, directory=directory,
            paste=ROOT / 'etc' / 'heat' / 'api-paste.ini'))
        conf = config.load(name, [], [str(file)], logging_setup=False)
        engine = Engine()
        wiring.configure(conf, engine, tails=tails)
        return World(deploy.load_app(conf, name), engine, *identity)
    return load


@pytest.fixture(scope='session')
def _cloudwatch(identity: tuple[keystone.Keystone, str],
                tmp_path_factory: pytest.TempPathFactory) -> World:
    load = pipeline.__wrapped__(identity, tmp_path_factory)  # type: ignore[attr-defined]
    world: World = load('heat-api-cloudwatch')
    return world


@pytest.fixture
def cloudwatch(_cloudwatch: World) -> World:
    """heat-api-cloudwatch before an engine that knows of nothing."""
    engine = _cloudwatch.engine
    engine.calls.clear()
    engine.contexts.clear()
    engine.answers = {}
    return _cloudwatch


@pytest.fixture(params=['smithy-rpc-v2-cbor', 'json', 'query'])
def cloud(request: pytest.FixtureRequest, cloudwatch: World) -> Any:
    """A client of ``cloudwatch``, in each of the three protocols that there have been."""
    made = boto.client(cloudwatch, 'http://localhost:8003/v1', service='cloudwatch', protocol=request.param)
    assert made.meta.service_model.resolved_protocol == request.param
    return made


@pytest.fixture
def api(pipeline: Callable[..., World]) -> World:
    return pipeline()
