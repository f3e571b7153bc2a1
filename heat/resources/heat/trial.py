"""Types that wait and fail as told: Delay and TestResource.

Purpose: pauses in a template, and the resource with which stacks are tried out.
Invariant: waiting is counted from the first time, so an engine that dies does
not start it anew. Neighbours: ``engine.step`` keeps the time.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import NeedsReplacement, Record, Sleep, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Resource, Steps
from heat.schema import IN_PLACE, Attr, Boolean, List, Map, Number, String, Support


class Delay(Resource):
    """A resource that pauses for a configurable delay.

    By manipulating the dependency relationships between resources in the
    template, a delay can be inserted at an arbitrary point during e.g. stack
    creation or deletion. They delay will occur after any resource that it
    depends on during CREATE or SUSPEND, and before any resource that it
    depends on during DELETE or RESUME. Similarly, it will occur before any
    resource that depends on it during CREATE or SUSPEND, and after any
    resource thet depends on it during DELETE or RESUME.

    If a non-zero maximum jitter is specified, a random amount of jitter -
    chosen with uniform probability in the range from 0 to the product of the
    maximum jitter value and the jitter multiplier (1s by default) - is added
    to the minimum delay time. This can be used, for example, in the scaled
    unit of a large scaling group to prevent 'thundering herd' issues.
    """

    type = 'OS::Heat::Delay'
    support = Support(version='11.0.0')

    class properties:
        min_wait = Number('Minimum time in seconds to wait during the specified actions.', default=0,
                          range=(0, None), update=IN_PLACE)
        max_jitter = Number('Maximum jitter to add to the minimum wait time.', default=0,
                            range=(0, None), update=IN_PLACE)
        jitter_multiplier = Number('Number of seconds to multiply the maximum jitter value by.',
                                   default=1.0, range=(0, None), update=IN_PLACE)
        actions = List('Actions during which the delay will occur.', default=['CREATE'], update=IN_PLACE,
                       values=['CREATE', 'DELETE', 'SUSPEND', 'RESUME'])

    def _pause(self, action: str) -> Steps:
        props = self.props
        if action in (props.get('actions') or ()):
            # Seeded by the row, so that a resumed step waits for the same time.
            jitter = random.Random(f'{self.row.uuid}-{action}').random()
            yield Sleep(props['min_wait'] + jitter * props['max_jitter'] * props['jitter_multiplier'])

    def create(self) -> Steps:
        yield Record(physical_id=self.physical_name())
        yield from self._pause('CREATE')

    def delete(self) -> Steps:
        yield from self._pause('DELETE')

    def suspend(self) -> Steps:
        yield from self._pause('SUSPEND')

    def resume(self) -> Steps:
        yield from self._pause('RESUME')


class TestResource(Resource):
    """A resource which stores the string value that was provided.

    This resource is to be used only for testing. It has control knobs such as
    'update_replace', 'fail', 'wait_secs'.
    """

    __test__ = False
    type = 'OS::Heat::TestResource'
    support = Support(version='5.0.0')

    class properties:
        value = String('The input string to be stored.', default='test_string', update=IN_PLACE)
        fail = Boolean('Value which can be set to fail the resource operation to test failure scenarios.',
                       default=False, update=IN_PLACE)
        update_replace = Boolean('Value which can be set to trigger update replace for the particular '
                                 'resource.', default=False, update=IN_PLACE)
        update_replace_value = String('Some value that can be stored but can not be updated.',
                                      support=Support(version='7.0.0'))
        wait_secs = Number('Seconds to wait after an action (-1 is infinite).', default=0, update=IN_PLACE)
        action_wait_secs = Map(
            'Options for simulating waiting.', update=IN_PLACE,
            keys={verb: Number(f'Seconds to wait after {a} {verb}. Defaults to the global wait_secs.',
                               update=IN_PLACE)
                  for a, verb in (('a', 'create'), ('an', 'update'), ('a', 'delete'))})
        client_name = String('Client to poll.', default='', update=IN_PLACE)
        entity_name = String('Client entity to poll.', default='', update=IN_PLACE)
        constraint_prop_secs = Number('Number value for delay during resolve constraint.',
                                      default=0, check='test_constr', update=IN_PLACE,
                                      support=Support(version='6.0.0'))
        attr_wait_secs = Number('Number value for timeout during resolving output value.', default=0,
                                update=IN_PLACE, support=Support(version='6.0.0'))

    class attributes:
        output = Attr('The string that was stored. This value is also available by referencing the '
                      'resource.', live=True)

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.physical_id if row.physical_id is not None else row.name

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return row.data.get('value') if name == 'output' else None

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        # Only both together name something to poll.
        if props.get('client_name') and props.get('entity_name'):
            yield 'Polling an entity of a client is not supported.'

    def _wait(self, verb: str) -> Steps:
        seconds = (self.props.get('action_wait_secs') or {}).get(verb)
        seconds = self.props.get('wait_secs', 0) if seconds is None else seconds
        if seconds < 0:
            # "Infinite" in the classic; a century outlives every stack timeout.
            seconds = 3.2e9
        if seconds:
            yield Sleep(seconds)

    def _store(self) -> Steps:
        if self.props.get('fail'):
            raise StepFailed(f'Test Resource failed {self.name}', 'ValueError')
        yield Record(data={'value': self.props['value']})

    def create(self) -> Steps:
        yield Record(physical_id=self.physical_name())
        yield from self._store()
        yield from self._wait('create')

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'update_replace' in diff and new.get('update_replace'):
            raise NeedsReplacement
        yield from self._store()
        yield from self._wait('update')

    def delete(self) -> Steps:
        yield from self._wait('delete')

    def check(self) -> Steps:
        yield from ()

    def read(self, names: tuple[Any, ...]) -> Steps:
        if self.props.get('attr_wait_secs'):
            yield Sleep(self.props['attr_wait_secs'])
        return {}
