"""heat-manage: the database's and the services' housekeeping, for operators.

Purpose: one sub-command per task (contract cli, heat-manage). Invariant: works
on the database alone, with the daemons up or down. Neighbours: ``db`` does the
work; ``common.config`` reads heat.conf.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Engine

from heat.common import config
from heat.common.clock import Clock
from heat.common.crypt import Crypt
from heat.common.errors import InvalidEncryptionKey
from heat.db import leases, migrate, purge, recrypt, rekey, resources, services, stacks, trees
from heat.db.connect import NoDatabase, WrongDatabase, open_engine, read, write
from heat.engine import integrity
from heat.model.status import Status

_SECONDS = {'days': 86400, 'hours': 3600, 'minutes': 60, 'seconds': 1}
_LINE = '%-16s %-16s %-36s %-10s %-10s %-10s %-10s'
Task = Callable[[cfg.ConfigOpts, Any], int]


class Refused(Exception):
    """The task cannot be done; the text is for the operator."""


def _engine(conf: cfg.ConfigOpts) -> Engine:
    engine = open_engine(conf)
    migrate.require(engine)
    return engine


def db_sync(conf: cfg.ConfigOpts, args: Any) -> int:
    migrate.upgrade(open_engine(conf), args.version or 'head')
    return 0


def db_version(conf: cfg.ConfigOpts, args: Any) -> int:
    print(migrate.version(open_engine(conf)) or '')
    return 0


def service_list(conf: cfg.ConfigOpts, args: Any) -> int:
    now = Clock().now()
    with read(_engine(conf)) as conn:
        found = services.list_services(conn)
    print(_LINE % ('Hostname', 'Binary', 'Engine_Id', 'Host', 'Topic', 'Status', 'Updated At'))
    for one in found:
        print(_LINE % (one.hostname, one.binary, one.engine_id, one.host, one.topic, one.status(now),
                       one.updated_at or one.created_at))
    return 0


def service_clean(conf: cfg.ConfigOpts, args: Any) -> int:
    with write(_engine(conf)) as conn:
        services.clean(conn, Clock().now())
    print('Dead engines are removed.')
    return 0


def purge_deleted(conf: cfg.ConfigOpts, args: Any) -> int:
    if args.age < 0:
        raise Refused('age must not be negative.')
    if args.batch_size < 1:
        raise Refused('batch_size must be at least 1.')
    purge.purge_deleted(_engine(conf), Clock().now(), args.age * _SECONDS[args.granularity],
                        args.project_id, args.batch_size)
    return 0


def resource_data_list(conf: cfg.ConfigOpts, args: Any) -> int:
    with read(_engine(conf)) as conn:
        data = resources.data_of(conn, args.resource_id, Crypt(config.encryption_keys(conf)))
    if data is None:
        raise Refused(f'There is no resource {args.resource_id}.')
    for key, value in sorted(data.items()):
        print(f'{key:<16} {value!s:<64}')
    return 0


def reset_stack_status(conf: cfg.ConfigOpts, args: Any) -> int:
    print('Warning: the work in progress on this stack is abandoned and marked FAILED. What it was doing to\n'
          'the cloud may be left half done. Continue only if no engine gets anywhere with it. [y/N]')
    if sys.stdin.readline().strip().lower() not in ('y', 'yes'):
        print('Nothing was changed.')
        return 0
    now = Clock().now()
    reason = 'Stack status reset by an operator'
    with write(_engine(conf)) as conn:
        found = stacks.load_stack(conn, args.stack_id)
        if found is None:
            raise Refused(f'There is no stack {args.stack_id}.')
        leases.seize(conn, found.root_id)
        tree = stacks.tree(conn, found.root_id)
        for one in tree:
            if one.status is Status.IN_PROGRESS:
                stacks.update_stack(conn, one.id, status=Status.FAILED, reason=reason, updated_at=now)
        resources.fail_unfinished(conn, [one.id for one in tree], reason, now)
    return 0


def verify(conf: cfg.ConfigOpts, args: Any) -> int:
    """Check every tree, or one; exit status 1 if anything is wrong."""
    crypt = Crypt(config.encryption_keys(conf))
    wrong = 0
    with read(_engine(conf)) as conn:
        checked = trees.roots(conn)
        if args.stack_id:
            if args.stack_id not in checked:
                raise Refused(f'There is no root stack {args.stack_id}.')
            checked = [args.stack_id]
        for root_id in checked:
            for sentence in integrity.check_tree(conn, root_id, crypt):
                wrong += 1
                print(sentence)
    print(f'{len(checked)} stacks checked, {wrong} findings.')
    return 1 if wrong else 0


def update_params(conf: cfg.ConfigOpts, args: Any) -> int:
    keys = config.encryption_keys(conf)
    earlier = [args.previous_encryption_key] if args.previous_encryption_key else []
    current = Crypt(keys)
    writer = current if args.crypt_operation == 'encrypt' else None
    engine, reader = _engine(conf), Crypt([*earlier, *keys])
    environments, sets = recrypt.recrypt(engine, reader, writer, renew=bool(earlier))
    # Whatever the switch says of parameters, what is always secret leaves the key before.
    secrets = rekey.rekey(engine, reader, current) if earlier else 0
    if args.verbose_update_params:
        print(f'{args.crypt_operation}: {environments} environments and {sets} property sets changed.')
        if earlier:
            print(f'Other secrets are under the new key as well, by {secrets} writes to rows.')
    return 0


def migrate_properties_data(conf: cfg.ConfigOpts, args: Any) -> int:
    print('Nothing to do: properties are kept in their own table since the first revision.')
    return 0


def migrate_convergence_1(conf: cfg.ConfigOpts, args: Any) -> int:
    print('Nothing to do: every stack is driven by the one engine there is.')
    return 0


def _add_commands(parsers: Any) -> None:
    """Sub-commands and their arguments: contract cli, heat-manage."""
    def add(name: str, task: Task, text: str, to: Any = parsers) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = to.add_parser(name, help=text)
        parser.set_defaults(task=task)
        return parser

    add('db_version', db_version, 'Show the revision of the database.')
    parser = add('db_sync', db_sync, 'Create the tables, or bring them to the newest revision.')
    parser.add_argument('version', nargs='?', help='Revision to stop at.')
    add('verify', verify, 'Check stored stacks for contradictions; nothing is changed.').add_argument(
        'stack_id', nargs='?', help='Root stack to check; all by default.')
    group = parsers.add_parser('service', help='The engine processes.').add_subparsers(
        dest='service_action', required=True)
    add('list', service_list, 'List the engines and whether they are up.', group)
    add('clean', service_clean, 'Remove engines that are down.', group)
    parser = add('purge_deleted', purge_deleted, 'Remove stacks that were deleted long ago.')
    parser.add_argument('age', nargs='?', type=int, default=90, help='How long ago (90).')
    parser.add_argument('-g', '--granularity', default='days', choices=sorted(_SECONDS), help='Unit of age.')
    parser.add_argument('-p', '--project-id', help='Only stacks of this project.')
    parser.add_argument('-b', '--batch_size', type=int, default=20, help='Stacks per transaction (20).')
    parser = add('resource_data_list', resource_data_list, 'Show the private data of a resource.')
    parser.add_argument('resource_id', help='Number or uuid of the resource.')
    parser = add('reset_stack_status', reset_stack_status, 'Mark stuck work FAILED.')
    parser.add_argument('stack_id', help='Id of the stack; its whole tree is reset.')
    parser = add('update_params', update_params, 'Encrypt or decrypt hidden parameters and properties.')
    parser.add_argument('crypt_operation', choices=['encrypt', 'decrypt'])
    parser.add_argument('previous_encryption_key', nargs='?',
                        help='Key of what is encrypted now, if it is not configured.')
    parser.add_argument('--verbose-update-params', action='store_true', help='Tell how much was changed.')
    add('migrate_properties_data', migrate_properties_data, 'Kept for scripts; does nothing.')
    parser = add('migrate_convergence_1', migrate_convergence_1, 'Kept for scripts; does nothing.')
    parser.add_argument('stack_id')


COMMAND = cfg.SubCommandOpt('command', title='Commands', help='What to do.', handler=_add_commands)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit status. ``argv`` are the arguments, None this process's."""
    try:
        conf = config.load('heat-manage', argv, cli_opts=[COMMAND])
        if conf.command.name is None:
            raise Refused('Name a command; --help lists them.')
        status: int = conf.command.task(conf, conf.command)
        return status
    except (Refused, config.ConfigError, migrate.MigrationError, WrongDatabase, NoDatabase, cfg.Error,
            InvalidEncryptionKey) as error:
        print(f'heat-manage: {error}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
