"""Samples of metrics, and statistics of them.

Purpose: keep what was measured for fifteen days and add it up by windows of time,
in the server. Invariant: a metric belongs to a project; its hash names it, project
included, so that nobody's samples are read by another. Neighbours: ``watches`` has
the rules, ``engine.metrics`` takes samples in, ``engine.watcher`` reads them.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import bulk, leases
from heat.db.columns import content_hash, dump
from heat.db.schema import stack, watch_data, watch_metric
from heat.model.watch import Metric, Sample, Statistics

KEPT = 15 * 86_400.0
# A metric's row is not written for each sample.
_FRESH = 300.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A metric as it is stored; ``number`` grows with its age in the table."""

    number: int
    metric: Metric


class TooManyMetrics(Exception):
    """The project may have no more metrics."""


def hash_of(tenant: str, metric: Metric) -> str:
    return content_hash(dump([tenant, metric.namespace, metric.name,
                              [list(pair) for pair in metric.dimensions]]))


def owner_of(conn: Connection, tenant: str) -> str:
    """The project whose metrics are meant: that of the stack, for users that live inside one."""
    found = conn.execute(sa.select(stack.c.tenant).where(
        stack.c.stack_user_project_id == tenant, stack.c.deleted_at.is_(None)).limit(1)).scalar()
    return tenant if found is None else str(found)


def add(conn: Connection, tenant: str, samples: Sequence[Sample], now: datetime.datetime, at: float,
        most: int) -> None:
    """Keep samples. TooManyMetrics if the project would have more than ``most`` metrics."""
    metrics = {hash_of(tenant, one.metric): one.metric for one in samples}
    known = _numbers(conn, metrics)
    new = [key for key in metrics if key not in known]
    if new:
        have = conn.execute(sa.select(sa.func.count()).select_from(watch_metric).where(
            watch_metric.c.tenant == tenant)).scalar_one()
        if have + len(new) > most:
            raise TooManyMetrics
        # What is kept is to be cleared away some day.
        leases.offer(conn, leases.WATCHES)
        bulk.insert_missing(conn, watch_metric, [
            {'hash': key, 'tenant': tenant, 'namespace': metrics[key].namespace, 'name': metrics[key].name,
             'dimensions': [list(pair) for pair in metrics[key].dimensions], 'last_at': at} for key in new])
        known |= _numbers(conn, new)
    for chunk in bulk.chunks(sorted(known.values())):
        conn.execute(sa.update(watch_metric).where(
            watch_metric.c.id.in_(chunk), watch_metric.c.last_at < at - _FRESH).values(last_at=at))
    bulk.insert(conn, watch_data, [
        {'metric_id': known[hash_of(tenant, one.metric)], 'at': one.at, 'unit': one.unit,
         'samples': one.statistics.count, 'total': one.statistics.total,
         'minimum': one.statistics.minimum, 'maximum': one.statistics.maximum, 'created_at': now}
        for one in samples])


def _numbers(conn: Connection, hashes: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in bulk.chunks(sorted(hashes)):
        found |= dict(conn.execute(sa.select(watch_metric.c.hash, watch_metric.c.id).where(
            watch_metric.c.hash.in_(chunk))).tuples().all())
    return found


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured in window number ``window`` of a metric."""

    metric_hash: str
    unit: str
    window: int
    statistics: Statistics


def windows(conn: Connection, hashes: Collection[str], start: float, period: int, count: int,
            unit: str | None = None) -> Iterator[Point]:
    """Statistics of ``count`` windows of ``period`` seconds from ``start`` on; none where no samples are."""
    number: Any = (watch_data.c.at - start) / period
    # Only SQLite has no floor(), and cuts off there.
    number = sa.cast(number, sa.Integer) if conn.dialect.name == 'sqlite' else sa.func.floor(number)
    for chunk in bulk.chunks(sorted(hashes)):
        query = sa.select(
            watch_metric.c.hash, watch_data.c.unit, number.label('n'), sa.func.sum(watch_data.c.samples),
            sa.func.sum(watch_data.c.total), sa.func.min(watch_data.c.minimum),
            sa.func.max(watch_data.c.maximum)).select_from(
            watch_data.join(watch_metric, watch_metric.c.id == watch_data.c.metric_id)).where(
            watch_metric.c.hash.in_(chunk), watch_data.c.at >= start,
            watch_data.c.at < start + period * count)
        if unit is not None:
            query = query.where(watch_data.c.unit == unit)
        for key, of, at, *numbers in conn.execute(query.group_by(
                watch_metric.c.hash, watch_data.c.unit, sa.text('n')).order_by(sa.text('n'))):
            yield Point(key, of, int(at), Statistics(*numbers))


def latest(conn: Connection, tenant: str, namespace: str | None, name: str | None,
           limit: int) -> list[Sample]:
    """The newest samples of a project, newest first."""
    query = sa.select(watch_metric, watch_data).select_from(
        watch_data.join(watch_metric, watch_metric.c.id == watch_data.c.metric_id)).where(
        watch_metric.c.tenant == tenant)
    rows = conn.execute(_filtered(query, namespace, name).order_by(watch_data.c.id.desc()).limit(limit))
    return [Sample(_metric(row), row['at'], Statistics(
        row['samples'], row['total'], row['minimum'], row['maximum']), row['unit'])
        for row in rows.mappings()]


def list_metrics(conn: Connection, tenant: str, namespace: str | None, name: str | None,
                 since: float | None, after: int, limit: int) -> list[Kept]:
    """The metrics of a project, the oldest first, beyond number ``after``."""
    query = sa.select(watch_metric).where(watch_metric.c.tenant == tenant, watch_metric.c.id > after)
    if since is not None:
        query = query.where(watch_metric.c.last_at >= since)
    rows = conn.execute(_filtered(query, namespace, name).order_by(watch_metric.c.id).limit(limit))
    return [Kept(row['id'], _metric(row)) for row in rows.mappings()]


def _filtered(query: sa.Select[Any], namespace: str | None, name: str | None) -> sa.Select[Any]:
    if namespace is not None:
        query = query.where(watch_metric.c.namespace == namespace)
    return query if name is None else query.where(watch_metric.c.name == name)


def _metric(row: Any) -> Metric:
    return Metric(row['namespace'], row['name'],
                  tuple((pair[0], pair[1]) for pair in row['dimensions'] or ()))


def purge(conn: Connection, now: float, limit: int = 5000) -> bool:
    """Remove samples older than they are kept, and metrics without any; True if there are more."""
    before = now - KEPT
    old = list(conn.execute(sa.select(watch_data.c.id).where(
        watch_data.c.at < before).limit(limit)).scalars())
    for chunk in bulk.chunks(old):
        conn.execute(sa.delete(watch_data).where(watch_data.c.id.in_(chunk)))
    # A sample may say that it is younger than the moment it came.
    idle = list(conn.execute(sa.select(watch_metric.c.id).where(
        watch_metric.c.last_at < before - _FRESH, ~sa.exists().where(
            watch_data.c.metric_id == watch_metric.c.id)).limit(limit)).scalars())
    for chunk in bulk.chunks(idle):
        conn.execute(sa.delete(watch_metric).where(watch_metric.c.id.in_(chunk)))
    return max(len(old), len(idle)) == limit
