"""AWS's SSM protocol, as far as the parameter store goes: JSON 1.1, one target per action.

Purpose: PutParameter and its kin, so that AWS's clients fill what templates read as
``AWS::SSM::Parameter::Value`` and ``{{resolve:ssm:...}}``. Invariant: a member that is not
honoured is refused; a SecureString is told only to who asks WithDecryption; a project sees
its own parameters only. Neighbours: ``app`` calls ``answer``; the engine's
``parameter_store`` keeps.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import webob

from heat.api import aws, ec2token, failures
from heat.api.cfn import paging
from heat.api.cfn.faults import STATUS, Fault, fault_of
from heat.api.dispatch import Call
from heat.common import errors

PREFIX = 'AmazonSSM.'
MOST_NAMES, PAGE, DESCRIBED = 10, 10, 50
KINDS = ('String', 'StringList', 'SecureString')
# Codes of the general table -> those of this protocol.
CODES = {'ValidationError': 'ValidationException', 'AccessDenied': 'AccessDeniedException',
         'LimitExceededException': 'ParameterLimitExceeded', 'InternalFailure': 'InternalServerError'}

Given = Mapping[str, Any]
Json = dict[str, Any]


class _Refusal(Exception):
    """An error of this protocol by its code."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Operation:
    """``members``: name -> type of what is honoured; ``harmless``: name -> the value that asks nothing."""

    function: Callable[[Call, Given], Json]
    members: Mapping[str, type]
    required: tuple[str, ...] = ()
    harmless: Mapping[str, Any] | None = None


# -- actions -----------------------------------------------------------------------------------------


def put(call: Call, given: Given) -> Json:
    kind = given.get('Type')
    if kind is not None and kind not in KINDS:
        raise _Refusal('UnsupportedParameterType', f'The parameter type {kind} is not supported.')
    if kind is None and not given.get('Overwrite') and not _read(call, [given['Name']], False):
        raise _invalid('A parameter type is required when you create a parameter.')
    try:
        made = call.engine('put_stored_parameter', name=given['Name'], value=given['Value'], kind=kind,
                           description=given.get('Description', ''),
                           overwrite=bool(given.get('Overwrite')))
    except errors.EntityExists as error:
        raise _Refusal('ParameterAlreadyExists', (
            'The parameter already exists. To overwrite this value, set the overwrite option in the request '
            'to true.')) from error
    except errors.ConcurrentTransaction as error:
        raise _Refusal('TooManyUpdates', 'There are concurrent updates of this parameter.') from error
    return {'Version': made['version'], 'Tier': 'Standard'}


def get(call: Call, given: Given) -> Json:
    name = given['Name']
    found = _read(call, [name], given.get('WithDecryption'))
    if not found:
        plain, _, version = name.partition(':')
        if version and _read(call, [plain], False):
            raise _Refusal('ParameterVersionNotFound', (
                f'Systems Manager could not find version {version} of {plain}. Verify the version and try '
                'again.'))
        raise _Refusal('ParameterNotFound', f'Parameter {name} not found.')
    return {'Parameter': _shown(call, found[0], name)}


def get_several(call: Call, given: Given) -> Json:
    names = _names(given)
    found = [(name, _read(call, [name], given.get('WithDecryption'))) for name in names]
    return {'Parameters': [_shown(call, rows[0], name) for name, rows in found if rows],
            'InvalidParameters': [name for name, rows in found if not rows]}


def get_by_path(call: Call, given: Given) -> Json:
    path = given['Path']
    if not path.startswith('/'):
        raise _invalid('The parameter path must begin with a slash.')
    below = path if path.endswith('/') else f'{path}/'
    deep = bool(given.get('Recursive'))
    rows, token = _page(call, ['GetParametersByPath', path, deep], given, PAGE, below,
                        lambda name: deep or '/' not in name[len(below):])
    values = _read(call, [row['name'] for row in rows], given.get('WithDecryption')) if rows else []
    return {'Parameters': [_shown(call, row, '') for row in values], 'NextToken': token}


def describe(call: Call, given: Given) -> Json:
    rows, token = _page(call, ['DescribeParameters'], given, DESCRIBED, '', lambda name: True)
    user = {'Tier': 'Standard', 'DataType': 'text', 'Policies': []}
    return {'Parameters': [{
        'Name': row['name'], 'ARN': _arn(call, row['name']), 'Type': row['kind'], 'Version': row['version'],
        'LastModifiedDate': _seconds(row['modified']), 'Description': row['description'] or None, **user}
        for row in rows], 'NextToken': token}


def delete(call: Call, given: Given) -> Json:
    if not call.engine('delete_stored_parameters', names=[given['Name']]):
        raise _Refusal('ParameterNotFound', f'Parameter {given["Name"]} not found.')
    return {}


def delete_several(call: Call, given: Given) -> Json:
    names = _names(given)
    gone = call.engine('delete_stored_parameters', names=names)
    return {'DeletedParameters': gone, 'InvalidParameters': [name for name in names if name not in gone]}


OPERATIONS = {
    'DeleteParameter': Operation(delete, {'Name': str}, ('Name',)),
    'DeleteParameters': Operation(delete_several, {'Names': list}, ('Names',)),
    'DescribeParameters': Operation(
        describe, {'MaxResults': int, 'NextToken': str}, harmless={
            'Filters': [], 'ParameterFilters': [], 'Shared': False}),
    'GetParameter': Operation(get, {'Name': str, 'WithDecryption': bool}, ('Name',)),
    'GetParameters': Operation(get_several, {'Names': list, 'WithDecryption': bool}, ('Names',)),
    'GetParametersByPath': Operation(
        get_by_path, {'Path': str, 'Recursive': bool, 'WithDecryption': bool, 'MaxResults': int,
                      'NextToken': str}, ('Path',), harmless={'ParameterFilters': []}),
    'PutParameter': Operation(
        put, {'Name': str, 'Description': str, 'Value': str, 'Type': str, 'Overwrite': bool},
        ('Name', 'Value'), harmless={'Tier': 'Standard', 'DataType': 'text', 'Tags': [], 'Policies': '',
                                     'KeyId': '', 'AllowedPattern': ''})}


# -- reading and showing -----------------------------------------------------------------------------


def _read(call: Call, names: list[str], decrypt: Any) -> list[Json]:
    found: list[Json] = call.engine('get_stored_parameters', names=names, decrypt=bool(decrypt))
    return found


def _names(given: Given) -> list[str]:
    names = given['Names']
    if not 1 <= len(names) <= MOST_NAMES or not all(isinstance(name, str) for name in names):
        raise _invalid(f"Value at 'names' must be a list of 1 to {MOST_NAMES} texts.")
    return list(dict.fromkeys(names))


def _page(call: Call, request: list[Any], given: Given, most: int, below: str,
          wanted: Callable[[str], bool]) -> tuple[list[Json], str | None]:
    """One page of the list and the token of the next."""
    size = given.get('MaxResults', most)
    if not 1 <= size <= most:
        raise _invalid(f"Value at 'maxResults' must be from 1 to {most}.")
    try:
        marker = paging.marker(request, given.get('NextToken'))
    except Fault as fault:
        raise _Refusal('InvalidNextToken', fault.message) from fault
    found: list[Json] = []
    while True:
        rows = call.engine('list_stored_parameters', marker=marker, limit=DESCRIBED, prefix=below)
        for row in rows:
            if len(found) == size:
                return found, paging.token(request, str(marker or ''))
            if wanted(row['name']):
                found.append(row)
            marker = row['name']
        if len(rows) < DESCRIBED:
            return found, None


def _shown(call: Call, row: Json, asked: str) -> Json:
    _, _, version = asked.partition(':')
    return {'Name': row['name'], 'Type': row['kind'], 'Value': row['value'], 'Version': row['version'],
            'Selector': f':{version}' if version else None, 'LastModifiedDate': _seconds(row['modified']),
            'ARN': _arn(call, row['name']), 'DataType': 'text'}


def _arn(call: Call, name: str) -> str:
    return f'arn:openstack:ssm::{call.context.tenant_id}:parameter/{name.removeprefix("/")}'


def _seconds(text: str | None) -> float | None:
    return None if text is None else datetime.datetime.fromisoformat(text).timestamp()


# -- the protocol ------------------------------------------------------------------------------------


def answer(call: Call, target: str) -> webob.Response:
    """The response to a call of ``target``."""
    request_id = call.context.request_id
    try:
        body, status = _run(call, target.removeprefix(PREFIX) if target.startswith(PREFIX) else ''), 200
    except Exception as error:
        body, status = _told(call, error)
    text = json.dumps(_bare(body))
    response = webob.Response(body=text.encode(), status=status, content_type=aws.JSON_1_1, charset=None)
    response.headers['x-amzn-RequestId'] = request_id
    return response


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bare(item) for name, item in value.items() if item is not None}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _run(call: Call, action: str) -> Json:
    operation = OPERATIONS.get(action)
    if operation is None:
        raise _Refusal('UnknownOperationException', 'This service keeps parameters only: '
                       f'{", ".join(OPERATIONS)}.')
    if call.request.environ.get(ec2token.TIMELESS):
        raise _invalid('The request must say when it was signed.')
    call.allow(f'ssm:{action}')
    given = _members(call, action, operation)
    if given.get('WithDecryption'):
        call.allow('ssm:Decrypt')
    return operation.function(call, given)


def _members(call: Call, action: str, operation: Operation) -> Json:
    try:
        given = aws.parsed(call.request.body or b'{}')
    except ValueError as error:
        raise _Refusal('SerializationException', 'The body is not valid JSON.') from error
    if not isinstance(given, dict):
        raise _Refusal('SerializationException', 'The body must be a JSON object.')
    found: Json = {}
    for name, value in given.items():
        if value is None:
            continue
        if operation.harmless and name in operation.harmless:
            if value != operation.harmless[name]:
                raise _invalid(f'The parameter {name} of {action} is not supported by this service.')
            continue
        kind = operation.members.get(name)
        if kind is None:
            raise _invalid(f'Unknown parameter {name} of {action}.')
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _invalid(f"Value at '{name}' of {action} is of the wrong type.")
        found[name] = value
    for name in operation.required:
        if not found.get(name):
            raise _invalid(f"Value at '{name}' of {action} must not be empty.")
    return found


def _invalid(message: str) -> _Refusal:
    return _Refusal('ValidationException', message)


def _told(call: Call, error: Exception) -> tuple[Json, int]:
    if isinstance(error, _Refusal):
        return {'__type': error.code, 'message': error.message}, 400
    fault = fault_of(error)
    code = CODES.get(fault.code, fault.code)
    status = STATUS[fault.code]
    if status >= 500:
        failures.note(str(call.request.headers.get(aws.TARGET)), error)
    # Whatever the caller is to blame for is a 400 in this protocol.
    return {'__type': code, 'message': fault.message}, status if status >= 500 else 400
