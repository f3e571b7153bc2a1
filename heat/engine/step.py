"""One step on one row: the plugin's generator, its journal, its resumption.

Purpose: turn what a generator yields into asks of the shell, and answers back
into the generator. Invariant: a mutating op is asked only with its intent on
the row (``durable``); its answer joins ``row.memo``, and a re-run generator is
fed the memo, so the first op without an answer is where a crash is resumed.
Neighbours: ``loop`` carries asks out; ``resources.base`` writes generators.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat import schema
from heat.common.errors import EntityNotFound, HeatException
from heat.common.text import flaw
from heat.engine.ends import failure_of, nobody_asked, replacement_reason, unfit
from heat.engine.errand import Ask, Ended, Limits, Next, Pause, Watch
from heat.model.op import (
    Adopt,
    AwaitSignals,
    AwaitWord,
    Call,
    CloudFault,
    Endpoint,
    Find,
    NeedsReplacement,
    Op,
    Poll,
    ReadConfig,
    ReadRow,
    ReadWatch,
    Record,
    Resolve,
    Shelve,
    Shelved,
    Sleep,
    StepFailed,
    Tell,
    UserCall,
)
from heat.model.outcome import Done, Failed, Replace
from heat.model.resource import Intent, Row
from heat.model.status import Action
from heat.plan import drift
from heat.plan.drift import Drift
from heat.plan.effects import Step
from heat.resources import creation
from heat.resources.base import VERB_METHODS, Resource, Steps, Surroundings
from heat.template import dynamic
from heat.template.dynamic import DynamicReference

LOG = logging.getLogger(__name__)
# From here on a status tells that the service has failed, and not that it has refused.
BROKEN = 500


class StepRun:
    """The state of one running step. ``row`` is current; ``dirty`` asks for a save."""

    def __init__(self, step: Step, row: Row, kind: type[Resource], around: Surroundings,
                 now: Callable[[], float], limits: Limits,
                 row_of: Callable[[str], Row | None],
                 is_ours: Callable[[str], bool],
                 row_named: Callable[[str], Row | None] = lambda name: None) -> None:
        self.step = step
        self.row = row
        self.kind = kind
        self.around = around
        self.dirty = False
        self.cancelled = False
        self.asking = False
        self.waits_for: str | None = None
        self.stack_user_project: str | None = None
        self.shelved: list[Shelved] = []
        self._now = now
        self._limits = limits
        self._row_of = row_of
        self._row_named = row_named
        self._is_ours = is_ours
        self._index = 0
        self._settled = 0
        self._pending: Op | None = None
        self._adopting: Adopt | None = None
        # Whether the creation that is looked for was answered by an error of the service.
        self._answered = False
        # Since when a call that may be said twice has had no answer.
        self._unheard_since: float | None = None
        self._props = dict(row.props or {})
        self._old = dict(row.keep.get('old_props') or {})
        self._lookups: list[tuple[bool, Any, Find]] = []
        self._secrets: dict[DynamicReference, str | None] = {}
        self._plugin: Resource | None = None
        self._generator: Steps | None = None
        self._phase = 'lookup'
        # How a check has failed, while its thing is looked at once more.
        self._failed: Failed | None = None

    # -- what the loop calls --------------------------------------------------------------------

    def begin(self) -> Next:
        """The first ask."""
        if self.step.verb is not Action.DELETE and self.row.keep.get('dynamic'):
            self._secrets = dict.fromkeys(
                [*dynamic.references(self._props), *dynamic.references(self._old)])
        return self._next_secret()

    def _next_secret(self) -> Next:
        """What dynamic references stand for is asked for anew in each step and kept in none."""
        for reference, text in self._secrets.items():
            if text is None:
                self._phase = 'secrets'
                self._pending = None
                self.asking = True
                return Ask(Resolve(reference.service, reference.key, reference.version, reference.member,
                                   reference.stage))
        if self._secrets:
            def text_of(reference: DynamicReference) -> str:
                return self._secrets[reference] or ''

            self._props = dynamic.substitute(self._props, text_of)
            self._old = dynamic.substitute(self._old, text_of)
        self._phase = 'lookup'
        if self.step.verb is not Action.DELETE:
            for old, props in ((False, self._props), (True, self._old)):
                for path, is_a, value in schema.translations(self.kind.schema.properties, props):
                    if isinstance(value, str) and not self._is_ours(value):
                        self._lookups.append((old, path, Find(is_a, value)))
        return self._next_lookup()

    def answer(self, value: Any) -> Next:
        """The pending op was performed and gave ``value``."""
        self.asking = False
        self._unheard_since = None
        if self._phase == 'secrets':
            self._secrets[next(one for one, text in self._secrets.items() if text is None)] = str(value)
            return self._next_secret()
        if self._phase == 'lookup':
            old, path, _find = self._lookups.pop(0)
            if old:
                self._old = schema.put(self._old, path, value)
            else:
                self._props = schema.put(self._props, path, value)
            return self._next_lookup()
        if self._adopting is not None:
            return self._candidates(value)
        return self._took(value)

    def absorb(self, value: Any) -> None:
        """The answer to a call that was under way when the step was cancelled: keep what it made."""
        self.asking = False
        op = self._pending
        if self._phase != 'lookup' and self._adopting is None and isinstance(op, Call) and op.identify:
            identity = str(dig(value, op.identify))
            self.row = replace(self.row, physical_id=self.row.physical_id if flaw(identity) else identity,
                               memo=(*self.row.memo, {'value': value}))

    def fault(self, fault: CloudFault | HeatException, lost: bool = False) -> Next:
        """The pending op failed."""
        self.asking = False
        op = self._pending
        if (self._phase == 'lookup' and (self._lookups[0][0] or self.step.task == 'release')
                and isinstance(fault, EntityNotFound)):
            # What a thing was made from may be gone; it stays as it was named, and differs from what comes.
            self._lookups.pop(0)
            return self._next_lookup()
        if self._adopting is not None:
            # The search itself failed: look again later, never create blindly.
            return Pause(self._now() + self._limits.settle)
        # A service that is started anew is away for as long as a call may take.
        away = nobody_asked(fault) and (not lost or isinstance(op, UserCall))
        if away and (again := self._say_again()) is not None:
            return again
        if self._phase in ('lookup', 'secrets'):
            return Ended(failure_of(fault))
        if lost and isinstance(op, Call) and op.mutating:
            if op.makes:
                return self._unresolved(op)
            if (again := self._say_again()) is not None:
                return again
        self._unheard_since = None
        if isinstance(op, Call | UserCall) and op.mutating and isinstance(fault, CloudFault):
            if isinstance(op, Call) and op.for_now is not None and op.for_now(fault):
                self.row = replace(self.row, intent=None)
            else:
                # A refusal is an answer: a generator that catches it must meet it again when re-run.
                self.row = replace(self.row, memo=(*self.row.memo, {'fault': fault.to_wire()}))
                self._index += 1
            self.dirty = True
        return self._run(None, fault)

    def wake(self) -> Next:
        """A pause is over, or a signal came."""
        op = self._pending
        if self._adopting is not None:
            return self._search(self._adopting)
        if self._phase == 'secrets':
            return self._next_secret()
        if self._phase == 'lookup':
            return self._next_lookup()
        if isinstance(op, Call | UserCall) and op.mutating:
            return self._intend(op)
        if isinstance(op, Call | UserCall | Find | Endpoint):
            self.asking = True
            return Ask(op)
        if isinstance(op, AwaitSignals):
            return self._await_signals(op, self._memo_of(self._index))
        if isinstance(op, AwaitWord):
            found = self._await_word(op)
            return self._run(found.value) if isinstance(found, _Feed) else found
        self._index += 1
        return self._run(None)

    def hear(self, row: Row) -> None:
        """A signal has changed the row as this step knows it."""
        self.row = row
        if self._plugin is not None:
            # What it judges polls by may have been said already.
            self._plugin.row = self.row

    def observed(self, body: dict[str, Any] | None) -> Next:
        """The polled object is as it should be (None: gone, as it should be)."""
        return self._run(body)

    def polls(self, op: Poll) -> bool:
        """Whether this is what it waits for."""
        return self._pending is op

    def late(self) -> Next:
        """The time limit of the poll has come."""
        op = self._pending
        assert isinstance(op, Poll)
        return self._run(None, StepFailed(op.late, f'{self.row.type.rpartition("::")[2]}Timeout'))

    def broke(self, sentence: str) -> Next:
        """The polled object will never be as it should be."""
        return self._run(None, StepFailed(sentence, 'ResourceInError'))

    # -- phases ------------------------------------------------------------------------------------

    def _next_lookup(self) -> Next:
        if self._lookups:
            self._pending = self._lookups[0][2]
            self.asking = True
            return Ask(self._lookups[0][2])
        intent = self.row.intent
        if (self.step.verb is Action.DELETE and self.row.physical_id is None
                and intent is not None and intent.verb is Action.CREATE):
            answer = self._memo_of(intent.index)
            if answer is not None and (answer.get('fault') or {}).get('status', 0) < BROKEN:
                # Answered, and it made nothing that has an id: most likely it was refused.
                return self._settled_orphan()
            # A service that broke over it may have begun; the call is met again as one without an answer.
            self._answered = answer is not None
            self.row = replace(self.row, memo=self.row.memo[:intent.index])
            return self._start('orphan', Action.CREATE)
        if self.kind.nested:
            return self._start('ask', None)
        if self.step.task in ('release', 'observe'):
            return self._start(self.step.task, None)
        if self.step.task == 'read':
            self._plugin = self.kind(self.row, self._props, self.around)
            return self._read()
        return self._prepare(('revive', 'restore', 'last_snapshot'))

    def _prepare(self, phases: tuple[str, ...]) -> Next:
        """What comes first: a broken thing is looked at, a released one takes hold again, a last snapshot."""
        for phase in phases:
            if self.row.keep.get(phase) and hasattr(self.kind, phase):
                return self._start(phase, None)
        return self._start('verb', self.step.verb)

    def _start(self, phase: str, verb: Action | None) -> Next:
        self._phase = phase
        # Calls of an earlier phase stand before those of this one in the journal.
        self._index = self._settled
        plugin = self._plugin = self.kind(self.row, self._props, self.around)
        if verb is None:
            self._generator = getattr(plugin, phase)()
        elif verb is Action.UPDATE:
            difference = schema.diff(self.kind.schema, self._old, self._props)
            self._generator = plugin.update(self._props, difference)
        else:
            self._generator = getattr(plugin, VERB_METHODS[verb])()
        return self._run(None)

    def _generator_ended(self, value: Any) -> Next:
        plugin = self._plugin
        assert plugin is not None
        if self._phase == 'orphan':
            return self._settled_orphan()
        if self._phase in ('ask', 'release'):
            return Ended(Done())
        if self._phase in ('revive', 'restore', 'last_snapshot'):
            self._settled = len(self.row.memo)
            return self._prepare(('restore',) if self._phase == 'revive' else ())
        if self._failed is not None:
            self._found(value)
            return Ended(self._failed)
        if self._phase in ('read', 'observe'):
            return Ended(Done(attrs=value or {}))
        reason = ''
        if self._checks() and isinstance(value, dict):
            reason = self._found(plugin.differences(value))
        if self._phase == 'verb':
            plugin.seen = value
            if self.step.verb is Action.CREATE and creation.expected(self.row) is not None:
                self._phase = 'signals'
                self._generator = creation.wait(self.row)
                return self._run(None)
        verbs = {Action.CREATE, Action.UPDATE, Action.ADOPT}
        if self.row.keep.get('external') is not None:
            verbs.add(Action.CHECK)
        if self.step.verb in verbs and self.step.wanted:
            return self._read()
        return Ended(Done(reason=f'state changed; {reason}') if reason else Done())

    # -- what a check finds --------------------------------------------------------------------------

    def _checks(self) -> bool:
        return self.step.verb is Action.CHECK and self._phase == 'verb' and self.kind.observes

    def _found(self, there: Mapping[str, Any]) -> str:
        """What differs: kept on the row, and told in a sentence."""
        found = drift.compared(self.row, self._props, there, self._now())
        self._keep_drift(found)
        return drift.sentence(self.row, found)

    def _keep_drift(self, found: Drift | None) -> None:
        self.row = replace(self.row, data=drift.recorded(self.row, found))
        self.dirty = True

    def _broken_off(self, error: Exception) -> Next:
        """A step's end by ``error``; what failed its check may be gone, or differ besides."""
        if self._failed is not None:
            gone = isinstance(error, NeedsReplacement)
            self._keep_drift(drift.gone(self.row, self._now()) if gone else None)
            return Ended(self._failed)
        if self._phase == 'release' and isinstance(error, CloudFault) and error.status == 404:
            # What is gone holds nothing that its successor needs.
            return Ended(Done())
        if isinstance(error, NeedsReplacement):
            return Ended(Replace(replacement_reason(self.row, self.around)))
        failed = self._broken(error)
        if not self._checks():
            return Ended(failed)
        if isinstance(error, StepFailed) or (isinstance(error, CloudFault) and error.status == 404):
            self._failed = failed
            return self._start('observe', None)
        # It could not be asked, so what was found before is all that is known.
        return Ended(failed)

    def _read(self) -> Next:
        plugin = self._plugin
        assert plugin is not None
        self._phase = 'read'
        plugin.row = self.row
        self._generator = plugin.read(self.step.wanted)
        return self._run(None)

    def _settled_orphan(self) -> Next:
        """Whether the unanswered creation made something is known; now take it away."""
        if self._generator is not None:
            self._generator.close()
        self.row = replace(self.row, intent=None, memo=())
        self.dirty = True
        return self._start('verb', Action.DELETE)

    # -- the generator -------------------------------------------------------------------------------

    def _run(self, feed: Any, throw: Exception | None = None) -> Next:
        generator, plugin = self._generator, self._plugin
        assert generator is not None and plugin is not None
        while True:
            plugin.row = self.row
            try:
                op = generator.throw(throw) if throw is not None else generator.send(feed)
            except StopIteration as stop:
                return self._generator_ended(stop.value)
            except Exception as error:  # the border: no plugin's exception passes it
                return self._broken_off(error)
            throw, feed = None, None
            self._pending = op
            found = self._interpret(op)
            if isinstance(found, _Throw):
                throw = found.error
            elif isinstance(found, _Feed):
                feed = found.value
            else:
                return found

    def _broken(self, error: Exception) -> Failed:
        if not isinstance(error, CloudFault | StepFailed | HeatException | ValueError):
            LOG.exception('Step %s of resource %s broke.', self.step.verb, self.row.name)
        return failure_of(error)

    def _interpret(self, op: Op) -> Next | _Feed | _Throw:
        if isinstance(op, Record):
            if wrong := unfit(op.physical_id or ''):
                return _Throw(wrong)
            self._record(op)
            return _Feed(None)
        if isinstance(op, Shelve):
            self.shelved += op.changes
            self.dirty = True
            return _Feed(None)
        if isinstance(op, ReadRow):
            return _Feed((self._row_named if op.named else self._row_of)(op.reference))
        if isinstance(op, Poll):
            return Watch(op)
        if isinstance(op, AwaitWord):
            return self._await_word(op)
        if isinstance(op, Find | ReadConfig | ReadWatch | Tell | Endpoint) or not (
                isinstance(op, Sleep | AwaitSignals) or op.mutating):
            self.asking = True
            return Ask(op)
        known = self._memo_of(self._index)
        if isinstance(op, Sleep):
            started = self._journal_time(known)
            if self._now() < started + op.seconds:
                return Pause(started + op.seconds)
            self._index += 1
            return _Feed(None)
        if isinstance(op, AwaitSignals):
            self._journal_time(known)
            return self._await_signals(op, self._memo_of(self._index))
        if known is not None:
            self._index += 1
            if 'fault' in known:
                return _Throw(CloudFault(**known['fault']))
            return _Feed(known['value'])
        intent = self.row.intent
        if intent is not None and intent.index == self._index and (
                self.step.resumed or self._phase == 'orphan'):
            return self._unresolved(op)
        if self._phase == 'orphan':
            # The creation stopped before this call was begun: nothing more was made.
            return self._settled_orphan()
        return self._intend(op)

    def _intend(self, op: Call | UserCall) -> Next:
        verb = Action.CREATE if self._phase == 'orphan' else self.step.verb
        self.row = replace(self.row, intent=Intent(verb, op.label, self._index, self._now()))
        self.dirty = True
        self.asking = True
        return Ask(op, durable=True)

    def _took(self, value: Any) -> Next:
        op = self._pending
        if isinstance(op, Call | UserCall) and op.mutating:
            self.row = replace(self.row, memo=(*self.row.memo, {'value': value}))
            self._index += 1
            self.dirty = True
            identify = op.identify if isinstance(op, Call) else None
            identity = str(dig(value, identify)) if identify else ''
            if wrong := unfit(identity):
                return self._run(None, throw=wrong)
            if identify:
                self.row = replace(self.row, physical_id=identity)
            if self._phase == 'orphan':
                return self._settled_orphan()
        return self._run(value)

    def _record(self, op: Record) -> None:
        row = self.row
        self.row = replace(
            row, data={**row.data, **(op.data or {})},
            metadata=row.metadata if op.metadata is None else op.metadata,
            attrs={**row.attrs, **(op.attrs or {})}, physical_id=op.physical_id or row.physical_id)
        self.stack_user_project = op.stack_user_project or self.stack_user_project
        self.dirty = True

    # -- the journal ---------------------------------------------------------------------------------

    def _memo_of(self, index: int) -> dict[str, Any] | None:
        return self.row.memo[index] if index < len(self.row.memo) else None

    def _journal_time(self, known: dict[str, Any] | None) -> float:
        """When the step first came here; written down so that a crash does not start it anew."""
        if known is None:
            known = {'at': self._now()}
            self.row = replace(self.row, memo=(*self.row.memo, known))
            self.dirty = True
        return float(known['at'])

    def _await_signals(self, op: AwaitSignals, known: dict[str, Any] | None) -> Next:
        assert known is not None
        # Without a reference it is the row's own signals that count.
        if op.reference:
            handle = self._row_of(op.reference)
            uuid, metadata = (handle.uuid, handle.metadata) if handle is not None else (None, {})
        else:
            uuid, metadata = self.row.uuid, creation.received(self.row)
        verdict = op.judge(metadata)
        if verdict is True:
            self._index += 1
            return self._run(metadata)
        if verdict is not False:
            return Ended(Failed(str(verdict), f'{op.kind}Failure'))
        until = float(known['at']) + op.timeout
        if self._now() >= until:
            return Ended(Failed(op.expired(metadata), f'{op.kind}Timeout'))
        return Pause(until, uuid)

    def _await_word(self, op: AwaitWord) -> Pause | _Feed:
        return _Feed(self.row.data) if op.judge(self.row.data) else Pause(math.inf, self.row.uuid)

    # -- a call whose answer was lost ------------------------------------------------------------------

    def _say_again(self) -> Next | None:
        """Another try of a call that may be said twice; None once it has had as long as a call may take."""
        now = self._now()
        if self._unheard_since is None:
            self._unheard_since = now
        elif now - self._unheard_since >= self._limits.http_timeout:
            return None
        return Pause(now + self._limits.settle)

    def _unresolved(self, op: Call | UserCall) -> Next:
        """An intent without an answer: find out before acting again."""
        if isinstance(op, UserCall) or not op.makes:
            if self._phase == 'orphan' and isinstance(op, Call):
                return self._settled_orphan()
            # Safe to say twice: PUT, DELETE, PATCH, actions judged by state, users found by name.
            return self._intend(op)
        if self._answered and (op.adopt is None or self._plugin is None
                               or op.adopt.query.get('name') != self._plugin.physical_name()):
            # By a name that a user chose, somebody else's thing might be found.
            return self._settled_orphan()
        if op.adopt is None:
            return Ended(Failed(
                f'The answer to "{op.label}" was lost; a {self.row.type} that nothing refers to may be left '
                'in the cloud.', 'OrphanPossible'))
        self._adopting = op.adopt
        return self._search(op.adopt)

    def _search(self, adopt: Adopt) -> Next:
        op = self._pending
        assert isinstance(op, Call)
        self.asking = True
        service = adopt.service or op.service
        return Ask(Call(service, 'GET', adopt.path, query=adopt.query, unwrap=adopt.key, ok=(404,),
                        label=f'adopt {op.label}', as_user=op.as_user, at=op.at))

    def _candidates(self, listed: Any) -> Next:
        adopt, op, intent = self._adopting, self._pending, self.row.intent
        assert adopt is not None and isinstance(op, Call) and intent is not None
        for candidate in listed if isinstance(listed, list) else [listed]:
            if not isinstance(candidate, dict):
                continue
            identity = candidate.get(op.identify or 'id', candidate.get('id', ''))
            if adopt.match(candidate) and not self._is_ours(str(identity)):
                self._adopting = None
                LOG.info('Resource %s adopts %s.', self.row.name, identity)
                return self._took({op.identify: identity, **candidate} if op.identify else candidate)
        # The request may still be on its way to the cloud: look again when it no longer can.
        settled = intent.at + self._limits.http_timeout + self._limits.settle
        if self._now() < settled and not self._answered:
            return Pause(settled)
        self._adopting = None
        if self._phase == 'orphan':
            return self._settled_orphan()
        return self._intend(op)


@dataclass(frozen=True, slots=True)
class _Feed:
    value: Any


@dataclass(frozen=True, slots=True)
class _Throw:
    error: CloudFault | StepFailed


def dig(value: Any, path: str) -> Any:
    """``dig({'a': {'b': 1}}, 'a.b')`` is 1; KeyError names the missing part."""
    for part in path.split('.'):
        value = value[part]
    return value
