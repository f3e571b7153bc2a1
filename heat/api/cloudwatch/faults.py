"""The errors of CloudWatch's operations, as AWS has them.

Purpose: any exception -> code, status, sentence. Invariant: a text that is not marked
safe never reaches the wire; a fault of ours is an InternalServiceError, one of the caller
never is. Neighbours: ``protocols`` writes them, ``api.aws`` words what is refused before an
operation is known, ``api.coded`` finds the code.
"""

from __future__ import annotations

from heat.api.coded import Codes, Fault

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
    'SerializationError': (400, 'SerializationException'),
    'ServiceUnavailable': (503, 'ServiceUnavailableException')}
_CODES = Codes(
    by_class={
        'RequestLimitExceeded': 'LimitExceeded', 'AuthorizationFailure': 'AccessDenied',
        # What belongs to a stack, or rests with it, is changed with it.
        'NotAuthorized': 'AccessDenied', 'InvalidRestrictedAction': 'ResourceConflict',
        'WatchRuleNotFound': 'ResourceNotFound'},
    by_status={403: 'AccessDenied', 404: 'ResourceNotFound', 409: 'ResourceConflict',
               503: 'ServiceUnavailable'},
    refused='InvalidParameterValue', internal='InternalServiceError')
fault_of = _CODES.fault_of


def invalid(message: str) -> Fault:
    return Fault('InvalidParameterValue', message)


def missing(place: str) -> Fault:
    return Fault('MissingParameter', f'The parameter {place} is required.')


def combined(message: str) -> Fault:
    return Fault('InvalidParameterCombination', message)
