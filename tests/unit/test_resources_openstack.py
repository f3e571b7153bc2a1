"""The OpenStack types without a cloud: their tables, their rules, what must come before them."""

from __future__ import annotations

import email
import re
from pathlib import Path
from typing import Any

import pytest

from heat import schema
from heat.model.resource import Row
from heat.resources.openstack import TYPES, server_devices, user_data
from heat.resources.openstack.journal import seconds_of
from heat.resources.openstack.neutron.security_group import facts
from heat.resources.types import PLUGINS, secrets_of
from heat.template.definition import Definition
from heat.template.expr import Constant, Expr, Ref
from tests.unit.definitions import Reference, definition
from tests.unit.interface import entry_of


@pytest.mark.parametrize('name', sorted(TYPES))
def test_the_table_is_that_of_the_interface(name: str) -> None:
    entry = entry_of(name)
    assert schema.differences(TYPES[name].schema, entry) == []
    assert TYPES[name].type == name
    assert TYPES[name].extension == entry.get('required_service_extension', '')


def faults(kind: str, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(TYPES[kind].schema.properties, props)
    assert errors == []
    return list(TYPES[kind].validate(values))


@pytest.mark.parametrize(
    ('name', 'props', 'part'),
    [
        ('OS::Neutron::Subnet', {'network': 'n'}, 'cidr, subnetpool'),
        ('OS::Neutron::Subnet', {'network': 'n', 'cidr': '10.0.0.0/8', 'ipv6_ra_mode': 'slaac'}, 'ipv4'),
        (
            'OS::Neutron::Subnet',
            {
                'network': 'n',
                'cidr': 'fd00::/64',
                'ip_version': 6,
                'ipv6_ra_mode': 'slaac',
                'ipv6_address_mode': 'dhcpv6-stateful',
            },
            'must be equal',
        ),
        ('OS::Neutron::Router', {'ha': True, 'distributed': True}, 'distributed, ha'),
        ('OS::Neutron::RouterInterface', {'router': 'r'}, 'subnet, port'),
        (
            'OS::Neutron::RouterInterface',
            {'router': 'r', 'subnet_id': 's', 'port_id': 'p'},
            'at the same time',
        ),
        (
            'OS::Neutron::FloatingIP',
            {'floating_network': 'n', 'fixed_ip_address': '10.0.0.1'},
            'without port_id',
        ),
        ('OS::Neutron::SecurityGroup', {'name': 'default'}, '"default"'),
        ('OS::Cinder::Volume', {}, '"size" must be specified'),
        ('OS::Cinder::Volume', {'size': 1, 'image': 'i', 'snapshot_id': 's'}, 'snapshot_id, image'),
        ('OS::Nova::Server', {'flavor': 'f'}, 'Neither image nor bootable volume'),
        ('OS::Nova::Server', {'flavor': 'f', 'image': 'i', 'networks': [{}]}, 'should be set'),
        (
            'OS::Nova::Server',
            {'flavor': 'f', 'image': 'i', 'networks': [{'port': 'p', 'fixed_ip': '10.0.0.1'}]},
            'port, fixed_ip',
        ),
        (
            'OS::Nova::Server',
            {'flavor': 'f', 'image': 'i', 'networks': [{'allocate_network': 'auto', 'network': 'n'}]},
            'allocate_network',
        ),
        ('OS::Nova::Server', {'flavor': 'f', 'image': 'i', 'reservation_id': 'r'}, 'not supported'),
        (
            'OS::Nova::Server',
            {
                'flavor': 'f',
                'image': 'i',
                'user_data_format': 'SOFTWARE_CONFIG',
                'software_config_transport': 'ZAQAR_MESSAGE',
                'deployment_swift_data': {'container': 'c'},
            },
            'POLL_TEMP_URL only, not ZAQAR_MESSAGE',
        ),
        (
            'OS::Nova::Server',
            {
                'flavor': 'f',
                'image': 'i',
                'block_device_mapping_v2': [{'volume_id': 'v', 'snapshot_id': 's'}],
            },
            'volume_id, snapshot_id',
        ),
    ],
)
def test_what_does_not_fit_together_is_said(name: str, props: dict[str, Any], part: str) -> None:
    assert any(part in sentence for sentence in faults(name, **props))


def test_what_is_not_known_yet_is_let_pass() -> None:
    unknown = schema.UNKNOWN
    assert (
        faults(
            'OS::Nova::Server',
            flavor=unknown,
            image=unknown,
            networks=[{'network': unknown}],
            personality={'/a': unknown},
        )
        == []
    )
    assert faults('OS::Cinder::Volume', size=unknown) == []
    assert (
        faults(
            'OS::Neutron::Subnet',
            network=unknown,
            cidr=unknown,
            ip_version=6,
            ipv6_ra_mode=unknown,
            ipv6_address_mode='slaac',
        )
        == []
    )


def template() -> dict[str, Definition]:
    return {
        one.name: one
        for one in (
            definition('sub', 'OS::Neutron::Subnet', network=Reference('net')),
            definition('old', 'OS::Neutron::Subnet', network_id=Constant('named')),
            definition('far', 'OS::Neutron::Subnet', network=Reference('other')),
            definition(
                'leg', 'OS::Neutron::RouterInterface', router=Reference('gate'), subnet=Reference('sub')
            ),
            definition('gate', 'OS::Neutron::Router', external_gateway_info=Constant({'network': 'public'})),
            definition('plain', 'OS::Neutron::Router'),
        )
    }


@pytest.mark.parametrize(
    ('kind', 'props', 'first'),
    [
        ('OS::Neutron::Port', {'network': Reference('net')}, {'sub'}),
        ('OS::Neutron::Port', {'network_id': Constant('named')}, {'old'}),
        ('OS::Nova::Server', {'networks': Reference('net')}, {'sub'}),
        ('OS::Nova::Server', {}, set()),
        ('OS::Neutron::FloatingIP', {}, {'leg', 'gate'}),
        ('OS::Neutron::FloatingIPAssociation', {}, {'leg', 'gate'}),
        ('OS::Cinder::Volume', {}, set()),
    ],
)
def test_hidden_dependencies(kind: str, props: dict[str, Expr], first: set[str]) -> None:
    others = template()
    mine = definition('mine', kind, **props)
    assert TYPES[kind].before('mine', mine, others) == first


def parts_of(text: str) -> dict[str | None, tuple[str, str]]:
    message = email.message_from_string(text)
    return {
        part.get_filename(): (part.get_content_subtype(), part.get_payload(decode=True).decode())
        for part in message.walk()
        if not part.is_multipart()
    }


def test_user_data_for_heat_cfntools() -> None:
    parts = parts_of(
        user_data.build('#!/bin/sh\necho ö\n', user_data.CFNTOOLS, {'a': 1}, 'https://h:8000/v1/')
    )
    assert parts['cfn-userdata'] == ('x-cfninitdata', '#!/bin/sh\necho ö\n')
    assert parts['cfn-init-data'] == ('x-cfninitdata', '{"a": 1}')
    assert parts['cfn-metadata-server'] == ('x-cfninitdata', 'https://h:8000')
    assert (
        'is_secure = 1' in parts['cfn-boto-cfg'][1] and 'cfn_region_endpoint = h' in parts['cfn-boto-cfg'][1]
    )
    assert 'cloudwatch' not in parts['cfn-boto-cfg'][1] and 'cfn-watch-server' not in parts
    assert {parts['part-handler.py'][0], parts['boothook.sh'][0]} == {'part-handler', 'cloud-boothook'}
    compile(parts['part-handler.py'][1], 'part-handler.py', 'exec')


@pytest.mark.parametrize(
    ('url', 'told'),
    [
        ('http://h:8000/v1/', 'http://h:8000'),
        ('http://h/v1/', 'http://h:80'),
        ('https://h/v1/', 'https://h:443'),
        ('https://h/cfn/v1/', 'https://h/cfn'),
    ],
)
def test_where_cfn_hup_and_os_collect_config_ask(url: str, told: str) -> None:
    """The one reads the port at the end, the other puts /v1/ behind it."""
    assert parts_of(user_data.build('', user_data.CFNTOOLS, {}, url))['cfn-metadata-server'][1] == told


def test_user_data_says_where_to_send_what_is_measured() -> None:
    parts = parts_of(user_data.build('x', user_data.CFNTOOLS, {}, 'http://h:8000/v1/', 'http://w:8003'))
    assert parts['cfn-watch-server'] == ('x-cfninitdata', 'http://w:8003')
    assert 'cloudwatch_region_endpoint = w\n' in parts['cfn-boto-cfg'][1]


def test_user_data_of_other_forms() -> None:
    assert user_data.build('as it is', user_data.RAW, {'a': 1}) == 'as it is'
    inner = user_data.build('x', user_data.CFNTOOLS, {})
    parts = parts_of(user_data.build(inner, user_data.SOFTWARE_CONFIG, {}))
    assert parts['cfn-userdata'] == ('x-cfninitdata', 'x') and 'cfn-init-data' not in parts
    assert (
        parts_of(user_data.build('#!/bin/sh\n', user_data.SOFTWARE_CONFIG, {}))['userdata'][0]
        == 'x-shellscript'
    )


def test_the_part_handler_writes_files(tmp_path: Path) -> None:
    text = user_data.PART_HANDLER.replace('/var/lib', str(tmp_path))
    space: dict[str, Any] = {}
    exec(compile(text, 'part-handler.py', 'exec'), space)
    space['handle_part'](None, 'text/x-cfninitdata', '../../cfn-userdata', 'echo')
    space['handle_part'](None, 'text/plain', 'other', 'no')
    made = tmp_path / 'heat-cfntools' / 'cfn-userdata'
    assert made.read_text() == 'echo' and made.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in made.parent.iterdir()] == ['cfn-userdata']


def test_devices_of_the_second_form() -> None:
    wanted = server_devices.second_form(
        [
            {'volume_id': 'v', 'boot_index': 1, 'delete_on_termination': True},
            {'swap_size': 64},
            {'ephemeral_size': 2, 'ephemeral_format': 'ext4'},
        ],
        'img',
    )
    assert wanted[0] == {
        'uuid': 'img',
        'source_type': 'image',
        'destination_type': 'local',
        'boot_index': 0,
        'delete_on_termination': True,
    }
    assert (
        wanted[1]['uuid'] == 'v'
        and wanted[1]['boot_index'] == 1
        and wanted[1]['delete_on_termination'] is True
    )
    assert (wanted[2]['guest_format'], wanted[2]['volume_size'], wanted[2]['boot_index']) == ('swap', 64, -1)
    assert (wanted[3]['guest_format'], wanted[3]['volume_size']) == ('ext4', 2)
    assert len(server_devices.second_form([{'image': 'img', 'boot_index': 0, 'volume_size': 1}], 'img')) == 1


def test_rules_are_compared_by_meaning() -> None:
    one = {
        'direction': 'ingress',
        'ethertype': 'IPv4',
        'protocol': '6',
        'remote_ip_prefix': '10.0.0.1',
        'port_range_min': 22,
        'port_range_max': 22,
        'id': 'x',
        'description': '',
    }
    two = {
        **one,
        'protocol': 'TCP',
        'remote_ip_prefix': '10.0.0.1/32',
        'port_range_min': '22',
        'id': 'y',
        'description': None,
    }
    assert facts(one) == facts(two) != facts({**two, 'port_range_max': 23})


def test_when_a_server_is_replaced() -> None:
    server = TYPES['OS::Nova::Server']
    row = Row('u', 's', 's', 'srv', server.type, props={'image': 'old', 'flavor': 'a'})

    def asks(changed: str, **new: Any) -> bool:
        return server.wants_replacement(row, {'image': 'new', **new}, frozenset([changed]))

    assert not asks('flavor', flavor_update_policy='RESIZE') and asks(
        'flavor', flavor_update_policy='REPLACE'
    )
    assert not asks('image', image_update_policy='REBUILD') and asks('image', image_update_policy='REPLACE')
    assert asks('image', image=None)
    assert asks('user_data', user_data_update_policy='REPLACE')
    assert not asks('user_data', user_data_update_policy='IGNORE')
    assert not asks('name', flavor_update_policy='REPLACE')


def test_one_console_is_asked_for_alone() -> None:
    server = TYPES['OS::Nova::Server']
    refs = frozenset([Ref('s', 'console_urls', ('novnc',)), Ref('s', 'name')])
    assert list(server.wanted(refs)) == [['console_urls', 'novnc'], 'name']


def test_times_of_all_services() -> None:
    assert seconds_of('2026-01-02T03:04:05Z') == seconds_of('2026-01-02T03:04:05.123456') == 1767323045.0
    assert seconds_of(None) is None


def test_what_is_called_a_password_is_shown_to_nobody() -> None:
    said = re.compile(r'(^|_)(pass|password|passphrase|pass_phrase|psk|payload)$', re.IGNORECASE)
    open_ones = {(name, prop) for name, kind in PLUGINS.items()
                 for prop, told in kind.schema.properties.items()
                 if said.search(prop) and not told.secret}
    assert open_ones == set()
    assert secrets_of('OS::Nova::Server') == {'admin_pass'}
