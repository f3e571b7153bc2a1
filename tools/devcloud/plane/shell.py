"""Files, commands and waiting: what every other module of this package stands on.

A child never inherits the caller's Python, virtualenv or OS_* variables.
"""
import os
import socket
import subprocess
import sys
import threading
import time

from plane.settings import HOME, HOST, PLUGINS, TIMEOUT

T0 = time.time()
_print_lock = threading.Lock()


def say(msg):
    with _print_lock:
        print('[%6.1fs] %s' % (time.time() - T0, msg), flush=True)


def die(msg):
    say('FATAL: ' + msg)
    sys.exit(1)


def path(*a):
    p = os.path.join(HOME, *a)
    os.makedirs(os.path.dirname(p), exist_ok=True)
    return p


def write(p, text, mode=0o600):
    os.makedirs(os.path.dirname(p), exist_ok=True)
    with open(p, 'w') as f:
        f.write(text)
    os.chmod(p, mode)
    return p


def ini(p, conf):
    out = []
    for section, values in conf.items():
        out.append('[%s]' % section)
        for k, v in values.items():
            for one in (v if isinstance(v, list) else [v]):
                out.append('%s = %s' % (k, one))
        out.append('')
    return write(p, '\n'.join(out))


def merge(*confs):
    out = {}
    for c in confs:
        for s, v in c.items():
            out.setdefault(s, {}).update(v)
    return out


def child_env(extra=None):
    """What every child gets: Debian's Python and nothing of the caller's."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(('OS_', 'PYTHON', 'PIP_', 'PYENV', 'VIRTUAL_ENV'))}
    env.update({'PATH': '/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin',
                'HOME': env.get('HOME', '/root'), 'LANG': 'C.UTF-8',
                'no_proxy': '127.0.0.1,localhost', 'NO_PROXY': '127.0.0.1,localhost',
                'PYTHONPATH': PLUGINS, 'PYTHONWARNINGS': 'ignore',
                'PYTHONUNBUFFERED': '1'})
    env.update(extra or {})
    return env


def run(cmd, log=None, env=None, check=True, input=None, quiet=True, cwd=None):
    """Run a command to its end; its output goes to log/<log>.log."""
    t = time.time()
    p = subprocess.run(cmd, env=child_env(env), input=input, cwd=cwd,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       universal_newlines=True)
    if log:
        with open(path('log', log + '.log'), 'a') as f:
            f.write('$ %s\n%s(rc %d, %.1fs)\n' % (
                ' '.join(cmd), p.stdout, p.returncode, time.time() - t))
    if check and p.returncode:
        raise RuntimeError('%s failed (%d): %s' % (
            ' '.join(cmd)[:200], p.returncode, p.stdout[-3000:]))
    return p.stdout


def listening(port, host=None):
    try:
        socket.create_connection((host or HOST, port), 0.5).close()
        return True
    except OSError:
        return False


def wait_for(what, test, timeout=None, every=0.2):
    timeout = timeout or TIMEOUT
    end = time.time() + timeout
    while time.time() < end:
        try:
            r = test()
        except Exception:
            r = None
        if r:
            return r
        time.sleep(every)
    raise RuntimeError('%s: not there after %d seconds' % (what, timeout))
