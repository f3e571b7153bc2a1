"""What is too much is refused: with 400, the classic's class and a sentence that names the limit.

``tests/wire/test_rates.py`` has the rate (429).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.parity.conftest import Site
from tests.wire.keystone import PROJECT

HOT = {'heat_template_version': '2021-04-16'}
TRIAL = {'type': 'OS::Heat::TestResource'}
STACKS, VALIDATE = f'/v1/{PROJECT}/stacks', f'/v1/{PROJECT}/validate'


def hot(**sections: Any) -> dict[str, Any]:
    return {**HOT, **sections}


def parameters(count: int) -> dict[str, Any]:
    return {f'p{n}': {'type': 'string', 'default': ''} for n in range(count)}


def nested(levels: int) -> dict[str, str]:
    """Templates of which each has the next one in it."""
    return {f'{n}.yaml': json.dumps(hot(resources={'in': {'type': f'{n + 1}.yaml'}} if n < levels else {}))
            for n in range(1, levels + 1)}


CASES: dict[str, tuple[dict[str, int], str, dict[str, Any], str]] = {
    'body': (
        {'max_json_body_size': 100}, STACKS, {'template': HOT, 'files': {'f': 'x' * 100}},
        'JSON body size (192 bytes) exceeds maximum allowed size (100 bytes).'),
    'template': (
        {'max_template_size': 100}, STACKS, {'template': hot(description='x' * 100)},
        'Template size (158 bytes) exceeds maximum allowed size (100 bytes).'),
    'template as text': (
        {'max_template_size': 100}, STACKS, {'template': json.dumps(hot(description='x' * 100))},
        'Template size (158 bytes) exceeds maximum allowed size (100 bytes).'),
    'parameters': (
        {'max_parameters_per_template': 3}, STACKS, {'template': hot(parameters=parameters(4))},
        'The template has 4 parameters, at most 3 are allowed.'),
    'parameters, validated': (
        {'max_parameters_per_template': 3}, VALIDATE, {'template': hot(parameters=parameters(4))},
        'The template has 4 parameters, at most 3 are allowed.'),
    'parameters of a nested template': (
        {'max_parameters_per_template': 3}, STACKS, {
            'template': hot(resources={'in': {'type': '1.yaml'}}),
            'files': {'1.yaml': json.dumps(hot(parameters=parameters(4)))}},
        'The template has 4 parameters, at most 3 are allowed.'),
    'parameters in AWS format': (
        {'max_parameters_per_template': 0}, STACKS, {'template': {
            'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {},
            'Parameters': {'P': {'Type': 'String', 'Default': 'x'}}}},
        'The template has 1 parameters, at most 0 are allowed.'),
    'depth': (
        {'max_nested_stack_depth': 2}, STACKS,
        {'template': hot(resources={'in': {'type': '1.yaml'}}), 'files': nested(3)},
        'Recursion depth exceeds 2.'),
    'resources': (
        {'max_resources_per_stack': 2}, STACKS,
        {'template': hot(resources={f'r{n}': TRIAL for n in range(3)})},
        'Maximum resources per stack exceeded.'),
    'resources in nested templates': (
        {'max_resources_per_stack': 2}, STACKS,
        {'template': hot(resources={'in': {'type': '1.yaml'}}), 'files': nested(3)},
        'Maximum resources per stack exceeded.'),
    'stacks': (
        {'max_stacks_per_tenant': 0}, STACKS, {'template': HOT},
        'You have reached the maximum stacks per tenant, 0. Please delete some stacks.'),
    'configs': (
        {'max_software_configs_per_tenant': 0}, f'/v1/{PROJECT}/software_configs', {'name': 'c'},
        'You have reached the maximum software configs per tenant, 0. Please delete some software configs.'),
}


@pytest.mark.parametrize('name', CASES)
def test_too_much_is_refused(name: str, site: Callable[[], Site]) -> None:
    options, path, body, sentence = CASES[name]
    here = site()
    named = {'stack_name': 's', **body} if path == STACKS else body
    assert here.ask('POST', path, named).status_int < 300
    here.world.run()
    for option, value in options.items():
        here.world.conf.set_override(option, value)
    if path == STACKS:
        named['stack_name'] = 't'
    got = here.ask('POST', path, named)
    assert (got.status_int, got.json_body['error']['type']) == (400, 'RequestLimitExceeded'), got.text
    assert got.json_body['error']['message'].partition('\n')[0] == f'Request limit exceeded: {sentence}'
    here.world.run()
    assert [one['stack_name'] for one in here.ask('GET', STACKS).json_body['stacks']] == (
        ['s'] if path == STACKS else [])


def test_what_is_refused_for_its_parameters_says_where(site: Callable[[], Site]) -> None:
    here = site()
    here.world.conf.set_override('max_parameters_per_template', 1)
    text = 'heat_template_version: 2021-04-16\nparameters:\n  a: {type: string}\n  b: {type: string}\n'
    got = here.ask('POST', STACKS, {'stack_name': 's', 'template': text, 'parameters': {'a': '', 'b': ''}})
    fault = got.json_body['error']['faults'][0]
    assert (fault['path'], fault['line'], fault['expected']) == ('parameters', 2, 'at most 1 parameters')
