"""The core: keystone, glance, placement, neutron, nova and cinder.

Only what lies behind them is fake: nova's FakeDriver, the mechanism and volume
drivers in ../drivers. See README.md, "What is fake".
"""
import base64
import os

from plane.backing import sql
from plane.rest import Api, http_json, url
from plane.service import ENABLED, SERVICES, Service, amqp_url, auth, common, db_url, uwsgi
from plane.settings import BIN, DBP, DEMO_PW, HOME, HOST, PKG, PORTS, PW, PYTHON, REGION
from plane.shell import ini, merge, run, wait_for, write


class Keystone(Service):
    name, dbs, users = 'keystone', ('keystone',), ()
    apt = ('python3-keystone',)

    def configure(self):
        for d in ('fernet-keys', 'credential-keys'):
            for n in ('0', '1'):
                p = self.etc(d, n)
                if not os.path.exists(p):
                    write(p, base64.urlsafe_b64encode(os.urandom(32)).decode())
        c = common('keystone', db='keystone')
        del c['keystone_authtoken'], c['service_user'], c['DEFAULT']['executor_thread_pool_size']
        c = merge(c, {
            'token': {'provider': 'fernet', 'expiration': 86400},
            'fernet_tokens': {'key_repository': self.etc('fernet-keys')},
            # receipts (multi-factor) keep their own option, whose default is under /etc
            'fernet_receipts': {'key_repository': self.etc('fernet-keys')},
            'credential': {'key_repository': self.etc('credential-keys')},
            'cache': {'enabled': 'true', 'backend': 'dogpile.cache.memcached',
                      'memcache_servers': '%s:%d' % (HOST, PORTS['memcached'])},
            'identity': {'password_hash_rounds': 4},
            'wsgi': {'debug_middleware': 'false'},
        })
        ini(self.conf, c)

    def sync(self):
        run(['/usr/bin/keystone-manage', '--config-file', self.conf, 'db_sync'], 'sync-keystone')

    def bootstrap(self):
        run(['/usr/bin/keystone-manage', '--config-file', self.conf, 'bootstrap',
             '--bootstrap-username', 'admin', '--bootstrap-password', PW,
             '--bootstrap-project-name', 'admin', '--bootstrap-role-name', 'admin',
             '--bootstrap-service-name', 'keystone', '--bootstrap-region-id', REGION,
             '--bootstrap-public-url', url('keystone', '/v3'),
             '--bootstrap-internal-url', url('keystone', '/v3'),
             '--bootstrap-admin-url', url('keystone', '/v3')], 'sync-keystone')

    def procs(self):
        return {'keystone': uwsgi('keystone', '/usr/bin/keystone-wsgi-public',
                                  pyargv='--config-file ' + self.conf, threads=8)}

    def ready(self):
        return http_json('GET', url('keystone', '/v3')).status == 200


class Glance(Service):
    name, type, dbs = 'glance', 'image', ('glance',)
    apt = ('python3-glance',)
    debs = ('glance-common', 'glance-api')

    def configure(self):
        st = os.path.join(HOME, 'state', 'glance')
        for d in ('images', 'staging', 'tasks'):
            os.makedirs(os.path.join(st, d), exist_ok=True)
        c = merge(common('glance', db='glance'), {
            'DEFAULT': {
                'bind_host': HOST, 'bind_port': PORTS['glance'], 'workers': 0,
                'enabled_backends': 'file:file', 'host': HOST,
                'enabled_import_methods': '[glance-direct,web-download,copy-image]',
                'enable_v1_api': 'false', 'node_staging_uri': 'file://%s/staging' % st},
            'glance_store': {'default_backend': 'file'},
            'file': {'filesystem_store_datadir': st + '/images'},
            'os_glance_staging_store': {'filesystem_store_datadir': st + '/staging'},
            'os_glance_tasks_store': {'filesystem_store_datadir': st + '/tasks'},
            # web-download takes 80 and 443 only unless told otherwise
            'import_filtering_opts': {'allowed_ports': '[]'},
            'paste_deploy': {'flavor': 'keystone',
                             'config_file': PKG + '/usr/share/glance-common/glance-api-paste.ini'},
        })
        ini(self.conf, c)

    def sync(self):
        run([PYTHON, BIN + '/glance-manage', '--config-file', self.conf, 'db_sync'], 'sync-glance')

    def procs(self):
        return {'glance': ([PYTHON, BIN + '/glance-api', '--config-file', self.conf], {})}

    def late(self, api):
        have = {i['name'] for i in api('GET', 'image/v2/images?limit=1000').json['images']}
        images = {'cirros-like': 'cirros'}
        if 'magnum' in ENABLED:      # a driver is chosen by the image's distribution
            images['fedora-coreos-like'] = 'fedora-coreos'
        for name, distro in images.items():
            if name not in have:
                i = api('POST', 'image/v2/images', {
                    'name': name, 'disk_format': 'raw', 'container_format': 'bare',
                    'visibility': 'public', 'os_distro': distro,
                    'min_disk': 0, 'min_ram': 0}).json
                api('PUT', 'image/v2/images/%s/file' % i['id'],
                    raw=b'devcloud'.ljust(1 << 20, b'\0'),
                    headers={'Content-Type': 'application/octet-stream'})


class Placement(Service):
    name, type, dbs = 'placement', 'placement', ('placement',)
    apt = ('python3-placement',)

    def configure(self):
        c = common('placement')
        c['placement_database'] = {'connection': db_url('placement'), 'max_pool_size': 5}
        c['api'] = {'auth_strategy': 'keystone'}
        del c['service_user']
        ini(self.conf, c)

    def sync(self):
        run(['/usr/bin/placement-manage', '--config-file', self.conf, 'db', 'sync'], 'sync-placement')

    def procs(self):
        return {'placement': uwsgi('placement', '/usr/bin/placement-api',
                                   env={'OS_PLACEMENT_CONFIG_DIR': self.etc()})}


class Neutron(Service):
    name, type, dbs = 'neutron', 'network', ('neutron',)
    debs = ('neutron-common',)
    service_plugins = ['router', 'qos', 'trunk', 'segments', 'metering',
                       'port_forwarding', 'auto_allocate', 'tag', 'timestamp',
                       'network_segment_range', 'revisions', 'flavors',
                       'network_ip_availability']

    @staticmethod
    def more():
        """Groups that are plugins of it."""
        return [SERVICES[n] for n in ENABLED if SERVICES[n].plugins]

    @property
    def apt(self):
        return ('python3-neutron',) + sum((s.apt for s in self.more()), ())

    def configure(self):
        more = self.more()
        c = merge(common('neutron', db='neutron'), {
            'DEFAULT': {
                'bind_host': HOST, 'bind_port': PORTS['neutron'], 'core_plugin': 'ml2',
                'service_plugins': ','.join(
                    self.service_plugins + [p for s in more for p in s.plugins]),
                'api_workers': 0, 'rpc_workers': 1, 'rpc_state_report_workers': 0,
                'api_paste_config': PKG + '/usr/share/neutron-common/api-paste.ini',
                'dhcp_agent_notification': 'false', 'allow_overlapping_ips': 'true',
                'notify_nova_on_port_status_changes': 'true',
                'notify_nova_on_port_data_changes': 'true',
                'allow_automatic_l3agent_failover': 'false', 'l3_ha': 'false',
                'dns_domain': 'devcloud.', 'global_physnet_mtu': 1500,
                'max_routes': 100, 'send_events_interval': 1},
            'service_providers': {'service_provider': [p for s in more for p in s.providers]},
            'nova': auth('nova'),
            'placement': auth('placement'),
            'quotas': {'default_quota': -1, 'quota_network': 1000, 'quota_subnet': 1000,
                       'quota_port': 5000, 'quota_router': 500, 'quota_floatingip': 500,
                       'quota_security_group': 1000, 'quota_security_group_rule': 5000},
            'ml2': {'type_drivers': 'local,flat,vlan,gre,vxlan,geneve',
                    'tenant_network_types': 'vxlan',
                    'mechanism_drivers': 'openvswitch,devcloud',
                    'extension_drivers': 'port_security,qos,dns_domain_ports'},
            'ml2_type_flat': {'flat_networks': '*'},
            'ml2_type_vlan': {'network_vlan_ranges': 'public,physnet1:100:1999'},
            'ml2_type_vxlan': {'vni_ranges': '1:10000'},
            'ml2_type_gre': {'tunnel_id_ranges': '1:10000'},
            'ml2_type_geneve': {'vni_ranges': '10001:20000', 'max_header_size': 38},
        })
        c['oslo_policy']['policy_file'] = '/nonexistent'
        if more:
            # plugins of Zed leave connections in use for a while
            c['database']['max_overflow'] = 200
        ini(self.conf, c)

    def sync(self):
        self.migrate('neutron')
        for s in self.more():
            s.sync()

    def migrate(self, project):
        run([PYTHON, BIN + '/neutron-db-manage', '--config-file', self.conf, '--subproject', project,
             'upgrade', 'heads'], 'sync-neutron')

    def procs(self):
        wheels = os.pathsep.join(s.site_packages for s in self.more() if s.wheels)
        return {'neutron': ([PYTHON, BIN + '/neutron-server', '--config-file', self.conf],
                            {'DEVCLOUD_WHEELS': wheels} if wheels else {})}

    def late(self, api):
        n = 'network/v2.0/'
        nets = {x['name']: x for x in api('GET', n + 'networks').json['networks']}
        if 'public' not in nets:
            pub = api('POST', n + 'networks', {'network': {
                'name': 'public', 'router:external': True, 'is_default': True,
                'provider:network_type': 'flat',
                'provider:physical_network': 'public'}}).json['network']
            api('POST', n + 'subnets', {'subnet': {
                'name': 'public-subnet', 'network_id': pub['id'], 'ip_version': 4,
                'cidr': '172.24.4.0/24', 'enable_dhcp': False, 'gateway_ip': '172.24.4.1',
                'allocation_pools': [{'start': '172.24.4.2', 'end': '172.24.4.254'}]}})
        else:
            pub = nets['public']
        demo = Api('demo', DEMO_PW, 'demo').login()
        if 'private' not in nets:
            net = demo('POST', n + 'networks', {'network': {'name': 'private'}}).json['network']
            sub = demo('POST', n + 'subnets', {'subnet': {
                'name': 'private-subnet', 'network_id': net['id'], 'ip_version': 4,
                'cidr': '10.0.0.0/24', 'dns_nameservers': ['9.9.9.9']}}).json['subnet']
            r = demo('POST', n + 'routers', {'router': {
                'name': 'router1', 'external_gateway_info': {'network_id': pub['id']}}}).json['router']
            demo('PUT', n + 'routers/%s/add_router_interface' % r['id'], {'subnet_id': sub['id']})


CELL0 = '00000000-0000-0000-0000-000000000000'
CELL1 = 'dcdcdcdc-0000-4000-8000-000000000001'


class Nova(Service):
    name, type, path = 'nova', 'compute', '/v2.1'
    dbs = ('nova_api', 'nova', 'nova_cell0')
    apt = ('python3-nova',)
    debs = ('nova-common', 'nova-api', 'nova-conductor', 'nova-scheduler', 'nova-compute')
    flavors = [('m1.nano', '42', 128, 1, 0), ('m1.micro', '84', 192, 1, 0),
               ('m1.tiny', '1', 512, 1, 1), ('m1.small', '2', 2048, 1, 20),
               ('m1.medium', '3', 4096, 2, 40), ('m1.large', '4', 8192, 4, 80),
               ('m1.heat_int', '451', 512, 1, 0), ('m1.heat_micro', '452', 128, 1, 0)]

    def configure(self):
        c = merge(common('nova', db='nova'), {
            'DEFAULT': {
                'my_ip': HOST, 'enabled_apis': 'osapi_compute',
                'osapi_compute_listen': HOST, 'osapi_compute_listen_port': PORTS['nova'],
                'osapi_compute_workers': 1, 'compute_driver': 'fake.FakeDriver',
                'instances_path': os.path.join(HOME, 'state', 'nova', 'instances'),
                'allow_resize_to_same_host': 'true',
                'vif_plugging_is_fatal': 'false', 'vif_plugging_timeout': 0,
                'resume_guests_state_on_host_boot': 'true',
                'default_availability_zone': 'nova', 'rootwrap_config': '/nonexistent',
                'service_down_time': 120, 'report_interval': 20, 'periodic_fuzzy_delay': 0,
                'heal_instance_info_cache_interval': 300, 'block_device_allocate_retries_interval': 1,
                'instance_usage_audit': 'true', 'instance_usage_audit_period': 'hour'},
            'wsgi': {'api_paste_config': PKG + '/usr/share/nova-common/api-paste.ini'},
            'api_database': {'connection': db_url('nova_api'), 'max_pool_size': 5},
            'notifications': {'notify_on_state_change': 'vm_and_task_state',
                              'notification_format': 'unversioned'},
            'glance': {'api_servers': url('glance')},
            'placement': auth('placement'),
            'neutron': auth('neutron', service_metadata_proxy='false'),
            'cinder': auth('nova', catalog_info='volumev3::publicURL', os_region_name=REGION),
            'barbican': {'auth_endpoint': url('keystone', '/v3')},
            'conductor': {'workers': 1},
            'scheduler': {'workers': 1, 'discover_hosts_in_cells_interval': 5},
            'filter_scheduler': {'track_instance_changes': 'false'},
            'quota': {k: -1 for k in ('instances', 'cores', 'ram', 'server_groups',
                                      'server_group_members', 'key_pairs')},
            'vnc': {'enabled': 'true', 'novncproxy_base_url': 'http://%s:6080/vnc_auto.html' % HOST},
            'os_vif_ovs': {'network_device_mtu': 1500},
            'privsep_osbrick': {'helper_command': 'privsep-helper'},
        })
        del c['DEFAULT']['executor_thread_pool_size']
        os.makedirs(c['DEFAULT']['instances_path'], exist_ok=True)
        ini(self.conf, c)
        # as in any deployment, nova-compute knows no database
        ini(self.etc('nova-compute.conf'),
            {k: v for k, v in c.items() if k not in ('database', 'api_database')})

    def cells(self):
        sql('USE {p}nova_api; REPLACE INTO cell_mappings (created_at, uuid, name, transport_url, '
            'database_connection, disabled) VALUES '
            "(NOW(), '{c0}', 'cell0', 'none:///', '{d0}', 0), "
            "(NOW(), '{c1}', 'cell1', '{amqp}', '{d1}', 0);".format(
                p=DBP, c0=CELL0, c1=CELL1, amqp=amqp_url(),
                d0=db_url('nova_cell0'), d1=db_url('nova')))

    def sync(self):
        m = [PYTHON, BIN + '/nova-manage', '--config-file', self.conf]
        run(m + ['api_db', 'sync'], 'sync-nova')
        self.cells()
        run(m + ['db', 'sync'], 'sync-nova')

    def procs(self):
        return {n: ([PYTHON, os.path.join(BIN, n), '--config-file',
                     self.etc('nova-compute.conf') if n == 'nova-compute' else self.conf], {})
                for n in ('nova-api', 'nova-conductor', 'nova-scheduler', 'nova-compute')}

    def late(self, api):
        have = {f['name'] for f in api('GET', 'compute/flavors?limit=1000').json['flavors']}
        for name, id_, ram, vcpus, disk in self.flavors:
            if name not in have:
                api('POST', 'compute/flavors', {'flavor': {
                    'name': name, 'id': id_, 'ram': ram, 'vcpus': vcpus, 'disk': disk}}, ok=(409,))
        wait_for('a mapped nova-compute host',
                 lambda: api('GET', 'compute/os-hypervisors').json['hypervisors'])


class Cinder(Service):
    name, type, dbs = 'cinder', 'volumev3', ('cinder',)
    path = '/v3/%(project_id)s'
    # os-brick fails for want of dmidecode where /sys/class/dmi is empty
    apt = ('python3-cinder', 'python3-cinderclient', 'qemu-utils', 'dmidecode')
    debs = ('cinder-common', 'cinder-api', 'cinder-scheduler', 'cinder-volume', 'cinder-backup')

    def endpoints(self):
        u = url('cinder', self.path)
        return [('cinderv3', 'volumev3', u), ('cinder', 'block-storage', u)]

    def configure(self):
        st = os.path.join(HOME, 'state', 'cinder')
        for d in ('volumes', 'backup', 'conversion'):
            os.makedirs(os.path.join(st, d), exist_ok=True)
        c = merge(common('cinder', db='cinder'), {
            'DEFAULT': {
                'my_ip': HOST, 'auth_strategy': 'keystone',
                'osapi_volume_listen': HOST, 'osapi_volume_listen_port': PORTS['cinder'],
                'osapi_volume_workers': 1, 'enabled_backends': 'file',
                'api_paste_config': PKG + '/usr/share/cinder-common/api-paste.ini',
                'resource_query_filters_file': PKG + '/etc/cinder/resource_filters.json',
                'rootwrap_config': '/nonexistent', 'glance_api_servers': url('glance'),
                'image_conversion_dir': st + '/conversion', 'os_region_name': REGION,
                'backup_driver': 'cinder.backup.drivers.posix.PosixBackupDriver',
                'backup_posix_path': st + '/backup', 'backup_swift_url': '',
                'backup_native_threads_pool_size': 20, 'backup_workers': 1,
                'backup_sha_block_size_bytes': 1 << 20, 'backup_file_size': 1 << 27,
                'backend_stats_polling_interval': 5, 'periodic_interval': 5,
                'periodic_fuzzy_delay': 0,
                'quota_volumes': -1, 'quota_snapshots': -1, 'quota_gigabytes': -1,
                'quota_backups': -1, 'quota_backup_gigabytes': -1, 'quota_groups': -1},
            'file': {'volume_driver': 'devcloud_drivers.cinder_file.FileDriver',
                     'volume_backend_name': 'file', 'devcloud_volumes_dir': st + '/volumes'},
            'nova': dict(auth('nova'), interface='public', token_auth_url=url('keystone', '/v3')),
            'privsep_osbrick': {'helper_command': 'privsep-helper'},
            'coordination': {'backend_url': 'file://' + st},
        })
        ini(self.conf, c)

    def sync(self):
        run([PYTHON, BIN + '/cinder-manage', '--config-file', self.conf, 'db', 'sync'], 'sync-cinder')

    def procs(self):
        d = {n: ([PYTHON, os.path.join(BIN, n), '--config-file', self.conf], {})
             for n in ('cinder-scheduler', 'cinder-volume', 'cinder-backup')}
        d['cinder-api'] = uwsgi('cinder', BIN + '/cinder-wsgi',
                                pyargv='--config-file ' + self.conf)
        return d

    def late(self, api):
        # a scheduler that started after cinder-volume's first report knows no
        # back end until the next one: every volume would go to error
        wait_for("cinder-scheduler's back end",
                 lambda: api('GET', 'volumev3/scheduler-stats/get_pools').json['pools'])
