"""An engine that only remembers what it was asked and says what it was told to."""

from __future__ import annotations

import json
from typing import Any

from heat.bus import wire
from heat.common.context import RequestContext

EMPTY: dict[str, Any] = {
    'list_stacks': [], 'count_stacks': 0, 'list_stack_resources': [], 'list_events': [],
    'list_software_configs': [], 'list_software_deployments': [], 'list_services': [],
    'list_template_versions': [], 'list_template_functions': [], 'list_resource_types': [],
    'describe_stacks': [], 'describe_events': [], 'show_drift': [], 'list_plans': [],
    'list_metrics': {'metrics': [], 'marker': None}, 'get_metric_statistics': [], 'set_watch_state': {},
    'list_watches': {'watches': [], 'marker': None}, 'list_watch_history': {'items': [], 'marker': None},
    'get_revision': 'unknown', 'authenticated_to_backend': True}


class Engine:
    """``answers`` maps a method, or ``*``, to a value, to an exception to raise, or to a function of the
    arguments. One of an ``earlier_release`` knows the recorded interface alone."""

    earlier_release = False

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.contexts: list[RequestContext] = []
        self.answers: dict[str, Any] = {}

    def call(self, context: RequestContext, method: str, /, *, rpc_timeout: float | None = None,
             **arguments: Any) -> Any:
        unknown = set(arguments) - set(wire.SERVED[method][1])
        assert not unknown, f'{method} takes no {unknown}'
        if self.earlier_release:
            more = set(arguments) - set(wire.METHODS.get(method, ('', ()))[1])
            if method not in wire.METHODS or more:
                raise wire.unknown(method, more)
        # What crosses the bus is JSON: arguments that are not would fail here as there.
        self.calls.append((method, json.loads(json.dumps(arguments))))
        self.contexts.append(RequestContext.from_wire(json.loads(json.dumps(context.to_wire()))))
        answer = self.answers.get(method, self.answers.get('*', EMPTY.get(method)))
        if callable(answer):
            answer = answer(**arguments)
        if isinstance(answer, Exception):
            raise answer
        return answer
