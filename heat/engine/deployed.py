"""What servers say of their deployments, taken in.

Purpose: a signal or a direct change becomes the deployment's new state and, for
the resource that waits for it, a pending signal. Invariant: both in the caller's
transaction; the first word on a deployment in progress counts and no other.
Neighbours: ``hearing`` takes signals to resources, ``software`` those to
deployments; ``carry`` applies what is passed on.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from heat.db import resources, software
from heat.db.secrets import Cipher
from heat.engine.backlog import ENDLESS, Backlog
from heat.model.resource import Row
from heat.model.software import FAILED, IN_PROGRESS, SoftwareDeployment, Word, word_of
from heat.resources.types import PLUGINS

ALARM = ('previous', 'current', 'reason')


def take(conn: Connection, deployment: SoftwareDeployment, details: Mapping[str, Any] | None, crypt: Cipher,
         now: datetime.datetime) -> Word | None:
    """Write what ``details`` make of the deployment; None if it is not in progress."""
    if deployment.status != IN_PROGRESS:
        return None
    word = word_of(deployment, software.load_config(conn, deployment.config_id, None, crypt), details)
    hit = software.update_deployment(
        conn, deployment.id, crypt, only_if_status=IN_PROGRESS, status=word.status,
        status_reason=word.reason, output_values=word.outputs, updated_at=now)
    return word if hit else None


def answer(conn: Connection, row: Row, details: Mapping[str, Any] | None, crypt: Cipher,
           now: datetime.datetime, backlog: Backlog) -> None:
    """A signal to the resource ``row``; one that does not count leaves an event."""
    found = software.load_deployment(conn, row.physical_id, None, crypt) if row.physical_id else None
    word = take(conn, found, details, crypt, now) if found is not None else None
    told = {'event': told_of(details)} if word is None else {
        **word.to_wire(), 'event': f'Signal: {word.event}', 'config': found and found.config_id}
    backlog.add(conn, row.root_id, row.stack_id, row.name, {**told, 'row': row.uuid}, crypt, now)


def pass_on(conn: Connection, deployment_id: str, word: Word, crypt: Cipher, now: datetime.datetime,
            config_id: str | None = None, backlog: Backlog = ENDLESS) -> list[str]:
    """Have the resources that stand for the deployment know of its state; the roots of their trees.

    With ``config_id`` the word is on that configuration and no later one.
    """
    roots = []
    for row in resources.find_by_physical_id(conn, None, deployment_id, crypt):
        kind = PLUGINS.get(row.class_name)
        if kind is not None and kind.deploys:
            told = {**replace(word, event='').to_wire(), 'row': row.uuid, 'config': config_id}
            backlog.add(conn, row.root_id, row.stack_id, row.name, told, crypt, now)
            roots.append(row.root_id)
    return roots


def state_of(deployment: SoftwareDeployment) -> Word:
    return Word(str(deployment.status), str(deployment.status_reason or ''), deployment.output_values or {})


def gone(deployment_id: str) -> Word:
    """Somebody took a deployment away that a resource stands for."""
    return Word(FAILED, f'The deployment {deployment_id} was deleted', {})


def told_of(details: Mapping[str, Any] | None) -> str:
    """The event's reason for a signal that changed nothing."""
    if not details:
        return 'No signal details provided'
    if all(name in details for name in ALARM):
        return (f'alarm state changed from {details["previous"]} to {details["current"]} '
                f'({details["reason"]})')
    return 'Unknown'
