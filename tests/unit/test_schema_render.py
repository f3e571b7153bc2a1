"""The resource type API: schema and first template, against recorded answers."""

import json
from pathlib import Path

import pytest

from heat.resources.types import PLUGINS
from heat.schema import (
    IN_PLACE,
    REPLACE,
    AllowedPattern,
    AllowedValues,
    Attribute,
    Custom,
    Length,
    Modulo,
    Property,
    Range,
    Support,
    TypeSchema,
    compile_schema,
    generate_template,
    resource_schema,
)
from tests.unit import schema_examples

DATA = Path(__file__).parent.parent / 'data' / 'resource_types'
RECORDED = json.loads((DATA / 'recorded.json').read_text())
MADE = {'range': lambda body: Range(**body), 'length': lambda body: Length(**body),
        'modulo': lambda body: Modulo(**body),
        'allowed_values': lambda body: AllowedValues(allowed=tuple(body)),
        'allowed_pattern': lambda body: AllowedPattern(pattern=body),
        'custom_constraint': lambda body: Custom(name=body)}

# Where the resource in the template is not called after the type.
TITLES = {
    'AWS::AutoScaling::ScalingPolicy': 'AWSScalingPolicy', 'AWS::CloudFormation::Stack': 'NestedStack',
    'OS::Heat::AutoScalingGroup': 'AutoScalingResourceGroup', 'OS::Heat::None': 'NoneResource',
    'OS::Heat::ScalingPolicy': 'AutoScalingPolicy', 'OS::Heat::Stack': 'RemoteStack',
    'OS::Heat::WaitCondition': 'HeatWaitCondition',
    'OS::Heat::WaitConditionHandle': 'HeatWaitConditionHandle'}


def declared(shown):
    """The Property that is shown as ``shown``."""
    nested = shown.get('schema') or {}
    options = {'default': shown['default']} if 'default' in shown else {}
    return Property(
        kind=shown['type'].title(), description=shown.get('description', ''), required=shown['required'],
        update=IN_PLACE if shown['update_allowed'] else REPLACE, immutable=shown['immutable'],
        constraints=tuple(MADE[kind](body)
                          for one in shown.get('constraints', ()) for kind, body in one.items()),
        items=declared(nested['*']) if '*' in nested else None,
        keys={name: declared(one) for name, one in nested.items() if name != '*'} or None, **options)


def schema_of(shown):
    support = shown['support_status']
    previous = support['previous_status']
    return TypeSchema(
        shown['resource_type'],
        properties={name: declared(one) for name, one in shown['properties'].items()},
        attributes={name: Attribute(one['description'], one['type'].title() if 'type' in one else None)
                    for name, one in shown['attributes'].items()},
        support=Support(support['status'], support['version'], support['message'],
                        Support(previous['status'], previous['version'], previous['message'])
                        if previous else None),
        title=TITLES.get(shown['resource_type'], ''))


@pytest.mark.parametrize('name', sorted(RECORDED))
def test_a_type_is_shown_as_recorded(name):
    record = RECORDED[name]
    assert resource_schema(schema_of(record['show'])) == record['show']


@pytest.mark.parametrize(('name', 'form'), [
    (name, form) for name in sorted(RECORDED) for form in ('hot', 'cfn') if form in RECORDED[name]])
def test_a_first_template_is_as_recorded(name, form):
    record = RECORDED[name]
    assert generate_template(schema_of(record['show']), form) == record[form]


def without_text(shown):
    if isinstance(shown, dict):
        return {key: without_text(value) for key, value in shown.items() if key.lower() != 'description'}
    return shown


def test_the_declared_random_string_is_shown_as_recorded():
    schema = compile_schema(schema_examples.RandomString)
    record = RECORDED[schema.type]
    assert without_text(resource_schema(schema)) == without_text(record['show'])
    assert without_text(generate_template(schema, 'hot')) == without_text(record['hot'])
    assert without_text(generate_template(schema, 'cfn')) == without_text(record['cfn'])


@pytest.mark.parametrize('name', sorted(RECORDED))
def test_the_type_itself_is_shown_as_recorded(name):
    """The texts are our own, but for the title that names the resource in a first template."""
    record, schema = RECORDED[name], PLUGINS[name].schema
    for form in ('hot', 'cfn'):
        if form in record:
            made = generate_template(schema, form)
            assert without_text(made) == without_text(record[form])
            about = 'description' if form == 'hot' else 'Description'
            assert made[about] == record[form][about]


def test_hidden_things_are_not_shown_but_kept_inside():
    shown = resource_schema(compile_schema(schema_examples.Server), with_description=True)
    assert 'admin_user' not in shown['properties'] and 'first_address' not in shown['attributes']
    assert 'uuid' in shown['properties']['networks']['schema']['*']['schema']
    assert shown['description'] == 'A virtual machine.'
    assert 'default' not in shown['properties']['name']
    json.dumps(shown)


def test_an_unknown_template_type_is_refused():
    with pytest.raises(ValueError, match=r'Invalid template type "zz", valid types are: cfn, hot.'):
        generate_template(compile_schema(schema_examples.Volume), 'zz')
