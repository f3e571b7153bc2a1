"""The table of the orchestration API: address -> method -> function.

Purpose: every route in the order in which it is tried. Invariant: methods stand
in the order of the Allow header clients see. Neighbours: ``api.dispatch`` compiles
the table, the modules of this package hold the functions.
"""

from __future__ import annotations

from heat.api.dispatch import CONDITION, KEY, Address, Route
from heat.api.rest import (
    actions,
    catalog,
    drift,
    events,
    graph,
    keys,
    plans,
    resources,
    snapshots,
    software,
    stacks,
)

TENANT = '/{tenant_id}'
STACKS = TENANT + '/stacks'
STACK = STACKS + '/{stack_name}/{stack_id}'
RESOURCE = STACK + '/resources/{resource_name}'
TYPES = TENANT + '/resource_types'
PLANS = TENANT + '/plans'
CONFIGS = TENANT + '/software_configs'
DEPLOYMENTS = TENANT + '/software_deployments'

LOOKUP = 'stacks:lookup'


def _lookup(*methods: str) -> tuple[Route, ...]:
    # A redirect leads to who heeds them.
    return tuple(Route(method, stacks.lookup, LOOKUP, body='optional', heeds=(CONDITION, KEY))
                 for method in methods)


ROUTES: tuple[Address, ...] = (
    Address(TENANT + '/validate', (
        Route('POST', stacks.validate_template, 'stacks:validate_template', body='required',
              query=stacks.VALIDATE, sends=keys.VALIDATE, tells='validation'),)),
    Address(TYPES, (Route('GET', catalog.list_types, 'stacks:list_resource_types', query=catalog.TYPES,
                          tells='resource_types'),)),
    Address(TENANT + '/template_versions', (
        Route('GET', catalog.list_template_versions, 'stacks:list_template_versions',
              tells='template_versions'),)),
    Address(TENANT + '/template_versions/{template_version}/functions', (
        Route('GET', catalog.list_template_functions, 'stacks:list_template_functions',
              query=catalog.FUNCTIONS, tells='template_functions'),)),
    Address(TYPES + '/{type_name}', (Route('GET', catalog.show_type, 'stacks:resource_schema',
                                           tells='resource_schema'),)),
    Address(TYPES + '/{type_name}/template', (
        Route('GET', catalog.type_template, 'stacks:generate_template', query=catalog.TEMPLATE,
              tells='template'),)),
    Address(STACKS, (
        Route('GET', stacks.index, query=stacks.INDEX, tells='stacks'),
        Route('POST', stacks.create, 'stacks:create', body='required', heeds=(KEY,),
              sends=keys.CREATE, tells='stack_created'))),
    Address(STACKS + '/preview', (
        Route('POST', stacks.preview, 'stacks:preview', body='required',
              sends=keys.PREVIEW, tells='stack_preview'),), closed=False),
    Address(STACKS + '/detail', (Route('GET', stacks.detail, 'stacks:detail', query=stacks.DETAILS,
                                       tells='stacks'),),
            closed=False),
    Address(STACKS + r'/{stack_name:arn\x3A.*}', _lookup('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
    Address(STACKS + '/{stack_name}', _lookup('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
    Address(STACKS + '/{stack_name}/{path:resources|events|template|actions|environment|files}',
            _lookup('GET'), closed=False),
    Address(STACKS + '/{stack_name}/{path:resources|events|template|actions}', _lookup('POST'),
            closed=False),
    Address(STACK, (
        Route('GET', stacks.show, 'stacks:show', query=stacks.SHOW, tells='stack'),
        Route('PUT', stacks.update, 'stacks:update', body='required', status=202, heeds=(CONDITION, KEY),
              sends=keys.UPDATE),
        Route('PATCH', stacks.update_patch, body='required', status=202, heeds=(CONDITION, KEY),
              sends=keys.PATCH),
        Route('DELETE', stacks.delete, 'stacks:delete', status=204, heeds=(CONDITION,),
              query=stacks.DELETE))),
    Address(STACK + '/graph', (Route('GET', graph.show, 'resource:index', query=graph.SHOW,
                                     tells='graph'),)),
    Address(STACK + '/template', (Route('GET', stacks.template, 'stacks:template', tells='template'),)),
    Address(STACK + '/environment', (Route('GET', stacks.environment, 'stacks:environment',
                                           tells='environment'),)),
    Address(STACK + '/files', (Route('GET', stacks.files, 'stacks:files', tells='files'),)),
    Address(STACK + '/preview', (
        Route('PUT', stacks.preview_update, 'stacks:preview_update', body='required', query=(stacks.NESTED,),
              sends=keys.PREVIEW_UPDATE, tells='resource_changes'),
        Route('PATCH', stacks.preview_update_patch, 'stacks:preview_update_patch', body='required',
              query=(stacks.NESTED,), sends=keys.PREVIEW_UPDATE, tells='resource_changes'))),
    Address(STACK + '/abandon', (Route('DELETE', stacks.abandon, 'stacks:abandon',
                                       tells='stack_abandon'),)),
    Address(STACK + '/export', (Route('GET', stacks.export, 'stacks:export', tells='stack_abandon'),)),
    Address(STACK + '/outputs', (Route('GET', stacks.list_outputs, 'stacks:list_outputs',
                                       tells='outputs'),)),
    Address(STACK + '/outputs/{output_key}', (Route('GET', stacks.show_output, 'stacks:show_output',
                                                    tells='output'),)),
    Address(STACK + '/snapshots', (
        Route('POST', snapshots.take, 'stacks:snapshot', body='required',
              sends=keys.SNAPSHOT, tells='snapshot_taken'),
        Route('GET', snapshots.index, 'stacks:list_snapshots', tells='snapshots'))),
    Address(STACK + '/snapshots/{snapshot_id}', (
        Route('GET', snapshots.show, 'stacks:show_snapshot', tells='snapshot'),
        Route('DELETE', snapshots.delete, 'stacks:delete_snapshot', status=204))),
    Address(STACK + '/snapshots/{snapshot_id}/restore', (
        Route('POST', snapshots.restore, 'stacks:restore_snapshot', status=202, heeds=(CONDITION,)),)),
    Address(STACK + '/resources', (Route('GET', resources.index, 'resource:index', query=resources.INDEX,
                                         tells='resources'),)),
    Address(RESOURCE, (
        Route('GET', resources.show, 'resource:show', query=resources.SHOW, tells='resource'),
        Route('PATCH', resources.mark_unhealthy, 'resource:mark_unhealthy', body='required',
              sends=keys.UNHEALTHY))),
    Address(RESOURCE + '/metadata', (Route('GET', resources.metadata, 'resource:metadata',
                                           tells='metadata'),)),
    Address(RESOURCE + '/signal', (
        Route('POST', resources.signal, 'resource:signal', body='optional', sends=keys.SIGNAL),)),
    Address(STACK + '/events', (Route('GET', events.index, 'events:index', query=events.INDEX,
                                      tells='events'),)),
    Address(RESOURCE + '/events', (Route('GET', events.index, 'events:index', query=events.INDEX,
                                         tells='events'),)),
    Address(RESOURCE + '/events/{event_id}', (Route('GET', events.show, 'events:show', tells='event'),)),
    Address(STACK + '/drift', (Route('GET', drift.show, 'stacks:drift', query=drift.SHOW, tells='drift'),)),
    Address(STACK + '/plans', (
        Route('POST', plans.create_update, 'plans:create', body='required', sends=keys.PLAN_UPDATE,
              status=201, tells='plan'),
        Route('GET', plans.index_of_stack, 'plans:index', tells='plans'))),
    Address(PLANS, (
        Route('POST', plans.create, 'plans:create', body='required', sends=keys.PLAN, status=201,
              tells='plan'),
        Route('GET', plans.index, 'plans:index', query=plans.INDEX, tells='plans'))),
    Address(PLANS + '/{plan_id}', (
        Route('GET', plans.show, 'plans:show', tells='plan'),
        Route('DELETE', plans.delete, 'plans:delete', status=204))),
    Address(PLANS + '/{plan_id}/execute', (
        Route('POST', plans.execute, 'plans:execute', body='optional', heeds=(KEY,),
              sends=keys.EXECUTE, status=202, tells='stack_created'),)),
    Address(STACK + '/actions', (Route('POST', actions.action, body='optional', heeds=(CONDITION,),
                                       sends=actions.BODY),)),
    Address(TENANT + '/build_info', (Route('GET', catalog.build_info, 'build_info:build_info',
                                           tells='build_info'),)),
    Address(CONFIGS, (
        Route('GET', software.list_configs, query=software.CONFIGS, tells='software_configs'),
        Route('POST', software.create_config, 'software_configs:create', body='required',
              sends=keys.CONFIG, tells='software_config'))),
    Address(CONFIGS + '/{config_id}', (
        Route('GET', software.show_config, 'software_configs:show', tells='software_config'),
        Route('DELETE', software.delete_config, 'software_configs:delete', status=204))),
    Address(DEPLOYMENTS, (
        Route('GET', software.list_deployments, 'software_deployments:index', query=software.DEPLOYMENTS,
              tells='software_deployments'),
        Route('POST', software.create_deployment, 'software_deployments:create', body='required',
              sends=keys.DEPLOYMENT, tells='software_deployment'))),
    Address(DEPLOYMENTS + '/metadata/{server_id}', (
        Route('GET', software.server_metadata, 'software_deployments:metadata', tells='server_metadata'),)),
    Address(DEPLOYMENTS + '/{deployment_id}', (
        Route('GET', software.show_deployment, 'software_deployments:show', tells='software_deployment'),
        Route('PUT', software.update_deployment, 'software_deployments:update', body='required',
              sends=keys.CHANGES, tells='software_deployment'),
        Route('DELETE', software.delete_deployment, 'software_deployments:delete', status=204))),
    # The list of services never refused other methods; it has no OPTIONS either.
    Address(TENANT + '/services', (Route('GET', catalog.list_services, 'service:index',
                                         tells='services'),), closed=False))
