"""ironic, whose machines are imagined, and trove, whose databases are."""
import os

from plane.rest import Api, url
from plane.service import Service, auth, common, uwsgi
from plane.settings import BIN, HOST, PKG, PORTS, PW, PYTHON, REGION
from plane.shell import ini, merge, path, run, write


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


# It was written for an older Python than Debian 12 has.
OLDER = 'import inspect\ninspect.getargspec = inspect.getfullargspec\n'
# API and task manager are one process, as in Trove's own fake mode, so that both speak to the same
# imagined agents; and since their messages lose what they need in Debian 12's oslo.messaging. Nova,
# Cinder and Neutron are real.
TROVE = '''import sys
import eventlet
eventlet.monkey_patch()
sys.argv = ['trove', '--config-file', sys.argv[1]]
from trove.cmd.common import initialize
conf = initialize()
from trove.common import cfg, notification, wsgi
from trove.extensions.mysql.common import unquote_user_host
from trove.instance import models
from trove.instance.service_status import ServiceStatuses
# The rest of it needs a library that Debian does not have.
util = sys.modules['trove.tests.util'] = type(sys)('trove.tests.util')
util.unquote_user_host = unquote_user_host
util.usage = sys.modules['trove.tests.util.usage'] = type(sys)('trove.tests.util.usage')
util.usage.notify = lambda event, payload: None
from trove.tests.fakes import guestagent, taskmanager
taskmanager.monkey_patch()

# They are older than who speaks to them.
prepare, stop = guestagent.FakeGuest.prepare, guestagent.FakeGuest.stop_db


def prepared(self, *args, ds_version=None, **more):
    prepare(self, *args, **more)
    if more.get('cluster_config'):
        # One of a cluster waits for the others.
        eventlet.spawn_after(4.5, reports, self, ServiceStatuses.INSTANCE_READY)


def reports(self, state):
    from trove.instance.models import InstanceServiceStatus
    status = InstanceServiceStatus.find_by(instance_id=self.id)
    status.status = state
    status.save()


guestagent.FakeGuest.prepare = prepared
guestagent.FakeGuest.reset_admin_password = lambda self, password: None
guestagent.FakeGuest.install_cluster = lambda self, user, configuration, bootstrap: None
guestagent.FakeGuest.cluster_complete = lambda self: reports(self, ServiceStatuses.HEALTHY)


def stop_db(self, **more):
    stop(self)
    eventlet.spawn(woken, self)


def woken(self):
    # An agent says so when its server, which was put to sleep for a resize, is there again.
    from trove.instance.models import InstanceServiceStatus
    for _ in range(100):
        eventlet.sleep(2)
        if InstanceServiceStatus.find_by(instance_id=self.id).status == ServiceStatuses.PAUSED:
            self._set_task_status('HEALTHY')
            return


guestagent.FakeGuest.stop_db = stop_db


def get_ip(instance):
    # Those who set up a cluster do not know that addresses are asked for since Victoria.
    models.load_simple_instance_addresses(instance.context, instance.db_info)
    return address_of(instance)


from trove.taskmanager.models import ClusterTasks
address_of = ClusterTasks.get_ip
ClusterTasks.get_ip = staticmethod(get_ip)
notification.DBaaSAPINotification.register_notify_callback(models.persist_instance_fault)
launcher = wsgi.launch('trove', conf.bind_port, conf.find_file(conf.api_paste_config), host=conf.bind_host,
                       workers=1)
launcher.wait()
'''


class Trove(Service):
    name, type, path, dbs = 'trove', 'database', '/v1.0/%(project_id)s', ('trove',)
    apt = ('python3-trove', 'python3-troveclient')
    debs = ('trove-common',)

    def configure(self):
        c = merge(common('trove', db='trove'), {
            'DEFAULT': {'host': HOST, 'bind_host': HOST, 'bind_port': PORTS['trove'], 'trove_api_workers': 1,
                        'api_paste_config': PKG + '/usr/share/trove-common/api-paste.ini',
                        'remote_guest_client': 'trove.tests.fakes.guestagent.fake_create_guest_client',
                        'network_driver': 'trove.network.neutron.NeutronDriver',
                        'network_label_regex': '.*', 'reserved_network_cidrs': '',
                        'trove_dns_support': 'false', 'usage_timeout': 60, 'state_change_wait_time': 30,
                        'control_exchange': 'trove', 'rpc_backend': 'rabbit'},
            'service_credentials': {'auth_url': url('keystone', '/v3'), 'username': 'trove', 'password': PW,
                                    'project_name': 'service', 'user_domain_name': 'Default',
                                    'project_domain_name': 'Default', 'region_name': REGION},
            'mysql': {'tcp_ports': '3306', 'volume_support': 'true'},
            'mariadb': {'tcp_ports': '3306,4444,4567,4568', 'volume_support': 'true'}})
        ini(self.conf, c)
        write(self.etc('server.py'), OLDER + TROVE)
        write(self.etc('manage.py'), OLDER + 'from trove.cmd.manage import main\nmain()\n')

    def _manage(self, *words):
        run([PYTHON, self.etc('manage.py'), '--config-file', self.conf] + list(words), 'sync-trove')

    def sync(self):
        self._manage('db_sync')

    def procs(self):
        return {'trove': ([PYTHON, self.etc('server.py'), self.conf], {})}

    def late(self, api):
        for kind, version in ('mysql', '5.7'), ('mariadb', '10.4'):
            if not os.path.exists(path('synced', 'trove-' + kind)):
                self._datastore(api, kind, version)
                write(path('synced', 'trove-' + kind), '')

    def _datastore(self, api, kind, version):
        # The group that Neutron makes for a project at its first look: else a test would find it new.
        Api('trove', PW, 'service').login()('GET', 'network/v2.0/security-groups')
        image = api('GET', 'image/v2/images').json['images'][0]['id']
        self._manage('datastore_update', kind, '')
        self._manage('datastore_version_update', kind, version, kind, image, '', '1')
        self._manage('datastore_update', kind, version)
