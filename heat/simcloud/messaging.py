"""Messaging v2 (Zaqar): queues of a project and the messages in them.

Purpose: what guests are told by and answer by. Invariant: a queue is there once
it was named, by a message too; a message is given out by age until it is deleted,
popped or too old; who does not say which client it is gets nothing.
Neighbours: ``inventory`` keeps the rows; ``subscriptions`` has who is told of them.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from heat.common import ids
from heat.simcloud import subscriptions
from heat.simcloud.routing import Call, Fault, Reply, Row, Service

PAGE, DEFAULT_TTL, LONGEST_TTL, NAME_LIMIT = 20, 3600, 1209600, 64
# What each queue has; taken away, it is as it was.
SETTINGS = {'_max_messages_post_size': 262144, '_default_message_ttl': DEFAULT_TTL}


def render_fault(fault: Fault) -> Row:
    return {'title': fault.kind or 'Invalid API request', 'description': fault.message}


def client(call: Call) -> str:
    """Which client asks; Fault 400."""
    text = call.request.headers.get('Client-ID', '')
    try:
        return str(UUID(text))
    except ValueError:
        raise Fault(400, 'The header X-PROJECT-ID or Client-ID was missing or is no UUID.') from None


def queue_of(call: Call, make: bool = False) -> Row | None:
    client(call)
    name = call.args['queue']
    key = f'{call.project}/{name}'
    row = call.inv.queues.get(key)
    if row is None and make:
        if len(name) > NAME_LIMIT:
            raise Fault(400, f'Queue names may not be more than {NAME_LIMIT} characters long.')
        row = call.inv.queues.put({'id': key, 'name': name, 'project_id': call.project, 'metadata': {}})
    return row


def messages(call: Call, queue: Row | None) -> list[Row]:
    """Those that are not too old, oldest first."""
    found = []
    for row in call.inv.messages.where('queue', queue['id']) if queue else ():
        if row['at'] + row['ttl'] <= call.now:
            call.inv.messages.drop(row['id'])
        else:
            found.append(row)
    return found


def shown(call: Call, row: Row) -> Row:
    return {'id': row['id'], 'href': f'/v2/queues/{call.args["queue"]}/messages/{row["id"]}',
            'ttl': row['ttl'], 'age': int(call.now - row['at']), 'body': row['_body'], 'claim_count': 0}


def put_queue(call: Call) -> Reply:
    if queue_of(call) is not None:
        # One that is there stays as it is.
        return Reply(204)
    row, wanted = queue_of(call, make=True), call.json()
    assert row is not None
    call.inv.queues.put({**row, 'metadata': wanted if isinstance(wanted, dict) else {}})
    return Reply(201)


def list_queues(call: Call) -> Reply:
    client(call)
    names = [row['name'] for row in call.inv.queues.where('project_id', call.project)]
    return Reply(200, {'queues': [{'name': name, 'href': f'/v2/queues/{name}'} for name in names],
                       'links': []})


def show_queue(call: Call) -> Reply:
    row = queue_of(call)
    return Reply(200, {**SETTINGS, **(row['metadata'] if row else {})})


def change_queue(call: Call) -> Reply:
    """A JSON patch of the metadata; Fault 400, or 409 for what is not there to be removed."""
    row, changes = queue_of(call), call.json()
    if row is None:
        raise Fault(404, f'Queue {call.args["queue"]} does not exist.')
    metadata = dict(row['metadata'])
    for one in changes if isinstance(changes, list) else [{}]:
        head, _, key = str(one.get('path', '')).removeprefix('/').partition('/')
        key = key.replace('~1', '/').replace('~0', '~')
        if one.get('op') not in ('add', 'replace', 'remove') or head != 'metadata' or not key:
            raise Fault(400, f'This is no change of a queue: {one}')
        if one['op'] != 'add' and key not in {**SETTINGS, **metadata}:
            raise Fault(409, f"Can't {one['op']} non-existent object {key}.")
        if one['op'] == 'remove':
            metadata.pop(key, None)
        else:
            metadata[key] = one['value']
    call.inv.queues.put({**row, 'metadata': metadata})
    return Reply(200, metadata)


def delete_queue(call: Call) -> Reply:
    queue = queue_of(call)
    for row in messages(call, queue):
        call.inv.messages.drop(row['id'])
    for row in subscriptions.of_queue(call, queue):
        call.inv.subscriptions.drop(row['id'])
    if queue is not None:
        call.inv.queues.drop(queue['id'])
    return Reply(204)


def post_messages(call: Call) -> Reply:
    sender, wanted = client(call), call.json()
    given = wanted.get('messages') if isinstance(wanted, dict) else None
    if not isinstance(given, list) or not 0 < len(given) <= PAGE:
        raise Fault(400, f'The request should have from one to {PAGE} messages.')
    for one in given:
        ttl = one.get('ttl', DEFAULT_TTL)
        if 'body' not in one or not isinstance(ttl, int) or not 60 <= ttl <= LONGEST_TTL:
            raise Fault(400, f'A message has a body and lives between 60 and {LONGEST_TTL} seconds.')
    queue = queue_of(call, make=True)
    assert queue is not None
    made = [call.inv.messages.put({
        'id': ids.new_id(), 'queue': queue['id'], 'project_id': call.project, 'at': call.now,
        'ttl': one.get('ttl', DEFAULT_TTL), '_body': one['body'], '_client': sender}) for one in given]
    return Reply(201, {'resources': [shown(call, row)['href'] for row in made]})


def list_messages(call: Call) -> Reply:
    sender, echo = client(call), truth(call.query.get('echo'))
    found = [row for row in messages(call, queue_of(call)) if echo or row['_client'] != sender]
    limit = min(int(call.query.get('limit', 10)), PAGE)
    return Reply(200, {'messages': [shown(call, row) for row in found[:limit]], 'links': []})


def pop_messages(call: Call) -> Reply:
    count = call.query.get('pop', '')
    if not count.isdigit() or not 0 < int(count) <= PAGE:
        raise Fault(400, f'The request should have either "ids" or "pop", at most {PAGE}.')
    taken = messages(call, queue_of(call))[:int(count)]
    for row in taken:
        call.inv.messages.drop(row['id'])
    return Reply(200, {'messages': [shown(call, row) for row in taken]})


def delete_message(call: Call) -> Reply:
    queue_of(call)
    call.inv.messages.drop(call.args['id'])
    return Reply(204)


def truth(text: Any) -> bool:
    return str(text).lower() in ('true', '1', 'yes')


def routes(version: str) -> list[tuple[str, str, Any]]:
    queues = f'/{version}/queues'
    queue = f'{queues}/{{queue}}'
    return [
        ('GET', queues, list_queues), ('PUT', queue, put_queue), ('GET', queue, show_queue),
        ('DELETE', queue, delete_queue), ('POST', f'{queue}/messages', post_messages),
        ('GET', f'{queue}/messages', list_messages), ('DELETE', f'{queue}/messages', pop_messages),
        ('DELETE', f'{queue}/messages/{{id}}', delete_message)]


BESIDE = [('PATCH', '/v2/queues/{queue}', change_queue),
          *subscriptions.routes('/v2/queues/{queue}', queue_of)]


# heat-config-notify speaks the older one.
SERVICE = Service('messaging', '/messaging', [*routes('v1.1'), *routes('v2'), *BESIDE], render_fault)
