"""Engine processes that report being alive.

Purpose: the service list of operators. Invariant: a service is up while its last
report is younger than twice its interval; ownership never depends on it, that is
what leases are for. Neighbours: ``engine.service`` reports, heat-manage cleans.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db.schema import service


@dataclass(frozen=True, slots=True)
class Service:
    """``report_interval`` in seconds; times are UTC without zone."""

    id: str
    engine_id: str
    host: str
    hostname: str
    binary: str
    topic: str
    report_interval: int
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    deleted_at: datetime.datetime | None = None

    def status(self, now: datetime.datetime) -> str:
        """'up' or 'down'."""
        last = self.updated_at or self.created_at
        if self.deleted_at is not None or last is None:
            return 'down'
        return 'up' if (now - last).total_seconds() < 2 * self.report_interval else 'down'


def register(conn: Connection, value: Service, now: datetime.datetime) -> None:
    """Insert an engine that has just started."""
    conn.execute(sa.insert(service).values(
        id=value.id, engine_id=value.engine_id, host=value.host, hostname=value.hostname,
        binary=value.binary, topic=value.topic, report_interval=value.report_interval, created_at=now,
        updated_at=now))


def report(conn: Connection, service_id: str, now: datetime.datetime) -> int:
    """Say that it is alive; 0 if it is not registered (any more)."""
    return int(conn.execute(sa.update(service).where(service.c.id == service_id).values(
        updated_at=now, deleted_at=None)).rowcount)


def sign_off(conn: Connection, service_id: str, now: datetime.datetime) -> int:
    """Mark as ended in good order; the row stays until it is cleaned."""
    return int(conn.execute(sa.update(service).where(service.c.id == service_id).values(
        deleted_at=now)).rowcount)


def list_services(conn: Connection, deleted: bool = False) -> list[Service]:
    """All, oldest first; those that signed off only with ``deleted``."""
    query = sa.select(service).order_by(service.c.created_at, service.c.id)
    if not deleted:
        query = query.where(service.c.deleted_at.is_(None))
    return [Service(**row) for row in conn.execute(query).mappings()]


def clean(conn: Connection, now: datetime.datetime) -> int:
    """Delete those that are down; returns how many."""
    down = [(s.id, s.updated_at) for s in list_services(conn, deleted=True) if s.status(now) == 'down']
    deleted = 0
    for service_id, seen in down:
        # One that reported meanwhile stays.
        same = service.c.updated_at.is_(None) if seen is None else service.c.updated_at == seen
        deleted += conn.execute(sa.delete(service).where(service.c.id == service_id, same)).rowcount
    return deleted
