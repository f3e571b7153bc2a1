"""Queues of the messaging service, subscriptions to them, and signatures for them.

Purpose: the types OS::Zaqar::*. Invariant: a queue is known by its name and made when
it is first used, so nothing here waits for one; a signature is computed by the service
and stands in the row's private data. Neighbours: ``resources.queue`` has the queues of
a stack's users; alarms are signed for here.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from heat.model.op import Adopt, Call, CloudFault, Endpoint, NeedsReplacement, Record, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.signal_address import TRUST, address, told
from heat.resources.queue import MESSAGING, path_of
from heat.resources.rest import alike
from heat.schema import IN_PLACE, UNKNOWN, Attr, Integer, List, Map, String, Support, hidden, same

# Until the year 9000.
LONG = 220367260800
NEVER = '2099-12-31T23:59:59'
PATCH = {'Content-Type': 'application/openstack-messaging-v2.0-json-patch'}
SUBSCRIBERS = ('http', 'https', 'mailto', 'trust+http', 'trust+https')
METHODS = ['GET', 'DELETE', 'PATCH', 'POST', 'PUT']


def share(queue: str, paths: Sequence[str] | None, methods: Sequence[str] | None,
          expires: str = NEVER) -> Steps:
    """Have the service sign for ``queue``: {signature, expires, paths, methods, project}."""
    wish = {'paths': paths, 'methods': methods, 'expires': expires}
    return (yield Call(MESSAGING, 'POST', f'{path_of(queue)}/share', label='sign',
                       body={name: value for name, value in wish.items() if value}))


def as_query(queue: str, signed: Mapping[str, Any]) -> dict[str, str]:
    """What somebody must say to use a signature."""
    return {'queue_name': queue, 'project_id': signed['project'], 'signature': signed['signature'],
            'expires': signed['expires'], 'paths': ','.join(signed['paths']),
            'methods': ','.join(signed['methods'])}


class Queue(Resource):
    """A queue of messages."""

    type = 'OS::Zaqar::Queue'
    support = Support(version='2014.2')
    service = MESSAGING
    name_limit = 64
    observes = True
    survives_failure = True

    class properties:
        name = String('Name.', length=(None, 64))
        metadata = Map('Anything that is kept with the queue, and what the service knows as its settings.',
                       update=IN_PLACE)

    class attributes:
        queue_id = Attr('Name.', live=True, support=hidden('6.0.0', Support(
            'DEPRECATED', '2015.1', 'Use get_resource|Ref command instead. For example: '
            '{ get_resource : <resource_name> }', Support(version='2014.1'))))
        href = Attr('Its address.')

    def create(self) -> Steps:
        name = self.props.get('name') or self.physical_name()
        metadata = self.props.get('metadata') or {}
        yield Call(MESSAGING, 'PUT', path_of(name), metadata, label='create')
        yield Record(physical_id=name)
        # What was there already, since it was used, has been left as it was.
        yield from self._set({}, metadata)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'metadata' in diff:
            yield from self._set(diff.old.get('metadata') or {}, new.get('metadata') or {})

    def _set(self, old: Mapping[str, Any], wanted: Mapping[str, Any]) -> Steps:
        there = yield from self.at_first('metadata', (yield self.get()))
        changes = _changes(there, old, wanted)
        if not changes:
            return
        try:
            yield Call(MESSAGING, 'PATCH', path_of(self.id), json.dumps(changes).encode(), headers=PATCH,
                       label='update')
        except CloudFault as fault:
            # Said twice, since the first answer was lost: what is gone cannot be removed again.
            if fault.status != 409 or not _done((yield self.get()), changes):
                raise

    def revive(self) -> Steps:
        """A queue is there whenever it is named."""
        yield from ()

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield Call(MESSAGING, 'DELETE', path_of(self.id), ok=(404,), label='delete')

    def get(self) -> Call:
        return Call(MESSAGING, 'GET', path_of(self.id), label='show')

    def check(self) -> Steps:
        return (yield self.get())

    def observe(self) -> Steps:
        return self.differences((yield self.get()))

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self.props.get('metadata') or {}
        there = {key: body[key] for key in wanted if key in body}
        return {} if same(there, wanted) else {'metadata': there}

    def read(self, names: tuple[Any, ...]) -> Steps:
        found: dict[str, Any] = {}
        for name in names:
            if name == 'href':
                base = yield Endpoint(MESSAGING)
                found[name] = f'{base.rstrip("/")}{path_of(self.id)}'
            else:
                found[name] = self.id if name == 'queue_id' else (yield self.get())
        return found


def _changes(there: Mapping[str, Any], old: Mapping[str, Any], wanted: Mapping[str, Any],
             ) -> list[dict[str, Any]]:
    """A JSON patch from the metadata that is ``there``; of ``old`` only what is ours goes."""
    changes: list[dict[str, Any]] = [
        {'op': 'add', 'path': _pointer(key), 'value': value} for key, value in wanted.items()
        if key not in there or not same(there[key], value)]
    return changes + [{'op': 'remove', 'path': _pointer(key)} for key in old
                      if key not in wanted and key in there]


def _done(there: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> bool:
    known = {_pointer(key): value for key, value in there.items()}
    # A setting of the service that was taken away is shown as it is by default.
    return all(same(known.get(one['path']), one['value']) if one['op'] == 'add'
               else one['path'] not in known or one['path'].startswith(_pointer('_')) for one in changes)


def _pointer(key: str) -> str:
    return f'/metadata/{key.replace("~", "~0").replace("/", "~1")}'


class SignedQueueURL(Resource):
    """Lets who has it use a queue without an account, until it expires."""

    type = 'OS::Zaqar::SignedQueueURL'
    support = Support(version='8.0.0')
    service = MESSAGING
    private_attributes = True

    class properties:
        queue = String('The queue.', required=True)
        paths = List('What of the queue may be used: messages, subscriptions or claims; messages if nothing '
                     'is said.')
        ttl = Integer('Seconds until it expires; the service says how many if nothing is said.')
        methods = List('What may be done: GET if nothing is said.', of=String(values=METHODS))

    class attributes:
        signature = Attr('The signature.')
        expires = Attr('When it expires.')
        paths = Attr('The paths that it is for, below the address of the service.')
        methods = Attr('The methods that it is for.')
        project = Attr('The project that the queue belongs to.')
        query_str = Attr('All of it as the query of an address.')

    def create(self) -> Steps:
        queue, ttl = self.props['queue'], self.props.get('ttl')
        expires = ''
        if ttl is not None:
            at = yield from self.at_first('now', self.around.now)
            end = datetime.datetime.fromtimestamp(at + ttl, datetime.UTC)
            expires = end.strftime('%Y-%m-%dT%H:%M:%S')
        signed = yield from share(queue, self.props.get('paths'), self.props.get('methods'), expires)
        yield Record(physical_id=self.physical_name(), data={'signed': signed})

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        signed = row.data.get('signed')
        if signed is None:
            return None
        if name == 'query_str':
            return urlencode(as_query((row.props or {})['queue'], signed))
        return signed if name == 'show' else signed.get(name)


class Subscribed(Resource):
    """Base of what is a subscription: subclasses say who subscribes, and with what options."""

    service = MESSAGING
    observes = True
    survives_failure = True
    # What is signalled may be made anew, with another signed address.
    follows = True

    def wish(self, props: Mapping[str, Any]) -> Steps:
        """The body of the request: subscriber, ttl and options."""
        raise NotImplementedError

    def url(self) -> str:
        queue = (self.row.props or {}).get('queue_name') or self.props['queue_name']
        return f'{path_of(queue)}/subscriptions'

    def create(self) -> Steps:
        wish = yield from self.wish(self.props)
        # No two of a queue have the same subscriber.
        adopt = Adopt(self.url(), 'subscriptions',
                      lambda found: bool(found['subscriber'] == wish['subscriber']), {'limit': 20})
        yield from self.said(wish, Call(MESSAGING, 'POST', self.url(), wish, identify='subscription_id',
                                        label='create', adopt=adopt))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        wish = yield from self.wish(new)
        had = yield from self.at_first('subscriber', self.row.data.get('subscriber'))
        # The service takes an unchanged subscriber for that of another subscription.
        changes = {name: value for name, value in wish.items() if (name, value) != ('subscriber', had)}
        try:
            yield from self.said(wish, Call(MESSAGING, 'PATCH', self.own(), changes, label='update'))
        except CloudFault as fault:
            if fault.status != 409 or not alike(changes, (yield self.get())):
                raise
            # Said twice: the first answer was lost.

    def said(self, wish: Mapping[str, Any], call: Call) -> Steps:
        yield self.keep(subscriber=wish['subscriber'])
        try:
            yield call
        except CloudFault as fault:
            raise (told(fault) if str(wish['subscriber']).startswith(TRUST) else fault) from fault

    def own(self) -> str:
        return f'{self.url()}/{self.id}'

    def get(self) -> Call:
        return Call(MESSAGING, 'GET', self.own(), label='show')

    def check(self) -> Steps:
        return (yield self.get())

    def revive(self) -> Steps:
        try:
            yield self.get()
        except CloudFault as fault:
            raise NeedsReplacement(fault.text()) from fault

    def observe(self) -> Steps:
        found = yield Call(MESSAGING, 'GET', self.own(), ok=(404,), label='show')
        if found is None:
            raise NeedsReplacement(f'The subscription {self.id} is gone.')
        return self.differences(found)

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield Call(MESSAGING, 'DELETE', self.own(), ok=(404,), label='delete')

    def read(self, names: tuple[Any, ...]) -> Steps:
        return {'show': (yield self.get())} if 'show' in names else {}


class Subscription(Subscribed):
    """Tells somebody of each message that is put into a queue."""

    type = 'OS::Zaqar::Subscription'
    support = Support(version='8.0.0')

    class properties:
        queue_name = String('The queue.', required=True, check='zaqar.queue')
        subscriber = String(f'Who is told: an address that begins with {", ".join(SUBSCRIBERS)}.',
                            required=True, update=IN_PLACE)
        ttl = Integer('Seconds until the subscription ends.', range=(60, None), default=LONG, update=IN_PLACE)
        options = Map('Options of the way in which it is told.', update=IN_PLACE)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        subscriber = props.get('subscriber')
        if isinstance(subscriber, str) and subscriber.partition(':')[0] not in SUBSCRIBERS:
            yield f'The subscriber must begin with one of: {", ".join(SUBSCRIBERS)}, not "{subscriber}".'

    def wish(self, props: Mapping[str, Any]) -> Steps:
        subscriber = yield from address(self, props['subscriber'])
        return {'subscriber': subscriber, 'ttl': props['ttl'], 'options': props.get('options') or {}}

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {**self.props, 'subscriber': self.row.data.get('subscriber')}
        return {name: body[name] for name in ('subscriber', 'ttl', 'options')
                if wanted.get(name) is not None and name in body and not same(body[name], wanted[name])}


class MistralTrigger(Subscribed):
    """Runs a workflow for each message that is put into a queue.

    The workflow finds the message in the member notification of its environment.
    """

    type = 'OS::Zaqar::MistralTrigger'
    support = Support(version='8.0.0')

    class properties:
        queue_name = String('The queue.', required=True, check='zaqar.queue')
        workflow_id = String('The workflow.', required=True, check='mistral.workflow', update=IN_PLACE)
        params = Map('Parameters of the execution.', default={}, update=IN_PLACE)
        input = Map('Input of the workflow.', default={}, update=IN_PLACE)
        ttl = Integer('Seconds until it ends.', range=(60, None), default=LONG, update=IN_PLACE)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        params = props.get('params')
        environment = params.get('env') if isinstance(params, Mapping) else None
        if environment is not None and environment is not UNKNOWN and not isinstance(environment, Mapping):
            yield 'params: env is no map.'

    def wish(self, props: Mapping[str, Any]) -> Steps:
        base = yield Endpoint('workflow')
        params = dict(props.get('params') or {})
        if not isinstance(params.get('env') or {}, Mapping):
            raise StepFailed(f'Resource {self.name}: the member env of params is no map.', 'ValueError')
        # Zaqar puts the message there.
        params['env'] = {**(params.get('env') or {}), 'notification': '$zaqar_message$'}
        data = {'workflow_id': props['workflow_id'], 'input': props.get('input') or {}, 'params': params}
        return {'subscriber': f'trust+{base.rstrip("/")}/executions', 'ttl': props['ttl'],
                'options': {'post_data': json.dumps(data, sort_keys=True)}}


TYPES = (Queue, SignedQueueURL, Subscription, MistralTrigger)
