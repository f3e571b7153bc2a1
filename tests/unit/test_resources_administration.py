"""What only administrators may have, without a cloud: rules, and lists that change in place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heat import schema
from heat.common.ids import StackId
from heat.model.op import Call, Poll, Record, StepFailed
from heat.model.resource import Intent, Row
from heat.model.status import Action
from heat.resources.base import Resource, Surroundings
from heat.resources.openstack import TYPES

UUID = '12345678-1234-4678-9234-567812345678'
AROUND = Surroundings(StackId('t', 's', 'i'))


def faults(kind: str, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(TYPES[kind].schema.properties, props)
    assert errors == []
    return [*map(str, TYPES[kind].schema.faults(values)), *TYPES[kind].validate(values)]


def image(**props: Any) -> dict[str, Any]:
    return {'location': 'http://l', 'disk_format': 'raw', 'container_format': 'bare', **props}


@pytest.mark.parametrize(
    ('name', 'props', 'part'),
    [
        ('OS::Keystone::User', {'roles': [{'role': 'r'}]}, 'must be specified for role r'),
        ('OS::Keystone::Group', {'roles': [{'role': 'r'}]}, 'must be specified for role r'),
        (
            'OS::Keystone::UserRoleAssignment',
            {'user': 'u', 'roles': [{'role': 'r', 'project': 'p', 'domain': 'd'}]},
            'at the same time: project, domain',
        ),
        ('OS::Glance::WebImage', image(disk_format='ami'), 'Invalid mix of disk and container formats'),
        ('OS::Glance::WebImage', image(members=['p']), 'only be specified for visibility with value shared'),
        ('OS::Glance::WebImage', image(extra_properties={'name': 'n'}), 'name is a property of its own'),
        ('OS::Nova::ServerGroup', {'policies': []}, 'one policy, not 0'),
        (
            'OS::Nova::ServerGroup',
            {'policies': ['affinity'], 'rules': {'max_server_per_host': 1}},
            'takes rules, not affinity',
        ),
        ('OS::Nova::Quota', {'project': 'p'}, 'At least one of the following properties must be specified'),
        ('OS::Cinder::Quota', {'project': 'p'}, 'gigabytes, volumes, snapshots, backups'),
        ('OS::Cinder::VolumeType', {'name': 'n', 'projects': ['p']}, 'if the volume type is public'),
    ],
)
def test_what_does_not_fit_together_is_said(name: str, props: dict[str, Any], part: str) -> None:
    assert any(part in sentence for sentence in faults(name, **props))


def test_what_is_not_known_yet_is_let_pass() -> None:
    unknown = schema.UNKNOWN
    assert faults('OS::Keystone::User', roles=unknown) == []
    assert faults('OS::Nova::ServerGroup', policies=unknown, rules={'max_server_per_host': unknown}) == []
    assert faults('OS::Nova::ServerGroup', policies=[unknown], rules={'max_server_per_host': 1}) == []
    assert faults('OS::Glance::WebImage', **image(disk_format=unknown, container_format='ami')) == []
    assert faults('OS::Glance::WebImage', **image(visibility=unknown, members=['p'])) == []
    assert faults('OS::Glance::WebImage', **image(extra_properties=unknown)) == []
    assert faults('OS::Nova::Quota', project=unknown, cores=unknown) == []
    assert faults('OS::Cinder::VolumeType', name='n', is_public=unknown, projects=unknown) == []
    assert faults('OS::Keystone::User', roles=[{'role': unknown, 'project': unknown}]) == []


class Run:
    """A verb, performed up to a number of changing calls; each is answered by what ``answers`` has."""

    def __init__(self, row: Row, answers: dict[str, Any] | None = None) -> None:
        self.row, self.answers = row, answers or {}
        self.asked: list[str] = []
        self.labels: list[str] = []

    def step(self, plugin: Resource, steps: Any, calls: int = 99) -> None:
        """Run ``steps`` until ``calls`` calls have been made, then stop as a crash does."""
        value = None
        try:
            while True:
                plugin.row = self.row
                op = steps.send(value)
                value = None
                if isinstance(op, Record):
                    self.row = replace(
                        self.row,
                        data={**self.row.data, **(op.data or {})},
                        physical_id=op.physical_id or self.row.physical_id,
                    )
                elif isinstance(op, Call):
                    if op.mutating:
                        if len(self.asked) == calls:
                            return
                        self.asked.append(f'{op.method} {op.path}')
                        self.labels.append(op.label)
                    value = self.answers.get(f'{op.method} {op.path}')
        except StopIteration:
            return


def assignment(row: Row, **props: Any) -> Resource:
    return TYPES['OS::Keystone::UserRoleAssignment'](row, props, AROUND)


def roles(*names: str) -> list[dict[str, str]]:
    return [{'role': name, 'project': 'p'} for name in names]


def path(verb: str, role: str, user: str = 'u') -> str:
    return f'{verb} /projects/p/users/{user}/roles/{role}'


def diff(old: dict[str, Any], new: dict[str, Any]) -> schema.Diff:
    return schema.diff(TYPES['OS::Keystone::UserRoleAssignment'].schema, old, new)


@pytest.mark.parametrize('crash', range(4))
def test_a_list_that_changes_in_place_is_settled_by_the_same_calls_after_a_crash(crash: int) -> None:
    old, new = {'user': 'u', 'roles': roles('a', 'b')}, {'user': 'u', 'roles': roles('b', 'c', 'd')}
    first = Run(Row(UUID, 's', 's', 'r', 't', action=Action.UPDATE, goal_seq=2))
    plugin = assignment(first.row, **new)
    first.step(plugin, plugin.update(new, diff(old, new)), crash)
    again = Run(first.row)
    plugin = assignment(again.row, **new)
    again.step(plugin, plugin.update(new, diff(old, new)))
    wanted = [path('DELETE', 'a'), path('PUT', 'c'), path('PUT', 'd')]
    assert first.asked == wanted[:crash] and again.asked == wanted


def test_a_list_is_settled_after_an_update_that_failed() -> None:
    """What the failed one took away or gave is not known, so it is said again; nothing is left behind."""
    before = {'user': 'u', 'roles': roles('a')}
    failed = {'user': 'u', 'roles': roles('b')}
    run = Run(Row(UUID, 's', 's', 'r', 't', action=Action.UPDATE, goal_seq=2))
    plugin = assignment(run.row, **failed)
    run.step(plugin, plugin.update(failed, diff(before, failed)), 1)
    assert run.asked == [path('DELETE', 'a')]
    later = Run(replace(run.row, goal_seq=3))
    wanted = {'user': 'u', 'roles': roles('b', 'c')}
    plugin = assignment(later.row, **wanted)
    later.step(plugin, plugin.update(wanted, diff(failed, wanted)))
    assert later.asked == [path('DELETE', 'a'), path('PUT', 'b'), path('PUT', 'c')]
    gone = Run(later.row)
    plugin = assignment(gone.row, **wanted)
    gone.step(plugin, plugin.delete())
    assert gone.asked == [path('DELETE', 'b'), path('DELETE', 'c')]


def test_the_roles_move_to_another_user() -> None:
    old, new = {'user': 'u', 'roles': roles('a')}, {'user': 'v', 'roles': roles('a')}
    run = Run(Row(UUID, 's', 's', 'r', 't', physical_id='u'))
    plugin = assignment(run.row, **new)
    run.step(plugin, plugin.update(new, diff(old, new)))
    assert run.asked == [path('DELETE', 'a'), path('PUT', 'a', 'v')] and run.row.physical_id == 'v'


def test_a_lost_creation_is_not_found_in_what_had_the_name_before() -> None:
    listed = {'GET /projects': [{'id': 'theirs', 'name': 'same', 'domain_id': 'default'}]}
    run = Run(Row(UUID, 's', 's', 'r', 't', action=Action.CREATE), listed)
    props = {'name': 'same', 'domain': 'default', 'enabled': True}
    plugin = TYPES['OS::Keystone::Project'](run.row, props, AROUND)
    run.step(plugin, plugin.create(), 0)
    # The engine dies once the intent is durable; what it did stands in the list now.
    row = replace(run.row, intent=Intent(Action.CREATE, 'create', 0, 0.0))
    plugin = TYPES['OS::Keystone::Project'](row, props, AROUND)
    steps = plugin.create()
    op = next(steps)
    assert isinstance(op, Call) and op.method == 'POST' and op.adopt is not None
    ours = {'id': 'ours', 'name': 'same', 'domain_id': 'default'}
    assert op.adopt.match(ours) and not op.adopt.match(listed['GET /projects'][0])
    assert not op.adopt.match({**ours, 'domain_id': 'other'})


def test_volumes_are_not_limited_to_less_than_is_there() -> None:
    used = {'GET /os-quota-sets/p': {'volumes': {'limit': 10, 'in_use': 3}, 'backups': {'in_use': 0}}}
    for volumes, fits in ((2, False), (3, True), (-1, True)):
        run = Run(Row(UUID, 's', 's', 'r', 't', action=Action.CREATE), used)
        props = {'project': 'p', 'volumes': volumes, 'backups': 0}
        plugin = TYPES['OS::Cinder::Quota'](run.row, props, AROUND)
        if fits:
            run.step(plugin, plugin.create())
        else:
            with pytest.raises(StepFailed, match=r'Invalid quota volumes value\(s\): 2\. .* value\(s\): 3'):
                run.step(plugin, plugin.create())
        assert run.asked == (['PUT /os-quota-sets/p'] if fits else [])


def test_a_limit_that_is_taken_back_is_the_default_again() -> None:
    run = Run(Row(UUID, 's', 's', 'r', 't', action=Action.UPDATE, physical_id='p'))
    kind = TYPES['OS::Nova::Quota']
    old, new = {'project': 'p', 'cores': 1, 'ram': 2}, {'project': 'p', 'cores': 1}
    plugin = kind(run.row, new, AROUND)
    run.step(plugin, plugin.update(new, schema.diff(kind.schema, old, new)))
    assert run.asked == ['DELETE /os-quota-sets/p', 'PUT /os-quota-sets/p']


@pytest.mark.parametrize(
    ('props', 'released'), [({'name': 'n'}, True), ({'flavorid': 'f'}, True), ({}, False)]
)
def test_a_flavor_goes_before_its_successor_if_that_may_have_its_name(
    props: dict[str, Any], released: bool
) -> None:
    row = Row(UUID, 's', 's', 'r', 't', physical_id='f', props=props)
    run = Run(row)
    flavor = TYPES['OS::Nova::Flavor'](row, props, AROUND)
    run.step(flavor, flavor.release())
    assert run.asked == (['DELETE /flavors/f'] if released else [])
    run = Run(replace(row, keep={'released': True}))
    flavor = TYPES['OS::Nova::Flavor'](run.row, props, AROUND)
    run.step(flavor, flavor.delete())
    assert run.asked == ([] if released else ['DELETE /flavors/f'])


LIVES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # (type, properties, those after an update, what the service answers)
    (
        'OS::Keystone::User',
        {'name': 'n', 'domain': 'd', 'groups': ['g', 'h'], 'roles': roles('a')},
        {'name': 'm', 'domain': 'd', 'groups': ['h', 'i'], 'roles': roles('b')},
        {'GET /users': [], 'POST /users': {'id': 'u'}},
    ),
    (
        'OS::Nova::Flavor',
        {'ram': 1, 'vcpus': 1, 'is_public': False, 'tenants': ['p', 'q'], 'extra_specs': {'a': 1, 'b': 2}},
        {'ram': 1, 'vcpus': 1, 'is_public': False, 'tenants': ['q', 'r'], 'extra_specs': {'b': 3, 'c': 4}},
        {'POST /flavors': {'id': 'u'}},
    ),
    (
        'OS::Nova::HostAggregate',
        {'name': 'n', 'hosts': ['h', 'i'], 'metadata': {'a': 1, 'b': 2}},
        {'name': 'm', 'hosts': ['i', 'j'], 'metadata': {'b': 3}},
        {
            'GET /os-aggregates': [],
            'POST /os-aggregates': {'id': 1},
            'GET /os-aggregates/u': {'hosts': ['i', 'j']},
        },
    ),
    (
        'OS::Cinder::VolumeType',
        {'name': 'n', 'is_public': False, 'projects': ['p', 'q'], 'metadata': {'a': 1, 'b': 2}},
        {'name': 'm', 'is_public': True, 'projects': [], 'metadata': {'b': 3}},
        {'GET /types': [], 'POST /types': {'id': 'u'}},
    ),
    (
        'OS::Cinder::QoSSpecs',
        {'specs': {'consumer': 'both', 'a': 1, 'b': 2}},
        {'specs': {'b': 3}},
        {'POST /qos-specs': {'id': 'u'}},
    ),
    (
        'OS::Cinder::QoSAssociation',
        {'qos_specs': 'u', 'volume_types': ['a', 'b']},
        {'qos_specs': 'u', 'volume_types': ['b', 'c', 'd']},
        {},
    ),
    (
        'OS::Nova::Quota',
        {'project': 'u', 'cores': 1, 'ram': 2},
        {'project': 'u', 'cores': 2},
        {},
    ),
    (
        'OS::Glance::WebImage',
        image(visibility='shared', members=['p', 'q'], active=False, tags=['a']),
        image(visibility='private', active=True, tags=['b']),
        {'POST /images': {'id': 'u'}, 'GET /images/u': {'status': 'deactivated', 'tags': []}},
    ),
]


@pytest.mark.parametrize('verb', ['create', 'update', 'delete'])
@pytest.mark.parametrize(('name', 'old', 'new', 'answers'), LIVES, ids=[life[0] for life in LIVES])
def test_each_verb_makes_the_same_calls_after_a_crash(
    name: str, old: dict[str, Any], new: dict[str, Any], answers: dict[str, Any], verb: str
) -> None:
    """Whichever call it dies at: what is decided by what was there is decided once."""
    kind = TYPES[name]

    def steps(plugin: Resource) -> Any:
        if verb == 'update':
            return plugin.update(new, schema.diff(kind.schema, old, new))
        return getattr(plugin, verb)()

    def run(row: Row, calls: int = 99, now: dict[str, Any] = answers) -> Run:
        made = Run(row, now)
        plugin = kind(row, old if verb == 'create' else new, AROUND)
        made.step(plugin, steps(plugin), calls)
        return made

    row = Row(UUID, 's', 's', 'r', name, action=Action.UPDATE, goal_seq=2, physical_id='u', props=new)
    if verb == 'delete':
        # What it knows of itself is from its creation.
        born = Run(row, answers)
        born.step(plugin := kind(row, new, AROUND), plugin.create())
        row = replace(born.row, goal_seq=3)
    whole = run(row).labels
    assert len(whole) == len(set(whole)) > 0
    # By then the service shows what was done.
    later = {**answers, 'GET /os-aggregates/u': {'hosts': []}}
    for calls in range(len(whole)):
        assert run(run(row, calls).row, now=later).labels == whole


@pytest.mark.parametrize(('tasks', 'why'), [
    ([[], [{'status': 'failure', 'message': 'Task failed'}]], '.'),
    ([[{'status': 'processing', 'message': ''}], [{'status': 'failure', 'message': 'Task failed'}]],
     ': Task failed'),
    ([[{'status': 'failure', 'message': 'first'}, {'status': 'pending'}],
      [{'status': 'failure', 'message': 'first'}, {'status': 'failure', 'message': 'second'}]], ': second'),
    ([[{'status': 'processing'}]] * 100, '.')])
def test_why_an_image_was_not_fetched_is_waited_for(tasks: list[list[dict[str, Any]]], why: str) -> None:
    """The image service gives an image up before it has written down why, and may never do so."""
    bodies = {'/images/u': iter([{'status': 'queued', 'os_glance_failed_import': 'store'}]),
              '/images/u/tasks': iter({'tasks': one} for one in tasks)}
    row = Row(UUID, 's', 's', 'r', 't', action=Action.CREATE, goal_seq=1, physical_id='u')
    steps = TYPES['OS::Glance::WebImage'](row, image(), AROUND).create()
    op = next(steps)
    with pytest.raises(StepFailed) as caught:
        while True:
            if isinstance(op, Poll):
                looks = iter(op.judge(body) for body in bodies[op.path])
                said = next(look for look in looks if look)
                op = steps.throw(StepFailed(said)) if isinstance(said, str) else steps.send({})
            else:
                op = steps.send({'id': 'u', 'status': 'queued'})
    assert caught.value.message == f'The content of image u could not be fetched from http://l{why}'
