"""The databases: schemas are made once, dumped, and restored afterwards."""
import concurrent.futures
import hashlib
import os
import subprocess
import time

from plane.backing import MYSQL, sql
from plane.settings import DBP, LIB, PW
from plane.shell import child_env, path, say, write


def databases(services):
    return [DBP + d for s in services for d in s.dbs]


def make_databases(services):
    fresh = [s for s in services if s.dbs and not os.path.exists(path('synced', s.name))]
    if not fresh:
        return
    sql(''.join('DROP DATABASE IF EXISTS `{0}`; CREATE DATABASE `{0}` CHARACTER SET utf8;'
                .format(d) for d in databases(fresh)))
    cached, work = [], []
    for s in fresh:
        (cached if os.path.exists(schema_file(s)) else work).append(s)

    def load(s):
        with open(schema_file(s)) as f:
            sql(f.read())

    def sync(s):
        t = time.time()
        s.sync()
        dump_schema(s)
        say('  schema of %s made (%.0fs)' % (s.name, time.time() - t))

    with concurrent.futures.ThreadPoolExecutor(3) as ex:
        list(ex.map(load, cached))
        # the slowest first
        order = ['neutron', 'nova', 'cinder']
        work.sort(key=lambda s: order.index(s.name) if s.name in order else 9)
        list(ex.map(sync, work))
    for s in fresh:
        if s.name == 'nova':
            s.cells()
        write(path('synced', s.name), '')
    if cached:
        say('  schemas of %s restored' % ' '.join(s.name for s in cached))


def dump_schema(s, rows=None):
    """Everything; or every table, but only those tables' rows."""
    common_args = ['mariadb-dump'] + MYSQL[1:] + ['--skip-comments']
    out = ''
    for d in (DBP + d for d in s.dbs):
        out += 'CREATE DATABASE IF NOT EXISTS `{0}` CHARACTER SET utf8; USE `{0}`;\n'.format(d)
        for args in [['--no-data', d], ['--no-create-info', d] + list(rows)] if rows else [[d]]:
            out += subprocess.run(common_args + args, env=child_env(), stdout=subprocess.PIPE,
                                  check=True, universal_newlines=True).stdout
    write(schema_file(s), out)


def schema_file(s):
    """Schemas are dumped once and restored afterwards; keyed by package version."""
    if not hasattr(s, '_key'):
        v = subprocess.run(['dpkg-query', '-W', '-f', '${Package} ${Version}\n'] + list(s.apt),
                           stdout=subprocess.PIPE, universal_newlines=True).stdout
        s._key = hashlib.sha256((v + ''.join(s.wheels) + DBP + PW).encode()).hexdigest()[:12]
    return os.path.join(LIB, 'schema', '%s-%s.sql' % (s.name, s._key))
