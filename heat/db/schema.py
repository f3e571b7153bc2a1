"""The tables.

Purpose: one description that queries, migrations and tests share. Invariant:
equal to what ``migrations/`` builds (a test compares them). Names follow the
classic tables where the meaning is equal; times are UTC without zone, in whole
seconds, except those that are counted with (``lease``, ``goal``, ``watch_*``), which
are epoch seconds. Neighbours: every file of this room; nothing else knows a column name.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Table as SqlTable

from heat.db.columns import BigNumber, Json, LongText, Sentence

metadata = MetaData(naming_convention={
    'pk': 'pk_%(table_name)s',
    'fk': 'fk_%(table_name)s_%(column_0_name)s',
    'uq': 'uq_%(table_name)s_%(column_0_name)s',
    'ix': 'ix_%(table_name)s_%(column_0_name)s',
})

# Names compare by byte on every server: "A" and "a" are two stacks everywhere.
MYSQL = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def Table(name: str, *items: Any) -> SqlTable:
    return SqlTable(name, metadata, *items, **MYSQL)  # type: ignore[call-overload]


def times() -> tuple[Column[Any], Column[Any]]:
    return Column('created_at', DateTime), Column('updated_at', DateTime)


def index(*columns: str, **options: Any) -> Index:
    return Index(None, *columns, **options)


raw_template_files = Table(
    'raw_template_files',
    Column('id', Integer, primary_key=True),
    Column('tenant', String(64), nullable=False),
    Column('hash', String(64), nullable=False),
    Column('files', Json),
    *times(),
    # A content is shared within a project only, so nobody can probe for another's.
    UniqueConstraint('tenant', 'hash'))

raw_template = Table(
    'raw_template',
    Column('id', Integer, primary_key=True),
    Column('tenant', String(64), nullable=False),
    Column('template', Json, nullable=False),
    Column('environment', Json),
    Column('files_id', Integer, ForeignKey('raw_template_files.id'), index=True),
    Column('content_hash', String(64), nullable=False),
    *times(),
    index('content_hash', 'tenant'))

user_creds = Table(
    'user_creds',
    Column('id', Integer, primary_key=True),
    Column('username', String(255)),
    # Encrypted, so longer than what it hides.
    Column('password', Text),
    Column('region_name', String(255)),
    Column('decrypt_method', String(64)),
    Column('tenant', String(1024)),
    Column('auth_url', Text),
    Column('tenant_id', String(256)),
    Column('trust_id', Text),
    Column('trustor_user_id', String(64)),
    Column('ec2_access', Text),
    *times())

stack = Table(
    'stack',
    Column('id', String(36), primary_key=True),
    Column('name', String(255), nullable=False),
    Column('raw_template_id', Integer, ForeignKey('raw_template.id'), nullable=False, index=True),
    Column('prev_raw_template_id', Integer, ForeignKey('raw_template.id'), index=True),
    Column('username', String(256)),
    Column('tenant', String(256), nullable=False),
    Column('user_creds_id', Integer, ForeignKey('user_creds.id'), index=True),
    Column('owner_id', String(36), index=True),
    Column('parent_resource_name', String(255)),
    # The uuid of the resource, in the parent stack, that this stack is.
    Column('parent_row', String(36), index=True),
    Column('root_stack_id', String(36), nullable=False),
    Column('nested_depth', Integer, nullable=False),
    Column('timeout', Integer),
    Column('disable_rollback', Boolean, nullable=False),
    Column('stack_user_project_id', String(64), index=True),
    Column('termination_protection', Boolean, nullable=False),
    Column('client_request_token', String(255)),
    Column('operation_id', String(36)),
    Column('template_hash', String(64)),
    Column('goal_seq', Integer, nullable=False),
    Column('resources_total', Integer, nullable=False),
    Column('resources_done', Integer, nullable=False),
    Column('action', String(255), nullable=False),
    Column('status', String(255), nullable=False),
    Column('status_reason', Sentence()),
    # What holds whatever the template: its policy, the capabilities it was given.
    Column('settings', Json),
    # What the last check of all its resources came to.
    Column('drift', Json),
    *times(),
    Column('deleted_at', DateTime),
    # A deleted stack keeps its name, so a name is not unique.
    index('name', 'tenant'),
    # In the order of a list of root stacks, whose page passes over no nested one.
    index('tenant', 'deleted_at', 'owner_id', 'created_at', 'id'),
    index('root_stack_id', 'deleted_at'),
    index('status', 'deleted_at'),
    index('deleted_at'))

# Not made: stack_lock, sync_point (a lease and a goal replace them), the classic
# resource_data (one encrypted column of resource), stack.backup, convergence,
# current_traversal, current_deps and resource.engine_id, atomic_key, needed_by
# and current_template_id (goal_seq leads to the template).

stack_tag = Table(
    'stack_tag',
    Column('id', Integer, primary_key=True),
    Column('tag', String(80), nullable=False),
    Column('stack_id', String(36), ForeignKey('stack.id', ondelete='CASCADE'), nullable=False),
    *times(),
    UniqueConstraint('stack_id', 'tag'),
    index('tag', 'stack_id'))

goal = Table(
    'goal',
    Column('stack_id', String(36), ForeignKey('stack.id', ondelete='CASCADE'), nullable=False),
    Column('seq', Integer, nullable=False, autoincrement=False),
    Column('action', String(255), nullable=False),
    Column('template_id', Integer, ForeignKey('raw_template.id'), nullable=False, index=True),
    Column('timeout_at', Double),
    Column('on_failure', String(16)),
    Column('requested_by', String(255)),
    Column('options', Json),
    Column('created_at', DateTime),
    PrimaryKeyConstraint('stack_id', 'seq'))

# No foreign key: a lease outlives its stack's row until the purge, so that its
# fence never starts again at a number an old owner may still hold.
lease = Table(
    'lease',
    Column('root_id', String(36), primary_key=True),
    Column('engine_id', String(36), index=True),
    Column('fence', Integer, nullable=False),
    Column('beat_at', Double, nullable=False))

resource_properties_data = Table(
    'resource_properties_data',
    Column('root_stack_id', String(36), nullable=False),
    Column('hash', String(64), nullable=False),
    Column('data', LongText),
    Column('encrypted', Boolean, nullable=False),
    Column('decrypt_method', String(64)),
    Column('created_at', DateTime),
    PrimaryKeyConstraint('root_stack_id', 'hash'))

resource = Table(
    'resource',
    Column('id', Integer, primary_key=True),
    Column('uuid', String(36), nullable=False, unique=True),
    Column('name', String(255), nullable=False),
    Column('type', String(255), nullable=False),
    # The physical id; the classic name dates from when all was a server.
    Column('nova_instance', String(255), index=True),
    Column('stack_id', String(36), ForeignKey('stack.id'), nullable=False, index=True),
    Column('root_stack_id', String(36), nullable=False, index=True),
    # A method and a token, as attributes are; a map in rows that were written before they were encrypted.
    Column('rsrc_metadata', Json),
    Column('attributes', Json),
    Column('properties_hash', String(64)),
    Column('data', LongText),
    Column('decrypt_method', String(64)),
    Column('requires', Json),
    Column('replaces', String(36)),
    Column('replaced_by', String(36)),
    Column('goal_seq', Integer, nullable=False),
    Column('intent', Json),
    Column('memo', Json),
    Column('keep', Json),
    Column('action', String(255), nullable=False),
    Column('status', String(255), nullable=False),
    Column('status_reason', Sentence(long=True)),
    *times())

event = Table(
    'event',
    Column('id', Integer, primary_key=True),
    Column('uuid', String(36), nullable=False, unique=True),
    Column('stack_id', String(36), ForeignKey('stack.id'), nullable=False),
    Column('root_stack_id', String(36), nullable=False),
    Column('resource_name', String(255)),
    Column('physical_resource_id', String(255)),
    Column('resource_action', String(255)),
    Column('resource_status', String(255)),
    Column('resource_status_reason', Sentence(255)),
    Column('resource_type', String(255)),
    Column('properties_hash', String(64)),
    Column('operation_id', String(36)),
    Column('created_at', DateTime),
    index('stack_id', 'id'),
    index('root_stack_id', 'id'))

# The sinks themselves stand in the environment. No foreign key, as for a lease.
event_sink = Table(
    'event_sink',
    Column('root_id', String(36), primary_key=True),
    Column('told_id', Integer, nullable=False))

service = Table(
    'service',
    Column('id', String(36), primary_key=True),
    Column('engine_id', String(36), nullable=False),
    Column('host', String(255), nullable=False),
    Column('hostname', String(255), nullable=False),
    Column('binary', String(255), nullable=False),
    Column('topic', String(255), nullable=False),
    Column('report_interval', Integer, nullable=False),
    *times(),
    Column('deleted_at', DateTime))

snapshot = Table(
    'snapshot',
    Column('id', String(36), primary_key=True),
    Column('stack_id', String(36), ForeignKey('stack.id'), nullable=False, index=True),
    Column('name', String(255)),
    Column('data', Json),
    Column('tenant', String(64), nullable=False, index=True),
    Column('action', String(255)),
    Column('status', String(255)),
    Column('status_reason', Sentence()),
    *times())

resource_snapshot = Table(
    'resource_snapshot',
    Column('id', String(36), primary_key=True),
    Column('resource_name', String(255), nullable=False),
    Column('snapshot_id', String(36), ForeignKey('snapshot.id', ondelete='CASCADE'), nullable=False,
           index=True),
    Column('data', Json),
    *times())

software_config = Table(
    'software_config',
    Column('id', String(36), primary_key=True),
    Column('name', String(255)),
    Column('group', String(255)),
    Column('config', Json),
    Column('tenant', String(64), nullable=False),
    *times(),
    index('tenant', 'created_at', 'id'))

software_deployment = Table(
    'software_deployment',
    Column('id', String(36), primary_key=True),
    Column('config_id', String(36), nullable=False, index=True),
    Column('server_id', String(36), nullable=False, index=True),
    Column('input_values', Json),
    Column('output_values', Json),
    Column('tenant', String(64), nullable=False, index=True),
    Column('stack_user_project_id', String(64), index=True),
    Column('action', String(255)),
    Column('status', String(255)),
    Column('status_reason', Sentence()),
    Column('created_at', DateTime, index=True),
    Column('updated_at', DateTime),
    ForeignKeyConstraint(['config_id'], ['software_config.id']))

exports = Table(
    'exports',
    Column('id', Integer, primary_key=True),
    Column('tenant', String(256), nullable=False),
    Column('name', String(255), nullable=False),
    Column('stack_id', String(36), ForeignKey('stack.id', ondelete='CASCADE'), nullable=False, index=True),
    # Encrypted; null while the name is only reserved.
    Column('secret', LongText),
    Column('decrypt_method', String(64)),
    *times(),
    UniqueConstraint('tenant', 'name'))

# The exports that a stack was built with: as long as it stands, they may neither change nor go.
stack_import = Table(
    'stack_import',
    Column('stack_id', String(36), ForeignKey('stack.id', ondelete='CASCADE'), nullable=False),
    Column('name', String(255), nullable=False),
    Column('tenant', String(256), nullable=False),
    Column('created_at', DateTime),
    PrimaryKeyConstraint('stack_id', 'name'),
    index('tenant', 'name'))

# Parameters that a project keeps for its templates, every version of them.
stored_parameter = Table(
    'stored_parameter',
    Column('id', Integer, primary_key=True),
    Column('tenant', String(64), nullable=False),
    Column('name', String(255), nullable=False),
    Column('version', Integer, nullable=False),
    Column('kind', String(16), nullable=False),
    Column('value', LongText, nullable=False),
    Column('decrypt_method', String(64), nullable=False),
    Column('description', Text),
    Column('created_at', DateTime),
    UniqueConstraint('tenant', 'name', 'version'))

# A stack that is not there yet has a name only; the plan follows the stack once it is made.
plan = Table(
    'plan',
    Column('id', String(36), primary_key=True),
    Column('name', String(255)),
    Column('tenant', String(64), nullable=False),
    Column('stack_id', String(36), ForeignKey('stack.id', ondelete='CASCADE'), index=True),
    Column('stack_name', String(255), nullable=False),
    Column('base_goal_seq', Integer, nullable=False),
    Column('template_id', Integer, ForeignKey('raw_template.id'), nullable=False, index=True),
    Column('action', String(255), nullable=False),
    Column('status', String(255), nullable=False),
    Column('arguments', Json),
    Column('entries', LongText),
    Column('decrypt_method', String(64)),
    Column('creator', String(255)),
    # A name that no other plan may have now, as a digest; NULL where a name is free for all.
    Column('claim', String(64)),
    *times(),
    index('tenant', 'stack_name'),
    index('claim', unique=True))

# A signal is kept here from its answer to the caller until the tree's owner applies it.
pending_signal = Table(
    'pending_signal',
    Column('id', Integer, primary_key=True),
    # Numbers may be given again once rows are removed; this never is.
    Column('uuid', String(36), nullable=False),
    Column('root_stack_id', String(36), nullable=False, index=True),
    Column('stack_id', String(36), nullable=False),
    Column('resource_name', String(255), nullable=False),
    # 'signal', or 'mark': a judgement of the resource's health.
    Column('kind', String(16), nullable=False, server_default='signal'),
    Column('details', LongText),
    Column('decrypt_method', String(64)),
    Column('created_at', DateTime))

# A rule belongs to a stack's resource, or to the project alone. What it says is sealed, since
# the addresses that it calls may be signed.
watch_rule = Table(
    'watch_rule',
    Column('id', Integer, primary_key=True),
    Column('tenant', String(64), nullable=False),
    Column('name', String(255), nullable=False),
    Column('rule', LongText, nullable=False),
    Column('decrypt_method', String(64), nullable=False),
    Column('lite', Boolean, nullable=False),
    # The metric, and that of samples sent to the rule by its name (hashes of watch_metric).
    Column('metric_hash', String(64), nullable=False),
    Column('named_hash', String(64), nullable=False),
    Column('state', String(255), nullable=False),
    Column('state_reason', Sentence()),
    Column('state_reason_data', Json),
    Column('state_at', Double),
    # Which actions of its state are still to be carried out.
    Column('owed', Json),
    Column('acted_at', Double),
    # When it is to be evaluated; null while it rests.
    Column('due_at', Double, index=True),
    Column('last_evaluated', DateTime),
    Column('revision', Integer, nullable=False),
    Column('stack_id', String(36), ForeignKey('stack.id', ondelete='CASCADE'), index=True),
    Column('row_uuid', String(36), index=True),
    *times(),
    UniqueConstraint('tenant', 'name'))

watch_metric = Table(
    'watch_metric',
    Column('id', Integer, primary_key=True),
    # Of project, namespace, name and dimensions.
    Column('hash', String(64), nullable=False, unique=True),
    Column('tenant', String(64), nullable=False),
    Column('namespace', String(255), nullable=False),
    Column('name', String(255), nullable=False),
    Column('dimensions', Json),
    Column('last_at', Double, nullable=False, index=True),
    index('tenant', 'namespace', 'name'))

# Not made: the classic data and watch_rule_id; a sample is of a metric, whoever watches it, and
# its numbers are columns, so that the server adds them up.
watch_data = Table(
    'watch_data',
    Column('id', BigNumber, primary_key=True),
    Column('metric_id', Integer, ForeignKey('watch_metric.id', ondelete='CASCADE'), nullable=False),
    Column('at', Double, nullable=False, index=True),
    Column('unit', String(32), nullable=False),
    Column('samples', Double, nullable=False),
    Column('total', Double, nullable=False),
    Column('minimum', Double, nullable=False),
    Column('maximum', Double, nullable=False),
    Column('created_at', DateTime),
    index('metric_id', 'at'))

watch_history = Table(
    'watch_history',
    Column('id', Integer, primary_key=True),
    Column('tenant', String(64), nullable=False),
    Column('name', String(255), nullable=False),
    Column('at', Double, nullable=False, index=True),
    Column('kind', String(32), nullable=False),
    Column('summary', Sentence()),
    Column('data', Json),
    index('tenant', 'name', 'id'))
