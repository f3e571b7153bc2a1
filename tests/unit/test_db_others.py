"""Credentials, software, snapshots, services, exports, stored parameters, and what goes over all tables.

Every test takes ``engine``: an engine on a fresh, migrated database.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from heat.common.crypt import Crypt
from heat.db import (
    connect,
    creds,
    events,
    exports,
    goals,
    leases,
    plans,
    purge,
    recrypt,
    resources,
    schema,
    services,
    signals,
    sinks,
    snapshots,
    software,
    stacks,
    stored_parameters,
    templates,
)
from heat.model.stack import Goal
from heat.model.status import Action
from tests.unit.store import CRYPT, NOW, TREE, event_of, later, make_row, put_stack


def test_credentials_are_encrypted_and_go_when_unused(engine: Engine) -> None:
    trust = creds.Credential(tenant_id='t', trust_id='tr-ust', trustor_user_id='u')
    password = creds.Credential(username='u', password='p4ss', tenant='t', auth_url='http://k')
    signed = creds.Credential(tenant_id='t', trustor_user_id='u', ec2_access='acc-ess')
    with connect.write(engine) as conn:
        first = creds.insert_credential(conn, trust, CRYPT, NOW)
        third = creds.insert_credential(conn, signed, CRYPT, NOW)
        assert creds.load_credential(conn, third, CRYPT) == signed
        second = creds.insert_credential(conn, password, CRYPT, NOW)
        assert creds.load_credential(conn, first, CRYPT) == trust
        assert creds.load_credential(conn, second, CRYPT) == password
        raw = str(conn.execute(sa.select(schema.user_creds)).all())
        assert 'acc-ess' not in raw and 'acc-ess' not in repr(signed)
        assert 'tr-ust' not in raw and 'p4ss' not in raw and 'p4ss' not in repr(password)
    stack = put_stack(engine, user_creds_id=first)
    with connect.write(engine) as conn:
        assert not creds.delete_unused_credential(conn, first)
        stacks.mark_deleted(conn, [stack.id], NOW)
        assert creds.delete_unused_credential(conn, first)
        assert creds.load_credential(conn, first, CRYPT) is None


def test_software(engine: Engine) -> None:
    with connect.write(engine) as conn:
        config = software.insert_config(conn, software.SoftwareConfig(
            'c', 'n', 'script', 't', {'config': '#!', 'inputs': []}), NOW, CRYPT)
        newer = software.insert_config(conn, software.SoftwareConfig('d', 'n', None, 't'), later(1), CRYPT)
        assert software.load_config(conn, 'c', 't', CRYPT) == config
        assert software.load_config(conn, 'c', 'u', CRYPT) is None
        assert software.list_configs(conn, 't') == [newer, replace(config, config={})]
        assert software.list_configs(conn, 't', marker='d') == [replace(config, config={})]
        assert software.count_configs(conn, None) == 2
        made = software.insert_deployment(conn, software.SoftwareDeployment(
            'e', 'c', 'srv', 't', 'users', {'i': 1}, None, 'CREATE', 'IN_PROGRESS', 'r'), NOW, CRYPT)
        assert software.load_deployment(conn, 'e', 'users', CRYPT) == made
        assert software.list_deployments(conn, 't', 'srv', CRYPT) == [made]
        assert software.list_deployments(conn, 't', 'other', CRYPT) == []
        assert software.count_deployments(conn, 't') == 1
        done = {'status': 'COMPLETE', 'output_values': {'o': 1}, 'updated_at': NOW}
        assert software.update_deployment(conn, 'e', CRYPT, only_if_status='IN_PROGRESS', **done) == 1
        assert software.update_deployment(conn, 'e', CRYPT, only_if_status='IN_PROGRESS', **done) == 0
        with pytest.raises(software.ConfigInUse):
            software.delete_config(conn, 'c')
        assert software.delete_deployment(conn, 'e')
        assert software.delete_config(conn, 'c')
        assert not software.delete_config(conn, 'c')


def test_snapshots(engine: Engine) -> None:
    stack = put_stack(engine)
    with connect.write(engine) as conn:
        made = snapshots.insert_snapshot(conn, snapshots.Snapshot('p', stack.id, 't', 'n'), NOW)
        assert snapshots.list_snapshots(conn, stack.id) == [made]
        assert snapshots.load_snapshot(conn, 'p', 'other') is None
        assert snapshots.update_snapshot(conn, 'p', status='COMPLETE', data={'x': 1}) == 1
        snapshots.store_resource_data(conn, 'p', {'vol': {'backup_id': 'b'}}, NOW)
        assert snapshots.resource_data(conn, 'p') == {'vol': {'backup_id': 'b'}}
        assert snapshots.count_snapshots(conn, stack.id) == 1
        assert snapshots.delete_snapshot(conn, 'p')
        assert not snapshots.delete_snapshot(conn, 'p')


def test_services_go_down_and_are_cleaned(engine: Engine) -> None:
    def service(name: str) -> services.Service:
        return services.Service(name, 'e-' + name, 'host', 'host', 'heat-engine', 'engine', 60)

    with connect.write(engine) as conn:
        services.register(conn, service('a'), NOW)
        services.register(conn, service('b'), NOW)
        services.register(conn, service('c'), NOW)
        assert services.report(conn, 'a', later(100)) == 1
        assert services.report(conn, 'x', NOW) == 0
        services.sign_off(conn, 'c', later(100))
        states = [(s.id, s.status(later(120))) for s in services.list_services(conn)]
        assert states == [('a', 'up'), ('b', 'down')]
        assert services.clean(conn, later(120)) == 2
        assert [s.id for s in services.list_services(conn, deleted=True)] == ['a']


def test_exports_are_unique_in_a_project(engine: Engine) -> None:
    first, second = put_stack(engine), put_stack(engine)
    with connect.write(engine) as conn:
        assert exports.reserve(conn, first.id, 't', ['vpc', 'old'], NOW) == {}
        assert exports.published(conn, 't', CRYPT) == []
        exports.publish(conn, first.id, {'vpc': {'id': 'net-3'}}, CRYPT, NOW)
        assert exports.published(conn, 't', CRYPT) == [exports.Export('vpc', first.id, {'id': 'net-3'})]
        assert exports.published(conn, 'u', CRYPT) == []
        assert exports.names_of(conn, first.id) == {'vpc'}
        assert exports.reserve(conn, second.id, 't', ['vpc', 'other'], NOW) == {'vpc': first.id}
        assert exports.reserve(conn, second.id, 'u', ['vpc'], NOW) == {}
        kept = conn.execute(sa.text('SELECT secret FROM exports WHERE secret IS NOT NULL')).scalar()
    assert 'net-3' not in kept


def test_importers_are_known_until_they_are_gone(engine: Engine) -> None:
    first, second = put_stack(engine, 'first'), put_stack(engine, 'second')
    with connect.write(engine) as conn:
        exports.add_imports(conn, first.id, 't', ['a', 'b'], NOW)
        exports.add_imports(conn, first.id, 't', ['b', 'c'], NOW)
        exports.add_imports(conn, second.id, 't', ['a'], NOW)
        one, two = ('first', first.id), ('second', second.id)
        assert exports.importers(conn, 't', ['a', 'c', 'd']) == {'a': [one, two], 'c': [one]}
        assert exports.importers(conn, 'u', ['a']) == {}
        exports.keep_imports(conn, first.id, ['c'])
        assert exports.importers(conn, 't', ['a', 'b', 'c']) == {'a': [two], 'c': [one]}
        exports.release(conn, [second.id])
        stacks.mark_deleted(conn, [first.id], NOW)
        assert exports.importers(conn, 't', ['a', 'c']) == {}


def test_stored_parameters_keep_versions_and_projects_apart(engine: Engine) -> None:
    with connect.write(engine) as conn:
        assert stored_parameters.put(conn, 't', '/db/pw', 'hunter2', 'SecureString', '', CRYPT, NOW) == 1
        assert stored_parameters.put(conn, 't', '/db/pw', 'hunter3', 'SecureString', 'new', CRYPT, NOW) == 2
        assert stored_parameters.put(conn, 't', '/a', 'x,y', 'StringList', '', CRYPT, NOW) == 1
        assert stored_parameters.put(conn, 'u', '/db/pw', 'theirs', 'String', '', CRYPT, NOW) == 1
        latest = stored_parameters.get(conn, 't', '/db/pw', None, CRYPT)
        assert latest is not None
        assert (latest.version, latest.value, latest.description) == (2, 'hunter3', 'new')
        first = stored_parameters.get(conn, 't', '/db/pw', 1, CRYPT)
        assert first is not None and first.value == 'hunter2'
        assert stored_parameters.get(conn, 't', '/db/pw', 3, CRYPT) is None
        assert [(p.name, p.version) for p in stored_parameters.newest(conn, 't', CRYPT)] == [
            ('/a', 1), ('/db/pw', 2)]
        assert [p.name for p in stored_parameters.newest(conn, 't', CRYPT, after='/a', limit=1)] == ['/db/pw']
        stored = str(conn.execute(sa.text('SELECT value FROM stored_parameter')).all())
        assert 'hunter' not in stored and 'x,y' not in stored
        assert stored_parameters.delete(conn, 't', ['/db/pw', '/none']) == 2
        kept = stored_parameters.get(conn, 'u', '/db/pw', None, CRYPT)
    assert kept is not None and kept.value == 'theirs'


def test_purge_removes_old_stacks_with_everything(engine: Engine) -> None:
    old = [put_stack(engine, f'old{i}', tags=('x',)) for i in range(5)]
    foreign, fresh, live = put_stack(engine, tenant='u'), put_stack(engine), put_stack(engine)
    with connect.write(engine) as conn:
        number = creds.insert_credential(conn, creds.Credential(trust_id='x'), CRYPT, NOW)
        lone = templates.store_template(conn, {'resources': {}}, {}, {'f': 'x'}, 't', NOW)
        recent = templates.store_template(conn, {'resources': {}}, {'a': 1}, {}, 't', later(7200))
        stacks.update_stack(conn, old[0].id, user_creds_id=number)
        for stack in [*old, foreign, fresh, live]:
            resources.upsert_rows(conn, [make_row(stack, props={'a': 1})], CRYPT, now=NOW)
            events.insert_events(conn, [event_of(stack, 1)], NOW)
            goals.add_goal(conn, Goal(stack.id, 1, Action.CREATE, stack.template_id), NOW)
            snapshots.insert_snapshot(conn, snapshots.Snapshot('p' + stack.id[:30], stack.id, 't'), NOW)
            leases.take(conn, stack.root_id, 'a')
            sinks.listen(conn, stack.root_id)
        stacks.mark_deleted(conn, [s.id for s in [*old, foreign]], NOW)
        stacks.mark_deleted(conn, [fresh.id], later(3599))
    assert purge.purge_deleted(engine, later(7200), 3600 + 1, project='t', batch=2) == 5
    left = {foreign.id, fresh.id, live.id}
    with connect.read(engine) as conn:
        assert set(conn.execute(sa.select(schema.stack.c.id)).scalars()) == left
        for table in (schema.resource, schema.event, schema.goal, schema.snapshot):
            assert set(conn.execute(sa.select(table.c.stack_id)).scalars()) == left
        assert set(conn.execute(sa.select(schema.resource_properties_data.c.root_stack_id)).scalars()) == left
        assert set(leases.owned(conn, 'a')) == left
        assert sinks.among(conn, [s.root_id for s in [*old, foreign, fresh, live]]) == left
        assert creds.load_credential(conn, number, CRYPT) is None
        assert templates.load_template(conn, lone) is None
        assert templates.load_template(conn, recent) is not None
        assert templates.load_template(conn, live.template_id) is not None
        assert conn.execute(sa.select(schema.stack_tag)).all() == []
    assert purge.purge_deleted(engine, later(7200), 0) == 2


def test_recrypt_there_and_back_under_a_new_key(engine: Engine) -> None:
    stack = put_stack(engine)
    new = Crypt(['another key'])
    env = {'parameters': {'pw': 'hunter2', 'n': 1}}
    row = make_row(stack, props={'p': 'hunter2'}, created_at=NOW)
    with connect.write(engine) as conn:
        number = templates.store_template(conn, TREE, env, {}, 't', NOW)
        resources.upsert_rows(conn, [row], CRYPT)

    def raw() -> str:
        with connect.read(engine) as conn:
            return str(conn.execute(sa.text('SELECT environment FROM raw_template')).all()) + str(
                conn.execute(sa.text('SELECT data FROM resource_properties_data')).all())

    assert recrypt.recrypt(engine, CRYPT, CRYPT, batch=1) == (1, 1)
    assert recrypt.recrypt(engine, CRYPT, CRYPT, batch=1) == (0, 0)
    assert 'hunter2' not in raw()
    assert recrypt.recrypt(engine, CRYPT, new, renew=True) == (1, 1)
    with connect.read(engine) as conn:
        assert templates.load_template(conn, number, new) == (TREE, env, {})
        assert resources.rows_of_tree(conn, stack.root_id, new) == [row]
    assert recrypt.recrypt(engine, new, None) == (1, 1)
    assert raw().count('hunter2') == 2


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(RuntimeError), connect.write(engine) as conn:
        leases.take(conn, 'root', 'a')
        raise RuntimeError
    with connect.read(engine) as conn:
        assert leases.owner(conn, 'root') is None


def test_signals_that_wait_are_counted(engine: Engine) -> None:
    stack, inner = put_stack(engine), put_stack(engine, 'inner')
    with connect.write(engine) as conn:
        assert signals.count(conn, stack.id, stack.id, 'r') == (0, 0)
        for stack_id, name in ((stack.id, 'r'), (stack.id, 'r'), (stack.id, 'q'), (inner.id, 'r')):
            signals.add(conn, stack.id, stack_id, name, None, CRYPT, NOW)
        assert signals.count(conn, stack.id, stack.id, 'r') == (4, 2)
        assert signals.count(conn, inner.id, inner.id, 'r') == (0, 0)


def test_plans_that_were_carried_out_make_room(engine: Engine) -> None:
    stack = put_stack(engine)
    with connect.write(engine) as conn:
        for number, status in enumerate((plans.AVAILABLE, plans.EXECUTED, plans.EXECUTED, plans.FAILED)):
            plans.insert_plan(conn, plans.SavedPlan(
                id=f'plan-{number}', tenant='t', stack_name='s', template_id=stack.template_id,
                action='UPDATE', stack_id=stack.id, status=status), CRYPT, later(number))
        assert (plans.count(conn, 't'), plans.count(conn, 'u')) == (4, 0)
        assert plans.drop_executed(conn, 'u', 9) == 0
        assert plans.drop_executed(conn, 't', 1) == 1
        assert [one.id for one in plans.list_plans(conn, 't')] == ['plan-0', 'plan-2', 'plan-3']
        assert plans.drop_executed(conn, 't', 9) == 1
