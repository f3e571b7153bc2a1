"""What the tests of software deployments share: a template, and what a server reads and says."""

from __future__ import annotations

import json
from typing import Any

from webob import Request

from heat.common.context import RequestContext
from heat.db import connect, software
from heat.engine.reads import Reads
from tests.sim.world import World

SERVER = '11111111-2222-4333-8444-555555555555'
POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')
GUEST = RequestContext(user_id='u' * 32, tenant_id='p' * 32, roles=('heat_stack_user',))
OK = {'deploy_status_code': 0, 'deploy_stdout': 'done', 'deploy_stderr': '', 'res': 'value'}


def template(script: str = 'echo', **props: Any) -> dict[str, Any]:
    config = {'type': 'OS::Heat::SoftwareConfig', 'properties': {
        'group': 'script', 'config': script, 'inputs': [{'name': 'x', 'default': 'd'}],
        'outputs': [{'name': 'res'}, {'name': 'bad', 'error_output': True}]}}
    return {'heat_template_version': '2021-04-16', 'resources': {
        'conf': config, 'dep': {'type': 'OS::Heat::SoftwareDeployment', 'properties': {
            'config': {'get_resource': 'conf'}, 'server': SERVER, **props}}}, 'outputs': {
        'out': {'value': {'get_attr': ['dep', 'res']}}}}


def wait_a_bit(world: World) -> None:
    world.run(until=world.clock.monotonic() + 5)


def deployed(world: World, server: str = SERVER) -> list[dict[str, Any]]:
    """What the server's agent reads."""
    return world.engine.software.metadata_software_deployments(world.context, server)


def inputs(config: dict[str, Any]) -> dict[str, Any]:
    return {one['name']: one['value'] for one in config['inputs']}


def counts(world: World) -> tuple[int, int]:
    with connect.read(world.database) as conn:
        return software.count_configs(conn, None), software.count_deployments(conn, None)


def output(world: World, me: dict[str, Any]) -> Any:
    reads = Reads(world.database, world.conf, world.crypt, world.clock, lambda *asked: None)
    return reads.show_output(world.context, me, 'out')['output_value']


def put(world: World, url: str, signal: dict[str, Any]) -> None:
    request = Request.blank(url.replace('http://store.example', ''), method='PUT')
    request.body = json.dumps(signal).encode()
    assert request.get_response(world.cloud.application).status_int == 201


def group(servers: dict[str, str], policy: dict[str, Any] | None = None, **props: Any) -> dict[str, Any]:
    tree = template()
    del tree['outputs']
    tree['resources']['dep'] = {'type': 'OS::Heat::SoftwareDeploymentGroup', 'properties': {
        'config': {'get_resource': 'conf'}, 'servers': servers,
        'input_values': {'x': {'get_file': 'not a function here'}}, **props}}
    if policy:
        tree['resources']['dep']['update_policy'] = policy
    tree['resources']['seen'] = {'type': 'OS::Heat::Value', 'properties': {'value': [
        {'get_attr': ['dep', 'deploy_stdouts']}, {'get_attr': ['dep', 'res', 'b']}]}}
    return tree


def speak(world: World, me: dict[str, Any], name: str, **said: Any) -> None:
    """The server of that name in the group answers."""
    child = {**me, 'stack_id': world.rows(me)['dep'].physical_id}
    child['stack_name'] = world.stack(child).name
    world.signal(child, name, {**OK, **said})
    wait_a_bit(world)


def literal(tree: dict[str, Any]) -> dict[str, Any]:
    """Input values come from a parameter, so that they are data and no part of the template."""
    tree['parameters'] = {'v': {'type': 'json', 'default': tree['resources']['dep']['properties'][
        'input_values']}}
    tree['resources']['dep']['properties']['input_values'] = {'get_param': 'v'}
    return tree
