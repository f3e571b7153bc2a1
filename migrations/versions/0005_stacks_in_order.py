"""The root stacks of a project in the order they are listed in: a page passes over no nested one."""

from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_stack_tenant', 'stack')
    op.create_index('ix_stack_tenant', 'stack', ['tenant', 'deleted_at', 'owner_id', 'created_at', 'id'])
