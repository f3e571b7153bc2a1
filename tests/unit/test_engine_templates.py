"""Templates and types without a stack: lenient validation, lists of types, who may see which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heat.common import config, errors
from heat.common.context import RequestContext
from heat.engine.templates import Templates
from heat.template.registry import Layer

ME = RequestContext(user_id='u', tenant_id='t')
NET = {'type': 'OS::Neutron::Net'}


def hot(**resources: Any) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': resources}


def made(absent: tuple[str, ...] = (), refused: tuple[str, ...] = (), lacking: str = '') -> Templates:
    conf = config.load('heat-engine', argv=[], config_files=[], logging_setup=False)
    return Templates(conf, available=lambda _context, kind: kind.service not in absent,
                     allowed=lambda _context, name: name not in refused,
                     extended=lambda _context, kind: kind.extension != (lacking or None))


@pytest.fixture
def service() -> Any:
    """The name under which the network types ask for their service."""
    from heat.resources.types import PLUGINS
    return PLUGINS['OS::Neutron::Net'].service


def test_values_are_not_looked_at() -> None:
    template = hot(a={'type': 'OS::Heat::RandomString', 'properties': {'length': 'long'}})
    assert made().validate_template(ME, template)['Description'] == 'No description'


def test_names_of_properties_and_policies_are() -> None:
    said = made().validate_template(ME, hot(a={**NET, 'properties': {'bogus': 1}}))
    sentence = 'Property error: resources.a.properties: Unknown Property bogus'
    assert said == {'Error': sentence, 'Untold': 0, 'Faults': [
        {'message': sentence, 'path': ['resources', 'a', 'properties', 'bogus'], 'source': 'template'}]}
    said = made().validate_template(ME, hot(a={**NET, 'update_policy': {'rolling': {}}}))
    assert said['Error'] == 'Property error: resources.a.update_policy: Unknown Property rolling'
    assert said['Faults'][0]['path'] == ['resources', 'a', 'update_policy', 'rolling']
    anything = hot(a={'type': 'OS::Heat::None', 'properties': {'bogus': 1}})
    assert 'Error' not in made().validate_template(ME, anything)


def test_circles_are_told_by_name() -> None:
    with pytest.raises(errors.CircularDependencyException, match='a -> a'):
        made().validate_template(ME, hot(a={**NET, 'depends_on': 'a'}))
    with pytest.raises(errors.CircularDependencyException):
        made().validate_template(ME, hot(a={**NET, 'depends_on': 'b'}, b={**NET, 'depends_on': 'a'}))


def test_an_absent_service_may_be_ignored(service: str) -> None:
    templates = made(absent=(service,))
    with pytest.raises(errors.ResourceTypeUnavailable, match=(
            'HEAT-E99001 Service neutron is not available for resource type OS::Neutron::Net, '
            r'reason: neutron network endpoint is not in service catalog\.')):
        templates.validate_template(ME, hot(a=NET))
    assert 'Error' not in templates.validate_template(ME, hot(a=NET), ignorable_errors=['99001'])
    with pytest.raises(errors.ResourceTypeUnavailable):
        templates.resource_schema(ME, 'OS::Neutron::Net')
    assert 'OS::Neutron::Net' not in templates.list_resource_types(ME)


def test_a_lacking_extension_is_like_an_absent_service() -> None:
    templates = made(lacking='router')
    router = {'type': 'OS::Neutron::Router'}
    with pytest.raises(errors.ResourceTypeUnavailable, match=(
            'HEAT-E99001 Service neutron is not available for resource type OS::Neutron::Router, '
            r'reason: Required extension router in neutron service is not available\.')):
        templates.validate_template(ME, hot(a=router))
    assert 'Error' not in templates.validate_template(ME, hot(a=router), ignorable_errors=['99001'])
    assert 'Error' not in templates.validate_template(ME, hot(a=NET))
    with pytest.raises(errors.ResourceTypeUnavailable):
        templates.resource_schema(ME, 'OS::Neutron::Router')
    assert 'OS::Neutron::Router' not in templates.list_resource_types(ME)


def test_nested_groups_are_described_to_the_bottom() -> None:
    inner = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': NET}}
    outer = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': inner}}
    nested = made().validate_template(ME, hot(g=outer), show_nested=True)['NestedParameters']
    assert nested['g']['Type'] == 'OS::Heat::ResourceGroup'
    assert nested['g']['NestedParameters']['0']['Parameters'] == {}
    assert 'NestedParameters' not in made().validate_template(ME, hot(g=outer))


def test_environment_files_are_merged() -> None:
    template = {**hot(), 'parameters': {'p': {'type': 'string', 'default': 'd'}}}
    shown = made().validate_template(ME, template, {}, {'e': 'parameters: {p: x}'}, environment_files=['e'])
    assert shown['Parameters']['p']['Value'] == 'x'
    assert shown['Environment']['parameters'] == {'p': 'x'}


def test_what_is_not_served_says_so() -> None:
    with pytest.raises(errors.StackValidationFailed, match='No object store'):
        made().validate_template(ME, hot(), files_container='c')
    with pytest.raises(errors.Invalid):
        made().generate_template(ME, 'OS::Heat::Value', 'xml')


def test_types_are_filtered() -> None:
    templates = made()
    assert templates.list_resource_types(ME, type_name='OS::Heat::Ran') == ['OS::Heat::RandomString']
    assert templates.list_resource_types(ME, type_name='Heat') == []
    assert templates.list_resource_types(ME, type_name='[') == []
    assert 'OS::Heat::None' in templates.list_resource_types(ME, heat_version='5.0.0')
    assert 'OS::Heat::Value' not in templates.list_resource_types(ME, heat_version='5.0.0')
    described = templates.list_resource_types(ME, type_name='OS::Heat::None$', with_description=True)
    assert [one['resource_type'] for one in described] == ['OS::Heat::None']
    assert described[0]['description']
    with pytest.raises(errors.Invalid, match="should be one of \\('UNKNOWN'"):
        templates.list_resource_types(ME, support_status='supported')


def test_what_policy_refuses_is_neither_listed_nor_shown() -> None:
    templates = made(refused=('OS::Heat::Value',))
    assert 'OS::Heat::Value' not in templates.list_resource_types(ME)
    for ask in (templates.resource_schema, templates.generate_template):
        with pytest.raises(errors.Forbidden, match='OS::Heat::Value'):
            ask(ME, 'OS::Heat::Value')


def test_unknown_and_hidden_types() -> None:
    from heat.resources.base import Resource
    from heat.schema import hidden

    class Old(Resource):
        """Gone."""

        type = 'OS::Old::One'
        support = hidden('5.0.0')

    conf = config.load('heat-engine', argv=[], config_files=[], logging_setup=False)
    templates = Templates(conf, available=lambda *_a: True, allowed=lambda *_a: True,
                          plugins={Old.type: Old})
    assert templates.list_resource_types(ME) == []
    with pytest.raises(errors.NotSupported, match=r'OS::Old::One is not supported\.'):
        templates.resource_schema(ME, 'OS::Old::One')
    with pytest.raises(errors.EntityNotFound, match=r'The Resource Type \(OS::No\) could not be found.'):
        templates.resource_schema(ME, 'OS::No')


def test_versions_and_functions() -> None:
    templates = made()
    assert 'heat_template_version.2021-04-16' in [v['version'] for v in templates.list_template_versions(ME)]
    found = templates.list_template_functions(ME, 'heat_template_version.2015-04-30')
    assert 'repeat' in [one['functions'] for one in found]
    with pytest.raises(errors.NotFound, match='Template with version zz not found'):
        templates.list_template_functions(ME, 'zz')


def test_templates_of_the_operator_are_types(tmp_path: Path) -> None:
    (tmp_path / 'op.yaml').write_text('''
heat_template_version: 2021-04-16
description: Made of templates
parameters: {size: {type: number, description: How big, constraints: [{range: {min: 1}}]}}
resources: {n: {type: OS::Heat::None}}
outputs: {out: {value: x, description: What comes out}}
''')
    templates = made(refused=('My::Secret',))
    templates._operator = (Layer({'My::Thing': 'file:///etc/heat/templates/op.yaml', 'OS::X*': 'OS::Y*',
                                  'My::Secret': f'file://{tmp_path}/op.yaml'}, user=False),)
    templates._conf.set_override('template_dir', str(tmp_path))
    assert 'My::Thing' in templates.list_resource_types(ME)
    assert templates.list_resource_types(ME, type_name='My::') == ['My::Thing']
    assert templates.list_resource_types(ME, type_name='My::', support_status='SUPPORTED') == []
    shown = templates.resource_schema(ME, 'My::Thing', with_description=True)
    assert shown['description'] == 'Made of templates' and shown['resource_type'] == 'My::Thing'
    assert shown['properties']['size'] == {
        'type': 'number', 'description': 'How big', 'required': True, 'update_allowed': True,
        'immutable': False, 'constraints': [{'range': {'min': 1}}]}
    assert shown['attributes']['out']['description'] == 'What comes out'
    assert templates.generate_template(ME, 'My::Thing', 'hot')['parameters']['size']['type'] == 'number'
    with pytest.raises(errors.Forbidden):
        templates.resource_schema(ME, 'My::Secret')
