"""designate, octavia, and plugins of neutron."""
import json
import os
import shutil

from plane.backing import sql
from plane.processes import Proc, stop
from plane.rest import url
from plane.service import SERVICES, Service, auth, common, db_url, uwsgi
from plane.settings import BIN, DBP, HOST, PKG, PORTS, PYTHON, REGION
from plane.shell import ini, merge, path, run, write


class Designate(Service):
    name, type, dbs = 'designate', 'dns', ('designate',)
    apt = ('python3-designate', 'python3-designateclient')
    debs = ('designate-common', 'designate-api', 'designate-central', 'designate-worker',
            'designate-mdns', 'designate-producer')

    def configure(self):
        c = merge(common('designate'), {
            'service:api': {'listen': '%s:%d' % (HOST, PORTS['designate']), 'auth_strategy': 'keystone',
                            'enable_api_v2': 'true', 'enable_api_admin': 'true',
                            'enabled_extensions_admin': 'quotas', 'workers': 1,
                            'api_paste_config': self.etc('api-paste.ini'),
                            'enable_host_header': 'true', 'threads': 20},
            'service:central': {'workers': 1, 'threads': 20, 'managed_resource_email': 'admin@devcloud.test'},
            'service:worker': {'workers': 1, 'threads': 20, 'enabled': 'true', 'notify': 'false',
                               'poll_timeout': 2, 'poll_retry_interval': 1, 'poll_max_retries': 5,
                               'poll_delay': 1},
            'service:mdns': {'workers': 1, 'threads': 20, 'listen': '%s:%d' % (HOST, PORTS['designate-mdns']),
                             'query_enforce_tsig': 'false'},
            'service:producer': {'workers': 1, 'threads': 20},
            'storage:sqlalchemy': {'connection': db_url('designate')},
            'network_api:neutron': {'endpoints': '%s|%s' % (REGION, url('neutron'))}})
        ini(self.conf, c)
        shutil.copy(PKG + '/usr/share/designate-common/api-paste.ini', self.etc('api-paste.ini'))
        write(self.etc('pools.yaml'), json.dumps([{
            'name': 'default', 'description': 'fake', 'attributes': {},
            'ns_records': [{'hostname': 'ns1.devcloud.test.', 'priority': 1}],
            'nameservers': [{'host': HOST, 'port': PORTS['designate-mdns']}],
            'targets': [{'type': 'fake', 'description': 'none',
                         'masters': [{'host': HOST, 'port': PORTS['designate-mdns']}],
                         'options': {'host': HOST, 'port': PORTS['designate-mdns']}}]}]))

    def sync(self):
        run([PYTHON, BIN + '/designate-manage', '--config-file', self.conf, 'database', 'sync'],
            'sync-designate')

    def procs(self):
        d = {n: ([PYTHON, os.path.join(BIN, n), '--config-file', self.conf], {})
             for n in ('designate-central', 'designate-worker', 'designate-mdns')}
        d['designate'] = uwsgi('designate', BIN + '/designate-api-wsgi', threads=4,
                               env={'OS_DESIGNATE_CONFIG_DIR': self.etc()})
        return d

    def late(self, api):
        if not os.path.exists(path('synced', 'designate-pools')):
            run([PYTHON, BIN + '/designate-manage', '--config-file', self.conf, 'pool', 'update',
                 '--file', self.etc('pools.yaml')], 'sync-designate')
            write(path('synced', 'designate-pools'), '')


class Octavia(Service):
    name, type, dbs = 'octavia', 'load-balancer', ('octavia',)
    apt = ('python3-octavia', 'python3-octaviaclient', 'openssl')

    def configure(self):
        ca = self.etc('ca.pem')
        if not os.path.exists(ca):
            write(ca, '')
            run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650',
                 '-subj', '/CN=devcloud', '-keyout', self.etc('ca.key'), '-out', ca], 'octavia-ca')
            run(['openssl', 'rsa', '-aes128', '-passout', 'pass:devcloud', '-in', self.etc('ca.key'),
                 '-out', self.etc('ca-enc.key')], 'octavia-ca')
        c = merge(common('octavia', db='octavia'), {
            'api_settings': {'bind_host': HOST, 'bind_port': PORTS['octavia'],
                             'api_base_uri': url('octavia'),
                             'enabled_provider_drivers':
                                 "amphora: 'devcloud', octavia: 'devcloud', noop_driver: 'noop'",
                             'default_provider_driver': 'amphora',
                             'allow_tls_terminated_listeners': 'true'},
            'controller_worker': {
                'workers': 1, 'amphora_driver': 'amphora_noop_driver',
                'compute_driver': 'compute_noop_driver', 'network_driver': 'devcloud_network_driver',
                'volume_driver': 'volume_noop_driver', 'image_driver': 'image_noop_driver',
                'amp_flavor_id': '1', 'amp_boot_network_list': '00000000-0000-4000-8000-000000000000',
                'amp_image_tag': 'amphora', 'loadbalancer_topology': 'SINGLE',
                'client_ca': ca, 'amp_active_retries': 5, 'amp_active_wait_sec': 1},
            'health_manager': {'heartbeat_key': 'devcloud', 'bind_ip': HOST},
            # In threads, several flows at once end the worker's eventlet now and then.
            'task_flow': {'engine': 'serial'},
            'oslo_messaging': {'topic': 'octavia_prov'},
            'house_keeping': {'load_balancer_expiry_age': 3600},
            'certificates': {'ca_certificate': ca, 'ca_private_key': self.etc('ca-enc.key'),
                             'ca_private_key_passphrase': 'devcloud',
                             'server_certs_key_passphrase': 'insecure-key-do-not-use-this-key',
                             'endpoint_type': 'public'},
            'haproxy_amphora': {'client_cert': ca, 'server_ca': ca},
            'service_auth': dict(auth('octavia'), memcached_servers='%s:%d' % (HOST, PORTS['memcached'])),
            'neutron': {'endpoint_type': 'public', 'region_name': REGION},
            'driver_agent': {'status_socket_path': path('state', 'octavia', 'status.sock'),
                             'stats_socket_path': path('state', 'octavia', 'stats.sock'),
                             'get_socket_path': path('state', 'octavia', 'get.sock')}})
        for k in ('state_path', 'executor_thread_pool_size'):
            c['DEFAULT'].pop(k)
        c['service_user']['send_service_user_token'] = 'false'
        ini(self.conf, c)

    def sync(self):
        run(['/usr/bin/octavia-db-manage', '--config-file', self.conf, 'upgrade', 'head'], 'sync-octavia')

    def procs(self):
        return {'octavia': uwsgi('octavia', '/usr/bin/octavia-wsgi', threads=4,
                                 pyargv='--config-file ' + self.conf),
                'octavia-worker': (['/usr/bin/octavia-worker', '--config-file', self.conf], {})}


class Plugin(Service):
    """An extension of neutron's API: neutron loads it and has its tables; it has no process of its own."""

    needs, users = ('neutron',), ()
    project = ''             # whose migrations make its tables
    table = ''               # one of them

    def sync(self):
        SERVICES['neutron'].migrate(self.project)

    def prepare(self):
        # a cloud that was made without it: what runs of neutron does not have it either
        if not sql("SHOW TABLES IN `{p}neutron` LIKE '{t}'".format(p=DBP, t=self.table)).strip():
            self.sync()
            stop([p for p in [Proc('neutron')] if p.pid()])

    def ready(self):
        return True


class Vpnaas(Plugin):
    name, apt = 'vpnaas', ('python3-neutron-vpnaas',)
    project, table, plugins = 'neutron-vpnaas', 'vpnservices', ('vpnaas',)
    providers = ('VPN:devcloud:devcloud_drivers.neutron_plugins.vpn_driver:default',)


class Sfc(Plugin):
    name, apt = 'sfc', ('python3-networking-sfc',)
    project, table, plugins = 'networking-sfc', 'sfc_port_chains', ('flow_classifier', 'sfc')


class Taas(Plugin):
    name, apt = 'taas', ('python3-neutron-taas',)
    table, plugins = 'tap_services', ('taas',)
    providers = ('TAAS:devcloud-tap:devcloud_drivers.neutron_plugins.tap_driver:default',)

    def sync(self):
        # Debian's package lacks the migrations
        run([PYTHON, '-c', 'import sqlalchemy as sa; from neutron_taas.db import taas_db as t; '
             't.TapService.metadata.create_all(sa.create_engine(%r), [c.__table__ for c in '
             '(t.TapService, t.TapFlow, t.TapIdAssociation)])' % db_url('neutron')], 'sync-neutron')


class L2gw(Plugin):
    name, apt = 'l2gw', ('python3-networking-l2gw',)
    project, table, plugins = 'networking-l2gw', 'l2gateways', ('l2gw',)
    providers = ('L2GW:devcloud-gateway:devcloud_drivers.neutron_plugins.gateway_driver:default',)


class Fwaas(Plugin):
    """The first version of firewalls, as types of Heat's have it; the second has another API."""

    name, apt = 'fwaas', ('python3-neutron', 'python3-six', 'python3-debtcollector')
    wheels = ('neutron-fwaas==13.0.3', 'neutron-lib==1.20.0')
    table = 'firewall_router_associations'
    plugins = ('devcloud_drivers.firewall_v1.FirewallPlugin',)

    def sync(self):
        # Neutron's own migrations make some of them, as they were before firewalls had a project of their own.
        run([PYTHON, '-c', 'import sqlalchemy as sa; from devcloud_drivers import firewall_v1 as f; '
             'e = sa.create_engine(%r); m = f.TABLES[0].metadata; m.drop_all(e, f.TABLES); '
             'm.create_all(e, f.TABLES)' % db_url('neutron')],
            'sync-neutron', env={'DEVCLOUD_WHEELS': self.site_packages})
