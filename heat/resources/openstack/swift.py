"""Signals by way of the object store: OS::Heat::SwiftSignal and its handle.

Purpose: whoever has the handle's URL signals with a plain PUT, without an account;
the condition lists what was put. Invariant: every PUT is kept as a version, so
none is lost; waiting asks for a list and not for each object. Neighbours:
``temp_url`` makes the place; ``wait_condition`` has the same rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from heat.model.op import Record, StepFailed
from heat.model.resource import Row
from heat.resources import temp_url
from heat.resources.base import Resource, Steps
from heat.resources.temp_url import STORE, Puts, parsed
from heat.schema import Attr, Integer, Number, String, Support

SUCCESS, FAILURE = 'SUCCESS', 'FAILURE'


class SwiftSignalHandle(Resource):
    """A place in the object store that a server signals to."""

    type = 'OS::Heat::SwiftSignalHandle'
    support = Support(version='2014.2')
    service = STORE
    name_limit = 200
    private_attributes = True

    class properties:
        pass

    class attributes:
        token = Attr('Nothing: the address needs no token.', type='String', live=True)
        endpoint = Attr('The address to PUT signals to.', type='String', live=True)
        curl_cli = Attr('The beginning of a curl command that signals; add --data-binary with the signal.',
                        type='String', live=True)

    def create(self) -> Steps:
        url = yield from temp_url.prepare(self, 'signal')
        yield Record(data={'endpoint': url}, physical_id=self.row.data['container'])

    def delete(self) -> Steps:
        yield from temp_url.remove(self)

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.data.get('endpoint', row.name)

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        url = row.data.get('endpoint')
        if name == 'token':
            return ''
        if name == 'endpoint':
            return url
        return f"curl -i -X PUT '{url}'" if name == 'curl_cli' and url else None


class SwiftSignal(Resource):
    """Waits until enough signals were put to its handle, or one of a failure, or too late."""

    type = 'OS::Heat::SwiftSignal'
    support = Support(version='2014.2')
    service = STORE
    private_attributes = True

    class properties:
        handle = String('The address of the handle, which is what it refers to as.', required=True)
        timeout = Number('Seconds to wait.', required=True, range=(1, 43200))
        count = Integer('How many signals of success to wait for.', default=1, range=(1, 1000))

    class attributes:
        data = Attr('The data of the signals as JSON text, by their ids.', type='String')

    def create(self) -> Steps:
        began = yield from self.at_first('began', self.around.now)
        yield Record(physical_id=self.physical_name())
        put = Puts(container_in(self.props['handle']))
        yield from put.expect(self.props['count'])
        while True:
            signals = read_all(put.texts)
            failed = [str(one['reason']) for one in signals.values() if one['status'] == FAILURE]
            if failed:
                raise StepFailed(';'.join(failed), 'SwiftSignalFailure')
            if sum(one['status'] == SUCCESS for one in signals.values()) >= self.props['count']:
                return (yield Record(data={'signals': {uid: one['data'] for uid, one in signals.items()}}))
            yield from put.more(deadline=began + self.props['timeout'],
                                late=expired(signals, self.props['count']))

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return json.dumps(row.data['signals']) if name == 'data' and 'signals' in row.data else None


def read_all(texts: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Signals by id, in their order; one without an id gets its number. StepFailed for what is none."""
    found: dict[str, dict[str, Any]] = {}
    for number, text in enumerate(texts, 1):
        given = parsed(text)
        status = given.get('status') or SUCCESS
        if status not in (SUCCESS, FAILURE):
            raise StepFailed(f'Signal has the status {status}, which is neither SUCCESS nor FAILURE',
                             'ValueError')
        found[str(given.get('id') or number)] = {
            'status': status, 'data': given.get('data'),
            'reason': given.get('reason') or f'Signal {number} received'}
    return found


def expired(signals: Mapping[str, Mapping[str, Any]], count: int) -> str:
    reasons = ';'.join(str(one['reason']) for one in signals.values())
    text = f'{len(signals)} of {count} received'
    return f'{text} - {reasons}' if reasons else text


def container_in(url: str) -> str:
    """The container that an address of ``temp_url`` leads into; StepFailed if it is no such address."""
    parts = urlsplit(url).path.rsplit('/', 2)
    if len(parts) != 3 or not parts[1]:
        raise StepFailed(f'The handle {url} is not the address of a SwiftSignalHandle', 'ValueError')
    return unquote(parts[1])
