"""One OpenStack service: its packages, its configuration, its processes.

A service module gives a subclass of Service; `groups` lists them all. The
functions here hold what every service's configuration file has in common.
"""
import os

from plane.rest import http_json, url
from plane.settings import (DBP, E, HOME, HOST, LIB, MYSQL_PORT, NODE, PORTS, PW, PYTHON, RABBIT_PORT,
                            REGION, VHOST)
from plane.shell import path

ENABLED = []             # names of the groups of this run, filled by groups.select
SERVICES = {}            # every known group by name, filled by groups


def db_url(name):
    return 'mysql+pymysql://devcloud:%s@127.0.0.1:%d/%s%s?charset=utf8' % (
        PW, MYSQL_PORT, DBP, name)


def amqp_url():
    return 'rabbit://devcloud:%s@127.0.0.1:%d/%s' % (PW, RABBIT_PORT, VHOST)


def auth(user, **extra):
    d = {'auth_type': 'password', 'auth_url': url('keystone', '/v3'),
         'username': user, 'password': PW, 'project_name': 'service',
         'user_domain_name': 'Default', 'project_domain_name': 'Default',
         'region_name': REGION}
    d.update(extra)
    return d


def common(name, user=None, db=None):
    user = user or name
    d = {
        'DEFAULT': {
            'transport_url': amqp_url(), 'host': NODE, 'use_stderr': 'true',
            'state_path': path('state', name, ''), 'log_color': 'false',
            'debug': E('DEVCLOUD_DEBUG', 'false'), 'rpc_response_timeout': 60,
            'executor_thread_pool_size': 16,
        },
        'keystone_authtoken': auth(
            user, www_authenticate_uri=url('keystone'),
            memcached_servers='%s:%d' % (HOST, PORTS['memcached']),
            service_token_roles='service', service_token_roles_required='true'),
        'oslo_concurrency': {'lock_path': path('state', name, 'lock', '')},
        'oslo_messaging_rabbit': {'heartbeat_in_pthread': 'false',
                                  'amqp_auto_delete': 'true'},
        'oslo_messaging_notifications': {
            # Debian 12's oslo.messaging rebuilds the context from a sanitized dict
            # (a security update), which cinder's and manila's contexts cannot bear
            'driver': 'messagingv2' if 'ceilometer' in ENABLED and
            name not in ('cinder', 'manila') else 'noop'},
        'oslo_policy': {'policy_file': '/nonexistent', 'enforce_scope': 'false',
                        'enforce_new_defaults': 'false'},
        'service_user': auth(user, send_service_user_token='true'),
    }
    if db:
        d['database'] = {'connection': db_url(db), 'max_pool_size': 5,
                         'max_overflow': 10, 'connection_recycle_time': 3600}
    return d


def uwsgi(name, wsgi_file, port=None, pyargv='', threads=6, env=None, extra=()):
    cmd = ['/usr/bin/uwsgi-core', '--plugin', 'python3', '--http-socket',
           '%s:%d' % (HOST, port or PORTS[name]), '--wsgi-file', wsgi_file,
           '--processes', '1', '--threads', str(threads), '--enable-threads',
           '--buffer-size', '65535', '--die-on-term', '--need-app',
           '--post-buffering', '65536', '--listen', '100',
           '--socket-timeout', '120', '--disable-logging', '--chdir', '/',
           '--procname', name, '--add-header', 'Connection: close']
    if pyargv:
        cmd += ['--pyargv', pyargv]
    return cmd + list(extra), env or {}


class Service:
    name = ''
    type = None              # catalog type; None: no endpoint
    path = ''
    apt = ()                 # installed
    debs = ()                # only unpacked under $DEVCLOUD_LIB/pkg
    wheels = ()              # from PyPI, without what they depend on, into a virtual environment
    dbs = ()
    users = None             # default: [name]
    needs = ()               # other groups
    plugins = ()             # that neutron loads
    providers = ()           # neutron's drivers for them, as TYPE:name:function:default
    desc = ''

    def __init__(self):
        self.conf = os.path.join(HOME, 'etc', self.name, self.name + '.conf')

    @property
    def venv(self):
        """Another one for other wheels, so that clouds of different times do not meet there."""
        return os.path.join(LIB, 'venv', '-'.join([self.name, *(w.partition('==')[2] for w in self.wheels)]))

    @property
    def site_packages(self):
        return os.path.join(self.venv, 'lib', 'python3.11', 'site-packages')

    @property
    def python(self):
        return os.path.join(self.venv, 'bin', 'python') if self.wheels else PYTHON

    def etc(self, *a):
        return os.path.join(HOME, 'etc', self.name, *a)

    def configure(self):
        pass

    def sync(self):
        pass

    def prepare(self):
        """On every up, after the databases."""

    domains = {}             # a keystone domain and its admin user

    def procs(self):
        """name -> (command, environment)"""
        return {}

    def endpoints(self):
        return [(self.name, self.type, url(self.name, self.path))] if self.type else []

    def ready(self):
        return http_json('GET', url(self.name, '/'), timeout=20).status < 500

    def late(self, api):
        """After every API answers."""
