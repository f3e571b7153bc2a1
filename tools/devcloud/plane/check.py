"""check and check-heat: does this cloud work, does a Heat work against it."""
import os
import shlex
import subprocess
import sys
import time

from plane.groups import select
from plane.rest import Api
from plane.service import ENABLED
from plane.settings import DEMO_PW, HERE, PYTHON
from plane.shell import child_env, path, run, say
from plane.verbs import openrc_text


def user_env(who):
    env = dict(line[7:].split('=', 1) for line in openrc_text(who).splitlines())
    return {k: shlex.split(v)[0] for k, v in env.items()}


def check(args):
    select(None)
    key = path('check', 'id.pub')
    if not os.path.exists(key):
        run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key[:-4]])
    env = child_env(dict(user_env(args.who), DEVCLOUD_ENABLED=' '.join(ENABLED)))
    env.pop('PYTHONPATH')
    with open(os.path.join(HERE, 'plane', 'osc_check.py')) as f:
        program = f.read()
    p = 'dc%04x' % (int(time.time()) & 0xffff)       # names of its own
    text = program
    for name in ('dc-', 'dc_flow', 'dc.example'):
        text = text.replace(name, p + name[2:])
    sys.exit(subprocess.run([PYTHON, '-c', text, key], env=env).returncode)


def heat_check(api, base, template, name='dc-heat-check', timeout=300):
    def wait(u, last, gone=False):
        t = time.time()
        while time.time() - t < timeout:
            r = api('GET', u, ok=(404, 301, 302))
            if r.status == 404 and gone:
                return 'DELETE_COMPLETE', '', time.time() - t
            s = r.json['stack']
            if s['stack_status'].endswith(('_COMPLETE', '_FAILED')) and s['stack_status'].startswith(last):
                return s['stack_status'], s['stack_status_reason'], time.time() - t
            time.sleep(0.25)
        return 'TIMEOUT', s['stack_status'], timeout

    s = api('POST', base + '/stacks', {'stack_name': name, 'template': template,
                                       'timeout_mins': 10}).json['stack']
    u = base + '/stacks/%s/%s' % (name, s['id'])
    state, why, seconds = wait(u, 'CREATE')
    say('%s in %.1fs %s' % (state, seconds, why))
    ok = state == 'CREATE_COMPLETE'
    for r in api('GET', u + '/resources').json['resources']:
        print('    %-12s %-32s %s %s' % (r['resource_name'], r['resource_type'], r['resource_status'],
                                         '' if r['resource_status'] == 'CREATE_COMPLETE'
                                         else r['resource_status_reason']))
    print('    outputs:', {o['output_key']: o.get('output_value')
                           for o in api('GET', u).json['stack']['outputs']})
    api('DELETE', u)
    state, why, seconds = wait(u, 'DELETE', True)
    say('%s in %.1fs %s' % (state, seconds, why))
    return ok and state == 'DELETE_COMPLETE'


def check_heat(args):
    demo = Api('demo', DEMO_PW, 'demo').login()
    with open(os.path.join(HERE, 'stack.yaml')) as f:
        template = f.read()
    base = args.url.rstrip('/') + '/v1/' + demo.project_id
    sys.exit(0 if heat_check(demo, base, template) else 1)
