"""Debian's packages: libraries installed, daemons' packages only unpacked; wheels for what Debian lacks.

Paste files, policies and entry scripts live in the daemons' packages; unpacking
instead of installing makes no users, no /etc and no services. Wheels go into a
virtual environment of the service's own, which sees Debian's libraries.
"""
import fcntl
import glob
import os
import subprocess
import time

from plane.settings import APT_LOCK, LIB, PKG, PYTHON
from plane.shell import die, path, say, write

BASE_APT = ['mariadb-server', 'mariadb-client', 'rabbitmq-server', 'memcached',
            'uwsgi-core', 'uwsgi-plugin-python3', 'python3-pymysql', 'python3-memcache',
            'python3-openstackclient', 'python3-heatclient', 'python3-venv', 'openssh-client']


def installed(names):
    out = subprocess.run(['dpkg-query', '-W', '-f', '${Package} ${Status}\n'] + list(names),
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         universal_newlines=True).stdout
    have = {x.split()[0] for x in out.splitlines() if x.endswith('install ok installed')}
    return [n for n in names if n not in have]


def apt_get(*args):
    env = dict(os.environ, DEBIAN_FRONTEND='noninteractive')
    for attempt in (1, 2, 3):
        p = subprocess.run(['apt-get', '-o', 'DPkg::Lock::Timeout=300', '-q'] + list(args),
                           env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, universal_newlines=True)
        with open(path('log', 'apt.log'), 'a') as f:
            f.write('$ apt-get %s\n%s' % (' '.join(args), p.stdout))
        if p.returncode == 0:
            return
        if attempt == 1 and args[0] != 'update':
            apt_get('update')
        time.sleep(2)
    raise RuntimeError('apt-get %s: %s' % (' '.join(args), p.stdout[-2000:]))


def todo(services, more):
    apt = installed(dict.fromkeys(BASE_APT + list(more) + [a for s in services for a in s.apt]))
    debs = [d for s in services for d in s.debs
            if not os.path.exists(os.path.join(LIB, 'done', d))]
    venvs = [s for s in services if s.wheels and not os.path.exists(os.path.join(s.venv, 'done'))]
    return apt, debs, venvs


def install(services, more=()):
    """What these services need and is missing, and `more`, by apt; nothing is started."""
    if not any(todo(services, more)):
        return
    if os.geteuid():
        die('install needs root')
    with open(APT_LOCK, 'w') as lock:
        # one at a time: the first to end removes policy-rc.d
        fcntl.flock(lock, fcntl.LOCK_EX)
        fetch(*todo(services, more))
    say('installed')


def fetch(apt, debs, venvs):
    if apt:
        # Daemons' packages must not start anything: devcloud starts its own.
        policy, made = '/usr/sbin/policy-rc.d', False
        if not os.path.exists(policy):
            write(policy, '#!/bin/sh\nexit 101\n', 0o755)
            made = True
        try:
            say('installing %d packages: %s' % (len(apt), ' '.join(apt)))
            apt_get('install', '-y', '--no-install-recommends', *apt)
        finally:
            if made:
                os.unlink(policy)
    if debs:
        say('unpacking %s' % ' '.join(debs))
        tmp = os.path.join(LIB, 'debs')
        os.makedirs(tmp, exist_ok=True)
        os.makedirs(PKG, exist_ok=True)
        for attempt in (1, 2):
            p = subprocess.run(['apt-get', '-q', 'download'] + debs, cwd=tmp,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               universal_newlines=True)
            if p.returncode == 0:
                break
            apt_get('update')
        else:
            raise RuntimeError('apt-get download: ' + p.stdout[-2000:])
        for f in glob.glob(os.path.join(tmp, '*.deb')):
            subprocess.run(['dpkg-deb', '-x', f, PKG], check=True)
            os.unlink(f)
        for d in debs:
            write(os.path.join(LIB, 'done', d), '')
    for s in venvs:
        say('fetching %s' % ' '.join(s.wheels))
        build(s)


def build(service):
    """The virtual environment of a service; done is what was written to the end."""
    # Where the packages are to be had is said by the caller's PIP_* variables, if by anything.
    env = {k: v for k, v in os.environ.items() if not k.startswith(('OS_', 'PYTHON', 'VIRTUAL_ENV'))}
    for cmd in ([PYTHON, '-m', 'venv', '--clear', '--system-site-packages', service.venv],
                [service.python, '-m', 'pip', 'install', '-q', '--no-deps', *service.wheels]):
        p = subprocess.run(cmd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, universal_newlines=True, cwd='/')
        with open(path('log', 'pip.log'), 'a') as f:
            f.write('$ %s\n%s' % (' '.join(cmd), p.stdout))
        if p.returncode:
            raise RuntimeError('%s: %s' % (' '.join(cmd), p.stdout[-2000:]))
    write(os.path.join(service.venv, 'done'), '')
