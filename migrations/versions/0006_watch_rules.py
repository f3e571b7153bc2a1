"""Watch rules, what they watch, and what became of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

LONG = sa.Text().with_variant(mysql.LONGTEXT(), 'mysql', 'mariadb')
BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MYSQL = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def upgrade() -> None:
    op.create_table(
        'watch_rule',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('rule', LONG, nullable=False),
        sa.Column('decrypt_method', sa.String(64), nullable=False),
        sa.Column('lite', sa.Boolean, nullable=False),
        sa.Column('metric_hash', sa.String(64), nullable=False),
        sa.Column('named_hash', sa.String(64), nullable=False),
        sa.Column('state', sa.String(255), nullable=False),
        sa.Column('state_reason', sa.Text),
        sa.Column('state_reason_data', LONG),
        sa.Column('state_at', sa.Double),
        sa.Column('owed', LONG),
        sa.Column('acted_at', sa.Double),
        sa.Column('due_at', sa.Double),
        sa.Column('last_evaluated', sa.DateTime),
        sa.Column('revision', sa.Integer, nullable=False),
        sa.Column('stack_id', sa.String(36)),
        sa.Column('row_uuid', sa.String(36)),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_watch_rule')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'], name=op.f('fk_watch_rule_stack_id'),
                                ondelete='CASCADE'),
        sa.UniqueConstraint('tenant', 'name', name=op.f('uq_watch_rule_tenant')),
        **MYSQL)
    for column in ('due_at', 'stack_id', 'row_uuid'):
        op.create_index(op.f(f'ix_watch_rule_{column}'), 'watch_rule', [column])
    op.create_table(
        'watch_metric',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('namespace', sa.String(255), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('dimensions', LONG),
        sa.Column('last_at', sa.Double, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_watch_metric')),
        sa.UniqueConstraint('hash', name=op.f('uq_watch_metric_hash')),
        **MYSQL)
    op.create_index(op.f('ix_watch_metric_last_at'), 'watch_metric', ['last_at'])
    op.create_index(op.f('ix_watch_metric_tenant'), 'watch_metric', ['tenant', 'namespace', 'name'])
    op.create_table(
        'watch_data',
        sa.Column('id', BIG, nullable=False),
        sa.Column('metric_id', sa.Integer, nullable=False),
        sa.Column('at', sa.Double, nullable=False),
        sa.Column('unit', sa.String(32), nullable=False),
        sa.Column('samples', sa.Double, nullable=False),
        sa.Column('total', sa.Double, nullable=False),
        sa.Column('minimum', sa.Double, nullable=False),
        sa.Column('maximum', sa.Double, nullable=False),
        sa.Column('created_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_watch_data')),
        sa.ForeignKeyConstraint(['metric_id'], ['watch_metric.id'], name=op.f('fk_watch_data_metric_id'),
                                ondelete='CASCADE'),
        **MYSQL)
    op.create_index(op.f('ix_watch_data_at'), 'watch_data', ['at'])
    op.create_index(op.f('ix_watch_data_metric_id'), 'watch_data', ['metric_id', 'at'])
    op.create_table(
        'watch_history',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('at', sa.Double, nullable=False),
        sa.Column('kind', sa.String(32), nullable=False),
        sa.Column('summary', sa.Text),
        sa.Column('data', LONG),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_watch_history')),
        **MYSQL)
    op.create_index(op.f('ix_watch_history_at'), 'watch_history', ['at'])
    op.create_index(op.f('ix_watch_history_tenant'), 'watch_history', ['tenant', 'name', 'id'])
