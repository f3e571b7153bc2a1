"""Types that keep things: what containers, secrets, queues and alarms refuse, and what they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from heat import schema
from heat.resources.types import PLUGINS


def faults(kind: str, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(PLUGINS[kind].schema.properties, props)
    assert errors == []
    return list(PLUGINS[kind].validate(values))


@pytest.mark.parametrize(
    ('kind', 'props', 'part'),
    [
        ('OS::Swift::Container', {'name': 'a/b'}, '"a/b" is no name of a container'),
        ('OS::Swift::Container', {'name': 'ü' * 129}, '256 bytes at most'),
        ('OS::Swift::Container', {'X-Container-Meta': {'a:b': '1'}}, "'a:b' is no name"),
        ('OS::Swift::Container', {'X-Account-Meta': {'a': 'x\r\nX-Other: y'}}, 'more than one line'),
        ('OS::Swift::Container', {'X-Account-Meta': {'a': [1]}}, 'the value of a is no text'),
        ('OS::Swift::Container', {'X-Container-Read': '.r:*\nX-Other: y'}, 'more than one line'),
        ('OS::Barbican::Secret', {'payload_content_type': 'text/plain'}, 'without payload'),
        (
            'OS::Barbican::Secret',
            {'payload': 'x', 'payload_content_encoding': 'base64'},
            'with value application/octet-stream',
        ),
        (
            'OS::Barbican::Secret',
            {'payload': 'x', 'payload_content_type': 'application/octet-stream'},
            'needs payload_content_encoding base64',
        ),
        (
            'OS::Barbican::Order',
            {'type': 'key', 'pass_phrase': 'p'},
            'Unexpected properties: pass_phrase. Only these properties are allowed for key type of order',
        ),
        (
            'OS::Barbican::Order',
            {'type': 'certificate', 'request_type': 'stored-key'},
            'without source_container_ref',
        ),
        ('OS::Barbican::RSAContainer', {'private_key_passphrase_ref': 'r'}, 'without private_key_ref'),
        (
            'OS::Barbican::CertificateContainer',
            {'certificate_ref': 'r', 'intermediates_ref': 'r'},
            'Duplicate refs',
        ),
        (
            'OS::Barbican::GenericContainer',
            {'secrets': [{'name': 'a', 'ref': 'r'}, {'name': 'b', 'ref': 'r'}]},
            'Duplicate refs',
        ),
        ('OS::Zaqar::Subscription', {'queue_name': 'q', 'subscriber': 'ftp://x'}, 'must begin with one of'),
        (
            'OS::Zaqar::MistralTrigger',
            {'queue_name': 'q', 'workflow_id': 'w', 'params': {'env': 1}},
            'env is no map',
        ),
    ],
)
def test_what_does_not_fit_together_is_said(kind: str, props: dict[str, Any], part: str) -> None:
    said = faults(kind, **props)
    assert len(said) == 1 and part in said[0], said


@pytest.mark.parametrize(
    ('kind', 'props'),
    [
        ('OS::Swift::Container', {'name': schema.UNKNOWN, 'X-Container-Meta': {'a': schema.UNKNOWN}}),
        ('OS::Swift::Container', {'X-Container-Meta': schema.UNKNOWN}),
        ('OS::Barbican::Secret', {'payload': schema.UNKNOWN, 'payload_content_type': 'text/plain'}),
        ('OS::Barbican::Order', {'type': schema.UNKNOWN, 'pass_phrase': 'p'}),
        (
            'OS::Barbican::GenericContainer',
            {'secrets': [{'name': 'a', 'ref': schema.UNKNOWN}, {'name': 'b', 'ref': schema.UNKNOWN}]},
        ),
        ('OS::Zaqar::Subscription', {'queue_name': 'q', 'subscriber': schema.UNKNOWN}),
        (
            'OS::Barbican::RSAContainer',
            {'private_key_ref': schema.UNKNOWN, 'public_key_ref': schema.UNKNOWN},
        ),
    ],
)
def test_what_is_not_known_yet_is_let_pass(kind: str, props: dict[str, Any]) -> None:
    assert faults(kind, **props) == []
