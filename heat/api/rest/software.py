"""Software configs and deployments over REST.

Purpose: one function per route. Invariant: keys a client may not set never
reach the engine. Neighbours: ``api.rest.routes``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from heat.api.dispatch import Call
from heat.api.parameters import FLAG, LIMIT, MARKER, TEXT, Parameter
from heat.api.rest import keys

CONFIGS = (LIMIT, MARKER, Parameter('global_tenant', FLAG, 'Configs of all projects', default=False))
DEPLOYMENTS = (Parameter('server_id', TEXT, 'Only deployments to this server'),)


def list_configs(call: Call) -> dict[str, Any]:
    query = call.query
    everywhere = query['global_tenant']
    call.allow('software_configs:global_index' if everywhere else 'software_configs:index')
    context = replace(call.context, is_admin=True) if everywhere else call.context
    return {'software_configs': call.wiring.engine.call(
        context, 'list_software_configs', limit=query['limit'], marker=query['marker'])}


def create_config(call: Call) -> dict[str, Any]:
    return {'software_config': call.engine('create_software_config', **keys.CONFIG.taken(call.body))}


def show_config(call: Call) -> dict[str, Any]:
    return {'software_config': call.engine('show_software_config', config_id=call.path['config_id'])}


def delete_config(call: Call) -> None:
    call.engine('delete_software_config', config_id=call.path['config_id'])


def list_deployments(call: Call) -> dict[str, Any]:
    return {'software_deployments': call.engine('list_software_deployments',
                                                server_id=call.query['server_id'])}


def create_deployment(call: Call) -> dict[str, Any]:
    values = keys.DEPLOYMENT.taken(call.body)
    return {'software_deployment': call.engine('create_software_deployment', **values, deployment_id=None)}


def show_deployment(call: Call) -> dict[str, Any]:
    return {'software_deployment': call.engine('show_software_deployment',
                                               deployment_id=call.path['deployment_id'])}


def update_deployment(call: Call) -> dict[str, Any]:
    values = keys.CHANGES.taken(call.body)
    return {'software_deployment': call.engine('update_software_deployment', **values, updated_at=None,
                                               deployment_id=call.path['deployment_id'])}


def delete_deployment(call: Call) -> None:
    call.engine('delete_software_deployment', deployment_id=call.path['deployment_id'])


def server_metadata(call: Call) -> dict[str, Any]:
    return {'metadata': call.engine('metadata_software_deployments', server_id=call.path['server_id'])}
