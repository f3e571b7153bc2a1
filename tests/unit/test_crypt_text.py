"""Encryption at rest, masking, truncation, canonical JSON, and the log lines made with them."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.common import crypt, errors, logs, text

KEY, OLDER = 'notgood but just long enough i t', 'an older key'


@given(st.text())
def test_what_is_encrypted_comes_back(plain: str) -> None:
    box = crypt.Crypt([KEY])
    try:
        plain.encode()
    except UnicodeEncodeError:
        return
    method, token = box.encrypt(plain)
    assert method == 'fernet_v1'
    assert box.decrypt(method, token) == plain
    assert len(plain) < 8 or plain not in token


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    method, token = crypt.Crypt([OLDER]).encrypt('secret')
    both = crypt.Crypt([KEY, OLDER])
    assert both.decrypt(method, token) == 'secret'
    renewed = both.renew(method, token)
    assert crypt.Crypt([KEY]).decrypt(*renewed) == 'secret'
    with pytest.raises(errors.InvalidEncryptionKey):
        crypt.Crypt([OLDER]).decrypt(*renewed)


@pytest.mark.parametrize('method, token', [
    ('fernet_v1', 'garbage'), ('fernet_v1', ''), ('fernet_v1', 'ü'), ('rot13', 'uryyb')])
def test_what_no_key_opens_is_an_error(method: str, token: str) -> None:
    with pytest.raises(errors.InvalidEncryptionKey) as caught:
        crypt.Crypt([KEY]).decrypt(method, token)
    assert KEY not in str(caught.value)


def test_another_method_joins_by_name() -> None:
    def backwards(keys: object, token: str) -> str:
        if not token.isascii():
            raise ValueError('not ours')
        return token[::-1]
    box = crypt.Crypt([KEY], {'backwards': backwards})
    assert box.decrypt('backwards', 'terces') == 'secret'
    with pytest.raises(errors.InvalidEncryptionKey):
        box.decrypt('backwards', 'ü')


@pytest.mark.parametrize('keys', [[], [''], [KEY, '']])
def test_a_key_is_needed(keys: list[str]) -> None:
    with pytest.raises(ValueError, match='auth_encryption_key'):
        crypt.Crypt(keys)


@pytest.mark.parametrize('line, secret', [
    ('X-Auth-Token: gAAAABdeadbeef', 'gAAAABdeadbeef'),
    ("{'X-Auth-Token': 'abc123', 'Accept': 'x'}", 'abc123'),
    ('{"X-Subject-Token": "abc123"}', 'abc123'),
    ('X-Auth-Key=pw9', 'pw9'),
    ('{"auth": {"passwordCredentials": {"username": "u", "password": "p w,9"}}}', 'p w,9'),
    ("{'admin_pass': 'pw9', 'x': 1}", 'pw9'),
    ("{u'password': u'pw9'}", 'pw9'),
    ('{\\"password\\": \\"pw9\\"}', 'pw9'),
    ('{"password": 12345}', '12345'),
    ('password = pw9', 'pw9'),
    ('stack_domain_admin_password=pw9 host=x', 'pw9'),
    ('auth_encryption_key: pw9', 'pw9'),
    ('mysql+pymysql://heat:pw9@db/heat', 'pw9'),
    ('rabbit://u:pw9@a:1,u:xy7@b:2/', 'pw9'),
    ('rabbit://u:pw9@a:1,u:xy7@b:2/', 'xy7'),
    ('rabbit://u:p,w9@a:1/', 'p,w9'),
    ('GET /v1/AUTH_x/o?temp_url_sig=1&Signature=pw9&AWSAccessKeyId=a', 'pw9'),
    ('Authorization: AWS4-HMAC-SHA256 Credential=a/b', 'Credential=a/b'),
    ("{'secret_key': 'pw9'}", 'pw9'),
    ("auth_token='pw9')", 'pw9'),
    ('token gAAAAABlT0k3nT0k3nT0k3nT0k3nT0k3n here', 'T0k3nT0k3n'),
])
def test_secrets_are_masked(line: str, secret: str) -> None:
    masked = text.mask(line)
    assert secret not in masked
    assert text.MASK in masked


@pytest.mark.parametrize('line', [
    'Stack a (1b2) CREATE_COMPLETE: done', "{'name': 'a', 'passport': 'x'}", 'key=value', 'user_id=u',
    'http://host:8004/v1/p/stacks?limit=3', 'The token expired.', 'keypair: k', 'signature'])
def test_harmless_text_is_kept(line: str) -> None:
    assert text.mask(line) == line


@pytest.mark.parametrize('piece', [
    'a', 'a.', 'x://', 'password', '"password', "'", ',u:', 'a=', ': "', 'A1+', '\\"'])
def test_masking_takes_time_in_proportion(piece: str) -> None:
    def seconds(size: int) -> float:
        line = piece * (size // len(piece))
        began = time.process_time()
        text.mask(line)
        return time.process_time() - began
    seconds(1000)
    # Sixteen times the text; quadratic work would take 256 times as long.
    assert seconds(160_000) < 60 * max(seconds(10_000), 0.002)


def test_masking_leaves_json_readable() -> None:
    masked = text.mask(json.dumps({'name': 'a', 'password': 'pw', 'size': 3}))
    assert json.loads(masked) == {'name': 'a', 'password': '***', 'size': 3}


@given(st.text(), st.integers(0, 40))
def test_fitting_keeps_the_limits(value: str, size: int) -> None:
    value = value.encode('utf-8', 'replace').decode()
    assert len(text.fit(value, size)) <= size
    assert len(text.fit_bytes(value, size).encode()) <= size
    if len(value) <= size:
        assert text.fit(value, size) == value
    if len(value.encode()) <= size:
        assert text.fit_bytes(value, size) == value


def test_fitting_cuts_between_characters() -> None:
    assert text.fit('abcdefgh', 6) == 'abc...'
    assert text.fit_bytes('äöü', 5) == 'ä...'
    assert text.fit_bytes('ä' * 10, 6) == 'ä...'


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                     lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(_JSON)
def test_canonical_text_is_json_and_independent_of_key_order(value: object) -> None:
    assert json.loads(text.canonical(value)) == value
    if isinstance(value, dict):
        turned = dict(reversed(value.items()))
        assert text.content_hash(turned) == text.content_hash(value)


def test_canonical_refuses_what_is_not_json() -> None:
    assert text.canonical({'b': 1, 'a': ['ü', None]}) == '{"a":["ü",null],"b":1}'
    assert text.content_hash({}) == '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    for value in ({}, {'b': {'a': 1, 'ä': [{'x': None}]}, 'a': {}}, [{'a': 1}], {'a': {'b': {'c': 'd'}}}):
        whole = hashlib.sha256(text.canonical(value).encode()).hexdigest()
        assert text.content_hash(value) == whole
    for value in ({1, 2}, float('nan'), object()):
        with pytest.raises((TypeError, ValueError)):
            text.canonical(value)


@pytest.fixture
def sink() -> Iterator[tuple[logging.Logger, logging.Handler, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.Logger('heat.test')
    logger.addHandler(handler)
    yield logger, handler, stream


def test_lines_carry_ids_and_no_secrets(sink: tuple[logging.Logger, logging.Handler, io.StringIO]) -> None:
    logger, handler, stream = sink
    handler.setFormatter(logs.Lines())
    with logs.bind(request='req-1', project='p', stack=None):
        with logs.bind(stack='s', project='q'):
            logger.info('asked with %s', {'password': 'pw9'})
        logger.info('after')
    logger.info('outside')
    first, second, third = stream.getvalue().splitlines()
    assert first.endswith("INFO heat.test [request=req-1 project=q stack=s] asked with {'password': '***'}")
    assert second.endswith('[request=req-1 project=p] after')
    assert third.endswith('heat.test outside')


def test_json_lines(sink: tuple[logging.Logger, logging.Handler, io.StringIO]) -> None:
    logger, handler, stream = sink
    handler.setFormatter(logs.JsonLines())
    with logs.bind(request='req-1', operation='o'):
        try:
            raise ValueError('password=pw9')
        except ValueError:
            logger.exception('failed')
    line = json.loads(stream.getvalue())
    assert (line['level'], line['message'], line['request'], line['operation']) == (
        'ERROR', 'failed', 'req-1', 'o')
    assert 'ValueError' in line['exception'] and 'pw9' not in line['exception']


def test_formats_of_operators_are_masked_too(
        sink: tuple[logging.Logger, logging.Handler, io.StringIO]) -> None:
    logger, handler, stream = sink
    handler.setFormatter(logs.Masked(logging.Formatter('>> %(message)s')))
    logger.info('password=pw9')
    assert stream.getvalue() == '>> password=***\n'


def test_only_known_ids_can_be_bound() -> None:
    with pytest.raises(TypeError, match='password'), logs.bind(password='x'):
        pass
