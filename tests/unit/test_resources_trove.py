"""The types of databases without a cloud: what does not fit together."""

from __future__ import annotations

from typing import Any

import pytest

from heat import schema
from heat.resources.openstack.trove import Cluster, Instance

NET = {'network': 'n'}


def faults(kind: Any, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(kind.schema.properties, props)
    assert errors == []
    return [*map(str, kind.schema.faults(values)), *kind.validate(values)]


def instance(**props: Any) -> list[str]:
    return faults(Instance, flavor='f', size=1, **props)


def user(*databases: Any) -> dict[str, Any]:
    return {'name': 'keeper', 'password': 'secret', 'databases': list(databases)}


@pytest.mark.parametrize(
    ('props', 'part'),
    [
        ({'networks': [{}]}, 'Either network or port'),
        ({'networks': [{**NET, 'port': 'p'}]}, 'Either network or port'),
        ({'networks': [{'port': 'p', 'fixed_ip': '10.0.0.1'}]}, 'with a network only'),
        ({'users': [user('shop')]}, 'Database shop specified for user does not exist'),
        ({'users': [user('shop')], 'databases': [{'name': 'stock'}]}, 'Database shop specified'),
        ({'datastore_version': '5.7'}, 'datastore_type'),
        ({'replica_count': 2}, 'replica_of'),
    ],
)
def test_what_does_not_fit_together_is_said(props: dict[str, Any], part: str) -> None:
    assert any(part in sentence for sentence in instance(**props))


def test_servers_of_a_cluster_have_networks_like_others() -> None:
    servers = [{'flavor': 'f', 'volume_size': 1, 'networks': [{}]}]
    said = faults(Cluster, datastore_type='a', datastore_version='1', instances=servers)
    assert said == ['Either network or port must be provided.']


def test_what_is_not_known_yet_is_let_pass() -> None:
    unknown = schema.UNKNOWN
    assert instance(networks=unknown, users=unknown, databases=unknown) == []
    assert instance(users=[user(unknown)], databases=[{'name': 'shop'}]) == []
    assert instance(users=[user('shop')], databases=[{'name': unknown}]) == []
    # What is in a backup is not known here.
    assert instance(users=[user('shop')], restore_point='b') == []
