"""Types of CloudFormation that templates may name but stacks cannot have yet.

Purpose: their tables, for those who look a type up or map it to a template of
their own. Invariant: a stack with one of them is refused with a sentence that
names the service it takes. Neighbours: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat.resources.base import Resource
from heat.schema import IN_PLACE, Attr, Integer, List, Map, String


class Refused(Resource):
    """Base of types without behaviour; ``carrier`` is the service that would have it."""

    carrier: ClassVar[str] = ''

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield (f'{cls.type} is not supported: it takes the {cls.carrier}, which has no resource types here. '
               'Map the type to a template of your own in the resource_registry of an environment.')


class LoadBalancer(Refused):
    """Spreads what comes in over instances. It cannot be made here."""

    type = 'AWS::ElasticLoadBalancing::LoadBalancer'
    carrier = 'load balancing service (Octavia)'

    class properties:
        AvailabilityZones = List('Zones.', required=True)
        HealthCheck = Map('How the instances are watched.', keys={
            'HealthyThreshold': Integer('Good answers until an instance counts as sound.', required=True),
            'Interval': Integer('Seconds between two questions.', required=True),
            'Target': String('What is asked, like HTTP:80/path.', required=True),
            'Timeout': Integer('Seconds an answer may take.', required=True),
            'UnhealthyThreshold': Integer('Bad answers until an instance counts as broken.', required=True)})
        Instances = List('The instances.', update=IN_PLACE)
        Listeners = List('What is listened to.', required=True, of=Map(keys={
            'InstancePort': Integer('Port of the instances.', required=True),
            'LoadBalancerPort': Integer('Port of the balancer.', required=True),
            'Protocol': String('Protocol.', required=True, values=['TCP', 'HTTP']),
            'SSLCertificateId': String('Not implemented.', implemented=False),
            'PolicyNames': List('Not implemented.', implemented=False)}))
        AppCookieStickinessPolicy = String('Not implemented.', implemented=False)
        LBCookieStickinessPolicy = String('Not implemented.', implemented=False)
        SecurityGroups = List('Security groups.', update=IN_PLACE)
        Subnets = List('Not implemented.', implemented=False)

    class attributes:
        extra: ClassVar[dict[str, Any]] = {
            'CanonicalHostedZoneName': Attr('Name in the DNS.', 'String'),
            'CanonicalHostedZoneNameID': Attr('Id of the zone in the DNS.', 'String'),
            'DNSName': Attr('Name in the DNS.', 'String'),
            'SourceSecurityGroup.GroupName': Attr('Its security group.', 'String'),
            'SourceSecurityGroup.OwnerAlias': Attr('Owner of its security group.', 'String')}
