"""Who imports which export, and parameters that a project keeps for its templates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

LONG = sa.Text().with_variant(mysql.LONGTEXT(), 'mysql', 'mariadb')
MYSQL = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def upgrade() -> None:
    op.create_table(
        'stack_import',
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('tenant', sa.String(256), nullable=False),
        sa.Column('created_at', sa.DateTime),
        sa.PrimaryKeyConstraint('stack_id', 'name', name=op.f('pk_stack_import')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'],
                                name=op.f('fk_stack_import_stack_id'), ondelete='CASCADE'),
        **MYSQL)
    op.create_index(op.f('ix_stack_import_tenant'), 'stack_import', ['tenant', 'name'])
    op.create_table(
        'stored_parameter',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('version', sa.Integer, nullable=False),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('value', LONG, nullable=False),
        sa.Column('decrypt_method', sa.String(64), nullable=False),
        sa.Column('description', sa.Text),
        sa.Column('created_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stored_parameter')),
        sa.UniqueConstraint('tenant', 'name', 'version', name=op.f('uq_stored_parameter_tenant')),
        **MYSQL)
    with op.batch_alter_table('exports') as exports:
        exports.add_column(sa.Column('decrypt_method', sa.String(64)))
        exports.add_column(sa.Column('secret', LONG))
        exports.drop_column('value')
