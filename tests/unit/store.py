"""What the tests of the database share: a migrated database, and stacks and rows to put into it."""

from __future__ import annotations

import datetime

from sqlalchemy.engine import Engine

from heat.common.crypt import Crypt
from heat.common.ids import new_id
from heat.db import connect, listing, stacks, templates
from heat.db.listing import Selection
from heat.model.event import Event
from heat.model.resource import Row
from heat.model.stack import Stack

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0)
CRYPT = Crypt(['a key of this test'])
TREE = {'heat_template_version': '2018-08-31', 'parameters': {'pw': {'type': 'string', 'hidden': True}},
        'resources': {'z': {'type': 'OS::Heat::None'}, 'a': {'type': 'OS::Heat::None'}}}


def later(seconds: int) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def put_stack(engine: Engine, name: str = 's', tenant: str = 't', seconds: int = 0,
              **fields: object) -> Stack:
    stack_id = new_id()
    with connect.write(engine) as conn:
        number = templates.store_template(conn, TREE, {}, {}, tenant, NOW)
        value = Stack(**{'id': stack_id, 'name': name, 'tenant': tenant, 'root_id': stack_id,  # type: ignore[arg-type]
                         'template_id': number, 'created_at': later(seconds), **fields})
        stacks.insert_stack(conn, value)
    return value


def make_row(stack: Stack, name: str = 'r', **fields: object) -> Row:
    return Row(**{'uuid': new_id(), 'stack_id': stack.id, 'root_id': stack.root_id,  # type: ignore[arg-type]
                  'name': name, 'type': 'OS::Heat::None', **fields})


def names(engine: Engine, wanted: Selection, **page: object) -> list[str]:
    with connect.read(engine) as conn:
        return [s.name for s in listing.list_stacks(conn, wanted, **page)]  # type: ignore[arg-type]



def event_of(stack: Stack, i: int, **fields: object) -> Event:
    return Event(**{'stack_id': stack.id, 'root_id': stack.root_id, 'resource_name': f'r{i}',  # type: ignore[arg-type]
                    'resource_type': 'OS::Heat::None', 'action': 'CREATE',
                    'status': 'COMPLETE' if i % 2 else 'FAILED', 'reason': 'done', **fields})
