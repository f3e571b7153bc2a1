"""zun, which Debian does not have, and a Docker of its own for it."""
import json
import os
import tarfile
import time

from plane.processes import Proc
from plane.service import Service, auth, common
from plane.settings import BIN, HOME, HOST, NODE, PKG, PORTS, REGION
from plane.shell import ini, merge, path, run, wait_for, write

IMAGE = 'busybox-like'
HOSTNAME = NODE + '-zun'         # placement knows nova's machine by the other name
# It was written for an older Python than Debian 12 has.
OLDER = """import signal, sys
signal.Signals.__str__ = lambda self: 'Signals.' + self.name
from zun.cmd.{0} import main
sys.argv[0] = 'zun-{0}'
sys.exit(main())
"""
COMMANDS = ('sh', 'sleep', 'echo', 'cat', 'env', 'true', 'false', 'hostname', 'ls', 'pwd', 'id')


class Zun(Service):
    """API and compute are zun's; containers run, in a network namespace from which nothing leads outside."""

    name, type, path, dbs = 'zun', 'container', '/v1', ('zun',)
    apt = ('python3-docker', 'python3-cotyledon', 'python3-flask', 'python3-grpcio', 'python3-os-vif',
           'python3-os-brick', 'python3-psutil', 'python3-pyroute2', 'python3-retrying',
           'python3-websocket', 'python3-websockify', 'iproute2', 'pciutils')
    debs = ('docker.io', 'containerd', 'runc', 'tini', 'busybox-static')
    wheels = ('zun==10.0.1', 'kuryr-lib==2.6.0')

    def __init__(self):
        super().__init__()
        self.socket = os.path.join(HOME, 'run', 'docker.sock')

    def configure(self):
        state = os.path.join(HOME, 'state', 'zun')
        c = merge(common('zun', db='zun'), {
            'DEFAULT': {'host': HOSTNAME, 'my_ip': HOST, 'pybasedir': self.site_packages,
                        'default_image_driver': 'docker', 'image_driver_list': 'docker,glance',
                        'container_runtime': 'runc'},
            'api': {'host_ip': HOST, 'port': PORTS['zun'], 'workers': 1,
                    'api_paste_config': self.etc('api-paste.ini')},
            'oslo_policy': {'policy_file': write(self.etc('policy.yaml'), json.dumps({
                # for there is no registry to fetch the image from
                'container:create:image_pull_policy': ''}))},
            'docker': {'api_url': 'unix://' + self.socket, 'docker_data_root': state + '/docker'},
            'network': {'driver': 'devcloud'},
            'glance': {'images_directory': state + '/images'},
            'keystone_auth': auth('zun'),
            'placement': auth('zun'),
            'websocket_proxy': {'base_url': 'ws://%s:6784/' % HOST},
            'compute': {'resource_provider_association_refresh': 300},
            **{k + '_client': {'region_name': REGION, 'endpoint_type': 'publicURL'}
               for k in ('zun', 'glance', 'neutron', 'cinder', 'placement')}})
        c['DEFAULT'].pop('executor_thread_pool_size')
        ini(self.conf, c)
        for n in ('api', 'compute'):
            write(self.etc(n + '.py'), OLDER.format(n))
        with open(os.path.join(self.venv, 'etc', 'zun', 'api-paste.ini')) as f:
            write(self.etc('api-paste.ini'), f.read())

    def sync(self):
        run([self.venv + '/bin/zun-db-manage', '--config-file', self.conf, 'upgrade'], 'sync-zun')

    def _docker(self, *words, **more):
        return run([BIN + '/docker', '-H', 'unix://' + self.socket, *words], 'docker', **more)

    def prepare(self):
        """Docker first: zun-compute asks it at its start."""
        data = path('state', 'zun', 'docker', '')
        Proc('dockerd').start(
            # zun compares its own host's name with Docker's
            ['/usr/bin/unshare', '--net', '--uts', '/bin/sh', '-c', 'hostname %s; exec "$0" "$@"' % HOSTNAME,
             PKG + '/usr/sbin/dockerd', '--data-root', data,
             '--exec-root', path('run', 'docker', ''), '--pidfile', path('run', 'docker', 'pid'),
             '-H', 'unix://' + self.socket, '--storage-driver', 'overlay2', '--iptables=false', '--ip6tables=false',
             '--bridge', 'none', '--ip-forward=false', '--ip-masq=false'],
            env={'PATH': ':'.join([BIN, PKG + '/usr/sbin', PKG + '/sbin', '/usr/sbin:/usr/bin:/sbin:/bin'])})
        wait_for('docker', lambda: self._docker('version'))
        if IMAGE not in self._docker('images', '--format', '{{.Repository}}').split():
            self._import_image()

    def _import_image(self):
        """As little as a container can be of: busybox, by the names of its commands."""
        rootfs = path('state', 'zun', 'rootfs.tar')
        with tarfile.open(rootfs, 'w') as tar:
            tar.add(PKG + '/bin/busybox', 'bin/busybox')
            for name in COMMANDS:
                link = tarfile.TarInfo('bin/' + name)
                link.type, link.linkname, link.mtime = tarfile.SYMTYPE, 'busybox', time.time()
                tar.addfile(link)
        self._docker('import', '-c', 'CMD ["/bin/sh"]', rootfs, IMAGE + ':latest')

    def procs(self):
        return {'zun-' + n: ([self.python, self.etc(n + '.py'), '--config-file', self.conf], {})
                for n in ('api', 'compute')}
