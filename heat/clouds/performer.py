"""Runs what plugins ask of the cloud, in bounded pools, off the engine's loop.

Purpose: one door for the engine: ``perform`` an operation and be called with a
value. Invariant: ``done`` is called exactly once per operation that began, and
never raises into a pool; at most ``service_call_pool`` calls to one service are in flight,
and a service that hangs holds up no other.
Neighbours: ``rest``, ``stack_user``, ``find`` and ``watch`` know how,
``engine.runner`` says what.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heat.clouds import catalog, remote, rest, secrets, stack_user
from heat.clouds.credential import Credential, NotConfigured
from heat.clouds.extensions import Extensions
from heat.clouds.find import KINDS, Finder
from heat.clouds.session import Connection, LostAnswer, Sessions
from heat.clouds.watch import Round
from heat.common import errors, green
from heat.common.clock import Clock
from heat.model import op
from heat.model.op import Find

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the body of a Call, the dict of a UserCall, the id of a Find, id -> body of a Round."""

    body: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong. ``lost`` tells that a change may have been made nevertheless."""

    fault: op.CloudFault
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A name that stands for nothing, or for several things; the sentence is for users."""

    error: errors.HeatException


Result = Answer | Fault | Unmatched
Operation = op.Call | op.UserCall | Find | Round | op.Resolve | op.Endpoint
PLAIN_FAULT = 'NotConfigured'


def zone_names(performer: Performer, credential: Credential | None) -> list[str]:
    """The zones of the compute service in which something can be made. CloudFault."""
    if credential is None:
        return []
    found = performer.perform_now(credential, op.Call(
        'compute', 'GET', '/os-availability-zone', unwrap='availabilityZoneInfo'))
    return [str(one['zoneName']) for one in found if (one.get('zoneState') or {}).get('available', True)]


class Performer:
    """Carries out operations for any number of credentials."""

    def __init__(self, sessions: Sessions, clock: Clock,
                 stored: Callable[[str, op.Resolve], str] | None = None) -> None:
        """``stored`` gives a parameter of a project's store; it raises CloudFault."""
        self._stored = stored
        self._sessions = sessions
        self._size = sessions.conf.engine.service_call_pool
        self._pools: dict[str, green.Pool] = {}
        self._lock = threading.Lock()
        self.finder = Finder(sessions, clock)
        self.extensions = Extensions(sessions, clock)

    def perform(
        self,
        credential: Credential,
        operation: Operation,
        done: Callable[[Result], None],
        request_id: str = '',
        begin: Callable[[], bool] | None = None,
    ) -> None:
        """Start ``operation`` and return; ``done`` gets the result, in a pool's thread.

        ``begin`` is asked when the pool slot is held, just before the call: if it
        gives False the call is not made and ``done`` not called.
        """
        self._pool(operation).spawn(self._run, credential, operation, done, request_id, begin)

    def perform_now(self, credential: Credential, operation: Operation, request_id: str = '', *,
                    patience: float | None = None) -> Any:
        """Carry out ``operation`` in this thread: its body, or CloudFault, LostAnswer or find's errors.

        ``patience``: the seconds to wait for the answer to a call, if not as the configuration says.
        """
        sessions = self._sessions
        if isinstance(operation, op.Call):
            if operation.as_user == 'service':
                credential = Credential.of_service(credential.region)
            with remote.reached(sessions, credential, operation.at, request_id) as connection:
                answer = rest.perform(connection, operation, request_id, patience)
            if operation.mutating and operation.method != 'POST':
                # It may have another name now, or be gone and its name another's.
                self.finder.forget(operation.path)
            return answer
        if isinstance(operation, op.Endpoint):
            return sessions.for_credential(credential).base(operation.service)
        if isinstance(operation, op.UserCall):
            return stack_user.perform_user(sessions, operation, request_id)
        if isinstance(operation, Find):
            return self.finder.find(credential, operation.kind, operation.value)
        if isinstance(operation, op.Resolve):
            return self._resolve(credential, operation, request_id)
        return self._look(credential, operation, request_id)

    def _resolve(self, credential: Credential, wanted: op.Resolve, request_id: str) -> str:
        if wanted.service == 'secretsmanager':
            return secrets.secret_text(self._sessions.for_credential(credential), wanted, request_id)
        if self._stored is None:
            raise op.CloudFault(0, 'This service has no parameter store.', kind='NotSupported')
        return self._stored(credential.project_id or '', wanted)

    def _pool(self, operation: Operation) -> green.Pool:
        # A service that does not answer keeps whoever asks it, but nobody who asks another one.
        size = self._size
        if isinstance(operation, Round):
            # A round holds one slot for its length, so rounds must not wait behind calls that wait for them.
            name, size = f'round {operation.polls[0].service}', max(4, size // 4)
        elif isinstance(operation, op.UserCall):
            name = 'identity'
        elif isinstance(operation, Find):
            noun = KINDS.get(operation.kind)
            name = f'find {noun.service if noun else ""}'
        elif isinstance(operation, op.Resolve):
            name = 'resolve'
        elif isinstance(operation, op.Endpoint):
            name = 'identity'
        else:
            name = catalog.service(operation.service).name
        with self._lock:
            if name not in self._pools:
                self._pools[name] = green.Pool(size)
            return self._pools[name]

    def _run(
        self,
        credential: Credential,
        operation: Operation,
        done: Callable[[Result], None],
        request_id: str,
        begin: Callable[[], bool] | None,
    ) -> None:
        result: Result
        try:
            if begin is not None and not begin():
                return
            result = Answer(self.perform_now(credential, operation, request_id))
        except LostAnswer as exc:
            result = Fault(exc, lost=True)
        except op.CloudFault as exc:
            result = Fault(exc)
        except NotConfigured as exc:
            result = Fault(op.CloudFault(0, str(exc), kind=PLAIN_FAULT))
        except errors.HeatException as exc:
            result = Unmatched(exc)
        except Exception as exc:
            # The engine's step must end whatever happens here; what is known is that we do not know.
            LOG.exception('An operation failed in an unforeseen way')
            changing = isinstance(operation, (op.Call, op.UserCall)) and operation.mutating
            text = (
                f'The call failed in an unforeseen way ({type(exc).__name__}); '
                'the log of the engine has more.'
            )
            result = Fault(op.CloudFault(0, text, kind='Error'), lost=changing)
        try:
            done(result)
        except Exception:
            LOG.exception('The receiver of a result failed')

    def _look(self, credential: Credential, round_: Round, request_id: str) -> dict[str, Any]:
        """id -> body of what a round asks for; in a single look None for what is gone, or its CloudFault."""
        # All that are looked at in one round are in one place.
        with remote.reached(self._sessions, credential, round_.polls[0].at, request_id) as connection:
            return _looked(connection, round_, request_id)


def _looked(connection: Connection, round_: Round, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if round_.bulk:
        wanted = set(round_.ids)
        first = round_.polls[0]
        for page in rest.pages(
            connection, first.service, first.list_path or '', first.list_key, request_id=request_id
        ):
            for item in page:
                item_id = item.get('id') or item.get('uuid')
                if item_id in wanted:
                    found[item_id] = item
                    wanted.discard(item_id)
            if not wanted:
                break
        return found
    for poll in round_.polls:
        call = op.Call(poll.service, 'GET', poll.path, ok=(404,), unwrap=poll.unwrap)
        try:
            found[poll.id] = rest.perform(connection, call, request_id)
        except op.CloudFault as exc:
            found[poll.id] = exc
    return found
