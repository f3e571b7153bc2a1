"""The first tables.

Written by hand from then on: a revision never imports the tables of today.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

LONG = sa.Text().with_variant(mysql.LONGTEXT(), 'mysql', 'mariadb')
MYSQL = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def upgrade() -> None:
    op.create_table(
        'lease',
        sa.Column('root_id', sa.String(36), nullable=False),
        sa.Column('engine_id', sa.String(36)),
        sa.Column('fence', sa.Integer, nullable=False),
        sa.Column('beat_at', sa.Double, nullable=False),
        sa.PrimaryKeyConstraint('root_id', name=op.f('pk_lease')),
        **MYSQL)
    op.create_index(op.f('ix_lease_engine_id'), 'lease', ['engine_id'])
    op.create_table(
        'pending_signal',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('uuid', sa.String(36), nullable=False),
        sa.Column('root_stack_id', sa.String(36), nullable=False),
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('resource_name', sa.String(255), nullable=False),
        sa.Column('details', LONG),
        sa.Column('decrypt_method', sa.String(64)),
        sa.Column('created_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_pending_signal')),
        **MYSQL)
    op.create_index(op.f('ix_pending_signal_root_stack_id'), 'pending_signal',
                    ['root_stack_id'])
    op.create_table(
        'raw_template_files',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
        sa.Column('files', LONG),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_raw_template_files')),
        sa.UniqueConstraint('tenant', 'hash', name=op.f('uq_raw_template_files_tenant')),
        **MYSQL)
    op.create_table(
        'resource_properties_data',
        sa.Column('root_stack_id', sa.String(36), nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
        sa.Column('data', LONG),
        sa.Column('encrypted', sa.Boolean, nullable=False),
        sa.Column('decrypt_method', sa.String(64)),
        sa.Column('created_at', sa.DateTime),
        sa.PrimaryKeyConstraint('root_stack_id', 'hash', name=op.f('pk_resource_properties_data')),
        **MYSQL)
    op.create_table(
        'service',
        sa.Column('id', sa.String(36), nullable=False),
        sa.Column('engine_id', sa.String(36), nullable=False),
        sa.Column('host', sa.String(255), nullable=False),
        sa.Column('hostname', sa.String(255), nullable=False),
        sa.Column('binary', sa.String(255), nullable=False),
        sa.Column('topic', sa.String(255), nullable=False),
        sa.Column('report_interval', sa.Integer, nullable=False),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.Column('deleted_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_service')),
        **MYSQL)
    op.create_table(
        'software_config',
        sa.Column('id', sa.String(36), nullable=False),
        sa.Column('name', sa.String(255)),
        sa.Column('group', sa.String(255)),
        sa.Column('config', LONG),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_software_config')),
        **MYSQL)
    op.create_index(op.f('ix_software_config_tenant'), 'software_config', ['tenant', 'created_at', 'id'])
    op.create_table(
        'user_creds',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('username', sa.String(255)),
        sa.Column('password', sa.Text),
        sa.Column('region_name', sa.String(255)),
        sa.Column('decrypt_method', sa.String(64)),
        sa.Column('tenant', sa.String(1024)),
        sa.Column('auth_url', sa.Text),
        sa.Column('tenant_id', sa.String(256)),
        sa.Column('trust_id', sa.Text),
        sa.Column('trustor_user_id', sa.String(64)),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_user_creds')),
        **MYSQL)
    op.create_table(
        'raw_template',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('template', LONG, nullable=False),
        sa.Column('environment', LONG),
        sa.Column('files_id', sa.Integer),
        sa.Column('content_hash', sa.String(64), nullable=False),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_raw_template')),
        sa.ForeignKeyConstraint(['files_id'], ['raw_template_files.id'],
                                name=op.f('fk_raw_template_files_id')),
        **MYSQL)
    op.create_index(op.f('ix_raw_template_content_hash'), 'raw_template', ['content_hash', 'tenant'])
    op.create_index(op.f('ix_raw_template_files_id'), 'raw_template', ['files_id'])
    op.create_table(
        'software_deployment',
        sa.Column('id', sa.String(36), nullable=False),
        sa.Column('config_id', sa.String(36), nullable=False),
        sa.Column('server_id', sa.String(36), nullable=False),
        sa.Column('input_values', LONG),
        sa.Column('output_values', LONG),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('stack_user_project_id', sa.String(64)),
        sa.Column('action', sa.String(255)),
        sa.Column('status', sa.String(255)),
        sa.Column('status_reason', sa.Text),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_software_deployment')),
        sa.ForeignKeyConstraint(['config_id'], ['software_config.id'],
                                name=op.f('fk_software_deployment_config_id')),
        **MYSQL)
    op.create_index(op.f('ix_software_deployment_config_id'), 'software_deployment',
                    ['config_id'])
    op.create_index(op.f('ix_software_deployment_created_at'), 'software_deployment',
                    ['created_at'])
    op.create_index(op.f('ix_software_deployment_server_id'), 'software_deployment',
                    ['server_id'])
    op.create_index(op.f('ix_software_deployment_stack_user_project_id'), 'software_deployment',
                    ['stack_user_project_id'])
    op.create_index(op.f('ix_software_deployment_tenant'), 'software_deployment', ['tenant'])
    op.create_table(
        'stack',
        sa.Column('id', sa.String(36), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('raw_template_id', sa.Integer, nullable=False),
        sa.Column('prev_raw_template_id', sa.Integer),
        sa.Column('username', sa.String(256)),
        sa.Column('tenant', sa.String(256), nullable=False),
        sa.Column('user_creds_id', sa.Integer),
        sa.Column('owner_id', sa.String(36)),
        sa.Column('parent_resource_name', sa.String(255)),
        sa.Column('parent_row', sa.String(36)),
        sa.Column('root_stack_id', sa.String(36), nullable=False),
        sa.Column('nested_depth', sa.Integer, nullable=False),
        sa.Column('timeout', sa.Integer),
        sa.Column('disable_rollback', sa.Boolean, nullable=False),
        sa.Column('stack_user_project_id', sa.String(64)),
        sa.Column('termination_protection', sa.Boolean, nullable=False),
        sa.Column('client_request_token', sa.String(255)),
        sa.Column('operation_id', sa.String(36)),
        sa.Column('template_hash', sa.String(64)),
        sa.Column('goal_seq', sa.Integer, nullable=False),
        sa.Column('resources_total', sa.Integer, nullable=False),
        sa.Column('resources_done', sa.Integer, nullable=False),
        sa.Column('action', sa.String(255), nullable=False),
        sa.Column('status', sa.String(255), nullable=False),
        sa.Column('status_reason', sa.Text),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.Column('deleted_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stack')),
        sa.ForeignKeyConstraint(['prev_raw_template_id'], ['raw_template.id'],
                                name=op.f('fk_stack_prev_raw_template_id')),
        sa.ForeignKeyConstraint(['raw_template_id'], ['raw_template.id'],
                                name=op.f('fk_stack_raw_template_id')),
        sa.ForeignKeyConstraint(['user_creds_id'], ['user_creds.id'],
                                name=op.f('fk_stack_user_creds_id')),
        **MYSQL)
    op.create_index(op.f('ix_stack_deleted_at'), 'stack', ['deleted_at'])
    op.create_index(op.f('ix_stack_name'), 'stack', ['name', 'tenant'])
    op.create_index(op.f('ix_stack_owner_id'), 'stack', ['owner_id'])
    op.create_index(op.f('ix_stack_parent_row'), 'stack', ['parent_row'])
    op.create_index(op.f('ix_stack_prev_raw_template_id'), 'stack', ['prev_raw_template_id'])
    op.create_index(op.f('ix_stack_raw_template_id'), 'stack', ['raw_template_id'])
    op.create_index(op.f('ix_stack_root_stack_id'), 'stack', ['root_stack_id', 'deleted_at'])
    op.create_index(op.f('ix_stack_stack_user_project_id'), 'stack', ['stack_user_project_id'])
    op.create_index(op.f('ix_stack_status'), 'stack', ['status', 'deleted_at'])
    op.create_index(op.f('ix_stack_tenant'), 'stack', ['tenant', 'deleted_at', 'created_at', 'id'])
    op.create_index(op.f('ix_stack_user_creds_id'), 'stack', ['user_creds_id'])
    op.create_table(
        'event',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('uuid', sa.String(36), nullable=False),
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('root_stack_id', sa.String(36), nullable=False),
        sa.Column('resource_name', sa.String(255)),
        sa.Column('physical_resource_id', sa.String(255)),
        sa.Column('resource_action', sa.String(255)),
        sa.Column('resource_status', sa.String(255)),
        sa.Column('resource_status_reason', sa.String(255)),
        sa.Column('resource_type', sa.String(255)),
        sa.Column('properties_hash', sa.String(64)),
        sa.Column('operation_id', sa.String(36)),
        sa.Column('created_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_event')),
        sa.UniqueConstraint('uuid', name=op.f('uq_event_uuid')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'],
                                name=op.f('fk_event_stack_id')),
        **MYSQL)
    op.create_index(op.f('ix_event_root_stack_id'), 'event', ['root_stack_id', 'id'])
    op.create_index(op.f('ix_event_stack_id'), 'event', ['stack_id', 'id'])
    op.create_table(
        'exports',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('tenant', sa.String(256), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('value', LONG),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_exports')),
        sa.UniqueConstraint('tenant', 'name', name=op.f('uq_exports_tenant')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'],
                                name=op.f('fk_exports_stack_id'), ondelete='CASCADE'),
        **MYSQL)
    op.create_index(op.f('ix_exports_stack_id'), 'exports', ['stack_id'])
    op.create_table(
        'goal',
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('seq', sa.Integer, nullable=False, autoincrement=False),
        sa.Column('action', sa.String(255), nullable=False),
        sa.Column('template_id', sa.Integer, nullable=False),
        sa.Column('timeout_at', sa.Double),
        sa.Column('on_failure', sa.String(16)),
        sa.Column('requested_by', sa.String(255)),
        sa.Column('options', LONG),
        sa.Column('created_at', sa.DateTime),
        sa.PrimaryKeyConstraint('stack_id', 'seq', name=op.f('pk_goal')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'],
                                name=op.f('fk_goal_stack_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['template_id'], ['raw_template.id'],
                                name=op.f('fk_goal_template_id')),
        **MYSQL)
    op.create_index(op.f('ix_goal_template_id'), 'goal', ['template_id'])
    op.create_table(
        'resource',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('uuid', sa.String(36), nullable=False),
        sa.Column('name', sa.String(255), nullable=False),
        sa.Column('type', sa.String(255), nullable=False),
        sa.Column('nova_instance', sa.String(255)),
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('root_stack_id', sa.String(36), nullable=False),
        sa.Column('rsrc_metadata', LONG),
        sa.Column('properties_hash', sa.String(64)),
        sa.Column('attributes', LONG),
        sa.Column('data', LONG),
        sa.Column('decrypt_method', sa.String(64)),
        sa.Column('requires', LONG),
        sa.Column('replaces', sa.String(36)),
        sa.Column('replaced_by', sa.String(36)),
        sa.Column('goal_seq', sa.Integer, nullable=False),
        sa.Column('intent', LONG),
        sa.Column('memo', LONG),
        sa.Column('keep', LONG),
        sa.Column('action', sa.String(255), nullable=False),
        sa.Column('status', sa.String(255), nullable=False),
        sa.Column('status_reason', LONG),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_resource')),
        sa.UniqueConstraint('uuid', name=op.f('uq_resource_uuid')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'],
                                name=op.f('fk_resource_stack_id')),
        **MYSQL)
    op.create_index(op.f('ix_resource_nova_instance'), 'resource', ['nova_instance'])
    op.create_index(op.f('ix_resource_root_stack_id'), 'resource', ['root_stack_id'])
    op.create_index(op.f('ix_resource_stack_id'), 'resource', ['stack_id'])
    op.create_table(
        'snapshot',
        sa.Column('id', sa.String(36), nullable=False),
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('name', sa.String(255)),
        sa.Column('data', LONG),
        sa.Column('tenant', sa.String(64), nullable=False),
        sa.Column('action', sa.String(255)),
        sa.Column('status', sa.String(255)),
        sa.Column('status_reason', sa.Text),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_snapshot')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'],
                                name=op.f('fk_snapshot_stack_id')),
        **MYSQL)
    op.create_index(op.f('ix_snapshot_stack_id'), 'snapshot', ['stack_id'])
    op.create_index(op.f('ix_snapshot_tenant'), 'snapshot', ['tenant'])
    op.create_table(
        'stack_tag',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('tag', sa.String(80), nullable=False),
        sa.Column('stack_id', sa.String(36), nullable=False),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stack_tag')),
        sa.UniqueConstraint('stack_id', 'tag', name=op.f('uq_stack_tag_stack_id')),
        sa.ForeignKeyConstraint(['stack_id'], ['stack.id'],
                                name=op.f('fk_stack_tag_stack_id'), ondelete='CASCADE'),
        **MYSQL)
    op.create_index(op.f('ix_stack_tag_tag'), 'stack_tag', ['tag', 'stack_id'])
    op.create_table(
        'resource_snapshot',
        sa.Column('id', sa.String(36), nullable=False),
        sa.Column('resource_name', sa.String(255), nullable=False),
        sa.Column('snapshot_id', sa.String(36), nullable=False),
        sa.Column('data', LONG),
        sa.Column('created_at', sa.DateTime),
        sa.Column('updated_at', sa.DateTime),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_resource_snapshot')),
        sa.ForeignKeyConstraint(['snapshot_id'], ['snapshot.id'],
                                name=op.f('fk_resource_snapshot_snapshot_id'), ondelete='CASCADE'),
        **MYSQL)
    op.create_index(op.f('ix_resource_snapshot_snapshot_id'), 'resource_snapshot',
                    ['snapshot_id'])
