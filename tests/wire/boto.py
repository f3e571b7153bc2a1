"""boto3 against a pipeline in this process: real requests, signed and read by botocore, no socket."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
import webob
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from tests.wire import answers, keystone

if TYPE_CHECKING:
    from tests.wire.conftest import World


class _Speaker(botocore.loaders.Loader):
    """Loads models of services that know one protocol only: what older clients speak."""

    def __init__(self, protocol: str) -> None:
        super().__init__(include_default_search_paths=True)
        self._protocol = protocol

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name == 'service-2' and 'protocols' in model['metadata']:
            model = {**model, 'metadata': {**model['metadata'], 'protocol': self._protocol,
                                           'protocols': [self._protocol]}}
        return model


@functools.cache
def session(protocol: str = '') -> boto3.session.Session:
    """A session whose clients speak ``protocol`` (``query``, ``json``, ``smithy-rpc-v2-cbor``)."""
    inner = botocore.session.get_session()
    if protocol:
        inner.register_component('data_loader', _Speaker(protocol))
    # One session reads the models once.
    return boto3.session.Session(region_name='RegionOne', botocore_session=inner)


# The actions of CloudFormation that were answered so far.
ANSWERED: set[str] = set()


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_args: Any, **_options: Any) -> Iterator[bytes]:
        yield self._body


def sent(world: World, request: Any) -> webob.Response:
    """What the pipeline answers to a prepared request of botocore's."""
    return answered(world.app, request)


def answered(app: Any, request: Any) -> webob.Response:
    parts = urlsplit(request.url)
    path = f'{parts.path}?{parts.query}' if parts.query else parts.path
    made = webob.Request.blank(path or '/', method=request.method, base_url=f'{parts.scheme}://{parts.netloc}')
    for name, value in request.headers.items():
        made.headers[name] = value.decode() if isinstance(value, bytes) else value
    made.headers['Host'] = parts.netloc
    body = request.body or b''
    made.body = body.encode() if isinstance(body, str) else body
    return made.get_response(app)


def client(world: World, url: str = 'http://localhost:8000/v1', access: str = 'member',
           secret: str = keystone.SECRET, service: str = 'cloudformation', protocol: str = '',
           **options: Any) -> Any:
    """A client of a service of AWS's that talks to ``world``; ``options`` are botocore's Config.

    What CloudFormation's API answers is held against AWS's model each time.
    """
    made = session(protocol).client(
        service, endpoint_url=url, aws_access_key_id=access, aws_secret_access_key=secret,
        config=Config(retries={'total_max_attempts': 1}, parameter_validation=False, **options))

    def send(request: Any, event_name: str, **_: Any) -> AWSResponse:
        got = sent(world, request)
        if service == 'cloudformation' and got.status_int == 200:
            name = event_name.rsplit('.', 1)[1]
            ANSWERED.add(name)
            wrong = answers.faults(made.meta.service_model.operation_model(name), got.body)
            assert not wrong, wrong
        return AWSResponse(request.url, got.status_int, dict(got.headers), _Raw(got.body))

    made.meta.events.register('before-send', send)
    return made
