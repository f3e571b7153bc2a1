"""What tests of heat-api-cloudwatch share: clients by protocol, and an engine's emptiest answers."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.wire import boto, keystone
from tests.wire.conftest import World

PROTOCOLS = ('smithy-rpc-v2-cbor', 'json', 'query')


def client(world: World, protocol: str = '', url: str = 'http://localhost:8003/v1', **options: Any) -> Any:
    """A client of CloudWatch; it speaks what today's boto3 speaks, or ``protocol``."""
    return boto.client(world, url, service='cloudwatch', protocol=protocol, **options)


ROOT = 'http://localhost:8003/v1/'
SERVICE = 'GraniteServiceVersion20100801'
FORM = 'application/x-www-form-urlencoded'


def signed(protocol: str, operation: str, body: bytes, secret: str = keystone.SECRET, shift: float = 0.0,
           **headers: str) -> Any:
    """A call with any ``body``, signed ``shift`` seconds from now, as botocore would send it."""
    url, sent = ROOT, {'Content-Type': FORM}
    if protocol == 'json':
        sent = {'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': f'{SERVICE}.{operation}'}
    elif protocol != 'query':
        url = f'{ROOT}service/{SERVICE}/operation/{operation}'
        sent = {'Content-Type': 'application/cbor', 'Smithy-Protocol': 'rpc-v2-cbor'}
    request = AWSRequest('POST', url, data=body, headers={**sent, **headers})
    moment = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=shift)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('botocore.auth.get_current_datetime', lambda *_: moment)
        SigV4Auth(Credentials('member', secret), 'monitoring', 'RegionOne').add_auth(request)
    return request.prepare()


def fault(function: Any, **arguments: Any) -> tuple[str, str]:
    """Code and sentence of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    answer = caught.value.response
    assert answer['ResponseMetadata']['RequestId'].startswith('req-')
    return answer['Error']['Code'], answer['Error']['Message']
