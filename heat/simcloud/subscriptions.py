"""Who is told what is put into a queue, and signatures with which it may be used.

Purpose: the part of messaging v2 (Zaqar) beside messages. Invariant: a queue has no two
subscriptions with one subscriber; a subscription ends with its time or its queue, and
nobody is told anything. Neighbours: ``messaging`` mounts the routes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row
from heat.simcloud.stamps import iso

PAGE, SHORTEST, DEFAULT_TTL, VALIDITY = 20, 60, 3600, 86400
SCHEMES = ('http', 'https', 'mailto', 'trust+http', 'trust+https')
PATHS = ('messages', 'subscriptions', 'claims')

Find = Callable[..., Row | None]


def of_queue(call: Call, queue: Row | None) -> list[Row]:
    """The subscriptions of a queue that have not ended."""
    found = []
    for row in call.inv.subscriptions.where('queue', queue['id']) if queue else ():
        if row['at'] + row['ttl'] <= call.now:
            call.inv.subscriptions.drop(row['id'])
        else:
            found.append(row)
    return found


def shown(call: Call, row: Row) -> Row:
    return {'id': row['id'], 'source': call.args['queue'], 'subscriber': row['subscriber'],
            'ttl': row['ttl'], 'age': int(call.now - row['at']), 'options': row['options'],
            'confirmed': True}


def checked(wanted: Row) -> Row:
    """Fault 400 unless the members that are given make sense."""
    subscriber, ttl = wanted.get('subscriber', 'http:'), wanted.get('ttl', DEFAULT_TTL)
    if str(subscriber).partition(':')[0] not in SCHEMES:
        raise Fault(400, f'The subscriber type of subscription must be supported in the list {SCHEMES}.')
    if not isinstance(ttl, int) or ttl < SHORTEST:
        raise Fault(400, f'The TTL seconds for a subscription may not be less than {SHORTEST}.')
    if not isinstance(wanted.get('options', {}), dict):
        raise Fault(400, 'Options must be a dict.')
    return {name: wanted[name] for name in ('subscriber', 'ttl', 'options') if name in wanted}


def conflict(call: Call, queue: Row | None, subscriber: Any) -> None:
    if any(row['subscriber'] == subscriber for row in of_queue(call, queue)):
        raise Fault(409, 'Such subscription already exists. Subscriptions are unique by project + queue + '
                         'subscriber URI.')


def routes(queue: str, find: Find) -> list[tuple[str, str, Any]]:
    """``find(call, make=False)`` gives the queue of a call."""
    def own(call: Call) -> Row:
        row = next((one for one in of_queue(call, find(call)) if one['id'] == call.args['id']), None)
        if row is None:
            raise Fault(404, f'Subscription {call.args["id"]} is not found.')
        return row

    def create(call: Call) -> Reply:
        wanted = call.json()
        if not wanted.get('subscriber'):
            raise Fault(400, 'Missing parameter subscriber in body.')
        wanted = checked(wanted)
        into = find(call, make=True)
        conflict(call, into, wanted['subscriber'])
        assert into is not None
        row = call.inv.subscriptions.put({
            'ttl': DEFAULT_TTL, 'options': {}, **wanted, 'id': ids.new_id(), 'queue': into['id'],
            'project_id': call.project, 'at': call.now})
        return Reply(201, {'subscription_id': row['id']})

    def listing(call: Call) -> Reply:
        rows = [shown(call, row) for row in of_queue(call, find(call))]
        limit = min(int(call.query.get('limit', 10)), PAGE)
        return Reply(200, {'subscriptions': rows[:limit], 'links': []})

    def show(call: Call) -> Reply:
        return Reply(200, shown(call, own(call)))

    def change(call: Call) -> Reply:
        row, wanted = own(call), checked(call.json())
        if 'subscriber' in wanted:
            # Its own is no exception.
            conflict(call, find(call), wanted['subscriber'])
        row.update(wanted, at=call.now)
        call.inv.subscriptions.put(row)
        return Reply(204)

    def delete(call: Call) -> Reply:
        find(call)
        call.inv.subscriptions.drop(call.args['id'])
        return Reply(204)

    def share(call: Call) -> Reply:
        find(call)
        wanted = call.json()
        paths, methods = wanted.get('paths') or ['messages'], wanted.get('methods') or ['GET']
        if not set(paths) <= set(PATHS):
            raise Fault(400, f'Only these paths may be signed for: {", ".join(PATHS)}.')
        signed = {'project': call.project, 'methods': sorted(methods),
                  'paths': [f'/v2/queues/{call.args["queue"]}/{path}' for path in paths],
                  'expires': wanted.get('expires') or iso(call.now + VALIDITY).removesuffix('Z')}
        digest = hashlib.sha256(repr(sorted(signed.items())).encode()).hexdigest()
        return Reply(200, {**signed, 'signature': digest})

    subscriptions = f'{queue}/subscriptions'
    return [('POST', f'{queue}/share', share), ('GET', subscriptions, listing),
            ('POST', subscriptions, create), ('GET', f'{subscriptions}/{{id}}', show),
            ('PATCH', f'{subscriptions}/{{id}}', change), ('DELETE', f'{subscriptions}/{{id}}', delete)]
