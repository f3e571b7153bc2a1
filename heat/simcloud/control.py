"""The simulator's own interface, ``/__sim__``: faults, inventory, request counts, settings.

Purpose: let a test drive and inspect a cloud that runs in another process.
Invariant: needs no token and is never struck by faults; passwords are not
shown. Neighbours: ``faults``, ``inventory``, ``server.Settings``.
"""

from __future__ import annotations

from heat.simcloud.routing import Call, Fault, Reply, Row, Service


def render_fault(fault: Fault) -> Row:
    return {'error': fault.message}


def list_faults(call: Call) -> Reply:
    return Reply(200, {'faults': call.cloud.faults.show()})


def add_fault(call: Call) -> Reply:
    try:
        rule = call.cloud.faults.add(**call.json())
    except (TypeError, ValueError) as exc:
        raise Fault(400, str(exc)) from exc
    return Reply(201, {'id': rule.id})


def clear_faults(call: Call) -> Reply:
    call.cloud.faults.clear()
    return Reply(204)


def remove_fault(call: Call) -> Reply:
    text = call.args['id']
    if not text.isdigit() or not call.cloud.faults.remove(int(text)):
        raise Fault(404, 'no such fault')
    return Reply(204)


def show_inventory(call: Call) -> Reply:
    return Reply(200, call.cloud.summary())


def show_rows(call: Call) -> Reply:
    """The raw rows of one kind, with what the services hide but without secrets."""
    table = call.inv.tables.get(call.args['kind'])
    if table is None or table.kind in ('tokens', 'credentials'):
        raise Fault(404, 'no such kind')
    return Reply(200, {'rows': [{key: value for key, value in row.items() if key != '_password'}
                                for row in table.all()]})


def list_requests(call: Call) -> Reply:
    return Reply(200, {'requests': {key: count for key, count in call.cloud.requests.items()
                                    if not key.startswith('sim ')}})


def clear_requests(call: Call) -> Reply:
    call.cloud.requests.clear()
    return Reply(204)


def list_guests(call: Call) -> Reply:
    return Reply(200, {'calls': call.cloud.guest_calls})


def show_settings(call: Call) -> Reply:
    return Reply(200, call.cloud.show_settings())


def change_settings(call: Call) -> Reply:
    shown = call.cloud.show_settings()
    wanted = call.json()
    for key, value in wanted.items():
        if key not in shown:
            raise Fault(400, f'no setting named {key}')
        kind = type(shown[key])
        if not isinstance(value, (int, float) if kind is float else kind):
            raise Fault(400, f'{key} is a {kind.__name__}')
    for key, value in wanted.items():
        setattr(call.cloud.settings, key, value)
    return show_settings(call)


ROUTES = [
    ('GET', '/faults', list_faults), ('POST', '/faults', add_fault), ('DELETE', '/faults', clear_faults),
    ('DELETE', '/faults/{id}', remove_fault),
    ('GET', '/inventory', show_inventory), ('GET', '/inventory/{kind}', show_rows),
    ('GET', '/requests', list_requests), ('DELETE', '/requests', clear_requests),
    ('GET', '/guests', list_guests),
    ('GET', '/settings', show_settings), ('POST', '/settings', change_settings),
]
SERVICE = Service('sim', '/__sim__', ROUTES, render_fault,
                  public=[f'{method} {path}' for method, path, _ in ROUTES])
