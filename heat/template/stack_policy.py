"""A stack's policy: which of its resources an update may modify, replace or delete.

Purpose: CloudFormation's stack policies, read and asked. Invariant: pure; a denial outweighs
any permission, and what no statement allows is denied. A stack without a policy allows all.
Neighbours: ``plan.traversal`` asks when it has decided about a resource, ``engine.intake``
keeps the text and hands it to each update as ``goal.options['policy']``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

MODIFY, REPLACE, DELETE = 'Update:Modify', 'Update:Replace', 'Update:Delete'
ACTIONS = (MODIFY, REPLACE, DELETE)
LONGEST = 16384
PREFIX = 'LogicalResourceId/'
OPERATORS = ('StringEquals', 'StringLike')
ELEMENTS = {'Sid', 'Effect', 'Action', 'NotAction', 'Principal', 'Resource', 'NotResource', 'Condition'}
# What nothing is allowed in: the inside of a nested stack that may not be modified.
SEALED = json.dumps({'Statement': [
    {'Effect': 'Deny', 'Action': 'Update:*', 'Principal': '*', 'Resource': '*'}]})


class Faulty(ValueError):
    """What is wrong with the text of a policy, as a sentence."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Texts with ``*`` and ``?``; ``but`` turns the answer round. An ``exact`` one has no wildcards."""

    texts: tuple[str, ...] = ('*',)
    but: bool = False
    exact: bool = False

    def fit(self, text: str) -> bool:
        hit = text in self.texts if self.exact else any(_like(text, one) for one in self.texts)
        return hit is not self.but


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; ``kinds`` are the conditions on the type of a resource, all of which must hold."""

    allows: bool
    actions: Patterns
    names: Patterns
    kinds: tuple[Patterns, ...] = ()

    def fits(self, action: str, name: str, kind: str) -> bool:
        return (self.actions.fit(action) and self.names.fit(name)
                and all(one.fit(kind) for one in self.kinds))


@dataclass(frozen=True, slots=True)
class StackPolicy:
    """``statements`` is None where there is no policy."""

    statements: tuple[Statement, ...] | None = None

    @classmethod
    def of(cls, text: str | None) -> StackPolicy:
        """The policy that ``text`` is; Faulty."""
        if text is None:
            return cls()
        if len(text.encode('utf-8', 'surrogatepass')) > LONGEST:
            raise Faulty(f'it is longer than {LONGEST} bytes.')
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Faulty('it is not valid JSON.') from error
        if not isinstance(document, Mapping) or 'Statement' not in document:
            raise Faulty('it must be an object with a Statement.')
        more = set(document) - {'Statement', 'Version', 'Id'}
        if more:
            raise Faulty(f'it has no element {min(more)}.')
        listed = document['Statement']
        statements = listed if isinstance(listed, list) else [listed]
        if not statements:
            raise Faulty('it has no statement.')
        return cls(tuple(_statement(number, one) for number, one in enumerate(statements, 1)))

    def denial(self, action: str, name: str, kind: str) -> str:
        """Why ``action`` may not happen to the resource ``name`` of the type ``kind``; '' if it may."""
        if self.statements is None:
            return ''
        allowed = False
        for number, one in enumerate(self.statements, 1):
            if one.fits(action, name, kind):
                if not one.allows:
                    return (f'Action denied by stack policy: Statement [#{number}] does not allow [{action}] '
                            f'for resource [{name}]')
                allowed = True
        return '' if allowed else (f'Action denied by stack policy: No statement allows [{action}] for '
                                   f'resource [{name}]')


def _like(text: str, pattern: str) -> bool:
    # A bracket is a letter like others here.
    return fnmatchcase(text, pattern.replace('[', '[[]'))


def _statement(number: int, one: Any) -> Statement:
    def wrong(sentence: str) -> Faulty:
        return Faulty(f'statement {number} {sentence}')

    if not isinstance(one, Mapping):
        raise wrong('must be an object.')
    more = set(one) - ELEMENTS
    if more:
        raise wrong(f'has no element {min(more)}.')
    if one.get('Effect') not in ('Allow', 'Deny'):
        raise wrong('must have the Effect Allow or Deny.')
    # Nobody is exempt from it, so there is nobody to name.
    if one.get('Principal') not in ('*', {'AWS': '*'}, ['*']):
        raise wrong('must have the Principal "*".')

    def patterns(element: str) -> Patterns:
        given = [key for key in (element, f'Not{element}') if key in one]
        if len(given) != 1:
            raise wrong(f'must have either {element} or Not{element}.')
        texts = _texts(one[given[0]])
        if not texts:
            raise wrong(f'must have texts as {given[0]}.')
        return Patterns(texts, but=given[0] != element)

    actions, names = patterns('Action'), patterns('Resource')
    for action in actions.texts:
        if not any(_like(known, action) for known in ACTIONS):
            raise wrong(f'has an unknown action {action}; there are {", ".join(ACTIONS)} and Update:*.')
    for name in names.texts:
        if name != '*' and not name.startswith(PREFIX):
            raise wrong(f'names the resource {name}; it must be "*" or begin with {PREFIX}.')
    bare = tuple(name.removeprefix(PREFIX) for name in names.texts)
    return Statement(one['Effect'] == 'Allow', actions, Patterns(bare, names.but),
                     tuple(_conditions(one.get('Condition', {}), wrong)))


def _conditions(given: Any, wrong: Any) -> Iterable[Patterns]:
    if not isinstance(given, Mapping):
        raise wrong('must have an object as Condition.')
    for operator, keys in given.items():
        if operator not in OPERATORS:
            raise wrong(f'has an unknown condition {operator}; there are {" and ".join(OPERATORS)}.')
        if not isinstance(keys, Mapping) or set(keys) != {'ResourceType'}:
            raise wrong('can have conditions on ResourceType alone.')
        kinds = _texts(keys['ResourceType'])
        if not kinds:
            raise wrong('must have texts as ResourceType.')
        yield Patterns(kinds, exact=operator == 'StringEquals')


def _texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them; empty for anything else."""
    found = value if isinstance(value, list) else [value]
    return tuple(found) if all(isinstance(one, str) and one for one in found) else ()
