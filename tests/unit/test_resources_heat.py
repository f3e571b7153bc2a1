"""The OS::Heat types declare what the recorded interface declares."""

from __future__ import annotations

import pytest

from heat.common.ids import StackId
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources import aws
from heat.resources.base import Resource
from heat.resources.heat import TYPES
from heat.resources.heat.basic import draw
from heat.resources.heat.group import ResourceGroup, substitute
from heat.schema.contract import differences
from tests.unit.interface import OURS, entry_of


@pytest.mark.parametrize('kind', [kind for kind in (*TYPES.values(), *aws.TYPES.values())
                                  if kind.type not in OURS], ids=lambda kind: kind.type)
def test_the_schema_is_that_of_the_interface(kind: type[Resource]) -> None:
    assert differences(kind.schema, entry_of(kind.type)) == []


def test_a_random_string_has_its_minimums_and_its_length() -> None:
    text = draw({'length': 12,
                 'character_classes': [{'class': 'digits', 'min': 4}, {'class': 'lowercase', 'min': 2}],
                 'character_sequences': [{'sequence': '#', 'min': 3}]})
    assert len(text) == 12 and text.count('#') >= 3
    assert sum(c.isdigit() for c in text) >= 4 and sum(c.islower() for c in text) >= 2
    # What has to be in it stands anywhere.
    ordered = {'length': 8, 'character_sequences': [{'sequence': '#', 'min': 1}, {'sequence': '-', 'min': 7}]}
    assert len({draw(ordered).index('#') for _ in range(200)}) > 1


def test_more_minimums_than_length_are_refused() -> None:
    said = list(TYPES['OS::Heat::RandomString'].validate(
        {'length': 3, 'character_classes': [{'class': 'digits', 'min': 4}]}))
    assert said == ['Length property cannot be smaller than combined character class and character '
                    'sequence minimums (4 > 3)']


def test_a_sequence_without_characters_is_refused() -> None:
    kind = TYPES['OS::Heat::RandomString']
    said = list(kind.validate({'length': 4, 'character_sequences': [
        {'sequence': 'ab', 'min': 1}, {'sequence': '', 'min': 1}]}))
    assert said == ['character_sequences[1].sequence has no characters to draw from']


def test_a_value_takes_the_type_it_is_told() -> None:
    row = Row('0' * 36, 's', 's', 'v', 'OS::Heat::Value', Action.CREATE,
              props={'value': '["a", 1]', 'type': 'json'})
    outcome, _row = TYPES['OS::Heat::Value'].compute(
        Action.CREATE, Row('c5f3e3a4-7d7a-4c38-9f50-0d7c3a0c2b11', 's', 's', 'v', 'OS::Heat::Value',
                           props=row.props), StackId('t', 'n', 'i'))
    assert outcome.attrs == {'value': ['a', 1]}


def test_the_index_stands_in_keys_and_values_of_a_member() -> None:
    assert substitute({'n%index%': ['a-%index%', 3]}, '%index%', '7') == {'n7': ['a-7', 3]}
    assert ResourceGroup.members({'count': 3}, ['0', '2']) == ['1', '3', '4']


def test_a_client_without_an_entity_is_nothing_to_poll() -> None:
    # As python-heatclient's own tests have it in their templates.
    trial = TYPES['OS::Heat::TestResource']
    assert list(trial.validate({'client_name': 'nova'})) == []
    assert list(trial.validate({'client_name': 'nova', 'entity_name': 'servers'})) == [
        'Polling an entity of a client is not supported.']
