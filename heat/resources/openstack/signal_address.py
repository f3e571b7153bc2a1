"""At which address another service signals a resource of a stack.

Purpose: what a template names (a resource, or an address at which it is signalled with
a token) as an address that Aodh or Zaqar can call. Invariant: for a resource of the
same stack it is the signed one, where there is one: a trust for the other service is
nothing that Keystone lets anybody make who comes with a trust, as a stack does.
Neighbours: ``aodh`` and ``zaqar`` send it; ``heat.scaling_policy`` signs addresses.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from heat.model.op import CloudFault, ReadRow, StepFailed
from heat.resources.base import Resource, Steps

TRUST = 'trust+'


def address(caller: Resource, action: str) -> Steps:
    """``action`` as it is called: an address as it stands, unless it is one of this service."""
    name = _resource_in(caller, action) if '://' in action else action
    row = None if name is None else (yield ReadRow(name, named=True))
    if row is not None and '/signal/' in str(row.data.get('signed_url')):
        return row.data['signed_url']
    if '://' not in action:
        native = None if row is None else row.data.get('signal_url')
        if native is None:
            raise StepFailed(f'Resource {action}, which resource {caller.name} is to signal, has no address.')
        action = native
    base = caller.around.urls.get('signal')
    if base and action.startswith(f'{base.rstrip("/")}/'):
        # Nobody signals there without a token.
        return f'{TRUST}{action}'
    return action


def _resource_in(caller: Resource, action: str) -> str | None:
    """The resource of the caller's own stack that is signalled at this address of ours."""
    base = caller.around.urls.get('signal')
    url = action.removeprefix(TRUST)
    if not base or not url.startswith(f'{base.rstrip("/")}/'):
        return None
    path, _, verb = urlsplit(url).path.rpartition('/')
    name = unquote(path.rpartition('/')[2])
    own = caller.around.stack.resource(name).url_path()
    return name if verb == 'signal' and path.endswith(own) else None


def told(fault: CloudFault, thing: str = f'what begins with {TRUST}') -> CloudFault:
    """The refusal of a trust for ``thing``, with what may be done about it."""
    if fault.status not in (401, 403, 500, 503):
        return fault
    text = (f'{fault.message} The {fault.service} service makes a trust for {thing}, which '
            'Keystone allows a stack only where heat.conf has allow_trusts_redelegation.')
    return CloudFault(fault.status, text, fault.service, fault.request_id, fault.kind)
