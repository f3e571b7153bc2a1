"""The files of a stack that its user has put into a container of the object store.

Purpose: ``files_container`` of the native API: names and contents of its objects join the
files of the request. Invariant: read as the user who asks, bounded by what a request may
bring; a file in the request comes before the object of its name. Neighbours: ``intake``
and ``templates`` compile what comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from heat.clouds import rest
from heat.clouds.credential import Credential
from heat.clouds.session import Connection, Sessions
from heat.common import errors
from heat.common.context import RequestContext
from heat.model.op import Call, CloudFault

STORE = 'object-store'
# What the object store lists at once.
MOST = 10_000


def with_container(sessions: Sessions | None, context: RequestContext, files: Mapping[str, str] | None,
                   container: str | None, room: int) -> Mapping[str, str] | None:
    """``files`` and the objects of ``container``, of at most ``room`` bytes together.

    Raises StackValidationFailed with what the object store says, RequestLimitExceeded.
    """
    if not container:
        return files
    if sessions is None:
        raise errors.StackValidationFailed(message=f'No object store has the container "{container}".')
    given = dict(files or {})
    try:
        connection = sessions.for_credential(Credential.of_request(context))
        return {**_objects(connection, container, set(given), room), **given}
    except CloudFault as fault:
        raise errors.StackValidationFailed(
            message=f'The files in the container "{container}" cannot be read: {fault.text()}') from fault


def _objects(connection: Connection, container: str, without: set[str], room: int) -> dict[str, str]:
    path, found = f'/{quote(container, safe="")}', {}
    listed = rest.perform(connection, Call(STORE, 'GET', path, query={'format': 'json'}))
    names = [one['name'] for one in listed or () if 'name' in one]
    if len(names) >= MOST or sum(one.get('bytes') or 0 for one in listed or ()) > room:
        raise errors.RequestLimitExceeded(message=(
            f'The files in the container "{container}" are {MOST} or more, or larger than {room} bytes '
            'together.'))
    for name in names:
        if name not in without:
            answer = connection.request(STORE, 'GET', f'{path}/{quote(name)}', headers={'Accept': '*/*'})
            if answer.status_code >= 300:
                raise rest.fault(STORE, answer)
            try:
                found[name] = answer.content.decode('utf-8')
            except UnicodeDecodeError:
                raise errors.StackValidationFailed(
                    message=f'The object "{name}" in the container "{container}" is not a text.') from None
    return found
