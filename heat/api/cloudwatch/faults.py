"""The errors of CloudWatch's operations, as AWS has them.

Purpose: any exception -> code, status, sentence. Invariant: a text that is not marked
safe never reaches the wire; a fault of ours is an InternalServiceError, one of the caller
never is. Neighbours: ``protocols`` writes them, ``api.aws`` words what is refused before an
operation is known, ``api.faults`` knows whose fault an error is.
"""

from __future__ import annotations

import webob.exc

from heat.api import faults
from heat.common import errors

# Code in the query protocol -> (HTTP status, class in the others).
CODES: dict[str, tuple[int, str]] = {
    'AccessDenied': (403, 'AccessDeniedException'),
    'InternalServiceError': (500, 'InternalServiceFault'),
    'InvalidAction': (400, 'UnknownOperationException'),
    'InvalidFormat': (400, 'InvalidFormatFault'),
    'InvalidNextToken': (400, 'InvalidNextToken'),
    'InvalidParameterCombination': (400, 'InvalidParameterCombinationException'),
    'InvalidParameterValue': (400, 'InvalidParameterValueException'),
    'LimitExceeded': (400, 'LimitExceededFault'),
    'MissingParameter': (400, 'MissingRequiredParameterException'),
    'ResourceConflict': (409, 'ResourceConflict'),
    'ResourceNotFound': (404, 'ResourceNotFound'),
    'SerializationError': (400, 'SerializationException')}
# Nearest class first; for the rest the status of the orchestration API decides.
BY_CLASS = {'RequestLimitExceeded': 'LimitExceeded', 'AuthorizationFailure': 'AccessDenied',
            # What belongs to a stack, or rests with it, is changed with it.
            'NotAuthorized': 'AccessDenied', 'InvalidRestrictedAction': 'ResourceConflict',
            'WatchRuleNotFound': 'ResourceNotFound'}
BY_STATUS = {403: 'AccessDenied', 404: 'ResourceNotFound', 409: 'ResourceConflict'}
INTERNAL = 'The request processing has failed because of an internal error.'


class Fault(Exception):
    """An error of one of ``CODES`` with the sentence that the caller reads."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def invalid(message: str) -> Fault:
    return Fault('InvalidParameterValue', message)


def missing(place: str) -> Fault:
    return Fault('MissingParameter', f'The parameter {place} is required.')


def combined(message: str) -> Fault:
    return Fault('InvalidParameterCombination', message)


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
        if 400 <= status < 500:
            code = BY_STATUS.get(status, 'InvalidParameterValue')
            return Fault(code, message or 'The request is not valid.')
    return Fault('InternalServiceError', INTERNAL)
