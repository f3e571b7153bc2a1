"""The types that speak to OpenStack's core services, and the server that is there already, by their names."""

from __future__ import annotations

from heat.resources.base import Resource
from heat.resources.openstack import aodh, barbican, designate, retired, zaqar
from heat.resources.openstack.blazar import BLAZAR
from heat.resources.openstack.cinder import Volume, VolumeAttachment
from heat.resources.openstack.container import Container
from heat.resources.openstack.deployed_server import DeployedServer
from heat.resources.openstack.flavor import Flavor
from heat.resources.openstack.host_aggregate import HostAggregate
from heat.resources.openstack.image import WebImage
from heat.resources.openstack.ironic import IRONIC
from heat.resources.openstack.keypair import KeyPair
from heat.resources.openstack.keystone import KEYSTONE
from heat.resources.openstack.magnum import MAGNUM
from heat.resources.openstack.manila import MANILA
from heat.resources.openstack.mistral import MISTRAL
from heat.resources.openstack.neutron import EXTENDED as NEUTRON_EXTENDED
from heat.resources.openstack.neutron import firewall, l2gateway, sfc, taas, vpn
from heat.resources.openstack.neutron.floatingip import FloatingIP, FloatingIPAssociation
from heat.resources.openstack.neutron.network import Net, Subnet
from heat.resources.openstack.neutron.port import Port
from heat.resources.openstack.neutron.router import Router, RouterInterface
from heat.resources.openstack.neutron.security_group import SecurityGroup, SecurityGroupRule
from heat.resources.openstack.nova_floatingip import FloatingIP as NovaFloatingIP
from heat.resources.openstack.nova_floatingip import FloatingIPAssociation as NovaFloatingIPAssociation
from heat.resources.openstack.octavia import OCTAVIA
from heat.resources.openstack.quota import CinderQuota, NovaQuota
from heat.resources.openstack.server import Server
from heat.resources.openstack.server_group import ServerGroup
from heat.resources.openstack.swift import SwiftSignal, SwiftSignalHandle
from heat.resources.openstack.trove import TROVE
from heat.resources.openstack.volume_types import EncryptedVolumeType, QoSAssociation, QoSSpecs, VolumeType
from heat.resources.openstack.zun import ZUN

_KINDS: tuple[type[Resource], ...] = (
    Volume, VolumeAttachment, Container, DeployedServer, Flavor, HostAggregate, WebImage, KeyPair,
    FloatingIP, FloatingIPAssociation, Net, Subnet, Port, Router, RouterInterface, SecurityGroup,
    SecurityGroupRule, NovaFloatingIP, NovaFloatingIPAssociation, CinderQuota, NovaQuota, Server,
    ServerGroup, SwiftSignal, SwiftSignalHandle, EncryptedVolumeType, QoSAssociation, QoSSpecs,
    VolumeType,
    *aodh.TYPES,
    *barbican.TYPES,
    *designate.TYPES,
    *retired.TYPES,
    *zaqar.TYPES,
    *BLAZAR,
    *IRONIC,
    *KEYSTONE,
    *MAGNUM,
    *MANILA,
    *MISTRAL,
    *NEUTRON_EXTENDED,
    *firewall.TYPES,
    *l2gateway.TYPES,
    *sfc.TYPES,
    *taas.TYPES,
    *vpn.TYPES,
    *OCTAVIA,
    *TROVE,
    *ZUN)
TYPES: dict[str, type[Resource]] = {kind.type: kind for kind in _KINDS}
