"""The CloudFormation-compatible API.

Purpose: the query actions, the parameter store, and signals of instances (wait conditions, scaling
policies) over signed URLs. Invariant: every error is AWS-shaped. Neighbours:
``api.ec2token`` has checked the signature, ``query`` answers the actions, ``ssm``
those of the parameter store, ``api.aws`` words the errors of signals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

import webob

from heat.api import aws, wiring
from heat.api.cfn import query, ssm
from heat.api.cfn.actions import ACTIONS
from heat.api.dispatch import Address, Call, Dispatcher, Route
from heat.api.versions import is_query
from heat.common.ids import StackId


def act(call: Call) -> webob.Response:
    target = call.request.headers.get(aws.TARGET)
    if target is not None:
        return ssm.answer(call, target)
    return query.answer(call, ACTIONS)


def look(call: Call) -> None:
    """HEAD: an action that nobody hears the answer of is none."""
    raise aws.AWSError('InvalidAction')


def signal(call: Call) -> webob.Response:
    """POST /signal/<arn>: scale; nothing to say in return."""
    _send(call, sync_call=False)
    return webob.Response(status=200)


def wait_condition(call: Call) -> webob.Response:
    """PUT /waitcondition/<arn>: the handle has taken the data when this returns."""
    name = _send(call, sync_call=True)
    return aws.xml_response(f'<resource>{escape(name)}</resource>')


def _send(call: Call, sync_call: bool) -> str:
    try:
        identity = StackId.from_arn(call.path['arn'])
    except ValueError as error:
        raise aws.AWSError('InvalidParameterValue', str(error)) from error
    if not call.context.tenant_id:
        # Without a signature nobody has said who asks.
        raise aws.AWSError('AccessDenied')
    head, sep, name = identity.path.partition('/resources/')
    if head or not sep or not name:
        raise aws.AWSError('InvalidParameterValue', 'The address names no resource')
    details = aws.json_object(call.request.body, call.wiring.conf.max_json_body_size)
    stack = StackId(identity.tenant, identity.stack_name, identity.stack_id)
    call.engine('resource_signal', stack_identity=stack.to_wire(), resource_name=name, details=details,
                sync_call=sync_call)
    return name


ROUTES = (
    Address('/', (Route('GET', act, body='raw'), Route('POST', act, body='raw'),
                  Route('HEAD', look, body='raw')), closed=False),
    Address('/waitcondition/{arn:.*}', (Route('PUT', wait_condition, body='raw'),), closed=False),
    Address('/signal/{arn:.*}', (Route('POST', signal, body='raw'),), closed=False))


class Application(Dispatcher):
    """The routes; a query is one whatever its path, which has served its turn with the signature."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if is_query(webob.Request(environ)):
            environ = {**environ, 'PATH_INFO': '/'}
        return super().__call__(environ, start_response)


def factory(global_conf: dict[str, str], **local_conf: str) -> Any:
    """A paste app factory (paste.app_factory)."""
    return Application(ROUTES, wiring.current(), aws.response_of)
