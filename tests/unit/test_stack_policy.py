"""Stack policies: what they allow, what they deny, and what is no policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.template.stack_policy import ACTIONS, DELETE, LONGEST, MODIFY, REPLACE, SEALED, Faulty, StackPolicy


def policy(*statements: dict[str, Any]) -> StackPolicy:
    return StackPolicy.of(json.dumps({'Statement': [{'Principal': '*', **one} for one in statements]}))


ALLOW: dict[str, Any] = {'Effect': 'Allow', 'Action': 'Update:*', 'Resource': '*'}
WHOLE = {**ALLOW, 'Principal': '*'}


def allowed(found: StackPolicy, name: str = 'db', kind: str = 'AWS::EC2::Volume') -> set[str]:
    return {action for action in ACTIONS if not found.denial(action, name, kind)}


def test_without_a_policy_all_is_allowed() -> None:
    assert allowed(StackPolicy.of(None)) == set(ACTIONS)


def test_what_no_statement_allows_is_denied() -> None:
    some = policy({**ALLOW, 'Action': MODIFY, 'Resource': 'LogicalResourceId/web'})
    assert allowed(some, 'web') == {MODIFY} and allowed(some, 'db') == set()
    assert some.denial(DELETE, 'web', 'T') == (
        'Action denied by stack policy: No statement allows [Update:Delete] for resource [web]')


def test_a_denial_outweighs_whatever_allows() -> None:
    found = policy({**ALLOW, 'Effect': 'Deny', 'Action': [REPLACE, DELETE],
                    'Resource': 'LogicalResourceId/db'}, ALLOW)
    assert allowed(found) == {MODIFY} and allowed(found, 'web') == set(ACTIONS)
    assert found.denial(REPLACE, 'db', 'T') == (
        'Action denied by stack policy: Statement [#1] does not allow [Update:Replace] for resource [db]')
    assert allowed(StackPolicy.of(SEALED)) == set()


@pytest.mark.parametrize(('pattern', 'fits'), [
    ('*', {'db1', 'db2', 'web', 'a[b]'}), ('LogicalResourceId/db*', {'db1', 'db2'}),
    ('LogicalResourceId/*', {'db1', 'db2', 'web', 'a[b]'}), ('LogicalResourceId/db?', {'db1', 'db2'}),
    ('LogicalResourceId/a[b]', {'a[b]'}), ('LogicalResourceId/DB*', set()),
    (['LogicalResourceId/db1', 'LogicalResourceId/web'], {'db1', 'web'})])
def test_names_of_resources(pattern: Any, fits: set[str]) -> None:
    names = {'db1', 'db2', 'web', 'a[b]'}
    found = policy({**ALLOW, 'Resource': pattern})
    assert {name for name in names if allowed(found, name)} == fits
    rest = dict(ALLOW)
    del rest['Resource']
    assert {name for name in names if allowed(policy({**rest, 'NotResource': pattern}), name)} == names - fits


def test_other_actions_than_these() -> None:
    rest = dict(ALLOW)
    del rest['Action']
    assert allowed(policy({**rest, 'NotAction': 'Update:Delete'})) == {MODIFY, REPLACE}


@pytest.mark.parametrize(('condition', 'fits'), [
    ({'StringEquals': {'ResourceType': 'AWS::EC2::Volume'}}, {'AWS::EC2::Volume'}),
    ({'StringEquals': {'ResourceType': ['AWS::EC2::Volume', 'OS::Nova::Server']}},
     {'AWS::EC2::Volume', 'OS::Nova::Server'}),
    ({'StringEquals': {'ResourceType': 'AWS::EC2::*'}}, set()),
    ({'StringLike': {'ResourceType': 'AWS::EC2::*'}}, {'AWS::EC2::Volume', 'AWS::EC2::VPC'}),
    ({'StringLike': {'ResourceType': 'AWS::*'}, 'StringEquals': {'ResourceType': 'AWS::EC2::VPC'}},
     {'AWS::EC2::VPC'})])
def test_types_of_resources(condition: Any, fits: set[str]) -> None:
    found = policy({**ALLOW, 'Condition': condition})
    kinds = ('AWS::EC2::Volume', 'AWS::EC2::VPC', 'OS::Nova::Server')
    assert {kind for kind in kinds if allowed(found, kind=kind)} == fits


@pytest.mark.parametrize(('document', 'says'), [
    ('{', 'not valid JSON'), ('[]', 'an object with a Statement'), ('{}', 'an object with a Statement'),
    ('[' * 9000, 'not valid JSON'),
    ({'Statement': []}, 'no statement'), ({'Statement': [ALLOW], 'Colour': 1}, 'no element Colour'),
    ({'Statement': ['x']}, 'statement 1 must be an object'),
    ({'Statement': {**WHOLE, 'Effect': 'Perhaps'}}, 'Effect Allow or Deny'),
    ({'Statement': {**ALLOW, 'Principal': 'me'}}, 'Principal'), ({'Statement': ALLOW}, 'Principal'),
    *[({'Statement': [WHOLE, {**WHOLE, **wrong}]}, f'statement 2 {says}') for wrong, says in (
        ({'Action': 'Delete'}, 'has an unknown action Delete'),
        ({'Action': [1]}, 'must have texts as Action'), ({'Action': []}, 'must have texts as Action'),
        ({'NotAction': MODIFY}, 'must have either Action or NotAction'),
        ({'Resource': 'db'}, 'names the resource db'), ({'Resource': {}}, 'must have texts as Resource'),
        ({'Condition': 1}, 'must have an object as Condition'), ({'Colour': 1}, 'has no element Colour'),
        ({'Condition': {'Bool': {}}}, 'has an unknown condition Bool'),
        ({'Condition': {'StringLike': {'Colour': 'red'}}}, 'can have conditions on ResourceType alone'),
        ({'Condition': {'StringLike': {'ResourceType': 1}}}, 'must have texts as ResourceType'))]])
def test_what_is_no_policy(document: Any, says: str) -> None:
    with pytest.raises(Faulty, match=says):
        StackPolicy.of(document if isinstance(document, str) else json.dumps(document))


def test_a_policy_has_a_longest_length() -> None:
    text = json.dumps({'Statement': [{**ALLOW, 'Principal': '*'}]})
    assert allowed(StackPolicy.of(text + ' ' * (LONGEST - len(text)))) == set(ACTIONS)
    with pytest.raises(Faulty, match='longer than 16384 bytes'):
        StackPolicy.of(text + ' ' * (LONGEST - len(text) + 1))
