"""Alarming v2 (Aodh): alarms of a project, which nobody evaluates.

Purpose: alarms are written, read and taken away as there. Invariant: a PUT writes the whole
alarm, so what it leaves out is as at the beginning; names may be had by several.
Neighbours: ``inventory`` keeps the rows.
"""

from __future__ import annotations

from typing import Any

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row, Service
from heat.simcloud.stamps import iso

ACTIONS = ('alarm_actions', 'ok_actions', 'insufficient_data_actions')
KINDS = ('threshold', 'event', 'composite', 'gnocchi_resources_threshold', 'loadbalancer_member_health',
         'gnocchi_aggregation_by_metrics_threshold', 'gnocchi_aggregation_by_resources_threshold',
         'prometheus')
FIELDS: dict[str, Any] = {
    'name': None, 'type': None, 'description': None, 'enabled': True, 'repeat_actions': False,
    'severity': 'low', 'state': 'insufficient data', 'time_constraints': [], **dict.fromkeys(ACTIONS)}
# What a client may send back as it was shown.
SHOWN = ('alarm_id', 'user_id', 'project_id', 'timestamp', 'state_timestamp', 'state_reason',
         'evaluate_timestamp')


def render_fault(fault: Fault) -> Row:
    return {'error_message': {'faultstring': fault.message, 'faultcode': 'Client', 'debuginfo': None}}


def checked(call: Call) -> Row:
    """The fields of an alarm, complete; Fault 400."""
    wanted = call.json()
    kind = wanted.get('type')
    rule = f'{kind}_rule'
    if not wanted.get('name') or kind not in KINDS:
        raise Fault(400, 'Invalid input for field/attribute type or name. Mandatory field missing.')
    unknown = sorted(set(wanted) - {*FIELDS, *SHOWN, rule})
    if unknown:
        raise Fault(400, f'Unknown attribute: {", ".join(unknown)}')
    if not wanted.get(rule):
        raise Fault(400, f'alarm type is {kind} but {rule} is missing')
    fields = {name: wanted.get(name, default) for name, default in FIELDS.items()}
    for name in ACTIONS:
        # An address that names no host is shown without the slashes before it.
        fields[name] = [str(url).replace('://?', ':?') for url in fields[name] or ()]
    fields['description'] = fields['description'] or f'Alarm when {kind}'
    return {**fields, rule: wanted[rule]}


def shown(row: Row) -> Row:
    return {'alarm_id': row['id'], **{name: value for name, value in row.items() if name != 'id'}}


def own(call: Call) -> Row:
    row = call.inv.alarms.get(call.args['id'])
    if row is None or row['project_id'] != call.project:
        raise Fault(404, f'Alarm {call.args["id"]} not found in project {call.project}')
    return row


def create(call: Call) -> Reply:
    now = iso(call.now)
    row = {'id': ids.new_id(), **checked(call), 'user_id': call.user, 'project_id': call.project,
           'timestamp': now, 'state_timestamp': now}
    return Reply(201, shown(call.inv.alarms.put(row)))


def listing(call: Call) -> Reply:
    wanted = dict(zip(call.query.getall('q.field'), call.query.getall('q.value'), strict=False))
    rows = call.inv.alarms.where('project_id', call.project)
    return Reply(200, [shown(row) for row in rows
                       if all(str(row.get(name)) == value for name, value in wanted.items())])


def show(call: Call) -> Reply:
    return Reply(200, shown(own(call)))


def change(call: Call) -> Reply:
    row = own(call)
    kept = {name: row[name] for name in ('id', 'user_id', 'project_id', 'state_timestamp')}
    return Reply(200, shown(call.inv.alarms.put({**kept, **checked(call), 'timestamp': iso(call.now)})))


def delete(call: Call) -> Reply:
    call.inv.alarms.drop(own(call)['id'])
    return Reply(204)


SERVICE = Service('alarming', '/alarming', [
    ('POST', '/v2/alarms', create), ('GET', '/v2/alarms', listing), ('GET', '/v2/alarms/{id}', show),
    ('PUT', '/v2/alarms/{id}', change), ('DELETE', '/v2/alarms/{id}', delete)], render_fault)
