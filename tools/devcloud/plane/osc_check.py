"""Makes one of everything with python-openstackclient, uses it, deletes it, looks for leftovers.

Run by `devcloud check` as a program of its own, its text with names of its own in the place
of dc-...: argv[1] is a public key file. Every step is an `openstack` command line, run by the client's own
shell in one process, so that its import is paid once.
"""
import contextlib
import io
import json
import os
import sys
import time

t0 = time.time()
from openstackclient import shell  # noqa: E402
print('%6.2fs  import openstackclient' % (time.time() - t0))
failed = []


def osc(line, parse=True, ok=False):
    argv = line.split() if isinstance(line, str) else line
    out = io.StringIO()
    t = time.time()
    with contextlib.redirect_stdout(out):
        try:
            rc = shell.OpenStackShell().run(argv + (['-f', 'json'] if parse else []))
        except SystemExit as e:
            rc = e.code
    print('%6.2fs  openstack %s%s' % (time.time() - t, ' '.join(argv), ' -> rc %s' % rc if rc else ''),
          flush=True)
    if rc and not ok:
        failed.append(' '.join(argv))
        raise RuntimeError(' '.join(argv))
    return json.loads(out.getvalue()) if parse and not rc and out.getvalue().strip() else out.getvalue()


def until(line, key, value, timeout=300):
    t = time.time()
    while True:
        x = osc(line)
        if x.get(key) == value:
            print('%6.2fs  ... %s is %s' % (time.time() - t, key, value), flush=True)
            return x
        if 'error' in str(x.get(key)).lower() or time.time() - t > timeout:
            failed.append(line)
            raise RuntimeError('%s: %s is %s' % (line, key, x.get(key)))
        time.sleep(0.3)


def gone(kind, name, listing=None, timeout=300):
    t = time.time()
    while any(x.get('Name') == name for x in osc(listing or kind + ' list')):
        if time.time() - t > timeout:
            raise RuntimeError('%s %s is still there' % (kind, name))
        time.sleep(0.3)


def extras(on, undo):
    if 'swift' in on:
        osc('container create dc-container')
        osc(['object', 'create', 'dc-container', sys.argv[1], '--name', 'key'])
        undo.append('container delete --recursive dc-container')
    if 'barbican' in on:
        s = osc('secret store --name dc-secret --payload hello')
        if osc('secret get --payload ' + s['Secret href'])['Payload'] != 'hello':
            failed.append('barbican payload')
        undo.append('secret delete ' + s['Secret href'])
    if 'designate' in on:
        osc('zone create --email a@example.test dc.example.test.')
        undo.append('zone delete dc.example.test.')
        until('zone show dc.example.test.', 'status', 'ACTIVE')
        r = osc('recordset create dc.example.test. www --type A --record 10.0.0.1')
        until('recordset show dc.example.test. ' + r['id'], 'status', 'ACTIVE')
    if 'octavia' in on:
        osc('loadbalancer create --name dc-lb --vip-subnet-id dc-subnet')
        undo.append('loadbalancer delete --cascade --wait dc-lb')
        until('loadbalancer show dc-lb', 'provisioning_status', 'ACTIVE')
        osc('loadbalancer listener create --name dc-listener --protocol HTTP --protocol-port 80 dc-lb')
        until('loadbalancer show dc-lb', 'provisioning_status', 'ACTIVE')
        osc('loadbalancer pool create --name dc-pool --listener dc-listener --protocol HTTP '
            '--lb-algorithm ROUND_ROBIN')
        until('loadbalancer show dc-lb', 'provisioning_status', 'ACTIVE')
        r = osc('loadbalancer member create --address 10.77.0.9 --protocol-port 80 dc-pool')
        until('loadbalancer show dc-lb', 'provisioning_status', 'ACTIVE')
        until('loadbalancer member show dc-pool ' + r['id'], 'provisioning_status', 'ACTIVE')
    if 'vpnaas' in on:
        osc('vpn ike policy create dc-ike')
        undo.append('vpn ike policy delete dc-ike')
    if 'sfc' in on:
        osc('sfc flow classifier create --logical-source-port dc-port dc-classifier')
        undo.append('sfc flow classifier delete dc-classifier')
    if 'taas' in on:
        osc('tap service create --name dc-tap --port dc-port')
        undo.append('tap service delete dc-tap')
        until('tap service show dc-tap', 'Status', 'ACTIVE')
    if 'gnocchi' in on:
        m = osc('metric create --archive-policy-name low dc-metric')
        undo.append('metric delete ' + m['id'])
        osc('metric measures add -m 2026-01-01T00:00:00@42 ' + m['id'], False)
    if 'aodh' in on:
        a = osc('alarm create --name dc-alarm --type gnocchi_aggregation_by_metrics_threshold '
                '--metric %s --threshold 5 --aggregation-method mean '
                '--alarm-action http://127.0.0.1:1/' % m['id'])
        undo.append('alarm delete ' + a['alarm_id'])
    if 'magnum' in on:
        osc('coe cluster template create dc-ct --coe kubernetes --image fedora-coreos-like '
            '--external-network public --flavor m1.small --master-flavor m1.small '
            '--network-driver flannel', False)
        undo.append('coe cluster template delete dc-ct')
    if 'mistral' in on:
        f = sys.argv[1] + '.yaml'
        with open(f, 'w') as o:
            o.write('version: "2.0"\ndc_flow:\n  tasks:\n    t: {action: std.echo output="hi"}\n')
        osc('workflow create ' + f)
        undo.append('workflow delete dc_flow')
        e = osc('workflow execution create dc_flow')
        undo.append('workflow execution delete ' + e['ID'])
        until('workflow execution show ' + e['ID'], 'State', 'SUCCESS')
    if 'manila' in on:
        osc('share create NFS 1 --name dc-share')
        undo.append('share delete dc-share')
        until('share show dc-share', 'status', 'available')
    if 'zaqar' in on:
        os.environ['OS_MESSAGE_CLIENT_ID'] = '3381af92-2b9e-11e3-b191-71861300734c'
        osc('messaging queue create dc-queue')
        undo.append('messaging queue delete dc-queue')
        osc(['messaging', 'message', 'post', 'dc-queue', '[{"body": "hi", "ttl": 60}]'], False)
        if not osc('messaging message list dc-queue --echo'):
            failed.append('zaqar message')


t1 = time.time()
undo = []
try:
    osc('network create dc-net')
    undo.append('network delete dc-net')
    osc('subnet create dc-subnet --network dc-net --subnet-range 10.77.0.0/24')
    undo.append('subnet delete dc-subnet')
    osc('router create dc-router')
    undo.append('router delete dc-router')
    osc('router set dc-router --external-gateway public', False)
    undo.append('router unset dc-router --external-gateway')
    osc('router add subnet dc-router dc-subnet', False)
    undo.append('router remove subnet dc-router dc-subnet')
    osc('security group create dc-sg')
    undo.append('security group delete dc-sg')
    osc('security group rule create dc-sg --protocol tcp --dst-port 22')
    osc('keypair create dc-key --public-key ' + sys.argv[1])
    undo.append('keypair delete dc-key')
    port = osc('port create dc-port --network dc-net --security-group dc-sg')
    undo.append('port delete dc-port')
    osc('server create dc-server --flavor m1.tiny --image cirros-like --key-name dc-key '
        '--port dc-port')
    undo.append('server delete --wait dc-server')
    server = until('server show dc-server', 'status', 'ACTIVE')
    until('port show dc-port', 'status', 'ACTIVE')
    fip = osc('floating ip create public --port dc-port')
    undo.append('floating ip delete ' + fip['floating_ip_address'])
    until('floating ip show ' + fip['id'], 'status', 'ACTIVE')
    osc('volume create dc-volume --size 1')
    undo.append('volume delete dc-volume')
    until('volume show dc-volume', 'status', 'available')
    osc('server add volume dc-server dc-volume')
    undo.append('server remove volume dc-server dc-volume')
    until('volume show dc-volume', 'status', 'in-use')
    osc('volume snapshot create dc-snap --volume dc-volume --force')
    undo.append('volume snapshot delete dc-snap')
    until('volume snapshot show dc-snap', 'status', 'available')
    osc('console log show dc-server', False)
    print('%6.2fs  CREATED AND USED' % (time.time() - t1))
    t3 = time.time()
    extras(os.environ['DEVCLOUD_ENABLED'].split(), undo)
    print('%6.2fs  EXTRA SERVICES' % (time.time() - t3))
    t2 = time.time()
    osc('volume snapshot delete dc-snap', False)
    undo.remove('volume snapshot delete dc-snap')
    gone('volume snapshot', 'dc-snap')
    osc('server remove volume dc-server dc-volume', False)
    undo.remove('server remove volume dc-server dc-volume')
    until('volume show dc-volume', 'status', 'available')
    for line in reversed(list(undo)):
        osc(line, False)
        undo.remove(line)
    gone('volume', 'dc-volume')
    for kind in ('network', 'subnet', 'router', 'port', 'server', 'volume', 'security group', 'keypair'):
        left = [x for x in osc(kind + ' list') if str(x.get('Name')).startswith('dc-')]
        if left:
            failed.append('%s left: %s' % (kind, left))
    print('%6.2fs  DELETED' % (time.time() - t2))
except Exception as e:
    failed.append(repr(e))
    for line in reversed(undo):
        osc(line, False, ok=True)
print('%6.2fs  in all' % (time.time() - t0))
print('FAILED: %s' % failed if failed else 'CHECK PASSED')
sys.exit(1 if failed else 0)
