"""The types of clusters without a cloud."""

from __future__ import annotations

import pytest

from heat import schema
from heat.resources.openstack.magnum import ClusterTemplate


@pytest.mark.parametrize(
    ('coe', 'driver', 'said'),
    [
        ('kubernetes', 'rexray', 'expecting a cinder volume driver'),
        ('swarm', 'cinder', 'expecting a rexray volume driver'),
        ('mesos', 'rexray', ''),
        ('kubernetes', schema.UNKNOWN, ''),
        (schema.UNKNOWN, 'cinder', ''),
    ],
)
def test_containers_have_volumes_of_their_clusters_kind(coe: str, driver: str, said: str) -> None:
    found = list(ClusterTemplate.validate({'coe': coe, 'volume_driver': driver}))
    assert (said in found[0]) if said else found == []
