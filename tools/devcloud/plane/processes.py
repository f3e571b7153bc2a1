"""The children of this cloud, remembered by pid and start time.

A pid file alone could name a stranger after a restart of the machine; with the
start time beside it nobody else's process is ever signalled.
"""
import glob
import os
import re
import signal
import subprocess
import time

from plane.settings import HOME
from plane.shell import child_env, path, write


class Proc:
    """A child in a process group of its own, remembered by pid + start time."""

    def __init__(self, name):
        self.name = name
        self.file = path('run', name + '.pid')

    @staticmethod
    def _start_time(pid):
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[19]

    def pid(self):
        try:
            with open(self.file) as f:
                pid, start = f.read().split()
            if self._start_time(int(pid)) == start and self._state(int(pid)) != 'Z':
                return int(pid)
        except (OSError, ValueError):
            pass
        return None

    @staticmethod
    def _state(pid):
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0]

    def start(self, cmd, env=None, user=None, cwd=None, nice=0):
        if self.pid():
            return
        log = open(path('log', self.name + '.log'), 'ab')
        log.write(('\n=== %s %s\n' % (time.strftime('%F %T'), ' '.join(cmd))).encode())
        log.flush()
        kw = {}
        if user:
            kw = {'user': user, 'group': user, 'extra_groups': []}
        p = subprocess.Popen(cmd, env=child_env(env), stdin=subprocess.DEVNULL,
                             stdout=log, stderr=log, cwd=cwd or '/',
                             start_new_session=True, **kw)
        write(self.file, '%d %s\n' % (p.pid, self._start_time(p.pid)))

    def group(self):
        """Every live process of this child's group."""
        pid = self.pid()
        if not pid:
            return []
        out = []
        for d in glob.glob('/proc/[0-9]*/stat'):
            try:
                with open(d) as f:
                    s = f.read()
                if int(s.rsplit(')', 1)[1].split()[2]) == pid:
                    out.append(int(d.split('/')[2]))
            except (OSError, ValueError):
                pass
        return out

    def signal(self, sig):
        pid = self.pid()
        if pid:
            try:
                os.killpg(pid, sig)
            except OSError:
                pass

    def forget(self):
        if os.path.exists(self.file):
            os.unlink(self.file)


def all_procs():
    return [Proc(os.path.basename(f)[:-4])
            for f in sorted(glob.glob(os.path.join(HOME, 'run', '*.pid')))]


def memory(pids):
    pss = 0
    for p in pids:
        try:
            with open('/proc/%d/smaps_rollup' % p) as f:
                pss += int(re.search(r'^Pss:\s+(\d+)', f.read(), re.M).group(1))
        except (OSError, AttributeError):
            pass
    return pss / 1024.0


def stop(procs, grace=8):
    for p in procs:
        p.signal(signal.SIGTERM)
    end = time.time() + grace
    while time.time() < end and any(p.pid() for p in procs):
        time.sleep(0.1)
    for p in procs:
        p.signal(signal.SIGKILL)
    for p in procs:
        for _ in range(50):
            if not p.pid():
                break
            time.sleep(0.1)
        p.forget()
