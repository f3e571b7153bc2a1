"""zun's networks: ports are neutron's, and a network of Docker's is a bridge of its own for each of them.

That is what kuryr does, without the agents that would join the two: no packet leaves the bridge.
"""
from zun.network import kuryr_network


class BridgeNetwork(kuryr_network.KuryrNetwork):
    def _create_network_attempt(self, network, options, ipam_options):
        self._forget()
        config = [{'Subnet': one['Subnet']} for one in ipam_options['Config']]
        create = self.docker.create_network

        def bridge(name, driver, enable_ipv6, options, ipam):
            return create(name=name, driver='bridge', internal=True, enable_ipv6=enable_ipv6,
                          ipam={'Driver': 'default', 'Config': config})

        self.docker.create_network = bridge
        try:
            return super()._create_network_attempt(network, options, ipam_options)
        finally:
            self.docker.create_network = create

    def _forget(self):
        """Bridges of networks that neutron has no more: another may have their addresses now."""
        there = {one['id'] for one in
                 self.neutron_api._get_admin_client().list_networks()['networks']}
        for one in self.docker.networks():
            if one['Driver'] == 'bridge' and one['Name'] not in there:
                self.docker.remove_network(one['Id'])
