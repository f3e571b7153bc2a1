"""Just enough of Keystone and REST to seed a cloud, on the standard library alone."""
import http.client
import json
import urllib.parse

from plane.settings import HOST, PORTS, PW


class Api:
    """Just enough of keystone and REST to seed a cloud."""

    def __init__(self, user='admin', password=None, project='admin'):
        self.cred = (user, password or PW, project)
        self.token = self.expires = None
        self.catalog = {}

    def login(self):
        user, password, project = self.cred
        body = {'auth': {'identity': {'methods': ['password'], 'password': {
            'user': {'name': user, 'domain': {'id': 'default'}, 'password': password}}},
            'scope': {'project': {'name': project, 'domain': {'id': 'default'}}}}}
        r = http_json('POST', url('keystone', '/v3/auth/tokens'), body)
        self.token = r.headers['X-Subject-Token']
        self.project_id = r.json['token']['project']['id']
        for s in r.json['token'].get('catalog', []):
            for e in s['endpoints']:
                if e['interface'] == 'public':
                    self.catalog[s['type']] = e['url']
        return self

    def __call__(self, method, u, body=None, headers=None, ok=(), raw=None):
        if not self.token:
            self.login()
        if not u.startswith('http'):
            type_, rest = u.split('/', 1)
            u = self.catalog[type_].rstrip('/') + '/' + rest
        h = {'X-Auth-Token': self.token}
        h.update(headers or {})
        r = http_json(method, u, body, h, raw)
        if r.status >= 400 and r.status not in ok:
            raise RuntimeError('%s %s: %s %s' % (method, u, r.status, r.text[:500]))
        return r


class Reply:
    pass


def http_json(method, u, body=None, headers=None, raw=None, timeout=60):
    p = urllib.parse.urlsplit(u)
    c = http.client.HTTPConnection(p.hostname, p.port, timeout=timeout)
    h = {'Accept': 'application/json'}
    data = raw
    if body is not None:
        h['Content-Type'] = 'application/json'
        data = json.dumps(body).encode()
    h.update(headers or {})
    c.request(method, p.path + ('?' + p.query if p.query else ''), data, h)
    resp = c.getresponse()
    r = Reply()
    r.status, r.headers = resp.status, resp.headers
    r.text = resp.read().decode('utf-8', 'replace')
    try:
        r.json = json.loads(r.text)
    except ValueError:
        r.json = None
    c.close()
    return r


def url(svc, rest=''):
    return 'http://%s:%d%s' % (HOST, PORTS[svc], rest)
