"""The access key of the EC2 credential that a stack was asked for with."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('user_creds', sa.Column('ec2_access', sa.Text))
