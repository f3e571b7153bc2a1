"""Plans: printed as stable text, as exact as what then happens, carried out once or void.

``tests/data/plans/*.txt`` are written by hand's consent: HEAT_GOLDEN=write writes them
anew, and the diff is read.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import Any

import pytest
import sqlalchemy as sa

from heat.common import errors
from heat.db import connect, plans, schema, templates
from heat.engine.foresight import Foresight
from heat.plan import printed
from tests.sim.crashes import every_crash
from tests.sim.test_breakpoints import environment
from tests.sim.test_lifecycle import hot, of, res
from tests.sim.world import World

GOLDEN = pathlib.Path(__file__).parents[1] / 'data' / 'plans'


def group(value: Any, count: int) -> dict[str, Any]:
    return {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': count, 'resource_def': {
        'type': 'OS::Heat::TestResource', 'properties': {'value': value}}}}


def template(value: str = 'a', count: int = 1, fixed: str = 'x', **more: Any) -> dict[str, Any]:
    """Each way in which a change of ``p``, ``s``, ``fixed`` or ``value`` gets on."""
    made = hot(
        base=res({'get_param': 'p'}, props={'update_replace_value': fixed}),
        by_reference=res({'get_resource': 'base'}),
        by_attribute=res({'get_attr': ['base', 'output']}),
        forced=res(props={'update_replace_value': {'get_attr': ['by_attribute', 'output']}}),
        word={'type': 'OS::Heat::Value', 'properties': {'value': {'get_param': 'p'}}},
        by_word=res(props={'update_replace_value': {'get_attr': ['word', 'value']}}),
        secret=res({'get_param': 's'}),
        told=res({'get_attr': ['secret', 'output']}),
        veiled=group({'get_param': 's'}, 1),
        random={'type': 'OS::Heat::RandomString'},
        group=group(value, count), **more)
    return {**made, 'parameters': {'p': {'type': 'string', 'default': 'one'},
                                   's': {'type': 'string', 'hidden': True, 'default': 'hush'}}}


def plan(world: World, me: dict[str, Any] | None, tree: dict[str, Any] | None,
         **options: Any) -> dict[str, Any]:
    return world.plans.create_plan(world.context, me, options.pop('stack_name', 's'), tree,
                                   options.pop('environment', {}), {}, options.pop('args', {}), **options)


def without_chance(made: dict[str, Any]) -> str:
    """The text without what is drawn at random."""
    return re.sub(r'[a-z2-7]{12}(?=")', '<suffix>', made['text'])


def golden(name: str, text: str) -> None:
    file = GOLDEN / f'{name}.txt'
    if os.environ.get('HEAT_GOLDEN') == 'write':
        file.write_text(text)
    assert text == file.read_text()


def cases(world: World) -> dict[str, dict[str, Any]]:
    """name -> plan, of a stack made from ``template()`` with ``extra`` in it."""
    found = {'create': plan(world, None, template(), environment={'parameters': {'p': 'two'}})}
    me = world.create('s', template(extra=res(), kept=res(deletion_policy='Retain')))
    world.run()
    change = {'parameters': {'p': 'two', 's': 'quiet'}}
    found['unchanged'] = plan(world, me, None, args={'existing': True})
    found['parameters'] = plan(world, me, template(new=res()), environment=change)
    found['replaced'] = plan(world, me, template(fixed='y'))
    found['group'] = plan(world, me, template('b%index%', 2))
    found['refused'] = plan(
        world, me, template(fixed='y'), environment=environment(
            base={'restricted_actions': 'replace'}, secret={'restricted_actions': ['update']}),
        args={'guard': ['extra']})
    world.actions.resource_mark_unhealthy(world.context, me, 'by_reference', True, 'sick')
    child = world.stack({'stack_id': world.rows(me)['group'].physical_id}).identity.to_wire()
    world.actions.resource_mark_unhealthy(world.context, child, '0', True, 'sick')
    found['unhealthy'] = plan(world, me, None, args={'existing': True})
    return found


def test_plans_print_as_agreed(world):
    for name, made in cases(world).items():
        golden(name, without_chance(made))
        assert 'hush' not in str(made) and 'quiet' not in str(made)


@pytest.mark.parametrize('change', [
    {}, {'value': 'b'}, {'count': 3}, {'count': 0}, {'fixed': 'y'}, {'new': res()}, {'parameter': 'two'},
    {'value': 'b', 'fixed': 'y', 'parameter': 'two', 'new': res()}])
def test_what_is_foreseen_is_what_happens(world, change):
    change = dict(change)
    params = {'parameters': {'p': change.pop('parameter')}} if 'parameter' in change else {}
    me = world.create('s', template(extra=res()))
    world.run()
    seen = len(world.events(me, own=False))
    made = plan(world, me, template(**change), environment=params)
    world.plans.execute_plan(world.context, made['id'])
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    happened: dict[str, str] = {}
    for event in world.events(me, own=False)[seen:]:
        name, state = event.split(' ')
        happened.setdefault(name, {'CREATE_IN_PROGRESS': 'create', 'UPDATE_IN_PROGRESS': 'update',
                                   'DELETE_IN_PROGRESS': 'delete'}.get(state, state))
        if state == 'CREATE_IN_PROGRESS' and happened[name] == 'update':
            happened[name] = 'replace'
    told = {name: what for name, what in happened.items() if name != 's' and not name.startswith('s-')}
    entries = flat(printed.from_wire(made['entries']))
    surely = {name: entry.action for name, entry in entries.items()
              if not entry.conditional and entry.action != 'keep'}
    perhaps = {name: (entry.action, entry.otherwise) for name, entry in entries.items() if entry.conditional}
    for name, what in surely.items():
        assert told.pop(name) == what, name
    for name, (what, otherwise) in perhaps.items():
        assert told.pop(name, 'keep') in (what, otherwise), name
    # A stack in which nothing changes is looked into; that is no change of it.
    for name, entry in entries.items():
        if entry.action == 'keep' and entry.inner:
            assert told.pop(name, 'update') == 'update', name
    assert told == {}


def flat(entries: Any) -> dict[str, Any]:
    found = {}
    for entry in entries or ():
        found[entry.name] = entry
        found |= flat(entry.inner)
    return found


def test_a_plan_survives_its_way_through_the_database(world):
    for made in cases(world).values():
        entries = printed.from_wire(made['entries'])
        assert printed.to_wire(entries) == made['entries']
        again = world.plans.show_plan(world.context, made['id'])
        assert {**again, 'status': '', 'status_reason': ''} == {**made, 'status': '', 'status_reason': ''}


def test_a_plan_is_carried_out_once(world):
    made = plan(world, None, hot(a=res()), name='first')
    assert (made['action'], made['status'], made['stack_identity']) == ('CREATE', 'AVAILABLE', None)
    me = world.plans.execute_plan(world.context, made['id'])
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    with pytest.raises(errors.PlanVoid, match='it has been carried out'):
        world.plans.execute_plan(world.context, made['id'])
    assert world.plans.show_plan(world.context, made['id'])['status'] == 'EXECUTED'
    assert world.plans.show_plan(world.context, made['id'])['stack_identity'] == me


def test_a_plan_is_void_once_the_stack_has_moved_on(world):
    me = world.create('s', hot(a=res()))
    world.run()
    made = plan(world, me, hot(a=res('two')))
    world.update(me, hot(a=res('three')))
    world.run()
    shown = world.plans.show_plan(world.context, made['id'])
    assert (shown['status'], shown['status_reason']) == ('VOID', 'the stack s has moved on since.')
    with pytest.raises(errors.PlanVoid, match='has moved on since'):
        world.plans.execute_plan(world.context, made['id'])
    other = plan(world, None, hot(a=res()), stack_name='t')
    world.create('t', hot(a=res()))
    with pytest.raises(errors.PlanVoid, match='a stack of that name is there'):
        world.plans.execute_plan(world.context, other['id'])
    world.delete(me)
    world.run()
    assert world.plans.show_plan(world.context, made['id'])['status_reason'] == 'its stack is gone.'


def test_plans_are_listed_and_forgotten(world):
    me = world.create('s', hot(a=res()))
    world.run()
    names = [plan(world, me, hot(a=res(str(n))), name=str(n))['id'] for n in range(2)]
    plan(world, None, hot(a=res()), stack_name='t')
    assert {one['id'] for one in world.plans.list_plans(world.context, me)} == set(names)
    assert [one['stack_name'] for one in world.plans.list_plans(world.context, stack_name='t')] == ['t']
    world.plans.delete_plan(world.context, names[0])
    with pytest.raises(errors.NotFound, match=r'Plan with id .* not found'):
        world.plans.show_plan(world.context, names[0])
    with connect.read(world.database) as conn:
        assert plans.load_plan(conn, names[1], 'another project', world.crypt) is None


def test_the_template_of_a_plan_stays_and_secrets_are_sealed(world):
    me = world.create('s', hot(a=res()))
    world.run()
    plan(world, me, hot(a=res('not-in-clear')))
    with connect.write(world.database) as conn:
        kept = conn.execute(schema.plan.select()).mappings().one()
        assert 'not-in-clear' not in kept['entries']
        world.clock.advance(9000)
        templates.delete_unused(conn, world.clock.now())
        assert templates.load_template(conn, kept['template_id']) is not None


def test_a_preview_changes_nothing(world):
    me = world.create('s', template())
    world.run()
    before = (world.all_rows(me), world.events(me, own=False), world.stack(me))
    world.plans.preview_update_stack(world.context, me, template('b', 3, 'y'), {}, {}, {'show_nested': True})
    world.plans.preview_stack(world.context, 't', template(), {}, {}, {})
    assert (world.all_rows(me), world.events(me, own=False), world.stack(me)) == before
    assert world.leases_held() == 0


@pytest.mark.parametrize(('value', 'inside', 'expected', 'readings'), [
    # Nothing is new, so all of it must have been looked at.
    ('a', 'a', {'group': 'unchanged', 'file': 'unchanged'}, 2),
    ('b', 'a', {'group': 'updated', 'file': 'unchanged'}, 2),
    ('a', 'b', {'group': 'unchanged', 'file': 'updated'}, 2),
    ('b', None, {'group': 'updated', 'file': 'deleted'}, 1)])
def test_a_preview_reads_what_its_answer_hangs_on(world, value, inside, expected, readings):
    """A stack that changes anyway is looked into only for those who ask what is inside."""
    def wanted(value: str, inside: str | None) -> tuple[dict[str, Any], dict[str, str]]:
        text = json.dumps(hot(deep=group(inside, 2), word=res('x')))
        file = {} if inside is None else {'file': {'type': 'file:///f.yaml'}}
        return hot(group=group(value, 3), **file), {'file:///f.yaml': text} if file else {}

    def preview(nested: bool) -> dict[str, set[str]]:
        made, files = wanted(value, inside)
        found = world.plans.preview_update_stack(world.context, me, made, {}, files, {'show_nested': nested})
        return {kind: {one['resource_name'] for one in some} for kind, some in found.items()}

    template, files = wanted('a', 'a')
    me = world.create('s', template, files=files)
    world.run()
    read: list[str] = []
    sa.event.listen(world.database, 'before_cursor_execute',
                    lambda conn, cursor, statement, *rest: read.append(statement))
    own = preview(nested=False)
    assert {name: kind for kind, names in own.items() for name in names} == expected
    assert len([one for one in read if 'FROM resource ' in one and 'nova_instance' in one]) == readings
    within = preview(nested=True)
    assert all(own[kind] <= within[kind] for kind in own) and '0' in set().union(*within.values())


def test_an_update_continues_where_the_last_one_stopped(world):
    broken = hot(a=res(), b=res('two', props={'fail': True}, depends_on='a'), c=res(depends_on='b'))
    me = world.create('s', broken)
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    fixed = hot(a=res(), b=res('two', depends_on='a'), c=res(depends_on='b'))
    made = plan(world, me, fixed)
    assert made['summary'] == {'create': 1, 'replace': 1, 'keep': 1}
    world.update(me, fixed)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and len(of(world.events(me), 'a')) == 2


def test_every_crash_of_a_plan_carried_out(conf):
    def life(world: World) -> Any:
        me = world.create('s', hot(a=res(), g=group('a', 1)))
        world.run()
        made = plan(world, me, hot(a=res('two'), g=group('b', 2)))
        world.plans.execute_plan(world.context, made['id'])
        world.run()
        return (world.state(me), world.states(me), world.plans.show_plan(world.context, made['id'])['status'],
                world.leases_held())

    assert every_crash(conf, life)[::2] == ('UPDATE_COMPLETE', 'EXECUTED')


def test_a_guard_looks_into_those_nested_stacks_alone_that_may_concern_it(world):
    def nested(value: str) -> dict[str, Any]:
        return {'type': 'OS::Heat::Stack', 'properties': {'template': json.dumps({
            **hot(kid=res(props={'update_replace_value': value})),
            'outputs': {'o': {'value': {'get_attr': ['kid', 'output']}}}})}}

    def tree(value: str) -> dict[str, Any]:
        told = {'get_attr': ['source', 'outputs', 'o']}
        return hot(beside=nested('x'), source=nested('x'), among=nested(value),
                   parent=res(props={'update_replace_value': told}))

    me = world.create('s', tree('x'))
    world.run()
    for guard, into in (('among/kid', {'among', 'source'}), ('beside', {'source'}), ('parent', {'source'})):
        foreseen = Foresight(world.engine.intake).update(world.context, me, tree('x'), {}, {}, {}, None, None,
                                                         only=frozenset([guard]))
        assert {name for _stack, name in foreseen.expansion.made} == into
    with pytest.raises(errors.ResourceGuarded, match=r'among/kid \(replace\)'):
        world.update(me, tree('y'), args={'guard': ['among/kid']})


def test_a_guard_sees_what_hangs_on_a_nested_stack_that_stays_as_it_is(world):
    def tree(value: Any) -> dict[str, Any]:
        told = {**hot(kid=res('of the kid')), 'outputs': {'o': {'value': {'get_attr': ['kid', 'output']}}}}
        return hot(source={'type': 'OS::Heat::Stack', 'properties': {'template': json.dumps(told)}},
                   parent=res(props={'update_replace_value': value}))

    me = world.create('s', tree('x'))
    world.run()
    with pytest.raises(errors.ResourceGuarded, match=r'parent \(replace\)'):
        world.update(me, tree({'get_attr': ['source', 'outputs', 'o']}), args={'guard': ['parent']})


@pytest.mark.parametrize('then', ['another value', 'no reference', 'not hidden'])
def test_no_plan_tells_what_a_hidden_parameter_gave(world: World, then: str) -> None:
    """Metadata was told in clear, and so was what a property had before it referred to nothing hidden."""
    def tree(hidden: bool, value: Any) -> dict[str, Any]:
        one = {'type': 'OS::Heat::TestResource', 'properties': {'value': value}, 'metadata': {'m': value}}
        return {**hot(a=one), 'parameters': {'s': {'type': 'string', 'hidden': hidden, 'default': 'hush'}}}

    given = {'get_param': 's'}
    me = world.create('s', tree(True, given))
    world.run()
    after = {'another value': tree(True, given), 'no reference': tree(True, 'plain'),
             'not hidden': tree(False, given)}[then]
    made = plan(world, me, after, environment={'parameters': {'s': 'quiet'}})
    assert [one['property'] for one in made['entries'][0]['changes']] == ['value', 'metadata']
    assert 'hush' not in json.dumps(made)
    assert 'quiet' not in json.dumps([made['text'], made['entries']])
