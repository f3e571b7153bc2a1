"""swift, barbican, manila and zaqar (whose messages are kept in swift)."""
import base64
import os

from plane.rest import http_json, url
from plane.service import Service, auth, common, db_url, uwsgi
from plane.settings import BIN, HOME, HOST, PKG, PORTS, PW, PYTHON, REGION
from plane.shell import ini, merge, path, run, wait_for, write
from plane.wsgi import wsgi_script


class Swift(Service):
    name, type = 'swift', 'object-store'
    path = '/v1/AUTH_%(project_id)s'
    apt = ('python3-swift', 'python3-swiftclient')
    debs = ('swift',)

    def configure(self):
        e, st = self.etc, os.path.join(HOME, 'state', 'swift')
        os.makedirs(st + '/devices/d1', exist_ok=True)
        write(e('swift.conf'), '[swift-hash]\nswift_hash_path_suffix = devcloud\n'
              'swift_hash_path_prefix = devcloud\n[storage-policy:0]\nname = Policy-0\ndefault = yes\n')
        base = {'bind_ip': HOST, 'workers': 0, 'user': 'root', 'swift_dir': e(),
                'log_level': 'INFO', 'log_udp_host': '127.0.0.1', 'log_udp_port': 9,
                'devices': st + '/devices', 'mount_check': 'false',
                'disable_fallocate': 'true', 'fallocate_reserve': 0}
        for kind in ('account', 'container', 'object'):
            ini(e(kind + '.conf'), {
                'DEFAULT': dict(base, bind_port=PORTS['swift-' + kind]),
                'pipeline:main': {'pipeline': kind + '-server'},
                'app:%s-server' % kind: {'use': 'egg:swift#' + kind}})
        c = common('swift')['keystone_authtoken']
        c = {k: v for k, v in c.items() if not k.startswith('memcached')}
        ini(e('proxy.conf'), {
            'DEFAULT': dict(base, bind_port=PORTS['swift']),
            'pipeline:main': {'pipeline': 'catch_errors gatekeeper healthcheck cache listing_formats '
                              'bulk tempurl authtoken keystoneauth copy container-quotas '
                              'account-quotas slo dlo versioned_writes symlink proxy-server'},
            'app:proxy-server': {'use': 'egg:swift#proxy', 'account_autocreate': 'true',
                                 'allow_account_management': 'true'},
            'filter:authtoken': dict({
                'paste.filter_factory': 'keystonemiddleware.auth_token:filter_factory',
                'delay_auth_decision': 'true', 'cache': 'swift.cache'}, **c),
            'filter:keystoneauth': {'use': 'egg:swift#keystoneauth',
                                    'operator_roles': 'admin, member, heat_stack_owner',
                                    'reseller_admin_role': 'ResellerAdmin'},
            'filter:cache': {'use': 'egg:swift#memcache',
                             'memcache_servers': '%s:%d' % (HOST, PORTS['memcached'])},
            **{'filter:' + f: {'use': 'egg:swift#' + (u or f)} for f, u in (
                ('catch_errors', ''), ('gatekeeper', ''), ('healthcheck', ''), ('bulk', ''),
                ('listing_formats', ''), ('tempurl', ''), ('copy', ''), ('slo', ''), ('dlo', ''),
                ('container-quotas', 'container_quotas'), ('account-quotas', 'account_quotas'),
                ('symlink', ''))},
            'filter:versioned_writes': {'use': 'egg:swift#versioned_writes',
                                        'allow_versioned_writes': 'true'}})
        # /etc/swift/swift.conf is a constant in swift; this is all that differs
        # from /usr/bin/swift-*-server
        write(e('server.py'), 'import sys\nfrom swift.common import utils\n'
              'utils.SWIFT_CONF_FILE = %r\n'
              'from swift.common.wsgi import run_wsgi\n'
              "sys.exit(run_wsgi(sys.argv[2], sys.argv[1] + '-server'))\n" % e('swift.conf'))

    def prepare(self):
        if not os.path.exists(self.etc('object.ring.gz')):
            run([PYTHON, '-c',
                 'import sys\n'
                 'from swift.common.ring import RingBuilder\n'
                 'for kind, port in zip(("account", "container", "object"), sys.argv[3:]):\n'
                 '    b = RingBuilder(6, 1, 1)\n'
                 '    b.add_dev({"region": 1, "zone": 1, "ip": sys.argv[1], "port": int(port),\n'
                 '               "replication_ip": sys.argv[1], "replication_port": int(port),\n'
                 '               "device": "d1", "weight": 1, "meta": ""})\n'
                 '    b.rebalance()\n'
                 '    b.get_ring().save(sys.argv[2] + kind + ".ring.gz")\n',
                 HOST, self.etc('')] + [str(PORTS['swift-' + k])
                                        for k in ('account', 'container', 'object')], 'swift-rings')

    def procs(self):
        return {n: ([PYTHON, self.etc('server.py'), k, self.etc(k + '.conf')], {})
                for n, k in (('swift', 'proxy'), ('swift-account', 'account'),
                             ('swift-container', 'container'), ('swift-object', 'object'))}

    def ready(self):
        return http_json('GET', url('swift', '/healthcheck')).status == 200


class Barbican(Service):
    name, type, dbs = 'barbican', 'key-manager', ('barbican',)
    apt = ('python3-barbican', 'python3-barbicanclient')
    debs = ('barbican-common',)

    def configure(self):
        c = merge(common('barbican'), {
            'DEFAULT': {'sql_connection': db_url('barbican'), 'db_auto_create': 'false',
                        'host_href': url('barbican')},
            'queue': {'enable': 'false'},
            'secretstore': {'enabled_secretstore_plugins': 'store_crypto'},
            'crypto': {'enabled_crypto_plugins': 'simple_crypto'},
            'simple_crypto_plugin': {'kek': base64.b64encode(b'devcloud' * 4).decode()}})
        for k in ('host', 'executor_thread_pool_size', 'state_path'):
            c['DEFAULT'].pop(k)
        ini(self.conf, c)
        wsgi_script(self.etc('app.wsgi'),
                    'from barbican.common import config\n'
                    "config.CONF(['--config-file', %r], project='barbican')\n"
                    'from barbican.api import app\nfrom paste import deploy\n'
                    'application = deploy.loadapp(%r)\n' % (
                        self.conf, 'config:' + PKG + '/usr/share/barbican-common/barbican-api-paste.ini'))

    def sync(self):
        run([PYTHON, BIN + '/barbican-manage', 'db', 'upgrade', '-d', db_url('barbican')], 'sync-barbican')

    def procs(self):
        return {'barbican': uwsgi('barbican', self.etc('app.wsgi'), threads=4)}


class Manila(Service):
    name, dbs, type, path = 'manila', ('manila',), 'sharev2', '/v2'
    apt = ('python3-manila', 'python3-manilaclient')
    debs = ('manila-common', 'manila-api', 'manila-scheduler', 'manila-share')

    def endpoints(self):
        return [('manilav2', 'sharev2', url('manila', '/v2')),
                ('manilav2-alias', 'shared-file-system', url('manila', '/v2')),
                ('manila', 'share', url('manila', '/v1/%(project_id)s'))]

    def configure(self):
        c = merge(common('manila', db='manila'), {
            'DEFAULT': {'my_ip': HOST, 'osapi_share_listen': HOST, 'osapi_share_listen_port': PORTS['manila'],
                        'osapi_share_workers': 1, 'enabled_share_backends': 'dummy',
                        'enabled_share_protocols': 'NFS,CIFS', 'default_share_type': 'default',
                        'api_paste_config': PKG + '/usr/share/manila-common/api-paste.ini',
                        'rootwrap_config': '/nonexistent', 'periodic_fuzzy_delay': 0},
            'dummy': {'share_driver': 'manila.tests.share.drivers.dummy.DummyDriver',
                      'share_backend_name': 'dummy', 'driver_handles_share_servers': 'false'},
            'neutron': dict(auth('neutron'), url=url('neutron')),
            'cinder': auth('cinder'), 'nova': auth('nova'), 'glance': auth('glance'),
            'coordination': {'backend_url': 'file://' + path('state', 'manila', 'coord', '')}})
        ini(self.conf, c)

    def sync(self):
        run([PYTHON, BIN + '/manila-manage', '--config-file', self.conf, 'db', 'sync'], 'sync-manila')

    def procs(self):
        d = {n: ([PYTHON, os.path.join(BIN, n), '--config-file', self.conf], {})
             for n in ('manila-scheduler', 'manila-share')}
        d['manila'] = uwsgi('manila', BIN + '/manila-wsgi', threads=4, pyargv='--config-file ' + self.conf)
        return d

    def late(self, api):
        h = {'X-OpenStack-Manila-API-Version': '2.50'}
        have = api('GET', 'sharev2/types', headers=h).json['share_types']
        if not have:
            api('POST', 'sharev2/types', {'share_type': {
                'name': 'default', 'extra_specs': {'driver_handles_share_servers': 'false'},
                'share_type_access:is_public': True}}, headers=h)
        wait_for("manila-scheduler's back end",
                 lambda: api('GET', 'sharev2/scheduler-stats/pools', headers=h).json['pools'])


class Zaqar(Service):
    name, type, dbs = 'zaqar', 'messaging', ('zaqar',)
    apt = ('python3-zaqar', 'python3-zaqarclient')
    debs = ('zaqar-common',)
    needs = ('swift',)       # Debian's package lacks the redis store's Lua scripts

    def configure(self):
        c = merge(common('zaqar'), {
            'DEFAULT': {'auth_strategy': 'keystone', 'unreliable': 'true', 'pooling': 'false',
                        'admin_mode': 'false'},
            'drivers': {'transport': 'wsgi', 'message_store': 'swift', 'management_store': 'sqlalchemy'},
            'drivers:management_store:sqlalchemy': {'uri': db_url('zaqar')},
            'drivers:message_store:swift': {
                'auth_url': url('keystone', '/v3'), 'uri': 'swift://zaqar:%s@/service' % PW,
                'region_name': REGION, 'interface': 'public',
                'project_domain_name': 'Default', 'user_domain_name': 'Default'},
            # Without it subscriptions are taken, and nobody is told of anything.
            'storage': {'message_pipeline': 'zaqar.notification.notifier'},
            'drivers:transport:wsgi': {'bind': HOST, 'port': PORTS['zaqar']},
            'signed_url': {'secret_key': 'devcloud'},
            # A trust says what the project is.
            'trustee': {k: v for k, v in auth('zaqar').items() if not k.startswith('project_')}})
        for k in ('host', 'state_path', 'executor_thread_pool_size'):
            c['DEFAULT'].pop(k)
        ini(self.conf, c)

    def sync(self):
        run([PYTHON, BIN + '/zaqar-sql-db-manage', '--config-file', self.conf, 'upgrade', 'head'],
            'sync-zaqar')

    def procs(self):
        import_path = '/usr/lib/python3/dist-packages/zaqar/transport/wsgi/app.py'
        # It takes no arguments, and looks in a home before /etc.
        return {'zaqar': uwsgi('zaqar', import_path, threads=4, env={'HOME': os.path.dirname(self.conf)})}
