"""Actions on stack policies, and the policies that creations and updates bring.

Purpose: SetStackPolicy, GetStackPolicy; StackPolicyBody, StackPolicyURL and their kin of one
update. Invariant: the engine reads a policy before it keeps it; here it is a text. Neighbours:
``actions`` names these functions, ``stacks`` asks for the arguments of its wishes.
"""

from __future__ import annotations

from typing import Any

from heat.api.cfn import templates
from heat.api.cfn.faults import refused
from heat.api.cfn.query import Query
from heat.common import errors, fetch

KINDS = {'stack_policy': 'StackPolicy', 'stack_policy_during_update': 'StackPolicyDuringUpdate'}


def sent(query: Query, prefix: str) -> str | None:
    """The text of the policy that ``<prefix>Body`` or ``<prefix>URL`` is; None without either."""
    body, url = query.get(f'{prefix}Body'), query.get(f'{prefix}URL')
    if body and url:
        raise refused(f'You cannot specify both {prefix}Body and {prefix}URL')
    if body or not url:
        return None if body is None else str(body)
    try:
        return fetch.document(url, query.conf)
    except errors.RequestLimitExceeded as error:
        raise refused(f'{prefix}URL: {error}') from error
    except (OSError, ValueError) as error:
        raise refused(f'{prefix}URL: {templates.unread(error, "policy")}') from error


def args(query: Query) -> dict[str, Any]:
    """What a creation or update tells the engine of policies."""
    found = {name: sent(query, prefix) for name, prefix in KINDS.items()}
    return {name: text for name, text in found.items() if text is not None}


def set_policy(query: Query) -> None:
    """SetStackPolicy."""
    policy = sent(query, KINDS['stack_policy'])
    if policy is None:
        raise refused('You must specify either StackPolicyBody or StackPolicyURL')
    try:
        query.engine('set_stack_policy', stack_identity=query.stack, policy=policy)
    except errors.NotSupported as error:
        raise refused(str(error)) from error


def get_policy(query: Query) -> dict[str, Any]:
    """GetStackPolicy: the text as it was set, and nothing where none is."""
    return {'StackPolicyBody': query.engine('get_stack_policy', stack_identity=query.stack)}
