"""Secrets, orders and containers of secrets in a real key manager."""
from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cloud.daemons import Refused, User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).parent / 'types' / 'barbican.yaml'
WORD = 'a word that is in no log'

pytestmark = [pytest.mark.groups('barbican'), pytest.mark.usefixtures('leaves_nothing')]


def test_secrets_and_containers_are_made_as_told_and_are_told_to_who_asks(administrator: User) -> None:
    # Barbican lets administrators alone delete orders.
    stack, barbican = Stack(administrator, 'barbican'), administrator.api('key-manager')

    def shown(name: str) -> dict[str, str]:
        kind, _, identity = stack.physical(name).rpartition('/')
        found: dict[str, str] = barbican.get(f'/v1/{kind.rpartition("/")[2]}/{identity}').json()
        return found

    stack.create(TEMPLATE, word=WORD)
    stack.ends('CREATE_COMPLETE')
    outputs = stack.outputs()
    assert (outputs['word'], outputs['raw'], outputs['empty']) == (WORD, 'AP8=', None)
    assert outputs['status'] == 'ACTIVE' and outputs['consumers'] == []
    assert outputs['public_key'].startswith('-----BEGIN PUBLIC KEY')
    assert outputs['private_key'].startswith('-----BEGIN PRIVATE KEY')
    assert outputs['refs'] == {'private_key': stack.physical('raw'), 'public_key': stack.physical('empty'),
                               'private_key_passphrase': stack.physical('word')}
    assert (shown('word')['name'], shown('word')['secret_type']) == ('types-word', 'passphrase')
    assert (shown('raw')['expiration'], shown('raw')['algorithm']) == ('2099-01-01T00:00:00', 'aes')
    assert shown('empty')['name'].startswith('barbican-empty-')
    assert shown('key')['secret_ref'] == outputs['key']
    assert (shown('generic')['name'], shown('certificate')['type']) == ('types-first', 'certificate')
    assert WORD not in administrator.heat.logs()
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert stack.drifted() == {}

    before = {name: stack.physical(name) for name in stack.resources()}
    stack.update('--existing', container_name='types-second')
    stack.ends('UPDATE_COMPLETE')
    after = {name: stack.physical(name) for name in stack.resources()}
    assert [name for name in after if after[name] != before[name]] == ['generic']
    assert shown('generic')['name'] == 'types-second'
    stack.delete()


def test_what_barbican_refuses_is_told_in_its_words(user: User, tmp_path: Path) -> None:
    stack = Stack(user, 'refused')
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text('heat_template_version: 2021-04-16\nresources:\n  key: {type: "OS::Barbican::Order", '
                     'properties: {type: key, algorithm: nope, bit_length: 25, mode: cbc}}\n')
    stack.create(wrong)
    assert 'Provided field value is not supported' in stack.ends('CREATE_FAILED')['stack_status_reason']
    stack.delete()

    nowhere = f'{user.api("key-manager").get_endpoint()}/v1/secrets/{uuid4()}'
    wrong.write_text('heat_template_version: 2021-04-16\nresources:\n'
                     '  c: {type: "OS::Barbican::RSAContainer", '
                     f'properties: {{public_key_ref: "{nowhere}"}}}}\n')
    with pytest.raises(Refused, match=rf'The Secret \({nowhere}\) could not be found'):
        stack.create(wrong)
