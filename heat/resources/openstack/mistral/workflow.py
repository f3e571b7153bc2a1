"""A workflow, and the address at which whoever signals runs it.

Purpose: OS::Mistral::Workflow. Invariant: workflows are known by their names, which are unique in
a project; the definition is made from the properties alone. Neighbours: ``execution`` is a run
of it; ``engine.relay`` asks for the one that a signal wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from heat.common.ids import derived_id
from heat.model.op import Adopt, Call, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Steps
from heat.resources.heat.wait_condition import StackUser
from heat.resources.openstack.mistral.execution import SERVICE, parsed, start
from heat.resources.rest import Rest
from heat.schema import (
    IN_PLACE,
    Attr,
    Boolean,
    Integer,
    List,
    Map,
    String,
    Support,
    deprecated,
    hidden,
)

SINCE_5, SINCE_8 = Support(version='5.0.0'), Support(version='8.0.0')
# The service refuses who wants JSON where it takes a definition, and answers with JSON.
ANY = {'Accept': '*/*'}
# What Kilo had apart.
POLICIES = ('pause_before', 'wait_after', 'wait_before', 'timeout', 'concurrency', 'retry')


class Workflow(StackUser, Rest):
    """Tasks with their order."""

    type = 'OS::Mistral::Workflow'
    support = Support(version='2015.1')
    service, path, key, id_key = SERVICE, '/workflows', '', 'name'
    survives_failure = True
    signals = relays = True

    class properties:
        name = String('Name.')
        type_ = String('Whether tasks say what follows them (direct) or what they require (reverse).',
                       required=True, values=['direct', 'reverse'], update=IN_PLACE)
        use_request_body_as_input = Boolean(
            'Whether the whole body of a signal is input; else its key "input" is.', update=IN_PLACE,
            support=Support(version='6.0.0'))
        description = String('Description.', update=IN_PLACE)
        input = Map('Input: its keys, and what they are for signals that do not say.', update=IN_PLACE)
        output = Map('What it puts out.', update=IN_PLACE)
        params = Map('Parameters of executions that are signalled; task_name for a reverse workflow.',
                     update=IN_PLACE)
        task_defaults = Map('What tasks do that do not say.', update=IN_PLACE, support=SINCE_5, keys={
            'on_success': List('Tasks that follow if it succeeds.'),
            'on_error': List('Tasks that follow if it fails.'),
            'on_complete': List('Tasks that follow in any case.'),
            'requires': List('Tasks that must come before.'),
            'retry': Map('How it is repeated.'),
            'wait_before': Integer('Seconds to wait before it.'),
            'wait_after': Integer('Seconds to wait after it.'),
            'pause_before': Boolean('Whether the workflow pauses before it.'),
            'timeout': Integer('Seconds after which it fails.'),
            'concurrency': Integer('How many at once.', support=SINCE_8)})
        tags = List('Tags.', update=IN_PLACE, support=Support(version='10.0.0'))
        tasks = List('Tasks.', required=True, length=(1, None), update=IN_PLACE, of=Map(keys={
            'name': String('Name.', required=True),
            'description': String('Description.'),
            'input': Map('Input.'),
            'action': String('Action that it is.'),
            'workflow': String('Workflow that it is, by name or id.', check='mistral.workflow'),
            'publish': Map('What it makes known to others.'),
            'on_success': List('Tasks that follow if it succeeds.'),
            'on_error': List('Tasks that follow if it fails.'),
            'on_complete': List('Tasks that follow in any case.'),
            'policies': Map('How it is run.', unpack=POLICIES, support=hidden(
                '8.0.0', deprecated('5.0.0', 'Use the properties of the task.', since='2015.1'))),
            'requires': List('Tasks that must come before.'),
            'retry': Map('How it is repeated.', support=SINCE_5),
            'wait_before': Integer('Seconds to wait before it.', support=SINCE_5),
            'wait_after': Integer('Seconds to wait after it.', support=SINCE_5),
            'pause_before': Boolean('Whether the workflow pauses before it.', support=SINCE_5),
            'timeout': Integer('Seconds after which it fails.', support=SINCE_5),
            'with_items': String('List whose items it is run for.', support=SINCE_5),
            'keep_result': Boolean('Whether its result is kept.', support=SINCE_5),
            'concurrency': Integer('How many at once.', support=SINCE_8),
            'target': String('Executor that runs it.', support=SINCE_5),
            'join': String('How many of those before it must have come to their end.',
                           support=Support(version='6.0.0'))}))

    class attributes:
        data = Attr('Name and input.', 'Map')
        alarm_url = Attr('A signed address: whoever posts there runs it.', 'String', live=True)
        executions = Attr('Its executions.', 'List', live=True)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        kind, tasks = props.get('type'), props.get('tasks')
        params, defaults = props.get('params'), props.get('task_defaults')
        if kind == 'reverse' and isinstance(params, Mapping) and 'task_name' not in params:
            yield '"task_name" is not assigned in "params" in case of reverse type workflow.'
        if kind == 'direct' and isinstance(defaults, Mapping) and defaults.get('requires') is not None:
            yield 'task_defaults has "requires", which only a reverse workflow can have.'
        for task in tasks if isinstance(tasks, list) else ():
            if not isinstance(task, Mapping):
                continue
            name = task.get('name')
            if task.get('action') is not None and task.get('workflow') is not None:
                yield f'Task {name} has both an action and a workflow.'
            if kind == 'direct' and task.get('requires') is not None:
                yield f'Task {name} has "requires", which only tasks of a reverse workflow can have.'
            if kind == 'reverse':
                for key in ('on_success', 'on_error', 'on_complete'):
                    if task.get(key) is not None:
                        yield f'Task {name} has "{key}", which only tasks of a direct workflow can have.'

    # -- the definition --------------------------------------------------------------------------

    def _definition(self, props: Mapping[str, Any], name: str) -> dict[str, Any]:
        made: dict[str, Any] = {key: props[key] for key in ('type', 'description', 'tags', 'output')
                                if props.get(key) is not None}
        if props.get('input') is not None:
            made['input'] = list(props['input'])
        if props.get('task_defaults') is not None:
            made['task-defaults'] = _dashed(props['task_defaults'])
        made['tasks'] = {task['name']: _dashed({key: value for key, value in task.items() if key != 'name'})
                         for task in props['tasks']}
        return {'version': '2.0', name: made}

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{quote(self.id, safe="")}{tail}'

    # -- verbs -----------------------------------------------------------------------------------

    def create(self) -> Steps:
        name = self.props.get('name') or self.physical_name()
        yield Call(SERVICE, 'POST', self.path, self._definition(self.props, name), headers=ANY,
                   unwrap='workflows.0', identify='name', label='create', adopt=Adopt(
                       f'{self.path}/{quote(name, safe="")}', None, lambda found: found.get('name') == name))
        yield from self._reachable()

    def _reachable(self) -> Steps:
        """Have an address at which it is signalled, unless it has one; a creation may have failed before."""
        if (yield from self.at_first('reached', bool(self.row.data.get('signed_url')))):
            return
        # Where there is no CloudFormation API, the native one is there to be signalled.
        if self.around.urls.get('cfn_signal'):
            yield from self.make_user()
            yield from self.create_signed('POST', 'signal', expires=False)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from self._reachable()
        if set(diff) - {'params', 'use_request_body_as_input'}:
            yield Call(SERVICE, 'PUT', self.path, self._definition(new, self.id), headers=ANY,
                       label='update')

    def delete(self) -> Steps:
        yield from self.delete_user()
        if self.row.physical_id is not None:
            yield self.remove()

    def check(self) -> Steps:
        return (yield self.get())

    # -- what it tells ---------------------------------------------------------------------------

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        if name == 'alarm_url':
            # Kept with private data alone: a copy among the attributes would outlive a new key.
            return row.data.get('signed_url')
        if name == 'data':
            return {'name': row.physical_id, 'input': (row.props or {}).get('input')}
        return super().attribute(row, name, path)

    def read(self, names: tuple[Any, ...]) -> Steps:
        found: dict[str, Any] = {}
        if 'executions' in names:
            listed = yield Call(SERVICE, 'GET', '/executions', query={'workflow_name': self.id},
                                unwrap='executions', label='executions')
            found['executions'] = [{
                **{key: one.get(key) for key in ('id', 'workflow_name', 'created_at', 'updated_at', 'state')},
                'input': parsed(one.get('input'))} for one in listed]
        if 'show' in names:
            found['show'] = yield self.get()
        return found

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        # The service shows the text of the definition, which is what it was given.
        wanted = self._definition(self.props, self.id)
        there = parsed(body.get('definition'))
        return {} if not there or there == wanted else {'tasks': there}

    # -- signals ---------------------------------------------------------------------------------

    @classmethod
    def relay(cls, row: Row, details: Mapping[str, Any] | None, signal: str) -> Call:
        """The execution that a signal asks for; StepFailed if it asks for what the workflow does not take."""
        props, told = row.props or {}, dict(details or {})
        given, params = dict(props.get('input') or {}), dict(props.get('params') or {})
        more = told if props.get('use_request_body_as_input') else told.get('input') or {}
        others = told.get('params') or {}
        for name, value in (('Input', more), ('Params', others)):
            if not isinstance(value, Mapping):
                raise StepFailed(f'{name} in signal data must be a map, find a {type(value).__name__}',
                                 'StackValidationFailed')
        strange = [key for key in more if key not in given]
        if strange:
            raise StepFailed(f'Unknown input {strange[0]}', 'StackValidationFailed')
        if not props.get('use_request_body_as_input'):
            environment = {**(params.get('env') or {}), **(others.get('env') or {})}
            params = {**params, **others, **({'env': environment} if environment else {})}
        return start(derived_id(row.uuid, signal), str(row.physical_id), {**given, **more}, params,
                     f'Signal to resource {row.name}')


def _dashed(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the service spells it, without what is not given."""
    return {key.replace('_', '-'): value for key, value in values.items() if value is not None}
