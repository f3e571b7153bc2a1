"""Image v2 (Glance): what servers boot from.

Purpose: list and show images, delete the snapshots that compute makes.
Invariant: public images are everybody's, private ones the owner's. Neighbours:
``seed`` plants the first, ``compute_actions.create_image`` adds.
"""

from __future__ import annotations

from heat.simcloud.routing import Call, Fault, Reply, Row, Service, page


def render_fault(fault: Fault) -> str:
    """Image answers errors as HTML, unlike the others."""
    return (
        f'<html><head><title>{fault.status}</title></head><body><h1>{fault.status}</h1>'
        f'{fault.message}<br /><br /></body></html>'
    )


def versions(call: Call) -> Reply:
    return Reply(
        300,
        {
            'versions': [
                {
                    'id': f'v2.{minor}',
                    'status': 'CURRENT' if minor == 9 else 'SUPPORTED',
                    'links': [{'rel': 'self', 'href': call.url('/v2/')}],
                }
                for minor in (9, 7, 5, 3, 2, 1, 0)
            ]
        },
    )


def shown(row: Row) -> Row:
    body = {key: value for key, value in row.items() if key != 'properties'}
    body.update(
        row['properties'],
        container_format='bare',
        disk_format='qcow2',
        protected=False,
        os_hidden=False,
        checksum=None,
        file=f'/v2/images/{row["id"]}/file',
        self=f'/v2/images/{row["id"]}',
        schema='/v2/schemas/image',
    )
    return body


def visible(call: Call, row: Row) -> bool:
    return call.admin or row['visibility'] in ('public', 'community') or row['owner'] == call.project


def list_images(call: Call) -> Reply:
    rows = [row for row in call.inv.images.all() if visible(call, row)]
    for key in ('name', 'status', 'visibility', 'owner', 'id'):
        if key in call.query:
            values = call.query[key].removeprefix('in:').split(',')
            rows = [row for row in rows if row[key] in values]
    for tag in call.query.getall('tag'):
        rows = [row for row in rows if tag in row['tags']]
    rows, marker = page(call, rows, newest_first=True)
    answer: Row = {
        'images': [shown(row) for row in rows],
        'first': '/v2/images',
        'schema': '/v2/schemas/images',
    }
    if marker:
        answer['next'] = f'/v2/images?marker={marker}&limit={len(rows)}'
    return Reply(200, answer)


def own(call: Call) -> Row:
    row = call.inv.images.get(call.args['id'])
    if row is None or not visible(call, row):
        raise Fault(404, f'No image found with ID {call.args["id"]}')
    return row


def get_image(call: Call) -> Reply:
    return Reply(200, shown(own(call)))


def delete_image(call: Call) -> Reply:
    row = own(call)
    if not call.admin and row['owner'] != call.project:
        raise Fault(403, 'You are not authorized to complete delete_image action.')
    call.inv.images.drop(row['id'])
    return Reply(204)


ROUTES = [
    ('GET', '/', versions),
    ('GET', '/versions', versions),
    ('GET', '/v2/images', list_images),
    ('GET', '/v2/images/{id}', get_image),
    ('DELETE', '/v2/images/{id}', delete_image),
]
SERVICE = Service('image', '/image', ROUTES, render_fault, public=('GET /', 'GET /versions'))
