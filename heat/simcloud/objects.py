"""Object store v1 (Swift): containers, objects, temporary URLs, versions of objects.

Purpose: what templates put there and what guests signal by. Invariant: without a
token an object is reached only by a URL signed with the container's or the
account's key; with a versions location nothing that was written is lost.
Neighbours: ``server`` mounts it; identity gives the accounts, one per project.
"""

from __future__ import annotations

import hashlib
import hmac
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from heat.simcloud import tokens
from heat.simcloud.routing import Call, Fault, Reply, Row, Service

KEY, VERSIONS = 'X-{}-Meta-Temp-Url-Key', 'X-Versions-Location'
SHOWN = ('X-Container-Meta-', 'X-Container-Read', 'X-Container-Write')


def render_fault(fault: Fault) -> str:
    """The object store answers errors as HTML."""
    return f'<html><h1>{fault.status}</h1><p>{fault.message}</p></html>'


def account(call: Call) -> str:
    """The account's project; Fault 403 for anybody else's."""
    project = call.args['account'].removeprefix('AUTH_')
    if not call.admin and project != call.project:
        raise Fault(403, 'Access was denied to this resource.')
    return project


def row_of(call: Call, must: bool = True) -> Row:
    """The container of the request; Fault 404."""
    row = call.inv.containers.get(f'{call.args["account"]}/{unquote(call.args["container"])}')
    if row is None and must:
        raise Fault(404, 'The resource could not be found.')
    return row or {}


def settings(call: Call, row: Row) -> Row:
    """Put the headers of a request for a container into its row."""
    # Where versions are not allowed, their header is dropped without a word.
    versions = ((VERSIONS, 'versions'),) if call.cloud.settings.object_versions else ()
    for header, field in ((KEY.format('Container'), '_key'), *versions):
        if header in call.request.headers:
            row[field] = call.request.headers[header]
    if 'X-Remove-Versions-Location' in call.request.headers:
        row['versions'] = ''
    for header, value in call.request.headers.items():
        # An empty one takes it away.
        if header.startswith(SHOWN) and header != KEY.format('Container'):
            row['headers'] = {**row.get('headers', {}), header: value}
    return call.inv.containers.put(row)


def put_container(call: Call) -> Reply:
    project = account(call)
    row = row_of(call, must=False)
    known = bool(row)
    name = unquote(call.args['container'])
    settings(call, row or {'id': f'{call.args["account"]}/{name}', 'name': name, 'project_id': project,
                           '_key': '', 'versions': '', 'headers': {}})
    return Reply(202 if known else 201)


def post_container(call: Call) -> Reply:
    account(call)
    settings(call, row_of(call))
    return Reply(204)


def list_objects(call: Call) -> Reply:
    account(call)
    container = row_of(call)
    found = objects(call, container)
    prefix = call.query.get('prefix', '')
    headers = {name: value for name, value in (
        (KEY.format('Container'), container['_key']), (VERSIONS, container['versions']),
        *container.get('headers', {}).items()) if value}
    return Reply(200, [{'name': one['name'], 'bytes': len(one['_body']), 'hash': one['hash'],
                        'content_type': one['content_type'], 'last_modified': tokens.stamp(one['at'])[:-1]}
                       for one in found if one['name'].startswith(prefix)], headers)


def objects(call: Call, container: Row) -> list[Row]:
    return sorted(call.inv.objects.where('container', container['id']), key=lambda one: str(one['name']))


def delete_container(call: Call) -> Reply:
    account(call)
    row = row_of(call)
    if objects(call, row):
        raise Fault(409, 'There was a conflict when trying to complete your request.')
    call.inv.containers.drop(row['id'])
    return Reply(204)


def permitted(call: Call) -> Row:
    """The container, for who has a token of its project or a URL signed for this method."""
    row = row_of(call, must=False)
    signed = call.query.get('temp_url_sig')
    if signed is None:
        call.token = tokens.authenticate(call)
        account(call)
        return row_of(call)
    expires = call.query.get('temp_url_expires', '')
    path = call.request.path_info.removeprefix(SERVICE.prefix)
    # What may be read or written may be asked about.
    methods = ('GET', 'PUT', 'HEAD') if call.request.method == 'HEAD' else (call.request.method,)
    good = any(hmac.compare_digest(signed, hmac.new(
        str(row.get('_key', '')).encode(), f'{method}\n{expires}\n{path}'.encode(),
        hashlib.sha256).hexdigest()) for method in methods)
    if not row.get('_key') or not expires.isdigit() or int(expires) < call.now or not good:
        raise Fault(401, 'Temp URL invalid')
    return row


def name_of(call: Call) -> str:
    tail = f'/{call.args["version"]}' if 'version' in call.args else ''
    return unquote(call.args['object']) + tail


def put_object(call: Call) -> Reply:
    container, name = permitted(call), name_of(call)
    old = call.inv.objects.get(f'{container["id"]}/{name}')
    if old is not None and container['versions']:
        target = f'{call.args["account"]}/{container["versions"]}'
        kept = f'{len(name):03x}{name}/{old["at"]:016.5f}-{len(call.inv.objects)}'
        call.inv.objects.put({**old, 'id': f'{target}/{kept}', 'container': target, 'name': kept})
    body = call.request.body.decode('utf-8', 'surrogateescape')
    call.inv.objects.put({
        'id': f'{container["id"]}/{name}', 'container': container['id'], 'name': name, '_body': body,
        'project_id': container['project_id'], 'at': call.now,
        'content_type': call.request.content_type or 'application/octet-stream',
        'hash': hashlib.md5(call.request.body, usedforsecurity=False).hexdigest()})
    return Reply(201)


def get_object(call: Call) -> Reply:
    container, name = permitted(call), name_of(call)
    row = call.inv.objects.get(f'{container["id"]}/{name}')
    if row is None:
        raise Fault(404, 'The resource could not be found.')
    if call.request.headers.get('If-Match', row['hash']).strip('"') != row['hash']:
        raise Fault(412, 'A precondition for this request was not met.')
    return Reply(200, row['_body'], {'Last-Modified': formatdate(row['at'], usegmt=True)})


def delete_object(call: Call) -> Reply:
    account(call)
    key = f'{row_of(call)["id"]}/{name_of(call)}'
    if call.inv.objects.get(key) is None:
        raise Fault(404, 'The resource could not be found.')
    call.inv.objects.drop(key)
    return Reply(204)


CONTAINER, OBJECT = '/v1/{account}/{container}', '/v1/{account}/{container}/{object}'
ROUTES: list[tuple[str, str, Any]] = [
    ('PUT', CONTAINER, put_container),
    ('POST', CONTAINER, post_container),
    ('GET', CONTAINER, list_objects),
    ('DELETE', CONTAINER, delete_container),
    *((method, path, function) for path in (OBJECT, f'{OBJECT}/{{version}}') for method, function in (
        ('PUT', put_object), ('GET', get_object), ('DELETE', delete_object)))]
SERVICE = Service('object-store', '/object', ROUTES, render_fault, public=(
    f'PUT {OBJECT}', f'GET {OBJECT}', f'GET {OBJECT}/{{version}}'))
