"""What Alembic runs: bind it to a connection and to the tables of ``heat.db.schema``.

Purpose: one way for heat-manage, tests and developers. Invariant: a given
connection is used as it is, inside its transaction. Neighbours: ``heat.db.migrate``.
"""

from __future__ import annotations

from alembic import context

from heat.db.connect import open_engine
from heat.db.schema import metadata


def run() -> None:
    connection = context.config.attributes.get('connection')
    if connection is None:
        with open_engine(context.config.get_main_option('sqlalchemy.url')).begin() as connection:
            _run(connection)
    else:
        _run(connection)


def _run(connection) -> None:
    # SQLite alters a table by copying it.
    context.configure(connection=connection, target_metadata=metadata, compare_type=True,
                      render_as_batch=connection.dialect.name == 'sqlite')
    with context.begin_transaction():
        context.run_migrations()


run()
