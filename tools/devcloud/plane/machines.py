"""ironic, whose machines are imagined."""
from plane.service import Service, auth, common, uwsgi
from plane.settings import BIN, HOST, PORTS, PYTHON
from plane.shell import ini, merge, path, run


class Ironic(Service):
    name, type, dbs = 'ironic', 'baremetal', ('ironic',)
    apt = ('python3-ironic', 'python3-ironicclient')
    debs = ('ironic-common',)

    def configure(self):
        fake = {'enabled_%s_interfaces' % kind: 'fake' for kind in (
            'boot', 'console', 'deploy', 'inspect', 'management', 'power', 'raid', 'rescue', 'vendor')}
        c = merge(common('ironic', db='ironic'), {
            'DEFAULT': dict(fake, my_ip=HOST, auth_strategy='keystone', enabled_hardware_types='fake-hardware',
                            enabled_bios_interfaces='no-bios', enabled_network_interfaces='noop',
                            enabled_storage_interfaces='noop', default_network_interface='noop',
                            rootwrap_config='/nonexistent', rpc_transport='oslo'),
            'api': {'host_ip': HOST, 'port': PORTS['ironic'], 'api_workers': 1},
            'conductor': {'api_url': 'http://%s:%d' % (HOST, PORTS['ironic']), 'workers_pool_size': 8,
                          'sync_power_state_interval': -1, 'automated_clean': 'false'},
            'agent': {'image_download_source': 'http'},
            'pxe': {'tftp_root': path('state', 'ironic', 'tftp', ''),
                    'images_path': path('state', 'ironic', 'images', ''),
                    'tftp_master_path': path('state', 'ironic', 'master', ''), 'instance_master_path': ''},
            'deploy': {'http_root': path('state', 'ironic', 'http', '')},
            **{k: auth('ironic') for k in ('service_catalog', 'neutron', 'glance', 'cinder', 'swift', 'nova',
                                           'inspector')}})
        ini(self.conf, c)

    def sync(self):
        run([PYTHON, BIN + '/ironic-dbsync', '--config-file', self.conf, 'upgrade'], 'sync-ironic')

    def procs(self):
        return {'ironic': uwsgi('ironic', BIN + '/ironic-api-wsgi', threads=4,
                                pyargv='--config-file ' + self.conf),
                'ironic-conductor': ([PYTHON, BIN + '/ironic-conductor', '--config-file', self.conf], {})}
