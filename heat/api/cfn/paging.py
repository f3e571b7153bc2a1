"""NextToken: where the next page begins.

Purpose: an opaque text for the client, a marker for us. Invariant: a token works
only with the request it was given for; anything else is a ValidationError, never
the first page again. Neighbours: ``stacks`` and ``resources``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from heat.api.cfn.faults import refused


def token(request: Any, marker: str) -> str:
    """The token behind which ``marker`` is the last thing already told for ``request``."""
    return base64.urlsafe_b64encode(json.dumps([_digest(request), marker]).encode()).decode()


def marker(request: Any, given: str | None) -> str | None:
    """The marker in a token, None without one. Fault for a foreign one."""
    if not given:
        return None
    try:
        digest, found = json.loads(base64.urlsafe_b64decode(given.encode()))
    except (ValueError, TypeError) as error:
        raise refused('NextToken is not valid.') from error
    if digest != _digest(request) or not isinstance(found, str):
        raise refused('NextToken belongs to another request.')
    return found


def _digest(request: Any) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
