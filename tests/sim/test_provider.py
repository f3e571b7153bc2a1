"""Types that stand for templates: made, told, changed, mended, taken away."""

from __future__ import annotations

import pytest

from heat.common import errors
from heat.model.resource import Row
from tests.sim.nests import INNER, MAPPED, below, files, hot, inner, outputs, res, text, thing


def test_properties_are_parameters_and_attributes_outputs(world):
    me = world.create('s', hot(
        {'said': {'get_attr': ['t', 'said']}, 'deep': {'get_attr': ['t', 'both', 'list', 1]},
         'dotted': {'get_attr': ['t', 'resource.a.output']}, 'id': {'get_attr': ['t', 'resource.a']},
         'all': {'get_attr': ['t']}, 'ref': {'get_resource': 't'}, 'none': {'get_attr': ['t', 'show']},
         'wrong': {'get_attr': ['t', 'nothing']}, 'stranger': {'get_attr': ['t', 'resource.zz.output']}},
        t=thing('x'), u=res({'get_attr': ['t', 'both', 'first']})), environment=MAPPED, files=files())
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    row = world.rows(me)['t']
    child = below(world, me, 't')
    assert row.type == 'My::Thing' and row.physical_id == child['stack_id'] and row.props == {'word': 'x'}
    assert world.rows(me)['u'].props['value'] == 'x'
    assert world.rows(child)['a'].physical_id.startswith(f'{child["stack_name"]}-a-')
    assert outputs(world, me) == {
        'said': 'x', 'deep': 'x', 'dotted': 'x', 'id': world.rows(child)['a'].physical_id,
        'all': {'said': 'x', 'both': {'first': 'x', 'list': [1, 'x']}}, 'none': None,
        'ref': f'arn:openstack:heat::demo:stacks/{child["stack_name"]}/{child["stack_id"]}',
        'wrong': 'The Referenced Attribute (t nothing) is incorrect.',
        'stranger': 'The Referenced Attribute (t resource.zz.output) is incorrect.'}
    stack = world.stack(child)
    assert (stack.owner_id, stack.parent_resource_name, stack.nested_depth) == (me['stack_id'], 't', 1)


def test_an_output_may_be_the_reference(world):
    tree = inner()
    tree['outputs']['OS::stack_id'] = {'value': {'get_attr': ['a', 'output']}}
    me = world.create('s', hot({'ref': {'get_resource': 't'}}, t=thing('x'), u=res({'get_resource': 't'})),
                      environment=MAPPED, files=files(tree))
    world.run()
    assert outputs(world, me) == {'ref': 'x'} and world.rows(me)['u'].props['value'] == 'x'


def test_an_output_that_fails_harms_no_other(world):
    tree = inner()
    tree['outputs']['bad'] = {'value': {'list_join': [',', {'get_attr': ['a', 'output']}]}}
    me = world.create('s', hot({'said': {'get_attr': ['t', 'said']}, 'bad': {'get_attr': ['t', 'bad']}},
                               t=thing('x')), environment=MAPPED, files=files(tree))
    world.run()
    told = outputs(world, me)
    assert told['said'] == 'x' and told['bad'].startswith('Error in t output bad: ')


def test_the_type_may_be_the_template_itself(world):
    me = world.create('s', hot(t={'type': INNER}), files=files())
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and world.rows(me)['t'].type == INNER


@pytest.mark.parametrize('kind', ['comma_delimited_list', 'json', 'number', 'boolean'])
def test_values_of_every_kind_come_in(world, kind):
    value = {'comma_delimited_list': ['a', 'b'], 'json': {'k': [1, {'x': None}]}, 'number': 3,
             'boolean': True}
    tree = hot(parameters={'p': {'type': kind}}, outputs={'p': {'get_param': 'p'}},
               n={'type': 'OS::Heat::None'})
    me = world.create('s', hot({'p': {'get_attr': ['t', 'p']}}, t={
        'type': INNER, 'properties': {'p': value[kind]}}), files=files(tree))
    world.run()
    assert outputs(world, me) == {'p': value[kind]}


def test_a_new_text_of_the_template_changes_what_stands(world):
    me = world.create('s', hot({'said': {'get_attr': ['t', 'said']}}, t=thing('x')),
                      environment=MAPPED, files=files())
    world.run()
    child = below(world, me, 't')
    before = world.rows(child)['a'].uuid
    world.update(me, hot({'said': {'get_attr': ['t', 'said']}}, t=thing('x')),
                 environment=MAPPED, files=files(inner('!')))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and below(world, me, 't') == child
    assert world.rows(child)['a'].uuid == before and outputs(world, me) == {'said': 'x!'}
    assert [e for e in world.events(me) if e.startswith('t ')] == [
        't CREATE_IN_PROGRESS', 't CREATE_COMPLETE', 't UPDATE_IN_PROGRESS', 't UPDATE_COMPLETE']


def test_a_name_that_is_mapped_elsewhere_changes_what_stands(world):
    registry = {'resource_registry': {'My::Thing': INNER, 'My::Other': 'file:///other.yaml'}}
    held = files(other=inner('?'))
    me = world.create('s', hot(t=thing('x')), environment=registry, files=held)
    world.run()
    child = below(world, me, 't')
    world.update(me, hot(t=thing('x', type='My::Other')), environment=registry, files=held)
    world.run()
    assert below(world, me, 't') == child and world.rows(child)['a'].props['value'] == 'x?'
    assert world.rows(me)['t'].type == 'My::Other'


def test_a_plugin_that_becomes_a_template_is_made_anew(world):
    plain = {'resource_registry': {'My::Thing': 'OS::Heat::Value'}}
    template = hot(t={'type': 'My::Thing', 'properties': {'value': 'x'}})
    me = world.create('s', template, environment=plain)
    world.run()
    world.update(me, hot(t=thing('x')), environment=MAPPED, files=files())
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert world.rows(below(world, me, 't'))['a'].props['value'] == 'x'
    world.update(me, template, environment=plain)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and len(world.all_rows(me)) == 1


def test_a_rollback_goes_back_to_the_old_text_and_mapping(world):
    me = world.create('s', hot(t=thing('x')), environment=MAPPED, files=files())
    world.run()
    child = below(world, me, 't')
    world.update(me, hot(t=thing('x', type='New::Thing'), b=res(depends_on='t', props={'fail': True})),
                 environment={'resource_registry': {'New::Thing': 'file:///other.yaml'}},
                 files={'file:///other.yaml': text(inner('!'))}, disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE' and set(world.rows(me)) == {'t'}
    assert world.rows(child)['a'].props['value'] == 'x' and world.rows(me)['t'].type == 'My::Thing'


def test_a_failure_names_its_root(world):
    me = world.create('s', hot(t={'type': 'My::Outer'}), files=files(
        inner(fail=True), outer=hot(mid=thing('x'))), environment={
            'resource_registry': {'My::Outer': 'file:///outer.yaml', 'My::Thing': INNER}})
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert world.stack(me).reason == ('Resource CREATE failed: ValueError: '
                                      'resources.t.resources.mid.resources.a: Test Resource failed a')


def test_what_failed_inside_is_mended_in_place(world):
    two = inner()
    two['resources']['b'] = res(depends_on='a', props={'fail': True})
    me = world.create('s', hot(t=thing('x')), environment=MAPPED, files=files(two))
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    child = below(world, me, 't')
    kept = world.rows(child)['a'].uuid
    two['resources']['b'] = res(depends_on='a')
    world.update(me, hot(t=thing('x')), environment=MAPPED, files=files(two))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and below(world, me, 't') == child
    assert world.rows(child)['a'].uuid == kept
    assert set(world.states(child).values()) == {'CREATE_COMPLETE'}


def test_deleting_takes_all_levels(world):
    me = world.create('s', hot(t={'type': 'My::Outer'}), files=files(outer=hot(mid=thing('x'))), environment={
        'resource_registry': {'My::Outer': 'file:///outer.yaml', 'My::Thing': INNER}})
    world.run()
    levels = [below(world, me, 't'), below(world, me, 't', 'mid')]
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    assert all(world.stack(one).deleted_at is not None and not world.rows(one) for one in levels)


def test_a_template_may_be_built_on_the_type_it_takes_the_place_of(world):
    tree = hot(parameters={'length': {'type': 'number', 'default': 8}},
               outputs={'value': {'get_attr': ['r', 'value']}},
               r={'type': 'OS::Heat::RandomString', 'properties': {'length': {'get_param': 'length'}}})
    me = world.create('s', hot({'v': {'get_attr': ['t', 'value']}}, t={
        'type': 'OS::Heat::RandomString', 'properties': {'length': 5}}), files=files(tree),
        environment={'resource_registry': {'OS::Heat::RandomString': INNER}})
    world.run()
    assert len(outputs(world, me)['v']) == 5
    assert world.rows(below(world, me, 't'))['r'].physical_id.startswith('s-t-')


@pytest.mark.parametrize(('change', 'said'), [
    (lambda tree: tree['parameters'].pop('value'), 'lacks a parameter for the property value'),
    (lambda tree: tree['parameters']['value'].update(type='json', default={}),
     'The parameter value of the template is a Map'),
    (lambda tree: tree['parameters'].update(more={'type': 'string'}),
     'requires the parameter more, which OS::Test::Needy does not have'),
    (lambda tree: tree['outputs'].pop('output'), 'no output for the attribute output')])
def test_what_takes_the_place_of_a_type_must_fit_it(world, monkeypatch, change, said):
    from heat.resources import types
    from heat.resources.base import Resource
    from heat.schema import Attr, String

    class Needy(Resource):
        type = 'OS::Test::Needy'

        class properties:
            value = String(required=True)

        class attributes:
            output = Attr()

    monkeypatch.setitem(types.PLUGINS, Needy.type, Needy)  # type: ignore[arg-type]
    tree = hot(parameters={'value': {'type': 'string', 'default': 'v'}}, outputs={'output': 'x'},
               n={'type': 'OS::Heat::None'})
    change(tree)
    props = dict.fromkeys(tree.get('parameters', {}), 'v')
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', hot(t={'type': Needy.type, 'properties': props}), files=files(tree),
                     environment={'resource_registry': {Needy.type: INNER}})


def test_a_template_in_itself_is_refused_by_depth(world):
    with pytest.raises(errors.RequestLimitExceeded, match='Recursion depth exceeds 5'):
        world.create('s', hot(t={'type': INNER}), files={INNER: text(hot(n={'type': INNER}))})


def test_a_template_in_itself_behind_what_is_not_known_ends_too(world):
    # How many members there are is known only when the stack is made, so nobody can look inside before.
    many = {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': {'get_attr': ['n', 'value']}, 'resource_def': {'type': INNER}}}
    one = {'type': 'OS::Heat::Value', 'properties': {'value': 1, 'type': 'number'}}
    me = world.create('s', hot(n=one, g=many), files={INNER: text(hot(n=one, g=many))})
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and 'Recursion depth exceeds 5.' in world.stack(me).reason


def test_members_of_a_group_may_be_templates(world):
    template = hot({'said': {'get_attr': ['g', 'said']}, 'one': {'get_attr': ['g', 'resource.1.said']},
                    'in': {'get_attr': ['g', 'resource.1.resource.a.output']}},
                   r={'type': 'OS::Heat::RandomString'},
                   g={'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 2, 'resource_def': {
                       'type': 'My::Thing', 'properties': {'word': 'v%index%'}}}})
    me = world.create('s', template, environment=MAPPED, files=files())
    world.run()
    assert outputs(world, me) == {'said': ['v0', 'v1'], 'one': 'v1', 'in': 'v1'}
    world.update(me, template, environment=MAPPED, files=files(inner('!')))
    world.run()
    assert outputs(world, me) == {'said': ['v0!', 'v1!'], 'one': 'v1!', 'in': 'v1!'}


def test_a_member_whose_values_are_not_known_yet_is_validated_for_the_rest(world):
    def group(name):
        return hot(r=res(), g={'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': {
            'type': 'My::Thing', 'properties': {name: {'get_attr': ['r', 'output']}}}}})
    with pytest.raises(errors.StackValidationFailed, match='Unknown Property wort'):
        world.create('s', group('wort'), environment=MAPPED, files=files())
    me = world.create('t', group('word'), environment=MAPPED, files=files())
    world.run()
    assert world.rows(below(world, me, 'g', '0'))['a'].props['value'] == 'one'


@pytest.mark.parametrize(('properties', 'said'), [
    ({'wort': 1}, 'Unknown Property wort'), ({}, 'Property word not assigned'),
    ({'word': 'toolong'}, r'resources.t.properties.word: : length \(7\) is out of range'),
    ({'word': {'a': 1}}, 'Value must be a string')])
def test_faulty_properties_are_told_at_the_resource(world, properties, said):
    tree = hot(parameters={'word': {'type': 'string', 'constraints': [{'length': {'max': 3}}]}}, a=res())
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', hot(t={'type': INNER, 'properties': properties}), files=files(tree))


@pytest.mark.parametrize(('held', 'said'), [
    ({}, 'Could not fetch remote template "file:///inner.yaml": Invalid URL scheme file'),
    ({INNER: 'a: [1'}, 'Error parsing template file:///inner.yaml while parsing a flow sequence'),
    ({INNER: text(hot(n={'type': 'No::Such'}))}, r'The Resource Type \(No::Such\) could not be found.'),
    ({INNER: text(hot(n=res(props={'zz': 1})))},
     'Property error: : resources.t<file:///inner.yaml>.resources.n.properties: : Unknown Property zz')])
def test_a_faulty_template_is_told(world, held, said):
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', hot(t={'type': INNER}), files=held)


# -- what the environment says of the inside -----------------------------------------------------------


def test_defaults_of_the_environment_reach_the_inside(world):
    tree = hot(parameters={'word': {'type': 'string'}}, a=res({'get_param': 'word'}))
    me = world.create('s', hot(t={'type': 'My::Outer'}, u=thing('given')), environment={
        'resource_registry': {'My::Outer': 'file:///outer.yaml', 'My::Thing': INNER},
        'parameter_defaults': {'word': 'dflt'}}, files=files(tree, outer=hot(m=thing())))
    world.run()
    assert world.rows(below(world, me, 't', 'm'))['a'].props['value'] == 'dflt'
    assert world.rows(below(world, me, 'u'))['a'].props['value'] == 'given'


def test_the_registry_may_speak_of_a_resource_inside(world):
    registry = {'My::Outer': 'file:///outer.yaml', 'My::Thing': INNER, 'resources': {
        't*': {'m': {'My::Thing': 'file:///other.yaml'}}, 'm': {'My::Thing': 'OS::Heat::None'}}}
    me = world.create('s', hot(t1={'type': 'My::Outer'}, u={'type': 'My::Outer'}), environment={
        'resource_registry': registry}, files=files(outer=hot(m=thing('x')), other=inner('?')))
    world.run()
    assert world.rows(below(world, me, 't1', 'm'))['a'].props['value'] == 'x?'
    assert world.rows(below(world, me, 'u', 'm'))['a'].props['value'] == 'x'


def test_the_inside_knows_the_resource_it_is(world):
    tree = hot({'meta': {'resource_facade': 'metadata'}, 'policy': {'resource_facade': 'deletion_policy'}},
               a=res({'get_resource': 'n'}, deletion_policy={'resource_facade': 'deletion_policy'},
                     metadata={'resource_facade': 'metadata'}), n={'type': 'OS::Heat::None'})
    template = hot({'meta': {'get_attr': ['t', 'meta']}, 'policy': {'get_attr': ['t', 'policy']}},
                   t={'type': INNER, 'metadata': {'k': 'v'}, 'deletion_policy': 'Retain'})
    me = world.create('s', template, files=files(tree))
    world.run()
    child = below(world, me, 't')
    assert outputs(world, me) == {'meta': {'k': 'v'}, 'policy': 'Retain'}
    assert outputs(world, child) == {'meta': {'k': 'v'}, 'policy': 'Retain'}
    row = world.rows(child)['a']
    assert row.keep['deletion_policy'] == 'Retain' and row.metadata == {'k': 'v'}
    template['resources']['t']['metadata'] = {'k': 'w'}
    world.update(me, template, files=files(tree))
    world.run()
    assert world.rows(child)['a'].metadata == {'k': 'w'} and outputs(world, me)['meta'] == {'k': 'w'}


# -- templates by URL ----------------------------------------------------------------------------------

URL = 'http://templates.example/inner.yaml'


def test_a_template_by_url_is_read_once_and_stored(world):
    world.documents[URL] = text(hot(m={'type': 'http://templates.example/deep.yaml'}))
    world.documents['http://templates.example/deep.yaml'] = text(inner())
    me = world.create('s', hot(g={'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 2, 'resource_def': {'type': URL}}}), files={'other.txt': 'text'})
    assert world.fetched == [URL, 'http://templates.example/deep.yaml']
    world.run(until=world.clock.monotonic() + 0.01)
    # Another engine takes over without asking for it again.
    other = world.add_engine()
    world.kill(world.engines[0])
    world.take_over(other)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and len(world.fetched) == 2
    assert world.rows(below(world, me, 'g', '1', 'm'))['a'].props['value'] == 'w'


def test_a_template_that_cannot_be_read_is_told(world):
    with pytest.raises(errors.StackValidationFailed, match=(
            r'Could not fetch remote template "http://templates.example/inner.yaml": Failed to retrieve')):
        world.create('s', hot(t={'type': 'http://me:hush@templates.example/inner.yaml'}))


def test_the_files_of_the_host_are_not_for_users(world, tmp_path):
    secret = tmp_path / 'secret.yaml'
    secret.write_text(text(inner()))
    for registry in ({}, {'My::Thing': f'file://{secret}'}):
        with pytest.raises(errors.StackValidationFailed, match='Invalid URL scheme file'):
            world.create('s', hot(t={'type': 'My::Thing' if registry else f'file://{secret}'}),
                         environment={'resource_registry': registry})


def test_the_operator_maps_types_to_templates_of_the_host(world, tmp_path):
    from heat.template.registry import Layer
    (tmp_path / 'op.yaml').write_text(text(hot(
        {'value': {'get_attr': ['r', 'value']}}, r={'type': 'OS::Heat::RandomString'})))
    world.engine.loader.operator = (Layer({
        'OS::Heat::RandomString': f'file://{tmp_path}/op.yaml'}, user=False),)
    me = world.create('s', hot(t={'type': 'OS::Heat::RandomString'}))
    world.run(until=world.clock.monotonic() + 0.01)
    other = world.add_engine()
    other.loader.operator = world.engines[0].loader.operator
    world.kill(world.engines[0])
    (tmp_path / 'op.yaml').unlink()
    world.take_over(other)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and set(world.rows(below(world, me, 't'))) == {'r'}


def test_what_the_inside_tells_is_kept_encrypted(world):
    tree = hot({'hush': {'get_attr': ['r', 'value']}}, r={'type': 'OS::Heat::RandomString'})
    me = world.create('s', hot(t={'type': INNER}), files=files(tree))
    world.run()
    row: Row = world.rows(me)['t']
    hush = row.data['learned']['outputs']['hush']
    with world.database.connect() as conn:
        stored = conn.exec_driver_sql('select * from resource').fetchall()
    assert len(hush) == 32 and hush not in repr(stored)


def test_what_is_live_inside_is_live_outside(world):
    tree = hot({'own': {'get_attr': ['net', 'show']}}, net={'type': 'OS::Neutron::Net'})
    me = world.create('s', hot({'own': {'get_attr': ['t', 'own']}, 'dotted': {
        'get_attr': ['t', 'resource.net', 'show', 'name']}}, t={'type': INNER}), files=files(tree))
    world.run()

    def live(row, kind, names, stack):
        return {'show': {'name': f'{row.name} now'}} if names == ('show',) else None

    assert outputs(world, me)['dotted'].startswith('s-t-')
    assert outputs(world, me, live) == {'own': {'name': 'net now'}, 'dotted': 'net now'}


def test_a_request_reads_only_so_much_anew(world, monkeypatch):
    monkeypatch.setattr('heat.engine.reads_stored.MOST_LIVE', 3)
    tree = hot({'own': {'get_attr': ['net', 'show', 'mtu']}}, net={'type': 'OS::Neutron::Net'})
    me = world.create('s', hot({'own': {'get_attr': ['g', 'own']}}, g={
        'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 5, 'resource_def': {'type': INNER}}}),
        files=files(tree))
    world.run()
    asked: list[str] = []

    def live(row, kind, names, stack):
        asked.append(row.name)
        return {'show': {'mtu': 1}}

    assert sorted(outputs(world, me, live)['own']) == [1, 1, 1, 1450, 1450] and len(asked) == 3
