"""heat-template graph: who waits for whom, and why, for people and for programs."""

from __future__ import annotations

import pytest

from heat.common import errors
from heat.plan.show import dot, form, picture
from tests.unit.test_tool_check import CHILD, HEAD, RANDOM, bundle, checked

TEXT = (
    HEAD
    + f'''resources:
  net: {{type: OS::Neutron::Net}}
  subnet: {{type: OS::Neutron::Subnet, properties: {{network: {{get_resource: net}}, cidr: 10.0.0.0/24}}}}
  port: {{type: OS::Neutron::Port, properties: {{network: {{get_resource: net}}}}}}
  word:
    type: {RANDOM}
    depends_on: [net, port]
    properties:
      salt: {{list_join: [',', [{{get_attr: [port, fixed_ips, 0, ip_address]}}, {{get_resource: net}}]]}}
    metadata: {{all: {{get_attr: [port]}}}}
'''
)


def test_edges_have_their_reasons() -> None:
    shown = form(picture(checked(TEXT)))
    assert [node['name'] for node in shown['nodes']] == ['net', 'subnet', 'port', 'word']
    assert shown['nodes'][3] == {'name': 'word', 'type': RANDOM}
    edges = {(edge['from'], edge['to']): edge['reasons'] for edge in shown['edges']}
    assert edges == {
        ('subnet', 'net'): [{'kind': 'reference', 'path': 'properties.network'}],
        ('port', 'net'): [{'kind': 'reference', 'path': 'properties.network'}],
        # Nothing in the template says so: addresses come from subnets.
        ('port', 'subnet'): [{'kind': 'hidden'}],
        ('word', 'net'): [
            {'kind': 'reference', 'path': 'properties.salt.list_join[1][1]'},
            {'kind': 'depends_on'},
        ],
        ('word', 'port'): [
            {'kind': 'attribute', 'path': 'properties.salt.list_join[1][0]', 'attribute': 'fixed_ips'},
            {'kind': 'attribute', 'path': 'metadata.all'},
            {'kind': 'depends_on'},
        ],
    }


def test_dot() -> None:
    text = (
        HEAD
        + f'''resources:
  'a "b"': {{type: {RANDOM}}}
  c: {{type: {RANDOM}, depends_on: 'a "b"'}}
  d: {{type: {RANDOM}, properties: {{salt: {{get_attr: [c, value]}}}}}}
'''
    )
    assert (
        dot(picture(checked(text)))
        == '''digraph template {
  compound=true;
  node [shape=box, fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=9];
  "a \\"b\\"" [label="a \\"b\\"\\nOS::Heat::RandomString"];
  "c" [label="c\\nOS::Heat::RandomString"];
  "d" [label="d\\nOS::Heat::RandomString"];
  "c" -> "a \\"b\\"" [label="depends_on", style=dashed];
  "d" -> "c" [label="properties.salt: value"];
}
'''
    )


def test_templates_inside_are_clusters() -> None:
    child = bundle(CHILD.replace(', properties: {oops: {get_param: size}}', ''), 'c.yaml')
    text = HEAD + (
        'resources:\n  a: {type: c.yaml, properties: {size: 1}}\n'
        f'  b: {{type: {RANDOM}, properties: {{salt: {{get_attr: [a, out]}}}}}}\n'
    )
    found = checked(text, children={'c.yaml': child})
    assert found.everything() == []
    lines = dot(picture(found, nested=True)).splitlines()
    assert '  subgraph "cluster_a" {' in lines
    assert '    "a/x" [label="x\\nOS::Heat::RandomString"];' in lines
    assert '  "b" -> "a" [label="properties.salt: out", lhead="cluster_a"];' in lines
    assert form(picture(found, nested=True))['nodes'][0]['template']['nodes'] == [
        {'name': 'x', 'type': RANDOM}
    ]
    assert 'cluster' not in dot(picture(found))


def test_a_circle_has_no_picture() -> None:
    with pytest.raises(errors.CircularDependencyException):
        picture(checked(HEAD + f'resources:\n  a: {{type: {RANDOM}, depends_on: a}}\n'))
