"""The recorded conversations with the CloudFormation API, before our front-end and engine.

The files tests/data/recorded/cfn*.json are recordings of openstack-heat 27.0.1 made on 2026-11-22.
Every request is signed anew and answered; what ours says differently stands here with its reason.
"""

from __future__ import annotations

import json
import pathlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import webob

from tests.parity.conftest import Site
from tests.parity.unify import Bound
from tests.wire import boto, keystone
from tests.wire.test_cfn_signatures import FORM, version_2, version_4

DATA = pathlib.Path(__file__).parents[1] / 'data' / 'recorded'
KNOWN = {'<project>': keystone.PROJECT, '<heat>': 'http://localhost', '<cfn>': 'http://localhost:8000',
         '<token>': 'token-member'}
PLACEHOLDER = re.compile('<((?:time|suffix|project|traceback|request_id|cfn|stack_id:[^<>]*))>')
# AWS's codes for what the classic service had codes of its own.
CODES = {'InvalidParameterValue': 'ValidationError', 'MissingParameter': 'ValidationError',
         'InvalidParameterCombination': 'ValidationError', 'AlreadyExists': 'AlreadyExistsException'}
FAILED_THERE = 'the recorded service failed; ours answers'
SENTENCE = 'a missing value is the caller\'s fault'
JSON_FAULT = 'an error in JSON has the status and the shape of an error'
ANY_PATH = 'a query is served whatever its path, since AWS clients make their own'
NO_TRUST = 'the recorded service could make no trust; here there is no Keystone to ask'
ROLLED_BACK = 'AWS rolls back unless it is told not to'
# name of a record -> why ours is another answer.
DECIDED = {
    **{f'CreateStack{more}': NO_TRUST for more in ('', ' (JSON)', ' of HOT with Unicode')},
    **{f'REST create in place of CreateStack{more}': 'the stack is there already'
       for more in ('', ' (JSON)', ' of HOT with Unicode')},
    **dict.fromkeys((
        'DescribeStackEvents', 'DescribeStackEvents (JSON)', 'DescribeStackEvents all',
        'DescribeStackEvents after the cancel', 'CancelUpdateStack unknown (JSON)'), FAILED_THERE),
    **dict.fromkeys((
        'CreateStack without name', 'CreateStack parameter without value', 'CreateStack OnFailure wrong',
        'CreateStack timeout wrong', 'CreateStack unknown argument', 'DeleteStack without name'), SENTENCE),
    'CreateStack with tags': NO_TRUST,
    'DescribeStacks unknown (JSON)': JSON_FAULT, 'ValidateTemplate bad (JSON)': JSON_FAULT,
    'ValidateTemplate bad': 'an invalid template is an error',
    'ListStacks with filter and token': 'both are looked at; that token is none',
    'ListStacks v4query GET': 'presigned requests are served',
    'action of CloudFormation not implemented': 'CreateChangeSet is served',
    'action of CloudFormation not implemented 2': 'DescribeAccountLimits is served',
    'action of CloudFormation not implemented 3': 'SetStackPolicy is served',
    'unknown access key': FAILED_THERE, 'unknown access key (JSON)': FAILED_THERE,
    **{f'ListStacks at {path}': ANY_PATH for path in ('/', '/v1', '/v1/zz', '/zz', '/v1/<project>')},
    **{f'{method} at the root': 'no query has that method, and nothing else is there'
       for method in ('PUT', 'DELETE')},
    **{f'DescribeStacks {which}': ROLLED_BACK for which in (
        'gold-cf3', 'gold-cf3 (JSON)', 'all', 'all (JSON)', 'after update')},
}


def tree_of(element: ET.Element) -> Any:
    children = list(element)
    if not children:
        return element.text or ''
    if all(child.tag == 'member' for child in children):
        return [tree_of(child) for child in children]
    return {child.tag: tree_of(child) for child in children}


def parsed(text: str) -> Any:
    """XML as plain data; what stands for a value in a recording is no element."""
    root = ET.fromstring(PLACEHOLDER.sub(lambda found: f'&lt;{found[1]}&gt;', text))
    return {root.tag: tree_of(root)}


def recorded(value: Any) -> Any:
    """What was recorded, in the words that were decided: no text None, AWS's booleans and codes."""
    if isinstance(value, dict):
        if set(value) == {'ErrorResponse'}:
            error = value['ErrorResponse']['Error']
            return {'ErrorResponse': {'Error': {**error, 'Code': CODES.get(error['Code'], error['Code'])}}}
        if 'OutputKey' in value and not isinstance(value['OutputValue'], str):
            # In XML a value that is no text is JSON text.
            value = {**value, 'OutputValue': '<any>'}
        if 'DefaultValue' in value:
            value = {**value, 'DefaultValue': '<any>'}
        if isinstance(value.get('DisableRollback'), str):
            value = {**value, 'DisableRollback': value['DisableRollback'].lower()}
        return {key: recorded(item) for key, item in value.items()
                # Absent members are left out; the environment is none of AWS's.
                if item not in ('None', None) and key != 'Environment'}
    if isinstance(value, list):
        return [recorded(item) for item in value
                # Pseudo parameters are no parameters.
                if not str(isinstance(item, dict) and item.get('ParameterKey')).startswith(('AWS::', 'OS::'))]
    return value


def said(value: Any, expected: Any) -> Any:
    """Our answer without what AWS has and the classic service had not."""
    if isinstance(value, dict):
        known = expected if isinstance(expected, dict) else {}
        kept = {}
        for key, item in value.items():
            if key in ('ResponseMetadata', 'RequestId') or (key not in known and key in (
                    'Tags', 'StagesAvailable', 'Capabilities', 'CapabilitiesReason', 'LastUpdatedTime',
                    'EnableTerminationProtection', 'DriftInformation', 'LastOperations',
                    'RetainExceptOnCreate', 'OperationId')):
                continue
            kept[key] = '<any>' if known.get(key) == '<any>' else said(item, known.get(key))
        return kept
    if isinstance(value, list):
        others = expected if isinstance(expected, list) else []
        return [said(item, others[n] if n < len(others) else None) for n, item in enumerate(value)]
    return value


def in_order(value: Any) -> Any:
    """Resources, outputs and parameters come in no fixed order."""
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    if isinstance(value, list):
        names = ('LogicalResourceId', 'OutputKey', 'ParameterKey')
        return sorted(map(in_order, value), key=lambda item: next(
            (str(item[name]) for name in names if isinstance(item, dict) and name in item), ''))
    return value


class Replay:
    """One conversation; ``wrong`` are the records that were answered differently."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.bound = Bound(KNOWN)
        self.wrong: dict[str, list[str]] = {}

    def send(self, asked: dict[str, Any]) -> webob.Response:
        world: Any = self.site
        headers = {name.replace('-', '_'): value for name, value in asked.get('headers', {}).items()}
        if 'url' in asked:
            path = urlsplit(asked['url'])._replace(scheme='', netloc='').geturl()
            return self._plain(asked['method'], path, headers)
        if 'params' not in asked:
            return world.ask(asked['method'], asked['path'], asked.get('body'))
        params, method, how = asked['params'], asked['method'], asked.get('signature')
        if how == 'v2':
            params = version_2({k: v for k, v in params.items() if not k.startswith('Signature')}, method)
        elif how in ('v4', 'v4query'):
            request = version_4(method, params, f'http://localhost:8000{asked["path"]}',
                                expires=60 if how == 'v4query' else 0,
                                secret='wrong' if asked.get('wrong') else keystone.SECRET)
            return boto.answered(self.site.cfn, request)
        if method == 'GET':
            return self._plain(method, f'{asked["path"]}?{urlencode(params)}', headers)
        return self._plain(method, asked['path'], {**headers, 'Content_Type': FORM},
                           urlencode(params).encode())

    def _plain(self, method: str, path: str, headers: dict[str, str], body: bytes = b'') -> webob.Response:
        request = webob.Request.blank(path or '/', method=method, base_url='http://localhost:8000')
        host = 'localhost' if 'Signature=' in path or b'Signature=' in body else 'localhost:8000'
        for name, value in {'Host': host, **headers}.items():
            request.headers[name.replace('_', '-')] = value
        request.body = body
        return request.get_response(self.site.cfn)

    def record(self, record: dict[str, Any]) -> None:
        if 'wait' in record:
            self.site.world.run()
            self.site.world.clock.advance(1)
            return
        expected = record['response']
        asked = dict(record['request'])
        asked = {**asked, **{key: self._filled(asked[key]) for key in ('params', 'url', 'path')
                             if key in asked},
                 'wrong': record['name'].startswith('wrong secret')}
        if record['name'].startswith('unknown access key'):
            asked['signature'] = None
            asked['params'] = {**asked['params'], 'AWSAccessKeyId': 'nobody', 'Signature': 'x'}
        elif record['name'] == 'access key but no signature':
            asked['params'] = {**asked['params'], 'AWSAccessKeyId': 'member'}
        elif record['name'] == 'signature but no access key':
            asked['params'] = {**asked['params'], 'Signature': 'x'}
        elif record['name'] == 'wrong secret, version 2':
            asked['signature'] = None
            asked['params'] = version_2(asked['params'], 'POST', secret='wrong')
        got = self.send(asked)
        # Stacks of one second have no order.
        self.site.world.clock.advance(1 if record['name'].startswith('CreateStack') else 0)
        found = [] if got.status_int == expected['status'] else [
            f'status {got.status_int} instead of {expected["status"]}: {got.text[:300]}']
        if not found and asked['method'] != 'HEAD':
            found = list(self._differences(got, expected))
        if found:
            self.wrong[record['name']] = found

    def _filled(self, value: Any) -> Any:
        text = json.dumps(value)
        for mark, known in self.bound.values.items():
            text = text.replace(mark, known)
        return json.loads(text)

    def _differences(self, got: webob.Response, expected: dict[str, Any]) -> Any:
        body, kind = expected.get('body'), expected['headers'].get('Content-Type')
        if (got.content_type or None) != (kind or '').split(';')[0].strip() and kind:
            yield f'{got.content_type} instead of {kind}'
            return
        if isinstance(body, str) and body.startswith('<') and got.content_type == 'application/xml':
            body, ours = recorded(parsed(body)), parsed(got.text)
            if 'ErrorResponse' in body:
                code = ours.get('ErrorResponse', {}).get('Error', {})
                for key in ('Type', 'Code'):
                    if code.get(key) != body['ErrorResponse']['Error'][key]:
                        yield f'{key} {code.get(key)} instead of {body["ErrorResponse"]["Error"][key]}'
                return
        elif got.content_type == 'application/json':
            body, ours = recorded(body), got.json_body
        else:
            body, ours = body or '', got.text
        body, ours = in_order(body), in_order(ours)
        yield from self.bound.differences('', json.loads(json.dumps(body)), said(ours, body))


@pytest.mark.parametrize('topic', ['cfn', 'cfn-faults'])
def test_conversation(topic: str, site: Callable[[], Site]) -> None:
    replay = Replay(site())
    names = set()
    for record in json.loads((DATA / f'{topic}.json').read_text())['records']:
        names.add(record.get('name'))
        replay.record(record)
    decided = set(DECIDED) & names
    assert {name: found for name, found in replay.wrong.items() if name not in decided} == {}
    assert decided - set(replay.wrong) == set(), 'these are as recorded; they need no decision'
