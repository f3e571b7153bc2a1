"""What of stacks only CloudFormation's API tells, beside what every API does.

Purpose: marks, settings, drift, way back, last operation and exports of stacks that were
found. Invariant: a page of stacks costs a handful of SELECTs, however many they are; templates
are looked at for exports alone. Neighbours: ``reads`` answers with it, ``api.cfn.shapes`` shows it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.db import goals, sinks, stacks, templates
from heat.engine import render
from heat.engine.compiled import Compiled
from heat.model import topic
from heat.model.stack import Goal, Stack
from heat.plan.exports import export_names

Json = dict[str, Any]


def facts(conn: Connection, found: Sequence[Stack]) -> dict[str, Json]:
    """By id of the stack::

        {'generation', 'termination_protection', 'capabilities', 'notification_topics' (ARNs),
         'back_from' ('CREATE' | 'UPDATE'),
         'drift' {'status', 'checked_at'}, 'retain_except_on_create', 'operation' {'id', 'action'} or None,
         'parent_identity', 'root_identity' (None for a stack by itself)}

    """
    ids = [one.id for one in found]
    columns, wishes = stacks.extras_of(conn, ids), goals.latest_two(conn, ids)
    heard = sinks.among(conn, ids)
    near: dict[str, Stack] = {one.id: one for one in found}
    far = {of for one in found if one.owner_id for of in (one.owner_id, one.root_id)} - set(near)
    near |= {one.id: one for one in stacks.load_stacks(conn, sorted(far))}

    def identity(stack_id: str | None) -> Json | None:
        return near[stack_id].identity.to_wire() if stack_id in near else None

    return {one.id: {
        **_of_columns(columns.get(one.id, {})), **_of_goals(wishes.get(one.id, [])),
        'generation': one.goal_seq,
        'notification_topics': topic.arns_of(one.tenant, templates.event_sinks(
            conn, one.template_id)) if one.id in heard else [],
        # Only an update leaves a template behind to go back to.
        'back_from': 'CREATE' if one.prev_template_id is None else 'UPDATE',
        'parent_identity': identity(one.owner_id),
        'root_identity': identity(one.root_id) if one.owner_id else None} for one in found}


def _of_columns(columns: Mapping[str, Any]) -> Json:
    settings, drift = columns.get('settings') or {}, columns.get('drift') or {}
    at = drift.get('at')
    return {'termination_protection': bool(columns.get('termination_protection')),
            'capabilities': settings.get('capabilities') or [],
            'drift': {'status': drift.get('status') or 'NOT_CHECKED', 'checked_at': None if at is None else
                      render.moment(datetime.datetime.fromtimestamp(at, datetime.UTC))}}


def _of_goals(latest: Sequence[Goal]) -> Json:
    """``latest`` are the goal that counts and, if there was one, that before it."""
    if not latest:
        return {'operation': None, 'retain_except_on_create': False}
    first, last = latest[0], latest[-1]
    # A rollback that came by itself is a part of what was asked for.
    action = first.action if first.requested_by == last.requested_by else last.action
    return {'operation': {'id': operation(last.requested_by), 'action': str(action)} if last.requested_by
            else None, 'retain_except_on_create': bool(last.options.get('except_on_create'))}


def operation(request_id: str | None) -> str | None:
    """A request's id as events carry it."""
    return (request_id or '')[-36:] or None


def resolved(compiled: Compiled) -> dict[str, str]:
    """Parameter -> what the parameter store gave for the key that is its value."""
    parameters = compiled.parameters
    found = {name: parameters.resolved_text(name) for name in parameters.store_keys()}
    return {name: text for name, text in found.items() if text is not None}


def exported(compiled: Compiled) -> dict[str, str]:
    """Output -> name under which it is exported."""
    wanted = compiled.wanted()
    try:
        names = export_names(wanted.template, wanted.facts)
    except errors.StackValidationFailed:
        # What it imported is gone or not known yet; it exports nothing by now either.
        return {}
    return {output.name: name for name, output in names.items()}
