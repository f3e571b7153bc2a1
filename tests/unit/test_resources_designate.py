"""The types of the DNS service without a cloud: which properties go together, and what a step asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heat import schema
from heat.common.errors import EntityNotFound
from heat.common.ids import StackId
from heat.model.op import Adopt, Call, CloudFault, Find, NeedsReplacement, Poll, Record
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
