"""A nested stack over REST, by the link its resource has; the recorded one was a provider template."""

from __future__ import annotations

from collections.abc import Callable

from tests.parity.conftest import Site
from tests.wire.keystone import PROJECT

GROUP = {'heat_template_version': '2021-04-16',
         'outputs': {'said': {'value': {'get_attr': ['pair', 'output']}}},
         'resources': {'pair': {'type': 'OS::Heat::ResourceGroup', 'properties': {
             'count': 2, 'resource_def': {'type': 'OS::Heat::TestResource',
                                          'properties': {'value': 'v%index%'}}}}}}


def test_a_nested_stack_is_a_stack(site: Callable[[], Site]) -> None:
    here = site()
    made = here.ask('POST', f'/v1/{PROJECT}/stacks', {'stack_name': 'top', 'template': GROUP})
    here.world.run()
    own = made.json_body['stack']['links'][0]['href']
    assert here.ask('GET', own).json_body['stack']['outputs'][0]['output_value'] == ['v0', 'v1']
    pair = here.ask('GET', f'{own}/resources/pair').json_body['resource']
    nested = next(link['href'] for link in pair['links'] if link['rel'] == 'nested')
    shown = here.ask('GET', nested).json_body['stack']
    assert shown['parent'] == made.json_body['stack']['id']
    assert {o['output_key']: o['output_value'] for o in shown['outputs']} == {
        '0.output': 'v0', '1.output': 'v1'}
    members = here.ask('GET', f'{nested}/resources').json_body['resources']
    assert {(one['resource_name'], one['parent_resource']) for one in members} == {
        ('0', 'pair'), ('1', 'pair')}
    assert list(here.ask('GET', f'{nested}/template').json_body['resources']) == ['0', '1']
    assert here.ask('GET', f'{nested}/environment').json_body['resource_registry'] == {'resources': {}}
