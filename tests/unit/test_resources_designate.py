"""The types of the DNS service without a cloud: which properties go together, and what a step asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heat import schema
from heat.common.errors import EntityNotFound
from heat.common.ids import StackId
from heat.model.op import (
    Adopt,
    Call,
    CloudFault,
    Find,
    NeedsReplacement,
    Poll,
    ReadRow,
    Record,
    StepFailed,
)
from heat.model.resource import Intent, Row
from heat.model.status import Action
from heat.resources.base import Surroundings
from heat.resources.openstack.designate import RecordSet, Zone

AROUND = Surroundings(StackId('project', 'shop', 'stack-id'))
REFUSED = CloudFault(400, 'Can not update a deleting zone', 'dns')


def faults(**props: Any) -> list[str]:
    values, errors = schema.resolve(Zone.schema.properties, {'name': 'a.example.', **props})
    assert errors == []
    return list(Zone.validate(values))


@pytest.mark.parametrize(
    ('props', 'said'),
    [
        ({}, ['Property email is required for zone type PRIMARY.']),
        ({'email': 'a@a.example', 'primaries': ['192.0.2.1']},
         ['Property primaries is for zone type SECONDARY only.']),
        ({'type': 'SECONDARY'}, ['Property primaries is required for zone type SECONDARY.']),
        ({'type': 'SECONDARY', 'masters': ['192.0.2.1'], 'ttl': 60},
         ['Property ttl is for zone type PRIMARY only.']),
        ({'email': 'a@a.example', 'name': 'a.example'}, ['Property name must end with a dot: a.example.']),
        ({'email': 'a@a.example'}, []),
        ({'type': 'SECONDARY', 'primaries': ['192.0.2.1']}, []),
        ({'type': schema.UNKNOWN, 'email': schema.UNKNOWN, 'name': schema.UNKNOWN}, []),
    ],
)
def test_what_the_type_of_a_zone_asks_for(props: dict[str, Any], said: list[str]) -> None:
    assert faults(**props) == said


def recordset(named: str = 'zone-id', physical_id: str | None = None, **data: Any) -> RecordSet:
    props = {'zone': named, 'type': 'A', 'records': ['192.0.2.1']}
    row = Row('0f0e0d0c-0000-4000-8000-000000000001', 's', 's', 'web', RecordSet.type,
              physical_id=physical_id, props=props, data=data)
    return RecordSet(row, props, AROUND)


def test_a_name_within_the_zone_gets_the_zones_name() -> None:
    steps = recordset().create()
    assert next(steps) == Record(data={'zone': 'zone-id'})
    asked = steps.send(None)
    assert isinstance(asked, Call) and (asked.method, asked.path) == ('GET', '/zones/zone-id')
    made = steps.send({'name': 'a.example.'})
    name = made.body['name']
    assert made.mutating and name.startswith('shop-web-') and name.endswith('.a.example.')
    adopt: Adopt = made.adopt
    assert adopt.match({'name': name.upper(), 'type': 'A'})
    assert not adopt.match({'name': name, 'type': 'TXT'})


def test_a_recordset_goes_where_it_was_made_whatever_its_zone_is_called() -> None:
    """A deletion has the zone as the template has it, which may be a name."""
    asked = next(recordset('a.example.', 'rs-id', zone='zone-id').delete())
    assert isinstance(asked, Call) and asked.path == '/zones/zone-id/recordsets/rs-id'
    steps = recordset('a.example.', 'rs-id').delete()
    assert next(steps) == Find('designate.zone', 'a.example.')
    assert steps.send('zone-id') == Record(data={'zone': 'zone-id'})
    with pytest.raises(StopIteration):
        gone = recordset('a.example.', 'rs-id').delete()
        next(gone)
        gone.throw(EntityNotFound(entity='Zone', name='a.example.'))


def test_a_recordset_whose_creation_was_never_answered_is_looked_for_in_its_zone() -> None:
    """Whoever deletes it then has the zone's name, and goes through the creation again."""
    unanswered = recordset('a.example.', zone='zone-id')
    unanswered.row = replace(unanswered.row, intent=Intent(Action.CREATE, 'create', 0, 1.0))
    steps = unanswered.create()
    assert next(steps).path == '/zones/zone-id'
    assert steps.send({'name': 'a.example.'}).adopt.path == '/zones/zone-id/recordsets'


@pytest.mark.parametrize(('action', 'passes'), [('DELETE', True), ('UPDATE', False)])
def test_a_recordset_of_a_zone_that_is_going_goes_with_it(action: str, passes: bool) -> None:
    steps = recordset('zone-id', 'rs-id', zone='zone-id').delete()
    next(steps)
    asked = steps.throw(REFUSED)
    assert asked.path == '/zones/zone-id' and not asked.mutating
    if passes:
        waited = steps.send({'action': action})
        assert isinstance(waited, Poll) and waited.judge(None) is True and waited.judge({}) is False
        return
    with pytest.raises(CloudFault):
        steps.send({'action': action})


def test_a_zone_in_an_error_is_told_again_since_a_second_of_its_name_is_refused() -> None:
    row = Row('u1', 's', 's', 'zone', Zone.type, physical_id='zone-id')
    steps = Zone(row, {}, AROUND).revive()
    next(steps)
    with pytest.raises(NeedsReplacement):
        steps.send(None)
    steps = Zone(row, {}, AROUND).revive()
    next(steps)
    assert isinstance(steps.send({'status': 'ERROR', 'description': 'ours'}), Record)
    again = steps.send(None)
    assert (again.method, again.path, again.body) == ('PATCH', '/zones/zone-id', {'description': 'ours'})
    waited = steps.send({})
    assert waited.judge({'status': 'PENDING'}) is False and waited.judge({'status': 'ACTIVE'}) is True


def test_a_zone_waits_for_the_zones_below_it() -> None:
    steps = Zone(Row('u1', 's', 's', 'zone', Zone.type, physical_id='zone-id'), {}, AROUND).delete()
    next(steps)
    steps.throw(CloudFault(400, 'Please delete any subzones before deleting this zone', 'dns'))
    waited = steps.send({'name': 'a.example.'})
    assert waited.path == '/zones?name=*.a.example.'
    below = {'zones': [{'name': 'b.a.example.', 'action': 'NONE'}]}
    assert waited.judge(below) is False and waited.judge({'zones': []}) is True
    said = [answer for answer in (waited.judge(below) for _ in range(100)) if answer is not False]
    assert said[0] == 'Please delete any subzones before deleting this zone: b.a.example.'
    again = steps.send({'zones': []})
    assert again.method == 'DELETE' and again.path == '/zones/zone-id'


# -- what is made anew under its own name ------------------------------------------------------------

MAIL = {'name': 'a.example.', 'email': 'a@a.example', 'type': 'PRIMARY'}
WEB = {'zone': 'zone-id', 'name': 'www', 'type': 'A'}


def zone(**more: Any) -> Zone:
    row = Row('0f0e0d0c-0000-4000-8000-000000000002', 's', 's', 'zone', Zone.type, physical_id='zone-id',
              props=MAIL)
    return Zone(replace(row, **more), MAIL, AROUND)


@pytest.mark.parametrize(('kind', 'old', 'changed', 'expected'), [
    (Zone, MAIL, {'type': 'SECONDARY', 'primaries': ['192.0.2.1']}, True),
    (Zone, MAIL, {'name': 'A.example.', 'attributes': {'tier': 'gold'}}, True),
    (Zone, MAIL, {'name': 'b.example.'}, False),
    (RecordSet, WEB, {}, True),
    (RecordSet, WEB, {'type': 'AAAA'}, False),
    (RecordSet, WEB, {'zone': 'other-id'}, False),
    (RecordSet, {**WEB, 'name': None}, {}, False)])
def test_only_what_has_its_successors_name_goes_first(
        kind: type[Zone | RecordSet], old: dict[str, Any], changed: dict[str, Any], expected: bool) -> None:
    row = Row('u', 's', 's', 'thing', kind.type, physical_id='its-id', props=old)
    assert kind.releases and kind.in_the_way(row, {**old, **changed}) is expected


def test_a_zone_that_is_retained_is_not_let_go() -> None:
    row = zone(keep={'deletion_policy': 'Retain'}).row
    assert not Zone.in_the_way(row, {**MAIL, 'type': 'SECONDARY'})


def test_a_name_that_is_taken_by_what_was_retained_is_told() -> None:
    steps = zone(replaces='before', physical_id=None).create()
    assert next(steps).method == 'POST'
    with pytest.raises(StepFailed, match=r'a\.example\. is there still.*Duplicate Zone.*Delete it'):
        steps.throw(CloudFault(409, 'Duplicate Zone', 'dns'))
    first = zone(physical_id=None).create()
    next(first)
    with pytest.raises(CloudFault, match='Duplicate Zone'):
        first.throw(CloudFault(409, 'Duplicate Zone', 'dns'))


@pytest.mark.parametrize('owner', ['its successor', 'another resource', 'somebody else'])
def test_a_zone_takes_its_name_back_from_its_successor_only(owner: str) -> None:
    thing = zone(keep={'released': True})
    other = replace(thing.row, uuid='0f0e0d0c-0000-4000-8000-000000000003')
    holder = {'its successor': other, 'another resource': replace(other, name='other'),
              'somebody else': None}[owner]
    steps, value, calls = thing.restore(), None, []
    while True:
        op: Any = steps.send(value)
        value = holder if isinstance(op, ReadRow) else None
        if isinstance(op, Call) and op.mutating:
            calls.append((op.method, op.path))
            if op.method == 'POST':
                break
        elif isinstance(op, Call):
            # Also one of another type is in the way.
            assert (op.path, op.query) == ('/zones', {'name': 'a.example.'})
            value = [{'id': 'rival'}]
        elif isinstance(op, Poll):
            assert (op.path, op.judge({'status': 'PENDING'}), op.judge(None)) == ('/zones/rival', False, True)
    assert calls == [*([('DELETE', '/zones/rival')] if owner == 'its successor' else []), ('POST', '/zones')]
