"""blazar, which Debian does not have: its own code from PyPI on Debian's libraries."""
import os

from plane.rest import url
from plane.service import Service, auth, common, db_url
from plane.settings import HOST, PORTS, PW, REGION
from plane.shell import ini, merge, run


class Blazar(Service):
    name, type, path, dbs = 'blazar', 'reservation', '/v1', ('blazar',)
    apt = ('python3-flask', 'python3-wsme', 'python3-microversion-parse', 'python3-retrying')
    wheels = ('blazar==10.0.0',)

    def configure(self):
        c = merge(common('blazar', db='blazar'), {
            'DEFAULT': {'host': HOST, 'port': PORTS['blazar'], 'os_auth_host': HOST,
                        'os_auth_port': PORTS['keystone'], 'os_auth_protocol': 'http', 'os_auth_version': 'v3',
                        'os_admin_username': 'blazar', 'os_admin_password': PW,
                        'os_admin_project_name': 'service', 'identity_service': 'identity',
                        'os_region_name': REGION, 'endpoint_type': 'public'},
            'manager': {'plugins': 'physical.host.plugin,virtual.instance.plugin'},
            'nova': {'endpoint_type': 'public'}, 'neutron': {'endpoint_type': 'public'},
            'placement': {'endpoint_type': 'public'}})
        for k in ('executor_thread_pool_size', 'state_path'):
            c['DEFAULT'].pop(k)
        ini(self.conf, c)

    def sync(self):
        run([self.venv + '/bin/blazar-db-manage', '--config-file', self.conf, 'upgrade', 'head'], 'sync-blazar')

    def procs(self):
        return {n: ([os.path.join(self.venv, 'bin', n), '--config-file', self.conf], {})
                for n in ('blazar-api', 'blazar-manager')}

    def late(self, api):
        have = {a['name'] for a in api('GET', 'compute/os-aggregates').json['aggregates']}
        if 'freepool' not in have:
            api('POST', 'compute/os-aggregates', {'aggregate': {'name': 'freepool'}})
