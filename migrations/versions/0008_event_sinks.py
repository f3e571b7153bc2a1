"""How far the events of a tree have been told to the sinks in its environment.

A stack that was there before has its events told from its next update on.
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

MYSQL = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def upgrade() -> None:
    op.create_table(
        'event_sink',
        sa.Column('root_id', sa.String(36), nullable=False),
        sa.Column('told_id', sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint('root_id', name=op.f('pk_event_sink')),
        **MYSQL)
