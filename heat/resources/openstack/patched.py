"""Services that take changes as a list of them: JSON Patch (RFC 6902).

Purpose: ``Patched`` is ``Rest`` in the dialect of bare metal and of container infrastructure: no
wrapping, ``uuid``, PATCH. Invariant: what is taken back is removed. Neighbours: ``magnum`` and
``ironic`` fill tables.
"""

from __future__ import annotations

from typing import Any

from heat.model.op import Call
from heat.resources.rest import Rest


class Patched(Rest):
    """A row of a collection that is changed by patches."""

    id_key, by_list = 'uuid', False
    update_method = 'PATCH'

    def put(self, changes: dict[str, Any], label: str = 'update') -> Call:
        patch = [{'op': 'remove', 'path': f'/{name}'} if value is None else
                 {'op': 'replace', 'path': f'/{name}', 'value': value} for name, value in changes.items()]
        return Call(self.service or '', 'PATCH', self.url(), patch, label=label)
