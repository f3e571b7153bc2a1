"""magnum and mistral."""
from plane.rest import url
from plane.service import Service, auth, common, uwsgi
from plane.settings import BIN, HOST, NODE, PKG, PORTS, PW, PYTHON, REGION
from plane.shell import ini, merge, run


class Magnum(Service):
    name, type, path, dbs = 'magnum', 'container-infra', '/v1', ('magnum',)
    apt = ('python3-magnum', 'python3-magnumclient')
    debs = ('magnum-common',)
    domains = {'magnum': 'magnum_domain_admin'}

    def configure(self):
        c = merge(common('magnum', db='magnum'), {
            'api': {'host': HOST, 'port': PORTS['magnum'], 'workers': 1,
                    'api_paste_config': PKG + '/usr/share/magnum-common/api-paste.ini'},
            'certificates': {'cert_manager_type': 'x509keypair'},
            'keystone_auth': auth('magnum'),
            'trust': {'trustee_domain_name': 'magnum', 'trustee_domain_admin_name': 'magnum_domain_admin',
                      'trustee_domain_admin_domain_name': 'magnum', 'trustee_domain_admin_password': PW,
                      'trustee_keystone_interface': 'public', 'trustee_keystone_region_name': REGION},
            'conductor': {'workers': 1},
            'cinder': {'default_docker_volume_type': '__DEFAULT__'},
            'cinder_client': {'region_name': REGION}, 'nova_client': {'api_version': '2'},
            **{k + '_client': {'region_name': REGION, 'endpoint_type': 'publicURL'}
               for k in ('magnum', 'heat', 'glance', 'neutron', 'octavia', 'barbican')}})
        c['keystone_authtoken']['auth_version'] = 'v3'
        c['keystone_authtoken'].update(admin_user='magnum', admin_password=PW, admin_tenant_name='service')
        ini(self.conf, c)

    def sync(self):
        run(['/usr/bin/magnum-db-manage', '--config-file', self.conf, 'upgrade'], 'sync-magnum')

    def procs(self):
        return {'magnum': uwsgi('magnum', '/usr/bin/magnum-api-wsgi', threads=4,
                                pyargv='--config-file ' + self.conf),
                'magnum-conductor': (['/usr/bin/magnum-conductor', '--config-file', self.conf], {})}


class Mistral(Service):
    name, type, path, dbs = 'mistral', 'workflowv2', '/v2', ('mistral',)
    apt = ('python3-mistral', 'python3-mistralclient')
    debs = ('mistral-common',)

    def configure(self):
        c = merge(common('mistral', db='mistral'), {
            'api': {'host': HOST, 'port': PORTS['mistral'], 'api_workers': 1},
            'pecan': {'auth_enable': 'true'},
            'engine': {'host': NODE}, 'executor': {'host': NODE, 'type': 'remote'},
            'scheduler': {'fixed_delay': 0.5, 'random_delay': 1},
            'openstack_actions': {'os_actions_endpoint_type': 'public', 'default_region': REGION}})
        # It makes trusts for its triggers there, and asks for no versions.
        c['keystone_authtoken']['www_authenticate_uri'] = url('keystone', '/v3')
        for k in ('host', 'state_path', 'executor_thread_pool_size'):
            c['DEFAULT'].pop(k)
        ini(self.conf, c)

    def sync(self):
        m = [PYTHON, BIN + '/mistral-db-manage', '--config-file', self.conf]
        run(m + ['upgrade', 'head'], 'sync-mistral')
        run(m + ['populate'], 'sync-mistral')

    def procs(self):
        return {'mistral': ([PYTHON, BIN + '/mistral-server', '--config-file', self.conf,
                             '--server', 'api,engine,executor'], {})}
