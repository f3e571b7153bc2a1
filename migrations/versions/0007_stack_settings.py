"""What holds for a stack whatever its template, what its last check came to, and names of plans taken.

A stack that was there before has no settings; a plan that was there before has no claim on its name.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

LONG = sa.Text().with_variant(mysql.LONGTEXT(), 'mysql', 'mariadb')


def upgrade() -> None:
    op.add_column('stack', sa.Column('settings', LONG))
    op.add_column('stack', sa.Column('drift', LONG))
    op.add_column('plan', sa.Column('claim', sa.String(64)))
    op.create_index(op.f('ix_plan_claim'), 'plan', ['claim'], unique=True)
