"""The errors of CloudFormation's actions, as AWS has them.

Purpose: any exception -> code, status, sentence, in the format that was asked
for. Invariant: a text that is not marked safe never reaches the wire; a fault of
ours is an InternalFailure, a fault of the caller a ValidationError unless AWS has
a code for it. Neighbours: ``query`` answers with it; ``api.aws`` words what is
refused before an action is known, ``api.faults`` knows whose fault an error is.
"""

from __future__ import annotations

import json
import logging
from typing import Any
from xml.sax.saxutils import escape

import webob

from heat.api import aws, faults
from heat.api.cfn import render
from heat.common import errors

LOG = logging.getLogger(__name__)

# code -> HTTP status; the sender is to blame below 500.
STATUS = {
    'AccessDenied': 403, 'AlreadyExistsException': 400, 'ChangeSetNotFound': 404,
    'InsufficientCapabilitiesException': 400, 'InternalFailure': 500, 'InvalidAction': 400,
    'InvalidChangeSetStatus': 400, 'LimitExceededException': 400, 'ServiceUnavailable': 503,
    'TokenAlreadyExistsException': 400, 'ValidationError': 400}
# Nearest class first; for the rest the status of the orchestration API decides.
BY_CLASS = {
    'Forbidden': 'AccessDenied', 'NotAuthorized': 'AccessDenied', 'StackExists': 'AlreadyExistsException',
    'RequestLimitExceeded': 'LimitExceededException', 'StackResourceLimitExceeded': 'LimitExceededException',
    'RequestTokenUsed': 'TokenAlreadyExistsException', 'AuthorizationFailure': 'AccessDenied',
    'EngineOutdated': 'ServiceUnavailable', 'InvalidTenant': 'ValidationError'}
INTERNAL = 'The request processing has failed because of an internal error.'


class Fault(Exception):
    """An error of one of ``STATUS`` with the sentence that the caller reads."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def refused(message: str) -> Fault:
    """The fault of a request that cannot be carried out as it stands."""
    return Fault('ValidationError', message)


def unsupported(what: str, because: str = '') -> Fault:
    """The fault of asking for a part of CloudFormation that this service does not have."""
    return refused(f'{what} is not supported by this service{because and f": {because}"}.')


def no_such_stack(name: Any) -> Fault:
    # Tools look for these very words.
    return refused(f'Stack with id {name} does not exist')


def fault_of(error: BaseException) -> Fault:
    """Any exception as a fault."""
    if isinstance(error, Fault):
        return error
    message = faults.message_of(error)
    for cls in type(error).__mro__:
        if cls.__name__ in BY_CLASS:
            return Fault(BY_CLASS[cls.__name__], message or cls.__name__)
    if isinstance(error, errors.HeatException | webob.exc.HTTPException) or message is not None:
        status = faults.status_of(error)
        if status == 403:
            return Fault('AccessDenied', message or 'User is not authorized to perform action')
        if 400 <= status < 500:
            return refused(message or 'The request is not valid.')
    return Fault('InternalFailure', INTERNAL)


def response_of(request: webob.Request, error: BaseException, request_id: str,
                as_json: bool = False) -> webob.Response:
    """The answer for ``error``."""
    if isinstance(error, aws.AWSError):
        return aws.response_of(request, error)
    fault = fault_of(error)
    status = STATUS[fault.code]
    blame = 'Sender' if status < 500 else 'Server'
    if status >= 500:
        LOG.error('%s %s failed', request.method, request.path, exc_info=error)
    if as_json:
        body = {'Error': {'Type': blame, 'Code': fault.code, 'Message': fault.message},
                'RequestId': request_id}
        return webob.Response(body=json.dumps(body).encode(), status=status,
                              content_type='application/json', charset=None)
    text = (f'<ErrorResponse><Error><Type>{blame}</Type><Code>{fault.code}</Code>'
            f'<Message>{escape(render.legal(fault.message))}</Message></Error>'
            f'<RequestId>{escape(request_id)}</RequestId></ErrorResponse>')
    return aws.xml_response(text, status)
