"""Runs one resource's steps against a cloud, synchronously, as the engine's loop would.

Purpose: drive real plugins through ``StepRun`` and ``Performer`` without database or loop, with the
power to die at any call. Invariant: what survives a crash is the row as it was when the call's intent
was durable. The cloud is the simulated one, or that of the OS_* variables with HEAT_TEST_CLOUD=env.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat import schema
from heat.clouds.credential import Credential, Kind
from heat.clouds.performer import Performer
from heat.clouds.session import LostAnswer, Sessions
from heat.common import config, errors, ids
from heat.common.clock import Clock, VirtualClock
from heat.engine.errand import Ask, Ended, Limits, Next, Pause, Watch
from heat.engine.step import StepRun
from heat.model import op
from heat.model.outcome import Done, Outcome
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.plan.decide import Decision, decide
from heat.plan.effects import Step
from heat.resources.base import Resource, Surroundings

LONGEST = 300.0


class Died(Exception):
    """The engine was killed; ``row`` is what the database holds."""

    def __init__(self, row: Row) -> None:
        super().__init__('killed')
        self.row = row


@dataclass
class Kill:
    """Die at the ``at``-th mutating call: before it is made, or after, with its answer unheard."""

    at: int
    made: bool
    seen: int = 0


def each_call(made: bool) -> Iterator[Kill]:
    """A death at each mutating call of what is done with it, and at last none: it had fewer calls."""
    for at in itertools.count(1):
        kill = Kill(at, made)
        yield kill
        if kill.seen < at:
            return


class RealTime(Clock):
    def advance(self, seconds: float) -> None:
        threading.Event().wait(seconds)


class Driver:
    """One stack's worth of rows without a stack. ``clock`` must have ``advance``."""

    def __init__(self, sessions: Sessions, credential: Credential, clock: VirtualClock | RealTime) -> None:
        self.performer = Performer(sessions, clock)
        self.credential = credential
        self.clock = clock
        self.stack = ids.StackId(credential.project_id or 'p', 'drv', ids.new_id())
        self.rows: dict[str, Row] = {}
        self.goal = 0
        self.kill: Kill | None = None
        # The project of the users inside the stack, once one was made.
        self.users_project: str | None = None

    # -- the verbs -------------------------------------------------------------------------------

    def row(self, kind: type[Resource], resource: str, /, **props: Any) -> Row:
        values, faults = schema.resolve(kind.schema.properties, props)
        assert not faults, [fault.text() for fault in faults]
        assert list(kind.validate(values)) == []
        return Row(ids.new_id(), self.stack.stack_id, self.stack.stack_id, resource, kind.type, props=values)

    def create(self, kind: type[Resource], resource: str, /, **props: Any) -> Row:
        return self.done(kind, self.row(kind, resource, **props), Action.CREATE)

    def decide(self, kind: type[Resource], row: Row, /, **props: Any) -> Decision:
        values, faults = schema.resolve(kind.schema.properties, props)
        assert not faults, [fault.text() for fault in faults]
        return decide(kind, row, values, {})

    def update(self, kind: type[Resource], row: Row, /, **props: Any) -> Row:
        decision = self.decide(kind, row, **props)
        assert decision.verdict.value == 'update', decision
        return self.done(kind, self.changed(kind, row, **props), Action.UPDATE)

    def changed(self, kind: type[Resource], row: Row, /, **props: Any) -> Row:
        """The row as the planner hands it to an update's step."""
        values, _ = schema.resolve(kind.schema.properties, props)
        return replace(row, props=values, keep={**row.keep, 'old_props': row.props})

    def delete(self, kind: type[Resource], row: Row) -> None:
        self.done(kind, row, Action.DELETE)
        self.rows.pop(row.uuid, None)

    def read(self, kind: type[Resource], row: Row, *names: Any) -> dict[str, Any]:
        outcome, _ = self.step(kind, row, Step(row.uuid, Action.CHECK, names, task='read'))
        assert isinstance(outcome, Done), outcome
        return dict(outcome.attrs or {})

    def done(self, kind: type[Resource], row: Row, verb: Action) -> Row:
        """Run a step that must succeed; the row after it."""
        outcome, row = self.run(kind, row, verb)
        assert isinstance(outcome, Done), outcome
        return row

    def run(
        self, kind: type[Resource], row: Row, verb: Action, wanted: tuple[Any, ...] = ()
    ) -> tuple[Outcome, Row]:
        self.goal += 1
        row = replace(row, goal_seq=self.goal, intent=None, memo=(), action=verb, status=Status.IN_PROGRESS)
        outcome, row = self.step(kind, row, Step(row.uuid, verb, wanted))
        return outcome, self.ended(outcome, row, verb)

    def resume(self, kind: type[Resource], row: Row, verb: Action) -> tuple[Outcome, Row]:
        """Go on with a row found in the database after a crash."""
        outcome, row = self.step(kind, row, Step(row.uuid, verb, resumed=True))
        return outcome, self.ended(outcome, row, verb)

    def survived(self, kind: type[Resource], row: Row, verb: Action, kill: Kill) -> Row:
        """Die at ``kill`` and go on with what the database holds; the step must succeed all the same."""
        self.kill = kill
        try:
            outcome, row = self.run(kind, row, verb)
        except Died as died:
            outcome, row = self.resume(kind, died.row, verb)
        self.kill = None
        assert isinstance(outcome, Done), (verb, kill.at, outcome)
        return row

    def given_up(self, kind: type[Resource], row: Row, kill: Kill) -> None:
        """Die at ``kill`` while it is made; whoever goes on is asked to delete it, and must succeed."""
        self.kill = kill
        try:
            _, row = self.run(kind, row, Action.CREATE)
        except Died as died:
            row = died.row
        self.kill = None
        outcome = self.delete_instead(kind, row)
        assert isinstance(outcome, Done), (kill.at, outcome)

    def delete_instead(self, kind: type[Resource], row: Row) -> Outcome:
        """A new goal, deletion, over a row whose creation was interrupted."""
        self.goal += 1
        row = replace(row, action=Action.DELETE, goal_seq=self.goal)
        if row.physical_id is not None or row.intent is None:
            row = replace(row, intent=None, memo=())
        outcome, row = self.step(kind, row, Step(row.uuid, Action.DELETE))
        self.rows.pop(row.uuid)
        return outcome

    def ended(self, outcome: Outcome, row: Row, verb: Action) -> Row:
        good = isinstance(outcome, Done)
        row = replace(
            row, action=verb, status=Status.COMPLETE if good else Status.FAILED, intent=None, memo=()
        )
        self.rows[row.uuid] = row
        return row

    # -- one step --------------------------------------------------------------------------------

    def step(self, kind: type[Resource], row: Row, step: Step) -> tuple[Outcome, Row]:
        self.rows[row.uuid] = row
        run = StepRun(
            step,
            row,
            kind,
            Surroundings(
                self.stack,
                stack_user_project=self.users_project,
                urls={'cfn': 'http://heat.example:8000'},
                now=self.clock.wall(),
            ),
            self.clock.wall,
            Limits(2.0, 1.0),
            lambda reference: None,
            lambda found: any(
                one.physical_id == found and one.uuid != row.uuid for one in self.rows.values()
            ),
        )
        following: Next = run.begin()
        while not isinstance(following, Ended):
            if isinstance(following, Ask):
                following = self.ask(run, following)
            elif isinstance(following, Watch):
                following = self.watch(run, following.op)
            elif isinstance(following, Pause):
                self.clock.advance(max(0.05, following.until - self.clock.wall()))
                following = run.wake()
            self.users_project = run.stack_user_project or self.users_project
        return following.outcome, run.row

    def ask(self, run: StepRun, ask: Ask) -> Next:
        # The row must survive a database: no value in it that JSON does not know.
        saved = replace(
            run.row,
            data=json.loads(json.dumps(run.row.data)),
            memo=tuple(json.loads(json.dumps(list(run.row.memo)))),
        )
        kill = self.kill if ask.durable else None
        if kill is not None:
            kill.seen += 1
            if kill.seen == kill.at and not kill.made:
                self.kill = None
                raise Died(saved)
        try:
            body = self.performer.perform_now(self.credential, ask.op)
        except LostAnswer as lost:
            return run.fault(lost, lost=True)
        except (op.CloudFault, errors.HeatException) as fault:
            return run.fault(fault)
        if kill is not None and kill.seen == kill.at:
            self.kill = None
            raise Died(saved)
        return run.answer(body)

    def watch(self, run: StepRun, poll: op.Poll) -> Next:
        end = self.clock.wall() + LONGEST
        while self.clock.wall() < end:
            call = op.Call(poll.service, 'GET', poll.path, ok=(404,), unwrap=poll.unwrap, at=poll.at)
            body = self.performer.perform_now(self.credential, call)
            verdict = poll.judge(body)
            if verdict is True:
                return run.observed(body)
            if isinstance(verdict, str):
                return run.broke(verdict)
            self.clock.advance(0.5)
        raise AssertionError(f'waited in vain for {poll.path}: {body}')

    # -- looking around --------------------------------------------------------------------------

    def get(
        self, service: str, path: str, key: str | None = None, ok: tuple[int, ...] = (), **query: Any
    ) -> Any:
        return self.performer.perform_now(
            self.credential, op.Call(service, 'GET', path, query=query, unwrap=key, ok=ok)
        )


def from_environment(directory: Any, environ: Mapping[str, str] = os.environ) -> Driver:
    """A driver of the cloud that the OS_* variables name."""
    file = directory / 'heat.conf'
    file.write_text(f"""
[keystone_authtoken]
auth_type = password
auth_url = {environ['OS_AUTH_URL']}
username = {environ['OS_USERNAME']}
password = {environ['OS_PASSWORD']}
project_name = {environ['OS_PROJECT_NAME']}
""")
    sessions = Sessions(config.load('heat-engine', [], [str(file)], logging_setup=False))
    plugin = sessions.plugins.service()
    access = plugin.get_access(sessions.http('identity'))
    credential = Credential(
        Kind.PASSWORD,
        access.project_id,
        access.user_id,
        environ['OS_USERNAME'],
        'default',
        password=environ['OS_PASSWORD'],
    )
    return Driver(sessions, credential, RealTime())
