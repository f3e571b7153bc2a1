"""Who a stack's events are told to, as AWS's clients name it: a queue of the project, by an ARN.

Purpose: both directions between ``NotificationARNs`` and the sinks of an environment.
Invariant: pure; a queue of another project has no name here. Neighbours: the CloudFormation
front-end reads ARNs, ``engine.compiled`` and ``engine.described`` write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

ZAQAR = 'zaqar-queue'
_ARN = re.compile(r'arn:[^:]*:zaqar:[^:]*:([^:]*):([^:]{1,64})')


def arn_of(tenant: str, queue: str) -> str:
    return f'arn:openstack:zaqar::{tenant}:{queue}'


def arns_of(tenant: str, sinks: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the sinks of an environment are known by."""
    return [arn_of(tenant, sink['target']) for sink in sinks]


def sink_of(tenant: str, arn: str) -> dict[str, Any]:
    """The sink that an ARN stands for; ValueError if it names no queue of the project."""
    found = _ARN.fullmatch(arn)
    if found is None or found[1] not in ('', tenant):
        raise ValueError(f'"{arn}" names no queue of this project. Stacks tell their events to queues of the '
                         f'messaging service: {arn_of(tenant, "NAME")}.')
    return {'type': ZAQAR, 'target': found[2]}
