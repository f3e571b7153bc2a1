"""MariaDB and RabbitMQ: used as they run, started when nobody listens.

Both listen on loopback only, and an epmd of the broker's own is stopped with it.
"""
import os
import shlex
import shutil

from plane.processes import Proc
from plane.settings import (DBP, E, HOME, MYSQL_PORT, MYSQL_SOCKET, PW, RABBIT_DIST_PORT, RABBIT_NODE,
                            RABBIT_PORT, VHOST)
from plane.shell import listening, path, run, say, wait_for

# Erlang's own two: nodes among themselves, and the port mapper
DIST_PORT = RABBIT_DIST_PORT
EPMD_PORT = RABBIT_DIST_PORT + 1
MYSQL = shlex.split(E('DEVCLOUD_MYSQL', 'mariadb -u root --socket=' + MYSQL_SOCKET))


def sql(text):
    return run(MYSQL + ['-N', '-B'], input=text)


def start_mariadb():
    if listening(MYSQL_PORT):
        return
    say('starting MariaDB on %d' % MYSQL_PORT)
    data = path('mysql', '')
    os.makedirs(os.path.dirname(MYSQL_SOCKET), exist_ok=True)
    shutil.chown(os.path.dirname(MYSQL_SOCKET), 'mysql', 'mysql')
    os.chmod(HOME, 0o755)
    if not os.path.exists(data + '/mysql'):
        shutil.chown(data, 'mysql', 'mysql')
        run(['mariadb-install-db', '--user=mysql', '--datadir=' + data, '--skip-test-db',
             '--auth-root-authentication-method=socket'], 'mariadb')
    Proc('mariadb').start([
        '/usr/sbin/mariadbd', '--no-defaults', '--user=mysql', '--datadir=' + data,
        '--socket=' + MYSQL_SOCKET, '--pid-file=' + data + '/mysqld.pid',
        '--bind-address=127.0.0.1', '--port=%d' % MYSQL_PORT, '--max-connections=800',
        '--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0', '--skip-log-bin',
        '--innodb-buffer-pool-size=128M', '--skip-name-resolve',
        '--character-set-server=utf8mb4', '--collation-server=utf8mb4_general_ci'])
    wait_for('MariaDB', lambda: listening(MYSQL_PORT))


def setup_mariadb():
    sql("".join(
        "CREATE USER IF NOT EXISTS 'devcloud'@'%s' IDENTIFIED BY '%s';"
        "GRANT ALL ON `%s%%`.* TO 'devcloud'@'%s';" % (h, PW, DBP.replace('_', r'\_'), h)
        for h in ('localhost', '127.0.0.1', '%'))
        + "SET GLOBAL max_connections = GREATEST(@@max_connections, 800);")


def rabbit_env():
    """For rabbitmqctl: which node, when it is one that we started."""
    return broker_env() if os.path.exists(os.path.join(HOME, 'run', 'rabbitmq.pid')) else {}


def broker_env():
    """An Erlang node of our own: its name, its epmd (never the machine's), its cookie's home."""
    return {'RABBITMQ_NODENAME': RABBIT_NODE, 'HOME': '/var/lib/rabbitmq',
            'ERL_EPMD_ADDRESS': '127.0.0.1', 'ERL_EPMD_PORT': str(EPMD_PORT)}


def stop_epmd():
    """epmd leaves its starter's session, so no process group reaches it."""
    if os.path.exists('/usr/bin/epmd'):
        run(['/usr/bin/epmd', '-port', str(EPMD_PORT), '-kill'], 'rabbitmq', env=broker_env(), check=False)


def rabbit_eval(code):
    return run(['rabbitmqctl', 'eval', code], 'rabbitmqctl', env=rabbit_env())


def start_rabbit():
    if listening(RABBIT_PORT):
        return
    say('starting RabbitMQ on %d' % RABBIT_PORT)
    data = path('rabbitmq', '')
    for d in ('/var/lib/rabbitmq', data):
        os.makedirs(d, exist_ok=True)
        shutil.chown(d, 'rabbitmq', 'rabbitmq')
    os.chmod(HOME, 0o755)
    Proc('rabbitmq').start(
        ['/usr/lib/rabbitmq/bin/rabbitmq-server'], user='rabbitmq', cwd=data,
        env={**broker_env(), 'RABBITMQ_MNESIA_BASE': data, 'RABBITMQ_LOGS': '-',
             'RABBITMQ_CONFIG_FILE': data + 'none',
             'RABBITMQ_ENABLED_PLUGINS_FILE': data + 'plugins',
             'RABBITMQ_PID_FILE': data + 'pid', 'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
             'RABBITMQ_NODE_PORT': str(RABBIT_PORT), 'RABBITMQ_DIST_PORT': str(DIST_PORT),
             'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
                 '+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}'})
    wait_for('RabbitMQ', lambda: listening(RABBIT_PORT))
    run(['rabbitmqctl', 'await_startup'], 'rabbitmqctl', env=rabbit_env())


def setup_rabbit():
    v = '<<"%s">>' % VHOST
    u = '<<"devcloud">>'
    rabbit_eval(
        'rabbit_vhost:exists({v}) orelse rabbit_vhost:add({v}, {u}), '
        'rabbit_auth_backend_internal:exists({u}) orelse '
        'rabbit_auth_backend_internal:add_user({u}, <<"{p}">>, {u}), '
        'rabbit_auth_backend_internal:set_permissions({u}, {v}, <<".*">>, <<".*">>, <<".*">>, {u}).'
        .format(v=v, u=u, p=PW))
