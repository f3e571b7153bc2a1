"""Roles, projects, users, domains and endpoints; adds what is missing, changes URLs that moved."""
from plane.rest import Api, url
from plane.settings import DEMO_PW, PW, REGION

ROLES = ['member', 'reader', 'service', 'heat_stack_owner', 'heat_stack_user', 'creator',
         'load-balancer_member', 'ResellerAdmin', 'manager']


def identity(services):
    a = Api().login()
    k = url('keystone', '/v3/')

    def have(kind, query=''):
        return {x['name']: x['id'] for x in a('GET', k + kind + query).json[kind.split('/')[-1]]}

    def make(kind, one, names, existing, **attrs):
        for n in names:
            if n not in existing:
                existing[n] = a('POST', k + kind, {one: dict(attrs, name=n)}).json[one]['id']
        return existing

    roles = make('roles', 'role', ROLES, have('roles'))
    projects = make('projects', 'project', ['service', 'demo'],
                    have('projects', '?domain_id=default'), domain_id='default')
    admins = {'heat': 'heat_domain_admin'}
    for s in services:
        admins.update(s.domains)
    domains = make('domains', 'domain', admins, have('domains'))
    users = have('users', '?domain_id=default')

    def user(name, password, domain='default', known=users):
        if name not in known:
            known[name] = a('POST', k + 'users', {'user': {
                'name': name, 'password': password, 'domain_id': domain}}).json['user']['id']
            return True
        return False

    def grant(u, role, project):
        a('PUT', k + 'projects/%s/users/%s/roles/%s' % (projects[project], users[u], roles[role]))

    for s in services:
        for u in (s.users if s.users is not None else [s.name]):
            if user(u, PW):
                for r in ('admin', 'service'):
                    grant(u, r, 'service')
    if user('heat', PW):
        grant('heat', 'admin', 'service')
        grant('heat', 'service', 'service')
    if user('demo', DEMO_PW):
        for r in ('member', 'heat_stack_owner', 'creator', 'load-balancer_member'):
            grant('demo', r, 'demo')
    for r in ('admin', 'heat_stack_owner'):
        grant('admin', r, 'demo')
    grant('admin', 'heat_stack_owner', 'admin')
    for d, u in admins.items():
        hd = have('users', '?domain_id=' + domains[d])
        if user(u, PW, domains[d], hd):
            a('PUT', k + 'domains/%s/users/%s/roles/%s' % (domains[d], hd[u], roles['admin']))

    known = {(x['name'], x['type']): x['id'] for x in a('GET', k + 'services').json['services']}
    urls = {(e['service_id'], e['interface']): e for e in a('GET', k + 'endpoints').json['endpoints']}
    for s in services:
        for name, type_, u in s.endpoints():
            endpoint(a, known, urls, name, type_, u)
    return a


def endpoint(a, known, urls, name, type_, u):
    k = url('keystone', '/v3/')
    if (name, type_) not in known:
        known[name, type_] = a('POST', k + 'services', {'service': {
            'name': name, 'type': type_}}).json['service']['id']
    for i in ('public', 'internal', 'admin'):
        e = urls.get((known[name, type_], i))
        if e is None:
            a('POST', k + 'endpoints', {'endpoint': {
                'service_id': known[name, type_], 'interface': i,
                'region_id': REGION, 'url': u}})
        elif e['url'] != u:
            a('PATCH', k + 'endpoints/' + e['id'], {'endpoint': {'url': u}})
