"""Keep an inventory in a file, so that a cloud outlives its process.

Purpose: append every changed row as one JSON line ``[kind, id, row or null]``
and read the lines back at start. Invariant: what a client was told is in the
operating system's hands before the answer leaves, so ``kill -9`` loses nothing;
a last line cut short by it is dropped. Neighbours: ``server`` calls ``flush``.
"""

from __future__ import annotations

import json
import os
from typing import IO

from heat.simcloud.inventory import Inventory


class Journal:
    """The file of one inventory. ``path`` is made when missing, mode 0600."""

    def __init__(self, path: str, inventory: Inventory) -> None:
        self.path = path
        self._inventory = inventory
        self._lines = 0
        self._file: IO[bytes] | None = None

    def load(self) -> bool:
        """Fill the inventory; False when there was nothing to read. OSError and ValueError pass."""
        rows: dict[tuple[str, str], object] = {}
        try:
            with open(self.path, 'rb') as stream:
                lines = stream.read().split(b'\n')
        except FileNotFoundError:
            lines = []
        # All but the last piece were ended by a newline, so they must be whole.
        for line in lines[:-1]:
            kind, row_id, row = json.loads(line)
            if row is None:
                rows.pop((kind, row_id), None)
            else:
                rows[(kind, row_id)] = row
        for (kind, _), row in rows.items():
            self._inventory.restore(kind, row)  # type: ignore[arg-type]
        self.compact()
        return bool(rows)

    def flush(self) -> None:
        """Append what changed since the last call."""
        changed = self._inventory.changed
        if not changed or self._file is None:
            return
        tables = self._inventory.tables
        text = ''.join(
            json.dumps([kind, row_id, tables[kind].get(row_id)]) + '\n' for kind, row_id in changed
        )
        self._lines += len(changed)
        changed.clear()
        self._file.write(text.encode())
        self._file.flush()
        if self._lines > 20_000 + 4 * sum(len(table) for table in tables.values()):
            self.compact()

    def compact(self) -> None:
        """Rewrite the file with the present rows only."""
        temporary = f'{self.path}.new'
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'wb') as stream:
            self._lines = 0
            for kind, table in self._inventory.tables.items():
                for row_id, row in table.rows.items():
                    stream.write(json.dumps([kind, row_id, row]).encode() + b'\n')
                    self._lines += 1
        os.replace(temporary, self.path)
        self._inventory.changed.clear()
        if self._file is not None:
            self._file.close()
        self._file = open(self.path, 'ab')  # noqa: SIM115 - stays open for the life of the cloud

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None
