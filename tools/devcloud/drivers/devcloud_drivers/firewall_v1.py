"""The first version of neutron's firewalls, which ended with Stein, in the neutron of Zed.

Plugin, database and extension are neutron-fwaas 13's own, out of its wheel; the definitions of the API
are those of the neutron-lib of that time. What they import and is elsewhere now is put where they look.
The agents on the routers are imagined: they report a moment later, as `neutron_plugins` has it.
"""
import functools
import importlib.util
import os
import sys
import types

from neutron_lib import constants, rpc
from neutron_lib import context as n_context
from neutron_lib.db import api as db_api
from neutron_lib.db import model_query, utils

from devcloud_drivers.neutron_plugins import soon

WHEELS = os.environ['DEVCLOUD_WHEELS'].split(os.pathsep)


class CommonDbMixin:
    """As it was, of the functions that took its place."""

    _get_by_id = staticmethod(model_query.get_by_id)
    _get_collection = staticmethod(model_query.get_collection)
    _get_collection_count = staticmethod(model_query.get_collection_count)
    _get_collection_query = staticmethod(model_query.get_collection_query)
    _fields = staticmethod(utils.resource_fields)


def prepare():
    """Let the old modules find what they import."""
    # At the end: also the old neutron-lib is there.
    sys.path += [place for place in WHEELS if place not in sys.path]
    sys.modules['neutron.common.rpc'] = rpc
    mixin = sys.modules['neutron.db.common_db_mixin'] = types.ModuleType('neutron.db.common_db_mixin')
    mixin.CommonDbMixin = CommonDbMixin
    for name in ('neutron_lib.exceptions.firewall_v1', 'neutron_lib.api.definitions.firewall',
                 'neutron_lib.api.definitions.firewallrouterinsertion'):
        file = next(path for place in WHEELS
                    if os.path.exists(path := os.path.join(place, *name.split('.')) + '.py'))
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
        package, _, last = name.rpartition('.')
        setattr(importlib.import_module(package), last, module)


prepare()

from neutron.db.models import l3  # noqa: E402, F401 - routers, which the tables refer to
from neutron_fwaas.db.firewall import firewall_db, firewall_router_insertion_db  # noqa: E402
from neutron_fwaas.services.firewall import fwaas_plugin  # noqa: E402

TABLES = [model.__table__ for model in (
    firewall_db.FirewallPolicy, firewall_db.Firewall, firewall_db.FirewallRule,
    firewall_router_insertion_db.FirewallRouterAssociation)]
for table in TABLES:
    # A key that refers to another is compared as that one is.
    table.dialect_options['mysql']._non_defaults.pop('collate', None)


class Agents:
    """Speaks to the routers' agents, which do at once what they are told."""

    def __init__(self, topic, host):
        pass

    def create_firewall(self, context, firewall, host=None):
        soon(self._done, firewall)

    update_firewall = create_firewall

    def delete_firewall(self, context, firewall, host=None):
        soon(self._callbacks().firewall_deleted, n_context.get_admin_context(), firewall['id'])

    def _done(self, firewall):
        status = constants.ACTIVE if firewall['admin_state_up'] else constants.DOWN
        if firewall.get('last-router'):
            status = constants.INACTIVE
        self._callbacks().set_firewall_status(n_context.get_admin_context(), firewall['id'], status)

    def _callbacks(self):
        from neutron_lib.plugins import directory
        return fwaas_plugin.FirewallCallbacks(directory.get_plugin('FIREWALL'))


def in_transaction(method):
    """Sessions began and ended by themselves when it was written."""
    @functools.wraps(method)
    def within(self, context, *args, **kwargs):
        with db_api.CONTEXT_WRITER.using(context):
            return method(self, context, *args, **kwargs)
    return within


fwaas_plugin.FirewallAgentApi = Agents
FirewallPlugin = fwaas_plugin.FirewallPlugin
for cls in FirewallPlugin, fwaas_plugin.FirewallCallbacks:
    for name in dir(cls):
        if name.startswith(('get_fire', 'create_', 'update_', 'delete_fire', 'insert_', 'remove_', 'firewall_',
                            'set_firewall_status')) and callable(getattr(cls, name)):
            setattr(cls, name, in_transaction(getattr(cls, name)))
FirewallPlugin._get_hosts_to_notify = lambda self, context, router_ids: ['devcloud']
