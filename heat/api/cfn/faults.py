"""The errors of CloudFormation's actions, as AWS has them.

Purpose: any exception -> code, status, sentence, in the format that was asked
for. Invariant: a text that is not marked safe never reaches the wire; a fault of
ours is an InternalFailure, a fault of the caller a ValidationError unless AWS has
a code for it. Neighbours: ``query`` answers with it; ``api.aws`` words what is
refused before an action is known, ``api.coded`` finds the code.
"""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

import webob

from heat.api import aws, failures
from heat.api.cfn import render
from heat.api.coded import Codes, Fault

# code -> HTTP status; the sender is to blame below 500.
STATUS = {
    'AccessDenied': 403, 'AlreadyExistsException': 400, 'ChangeSetNotFound': 404,
    'InsufficientCapabilitiesException': 400, 'InternalFailure': 500, 'InvalidAction': 400,
    'InvalidChangeSetStatus': 400, 'LimitExceededException': 400, 'ServiceUnavailable': 503,
    'TokenAlreadyExistsException': 400, 'ValidationError': 400}
_CODES = Codes(
    by_class={
        'Forbidden': 'AccessDenied', 'NotAuthorized': 'AccessDenied', 'StackExists': 'AlreadyExistsException',
        'RequestLimitExceeded': 'LimitExceededException',
        'StackResourceLimitExceeded': 'LimitExceededException',
        'RequestTokenUsed': 'TokenAlreadyExistsException', 'AuthorizationFailure': 'AccessDenied',
        'InvalidTenant': 'ValidationError'},
    by_status={403: 'AccessDenied', 503: 'ServiceUnavailable'},
    refused='ValidationError', internal='InternalFailure')
fault_of = _CODES.fault_of


def refused(message: str) -> Fault:
    """The fault of a request that cannot be carried out as it stands."""
    return Fault('ValidationError', message)


def unsupported(what: str, because: str = '') -> Fault:
    """The fault of asking for a part of CloudFormation that this service does not have."""
    return refused(f'{what} is not supported by this service{because and f": {because}"}.')


def no_such_stack(name: Any) -> Fault:
    # Tools look for these very words.
    return refused(f'Stack with id {name} does not exist')


def response_of(request: webob.Request, error: BaseException, request_id: str,
                as_json: bool = False) -> webob.Response:
    """The answer for ``error``."""
    if isinstance(error, aws.AWSError):
        return aws.response_of(request, error)
    fault = fault_of(error)
    status = STATUS[fault.code]
    blame = 'Sender' if status < 500 else 'Server'
    if status >= 500:
        failures.note(f'{request.method} {request.path}', error)
    if as_json:
        body = {'Error': {'Type': blame, 'Code': fault.code, 'Message': fault.message},
                'RequestId': request_id}
        return webob.Response(body=json.dumps(body).encode(), status=status,
                              content_type='application/json', charset=None)
    text = (f'<ErrorResponse><Error><Type>{blame}</Type><Code>{fault.code}</Code>'
            f'<Message>{escape(render.legal(fault.message))}</Message></Error>'
            f'<RequestId>{escape(request_id)}</RequestId></ErrorResponse>')
    return aws.xml_response(text, status)
