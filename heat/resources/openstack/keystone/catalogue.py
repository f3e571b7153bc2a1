"""What the catalogue is made of: regions, services, endpoints.

Purpose: OS::Keystone::Region, Service and Endpoint. Invariant: a region that was
not given an id has one that we choose, by which it is found again. Neighbours:
``rest`` has the common verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from heat.model.op import Adopt
from heat.resources.openstack.keystone.rest import Keystone
from heat.schema import IN_PLACE, Boolean, String, Support

SINCE_MITAKA = Support(version='6.0.0')


class Region(Keystone):
    """A region: a cloud's part with endpoints of its own."""

    type = 'OS::Keystone::Region'
    support = SINCE_MITAKA
    path, key = '/regions', 'region'
    name_key = None

    class properties:
        id = String('Id; by default one that nobody has.')
        parent_region = String('Region that it is a part of.', is_a='keystone.region',
                               wire='parent_region_id', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        enabled = Boolean('Whether it is in use.', default=True, update=IN_PLACE)

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {'id': self.row.uuid, **super().body(props)}

    def only_ours(self, body: Mapping[str, Any]) -> bool:
        return bool(body['id'] == self.row.uuid)

    def marks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {'id': body['id']}

    def search(self, marks: Mapping[str, Any]) -> Adopt:
        return Adopt(f'/regions/{quote(marks["id"], safe="")}', 'region', lambda found: True)


class Service(Keystone):
    """A service as the catalogue names it."""

    type = 'OS::Keystone::Service'
    support = Support(version='5.0.0')
    path, key = '/services', 'service'
    narrowed = ('name', 'type')

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        type = String('Kind of service, like compute.', required=True, update=IN_PLACE)
        enabled = Boolean('Whether the catalogue shows it.', default=True, update=IN_PLACE,
                          support=SINCE_MITAKA)


class Endpoint(Keystone):
    """Where a service is to be found."""

    type = 'OS::Keystone::Endpoint'
    support = Support(version='5.0.0')
    path, key = '/endpoints', 'endpoint'
    narrowed = ('service_id', 'interface')

    class properties:
        name = String('Name.', update=IN_PLACE)
        region = String('Region it is in.', is_a='keystone.region', wire='region_id', update=IN_PLACE)
        service = String('Service it belongs to.', required=True, is_a='keystone.service',
                         wire='service_id', update=IN_PLACE)
        interface = String('For whom it is.', required=True, values=['public', 'internal', 'admin'],
                           update=IN_PLACE)
        url = String('Its address.', required=True, update=IN_PLACE)
        enabled = Boolean('Whether the catalogue shows it.', default=True, update=IN_PLACE,
                          support=SINCE_MITAKA)
