"""Containers of a real object store."""
from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).parent / 'types' / 'swift.yaml'

pytestmark = [pytest.mark.groups('swift'), pytest.mark.usefixtures('leaves_nothing')]


def test_containers_are_made_as_told_and_purged_only_where_that_was_asked_for(user: User) -> None:
    stack, store = Stack(user, 'swift'), user.api('object-store')
    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    outputs, base = stack.outputs(), store.get_endpoint()
    assert outputs['root'] == base and outputs['host'] == urlsplit(base).hostname
    assert outputs['address'] == f'{base}/types-container'
    assert outputs['head']['x-container-meta-colour'] == 'grün'
    head = store.head('/types-container').headers
    assert (head['X-Container-Read'], head['X-Container-Meta-Web-Index']) == ('.r:*', 'index.html')
    assert store.head('').headers['X-Account-Meta-Heat-Types'] == 'yes'
    assert stack.physical('container') == 'types-container'
    bucket, plain = stack.physical('bucket'), stack.physical('plain')
    assert bucket.startswith('swift-bucket-') and outputs['bucket_address'] == f'{base}/{bucket}'
    head = store.head(f'/{bucket}').headers
    assert head['X-Container-Meta-S3-Tag-Owner'] == 'me'
    assert head['X-Container-Meta-Web-Error'] == 'error.html'
    assert (head['X-Container-Read'], head['X-Container-Write']) == ('.r:*', '*:*')
    for name in ('types-container/a b', 'types-container/ü/c', f'{bucket}/d'):
        store.put(f'/{name}', data=b'x')
    # Somebody without an account.
    assert requests.get(f'{outputs["address"]}/a b', timeout=60).text == 'x'
    assert requests.get(f'{outputs["address"]}/', timeout=60).status_code == 401
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert stack.drifted() == {}

    # It is made anew under its own name: nothing is lost, and nobody is let in any more.
    stack.update('--existing', '--template', TEMPLATE, public='false')
    stack.ends('UPDATE_COMPLETE')
    head = store.head('/types-container').headers
    assert 'X-Container-Read' not in head and head['X-Container-Meta-Web-Index'] == 'index.html'
    assert requests.get(f'{outputs["address"]}/a b', timeout=60).status_code == 401
    assert store.get('/types-container/a b').text == 'x'
    assert stack.physical('plain') == plain

    user.openstack('stack', 'delete', '--yes', stack.name)
    failed = stack.ends('DELETE_FAILED')['stack_status_reason']
    assert f'Container {bucket} is not empty' in failed and '409' in failed
    assert store.get('/types-container', raise_exc=False).status_code == 404
    store.delete(f'/{bucket}/d')
    stack.delete()
    store.post('', headers={'X-Remove-Account-Meta-Heat-Types': 'x'})
