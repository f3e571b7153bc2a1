"""Identifiers: uuids, the short id in physical names, physical names, stack ARNs.

Purpose: one place where a name is made or taken apart. Invariant: the short id
is a pure function of a row's uuid, so a physical name can be found again after
a crash. Neighbours: used on every floor.
"""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from heat.common import errors

_NAMESPACE = uuid.UUID('b7a6f0a2-6c27-4b9e-9d7e-3f0c8d5f1a64')
STACK_NAME = re.compile(r'[a-zA-Z][a-zA-Z0-9_.-]{0,254}\Z')


def new_id() -> str:
    """A random uuid4 as 36 characters."""
    return str(uuid.uuid4())


def derived_id(*parts: str) -> str:
    """A uuid that follows from ``parts``: what is made again after a crash has the same one."""
    return str(uuid.uuid5(_NAMESPACE, ':'.join(parts)))


@lru_cache(1024)
def short_id(source: str) -> str:
    """12 lower-case base32 characters (60 bits) of the random part of a uuid4."""
    number = uuid.UUID(source).int
    # The six fixed bits of a uuid4 (version, variant) carry nothing.
    number = (number >> 80 << 76) | ((number >> 64 & 0xFFF) << 64) | (number & ((1 << 62) - 1))
    raw = (number >> 62 & ((1 << 60) - 1)) << 4
    return base64.b32encode(raw.to_bytes(8, 'big')).decode().lower()[:12]


def physical_name(stack_name: str, resource_name: str, row_uuid: str, limit: int = 255) -> str:
    """``<stack>-<resource>-<short id>``, shortened to ``limit`` characters.

    Over the limit the first two characters, a dash and the tail are kept.
    """
    name = f'{stack_name.rstrip("*")}-{resource_name}-{short_id(row_uuid)}'
    if len(name) <= limit:
        return name
    return f'{name[:2]}-{name[-(limit - 3):]}'


def check_stack_name(name: Any) -> str:
    """Return ``name``; raise StackValidationFailed when it breaks the naming rule."""
    if not isinstance(name, str) or not STACK_NAME.match(name):
        raise errors.StackValidationFailed(message=(
            f'Invalid stack name {name} must contain only alphanumeric or "_-." characters, '
            'must start with alpha and must be 255 characters or less.'))
    return name


@lru_cache(1024)
def _stack_path(tenant: str, name: str, stack_id: str) -> str:
    # Each row of a list of events links to the same stack.
    return f'/{quote(tenant, "")}/stacks/{quote(name, "")}/{quote(stack_id, "")}'


@dataclass(frozen=True, slots=True)
class StackId:
    """Who a stack is: tenant, name, id and an optional path (``/resources/x``...)."""

    tenant: str
    stack_name: str
    stack_id: str
    path: str = ''

    def to_wire(self) -> dict[str, str]:
        return {'tenant': self.tenant, 'stack_name': self.stack_name,
                'stack_id': self.stack_id, 'path': self.path}

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> StackId:
        return cls(data['tenant'], data['stack_name'], str(data['stack_id']), data.get('path') or '')

    def arn(self) -> str:
        return f'arn:openstack:heat::{quote(self.tenant, "")}:{self.url_path()[1:].split("/", 1)[1]}'

    def url_path(self) -> str:
        """``/<tenant>/stacks/<name>/<id><path>``, percent-encoded."""
        path = quote(self.path) if self.path else ''
        return _stack_path(self.tenant, self.stack_name, self.stack_id) + path

    def resource(self, name: str) -> StackId:
        return StackId(self.tenant, self.stack_name, self.stack_id,
                       f'/resources/{name.replace("%", "%25").replace("/", "%2F")}')

    def event(self, resource_name: str, event_id: str) -> StackId:
        inner = self.resource(resource_name)
        return StackId(self.tenant, self.stack_name, self.stack_id, f'{inner.path}/events/{event_id}')

    @classmethod
    def from_arn(cls, arn: str) -> StackId:
        """Parse ``arn:openstack:heat::<tenant>:stacks/<name>/<id>[path]``; ValueError if it isn't."""
        head, sep, rest = arn.partition(':stacks/')
        fields = head.split(':')
        if not sep or len(fields) != 5 or fields[:4] != ['arn', 'openstack', 'heat', '']:
            raise ValueError(f'"{arn}" is not a valid ARN')
        parts = rest.split('/', 2)
        if len(parts) < 2:
            raise ValueError(f'"{arn}" is not a valid ARN')
        path = f'/{unquote(parts[2])}' if len(parts) > 2 else ''
        return cls(unquote(fields[4]), unquote(parts[0]), unquote(parts[1]), path)
