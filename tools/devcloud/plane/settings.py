"""What the environment says: places, ports, names and passwords of one cloud.

Everything is read once, at import; every verb must run with the same variables.
"""
import os

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
E = os.environ.get
HOME = os.path.abspath(E('DEVCLOUD_HOME', '/tmp/devcloud'))
LIB = os.path.abspath(E('DEVCLOUD_LIB', '/var/lib/devcloud'))
OFFSET = int(E('DEVCLOUD_PORT_OFFSET', '0'))
HOST = E('DEVCLOUD_BIND', '127.0.0.1')
DBP = E('DEVCLOUD_DB_PREFIX', 'dc_')
VHOST = E('DEVCLOUD_VHOST', 'devcloud')
PW = E('DEVCLOUD_PASSWORD', 'devcloud')          # admin and every service user
DEMO_PW = E('DEVCLOUD_DEMO_PASSWORD', 'demo')
REGION = E('DEVCLOUD_REGION', 'RegionOne')
NODE = E('DEVCLOUD_NODE', 'devcloud')            # host= of compute, volume, ...
APT_LOCK = E('DEVCLOUD_APT_LOCK', '/run/lock/devcloud-apt')
MYSQL_PORT = int(E('DEVCLOUD_MYSQL_PORT', '3306'))
MYSQL_SOCKET = E('DEVCLOUD_MYSQL_SOCKET', '/run/mysqld/mysqld.sock')
RABBIT_PORT = int(E('DEVCLOUD_RABBIT_PORT', '5672'))
RABBIT_DIST_PORT = int(E('DEVCLOUD_RABBIT_DIST_PORT', str(RABBIT_PORT + 20000)))
RABBIT_NODE = E('DEVCLOUD_RABBIT_NODE', 'rabbit@localhost')   # of a broker that `up` starts
TIMEOUT = int(E('DEVCLOUD_TIMEOUT', '400'))      # seconds for an API to answer
PYTHON = '/usr/bin/python3'
PKG = os.path.join(LIB, 'pkg')                   # unpacked *-common/*-api packages
BIN = os.path.join(PKG, 'usr/bin')
PLUGINS = os.path.join(HOME, 'drivers')

CORE = ['keystone', 'glance', 'placement', 'neutron', 'nova', 'cinder']

PORTS = {k: v + OFFSET for k, v in {
    'keystone': 5000, 'glance': 9292, 'placement': 8778, 'neutron': 9696,
    'nova': 8774, 'nova-metadata': 8775, 'cinder': 8776, 'memcached': 11311,
    'gnocchi': 8041, 'aodh': 8042, 'swift': 8080, 'swift-account': 6202,
    'swift-container': 6201, 'swift-object': 6200, 'barbican': 9311,
    'designate': 9001, 'designate-mdns': 5354, 'octavia': 9876, 'magnum': 9511,
    'mistral': 8989, 'manila': 8786, 'zaqar': 8888, 'trove': 8779,
    'ironic': 6385, 'blazar': 9234, 'prometheus': 9090, 'zun': 9517}.items()}
