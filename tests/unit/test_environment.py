"""Environments and the registry of types: sections, merges, masks, mappings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from heat.common import errors
from heat.schema.parameters import ParameterSchema
from heat.template.environment import Environment, merge_files, parse_environment
from heat.template.files import Files
from heat.template.known_types import KNOWN
from heat.template.registry import Layer, Registry

DATA = Path(__file__).parents[1] / 'data'
KINDS = {'s': 'string', 'n': 'number', 'l': 'comma_delimited_list', 'j': 'json', 'b': 'boolean'}
SCHEMAS = {name: ParameterSchema(name, kind) for name, kind in KINDS.items()}


@pytest.mark.parametrize(
    ('data', 'sentence'),
    [
        ({'bogus': {}}, 'environment has wrong section "bogus"'),
        ({'parameters': None}, 'environment has empty section "parameters"'),
    ],
)
def test_the_apis_reading_is_strict(data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f'^{sentence}$'):
        Environment.from_dict(data, strict=True)
    with pytest.raises(ValueError, match=f'^{sentence}$'):
        parse_environment(json.dumps(data))


def test_broken_text() -> None:
    with pytest.raises(ValueError) as caught:
        parse_environment('a: [1')
    assert str(caught.value) == (
        'while parsing a flow sequence\n  in "<unicode string>", line 1, column 4:\n    a: [1\n       ^\n'
        "expected ',' or ']', but got '<stream end>'\n  in \"<unicode string>\", line 1, column 6:\n"
        '    a: [1\n         ^'
    )


def test_the_engine_takes_unknown_sections_as_parameters() -> None:
    environment = Environment.from_dict({'p': 1, 'parameter_defaults': {'d': 2}})
    assert environment.parameters == {'p': 1} and environment.parameter_defaults == {'d': 2}
    assert Environment.from_dict(None) == Environment()


@pytest.mark.parametrize(
    'data',
    [
        {'parameters': [1]},
        {'event_sinks': {'a': 1}},
        {'event_sinks': [{'type': 'zz'}]},
        {'event_sinks': [{'type': 'zaqar-queue'}]},
        {'resource_registry': {'A': 5}},
        {'resource_registry': {'resources': [1]}},
        {'resource_registry': {'resources': {'a': {'hooks': 'at-noon'}}}},
        {'resource_registry': {'resources': {'a': {'restricted_actions': ['burn']}}}},
    ],
)
def test_refused(data: dict[str, Any]) -> None:
    with pytest.raises(errors.HeatException):
        Environment.from_dict(data)


def test_what_is_shown() -> None:
    given = {
        'parameters': {'s': 'tops', 'n': 4},
        'parameter_defaults': {'s': 'tops2', 'zz': [1]},
        'resource_registry': {'My::N': 'file:///n.yaml', 'resources': {'node': {'hooks': 'pre-update'}}},
        'encrypted_param_names': ['s'],
        'event_sinks': [],
    }
    environment = Environment.from_dict(given)
    assert environment.to_dict() == given
    assert Environment.from_dict(environment.to_dict()) == environment
    masked = environment.to_dict({'s': ParameterSchema('s', 'string', hidden=True)})
    assert masked['parameters'] == {'s': '******', 'n': 4}
    assert masked['parameter_defaults'] == {'s': '******', 'zz': [1]}
    assert set(environment.user_form()) == {
        'parameters',
        'parameter_defaults',
        'event_sinks',
        'resource_registry',
    }
    assert Environment().to_dict() == {
        'encrypted_param_names': [],
        'event_sinks': [],
        'parameter_defaults': {},
        'parameters': {},
        'resource_registry': {'resources': {}},
    }


def merged(*files: dict[str, Any], base: dict[str, Any] | None = None) -> Environment:
    texts = {f'e{i}': json.dumps(data) for i, data in enumerate(files, 1)}
    return merge_files(Environment.from_dict({'parameters': base or {}}), list(texts), texts, SCHEMAS)


@pytest.mark.parametrize(
    ('strategy', 'name', 'old', 'new', 'result'),
    [
        ('overwrite', 'l', ['a'], ['b'], ['b']),
        ('merge', 'l', 'a,b', ['c'], ['a', 'b', 'c']),
        ('merge', 's', 'a', 'b', 'ab'),
        ('merge', 'n', 1, '2', 3),
        ('merge', 'j', {'k': {'x': 1}}, {'k': {'y': 2}}, {'k': {'y': 2}}),
        ('deep_merge', 'j', {'k': {'x': 1}}, {'k': {'y': 2}}, {'k': {'x': 1, 'y': 2}}),
        ('nonsense', 'l', ['a'], ['b'], ['b']),
    ],
)
def test_merge_strategies(strategy: str, name: str, old: Any, new: Any, result: Any) -> None:
    both = {'parameter_merge_strategies': {name: strategy}}
    environment = merged({'parameters': {name: old}, **both}, {'parameters': {name: new}, **both})
    assert environment.parameters[name] == result
    default = {'parameter_merge_strategies': {'default': strategy}}
    environment = merged({'parameter_defaults': {name: new}, **default}, {'parameters': {'b': True}})
    assert environment.parameter_defaults[name] == new


def test_files_go_over_the_parameters_beside_them() -> None:
    assert merged({'parameters': {'s': 'file'}}, base={'s': 'body', 'n': 1}).parameters == {
        's': 'file',
        'n': 1,
    }


def test_files_that_disagree() -> None:
    with pytest.raises(errors.ConflictingMergeStrategyForParam) as caught:
        merged(
            {'parameters': {'l': ['a']}},
            {'parameters': {'l': ['b']}, 'parameter_merge_strategies': {'l': 'merge'}},
        )
    assert str(caught.value) == "Conflicting merge strategy 'merge' for parameter 'l' in file 'e2'."
    merged(
        {'parameters': {'undeclared': ['a']}},
        {'parameters': {'undeclared': ['b']}, 'parameter_merge_strategies': {'undeclared': 'merge'}},
    )


def test_what_cannot_be_merged() -> None:
    both = {'parameter_merge_strategies': {'b': 'merge'}}
    with pytest.raises(errors.InvalidMergeStrategyForParam):
        merged({'parameters': {'b': True}, **both}, {'parameters': {'b': False}, **both})
    with pytest.raises(errors.StackValidationFailed):
        merge_files(Environment(), ['zz'], {}, SCHEMAS)


def test_registries_of_files_are_merged_deeply() -> None:
    environment = merged(
        {'resource_registry': {'A': 'B', 'resources': {'x': {'hooks': 'pre-create'}}}},
        {'resource_registry': {'C': 'D', 'resources': {'y': {'A': 'E'}}}},
    )
    assert environment.resource_registry == {
        'A': 'B',
        'C': 'D',
        'resources': {'x': {'hooks': 'pre-create'}, 'y': {'A': 'E'}},
    }


PLUGINS = {
    'OS::Nova::Server': 'server',
    'OS::Neutron::Net': 'net',
    'OS::Neutron::Port': 'port',
    'OS::Heat::None': 'none',
}


@pytest.mark.parametrize(
    ('user', 'operator', 'type_name', 'resource', 'expected'),
    [
        ({}, {}, 'OS::Nova::Server', 'r', 'OS::Nova::Server'),
        ({'My': 'OS::Nova::Server'}, {}, 'My', 'r', 'OS::Nova::Server'),
        ({'A': 'B', 'B': 'OS::Nova::Server'}, {}, 'A', 'r', 'OS::Nova::Server'),
        ({'My': 'http://h/x.yaml'}, {}, 'My', 'r', 'http://h/x.yaml'),
        ({'OS::Networking::*': 'OS::Neutron::*'}, {}, 'OS::Networking::Net', 'r', 'OS::Neutron::Net'),
        ({'OS::Neutron::*': 'OS::Heat::None'}, {}, 'OS::Neutron::Port', 'r', 'OS::Heat::None'),
        ({'OS::*': 'OS::Heat::None'}, {}, 'OS::Nova::Server', 'r', 'OS::Heat::None'),
        ({'OS::*': 'OS::*'}, {}, 'OS::Nova::Server', 'r', 'OS::Nova::Server'),
        ({'A': 'OS::Neutron::Net'}, {'A': 'OS::Nova::Server'}, 'A', 'r', 'OS::Neutron::Net'),
        ({}, {'A': 'OS::Nova::Server'}, 'A', 'r', 'OS::Nova::Server'),
        (
            {'A': 'OS::Nova::Server', 'resources': {'r*': {'A': 'OS::Neutron::Net'}}},
            {},
            'A',
            'r1',
            'OS::Neutron::Net',
        ),
        (
            {'A': 'OS::Nova::Server', 'resources': {'r*': {'A': 'OS::Neutron::Net'}}},
            {},
            'A',
            's1',
            'OS::Nova::Server',
        ),
        ({'O*': 'OS::Heat::None', 'OS::Nova::Server': 's.yaml'}, {}, 'OS::Nova::Server', 'r', 's.yaml'),
        (
            {'OS::Nova::Server': 'w.yaml', 'resources': {'in': {'OS::Nova::Server': 'OS::Nova::Server'}}},
            {},
            'OS::Nova::Server',
            'out',
            'w.yaml',
        ),
        ({'A': None}, {'A': 'OS::Nova::Server'}, 'A', 'r', 'OS::Nova::Server'),
    ],
)
def test_resolve(
    user: dict[str, Any], operator: dict[str, Any], type_name: str, resource: str, expected: str
) -> None:
    registry = Registry(PLUGINS, [Layer(operator, user=False), Layer(user)])
    target = registry.resolve(type_name, resource)
    assert target.name == expected
    assert target.plugin == PLUGINS.get(expected)
    assert target.template == (None if expected in PLUGINS else expected)


@pytest.mark.parametrize(
    ('registry', 'name', 'sentence'),
    [
        ({}, 'OS::No::Such', r'The Resource Type \(OS::No::Such\) could not be found\.'),
        (
            {},
            'OS::Nova::Sever',
            r'The Resource Type \(OS::Nova::Sever\) could not be found\. '
            r'Did you mean OS::Nova::Server\?',
        ),
        (
            {},
            'OS::Zaqar::Queue',
            r'The Resource Type \(OS::Zaqar::Queue\) could not be found\. '
            r'It is a type of Heat that this service does not support yet\.',
        ),
        # Whoever gives the name away knows what is meant by it.
        ({'OS::Zaqar::*': 'OS::Nope::*'}, 'OS::Zaqar::Queue',
         r'The Resource Type \(OS::Zaqar::Queue\) could not be found\. '
         r'It is a type of Heat that this service does not support yet\.\n'
         r'The environment takes OS::Zaqar::Queue for OS::Nope::Queue, which is no type here\.'),
        ({'My': 'OS::Nova::Sever'}, 'My', r'The Resource Type \(My\) could not be found\.\n'
         r'The environment takes My for OS::Nova::Sever, which is no type here\. '
         r'Did you mean OS::Nova::Server\?'),
        ({'A': 'B', 'B': 'A'}, 'A', r'The Resource Type \(A\) could not be found\.'),
        ({'A*': 'A*'}, 'Ab', r'The Resource Type \(Ab\) could not be found\.'),
    ],
)
def test_unknown_types(registry: dict[str, Any], name: str, sentence: str) -> None:
    with pytest.raises(errors.StackValidationFailed, match=f'^{sentence}$'):
        Registry(PLUGINS, [Layer(registry)]).resolve(name, 'r')


def test_all_types_with_a_recorded_schema_are_types_of_heat() -> None:
    recorded = {path.stem.replace('_', '::') for path in (DATA / 'resource_types').glob('*_*.json')}
    assert recorded and recorded <= KNOWN


def test_an_operator_can_take_types_away() -> None:
    registry = Registry(PLUGINS, [Layer({'OS::Neutron::*': None}, user=False), Layer({})])
    assert registry.resolve('OS::Nova::Server').plugin == 'server'
    with pytest.raises(errors.StackValidationFailed):
        registry.resolve('OS::Neutron::Net')


def test_templates_named_as_types_are_noted() -> None:
    registry = Registry(PLUGINS)
    assert registry.resolve('file:///n.yaml', 'r').template == 'file:///n.yaml'
    assert registry.direct_templates == {'file:///n.yaml': 'file:///n.yaml'}


def test_hooks_and_restrictions() -> None:
    registry = Registry(
        PLUGINS,
        [
            Layer(
                {
                    'resources': {
                        'web*': {'hooks': ['pre-create', 'post-create']},
                        'web1': {'hooks': 'pre-update'},
                        'db': {'restricted_actions': 'replace'},
                    }
                }
            )
        ],
    )
    assert registry.hooks('web1') == {'pre-create', 'post-create', 'pre-update'}
    assert registry.hooks('web2') == {'pre-create', 'post-create'}
    assert registry.restricted_actions('db') == {'replace'} and registry.hooks('db') == frozenset()


def test_files() -> None:
    files = Files({'a.txt': 'text'})
    assert files['a.txt'] == 'text' and list(files) == ['a.txt']
    with pytest.raises(errors.StackValidationFailed) as caught:
        files.template('file:///zz.yaml')
    assert str(caught.value) == 'Could not fetch remote template "file:///zz.yaml": Invalid URL scheme file'
    with pytest.raises(errors.StackValidationFailed):
        Files({'a': 5})
