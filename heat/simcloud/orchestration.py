"""Orchestration v1 of the second region, where there is one: stacks whose parts are imagined.

Purpose: what ``OS::Heat::Stack`` asks of the service of another region. Invariant: a
stack keeps its whole definition and shows what of it an API would; its outputs are
constants and parameters, since nothing is made. Neighbours: ``server`` runs the
transitions, ``tokens`` names the region in the catalogue.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row, Service
from heat.simcloud.stamps import iso

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud

VERBS = ('suspend', 'resume', 'check')


def render_fault(fault: Fault) -> Row:
    return {'code': fault.status, 'title': 'Error', 'explanation': fault.message,
            'error': {'message': fault.message, 'type': fault.kind, 'traceback': None}}


def own(call: Call) -> Row:
    row = call.inv.stacks.get(call.args['id'])
    if row is None or row['project_id'] != call.project or row['stack_name'] != call.args['name']:
        raise Fault(404, f'The Stack ({call.args["name"]}/{call.args["id"]}) could not be found.',
                    'EntityNotFound')
    return row


def definition(call: Call) -> Row:
    wanted = call.json()
    try:
        # Of what a template may be written in, JSON is enough here.
        template = json.loads(wanted['template'])
        declared = template.get('parameters') or {}
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise Fault(400, 'Error parsing template.', 'StackValidationFailed') from error
    unknown = [name for name in wanted.get('parameters') or {} if name not in declared]
    if unknown:
        raise Fault(400, f'The Parameter ({unknown[0]}) was not defined in template.', 'UnknownUserParameter')
    return {'_template': template, '_given': wanted, '_doom': call.doom}


def begin(call: Call, row: Row, action: str) -> None:
    row.update(stack_status=f'{action}_IN_PROGRESS', stack_status_reason=f'Stack {action} started',
               _doom=call.doom)
    call.inv.schedule('stacks', row, call.now + call.cloud.settings.stack_action, action)


def create_stack(call: Call) -> Reply:
    name = str(call.json().get('stack_name'))
    if any(row['stack_name'] == name for row in call.inv.stacks.where('project_id', call.project)):
        raise Fault(409, f'The Stack ({name}) already exists.', 'StackExists')
    row = {'id': ids.new_id(), 'stack_name': name, 'project_id': call.project,
           'creation_time': iso(call.now), 'updated_time': None, **definition(call)}
    begin(call, row, 'CREATE')
    return Reply(201, {'stack': {'id': row['id'], 'links': []}})


def shown(row: Row) -> Row:
    return {key: value for key, value in row.items() if not key.startswith('_') and key != 'project_id'}


def list_stacks(call: Call) -> Reply:
    rows = call.inv.stacks.where('project_id', call.project)
    name = call.query.get('name')
    return Reply(200, {'stacks': [shown(row) for row in rows if name in (None, row['stack_name'])]})


def show_stack(call: Call) -> Reply:
    row = own(call)
    given = row['_given'].get('parameters') or {}
    outputs = [{'output_key': name, 'output_value': value_of(one.get('value'), given)}
               for name, one in (row['_template'].get('outputs') or {}).items()]
    return Reply(200, {'stack': {**shown(row), 'parameters': given, 'outputs': outputs}})


def value_of(value: Any, given: Row) -> Any:
    return given.get(value['get_param']) if isinstance(value, dict) and 'get_param' in value else value


def update_stack(call: Call) -> Reply:
    row = own(call)
    row.update(definition(call), updated_time=iso(call.now))
    begin(call, row, 'UPDATE')
    return Reply(202)


def delete_stack(call: Call) -> Reply:
    begin(call, own(call), 'DELETE')
    return Reply(204)


def act(call: Call) -> Reply:
    row, wanted = own(call), call.json()
    verb = next(iter(wanted), None)
    if verb not in VERBS:
        raise Fault(400, f'Invalid action {verb} specified')
    if row['stack_status'].endswith('_IN_PROGRESS'):
        raise Fault(409, f'Stack {row["stack_name"]} already has an action ({row["stack_status"]}) '
                         'in progress.', 'ActionInProgress')
    begin(call, row, verb.upper())
    return Reply(200)


def transition(cloud: SimCloud, row: Row, then: str, at: float) -> None:
    if then == 'DELETE' and not row['_doom']:
        cloud.inventory.stacks.drop(row['id'])
        return
    row['stack_status'] = f'{then}_{"FAILED" if row["_doom"] else "COMPLETE"}'
    row['stack_status_reason'] = row['_doom'] or f'Stack {then} completed successfully'
    cloud.inventory.stacks.put(row)


BASE = '/v1/{project}/stacks'
SERVICE = Service('orchestration', '/orchestration', [
    ('POST', BASE, create_stack), ('GET', BASE, list_stacks),
    ('GET', f'{BASE}/{{name}}/{{id}}', show_stack), ('PUT', f'{BASE}/{{name}}/{{id}}', update_stack),
    ('DELETE', f'{BASE}/{{name}}/{{id}}', delete_stack), ('POST', f'{BASE}/{{name}}/{{id}}/actions', act),
], render_fault)
