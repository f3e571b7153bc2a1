"""What all types of the load balancing service share: the lock on a load balancer, and waiting.

Purpose: ``Octavia`` is ``Rest`` in this service's dialect. While it works on one
part of a load balancer, the service refuses changes to all of it. Invariant:
such a refusal is never a failure; the change is asked for again when what is
locked has become free, and of many that wait one at a time, so that they do not
refuse each other. Neighbours: the types beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from heat.model.op import Adopt, Call, CloudFault, NeedsReplacement, Poll, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import made_since, once, successors
from heat.resources.rest import Rest

# Of what is part of a load balancer, and of the load balancer itself.
LOCKED = re.compile(r'\b(Load Balancer|Listener|Pool|L7 ?Policy) ([0-9a-f-]{36}) is immutable'
                    r'|Invalid state \w+ of (loadbalancer) resource ([0-9a-f-]{36})')
PLACES = {'listener': 'listeners', 'pool': 'pools', 'l7policy': 'l7policies'}
# Seconds between two looks at what is locked; all who wait for it share them.
SOON, SELDOM = 0.2, 1.0
# Refusals that others' turns explain; after more the next ones are awaited longer.
OTHERS = 20


def locked(fault: CloudFault) -> bool:
    """Whether the service refuses because it is at work there: nothing was begun."""
    return fault.status == 409 and LOCKED.search(fault.message) is not None


def in_error(name: str, identity: str, fault: CloudFault) -> str:
    return (f'{name} {identity} is in status ERROR; it takes no changes before it is failed over, or deleted '
            f'with all it has: {fault.text()}')


class Octavia(Rest):
    """A part of a load balancer, or the whole of it."""

    service = 'load-balancer'
    survives_failure = True
    status_key = 'provisioning_status'
    ready: ClassVar[tuple[str, ...]] = ('ACTIVE',)
    gone_by_poll = True
    # What the service takes for "as at the beginning" where null is no such word.
    beginnings: ClassVar[Mapping[str, Any]] = {'description': ''}

    # -- verbs -------------------------------------------------------------------------------------

    def create(self) -> Steps:
        return (yield from self.make('create'))

    def make(self, label: str) -> Steps:
        yield from self.changing(self.post(self.body(self.props), label))
        return (yield self.until(*self.ready))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.changes(diff)
        changes = {name: self.beginnings.get(name) if value is None else value
                   for name, value in changes.items()}
        changes = self.arranged(self.body_of_update(changes), new)
        if changes:
            yield from self.changing(self.put(changes))
            yield self.until(*self.ready)

    def arranged(self, changes: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        """The object of an update in its final form; ``new`` are all properties."""
        return changes

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield from self.changing(self.remove())
        yield self.until_gone()

    def revive(self) -> Steps:
        """A thing that a FAILED step left may still be on its way."""
        body = yield self.poll(lambda body: body is None or not self._at_work(body))
        if body is None or body.get(self.status_key) not in self.ready:
            state = 'gone' if body is None else body.get(self.status_key)
            raise NeedsReplacement(f'{self.key} {self.id} is {state}')

    def _at_work(self, body: Mapping[str, Any]) -> bool:
        return str(body.get(self.status_key)).startswith('PENDING')

    def check(self) -> Steps:
        # Somebody else's change is no fault of it.
        yield self.poll(lambda body: body is None or not self._at_work(body))
        return (yield from super().check())

    # -- the lock ------------------------------------------------------------------------------------

    def changing(self, call: Call) -> Steps:
        """Make the call as soon as the load balancer takes it."""
        looks = 0
        while True:
            try:
                return (yield replace(call, for_now=locked))
            except CloudFault as fault:
                if not locked(fault):
                    raise
                yield from self.unlocked(fault, SOON if looks < OTHERS else SELDOM)
            looks += 1

    def unlocked(self, fault: CloudFault, interval: float) -> Steps:
        """Wait until the load balancer takes changes again, whatever part of it the service named."""
        found = LOCKED.search(fault.message)
        assert found is not None
        name, identity = (text for text in found.groups() if text)
        key = name.replace(' ', '').lower()
        while key != 'loadbalancer':
            body = yield Call('load-balancer', 'GET', f'/lbaas/{PLACES[key]}/{identity}', ok=(404,),
                              unwrap=key, label=f'locked {key}')
            if body is None:
                return
            if body.get('provisioning_status') == 'ERROR':
                raise StepFailed(in_error(name, identity, fault), 'ResourceInError')
            if body.get('loadbalancers'):
                key, identity = 'loadbalancer', body['loadbalancers'][0]['id']
            elif body.get('listener_id'):
                key, identity = 'listener', body['listener_id']
            else:
                raise StepFailed(fault.text(), fault.kind)
        balancer = identity

        def judge(body: dict[str, Any] | None) -> bool | str:
            state = 'DELETED' if body is None else str(body.get('provisioning_status'))
            if state == 'ERROR':
                return in_error('Load Balancer', balancer, fault)
            return not state.startswith('PENDING')
        yield Poll('load-balancer', f'/lbaas/loadbalancers/{balancer}', balancer, judge,
                   unwrap='loadbalancer', interval=interval, max_interval=SELDOM, in_turn=True)

    # -- calls -----------------------------------------------------------------------------------

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        found, recent = super().adopt(body), made_since(self, 'created_at')
        return found and replace(found, match=lambda one: one.get('name') == body['name'] and recent(one))

    def until_gone(self) -> Poll:
        def judge(body: dict[str, Any] | None) -> bool | str:
            state = 'DELETED' if body is None else body.get(self.status_key)
            if state == 'ERROR':
                return f'{self.key} {self.id} went to {self.status_key} ERROR while it was deleted.'
            return state == 'DELETED'
        return self.poll(judge)


class Single(Octavia):
    """A part that has a place which only one can have, such as a port of a load balancer.

    ``place`` names the properties that say which; ``rivals`` lists what has it.
    """

    releases = True
    place: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def in_the_way(cls, row: Row, new: Mapping[str, Any]) -> bool:
        old = row.props or {}
        return all(old.get(name) == new.get(name) for name in cls.place)

    def release(self) -> Steps:
        yield from self.delete()

    def restore(self) -> Steps:
        """Be made again; a successor that is not wanted any more makes room."""
        for rival in (yield from once(self, 'rivals', self._successors())):
            path = f'{self.path}/{rival}'
            yield from self.changing(Call('load-balancer', 'DELETE', path, ok=(404,),
                                          label=f'displace {rival}'))
            yield Poll('load-balancer', path, rival, lambda body: body is None or body.get(
                'provisioning_status') == 'DELETED', unwrap=self.key)
        yield from self.make('restore')

    def _successors(self) -> Steps:
        # What is somebody else's stays, and is told by the refusal.
        return (yield from successors(self, (yield from self.rivals())))

    def rivals(self) -> Steps:
        """The ids of what has the place."""
        raise NotImplementedError

    def listed(self, **query: Any) -> Steps:
        key = self.plural or f'{self.key}s'
        found = yield Call('load-balancer', 'GET', self.path, query=query, ok=(404,), unwrap=key, label=key)
        return [one['id'] for one in found or ()]


class Plain(Rest):
    """What an administrator tells the service; it is there at once."""

    service = 'load-balancer'
    survives_failure = True

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.changes(diff)
        if changes.get('description', '') is None:
            changes['description'] = ''
        if changes:
            yield self.put(self.body_of_update(changes))
