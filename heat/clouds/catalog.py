"""One row per service: how its catalogue entry, versions and lists look.

Purpose: everything that differs between services and is not a resource type.
Invariant: a service is named by its row everywhere above; no other module knows
a service type, a version prefix or a microversion. Neighbours: ``session`` finds
endpoints by it, ``rest`` and ``nova`` read headers and dialects from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_VERSION = re.compile(r'^v\d+(\.\d+)?$')


@dataclass(frozen=True, slots=True)
class Service:
    """How to reach one service.

    ``types`` are the names it may have in the catalogue, best first. ``prefix``
    is the version segment every path starts with ('' when the endpoint in the
    catalogue is used as it stands); ``project_in_url`` tells that the project
    follows it. ``microversion`` is (header, value) sent unless a call brings its
    own; ``limit`` is the option that bounds it. ``section`` is the part after
    ``clients_`` of its section in heat.conf. ``dialect`` chooses the names of
    errors in ``rest``. ``headers`` are sent with every request.
    """

    name: str
    types: tuple[str, ...]
    section: str
    prefix: str = ''
    project_in_url: bool = False
    microversion: tuple[str, str] | None = None
    limit: str = ''
    dialect: str = ''
    headers: tuple[tuple[str, str], ...] = ()

    def version_header(self, highest: str | None) -> tuple[str, str] | None:
        """(header, value) of the microversion, no higher than ``highest`` (None: no limit)."""
        if self.microversion is None or not highest:
            return self.microversion
        name, value = self.microversion
        kind, space, version = value.rpartition(' ')
        return name, f'{kind}{space}{min(version, highest, key=number)}'


def _mv(kind: str, version: str) -> tuple[str, str]:
    return 'OpenStack-API-Version', f'{kind} {version}'


_ROWS = (
    # The header of compute is set by novaclient, which also negotiates its value.
    Service('compute', ('compute',), 'nova', 'v2.1', dialect='nova'),
    Service('network', ('network',), 'neutron', 'v2.0', dialect='neutron'),
    # Every release since Train serves 3.59, and no call of ours needs more.
    Service(
        'volumev3',
        ('volumev3', 'block-storage', 'volume'),
        'cinder',
        'v3',
        project_in_url=True,
        microversion=_mv('volume', '3.59'),
        limit='max_cinder_api_microversion',
        dialect='cinder',
    ),
    Service('image', ('image',), 'glance', 'v2', dialect='glance'),
    Service('identity', ('identity',), 'keystone', 'v3'),
    Service('object-store', ('object-store',), 'swift'),
    Service('orchestration', ('orchestration',), 'heat', 'v1', project_in_url=True),
    Service('cloudformation', ('cloudformation',), 'heat'),
    Service('alarming', ('alarming',), 'aodh', 'v2'),
    Service('metric', ('metric',), 'clients', 'v1'),
    Service('key-manager', ('key-manager',), 'barbican', 'v1'),
    Service('dns', ('dns',), 'designate', 'v2'),
    Service('load-balancer', ('load-balancer',), 'octavia', 'v2'),
    # A client is not shown what it wrote itself, so all engines are one.
    Service('messaging', ('messaging',), 'zaqar', 'v2',
            headers=(('Client-ID', '5c7b0a4e-9d11-4d5e-8f5e-6f2f1a1b7d11'),)),
    Service('workflow', ('workflowv2', 'workflow'), 'mistral', 'v2'),
    Service(
        'share',
        ('sharev2', 'shared-file-system'),
        'manila',
        'v2',
        microversion=('X-OpenStack-Manila-API-Version', '2.60'),
        dialect='cinder',
    ),
    Service(
        'container-infra', ('container-infra',), 'magnum', 'v1', microversion=_mv('container-infra', '1.10')
    ),
    Service('database', ('database',), 'trove', 'v1.0', project_in_url=True, dialect='nova'),
    Service(
        'baremetal',
        ('baremetal',),
        'clients',
        'v1',
        microversion=('X-OpenStack-Ironic-API-Version', '1.78'),
        limit='max_ironic_api_microversion',
    ),
    Service('placement', ('placement',), 'clients', microversion=_mv('placement', '1.36')),
    Service('reservation', ('reservation',), 'clients', 'v1'),
    Service('container', ('container',), 'clients', 'v1', microversion=_mv('container', '1.12')),
)

SERVICES: dict[str, Service] = {row.name: row for row in _ROWS}
# Other spellings which resource types and existing configuration use.
ALIASES: dict[str, str] = {
    alias: row.name
    for row in _ROWS
    for alias in (*row.types, row.section)
    if alias != 'clients' and alias not in SERVICES
}
ALIASES['heat'] = 'orchestration'
ALIASES['aodh'] = 'alarming'
ALIASES.update(ironic='baremetal', blazar='reservation', zun='container')


def number(version: str) -> tuple[int, int]:
    """'2.79' -> (2, 79)."""
    major, _, minor = version.partition('.')
    return int(major), int(minor)


class UnknownServiceError(Exception):
    """A name that is no row here; a defect in a resource type."""


def service(name: str) -> Service:
    """The row called ``name`` (our name, an alias or a client's name); UnknownServiceError otherwise."""
    row = SERVICES.get(name) or SERVICES.get(ALIASES.get(name, ''))
    if row is None:
        raise UnknownServiceError(f'No service is called {name}.')
    return row


def base_url(row: Service, endpoint: str, project_id: str | None) -> str:
    """The URL that paths are appended to, made of the catalogue's ``endpoint``.

    The version segment, and the project where the service wants it, are added
    only if the catalogue left them out.
    """
    url = endpoint.rstrip('/')
    segments = [part for part in urlsplit(url).path.split('/') if part]
    if not row.prefix or any(_VERSION.match(part) for part in segments):
        return url
    url = f'{url}/{row.prefix}'
    return f'{url}/{project_id}' if row.project_in_url and project_id else url


def join(row: Service, base: str, path: str) -> str:
    """``base`` plus ``path``; a version segment that stands in both is taken once."""
    path = path if path.startswith('/') else f'/{path}'
    if row.prefix and path.startswith(f'/{row.prefix}/') and base.endswith(f'/{row.prefix}'):
        path = path[len(row.prefix) + 1 :]
    return base + path
