"""What is seen of nested templates before anything is made, though not all of it is known or right yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.parity.conftest import Site
from tests.wire.keystone import PROJECT


def hot(resources: dict[str, Any], *parameters: str) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': resources,
            'parameters': {name: {'type': 'string', 'default': ''} for name in parameters}}


def test_a_preview_shows_members_that_are_made_of_what_is_not_there_yet(site: Callable[[], Site]) -> None:
    port = {'type': 'OS::Heat::TestResource', 'properties': {'value': {'get_param': 'n'}}}
    member = hot({'port': port}, 'n')
    got = site().ask('POST', f'/v1/{PROJECT}/stacks/preview', {
        'stack_name': 's', 'files': {'member.yaml': json.dumps(member)}, 'template': hot({
            'net': {'type': 'OS::Heat::TestResource'},
            'group': {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': {
                'type': 'member.yaml', 'properties': {'n': {'get_resource': 'net'}}}}}})})
    net, ((port,),) = got.json_body['stack']['resources']
    assert (net['resource_name'], port['resource_name']) == ('net', 'port')
    assert port['properties']['value'] is None


def test_a_fault_in_the_properties_of_a_nested_template_hides_nothing_of_what_is_in_it(
        site: Callable[[], Site]) -> None:
    outer = hot({'deep': {'type': 'inner.yaml', 'properties': {'length': 1}}}, 'a')
    got = site().ask('POST', f'/v1/{PROJECT}/validate?show_nested=true', {
        'template': hot({'kid': {'type': 'outer.yaml'}}),
        'files': {'outer.yaml': json.dumps(outer), 'inner.yaml': json.dumps(hot({}, 'b'))}})
    assert list(got.json_body['NestedParameters']['kid']['NestedParameters']['deep']['Parameters']) == ['b']
