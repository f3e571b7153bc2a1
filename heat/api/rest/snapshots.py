"""Snapshots of a stack over REST.

Purpose: one function per route. Invariant: the answer of taking one is bare,
those of show and list are wrapped, as clients expect. Neighbours:
``api.rest.routes``.
"""

from __future__ import annotations

from typing import Any

from heat.api.dispatch import Call


def take(call: Call) -> Any:
    return call.engine('stack_snapshot', stack_identity=call.stack, name=call.body.get('name'))


def index(call: Call) -> dict[str, Any]:
    return {'snapshots': call.engine('stack_list_snapshots', stack_identity=call.stack)}


def show(call: Call) -> dict[str, Any]:
    return {'snapshot': call.engine('show_snapshot', stack_identity=call.stack,
                                    snapshot_id=call.path['snapshot_id'])}


def delete(call: Call) -> None:
    call.engine('delete_snapshot', stack_identity=call.stack, snapshot_id=call.path['snapshot_id'])


def restore(call: Call) -> None:
    call.engine('stack_restore', stack_identity=call.stack, snapshot_id=call.path['snapshot_id'])
