"""Secrets of the key manager, as dynamic references of templates name them.

Purpose: ``secret_text`` gives the payload behind a name or an id. Invariant: the text is
for the one call that needs it; it is neither kept nor logged here. Neighbours:
``performer`` asks for a step; ``template.dynamic`` reads references.
"""

from __future__ import annotations

import json
import re
from typing import Any

from heat.clouds import rest
from heat.clouds.session import Connection
from heat.model import op

SERVICE = 'key-manager'
_ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z', re.IGNORECASE)
CURRENT = 'AWSCURRENT'


def secret_text(connection: Connection, wanted: op.Resolve, request_id: str = '') -> str:
    """The secret's text, or the value of its member ``wanted.member`` if it is a JSON object.

    Raises CloudFault, with a sentence that names the secret and never shows it.
    """
    if wanted.version or (wanted.stage or CURRENT) != CURRENT:
        raise _fault(400, f'The secret {wanted.key} has one version only; '
                          f'the stage {wanted.stage or wanted.version} is not supported.')
    found = _id_of(connection, _name_of(wanted.key), request_id)
    text = rest.perform(connection, op.Call(
        SERVICE, 'GET', f'/secrets/{found}/payload', headers={'Accept': 'text/plain'}), request_id)
    # The answer of a payload that happens to be JSON has been read already.
    held = text if not isinstance(text, str) else _json(text)
    if wanted.member is None:
        return text if isinstance(text, str) else json.dumps(text)
    if not isinstance(held, dict) or wanted.member not in held:
        raise _fault(404, f'The secret {wanted.key} is no JSON object with the key {wanted.member}.')
    value = held[wanted.member]
    return value if isinstance(value, str) else json.dumps(value)


def _name_of(key: str) -> str:
    """The name inside an ARN (``arn:...:secret:NAME``), any other key as it is."""
    return key.rpartition(':secret:')[2] if key.startswith('arn:') else key


def _id_of(connection: Connection, name: str, request_id: str) -> str:
    if _ID.match(name):
        return name
    listed = rest.perform(connection, op.Call(
        SERVICE, 'GET', '/secrets', query={'name': name, 'limit': 2}, unwrap='secrets'), request_id)
    if not listed:
        raise _fault(404, f'There is no secret {name}.')
    if len(listed) > 1:
        raise _fault(409, f'There are several secrets with the name {name}; name one by its id.')
    return str(listed[0]['secret_ref']).rstrip('/').rpartition('/')[2]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _fault(status: int, sentence: str) -> op.CloudFault:
    return op.CloudFault(status, sentence, SERVICE, kind='SecretNotResolved')
