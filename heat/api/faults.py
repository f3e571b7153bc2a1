"""The JSON fault of the orchestration API.

Purpose: any exception -> the answer existing clients parse. Invariant: the text
of an exception that is not marked safe never reaches the wire. Neighbours:
``api.filters`` catches, ``common.errors`` names the faults; the table of
statuses follows the recorded interface, walked along the class names.
"""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from typing import Any

import webob
import webob.exc

from heat.api import failures, wsgi
from heat.common import errors, fault

BAD_REQUEST = (
    'CircularDependencyException', 'DownloadLimitExceeded', 'ImmutableParameterModified',
    'IncompatibleObjectVersion', 'Invalid', 'InvalidBreakPointHook', 'InvalidSchemaError',
    'InvalidTemplateReference', 'InvalidTemplateSection', 'InvalidTemplateVersion',
    'MissingCredentialError', 'NotSupported', 'ObjectActionError', 'ObjectFieldInvalid',
    'OrphanedObjectError', 'PhysicalResourceIDAmbiguity', 'PhysicalResourceNameAmbiguity',
    'PropertyUnspecifiedError', 'ReadOnlyFieldError', 'RequestLimitExceeded', 'ResourceActionNotSupported',
    'ResourcePropertyConflict', 'ResourceTypeUnavailable', 'StackValidationFailed', 'UnknownUserParameter',
    'UnsupportedObjectError', 'UserParameterMissing',
    'NothingToUpdate',
    # The recorded service failed with 500 over these, which are faults of what was asked.
    'ConflictingMergeStrategyForParam', 'EntityMatchNotFound', 'EntityUniqueMatchNotFound',
    'InvalidExternalResourceDependency', 'InvalidMergeStrategyForParam', 'InvalidRestrictedAction',
    'InvalidTemplateAttribute', 'ResourcePropertyDependency', 'ResourcePropertyValueDependency',
    'StackResourceLimitExceeded',
    # Ours; their bare base classes would be bugs of ours, and those are no client's fault.
    'RefusedType', 'RefusedValue',
    # This release answers what it does not serve yet like what it never will.
    'NotImplementedYet')
STATUS: dict[str, int] = {
    **dict.fromkeys(BAD_REQUEST, 400),
    **dict.fromkeys(('Forbidden', 'InvalidTenant'), 403),
    **dict.fromkeys(('EntityNotFound', 'NotFound', 'ResourceNotAvailable'), 404),
    **dict.fromkeys(('ActionInProgress', 'ActionNotComplete', 'ConcurrentTransaction', 'EntityExists',
                     'PhysicalResourceExists', 'PlanVoid', 'RequestTokenUsed', 'ResourceGuarded',
                     'SoftwareConfigInUse', 'StackExists', 'TerminationProtected'), 409),
    'GenerationPassed': 412,
    # The recorded service answered 500 where nobody could serve.
    **dict.fromkeys(('DatabaseUnavailable', 'EngineOutdated', 'NoReply'), 503),
    **dict.fromkeys(('EventSendFailed', 'InvalidEncryptionKey', 'InvalidGlobalResource', 'RevertFailed',
                     'ServerBuildFailed', 'StopActionFailed'), 500)}
SHOWN_AS: dict[type[BaseException], str] = {wsgi.RefusedValue: 'ValueError',
                                            wsgi.RefusedType: 'AttributeError',
                                            errors.SoftwareConfigInUse: 'InvalidRestrictedAction'}


def status_of(error: BaseException) -> int:
    """The HTTP status of ``error``: its own, or that of the nearest class with one, else 500."""
    if isinstance(error, webob.exc.HTTPException):
        return error.status_int
    for cls in type(error).__mro__:
        if cls.__name__ in STATUS:
            return STATUS[cls.__name__]
    return 500


def message_of(error: BaseException) -> str | None:
    """The sentence to show, None where it might tell what it should not."""
    found = faults_of(error)
    if found:
        return fault.told(found, getattr(error, 'untold', 0))
    if isinstance(error, webob.exc.HTTPException):
        return str(error)
    if isinstance(error, errors.HeatException):
        return str(error) if error.safe else None
    return str(error) if type(error) in SHOWN_AS else None


def faults_of(error: BaseException) -> tuple[errors.Fault, ...]:
    """What is wrong in what the user wrote, place by place; empty for errors about something else."""
    if isinstance(error, (errors.HeatException, Refusal)) and getattr(error, 'safe', True):
        return error.faults
    return ()


class Refusal(webob.exc.HTTPBadRequest):
    """A text that cannot be read, or is not what it should be; ``place`` begins the sentence."""

    def __init__(self, place: str, error: errors.HeatException | ValueError) -> None:
        super().__init__(f'{place}{error}')
        self.untold: int = getattr(error, 'untold', 0)
        first, *others = getattr(error, 'faults', ()) or (None,)
        self.faults: tuple[errors.Fault, ...] = () if first is None else (
            replace(first, message=f'{place}{first.message}'), *others)


def type_of(error: BaseException) -> str:
    if isinstance(error, Refusal):
        return 'HTTPBadRequest'
    return SHOWN_AS.get(type(error)) or type(error).__name__


def body_of(error: BaseException, debug: bool = False) -> dict[str, Any]:
    """The JSON object of the fault; ``debug`` adds our own traceback to unexpected ones."""
    code = status_of(error)
    known: Any = webob.exc.status_map.get(code, webob.exc.HTTPInternalServerError)
    detail: dict[str, Any] = {'type': type_of(error), 'traceback': None}
    if debug and code >= 500:
        detail['traceback'] = ''.join(traceback.format_exception(error))
    message = message_of(error)
    if message is not None:
        detail['message'] = message
    found = faults_of(error)
    if found:
        # Not known to the classic clients, which read the message.
        detail['faults'] = [one.shown() for one in found]
    return {'code': code, 'title': known.title, 'explanation': known.explanation, 'error': detail}


def response_of(request: webob.Request, error: BaseException, debug: bool = False) -> webob.Response:
    """The fault as a response: JSON, or the bare code for clients that sent XML."""
    code = status_of(error)
    if code >= 500:
        failures.note(f'{request.method} {request.path}', error)
    if request.content_type == 'application/xml':
        return webob.Response(text=f'<code>{code}</code>', status=code, content_type='application/xml',
                              charset='UTF-8')
    body = json.dumps(body_of(error, debug)).encode('utf-8')
    response = webob.Response(body=body, status=code, content_type='application/json', charset=None)
    if isinstance(error, webob.exc.HTTPException) and 'Retry-After' in error.headers:
        response.headers['Retry-After'] = error.headers['Retry-After']
    return response
