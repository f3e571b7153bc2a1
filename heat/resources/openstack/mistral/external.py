"""A thing of any kind that workflows make, change and take away.

Purpose: OS::Mistral::ExternalResource. Invariant: each verb is one execution, whose id follows
from the row and the goal; what executions put out is kept with the row, the later over the
earlier. Neighbours: ``execution`` has the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.common.ids import derived_id
from heat.model.op import Record
from heat.model.resource import Row
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.mistral.execution import SERVICE, parsed, start, until_done
from heat.schema import IN_PLACE, Attr, Boolean, List, Map, String, Support


def _action(verb: str) -> Any:
    return Map(f'What is run to {verb} it.', keys={
        'workflow': String('The workflow, by name or id.', required=True, check='mistral.workflow'),
        'params': Map('Parameters of the execution, such as its environment.', default={})})


class ExternalResource(Resource):
    """A thing that is managed by workflows.

    The workflow of an action is given ``input``. What it puts out is the attribute ``output``; its
    ``resource_id`` becomes the id of this resource.
    """

    type = 'OS::Mistral::ExternalResource'
    support = Support(version='9.0.0')
    service = SERVICE

    class properties:
        actions = Map('The workflow for each action; what has none does nothing.', required=True, keys={
            verb.upper(): _action(verb) for verb in ('create', 'update', 'suspend', 'resume', 'delete')})
        input = Map('What every workflow is given.', default={}, update=IN_PLACE)
        description = String('Description of the executions.', default='Heat managed')
        always_update = Boolean('Whether each update of the stack runs UPDATE, if the input is as it was.',
                                default=False)
        replace_on_change_inputs = List('Keys of the input that make another thing of it.', default=[])

    class attributes:
        output = Attr('What the executions have put out.', 'Map')

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        before, after = (row.props or {}).get('input') or {}, new.get('input') or {}
        return any(before.get(key) != after.get(key) for key in new.get('replace_on_change_inputs') or ())

    @classmethod
    def wants_update(cls, row: Row) -> bool:
        return bool((row.props or {}).get('always_update'))

    def _run(self, verb: str, props: Mapping[str, Any]) -> Steps:
        """Run the workflow of ``verb``, if there is one; whether there is."""
        wanted = (props.get('actions') or {}).get(verb)
        if not wanted:
            return False
        identity = derived_id(self.row.uuid, verb, str(self.row.goal_seq))
        workflow = wanted['workflow']
        if self.row.physical_id is None:
            # What was begun is to be taken away as well.
            yield Record(physical_id=identity)
        yield start(identity, workflow, props.get('input') or {}, wanted.get('params') or {},
                    props.get('description') or '', verb.lower())
        body = yield until_done(identity, f'workflow {workflow}')
        output = parsed(body.get('output'))
        yield self.keep(output={**(self.row.data.get('output') or {}), **output})
        if verb == 'CREATE' and output.get('resource_id') is not None:
            yield Record(physical_id=str(output['resource_id'])[:255])
        return True

    def create(self) -> Steps:
        if not (yield from self._run('CREATE', self.props)):
            yield Record(physical_id=self.physical_name())

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from self._run('UPDATE', new)

    def suspend(self) -> Steps:
        yield from self._run('SUSPEND', self.row.props or {})

    def resume(self) -> Steps:
        yield from self._run('RESUME', self.row.props or {})

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield from self._run('DELETE', self.row.props or {})

    def read(self, names: tuple[Any, ...]) -> Steps:
        yield from ()
        return {'output': self.row.data.get('output') or {}} if 'output' in names else {}
