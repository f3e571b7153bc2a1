"""A workflow that is run by the clock.

Purpose: OS::Mistral::CronTrigger. Invariant: triggers are known by their names, which are
unique in a project. Neighbours: ``workflow`` is what it runs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from heat.model.op import Adopt
from heat.resources.base import Steps
from heat.resources.openstack.mistral.execution import SERVICE, named
from heat.resources.rest import NamedOnce
from heat.schema import Attr, Integer, Map, String, Support, at_least_one


class CronTrigger(NamedOnce):
    """A schedule by which a workflow is run."""

    type = 'OS::Mistral::CronTrigger'
    support = Support(version='5.0.0')
    service, path, id_key = SERVICE, '/cron_triggers', 'name'
    survives_failure = True

    class properties:
        name = String('Name.')
        pattern = String('When, as cron has it.', check='cron_expression')
        workflow = Map('What is run.', required=True, wire=None, keys={
            'name': String('The workflow, by name or id.', required=True, check='mistral.workflow'),
            'input': Map('Its input.')})
        count = Integer('How many times; by default without end.', wire='remaining_executions')
        first_time = String('When first, as in 2030-01-31 23:59 (UTC).', wire='first_execution_time')
        when = at_least_one('pattern', 'first_time')

    class attributes:
        next_execution_time = Attr('When it is run next.', 'String', live=True)
        remaining_executions = Attr('How many times it will be run.', 'Integer', live=True)

    def body(self, props: Any) -> dict[str, Any]:
        workflow = props['workflow']
        return {**super().body(props), **named(workflow['name']),
                'workflow_input': workflow.get('input') or {}}

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{quote(self.id, safe="")}{tail}'

    def adopt(self, body: dict[str, Any]) -> Adopt:
        name = body['name']
        return Adopt(f'{self.path}/{quote(name, safe="")}', None, lambda found: found.get('name') == name)

    def check(self) -> Steps:
        return (yield self.get())
