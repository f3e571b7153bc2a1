"""What exists in the simulated cloud: tables of rows, their indexes, their timers.

Purpose: hold every object as a plain JSON row, found by id or by an indexed
field, and move rows on when their time has come. Invariant: a row changes only
through ``put``/``drop``, so that indexes and the journal are always true; keys
that begin with ``_`` never leave the cloud. Neighbours: ``journal`` keeps it on
disk, the service modules read and write it.
"""

from __future__ import annotations

from typing import Any

from heat.common.clock import Timers
from heat.simcloud.routing import Row

INDEXES: dict[str, tuple[str, ...]] = {
    'domains': ('name',),
    'projects': ('domain_id', 'name'),
    'users': ('domain_id', 'name'),
    'roles': ('name',),
    'assignments': ('user_id', 'target_id', 'role_id'),
    'trusts': ('trustor_user_id', 'trustee_user_id'),
    'tokens': ('user_id', 'trust_id'),
    'credentials': ('user_id',),
    'application_credentials': ('user_id',),
    'flavors': (),
    'keypairs': ('user_id',),
    'servers': ('project_id',),
    'server_groups': ('project_id',),
    'guests': (),
    'networks': ('project_id',),
    'subnets': ('project_id', 'network_id'),
    'ports': ('project_id', 'network_id', 'device_id'),
    'routers': ('project_id',),
    'floatingips': ('project_id', 'port_id'),
    'security_groups': ('project_id',),
    'security_group_rules': ('project_id', 'security_group_id'),
    'volumes': ('project_id',),
    'snapshots': ('project_id', 'volume_id'),
    'backups': ('project_id', 'volume_id'),
    'volume_types': (),
    'attachments': ('project_id', 'volume_id', 'instance_uuid'),
    'images': ('owner',),
    'containers': ('project_id',),
    'objects': ('container',),
    'stacks': ('project_id',),
    'secrets': ('project_id',),
    'queues': ('project_id',),
    'messages': ('queue',),
    'subscriptions': ('queue',),
    'alarms': ('project_id',),
}


class Table:
    """Rows of one kind by id, in order of creation, with indexes on some fields."""

    def __init__(self, kind: str, indexes: tuple[str, ...], changed: dict[tuple[str, str], None]) -> None:
        self.kind = kind
        self.rows: dict[str, Row] = {}
        self._index: dict[str, dict[Any, dict[str, None]]] = {name: {} for name in indexes}
        self._filed: dict[str, dict[str, Any]] = {}
        self._changed = changed

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, row_id: Any) -> Row | None:
        return self.rows.get(row_id)

    def all(self) -> list[Row]:
        return list(self.rows.values())

    def where(self, field: str, value: Any) -> list[Row]:
        """Rows whose indexed ``field`` equals ``value``, in order of creation."""
        return [self.rows[key] for key in self._index[field].get(value, ())]

    def has_index(self, field: str) -> bool:
        return field in self._index

    def put(self, row: Row) -> Row:
        """Insert the row, or note that it changed."""
        key = row['id']
        self.rows[key] = row
        filed = self._filed.setdefault(key, {})
        for field, index in self._index.items():
            value = row.get(field)
            if field in filed:
                if filed[field] == value:
                    continue
                self._unfile(field, filed[field], key)
            index.setdefault(value, {})[key] = None
            filed[field] = value
        self._changed[(self.kind, key)] = None
        return row

    def drop(self, row_id: str) -> None:
        """Forget the row; nothing happens when it is not there."""
        if self.rows.pop(row_id, None) is None:
            return
        for field, value in self._filed.pop(row_id).items():
            self._unfile(field, value, row_id)
        self._changed[(self.kind, row_id)] = None

    def _unfile(self, field: str, value: Any, key: str) -> None:
        bucket = self._index[field][value]
        del bucket[key]
        if not bucket:
            del self._index[field][value]


class Inventory:
    """All tables, reached as attributes (``inventory.servers``), and the timers of their rows."""

    def __init__(self) -> None:
        self.changed: dict[tuple[str, str], None] = {}
        self.tables = {kind: Table(kind, indexes, self.changed) for kind, indexes in INDEXES.items()}
        self._timers = Timers()

    def __getattr__(self, kind: str) -> Table:
        try:
            return self.__dict__['tables'][kind]
        except KeyError:
            raise AttributeError(kind) from None

    def schedule(self, kind: str, row: Row, due: float, then: str) -> None:
        """Let ``row`` make the transition ``then`` at ``due`` (wall seconds), instead of any earlier plan."""
        row['_due'], row['_then'] = due, then
        self.tables[kind].put(row)
        self._timers.add(due, (kind, row['id'], due))

    def unschedule(self, kind: str, row: Row) -> None:
        row['_due'] = row['_then'] = None
        self.tables[kind].put(row)

    def next_due(self) -> float | None:
        return self._timers.next_due()

    def pop_due(self, now: float) -> list[tuple[str, Row, str, float]]:
        """(kind, row, transition, due) of every row whose time has come; each is given once."""
        found = []
        for kind, row_id, due in self._timers.pop_due(now):
            row = self.tables[kind].get(row_id)
            if row is not None and row.get('_due') == due:
                then, row['_due'], row['_then'] = row['_then'], None, None
                self.tables[kind].put(row)
                found.append((kind, row, then, due))
        return found

    def restore(self, kind: str, row: Row) -> None:
        """Put a row that comes from the journal, with its timer."""
        self.tables[kind].put(row)
        if row.get('_due') is not None:
            self._timers.add(row['_due'], (kind, row['id'], row['_due']))

    def summary(self) -> Row:
        """Per kind: ``count``, ``ids`` and ``by_project`` (project id -> ids)."""
        result: Row = {}
        for kind, table in self.tables.items():
            by_project: dict[str, list[str]] = {}
            for row in table.rows.values():
                by_project.setdefault(row.get('project_id') or row.get('owner') or '', []).append(row['id'])
            result[kind] = {'count': len(table), 'ids': list(table.rows), 'by_project': by_project}
        return result
