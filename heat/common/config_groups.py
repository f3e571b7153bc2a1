"""The options of every section but ``[DEFAULT]``.

Purpose: servers, clients, database, caches and the engine's own settings.
Invariant: names, types, defaults and bounds are those existing files rely on;
the sections ``engine`` and ``bus`` are new here. Neighbours: ``config`` joins
this list with ``config_default`` and registers both.
"""

from __future__ import annotations

from keystoneauth1 import loading
from oslo_config import cfg, types


def _server(name: str, port: int) -> list[cfg.Opt]:
    return [
        cfg.IPOpt('bind_host', default='0.0.0.0', deprecated_group='DEFAULT',
                  help=f'Address on which {name} listens.'),
        cfg.PortOpt('bind_port', default=port, deprecated_group='DEFAULT',
                    help=f'Port on which {name} listens.'),
        cfg.IntOpt('backlog', default=4096, deprecated_group='DEFAULT',
                   help='Connections that may wait to be accepted.'),
        cfg.StrOpt('cert_file', deprecated_group='DEFAULT',
                   help='Certificate file; with key_file it makes the server speak HTTPS.'),
        cfg.StrOpt('key_file', deprecated_group='DEFAULT',
                   help='Private key file of the certificate.'),
        cfg.IntOpt('workers', default=1, min=0, deprecated_group='DEFAULT',
                   help='Server processes; 0 means one per CPU.'),
        cfg.IntOpt('max_header_line', default=16384,
                   help='Longest header line accepted, in bytes. Tokens with a big catalogue need more.'),
        cfg.IntOpt('tcp_keepidle', default=600,
                   help='Seconds an idle connection stays unprobed.'),
    ]


_ENDPOINTS = ['publicURL', 'internalURL', 'adminURL', 'public', 'internal', 'admin']
CLIENTS = ('aodh', 'barbican', 'cinder', 'designate', 'glance', 'heat', 'keystone', 'magnum', 'manila',
           'mistral', 'neutron', 'nova', 'octavia', 'swift', 'trove', 'zaqar')


def _client(service: str = '') -> list[cfg.Opt]:
    """Options of ``[clients]``, or of ``[clients_<service>]``, whose unset values fall back to it."""
    whom = f'the {service} service' if service else 'services without a section of their own'
    return [
        cfg.StrOpt('endpoint_type', choices=_ENDPOINTS, default=None if service else 'public',
                   help=f'Which endpoint of the catalogue is used for {whom}.'),
        cfg.StrOpt('ca_file', help=f'CA bundle that certificates are checked against, for {whom}.'),
        cfg.StrOpt('cert_file', help=f'Client certificate shown to {whom}.'),
        cfg.StrOpt('key_file', help=f'Private key of the client certificate for {whom}.'),
        cfg.BoolOpt('insecure', default=None if service else False,
                    help=f'Do not check certificates of {whom}.'),
    ]


def _http_log(service: str) -> cfg.Opt:
    return cfg.BoolOpt('http_log_debug', default=False,
                       help=f'Log the HTTP traffic with the {service} service at debug level.')


# [cache] is a section of oslo.cache, which keystonemiddleware registers as well.
_ENABLED = (', and for longer than a moment, if [cache] enabled is set. What others make anew under its '
            'name is found only afterwards')


def _cache(what: str, seconds: int, only: str = '') -> list[cfg.Opt]:
    return [
        cfg.BoolOpt('caching', default=True, help=f'Remember {what} between requests{only}.'),
        cfg.IntOpt('expiration_time', default=seconds, help=f'Seconds for which {what} are remembered.'),
    ]


def _was(*spellings: str) -> list[cfg.DeprecatedOpt]:
    pairs = (spelling.split('.') for spelling in spellings)
    return [cfg.DeprecatedOpt(name, group=group) for group, name in pairs]


_UNUSED_DB = 'Kept for existing files; the service does not use it.'

DATABASE = [
    cfg.StrOpt('connection', secret=True, deprecated_opts=_was(
        'DEFAULT.sql_connection', 'DATABASE.sql_connection', 'sql.connection'),
        help='SQLAlchemy URL of the database, for example mysql+pymysql://heat:PASSWORD@HOST/heat.'),
    cfg.StrOpt('slave_connection', secret=True, help='URL of a read-only replica. ' + _UNUSED_DB),
    cfg.StrOpt('asyncio_connection', secret=True, help='URL with an asynchronous driver. ' + _UNUSED_DB),
    cfg.StrOpt('asyncio_slave_connection', secret=True,
               help='URL of a replica with an asynchronous driver. ' + _UNUSED_DB),
    cfg.StrOpt('backend', default='sqlalchemy', deprecated_opts=_was('DEFAULT.db_backend'),
               help='Database layer; sqlalchemy is the only one.'),
    cfg.StrOpt('connection_parameters', default='',
               help='Parameters appended to the URL, as name=value pairs joined by "&".'),
    cfg.IntOpt('connection_recycle_time', default=3600, deprecated_opts=_was(
        'DATABASE.idle_timeout', 'database.idle_timeout', 'DEFAULT.sql_idle_timeout',
        'DATABASE.sql_idle_timeout', 'sql.idle_timeout'),
        help='Seconds after which a pooled connection is replaced when next taken.'),
    cfg.IntOpt('max_pool_size', default=5, deprecated_opts=_was(
        'DEFAULT.sql_max_pool_size', 'DATABASE.sql_max_pool_size'),
        help='Connections kept open in the pool; 0 means no limit.'),
    cfg.IntOpt('max_overflow', default=50, deprecated_opts=_was(
        'DEFAULT.sql_max_overflow', 'DATABASE.sqlalchemy_max_overflow'),
        help='Connections opened beyond the pool under load.'),
    cfg.IntOpt('pool_timeout', deprecated_opts=_was('DATABASE.sqlalchemy_pool_timeout'),
               help='Seconds to wait for a free connection of the pool.'),
    cfg.IntOpt('max_retries', default=10, deprecated_opts=_was(
        'DEFAULT.sql_max_retries', 'DATABASE.sql_max_retries'),
        help='Attempts to reach the database at start; -1 means for ever.'),
    cfg.IntOpt('retry_interval', default=10, deprecated_opts=_was(
        'DEFAULT.sql_retry_interval', 'DATABASE.reconnect_interval'),
        help='Seconds between these attempts.'),
    cfg.IntOpt('connection_debug', default=0, max=100, deprecated_opts=_was('DEFAULT.sql_connection_debug'),
               help='How much SQL is logged: 0 nothing, 50 statements, 100 results too.'),
    cfg.BoolOpt('connection_trace', default=False, deprecated_opts=_was('DEFAULT.sql_connection_trace'),
                help='Add the calling place to statements as a comment.'),
    cfg.BoolOpt('sqlite_synchronous', default=True, deprecated_opts=_was('DEFAULT.sqlite_synchronous'),
                help='Let SQLite wait for the disk at each commit.'),
    cfg.StrOpt('mysql_sql_mode', default='TRADITIONAL',
               help='SQL mode set on MySQL and MariaDB connections; empty keeps that of the server.'),
    cfg.IntOpt('mysql_wsrep_sync_wait',
               help='Value of wsrep_sync_wait for Galera clusters. Unset keeps that of the server.'),
    cfg.BoolOpt('synchronous_reader', default=True,
                help='Readers see all that was committed on other nodes of a cluster before.'),
    cfg.BoolOpt('use_db_reconnect', default=False,
                help='Repeat a transaction that failed because its connection was lost.'),
    cfg.IntOpt('db_retry_interval', default=1, help='Seconds before such a transaction is repeated.'),
    cfg.BoolOpt('db_inc_retry_interval', default=True, help='Double that time at each repetition.'),
    cfg.IntOpt('db_max_retry_interval', default=10, help='Longest time between two repetitions, in seconds.'),
    cfg.IntOpt('db_max_retries', default=20,
               help='Repetitions before the error is final; -1 means for ever.'),
]

ENGINE = [
    cfg.IntOpt('lease_ttl', default=20, min=5,
               help='Seconds without a beat after which another engine may take over a stack.'),
    cfg.IntOpt('lease_beat_interval', default=5, min=1,
               help='Seconds between two beats of an engine for its stacks. Keep it below a third of '
                    'lease_ttl.'),
    cfg.IntOpt('http_timeout', default=60, min=1,
               help='Seconds after which a call to a service is given up.'),
    cfg.IntOpt('settle_time', default=5, min=0,
               help='Seconds added to http_timeout before a call of unknown result is repeated, so that a '
                    'late request can still show itself.'),
    cfg.IntOpt('service_call_pool', default=64, min=1,
               help='Calls in flight to one service at a time, per engine.'),
    cfg.StrOpt('on_engine_death', default='resume', choices=['resume', 'fail'],
               help='What happens to the work of an engine that died: another one resumes it, or marks it '
                    'failed.'),
    cfg.DictOpt('template_macros', default={},
                help='Macros that templates in the format of CloudFormation may use besides those that are '
                     'built in, as NAME:URL, for example Count:https://macros.example.org/count. The '
                     'service posts what AWS sends to the function of a macro, and takes the fragment '
                     'that is answered; the limits are those of templates by URL.'),
    cfg.IntOpt('graceful_stop_timeout', default=60, min=0,
               help='Seconds a stopping engine waits for its calls in flight before it leaves the rest to '
                    'another engine.'),
    cfg.IntOpt('max_plans_per_project', default=1000, min=-1,
               help='Saved plans and change sets that a project may keep. Where there is no room, the oldest '
                    'that were carried out are forgotten; -1 means no limit.'),
    cfg.IntOpt('max_pending_signals_per_resource', default=1000, min=-1,
               help='Signals to one resource that may wait to be applied; more are refused. -1 means no '
                    'limit.'),
    cfg.IntOpt('max_pending_signals_per_stack', default=10000, min=-1,
               help='Signals to the resources of a stack, nested stacks included, that may wait to be '
                    'applied; more are refused. -1 means no limit.'),
]

API: list[cfg.Opt] = [
    cfg.FloatOpt('request_rate', default=0.0, min=0.0,
                 help='Requests a second that each project may make of one process of the orchestration API; '
                      'more are answered with 429. 0 does not limit them.'),
    cfg.IntOpt('request_burst', default=100, min=1,
               help='Requests that a project which was quiet may make at once, if request_rate limits it.'),
    cfg.IntOpt('event_streams', default=1000, min=0,
               help='Streams of events that one process keeps open at a time; one project may have half of '
                    'them.'),
    cfg.FloatOpt('event_stream_seconds', default=900.0, min=1.0,
                 help='Seconds after which a stream of events ends; its client comes back by itself.'),
    cfg.FloatOpt('event_stream_interval', default=1.0, min=0.05,
                 help='Seconds between two questions for new events of a stack that somebody watches.'),
    cfg.FloatOpt('event_stream_idle_interval', default=5.0, min=0.05,
                 help='To so many seconds that time grows while nothing happens.'),
]

BUS: list[cfg.Opt] = [
    cfg.StrOpt('mode', default='rabbit', choices=['rabbit', 'direct'],
               help='How front-ends reach the engine: over the broker of transport_url, or directly in one '
                    'process. Only heat-all can use direct.'),
]


def _auth(plugin: str) -> list[cfg.Opt]:
    """Auth options as documented in samples: the common ones and those of the usual plugin."""
    options: list[cfg.Opt] = loading.get_auth_common_conf_options()
    return [*options, *loading.get_auth_plugin_conf_options(plugin)]


EC2 = [
    cfg.BoolOpt('multi_cloud', default=False,
                help='Accept requests for several clouds, told apart by the sections named in clouds.'),
    cfg.ListOpt('clouds', default=[],
                help='Names of these clouds; each has a section ec2authtoken.<name>.'),
    *loading.get_session_conf_options(),
    *loading.get_adapter_conf_options(),
]

_CLIENT_SECTIONS: dict[str, list[cfg.Opt]] = {f'clients_{name}': _client(name) for name in CLIENTS}
_BUILD: list[cfg.Opt] = [
    cfg.StrOpt('heat_revision', default='unknown',
               help='Revision of this build that the API reports. Set it when packaging.')]

GROUPS: dict[str, list[cfg.Opt]] = {
    'engine': ENGINE,
    'bus': BUS,
    'api': API,
    'heat_api': _server('heat-api', 8004),
    'heat_api_cfn': _server('heat-api-cfn', 8000),
    'heat_api_cloudwatch': _server('heat-api-cloudwatch', 8003),
    'heat_all': [cfg.ListOpt('enabled_services', default=['engine', 'api', 'api_cfn'],
                             item_type=types.String(choices=['engine', 'api', 'api_cfn', 'api_cloudwatch']),
                             help='Services that heat-all runs.')],
    'eventlet_opts': [
        cfg.BoolOpt('wsgi_keep_alive', default=True,
                    help='Keep a connection open for further requests.'),
        cfg.IntOpt('client_socket_timeout', default=900,
                   help='Seconds an idle client connection is kept; 0 means for ever.'),
    ],
    'paste_deploy': [
        cfg.StrOpt('flavor',
                   help='Variant of the pipelines, for example standalone, custombackend or noauth.'),
        cfg.StrOpt('api_paste_config', default='api-paste.ini',
                   help='File with the pipelines; looked up beside the configuration files.'),
    ],
    'auth_password': [
        cfg.BoolOpt('multi_cloud', default=False,
                    help='Accept an X-Auth-Url header with requests that carry a password.'),
        cfg.ListOpt('allowed_auth_uris', default=[], item_type=types.URI(),
                    help='Identity URLs that may be named there.'),
    ],
    'noauth': [
        cfg.StrOpt('token_response', default='',
                   help='JSON file with a token response that stands for every caller; for tests only.'),
    ],
    'ec2authtoken': EC2,
    'trustee': [],
    'clients': _client(),
    **_CLIENT_SECTIONS,
    'constraint_validation_cache': _cache('results of constraint checks', 60, _ENABLED),
    'service_extension_cache': _cache('the extensions of services', 3600),
    'resource_finder_cache': _cache('ids found by name', 3600, _ENABLED),
    'database': DATABASE,
    'revision': _BUILD,
    'volumes': [cfg.BoolOpt('backups_enabled', default=True,
                            help='Whether the volume service can make backups.')],
    'yaql': [
        cfg.IntOpt('limit_iterators', default=200,
                   help='Elements that an iterator in a yaql expression may yield.'),
        cfg.IntOpt('memory_quota', default=10000,
                   help='Memory that one yaql expression may use, in bytes.'),
    ],
}
for _name in ('cinder', 'nova'):
    GROUPS[f'clients_{_name}'].append(_http_log(_name))
GROUPS['clients_heat'].append(cfg.URIOpt(
    'url', schemes=['http', 'https'],
    help='URL of this API for calls to itself, with %(tenant_id)s for the project. Unset means the one of '
         'the catalogue.'))
GROUPS['clients_keystone'].append(cfg.URIOpt(
    'auth_uri', schemes=['http', 'https'],
    help='Identity URL without version, used where no request context gives one.'))

# Documented for operators, registered by keystoneauth when the section is loaded: which
# options exist depends on the auth_type found there.
LOADED_BY_PLUGIN: dict[str, list[cfg.Opt]] = {
    'ec2authtoken': _auth('v3password'),
    'trustee': _auth('password'),
}
