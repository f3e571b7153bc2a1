"""A new key: after update_params nothing of the whole database needs the one before."""
from __future__ import annotations

import datetime
import json
import re

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from heat.common.crypt import Crypt
from heat.common.errors import InvalidEncryptionKey
from heat.db import (
    connect,
    creds,
    exports,
    plans,
    recrypt,
    rekey,
    resources,
    schema,
    signals,
    snapshots,
    software,
    stacks,
    stored_parameters,
    templates,
    watches,
)
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status
from heat.model.watch import Metric, WatchRule

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0)
OLD, NEW = Crypt(['the key before']), Crypt(['the key from now on'])
TREE = {'heat_template_version': '2018-08-31', 'parameters': {'pw': {'type': 'string', 'hidden': True}}}
MADE = {**TREE, 'resources': {'r': {'type': 'OS::Heat::None', 'properties': {'p': 'hunter2'}}}}
ENVIRONMENT = {'parameters': {'pw': 'hunter2'}}
TOKEN = re.compile(r'gAAAA[\w=-]{40,}')
# Tables that keep no secret of this service's key.
IN_CLEAR = {'raw_template_files', 'stack', 'stack_tag', 'goal', 'lease', 'event', 'event_sink', 'service',
            'resource_snapshot', 'stack_import', 'watch_metric', 'watch_data', 'watch_history'}


def fill(engine: Engine) -> Row:
    """A secret in each place that has any."""
    with connect.write(engine) as conn:
        number = templates.store_template(conn, TREE, ENVIRONMENT, {}, 't', NOW, OLD, ['pw'])
        templates.store_template(conn, MADE, {}, {}, 't', NOW, OLD, private=True)
        stacks.insert_stack(conn, Stack('s', 's', 't', 's', number, created_at=NOW))
        row = Row('u', 's', 's', 'r', 'OS::Heat::None', Action.CREATE, Status.COMPLETE, created_at=NOW,
                  props={'p': 'hunter2'}, data={'d': 'hunter2'}, attrs={'a': 'hunter2'},
                  metadata={'m': 'hunter2'}, memo=('hunter2',),
                  keep={'class': 'c', 'unsure': {'p': 'hunter2'}})
        resources.upsert_rows(conn, [row], OLD, encrypt_properties=True)
        for value in (creds.Credential(tenant_id='t', trust_id='hunter2', trustor_user_id='u'),
                      creds.Credential(tenant_id='t', ec2_access='hunter2', trustor_user_id='u'),
                      creds.Credential(username='u', password='hunter2')):
            creds.insert_credential(conn, value, OLD, NOW)
        exports.reserve(conn, 's', 't', ['vpc', 'reserved'], NOW)
        exports.publish(conn, 's', {'vpc': 'hunter2'}, OLD, NOW)
        stored_parameters.put(conn, 't', '/pw', 'hunter2', 'SecureString', '', OLD, NOW)
        plans.insert_plan(conn, plans.SavedPlan('p', 't', 's', number, 'UPDATE', entries={'e': 'hunter2'}),
                          OLD, NOW)
        signals.add(conn, 's', 's', 'r', {'word': 'hunter2'}, OLD, NOW)
        snapshots.insert_snapshot(conn, snapshots.Snapshot(
            'x', 's', 't', data=snapshots.sealed({'r': 'hunter2'}, OLD)), NOW)
        snapshots.insert_snapshot(conn, snapshots.Snapshot('y', 's', 't'), NOW)
        software.insert_config(conn, software.SoftwareConfig('c', 'n', None, 't', {'c': 'hunter2'}), NOW, OLD)
        software.insert_deployment(conn, software.SoftwareDeployment(
            'e', 'c', 'srv', 't', None, {'i': 'hunter2'}, {'o': 'hunter2'}), NOW, OLD)
        watches.put(conn, 't', WatchRule(
            'w', Metric('n', 'm'), 'Sum', 'LessThanThreshold', 1.0, 60,
            actions=('http://h/v1/signal/a?Signature=hunter2',)), OLD, NOW, 0.0)
    return row


def stored(engine: Engine) -> dict[str, str]:
    """All text of each table."""
    with connect.read(engine) as conn:
        return {table.name: json.dumps([list(row) for row in conn.execute(sa.select(table))], default=str)
                for table in schema.metadata.sorted_tables}


def readable(text: str, crypt: Crypt) -> list[bool]:
    found = []
    for token in TOKEN.findall(text):
        try:
            found.append('hunter2' in crypt.decrypt('fernet_v1', token))
        except InvalidEncryptionKey:
            found.append(False)
    return found


def test_no_table_needs_the_key_before(engine: Engine) -> None:
    row = fill(engine)
    before = stored(engine)
    assert 'hunter2' not in ''.join(before.values())
    # A table that begins to keep secrets has to be filled here.
    assert {name for name, text in before.items() if not TOKEN.search(text)} == IN_CLEAR
    count = {name: readable(text, OLD) for name, text in before.items()}
    assert all(all(one) for one in count.values())

    assert recrypt.recrypt(engine, OLD, NEW, renew=True) == (2, 1)
    assert rekey.rekey(engine, OLD, NEW, batch=1) == 14
    after = stored(engine)
    assert {name: readable(text, NEW) for name, text in after.items()} == count
    assert not any(any(readable(text, OLD)) for text in after.values())
    with connect.read(engine) as conn:
        assert resources.rows_of_tree(conn, 's', NEW) == [row]
        assert software.load_deployment(conn, 'e', 't', NEW).output_values == {'o': 'hunter2'}


def test_templates_made_of_properties_can_be_written_in_clear_again(engine: Engine) -> None:
    with connect.write(engine) as conn:
        number = templates.store_template(conn, MADE, {}, {}, 't', NOW, OLD, private=True)
        assert templates.store_template(conn, MADE, {}, {}, 't', NOW, OLD, private=True) != number
        assert templates.load_template(conn, number, OLD) == (MADE, {}, {})
    assert recrypt.recrypt(engine, OLD, None) == (2, 0)
    with connect.read(engine) as conn:
        assert templates.load_template(conn, number) == (MADE, {}, {})


def test_what_no_key_fits_is_left_as_it_was(engine: Engine) -> None:
    fill(engine)
    before = stored(engine)
    with pytest.raises(InvalidEncryptionKey):
        rekey.rekey(engine, Crypt(['neither of them']), NEW)
    assert stored(engine) == before
