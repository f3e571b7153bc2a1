"""gnocchi, aodh, ceilometer's notification agent, and a Prometheus for aodh to ask."""
import json
import os

from plane.databases import dump_schema
from plane.rest import http_json, url
from plane.service import ENABLED, SERVICES, Service, amqp_url, auth, common, db_url, uwsgi
from plane.settings import BIN, HOME, HOST, PKG, PLUGINS, PORTS, PYTHON
from plane.shell import ini, merge, path, run, write
from plane.wsgi import paste_with_conf, wsgi_script


class Gnocchi(Service):
    name, type, dbs = 'gnocchi', 'metric', ('gnocchi',)
    apt = ('python3-gnocchi', 'python3-gnocchiclient')
    debs = ('gnocchi-common',)

    def configure(self):
        st = os.path.join(HOME, 'state', 'gnocchi')
        os.makedirs(st, exist_ok=True)
        c = common('gnocchi')
        ini(self.conf, {
            'DEFAULT': {'coordination_url': 'file://' + st, 'use_stderr': 'true'},
            'api': {'auth_mode': 'keystone', 'uwsgi_mode': 'http-socket',
                    'paste_config': self.etc('api-paste.ini')},
            'indexer': {'url': db_url('gnocchi')},
            'storage': {'driver': 'file', 'file_basepath': st + '/storage'},
            'metricd': {'workers': 1, 'metric_processing_delay': 2,
                        'metric_cleanup_delay': 60},
            'keystone_authtoken': c['keystone_authtoken'],
            'oslo_policy': {'policy_file': PKG + '/usr/share/gnocchi-common/policy.json'}})
        paste_with_conf('gnocchi', self.etc('api-paste.ini'), self.conf)
        wsgi_script(self.etc('app.wsgi'),
                    'from gnocchi.rest import app\nfrom gnocchi import service\n'
                    'gnocchi = app.load_app(service.prepare_service('
                    "args=['--config-file', %r]))\n"
                    '# with pecan 1.4, gnocchi 4.4.2 answers 406 to its own client where a\n'
                    '# method has nothing to return: ask again, accepting anything\n'
                    'def application(environ, start_response):\n'
                    '    import io\n'
                    "    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))\n"
                    "    for accept in (environ.get('HTTP_ACCEPT') or '*/*', '*/*'):\n"
                    '        answer = []\n'
                    "        env = dict(environ, HTTP_ACCEPT=accept)\n"
                    "        env['wsgi.input'] = io.BytesIO(body)\n"
                    '        out = gnocchi(env, lambda *a: answer.append(a))\n'
                    "        if not answer[0][0].startswith('406'):\n"
                    '            break\n'
                    '    start_response(*answer[0])\n'
                    '    return out\n' % self.conf)

    def sync(self):
        run(['/usr/bin/gnocchi-upgrade', '--config-file', self.conf], 'sync-gnocchi')

    def prepare(self):
        if not os.path.isdir(os.path.join(HOME, 'state', 'gnocchi', 'storage')):
            run(['/usr/bin/gnocchi-upgrade', '--config-file', self.conf, '--skip-index',
                 '--skip-archive-policies-creation'], 'sync-gnocchi')

    def procs(self):
        return {'gnocchi': uwsgi('gnocchi', self.etc('app.wsgi'), threads=4),
                'gnocchi-metricd': (['/usr/bin/gnocchi-metricd', '--config-file', self.conf], {})}


class Aodh(Service):
    name, type, dbs = 'aodh', 'alarming', ('aodh',)
    apt = ('python3-aodh', 'python3-aodhclient')
    debs = ('aodh-common', 'aodh-evaluator', 'aodh-notifier', 'aodh-listener')
    needs = ('gnocchi',)

    @property
    def wheels(self):
        """Debian's is older than alarms by what Prometheus says."""
        return ('aodh==18.0.0', 'python-observabilityclient==0.1.1', 'WSME==0.12.1') \
            if 'prometheus' in ENABLED else ()

    def configure(self):
        paste_with_conf('aodh', self.etc('api-paste.ini'), self.conf)
        c = merge(common('aodh', db='aodh'), {
            'api': {'paste_config': self.etc('api-paste.ini'),
                    'auth_mode': 'keystone', 'user_alarm_quota': -1, 'project_alarm_quota': -1},
            'service_credentials': dict(auth('aodh'), interface='public'),
            'evaluator': {'evaluation_interval': 5, 'workers': 1},
            'notifier': {'workers': 1}, 'listener': {'workers': 1}})
        for k in ('host', 'executor_thread_pool_size', 'state_path'):
            c['DEFAULT'].pop(k)
        c['oslo_policy'] = {'enforce_scope': 'false'}
        if self.wheels:
            # Who may see which samples would be told by labels that exporters of metrics set.
            c['DEFAULT']['prometheus_disable_rbac'] = 'true'
        ini(self.conf, c)
        wsgi_script(self.etc('app.wsgi'),
                    'from aodh.api import app\n'
                    "application = app.build_wsgi_app(argv=['--config-file', %r])\n" % self.conf)

    def _program(self, name):
        return [self.python, os.path.join(self.venv, 'bin' if self.wheels else BIN, name),
                '--config-file', self.conf]

    def sync(self):
        run(self._program('aodh-dbsync'), 'sync-aodh')

    def prepare(self):
        if self.wheels:
            # Its tables may be those of Debian's.
            self.sync()

    def procs(self):
        env = {}
        if self.wheels:
            env = {'PROMETHEUS_HOST': HOST, 'PROMETHEUS_PORT': str(PORTS['prometheus']),
                   'PYTHONPATH': os.pathsep.join([self.site_packages, PLUGINS])}
        d = {n: (self._program(n), env) for n in ('aodh-evaluator', 'aodh-notifier') +
             (('aodh-listener',) if 'ceilometer' in ENABLED else ())}
        d['aodh'] = uwsgi('aodh', self.etc('app.wsgi'), threads=4, env=env)
        return d


class Prometheus(Service):
    """A Prometheus that watches itself, and an aodh that is new enough to ask it."""
    name = 'prometheus'
    debs = ('prometheus',)
    users = ()
    needs = ('aodh', 'gnocchi')

    def configure(self):
        address = '%s:%d' % (HOST, PORTS['prometheus'])
        write(self.etc('prometheus.yml'), json.dumps({'global': {'scrape_interval': '1s'}, 'scrape_configs': [
            {'job_name': 'devcloud', 'static_configs': [{'targets': [address]}]}]}))

    def ready(self):
        return http_json('GET', url('prometheus', '/-/ready'), timeout=20).status == 200

    def procs(self):
        return {'prometheus': ([BIN + '/prometheus', '--config.file', self.etc('prometheus.yml'),
                                '--storage.tsdb.path', path('state', 'prometheus', ''),
                                '--web.listen-address', '%s:%d' % (HOST, PORTS['prometheus'])], {})}


class Ceilometer(Service):
    """Only the notification agent: nova's, cinder's, ... events become samples."""
    name = 'ceilometer'
    apt = ('python3-ceilometer',)
    debs = ('ceilometer-common', 'ceilometer-agent-notification')
    needs = ('gnocchi',)

    def configure(self):
        c = merge(common('ceilometer'), {
            'service_credentials': dict(auth('ceilometer'), interface='public'),
            'dispatcher_gnocchi': {'filter_project': 'service', 'archive_policy': 'low'},
            'notification': {'workers': 1, 'messaging_urls': amqp_url()}})
        for k in ('host', 'executor_thread_pool_size', 'state_path'):
            c['DEFAULT'].pop(k)
        ini(self.conf, c)

    def ready(self):
        return True

    def procs(self):
        return {'ceilometer': ([PYTHON, BIN + '/ceilometer-agent-notification',
                                '--config-file', self.conf], {})}

    def late(self, api):
        # gnocchi's resource types: a table each, half a minute the first time,
        # then part of gnocchi's stored schema
        if not os.path.exists(path('synced', 'ceilometer-types')):
            have = api('GET', 'metric/v1/resource_type').json
            if not any(t['name'] == 'instance' for t in have):
                run([PYTHON, BIN + '/ceilometer-upgrade', '--config-file', self.conf], 'sync-ceilometer')
                dump_schema(SERVICES['gnocchi'], rows=(
                    'archive_policy', 'archive_policy_rule', 'resource_type', 'alembic_version'))
            write(path('synced', 'ceilometer-types'), '')
