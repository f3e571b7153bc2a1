"""Clusters for containers, and the templates that they are made from.

Purpose: OS::Magnum::Cluster, ClusterTemplate, and BayModel, its name of earlier days. Invariant:
the service makes a stack of its own for each cluster, and waits for it; what it says of the end
of that is passed on. Neighbours: ``patched`` has the dialect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Adopt, CloudFault, Poll, Sleep, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import made_since
from heat.resources.openstack.patched import Patched
from heat.schema import IN_PLACE, Attr, Boolean, Integer, Map, String, Support, hidden

# Which kind of volumes the containers of each kind of cluster can have.
VOLUMES = {'kubernetes': 'cinder', 'swarm': 'rexray', 'mesos': 'rexray'}
TRIES = 60


class Magnum(Patched):
    """A row of a collection of the container infrastructure service."""

    service = 'container-infra'
    survives_failure = True

    def adopt(self, body: dict[str, Any]) -> Adopt:
        name, recent = body['name'], made_since(self, 'created_at')
        return Adopt(self.path, self.plural, lambda found: found.get('name') == name and recent(found))


class ClusterTemplate(Magnum):
    """What clusters are made from."""

    type = 'OS::Magnum::ClusterTemplate'
    support = Support(version='9.0.0')
    path, plural = '/clustertemplates', 'clustertemplates'

    class properties:
        name = String('Name.')
        image = String('Image of its servers.', required=True, is_a='glance.image', wire='image_id')
        flavor = String('Flavor of its nodes.', is_a='nova.flavor', wire='flavor_id')
        master_flavor = String('Flavor of its masters.', is_a='nova.flavor', wire='master_flavor_id')
        keypair = String('Key pair of its servers.', check='nova.keypair', wire='keypair_id')
        external_network = String('Network that leads outside.', required=True, is_a='neutron.network',
                                  wire='external_network_id')
        fixed_network = String('Network of its servers; by default one is made.', is_a='neutron.network')
        fixed_subnet = String('Subnet of its servers.', is_a='neutron.subnet')
        network_driver = String('How containers reach each other.')
        http_proxy = String('Proxy for HTTP.')
        https_proxy = String('Proxy for HTTPS.')
        no_proxy = String('What is reached without a proxy.')
        labels = Map('Key and value pairs.')
        dns_nameserver = String('Name server.', check='ip_addr')
        docker_volume_size = Integer('Size of the volume for images, in GB.', range=(1, None))
        docker_storage_driver = String('How images are kept.', values=['devicemapper', 'overlay'],
                                       default='devicemapper')
        coe = String('Kind of cluster.', required=True, values=['kubernetes', 'swarm', 'mesos'])
        volume_driver = String('Kind of volumes.', values=['cinder', 'rexray'])
        server_type = String('Kind of servers.', values=['vm', 'bm'], default='vm')
        public = Boolean('Whether all projects may use it; only administrators may say so.', default=False,
                         update=IN_PLACE)
        registry_enabled = Boolean('Whether there is a registry of its own.', default=False)
        tls_disabled = Boolean('Whether it is spoken to in clear.', default=False)
        master_lb_enabled = Boolean('Whether masters have a load balancer.', default=True)
        floating_ip_enabled = Boolean('Whether servers have floating addresses.', default=True)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        coe, driver = props.get('coe'), props.get('volume_driver')
        fits = VOLUMES.get(coe) if isinstance(coe, str) else None
        if isinstance(driver, str) and fits is not None and driver != fits:
            yield (f'Volume driver type {driver} is not supported by COE:{coe}, expecting a {fits} volume '
                   'driver.')

    def check(self) -> Steps:
        return (yield self.get())


class BayModel(ClusterTemplate):
    """The template of a cluster, by its name of earlier days."""

    type = 'OS::Magnum::BayModel'
    support = hidden('11.0.0', Support(
        'DEPRECATED', '9.0.0', 'Use OS::Magnum::ClusterTemplate.', Support(version='5.0.0'),
        substitute='OS::Magnum::ClusterTemplate'), 'Use OS::Magnum::ClusterTemplate.')


class Cluster(Magnum):
    """Servers that run containers."""

    type = 'OS::Magnum::Cluster'
    support = Support(version='9.0.0')
    path, plural = '/clusters', 'clusters'
    ready = ('CREATE_COMPLETE', 'UPDATE_COMPLETE')
    broken = ('CREATE_FAILED', 'UPDATE_FAILED')

    class properties:
        name = String('Name.')
        cluster_template = String('What it is made from.', required=True, is_a='magnum.cluster_template',
                                  wire='cluster_template_id')
        keypair = String('Key pair of its servers.', check='nova.keypair')
        node_count = Integer('How many nodes.', default=1, range=(1, None), update=IN_PLACE)
        master_count = Integer('How many masters.', default=1, range=(1, None), update=IN_PLACE)
        discovery_url = String('Where its members find each other.', update=IN_PLACE)
        create_timeout = Integer('Minutes that its creation may take; 0 for ever.', default=60,
                                 range=(0, None), update=IN_PLACE)

    class attributes:
        name = Attr('Name.', 'String')
        cluster_template_id = Attr('What it is made from.', 'String')
        keypair = Attr('Key pair of its servers.', 'String')
        node_count = Attr('How many nodes.', 'Integer')
        node_addresses = Attr('Addresses of its nodes.', 'List')
        master_count = Attr('How many masters.', 'Integer')
        master_addresses = Attr('Addresses of its masters.', 'List')
        create_timeout = Attr('Minutes that its creation might take.', 'Integer')
        discovery_url = Attr('Where its members find each other.', 'String')
        status = Attr('Current status.', 'String')
        status_reason = Attr('Why it has this status.', 'String')
        stack_id = Attr('The stack that it is.', 'String')
        api_address = Attr('Where its API is.', 'String')
        coe_version = Attr('Version of its software.', 'String')
        container_version = Attr('Version of what runs containers.', 'String')

    def why_broken(self, body: Mapping[str, Any]) -> str:
        return str(body.get('status_reason') or 'Unknown')

    def create(self) -> Steps:
        yield self.post(self.body(self.props))
        return (yield self.until('CREATE_COMPLETE'))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.changes(diff)
        if changes:
            yield self.put(changes)
            yield self.until('UPDATE_COMPLETE')

    def until_gone(self) -> Poll:
        def judge(body: dict[str, Any] | None) -> bool | str:
            if body is None or body.get('status') == 'DELETE_COMPLETE':
                return True
            if body.get('status') == 'DELETE_FAILED':
                return f'Went to status DELETE_FAILED due to "{self.why_broken(body)}"'
            return False
        return self.poll(judge)

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield self.remove()
        for turn in range(TRIES):
            try:
                yield self.until_gone()
                return
            except CloudFault as fault:
                # Its nodes go before it does, and without a master the service does not show it.
                if fault.status != 400 or turn == TRIES - 1:
                    raise
            yield Sleep(2.0)

    def check(self) -> Steps:
        body = yield self.get()
        if str(body.get('status')) not in (*self.ready, 'CHECK_COMPLETE', 'RESUME_COMPLETE'):
            raise StepFailed(f'cluster {self.id} is {body.get("status")}: {self.why_broken(body)}',
                             'ResourceInError')
        return body


MAGNUM: tuple[type[Resource], ...] = (Cluster, ClusterTemplate, BayModel)
