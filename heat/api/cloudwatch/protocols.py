"""The three protocols of CloudWatch, of which every client speaks one.

Purpose: a request -> operation and members, a result or an error -> the answer: Smithy's RPC
v2 in CBOR (boto3 of today), awsJson (before it) and queries answered in XML or JSON (all
older ones). Invariant: which one it is, only what was signed tells: a path, a target or
parameters. Neighbours: ``members`` reads the values, ``invocation`` calls, ``api.aws`` and
``api.cbor`` write.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import webob

from heat.api import aws, cbor, signatures
from heat.api.cfn import render
from heat.api.cfn.parameters import PROTOCOL
from heat.api.cloudwatch.faults import CODES, Fault, fault_of, invalid

LOG = logging.getLogger(__name__)

SERVICE = 'GraniteServiceVersion20100801'
PATH = re.compile(rf'.*/service/{SERVICE}/operation/(\w{{1,100}})', re.ASCII)
NAMESPACE = 'http://monitoring.amazonaws.com/doc/2010-08-01/'
SHAPES = 'com.amazonaws.cloudwatch#'
# Parts of a query's longest name: MetricData.member.1.Dimensions.member.1.Name.
DEPTH = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for. ``loose`` values are those of a query; ``as_json`` is how it is answered."""

    operation: str
    given: Any
    loose: bool = False
    as_json: bool = False


def asked(request: webob.Request) -> Asked:
    """Raises Fault, or AWSError for a query that is none."""
    if aws.SMITHY in request.headers:
        found = PATH.fullmatch(request.path_info)
        if request.headers[aws.SMITHY] != aws.RPC_CBOR or found is None:
            raise Fault('InvalidAction', f'The address or protocol is not that of an operation of {SERVICE}.')
        return Asked(found[1], _body(request, cbor.loads))
    if aws.TARGET in request.headers:
        service, _, name = request.headers[aws.TARGET].partition('.')
        if service != SERVICE:
            raise Fault('InvalidAction', f'The target is not an operation of {SERVICE}.')
        return Asked(name, _body(request, aws.parsed))
    given = signatures.parameters(request)
    return Asked(given.get('Action', ''), given, True, given.get('ContentType') == 'JSON')


def _body(request: webob.Request, loads: Any) -> Any:
    try:
        return loads(request.body) if request.body else {}
    except (ValueError, RecursionError) as error:
        raise Fault('SerializationError', f'The body cannot be read: {error}.') from error


def tree(given: Mapping[str, str]) -> dict[str, Any]:
    """``{'A.member.1': 'x'}`` as ``{'A': {'member': {'1': 'x'}}}``, without what belongs to the protocol."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in PROTOCOL or name.startswith('X-Amz-'):
            continue
        *above, last = name.split('.')
        node = found
        if len(above) >= DEPTH:
            raise invalid(f'Unknown parameter {name[:100]}.')
        for part in above:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise invalid(f'The parameter {name[:100]} is below another that is a single value.')
        if last in node:
            raise invalid(f'The parameter {name[:100]} is a single value and has others below it.')
        node[last] = value
    return found


def answered(request: webob.Request, call: Asked, result: Mapping[str, Any] | None,
             request_id: str) -> webob.Response:
    """``result`` in the protocol of ``call``; None is that of an operation without an output."""
    if not call.loose:
        told = None if result is None else _plain(result, aws.SMITHY not in request.headers)
        return aws.rpc_response(request, told)
    inner = {} if result is None else {f'{call.operation}Result': _texts(result)}
    inner['ResponseMetadata'] = {'RequestId': request_id}
    if call.as_json:
        return _json({f'{call.operation}Response': render.plain(inner)})
    return aws.xml_response(f'<{call.operation}Response xmlns="{NAMESPACE}">{render.xml(inner)}'
                            f'</{call.operation}Response>')


def refused(request: webob.Request, error: Exception, request_id: str, as_json: bool) -> webob.Response:
    """The answer for ``error``."""
    if isinstance(error, aws.AWSError):
        return aws.response_of(request, error)
    fault = fault_of(error)
    status, kind = CODES[fault.code]
    blame = 'Sender' if status < 500 else 'Server'
    if status >= 500:
        LOG.error('%s %s failed', request.method, request.path, exc_info=error)
    if aws.SMITHY in request.headers or aws.TARGET in request.headers:
        return aws.rpc_error(request, SHAPES + kind, fault.code, blame, render.legal(fault.message), status)
    if as_json:
        return _json({'Error': {'Type': blame, 'Code': fault.code, 'Message': fault.message},
                      'RequestId': request_id}, status)
    return aws.xml_response(
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{blame}</Type><Code>{fault.code}</Code>'
        f'<Message>{escape(render.legal(fault.message))}</Message></Error>'
        f'<RequestId>{escape(request_id)}</RequestId></ErrorResponse>', status)


def _json(body: Mapping[str, Any], status: int = 200) -> webob.Response:
    return webob.Response(body=json.dumps(body).encode(), status=status, content_type='application/json',
                          charset=None)


def _texts(value: Any) -> Any:
    """``value`` with its times as texts."""
    if isinstance(value, datetime.datetime):
        # As AWS has it; boto 2 reads no fraction of a whole second.
        exactly = 'milliseconds' if value.microsecond else 'seconds'
        return value.isoformat(timespec=exactly).replace('+00:00', 'Z')
    if isinstance(value, Mapping):
        return {name: _texts(item) for name, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list | tuple) else value


def _plain(value: Any, numbers: bool) -> Any:
    """``value`` without members that are None, and with ``numbers`` in the place of times."""
    if isinstance(value, datetime.datetime) and numbers:
        return value.timestamp()
    if isinstance(value, Mapping):
        return {name: _plain(item, numbers) for name, item in value.items() if item is not None}
    return [_plain(item, numbers) for item in value] if isinstance(value, list | tuple) else value
