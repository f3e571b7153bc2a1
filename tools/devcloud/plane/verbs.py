"""up, status, openrc, down and logs."""
import concurrent.futures
import glob
import os
import shlex
import shutil
import sys

from plane.backing import (rabbit_eval, setup_mariadb, setup_rabbit, sql, start_mariadb, start_rabbit,
                           stop_epmd)
from plane.databases import make_databases
from plane.groups import select
from plane.identity import identity
from plane.packages import install
from plane.processes import Proc, all_procs, memory, stop
from plane.rest import url
from plane.service import ENABLED, SERVICES
from plane.settings import (DBP, DEMO_PW, HERE, HOME, HOST, MYSQL_PORT, PLUGINS, PORTS, PW, RABBIT_PORT,
                            REGION, TIMEOUT, VHOST)
from plane.shell import die, listening, path, say, wait_for, write


def start(service):
    for name, (cmd, env) in service.procs().items():
        Proc(name).start(cmd, env)


def up(args):
    services = select(args.services)
    install(services)
    for d in ('log', 'run', 'etc', 'state'):
        os.makedirs(os.path.join(HOME, d), exist_ok=True)
    write(os.path.join(HOME, 'services'), ' '.join(ENABLED) + '\n')
    shutil.copytree(os.path.join(HERE, 'drivers'), PLUGINS, dirs_exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(4) as ex:
        jobs = [ex.submit(lambda: (start_mariadb(), setup_mariadb())),
                ex.submit(lambda: (start_rabbit(), os.path.exists(path('state', 'vhost')) or
                                   (setup_rabbit(), write(path('state', 'vhost'), VHOST))))]
        for s in services:
            s.configure()
        for j in jobs:
            j.result()
    if not listening(PORTS['memcached']):
        Proc('memcached').start(['/usr/bin/memcached', '-u', 'nobody', '-l', HOST, '-m', '64',
                                 '-p', str(PORTS['memcached'])])
    say('MariaDB, RabbitMQ, memcached are there; databases')
    make_databases(services)
    ks = SERVICES['keystone']
    start(ks)
    with concurrent.futures.ThreadPoolExecutor(4) as ex:
        jobs = [ex.submit(s.prepare) for s in services]
        if not os.path.exists(path('synced', 'bootstrap')):
            ks.bootstrap()
            write(path('synced', 'bootstrap'), '')
        for j in jobs:
            j.result()
    wait_for('keystone', ks.ready, timeout=TIMEOUT)
    admin = identity(services)
    say('keystone is up, users and endpoints are made')
    rest = services[1:]
    for s in rest:
        start(s)

    def one(s):
        try:
            wait_for(s.name, s.ready, timeout=TIMEOUT)
        except RuntimeError as e:
            return s.name, e
        say('  %s answers' % s.name)
        return None

    with concurrent.futures.ThreadPoolExecutor(16) as ex:
        failed = [r for r in ex.map(one, rest) if r]
    for name, e in failed:
        say('%s: %s; see devcloud logs %s' % (name, e, name))
    if failed:
        sys.exit(1)
    admin.login()
    for s in services:
        s.late(admin)
    for who in ('admin', 'demo'):
        write(path('openrc-' + who), openrc_text(who))
    dead = [n for s in services for n in s.procs() if not Proc(n).pid()]
    if dead:
        die('these ended: %s (devcloud logs NAME)' % ' '.join(dead))
    total = memory([p for q in all_procs() for p in q.group()])
    say('up: %s; %.0f MB; . %s' % (' '.join(ENABLED), total, path('openrc-admin')))


def openrc_text(who):
    v = {'OS_AUTH_URL': url('keystone', '/v3'), 'OS_IDENTITY_API_VERSION': '3',
         'OS_USERNAME': who, 'OS_PASSWORD': PW if who == 'admin' else DEMO_PW,
         'OS_PROJECT_NAME': who, 'OS_USER_DOMAIN_NAME': 'Default',
         'OS_PROJECT_DOMAIN_NAME': 'Default', 'OS_USER_DOMAIN_ID': 'default',
         'OS_PROJECT_DOMAIN_ID': 'default', 'OS_REGION_NAME': REGION,
         'OS_AUTH_TYPE': 'password'}
    return ''.join('export %s=%s\n' % (k, shlex.quote(x)) for k, x in v.items())


def openrc(args):
    sys.stdout.write(openrc_text(args.who))


def status(args):
    services = select(None)
    total, bad = 0, 0
    print('%-22s %8s %6s %8s' % ('process', 'pid', 'procs', 'MB (PSS)'))
    for p in all_procs():
        g = p.group()
        m = memory(g)
        total += m
        bad += not g
        print('%-22s %8s %6d %8.0f%s' % (p.name, p.pid() or '-', len(g), m, '' if g else '  ENDED'))
    print('%-22s %8s %6s %8.0f' % ('total', '', '', total))
    for s in services:
        try:
            ok = s.ready()
        except Exception:
            ok = False
        bad += not ok
        print('%-22s %s' % (s.name, 'answers' if ok else 'DOES NOT ANSWER'))
    sys.exit(1 if bad else 0)


BACKING = ('mariadb', 'rabbitmq', 'memcached')


def down(args):
    procs = all_procs()
    stop([p for p in procs if p.name not in BACKING])
    if args.wipe:
        names = [d for d in sql('SHOW DATABASES').split() if d.startswith(DBP)] \
            if listening(MYSQL_PORT) else []
        if names:
            sql(''.join('DROP DATABASE `%s`;' % n for n in names))
        if listening(RABBIT_PORT):
            try:
                rabbit_eval('[rabbit_vhost:exists(V) andalso rabbit_vhost:delete(V, <<"devcloud">>) '
                            '|| V <- [<<"{0}">>]].'.format(VHOST))
            except RuntimeError as e:
                say(str(e)[:300])
    stop([p for p in procs if p.name in BACKING], grace=20)
    stop_epmd()
    if args.wipe:
        keep = HOME + '.last-logs'
        shutil.rmtree(keep, ignore_errors=True)
        if os.path.isdir(os.path.join(HOME, 'log')):
            shutil.move(os.path.join(HOME, 'log'), keep)
        shutil.rmtree(HOME, ignore_errors=True)
    say('down' + (' and wiped' if args.wipe else ''))


def logs(args):
    if not args.name:
        for f in sorted(glob.glob(os.path.join(HOME, 'log', '*.log'))):
            with open(f, errors='replace') as g:
                n = sum(1 for line in g if any(w in line for w in (' ERROR ', ' CRITICAL ', 'Traceback')))
            print('%8d bytes %5d errors  %s' % (os.path.getsize(f), n, f))
        return
    f = os.path.join(HOME, 'log', args.name + '.log')
    os.execvp('tail', ['tail', '-n', str(args.lines)] + (['-F'] if args.follow else []) + [f])
