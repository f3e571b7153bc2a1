"""One call of an action, from signed parameters to the answer.

Purpose: find the action, check the caller, read the parameters, answer in XML or
JSON. Invariant: whatever happens becomes an answer in the format asked for, and
an action sees only parameters that its row of the table names. Neighbours:
``actions`` has the table, ``app`` calls ``answer``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import webob

from heat.api import aws, ec2token, signatures
from heat.api.cfn import parameters, render
from heat.api.cfn.faults import Fault, no_such_stack, refused, response_of
from heat.api.dispatch import Call
from heat.common import errors
from heat.common.ids import StackId


@dataclass(frozen=True, slots=True)
class Action:
    """A row of the table; a row without ``function`` is an action we know and do not serve.

    ``rule`` is the policy rule where it is not the action's own. ``timeless`` lets a
    signature without a time in, as the tools inside instances make it.
    """

    function: Callable[[Query], Any] | None = None
    rule: str = ''
    table: Mapping[str, parameters.Kind] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    timeless: bool = False


class Query:
    """What a function of an action works with."""

    def __init__(self, call: Call, action: str, given: Mapping[str, Any]) -> None:
        self.call = call
        self.action = action
        self.given = given

    def get(self, name: str, default: Any = None) -> Any:
        """The parameter ``name``; ``default`` where it is absent or empty."""
        value = self.given.get(name)
        return default if value in (None, '') else value

    @property
    def conf(self) -> Any:
        return self.call.wiring.conf

    @property
    def operation(self) -> str:
        """The id of the operation that this call begins, as events carry it."""
        return self.call.context.request_id[-36:]

    def may(self, rule: str) -> bool:
        """Whether the caller may do what ``rule`` is about, too."""
        try:
            self.call.allow(rule)
        except errors.Forbidden:
            return False
        return True

    @cached_property
    def stack(self) -> dict[str, str]:
        """The identity that StackName (a name, an id or an ARN) stands for. Fault if none does."""
        name = self.get('StackName')
        if name.startswith('arn:'):
            try:
                identity = StackId.from_arn(name)
            except ValueError as error:
                raise refused(str(error)) from error
            if identity.path:
                raise refused(f'"{name}" is not the ARN of a stack')
            return identity.to_wire()
        return self.call.engine('identify_stack', stack_name=name)

    def engine(self, method: str, **arguments: Any) -> Any:
        return self.call.engine(method, **arguments)


def answer(call: Call, table: Mapping[str, Action]) -> webob.Response:
    """The response to a call of an action of ``table``."""
    request, as_json = call.request, False
    request_id = call.context.request_id
    try:
        given = signatures.parameters(request)
        name = given.get('Action', '')
        action = table.get(name)
        if action is None:
            # Neither dialect nor format can be believed of a call that is none of ours.
            raise aws.AWSError('InvalidAction')
        as_json = given.get('ContentType') == 'JSON'
        if action.function is None:
            raise Fault('InvalidAction', f'The action {name} is not supported by this service.')
        result = _run(call, name, action, given)
        tree = render.answer(name, result, request_id)
    except Exception as error:
        return response_of(request, error, request_id, as_json)
    if as_json:
        body = json.dumps(render.plain(tree), default=str).encode()
        return webob.Response(body=body, content_type='application/json', charset=None)
    return aws.xml_response(render.xml(tree))


def _run(call: Call, name: str, action: Action, given: Mapping[str, str]) -> Any:
    assert action.function is not None
    if call.request.environ.get(ec2token.TIMELESS) and not action.timeless:
        raise Fault('ValidationError', 'The request must contain a Timestamp or Expires parameter.')
    call.allow(action.rule or f'cloudformation:{name}')
    values = parameters.read(given, action.table, action.required, {'TemplateUrl': 'TemplateURL'})
    query = Query(call, name, values)
    try:
        return action.function(query)
    except (errors.EntityNotFound, errors.InvalidTenant) as error:
        # Of a stack of another project nobody learns that it is there.
        if type(error) in (errors.EntityNotFound, errors.InvalidTenant) and query.get('StackName'):
            raise no_such_stack(query.get('StackName')) from error
        raise
