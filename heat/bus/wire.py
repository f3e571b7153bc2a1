"""What crosses the bus: method names, pinned versions, and the reply envelope.

Purpose: both ends and both transports share this. Invariant: errors cross as data
(class, message, arguments), never as tracebacks. A caller that doesn't ask for the
envelope, such as an older front-end, gets the bare result, and errors named after
``heat.common.exception``. An engine that does not know what it is asked says so by an
error of its bus, or by a TypeError. Neighbours: ``client``, ``server``, ``transport``, ``direct``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from heat.common import errors

TOPIC = 'engine'
LISTENER_TOPIC = 'heat-engine-listener'
SERVER_VERSION = '1.36'
LISTENER_VERSION = '1.0'

# In the context of a request: the caller understands envelopes. In a reply: this is one.
ENVELOPE = 'heat_envelope'

# name -> (version that a caller pins, arguments it may send)
METHODS: dict[str, tuple[str, tuple[str, ...]]] = {
    'abandon_stack': ('1.0', ('stack_identity',)),
    'authenticated_to_backend': ('1.0', ()),
    'check_software_deployment': ('1.27', ('deployment_id', 'timeout')),
    'count_stacks': ('1.33', (
        'filters', 'show_deleted', 'show_nested', 'show_hidden', 'tags', 'tags_any', 'not_tags',
        'not_tags_any')),
    'create_software_config': ('1.0', ('group', 'name', 'config', 'inputs', 'outputs', 'options')),
    'create_software_deployment': ('1.0', (
        'server_id', 'config_id', 'deployment_id', 'input_values', 'action', 'status',
        'status_reason', 'stack_user_project_id')),
    'create_stack': ('1.36', (
        'stack_name', 'template', 'params', 'files', 'environment_files', 'files_container', 'args',
        'owner_id', 'nested_depth', 'user_creds_id', 'stack_user_project_id',
        'parent_resource_name', 'template_id')),
    'delete_snapshot': ('1.0', ('stack_identity', 'snapshot_id')),
    'delete_software_config': ('1.0', ('config_id',)),
    'delete_software_deployment': ('1.0', ('deployment_id',)),
    'delete_stack': ('1.0', ('stack_identity',)),
    'describe_stack_resource': ('1.2', ('stack_identity', 'resource_name', 'with_attr')),
    'describe_stack_resources': ('1.0', ('stack_identity', 'resource_name')),
    'export_stack': ('1.22', ('stack_identity',)),
    'find_physical_resource': ('1.0', ('physical_resource_id',)),
    'generate_template': ('1.9', ('type_name', 'template_type')),
    'get_environment': ('1.28', ('stack_identity',)),
    'get_files': ('1.32', ('stack_identity',)),
    'get_revision': ('1.0', ()),
    'get_template': ('1.0', ('stack_identity',)),
    'identify_stack': ('1.0', ('stack_name',)),
    'list_events': ('1.31', (
        'stack_identity', 'filters', 'limit', 'marker', 'sort_keys', 'sort_dir', 'nested_depth')),
    'list_outputs': ('1.19', ('stack_identity',)),
    'list_resource_types': ('1.30', ('support_status', 'type_name', 'heat_version', 'with_description')),
    'list_services': ('1.4', ()),
    'list_software_configs': ('1.33', ('limit', 'marker')),
    'list_software_deployments': ('1.0', ('server_id',)),
    'list_stack_resources': ('1.25', ('stack_identity', 'nested_depth', 'with_detail', 'filters')),
    'list_stacks': ('1.33', (
        'limit', 'sort_keys', 'marker', 'sort_dir', 'filters', 'show_deleted', 'show_nested',
        'show_hidden', 'tags', 'tags_any', 'not_tags', 'not_tags_any')),
    'list_template_functions': ('1.35', ('template_version', 'with_condition')),
    'list_template_versions': ('1.11', ()),
    'metadata_software_deployments': ('1.0', ('server_id',)),
    'migrate_convergence_1': ('1.34', ('stack_id',)),
    'preview_stack': ('1.36', (
        'stack_name', 'template', 'params', 'files', 'environment_files', 'files_container', 'args')),
    'preview_update_stack': ('1.36', (
        'stack_identity', 'template', 'params', 'files', 'environment_files', 'files_container',
        'args')),
    'resource_mark_unhealthy': ('1.26', (
        'stack_identity', 'resource_name', 'mark_unhealthy', 'resource_status_reason')),
    'resource_schema': ('1.30', ('type_name', 'with_description')),
    'resource_signal': ('1.3', ('stack_identity', 'resource_name', 'details', 'sync_call')),
    'show_output': ('1.19', ('stack_identity', 'output_key')),
    'show_snapshot': ('1.0', ('stack_identity', 'snapshot_id')),
    'show_software_config': ('1.0', ('config_id',)),
    'show_software_deployment': ('1.0', ('deployment_id',)),
    'show_stack': ('1.20', ('stack_identity', 'resolve_outputs')),
    'signal_software_deployment': ('1.6', ('deployment_id', 'details', 'updated_at')),
    'stack_cancel_update': ('1.14', ('stack_identity', 'cancel_with_rollback')),
    'stack_check': ('1.0', ('stack_identity',)),
    'stack_list_snapshots': ('1.0', ('stack_identity',)),
    'stack_restore': ('1.0', ('stack_identity', 'snapshot_id')),
    'stack_resume': ('1.0', ('stack_identity',)),
    'stack_snapshot': ('1.0', ('stack_identity', 'name')),
    'stack_suspend': ('1.0', ('stack_identity',)),
    'update_software_deployment': ('1.5', (
        'deployment_id', 'config_id', 'input_values', 'output_values', 'action', 'status',
        'status_reason', 'updated_at')),
    'update_stack': ('1.36', (
        'stack_identity', 'template', 'params', 'files', 'environment_files', 'files_container',
        'args', 'template_id')),
    'validate_template': ('1.36', (
        'template', 'params', 'files', 'show_nested', 'environment_files', 'files_container',
        'ignorable_errors')),
}

# What the classic interface does not have, in the same form: saved plans, exports, the parameter store,
# drift, overviews, watch rules, and arguments of a method that is in both. A call without the latter is
# understood by any engine. Whatever else of these an engine of an earlier release is asked ends in
# EngineOutdated, and a front-end that can do without does. The four methods on watch rules in version 1.0
# were the classic's once.
OWN_METHODS: dict[str, tuple[str, tuple[str, ...]]] = {
    'answer_parcel': ('1.36', ('questions',)),
    'create_plan': ('1.36', (
        'stack_identity', 'stack_name', 'template', 'params', 'files', 'environment_files',
        'files_container', 'args', 'name')),
    'create_watch_data': ('1.0', ('watch_name', 'stats_data')),
    'delete_plan': ('1.36', ('plan_id',)),
    'delete_stack': ('1.0', ('stack_identity', 'retain', 'force')),
    'delete_stored_parameters': ('1.36', ('names',)),
    'delete_watches': ('1.36', ('names',)),
    'describe_events': ('1.36', (
        'stack_identity', 'operation', 'failed', 'limit', 'marker')),
    'describe_stacks': ('1.36', (
        'stack_identity', 'whole', 'limit', 'marker', 'filters', 'show_deleted')),
    'execute_plan': ('1.36', ('plan_id', 'args')),
    'get_metric_statistics': ('1.36', (
        'namespace', 'name', 'dimensions', 'start', 'end', 'period', 'statistics', 'unit')),
    'get_plan_template': ('1.36', ('plan_id',)),
    'get_processed_template': ('1.36', ('stack_identity',)),
    'get_stack_policy': ('1.36', ('stack_identity',)),
    'get_stored_parameters': ('1.36', ('names', 'decrypt')),
    'list_exports': ('1.36', ('marker', 'limit')),
    'list_imports': ('1.36', ('name',)),
    'list_metrics': ('1.36', (
        'namespace', 'name', 'dimensions', 'recent', 'marker', 'limit')),
    'list_plans': ('1.36', ('stack_identity', 'stack_name')),
    'list_stored_parameters': ('1.36', ('marker', 'limit', 'prefix')),
    'list_watch_history': ('1.36', (
        'name', 'kind', 'start', 'end', 'newest_first', 'marker', 'limit')),
    'list_watches': ('1.36', (
        'names', 'prefix', 'state', 'action_prefix', 'metric', 'marker', 'limit')),
    'put_metric_data': ('1.36', ('namespace', 'data')),
    'put_stored_parameter': ('1.36', ('name', 'value', 'kind', 'description', 'overwrite')),
    'put_watch': ('1.36', ('watch',)),
    'set_stack_policy': ('1.36', ('stack_identity', 'policy')),
    'set_termination_protection': ('1.36', ('stack_identity', 'enabled')),
    'set_watch_actions': ('1.36', ('names', 'enabled')),
    'set_watch_state': ('1.0', ('watch_name', 'state', 'reason', 'reason_data')),
    'show_drift': ('1.36', ('stack_identity', 'resource_name', 'own')),
    'show_plan': ('1.36', ('plan_id',)),
    'show_watch': ('1.0', ('watch_name',)),
    'show_watch_metric': ('1.0', ('metric_namespace', 'metric_name')),
    'stack_check': ('1.0', ('stack_identity', 'resource_names')),
    'stack_graph': ('1.36', ('stack_identity', 'nested_depth')),
    'stack_progress': ('1.36', ('stack_identity',)),
    'stack_rollback': ('1.36', (
        'stack_identity', 'client_request_token', 'again', 'skip', 'force',
        'retain_except_on_create')),
}
SERVED = {**METHODS, **OWN_METHODS}

# What a request may ask in ``args`` that the classic interface does not have, and must not be carried out
# without; GENERATIONS is a condition in its context. The call names it in NEEDS, which no classic method
# takes, so that an engine which does not know it refuses.
NEEDS, GENERATIONS = 'needs', 'generations'
BINDING = frozenset((
    GENERATIONS, 'clear_event_sinks', 'guard', 'on_failure', 'retain_except_on_create', 'stack_policy',
    'stack_policy_during_update', 'termination_protection'))

# Methods of the topic on which one engine is addressed by its id.
LISTENER_METHODS: dict[str, tuple[str, tuple[str, ...]]] = {
    'listening': ('1.0', ()),
    'poke': ('1.0', ('stack_root_id',)),
}

Handler = Callable[[dict[str, Any], str, dict[str, Any]], Any]


class Listener(Protocol):
    """A served topic."""

    def stop(self) -> None:
        """Take no further messages."""

    def wait(self, timeout: float | None = None) -> None:
        """Return once the messages taken are answered, or after ``timeout`` seconds."""


class Port(Protocol):
    """What a transport offers; contexts, arguments and results are plain JSON values.

    ``costly``: a message costs more than most of what is asked by it.
    """

    costly: bool

    def call(self, topic: str, version: str, context: dict[str, Any], method: str,
             arguments: dict[str, Any], *, server: str | None = None,
             timeout: float | None = None) -> Any:
        """Send and wait for the reply; NoReply after ``timeout`` seconds, else a HeatException.

        EngineOutdated if who answers knows no such method.
        """

    def cast(self, topic: str, version: str, context: dict[str, Any], method: str,
             arguments: dict[str, Any], *, server: str | None = None, retry: int | None = None) -> None:
        """Send without a reply; ``retry`` bounds the attempts to reach the broker."""

    def serve(self, topic: str, server: str, version: str, methods: Collection[str],
              handler: Handler) -> Listener:
        """Answer ``methods`` of ``topic`` by ``handler(context, method, arguments)``."""

    def close(self) -> None:
        """Give up connections."""


_UNEXPECTED = re.compile(r"(\w+)\(\) got an unexpected keyword argument '(\w+)'")


class NoReply(errors.RemoteError):
    """Nobody answered in time; whether the request is carried out is unknown."""

    msg_fmt = 'No engine answered request %(request_id)s within %(seconds)s seconds.'
    safe = True


class Refusal(Exception):
    """A HeatException on its way to a caller which doesn't understand envelopes."""

    def __init__(self, error: errors.HeatException) -> None:
        super().__init__(str(error))
        self.error = error


def needs(generations: Collection[int], arguments: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a call says of what it must not be served without; nothing for most calls."""
    given = arguments.get('args') or {}
    found = [name for name in sorted(BINDING) if given.get(name)] + [GENERATIONS] * bool(generations)
    return {NEEDS: found} if found else {}


def result(value: Any) -> dict[str, Any]:
    return {ENVELOPE: 1, 'result': value}


def failure(error: errors.HeatException) -> dict[str, Any]:
    return {ENVELOPE: 1, 'error': error.to_wire()}


def unexpected(error: BaseException, request_id: str) -> errors.RemoteError:
    """The error users see in place of ``error``: its class name and no text of it."""
    return errors.RemoteError(request_id=request_id, type=type(error).__name__)


def unknown(method: str, arguments: Iterable[str] = ()) -> errors.EngineOutdated:
    """The error about a method that an engine does not have, or not with ``arguments``."""
    named_too = ', '.join(sorted(arguments))
    return errors.EngineOutdated(asked=f'{method} with {named_too}' if named_too else method)


def opened(reply: Any) -> Any:
    """The result in a reply; raises the error it holds. A bare value is a result."""
    if not (isinstance(reply, dict) and ENVELOPE in reply):
        return reply
    if 'error' in reply:
        raise errors.from_wire(reply['error'])
    return reply.get('result')


def named(class_name: str, message: str, request_id: str, method: str) -> errors.HeatException:
    """An error of our own by class name, as an engine without envelopes sends it."""
    if class_name in ('NoSuchMethod', 'UnsupportedVersion'):
        return unknown(method)
    if class_name == 'TypeError' and (found := _UNEXPECTED.search(message)) and found[1] == method:
        return unknown(method, [found[2]])
    error = errors.from_wire({'class': class_name, 'message': message})
    if isinstance(error, errors.RemoteError):
        return errors.RemoteError(request_id=request_id, type=class_name)
    return error
