"""The workflow types without a cloud: what does not fit together, and what a definition is made of."""

from __future__ import annotations

from typing import Any

import pytest

from heat import schema
from heat.common.ids import StackId
from heat.model.resource import Row
from heat.resources.base import Surroundings
from heat.resources.openstack.mistral import CronTrigger, Workflow

NOOP = {'name': 'a', 'action': 'std.noop'}


def faults(kind: Any, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(kind.schema.properties, props)
    assert errors == []
    return [*map(str, kind.schema.faults(values)), *kind.validate(values)]


@pytest.mark.parametrize(
    ('kind', 'props', 'part'),
    [
        (CronTrigger, {'workflow': {'name': 'w'}}, 'pattern, first_time'),
        (Workflow, {'type': 'reverse', 'tasks': [NOOP], 'params': {'env': {}}}, '"task_name"'),
        (Workflow, {'type': 'direct', 'tasks': [{**NOOP, 'workflow': 'w'}]}, 'both an action and a workflow'),
        (Workflow, {'type': 'direct', 'tasks': [{**NOOP, 'requires': ['b']}]}, '"requires"'),
        (
            Workflow,
            {'type': 'direct', 'tasks': [NOOP], 'task_defaults': {'requires': ['b']}},
            'task_defaults has "requires"',
        ),
        (Workflow, {'type': 'reverse', 'tasks': [{**NOOP, 'on_error': ['b']}]}, '"on_error"'),
    ],
)
def test_what_does_not_fit_together_is_said(kind: Any, props: dict[str, Any], part: str) -> None:
    assert any(part in sentence for sentence in faults(kind, **props))


def test_what_is_not_known_yet_is_let_pass() -> None:
    unknown = schema.UNKNOWN
    assert faults(Workflow, type='reverse', tasks=unknown, params=unknown, task_defaults=unknown) == []
    assert faults(Workflow, type=unknown, tasks=[{**NOOP, 'requires': unknown}]) == []


def test_a_definition_says_what_the_properties_say_and_no_more() -> None:
    props, errors = schema.resolve(
        Workflow.schema.properties,
        {
            'type': 'direct',
            'input': {'x': 1},
            'output': {'y': '<% 1 %>'},
            'task_defaults': {'on_error': ['b'], 'pause_before': False},
            'tasks': [{**NOOP, 'policies': {'wait_before': 3, 'retry': {'count': 2}}}, {'name': 'b'}],
        },
    )
    assert errors == []
    row = Row('c5f3e3a4-7d7a-4c38-9f50-0d7c3a0c2b11', 's', 's', 'work', Workflow.type)
    plugin = Workflow(row, props, Surroundings(StackId('t', 'stack', 'i')))
    assert plugin._definition(props, 'mine') == {
        'version': '2.0',
        'mine': {
            'type': 'direct',
            'input': ['x'],
            'output': {'y': '<% 1 %>'},
            'task-defaults': {'on-error': ['b'], 'pause-before': False},
            'tasks': {'a': {'action': 'std.noop', 'wait-before': 3, 'retry': {'count': 2}}, 'b': {}},
        },
    }
