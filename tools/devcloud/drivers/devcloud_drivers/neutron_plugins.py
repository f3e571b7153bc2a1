"""Service drivers of neutron's plugins: what their agents would report, said soon after in the server.

As with agents, a thing is answered in the state it begins with and changes a moment later.
"""
import gc

import eventlet
from neutron_lib import constants
from neutron_lib import context as n_context
from neutron_lib.db import api as db_api
from oslo_log import log

LOG = log.getLogger(__name__)
MOMENT = 0.3


def soon(report, *args):
    """Run it when the transaction that asks for it has ended."""
    def run():
        try:
            report(*args)
        except Exception:
            LOG.exception('devcloud: %s%s', report.__name__, args)
        # the plugins leave sessions behind, each with a connection, until they are collected
        gc.collect()
    eventlet.spawn_after(MOMENT, run)


def vpn_driver(plugin):
    from neutron_vpnaas.services.vpn.service_drivers import ipsec

    class Driver(ipsec.IPsecVPNDriver):
        """The reference driver, with an agent that finds every tunnel in order.

        Like the real one it hears of a service only once that has a connection.
        """

        def create_rpc_conn(self):
            self.agent_rpc = self

        def vpnservice_updated(self, context, router_id):
            soon(self._report, router_id)

        def _report(self, router_id):
            context = n_context.get_admin_context()

            def status(one):
                if one['status'] == constants.ERROR or not one['admin_state_up']:
                    return constants.DOWN
                return constants.ACTIVE

            told = []
            for service in self.service_plugin.get_vpnservices(context, {'router_id': [router_id]}):
                connections = self.service_plugin.get_ipsec_site_connections(
                    context, {'vpnservice_id': [service['id']]})
                if connections:
                    told.append({
                        'id': service['id'], 'status': status(service), 'updated_pending_status': True,
                        'ipsec_site_connections': {
                            one['id']: {'status': status(one), 'updated_pending_status': True}
                            for one in connections}})
            self.service_plugin.update_status_by_agent(context, told)

    return Driver(plugin)


def tap_driver(plugin):
    from neutron_taas.db import taas_db
    from neutron_taas.services.taas import service_drivers

    class Driver(service_drivers.TaasBaseDriver):
        """Taps begin DOWN and become ACTIVE; active ones go when the agent has taken them away."""

        def create_tap_service_precommit(self, context):
            pass

        def create_tap_flow_precommit(self, context):
            pass

        def create_tap_service_postcommit(self, context):
            soon(self._active, 'tap_service', context.tap_service['id'])

        def create_tap_flow_postcommit(self, context):
            soon(self._active, 'tap_flow', context.tap_flow['id'])

        def delete_tap_service_precommit(self, context):
            soon(self._gone, 'tap_service', context.tap_service['id'])

        def delete_tap_flow_precommit(self, context):
            soon(self._gone, 'tap_flow', context.tap_flow['id'])

        def delete_tap_service_postcommit(self, context):
            pass

        def delete_tap_flow_postcommit(self, context):
            pass

        def _active(self, kind, identity):
            context = n_context.get_admin_context()
            with db_api.CONTEXT_WRITER.using(context):
                row = getattr(plugin, '_get_' + kind)(context, identity)
                if row.status == constants.DOWN:
                    row.status = constants.ACTIVE

        def _gone(self, kind, identity):
            # The plugin's own method would ask the agent again.
            remove = getattr(taas_db.Taas_db_Mixin, 'delete_' + kind)
            remove(plugin, n_context.get_admin_context(), identity)

    return Driver(plugin)


def gateway_driver(plugin):
    from networking_l2gw.services.l2gateway.service_drivers import L2gwDriver
    return L2gwDriver(plugin)
