"""Attributes read anew from the cloud, for one request.

Purpose: run a plugin's ``read`` generator to its end in this thread. Invariant:
reading never changes anything; a resource that cannot be read gives nothing and
a line in the log; a service that does not answer keeps nobody else waiting.
Neighbours: ``reads`` asks, ``clouds.performer`` answers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from typing import Any

from sqlalchemy import Engine

from heat.clouds.credential import Credential
from heat.clouds.performer import Performer
from heat.common import errors
from heat.common.clock import Clock
from heat.db import connect
from heat.engine.loader import Loader
from heat.engine.shelf import Shelf
from heat.model.op import Call, CloudFault, Find, ReadConfig, Record, StepFailed, UserCall
from heat.model.resource import Row
from heat.model.stack import Stack

KEPT = 1000
# Seconds for which somebody who reads waits for a service, and for which nobody asks it afterwards.
PATIENCE, SILENCE = 15.0, 30.0
NO_ANSWER = 'ConnectFailure'


def whom(credential: Credential, call: Call) -> Hashable:
    """Who is asked: a service of this cloud is everybody's, one elsewhere the project's that names it."""
    mine = None if call.at is None else credential.project_id
    return call.service, credential.auth_url, credential.region, call.at, mine


class Silence:
    """Who has not answered: for a while nobody asks them, then one finds out for all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[Hashable, float] = {}

    def refusal(self, asked: Hashable, service: str) -> CloudFault | None:
        """Why ``asked``, where the ``service`` is, is not to be asked now."""
        now = self._clock.monotonic()
        with self._lock:
            until = self._until.get(asked)
            if until is None:
                return None
            if now >= until:
                self._until[asked] = now + PATIENCE + SILENCE
                return None
        return CloudFault(0, f'The {service} service has given no answer lately.', service,
                          kind=NO_ANSWER)

    def heard(self, asked: Hashable, fault: Exception | None = None) -> None:
        """What came of asking it."""
        silent = isinstance(fault, CloudFault) and fault.kind == NO_ANSWER and not fault.status
        with self._lock:
            self._until.pop(asked, None)
            if silent:
                self._until[asked] = self._clock.monotonic() + SILENCE
                if len(self._until) > KEPT:
                    # Whoever likes may name places that never answer.
                    del self._until[next(iter(self._until))]


class LiveReader:
    """Reads attributes with the credential of the row's stack."""

    def __init__(self, database: Engine, loader: Loader, performer: Performer,
                 clock: Clock | None = None) -> None:
        self._silence = Silence(clock or Clock())
        self._database = database
        self._loader = loader
        self._performer = performer
        self._log = logging.getLogger(__name__)
        self._shelf = Shelf(database, loader.crypt)
        self._known: dict[tuple[str, int], Credential | None] = {}

    def __call__(self, row: Row, kind: Any, names: tuple[Any, ...], stack: Stack) -> dict[str, Any] | None:
        """The attributes ``names``; None if the resource cannot be asked."""
        if row.physical_id is None or kind.pure or kind.nested:
            return None
        credential = self._credential(stack)
        if credential is None:
            return None
        generator = kind(row, dict(row.props or {}), self._loader.around(stack)).read(names)
        answer: Any = None
        resume: Callable[[Any], Any] = generator.send
        try:
            while True:
                operation = resume(answer)
                resume, answer = generator.send, None
                if isinstance(operation, Call | UserCall | Find):
                    try:
                        answer = self._asked(credential, operation)
                    except (CloudFault, errors.HeatException) as fault:
                        # The plugin may know what to make of it.
                        resume, answer = generator.throw, fault
                elif isinstance(operation, ReadConfig):
                    answer = self._shelf.read(stack.tenant, operation.config_id)
                elif not isinstance(operation, Record):
                    # Waiting has no place in a read: what the row keeps must do.
                    return None
        except StopIteration as stop:
            return dict(stop.value or {})
        except (CloudFault, StepFailed, errors.HeatException) as error:
            self._log.warning('Attributes %s of resource %s could not be read: %s', names, row.name, error)
            return None

    def _asked(self, credential: Credential, operation: Call | UserCall | Find) -> Any:
        if not isinstance(operation, Call):
            return self._performer.perform_now(credential, operation)
        asked = whom(credential, operation)
        refusal = self._silence.refusal(asked, operation.service)
        if refusal is not None:
            raise refusal
        try:
            answer = self._performer.perform_now(credential, operation, patience=PATIENCE)
        except Exception as fault:
            self._silence.heard(asked, fault)
            raise
        self._silence.heard(asked)
        return answer

    def _credential(self, stack: Stack) -> Credential | None:
        """Asked for once per stored credential: a listing reads many resources of one stack."""
        if stack.user_creds_id is None:
            return None
        # A number may be given again once its credential is deleted.
        number = stack.root_id, stack.user_creds_id
        if number not in self._known:
            with connect.read(self._database) as conn:
                found = self._loader.credential(conn, stack)
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[number] = found
        return self._known[number]
