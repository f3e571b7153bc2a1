"""Saved plans, and what a pending signal is.

A signal that was waiting before is one to the resource itself.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

LONG = sa.Text().with_variant(mysql.LONGTEXT(), 'mysql', 'mariadb')
MYSQL = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def upgrade() -> None:
    op.create_table(
        'plan',
        sa.Column('id', sa.String(36), nullable=False),
        sa.Column('name', sa.String(255)),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('stack_id', sa.String(36)),
        sa.Column('stack_name', sa.String(255), nullable=False),
        sa.Column('base_goal_seq', sa.Integer, nullable=False),
        sa.Column('template_id', sa.Integer, nullable=False),
        sa.Column('action', sa.String(255), nullable=False),
        sa.Column('status', sa.String(255), nullable=False),
        sa.Column('arguments', LONG),
        sa.Column('entries', LONG),
        sa.Column('decrypt_method', sa.String(64)),
        sa.Column('creator', sa.String(255)),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_plan')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'], name=op.f('fk_plan_stack_id'),
                                ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['template_id'], ['raw_template.id'], name=op.f('fk_plan_template_id')),
        **MYSQL)
    op.create_index(op.f('ix_plan_stack_id'), 'plan', ['stack_id'])
    op.create_index(op.f('ix_plan_template_id'), 'plan', ['template_id'])
    op.create_index(op.f('ix_plan_tenant'), 'plan', ['tenant', 'stack_name'])
    op.add_column('pending_signal', sa.Column('kind', sa.String(16), nullable=False, server_default='signal'))

