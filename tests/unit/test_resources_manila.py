"""The share types without a cloud: what does not fit together."""

from __future__ import annotations

from typing import Any

import pytest

from heat import schema
from heat.resources.openstack.manila import Share, ShareNetwork


def faults(kind: Any, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(kind.schema.properties, props)
    assert errors == []
    return [*map(str, kind.schema.faults(values)), *kind.validate(values)]


@pytest.mark.parametrize(
    ('kind', 'props', 'part'),
    [
        (ShareNetwork, {'neutron_network': 'n'}, 'neutron_subnet'),
        (ShareNetwork, {'nova_network': 'n'}, 'nova_network is not supported'),
        (
            Share,
            {
                'share_protocol': 'NFS',
                'size': 1,
                'access_rules': [
                    {'access_type': 'ip', 'access_to': '10.0.0.1'},
                    {'access_type': 'ip', 'access_to': '10.0.0.1', 'access_level': 'ro'},
                ],
            },
            'more than one rule for ip 10.0.0.1',
        ),
    ],
)
def test_what_does_not_fit_together_is_said(kind: Any, props: dict[str, Any], part: str) -> None:
    assert any(part in sentence for sentence in faults(kind, **props))


def test_what_is_not_known_yet_is_let_pass() -> None:
    unknown = schema.UNKNOWN
    rules = [{'access_type': 'ip', 'access_to': unknown}, {'access_type': 'ip', 'access_to': unknown}]
    assert faults(Share, share_protocol='NFS', size=1, access_rules=rules) == []
    assert faults(Share, share_protocol='NFS', size=1, access_rules=unknown) == []
    assert faults(ShareNetwork, neutron_subnet=unknown) == []
