"""OS::Heat::SoftwareDeployment and StructuredDeployment: one configuration on one server.

Purpose: at each action of its life that it is for, a configuration derived from
the given one, with inputs and the way to answer, is deployed; then the server's
word is waited for. Invariant: one derived configuration per action and goal,
written with the row; the word of an earlier one never counts for a later.
Neighbours: ``deployment_signals`` makes the ways to answer,
``engine.deployed`` takes the words in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from heat.common.ids import derived_id
from heat.model.op import (
    AwaitWord,
    CloudFault,
    NeedsReplacement,
    ReadConfig,
    Record,
    Shelve,
    StepFailed,
    Tell,
)
from heat.model.resource import Row
from heat.model.software import (
    COMPLETE,
    IN_PROGRESS,
    Abandon,
    Answered,
    Change,
    Deploy,
    DropConfig,
    Undeploy,
    Word,
    word_of,
)
from heat.model.software import SoftwareConfig as Config
from heat.model.software import SoftwareDeployment as Deployment
from heat.model.status import Action
from heat.resources import queue, temp_url
from heat.resources.base import Diff, Others, Steps
from heat.resources.heat import deployment_signals
from heat.resources.heat.deployment_signals import NO_SIGNAL, TEMP_URL_SIGNAL, ZAQAR_SIGNAL
from heat.resources.heat.software_config import UNGROUPED, missing, too_long
from heat.resources.heat.wait_condition import StackUser
from heat.resources.queue import Messages
from heat.resources.temp_url import Puts, parsed
from heat.schema import IN_PLACE, Attr, List, Map, Property, String, Support

ACTIONS = ('CREATE', 'UPDATE', 'DELETE', 'SUSPEND', 'RESUME')
WAITING, NOT_WAITING = 'Deploy data available', 'Not waiting for outputs signal'
NOTHING: Mapping[str, Any] = {}


def shared(server: bool = True) -> dict[str, Property]:
    """The properties that deployments and groups of them have in common."""
    found = {
        'config': String('The id of the configuration to apply.', update=IN_PLACE),
        'input_values': Map('Values of the inputs, by name.', update=IN_PLACE),
        'actions': List('The actions of the stack at which it is applied.', update=IN_PLACE,
                        default=['CREATE', 'UPDATE'], values=ACTIONS),
        'name': String('Name of the derived configuration: a server applies them in this order.',
                       update=IN_PLACE),
        'signal_transport': String(
            'How the server tells the outcome: by a POST to a signed address of the CFN API, a PUT to a '
            'temporary address of the object store, a call of this API with the credential of a user made '
            'for it, or a message in a queue. NO_SIGNAL: nobody waits for it.', default='CFN_SIGNAL',
            values=list(deployment_signals.TRANSPORTS))}
    if server:
        found['server'] = String('The id of the server to apply it on.', required=True)
    return found


def structured() -> dict[str, Property]:
    """What deployments of structures have besides."""
    return {
        'input_key': String('The key of a map that stands for an input in the structure.',
                            default='get_input'),
        'input_values_validate': String('STRICT: an input that has no value is an error; LAX: it is null.',
                                        default='LAX', values=['LAX', 'STRICT'])}


class DeploymentAttributes:
    deploy_stdout = Attr('What the tool wrote to its output.', type='String')
    deploy_stderr = Attr('What the tool wrote to its error output.', type='String')
    deploy_status_code = Attr('The status code that the tool ended with.', type='String')


# Made outside of the classes, in which ``type`` is the name of the resource type.
Properties = type('Properties', (), shared())
StructuredProperties = type('StructuredProperties', (), {**shared(), **structured()})


class SoftwareDeployment(StackUser):
    """Applies a configuration on a server, and waits until the server says that it is done."""

    type = 'OS::Heat::SoftwareDeployment'
    support = Support(version='2014.1')
    signals = True
    deploys = True
    any_attribute = True
    private_attributes = True

    properties = Properties
    attributes = DeploymentAttributes

    @classmethod
    def among(cls, refers: Mapping[str, frozenset[str]], others: Others) -> Iterable[str]:
        yield from deaf_servers(refers.get('server', frozenset()), others)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from super().validate(props)
        yield from too_long(props)

    # -- verbs -----------------------------------------------------------------------------------

    def create(self) -> Steps:
        yield from self._act(Action.CREATE)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from self._act(Action.UPDATE)

    def suspend(self) -> Steps:
        yield from self._act(Action.SUSPEND)
        yield from super().suspend()

    def resume(self) -> Steps:
        if (yield from self.at_first('user', self.row.data.get('user_id'))):
            yield from super().resume()
        yield from self._act(Action.RESUME)

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield from self._act(Action.DELETE)
            # Where somebody took the deployment away, its configuration is still there.
            yield Shelve((Undeploy(self.row.physical_id), DropConfig(self.row.data.get('derived', ''))))
            try:
                yield Tell(self.props['server'])
            except CloudFault as fault:
                if fault.status != 404:
                    raise
                # Where it would be told is gone, so it will never hear of it.
        yield from temp_url.remove(self)
        yield from queue.remove(self)
        yield from self.delete_user()

    def _act(self, action: Action) -> Steps:
        """Deploy for ``action``, once per goal, and wait for the server's word."""
        turn = f'{action}:{self.row.goal_seq}'
        begun = self.row.data.get('turn') == turn
        config = None
        if not begun:
            config = yield from self._config(action)
            if config is None or action not in self._actions(config):
                return
            self._check_replacement(action, config)
        # Asked for in any case: a step that goes on after a crash is fed the answers of its journal.
        derived = derived_id(self.row.uuid, turn)
        ways = yield from deployment_signals.prepare(self, action, derived)
        if config is not None:
            yield from self._begin(action, turn, config, ways)
        yield Tell(self.props['server'])
        if self.props['signal_transport'] == NO_SIGNAL:
            return
        if self.props['signal_transport'] == TEMP_URL_SIGNAL:
            yield from self._await_text(derived, Puts(self.row.data['container'], derived))
        elif self.props['signal_transport'] == ZAQAR_SIGNAL:
            yield from self._await_text(derived, Messages(self, derived, queue.site_of(self.row.data)))
        data = yield AwaitWord(lambda data: bool(data['word']['status'] != IN_PROGRESS))
        if data['word']['status'] != COMPLETE:
            raise StepFailed(f'Deployment to server failed: {data["word"]["reason"]}', 'Error')

    def _await_text(self, derived: str, told: Puts | Messages) -> Steps:
        """Wait until the server has written its word where ``told`` looks, or it is said otherwise."""
        def said() -> bool:
            return bool(self.row.data['word']['status'] != IN_PROGRESS)

        if said():
            return
        yield from told.more(said)
        if said():
            return
        deployment = Deployment(self.id, derived, '', '', output_values=self.row.data['word']['outputs'])
        config = Config(derived, None, None, '', {'outputs': self.row.data['outputs']})
        word = word_of(deployment, config, parsed(told.texts[0]))
        yield Shelve((Answered(self.id, derived, word),))
        yield Record(data={'word': word.to_wire()})

    def _config(self, action: Action) -> Steps:
        """The configuration given; one without content where none is; None if there is no more of it."""
        config_id = self.props.get('config')
        if not config_id:
            return Config('', None, None, '', {})
        found = yield ReadConfig(config_id)
        if found is None and action is not Action.DELETE:
            raise missing(config_id)
        return found

    def _actions(self, config: Config) -> set[str]:
        if config.group == 'component':
            # A component says itself which of its parts are for which action.
            return {action for part in config.config['config']['configs'] for action in part['actions']}
        return set(self.props.get('actions') or ())

    def _begin(self, action: Action, turn: str, config: Config, ways: list[dict[str, Any]]) -> Steps:
        for said in too_long(self.props):
            raise StepFailed(said)
        values = dict(self.props.get('input_values') or {})
        given = given_inputs(config, values)
        inputs = [*given, *ways]
        content = self.derived(config, inputs)
        deployment_id = self.row.physical_id or derived_id(self.row.uuid)
        derived = Config(
            derived_id(self.row.uuid, turn), self.props.get('name') or self.physical_name(),
            config.group or UNGROUPED, self.around.stack.tenant,
            {'config': content, 'inputs': inputs, 'outputs': list(config.config.get('outputs') or ()),
             'options': config.config.get('options') or {}})
        silent = self.props['signal_transport'] == NO_SIGNAL
        word = Word(COMPLETE, NOT_WAITING, {}) if silent else Word(IN_PROGRESS, WAITING, {})
        yield Shelve((Deploy(Deployment(
            deployment_id, derived.id, self.props['server'], self.around.stack.tenant,
            self.row.data.get('project_id') or self.around.stack_user_project, values, None, str(action),
            word.status, word.reason), derived),))
        yield Record(physical_id=deployment_id, data={
            'turn': turn, 'derived': derived.id, 'outputs': derived.config['outputs'],
            'fixed': fixed_inputs(given),
            'word': {**word.to_wire(), 'outputs': (self.row.data.get('word') or NOTHING).get('outputs', {})}})

    def _check_replacement(self, action: Action, config: Config) -> None:
        now = fixed_inputs(given_inputs(config, self.props.get('input_values') or {}))
        before = self.row.data.get('fixed') or {}
        if action is Action.UPDATE and any(before.get(name, value) != value for name, value in now.items()):
            raise NeedsReplacement('An input that is not changed in place has another value.')

    def derived(self, config: Config, inputs: list[dict[str, Any]]) -> Any:
        """The content deployed."""
        return config.config.get('config')

    # -- words ------------------------------------------------------------------------------------

    @classmethod
    def signal(cls, row: Row, details: Mapping[str, Any] | None) -> tuple[Row, str]:
        told = details or {}
        event = str(told.get('event') or '')
        # A word without a configuration is on the deployment as it stands.
        if 'status' not in told or told.get('config') not in (None, row.data.get('derived')):
            return row, event
        return replace(row, data={**row.data, 'word': Word.from_wire(told).to_wire()}), event

    @classmethod
    def abandoned(cls, row: Row) -> tuple[Change, ...]:
        return (Abandon(row.physical_id),) if row.physical_id is not None else ()

    # -- attributes ---------------------------------------------------------------------------------

    @classmethod
    def knows(cls, name: str) -> bool:
        return True

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        word = row.data.get('word') or {}
        if name == 'show':
            return None if row.physical_id is None else {
                'id': row.physical_id, 'server_id': (row.props or {}).get('server'),
                'config_id': row.data.get('derived'), 'status': word.get('status'),
                'status_reason': word.get('reason'), 'output_values': word.get('outputs')}
        return (word.get('outputs') or {}).get(name)


class StructuredDeployment(SoftwareDeployment):
    """Applies a configuration that is a structure, with its inputs put in where they stand."""

    type = 'OS::Heat::StructuredDeployment'
    support = Support(version='2014.1')

    properties = StructuredProperties

    def derived(self, config: Config, inputs: list[dict[str, Any]]) -> Any:
        values = {one['name']: one.get('value') for one in inputs}
        strict = self.props['input_values_validate'] == 'STRICT'
        return put_in(config.config.get('config'), self.props['input_key'], values, strict)


def deaf_servers(names: Iterable[str], others: Others) -> Iterable[str]:
    """Sentences about servers of the template that would never learn of a deployment."""
    for name in sorted(names):
        form = others[name][1].get('user_data_format') if name in others else None
        if isinstance(form, str) and form != 'SOFTWARE_CONFIG':
            yield (f"Resource {name}'s property user_data_format should be set to SOFTWARE_CONFIG since "
                   'there are software deployments on it.')


def given_inputs(config: Config, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The declared inputs with their values, then those that only the deployment knows."""
    declared = [{**one, 'value': values.get(one['name'], one.get('default'))}
                for one in config.config.get('inputs') or ()]
    names = {one['name'] for one in declared}
    return declared + [{'name': name, 'type': 'String', 'value': value} for name, value in values.items()
                       if name not in names]


def fixed_inputs(inputs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of inputs that ask for a replacement when they change."""
    return {str(one['name']): one['value'] for one in inputs if one.get('replace_on_change')}


def put_in(value: Any, key: str, inputs: Mapping[str, Any], strict: bool) -> Any:
    """``value`` with each ``{key: name}`` replaced by that input.

    With ``strict`` an input that has no value is a StepFailed.
    """
    if isinstance(value, Mapping):
        if set(value) == {key} and isinstance(value[key], str):
            name = value[key]
            if strict and inputs.get(name) is None:
                raise StepFailed(f'The input {name} of the configuration was not given a value, and '
                                 'input_values_validate is STRICT', 'UserParameterMissing')
            return inputs.get(name)
        return {name: put_in(one, key, inputs, strict) for name, one in value.items()}
    if isinstance(value, list):
        return [put_in(one, key, inputs, strict) for one in value]
    return value


__all__ = ['SoftwareDeployment', 'StructuredDeployment', 'deaf_servers', 'shared', 'structured']
