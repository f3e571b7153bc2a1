"""Stacks of another region and of another's credential, over real HTTP and TLS."""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from heat.clouds.credential import Credential, Kind
from heat.clouds.performer import Performer
from heat.clouds.session import Sessions
from heat.clouds.watch import Round
from heat.common import config
from heat.common.clock import Clock, VirtualClock
from heat.model import op
from heat.model.outcome import Failed
from heat.model.status import Action
from heat.resources.base import Surroundings
from heat.resources.heat.remote_stack import RemoteStack
from heat.resources.heat.stack import Stack
from heat.simcloud.server import Settings, SimCloud
from tests.functional.drive import Driver

PASSWORD = 'word-of-the-other-cloud'
TEMPLATE = json.dumps({'heat_template_version': '2021-04-16', 'parameters': {'word': {'type': 'string'}},
                       'outputs': {'said': {'value': {'get_param': 'word'}}}})


class Threads(ThreadingMixIn, WSGIServer):
    """One connection does not wait for another."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nothing."""


class Clouds:
    """This cloud and another one, which also answers over TLS with a certificate of its own making."""

    def __init__(self, directory: Path) -> None:
        clock = VirtualClock(Clock().wall())
        self.here = SimCloud(clock=clock, settings=Settings(
            guests=False, token_lifetime=864000, second_region='RegionTwo'))
        self.here.start()
        self.there = SimCloud(clock=clock, settings=Settings(
            guests=False, token_lifetime=864000, second_region='Far', demo_password=PASSWORD))
        self.there.start()
        self.ca_cert, context = certificate(directory)
        self.tls = make_server('127.0.0.1', 0, self.told_of_tls, Threads, Quiet)
        self.tls.socket = context.wrap_socket(
            self.tls.socket, server_side=True, do_handshake_on_connect=False)
        self.secure = f'https://127.0.0.1:{self.tls.server_port}/identity/v3'
        threading.Thread(target=self.tls.serve_forever, args=(0.05,), daemon=True).start()
        file = directory / 'heat.conf'
        file.write_text(f'[clients_keystone]\nauth_uri = {self.here.auth_url}\n')
        self.sessions = Sessions(config.load('heat-engine', [], [str(file)], logging_setup=False),
                                 sleep=lambda seconds: None)
        project = self.here.inventory.projects.where('name', 'demo')[0]['id']
        self.credential = Credential(Kind.PASSWORD, project, None, 'demo', 'default',
                                     password=self.here.settings.demo_password)
        self.driver = Driver(self.sessions, self.credential, clock)

    def told_of_tls(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.there.application({**environ, 'wsgi.url_scheme': 'https'}, start_response)

    def keep(self, auth_url: str, auth_type: Any = 'v3password', **auth: Any) -> str:
        """The id of a secret that holds the credential for the other cloud."""
        return self.store(json.dumps({'auth_type': auth_type, 'auth': {
            'auth_url': auth_url, 'username': 'demo', 'user_domain_id': 'default', 'password': PASSWORD,
            'project_name': 'demo', 'project_domain_id': 'default', **auth}}))

    def store(self, payload: str) -> str:
        made = self.driver.performer.perform_now(self.credential, op.Call(
            'key-manager', 'POST', '/secrets', {'name': 'c', 'payload': payload}))
        return str(made['secret_ref']).rpartition('/')[2]

    def props(self, **context: Any) -> dict[str, Any]:
        return {'template': TEMPLATE, 'parameters': {'word': 'x'}, 'context': context}

    def close(self) -> None:
        self.tls.shutdown()
        self.tls.server_close()
        self.here.stop()
        self.there.stop()


def certificate(directory: Path) -> tuple[str, ssl.SSLContext]:
    """(a certificate in PEM that is its own authority, a server's context with it)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'the other cloud')])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]), critical=False)
            .sign(key, hashes.SHA256()))
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    both = directory / 'server.pem'
    both.write_text(pem + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return pem, context


@pytest.fixture(scope='module')
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    clouds = Clouds(tmp_path_factory.mktemp('clouds'))
    yield clouds
    clouds.close()


def stacks(cloud: SimCloud) -> list[str]:
    return [row['id'] for row in cloud.inventory.stacks.all()]


def test_another_region_with_the_same_token(clouds):
    kind = Stack.variant(clouds.props(region_name='RegionTwo'))
    assert kind is RemoteStack
    row = clouds.driver.create(kind, 's', **clouds.props(region_name='RegionTwo'))
    assert stacks(clouds.here) == [row.physical_id] and stacks(clouds.there) == []
    assert clouds.driver.read(kind, row, 'outputs', 'stack_name') == {'outputs': None, 'stack_name': None}
    assert clouds.driver.read(kind, row, 'show')['show']['parameters'] == {'word': 'x'}
    row = clouds.driver.update(kind, row, **{**clouds.props(region_name='RegionTwo'),
                                             'parameters': {'word': 'y'}})
    assert clouds.here.inventory.stacks.all()[0]['stack_status'] == 'UPDATE_COMPLETE'
    clouds.driver.delete(kind, row)
    assert stacks(clouds.here) == []


def test_a_region_that_is_not_there(clouds):
    outcome, _row = clouds.driver.run(RemoteStack, clouds.driver.row(
        RemoteStack, 's', **clouds.props(region_name='Nowhere')), Action.CREATE)
    assert isinstance(outcome, Failed)
    assert outcome.message == 'public endpoint for orchestration service in Nowhere region not found'


@pytest.mark.parametrize('region', [{}, {'region_name': 'Far'}])
def test_another_cloud_with_a_credential_of_its_own(clouds, region, caplog):
    caplog.set_level(logging.DEBUG)
    # Without a name the first region of that cloud counts, here one that is spoken to as Far.
    clouds.there.settings.orchestration_url = f'{clouds.there.base_url}/orchestration/v1/$(project_id)s'
    secret = clouds.keep(clouds.there.auth_url)
    props = clouds.props(credential_secret_id=secret, **region)
    row = clouds.driver.create(RemoteStack, 's', **props)
    assert stacks(clouds.there) == [row.physical_id] and stacks(clouds.here) == []
    # The engine's own looks go there as well.
    poll = RemoteStack(row, row.props, Surroundings(clouds.driver.stack)).until(Action.CREATE)
    looked = clouds.driver.performer.perform_now(clouds.credential, Round(
        1, (clouds.credential, 'orchestration', '', poll.at), False, (poll,)))
    assert looked[row.physical_id]['stack_status'] == 'CREATE_COMPLETE'
    clouds.driver.delete(RemoteStack, row)
    assert stacks(clouds.there) == []
    assert PASSWORD not in caplog.text and PASSWORD not in repr(row)
    assert PASSWORD not in repr(vars(clouds.sessions))


def test_whom_a_connection_trusts(clouds):
    secret = clouds.keep(clouds.secure)

    def outcome(**context: Any) -> Any:
        props = clouds.props(credential_secret_id=secret, region_name='Far', **context)
        found, row = clouds.driver.run(RemoteStack, clouds.driver.row(RemoteStack, 's', **props),
                                       Action.CREATE)
        if row.physical_id:
            clouds.driver.delete(RemoteStack, row)
        return getattr(found, 'message', None)

    assert outcome() == 'The identity service cannot be reached.'
    assert outcome(ca_cert=clouds.ca_cert) is None
    assert outcome(insecure=True) is None
    assert outcome(ca_cert='nothing of the kind') == (
        'The ca_cert of the context is no certificate in PEM format.')
    # What was trusted for those is not trusted for others.
    assert outcome() == 'The identity service cannot be reached.'


@pytest.mark.parametrize(('payload', 'said'), [
    (f'"{PASSWORD}"', 'it is no JSON object with auth_type and auth.'),
    (PASSWORD, 'it is no JSON object with auth_type and auth.'),
    (json.dumps({'auth_type': PASSWORD, 'auth': {}}),
     'its auth_type is none of password, v3applicationcredential, v3password.'),
    (json.dumps({'auth_type': ['password'], 'auth': {}}),
     'its auth_type is none of password, v3applicationcredential, v3password.'),
    (json.dumps({'auth_type': 'password', 'auth': {'username': PASSWORD}}),
     'its auth lacks auth_url, password.'),
    (json.dumps({'auth_type': 'password', 'auth': {'auth_url': 'http://x', 'password': 'p', PASSWORD: 'p'}}),
     'its auth may have only texts, named auth_url, password, user_id, username, user_domain_id, '
     'user_domain_name, project_id, project_name, project_domain_id, project_domain_name.')])
def test_a_secret_that_is_no_credential(clouds, payload, said):
    secret = clouds.store(payload)
    outcome, row = clouds.driver.run(RemoteStack, clouds.driver.row(
        RemoteStack, 's', **clouds.props(credential_secret_id=secret)), Action.CREATE)
    assert isinstance(outcome, Failed)
    assert outcome.message == f'The secret {secret} holds no credential that can be used: {said}'
    assert PASSWORD not in repr((outcome, row))


def test_an_application_credential_is_shown_to_its_identity_service(clouds):
    seen: list[dict[str, Any]] = []

    def identity(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(json.loads(environ['wsgi.input'].read(int(environ['CONTENT_LENGTH']))))
        start_response('401 Unauthorized', [('Content-Type', 'application/json')])
        return [b'{"error": {"message": "No.", "code": 401}}']

    server = make_server('127.0.0.1', 0, identity, Threads, Quiet)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    secret = clouds.store(json.dumps({'auth_type': 'v3applicationcredential', 'auth': {
        'auth_url': f'http://127.0.0.1:{server.server_port}', 'application_credential_id': 'me',
        'application_credential_secret': PASSWORD}}))
    outcome, _row = clouds.driver.run(RemoteStack, clouds.driver.row(
        RemoteStack, 's', **clouds.props(credential_secret_id=secret)), Action.CREATE)
    server.shutdown()
    server.server_close()
    assert isinstance(outcome, Failed) and outcome.kind == 'Unauthorized'
    assert seen[0]['auth'] == {'identity': {'methods': ['application_credential'], 'application_credential': {
        'id': 'me', 'secret': PASSWORD}}}


def test_a_secret_that_is_gone_is_no_stack_that_is_gone(clouds):
    clouds.there.settings.orchestration_url = f'{clouds.there.base_url}/orchestration/v1/$(project_id)s'
    secret = clouds.keep(clouds.there.auth_url)
    row = clouds.driver.create(RemoteStack, 's', **clouds.props(credential_secret_id=secret))
    clouds.driver.performer.perform_now(clouds.credential, op.Call(
        'key-manager', 'DELETE', f'/secrets/{secret}'))
    outcome, row = clouds.driver.run(RemoteStack, row, Action.DELETE)
    assert isinstance(outcome, Failed) and outcome.message.startswith(
        f'The secret {secret} with the credential cannot be read: Secret not found')
    assert stacks(clouds.there) == [row.physical_id]
    clouds.there.inventory.stacks.drop(row.physical_id)


def test_a_wrong_password_is_refused_and_not_told(clouds, caplog):
    caplog.set_level(logging.DEBUG)
    secret = clouds.keep(clouds.there.auth_url, password='quite-another-word')
    outcome, _row = clouds.driver.run(RemoteStack, clouds.driver.row(
        RemoteStack, 's', **clouds.props(credential_secret_id=secret)), Action.CREATE)
    assert isinstance(outcome, Failed) and outcome.kind == 'Unauthorized'
    assert 'quite-another-word' not in caplog.text + repr(outcome)


def test_the_performer_needs_no_secret_for_its_own_cloud(clouds):
    found = Performer(clouds.sessions, Clock()).perform_now(clouds.credential, op.Call(
        'image', 'GET', '/images', unwrap='images'))
    assert found
