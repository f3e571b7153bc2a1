"""A template that waits for word from inside: OS::Heat::WaitCondition and its handle.

Purpose: the handle has a user of its own and an address; whoever signals it
lets the condition go on. Invariant: signals are kept in the handle's metadata,
secrets (password, token) in its private data and nowhere else; those that are put
elsewhere (``temp_url``, ``queue``) are with the condition.
Neighbours: ``engine.carry`` applies signals, ``engine.step`` waits for them.
"""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from heat.common.ec2 import signed_url
from heat.model.op import AwaitSignals, ReadRow, Record, StepFailed, UserCall
from heat.model.resource import Row
from heat.resources import queue, temp_url
from heat.resources.base import Diff, Resource, Steps
from heat.resources.queue import Messages
from heat.resources.temp_url import Puts, parsed
from heat.schema import IN_PLACE, Attr, Integer, Number, String, Support
from heat.template.expr import weight

SUCCESS, FAILURE = 'SUCCESS', 'FAILURE'
# Characters of all signals of one handle.
MOST_GATHERED = 8 * 1024 * 1024


class StackUser(Resource):
    """Base of resources that own a user in the domain of stack users."""

    def create_user(self) -> Steps:
        """Make (or find again) the user; its id becomes the physical id."""
        yield from self.make_user()
        yield Record(physical_id=self.row.data['user_id'])

    def make_user(self) -> Steps:
        """The same for a resource that is more than its user."""
        password = self.row.data.get('password') or secrets.token_urlsafe(24)
        yield Record(data={'password': password})
        project_id = yield from self.at_first('project', self.around.stack_user_project)
        if project_id is None:
            made = yield UserCall('create_project', {'project_name': self.project_name()}, label='project')
            project_id = made['project_id']
        user = yield UserCall('create_user', {'name': self.physical_name(), 'password': password,
                                              'project_id': project_id,
                                              'project_name': self.project_name()}, label='user')
        # It may be another one, since somebody has deleted the one that there was.
        project_id = user['project_id']
        yield Record(data={'project_id': project_id, 'user_id': user['user_id']},
                     stack_user_project=project_id)

    def create_signed(self, verb: str, kind: str, expires: bool) -> Steps:
        """Make the user a key and keep an address signed with it: ``kind`` 'waitcondition' or 'signal'.

        One that ``expires`` carries the time of its making, which Keystone looks at.
        """
        base = self.around.urls.get('cfn_signal')
        if not base:
            raise StepFailed('Nobody could signal: the address of the CloudFormation API is neither in the '
                             'catalogue nor in heat_waitcondition_server_url.')
        data = self.row.data
        keys = yield UserCall('create_keypair', {
            'user_id': data['user_id'], 'project_id': data['project_id']}, label='keypair')
        at = datetime.datetime.fromtimestamp(self.around.now, datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
        path = f'{kind}/{self.around.stack.resource(self.name).arn()}'
        yield Record(data={'access': keys['access'], 'signed_url': signed_url(
            base, path, verb, keys['access'], keys['secret'], at if expires else None)})

    def project_name(self) -> str:
        """One project serves a whole stack tree; keystone limits the name to 64 characters."""
        root = self.row.root_id
        return f'{root}-{self.around.stack.stack_name}'[:64]

    def delete_user(self) -> Steps:
        user_id = self.row.data.get('user_id')
        if user_id:
            yield UserCall('delete_user', {'user_id': user_id}, label='delete user')

    def suspend(self) -> Steps:
        if self.row.data.get('user_id'):
            yield UserCall('suspend_user', {'user_id': self.row.data['user_id']}, label='suspend user')

    def resume(self) -> Steps:
        if self.row.data.get('user_id'):
            yield UserCall('resume_user', {'user_id': self.row.data['user_id']}, label='resume user')


class WaitConditionHandle(StackUser):
    """Resource for managing instance signals.

    The main points of this resource are:

    - have no dependencies (so the instance can reference it).
    - create credentials to allow for signalling from the instance.
    - handle signals from the instance, validate and store result.
    """

    type = 'OS::Heat::WaitConditionHandle'
    title = 'HeatWaitConditionHandle'
    support = Support(version='2014.2')
    signals = True
    private_attributes = True

    class properties:
        signal_transport = String(
            'How the client will signal the wait condition. CFN_SIGNAL will allow an HTTP POST to a CFN '
            'keypair signed URL. TEMP_URL_SIGNAL will create a Swift TempURL to be signalled via HTTP PUT. '
            'HEAT_SIGNAL will allow calls to the Heat API resource-signal using the provided keystone '
            'credentials. ZAQAR_SIGNAL will create a dedicated zaqar queue to be signalled using the '
            'provided keystone credentials. TOKEN_SIGNAL will allow and HTTP POST to a Heat API endpoint '
            'with the provided keystone token. NO_SIGNAL will result in the resource going to a signalled '
            'state without waiting for any signal.', default='TOKEN_SIGNAL',
            values=['CFN_SIGNAL', 'TEMP_URL_SIGNAL', 'HEAT_SIGNAL', 'NO_SIGNAL', 'ZAQAR_SIGNAL',
                    'TOKEN_SIGNAL'],
            support=Support(version='6.0.0'))

    class attributes:
        token = Attr('Token for stack-user which can be used for signalling handle when signal_transport '
                     'is set to TOKEN_SIGNAL. None for all other signal transports.', type='String',
                     live=True)
        endpoint = Attr('Endpoint/url which can be used for signalling handle when signal_transport is set '
                        'to TOKEN_SIGNAL. None for all other signal transports.', type='String', live=True)
        curl_cli = Attr('Convenience attribute, provides curl CLI command prefix, which can be used for '
                        'signalling handle completion or failure when signal_transport is set to '
                        'TOKEN_SIGNAL. You can signal success by adding --data-binary \'{"status": '
                        '"SUCCESS"}\' , or signal failure by adding --data-binary \'{"status": '
                        '"FAILURE"}\'. This attribute is set to None for all other signal transports.',
                        type='String', live=True)
        signal = Attr('JSON serialized map that includes the endpoint, token and/or other attributes the '
                      'client must use for signalling this handle. The contents of this map depend on the '
                      'type of signal selected in the signal_transport property.', type='String', live=True)

    def create(self) -> Steps:
        yield from self.create_user()
        transport = self.props['signal_transport']
        if transport == 'CFN_SIGNAL':
            yield from self.create_signed('PUT', 'waitcondition', expires=True)
            yield self.keep(account={'alarm_url': self.row.data['signed_url']})
        elif transport == 'TEMP_URL_SIGNAL':
            url = yield from temp_url.prepare(self, 'signal')
            yield self.keep(account={'alarm_url': url})
        elif transport == 'ZAQAR_SIGNAL':
            yield from queue.prepare(self, self.row.uuid)
            account, _token = yield from self._account()
            yield self.keep(account={**account, 'queue_id': self.row.uuid})
        else:
            yield from self._create_endpoint(transport)

    def _create_endpoint(self, transport: str) -> Steps:
        kept: dict[str, Any] = {'endpoint': self._endpoint(self.row.data['project_id'])}
        if transport in ('TOKEN_SIGNAL', 'HEAT_SIGNAL'):
            account, token = yield from self._account()
            kept |= {'token': token} if transport == 'TOKEN_SIGNAL' else {
                'account': {**account, 'alarm_url': kept['endpoint']}}
        yield self.keep(**kept)

    def _account(self) -> Steps:
        """(what a client needs to act as the user, a token of it)."""
        data = self.row.data
        answer = yield UserCall('token', {'user_id': data['user_id'], 'password': data['password'],
                                          'project_id': data['project_id']})
        return {'auth_url': self.around.urls.get('auth', ''), 'username': self.physical_name()[-64:],
                'user_id': data['user_id'], 'password': data['password'], 'project_id': data['project_id'],
                'domain_id': answer.get('user_domain_id') or answer.get('domain_id'),
                'region_name': self.around.region}, answer['token']

    def _endpoint(self, project_id: str) -> str:
        path = replace(self.around.stack, tenant=project_id).resource(self.name).url_path()
        url = self.around.urls.get('signal')
        if not url:
            raise StepFailed('Nobody could signal: the address of the orchestration service is neither '
                             'in the catalogue nor in [clients_heat] url.')
        return f'{url.rstrip("/")}{path}/signal'

    def delete(self) -> Steps:
        yield from temp_url.remove(self)
        yield from queue.remove(self)
        yield from self.delete_user()

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        data = row.data
        token = data.get('token')
        if name == 'token':
            return token
        if name == 'endpoint':
            return data.get('endpoint') if token else None
        if name == 'curl_cli':
            return None if not token else (
                f"curl -i -X POST -H 'X-Auth-Token: {token}' -H 'Content-Type: application/json' "
                f"-H 'Accept: application/json' {data['endpoint']}")
        if name == 'signal':
            silent = (row.props or {}).get('signal_transport') == 'NO_SIGNAL'
            return '{}' if silent else json.dumps(data.get('account'))
        return None

    @classmethod
    def signal(cls, row: Row, details: Mapping[str, Any] | None) -> tuple[Row, str]:
        given = dict(details or {})
        strange = set(given) - {'data', 'id', 'reason', 'status'}
        if strange:
            raise StepFailed(f'Signal has unexpected keys: {", ".join(sorted(strange))}', 'ValueError')
        number = len(row.metadata) + 1
        status = given.get('status') or SUCCESS
        if status not in (SUCCESS, FAILURE):
            raise StepFailed(f'Signal has the status {status}, which is neither SUCCESS nor FAILURE',
                             'ValueError')
        uid = str(given.get('id') or number)
        reason = given.get('reason') or f'Signal {number} received'
        told = {'data': given.get('data'), 'reason': reason, 'status': status}
        return gathered(row, uid, told), f'Signal: status:{status} reason:{reason}'


def gathered(row: Row, name: str, told: Mapping[str, Any]) -> Row:
    """The handle with one more signal. StepFailed when there would be too much to keep.

    They are kept together, and written anew with each; who sends them is anybody inside an instance.
    """
    metadata = {**row.metadata, name: told}
    if weight(metadata) > MOST_GATHERED:
        raise StepFailed(f'The signals that {row.name} has taken come to more than {MOST_GATHERED} '
                         'characters with this one.', 'ValueError')
    return replace(row, metadata=metadata)


class WaitCondition(Resource):
    """Resource for handling signals received by WaitConditionHandle.

    Resource takes WaitConditionHandle and starts to create. Resource is in
    CREATE_IN_PROGRESS status until WaitConditionHandle doesn't receive
    sufficient number of successful signals (this number can be specified with
    count property) and successfully creates after that, or fails due to
    timeout.
    """

    type = 'OS::Heat::WaitCondition'
    title = 'HeatWaitCondition'
    support = Support(version='2014.2')

    class properties:
        handle = String('A reference to the wait condition handle used to signal this wait condition.',
                        required=True)
        timeout = Number('The number of seconds to wait for the correct number of signals to arrive.',
                         required=True, range=(1, 43200))
        count = Integer('The number of success signals that must be received before the stack creation '
                        'process continues.', default=1, range=(1, None), update=IN_PLACE)

    class attributes:
        data = Attr('JSON string containing data associated with wait condition signals sent to the '
                    'handle.', type='String', live=True)

    @staticmethod
    def spelled(word: str) -> str:
        """A property, attribute or key of a signal as this form of the type writes it."""
        return word

    def create(self) -> Steps:
        yield Record(physical_id=self.physical_name())
        return (yield from self._wait())

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        return (yield from self._wait())

    def _wait(self) -> Steps:
        say = self.spelled
        count = self.props[say('count')]
        status, reason = say('status'), say('reason')

        def judge(signals: dict[str, Any]) -> bool | str:
            failed = [str(s[reason]) for s in signals.values() if s[status] == FAILURE]
            if failed:
                return ';'.join(failed)
            return sum(s[status] == SUCCESS for s in signals.values()) >= count

        def expired(signals: dict[str, Any]) -> str:
            text = f'{len(signals)} of {count} received'
            reasons = ';'.join(str(s[reason]) for s in signals.values())
            return f'{text} - {reasons}' if reasons else text

        handle = yield ReadRow(self.props[say('handle')])
        source = self._source(handle)
        if source is None:
            return (yield AwaitSignals(self.props[say('handle')], self.props[say('timeout')], judge, expired))
        began = yield from self.at_first('began', self.around.now)
        yield from source.expect(count)
        while True:
            signals = told(handle, source.texts)
            verdict = judge(signals)
            if verdict is True:
                yield Record(data={'signals': signals})
                return signals
            if verdict is not False:
                raise StepFailed(str(verdict), 'WaitConditionFailure')
            yield from source.more(deadline=began + self.props[say('timeout')], late=expired(signals))

    def _source(self, handle: Row | None) -> Puts | Messages | None:
        """Where signals come in, if not by a call of this service."""
        if handle is not None and handle.data.get('container'):
            return Puts(handle.data['container'])
        if handle is not None and handle.data.get('queues'):
            return Messages(self, handle.data['queues'][-1], queue.site_of(handle.data))
        return None

    def read(self, names: tuple[Any, ...]) -> Steps:
        say = self.spelled
        signals = self.row.data.get('signals', self.seen)
        if not isinstance(signals, dict):
            signals = yield AwaitSignals(self.props[say('handle')], 0, lambda found: True, lambda found: '')
        return {say('data'): json.dumps({uid: s.get(say('data')) for uid, s in signals.items()})}


def told(handle: Row, texts: Iterable[Any]) -> dict[str, Any]:
    """The signals that texts make, by their ids, as if each had been sent to the handle."""
    heard = replace(handle, metadata={})
    for text in texts:
        heard, _event = WaitConditionHandle.signal(heard, parsed(text))
    return heard.metadata
