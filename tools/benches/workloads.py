"""What is done: templates of each shape, and the four phases of a stack's life.

Invariant: an update of all changes every leaf resource; what a phase cost is the difference of two
readings of ``Place``. Neighbours: ``place`` counts, ``report`` shows.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benches.place import Place
from benches.user import User

Template = dict[str, Any]
VERSION = '2018-08-31'


@dataclass
class Phase:
    """One line of the table; ``cpu`` and ``memory`` by daemon."""

    workload: str
    phase: str
    resources: int
    elapsed: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    memory: dict[str, dict[str, float]] = field(default_factory=dict)


def hot(resources: dict[str, Any]) -> Template:
    return {'heat_template_version': VERSION, 'resources': resources}


def string(generation: int, **more: Any) -> dict[str, Any]:
    """A RandomString; another generation of it has to be made anew."""
    return {'type': 'OS::Heat::RandomString', 'properties': {'length': 16 + generation}, **more}


def trial(value: Any, **more: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::TestResource', 'properties': {'value': value, **more}}


def wide(size: int) -> Callable[[int], Template]:
    return lambda generation: hot({f'r{n}': string(generation) for n in range(size)})


def chain(generation: int) -> Template:
    """Each reads the one before."""
    found = {'r0': string(generation)}
    for n in range(1, 300):
        found[f'r{n}'] = string(generation)
        found[f'r{n}']['properties']['salt'] = {'get_attr': [f'r{n - 1}', 'value']}
    return hot(found)


def trials(generation: int) -> Template:
    """The same of resources with steps of their own: each waits for the commit of the one before."""
    found = {'r0': trial(f'g{generation}')}
    for n in range(1, 300):
        found[f'r{n}'] = trial({'get_attr': [f'r{n - 1}', 'output']})
    return hot(found)


def layers(generation: int) -> Template:
    found: dict[str, Any] = {}
    for layer in range(10):
        before = [f'r{layer - 1}_{n}' for n in range(20)] if layer else []
        for n in range(20):
            found[f'r{layer}_{n}'] = string(generation, **({'depends_on': before} if before else {}))
    return hot(found)


def group(count: int) -> Callable[[int], Template]:
    """A group whose members are single resources."""
    return lambda generation: hot({'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': count, 'resource_def': string(generation)}}})


def groups(generation: int) -> Template:
    """200 nested stacks of 3 resources each."""
    members = {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 3, 'resource_def': string(generation)}}
    return hot({'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 200, 'resource_def': members}}})


def farm(generation: int, removed: tuple[str, ...] = ()) -> Template:
    """1000 nested stacks of 22 resources each; ``removed`` names members to be replaced."""
    members = {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 22, 'resource_def': string(generation)}}
    return hot({'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 1000, 'resource_def': members, 'removal_policies': [{'resource_list': list(removed)}]}}})


def scaled(generation: int) -> Template:
    """50 nested stacks of 22 resources each, and a policy for 50 more."""
    members = {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 22, 'resource_def': string(generation)}}
    return hot({
        'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 50, 'max_size': 100, 'resource': members}},
        'up': {'type': 'OS::Heat::ScalingPolicy', 'properties': {
            'auto_scaling_group_id': {'get_resource': 'g'}, 'adjustment_type': 'change_in_capacity',
            'scaling_adjustment': 50}}})


def waits(generation: int) -> Template:
    return hot({f'r{n}': trial(f'g{generation}', action_wait_secs={'create': 2}) for n in range(100)})


def servers(count: int) -> Callable[[int], Template]:
    """An update changes a server's metadata in place."""
    def build(generation: int) -> Template:
        found: dict[str, Any] = {
            'net': {'type': 'OS::Neutron::Net'},
            'subnet': {'type': 'OS::Neutron::Subnet', 'properties': {
                'network': {'get_resource': 'net'}, 'cidr': '10.64.0.0/16'}}}
        for n in range(count):
            found[f's{n}'] = {'type': 'OS::Nova::Server', 'depends_on': 'subnet', 'properties': {
                'image': 'cirros', 'flavor': 'm1.tiny', 'metadata': {'generation': str(generation)},
                'networks': [{'network': {'get_resource': 'net'}}]}}
        return hot(found)
    return build


@dataclass(frozen=True, slots=True)
class Workload:
    """``needs`` is 'sim' for what only the simulated cloud can do; ``note`` goes below the table."""

    build: Callable[[int], Template]
    resources: int
    needs: str = ''
    note: str = ''
    one: Callable[[], Template] | None = None
    """The first template with one member replaced."""
    policy: str = ''
    """Signalled once the stack is there: its group, the resource ``g``, is resized."""


WORKLOADS = {
    'wide-100': Workload(wide(100), 100),
    'wide-300': Workload(wide(300), 300),
    'wide-1000': Workload(wide(1000), 1000),
    'wide-10000': Workload(wide(10_000), 10_000),
    'chain-300': Workload(chain, 300),
    'trials-300': Workload(trials, 300, note='a chain of OS::Heat::TestResource: a step and a commit each'),
    'layers-10x20': Workload(layers, 200),
    'group-200': Workload(group(200), 201, note='a ResourceGroup of 200 OS::Heat::RandomString'),
    'group-200x3': Workload(groups, 801, note='a ResourceGroup of 200 ResourceGroups of 3 (201 nested '
                            'stacks); the classic\'s figures are for 50 nested stacks of 3'),
    'group-1000x22': Workload(farm, 23001, one=lambda: farm(0, ('7',)), note=(
        'a ResourceGroup of 1000 ResourceGroups of 22 OS::Heat::RandomString; an update of one replaces one '
        'of the 1000, and its plan is a preview')),
    'scale-50x22': Workload(scaled, 1152, needs='sim', policy='up', note=(
        'an AutoScalingGroup of 50 ResourceGroups of 22; the signal doubles it')),
    'waits-100': Workload(waits, 100, note='each waits 2 s in its creation; an update changes a value'),
    'servers-100': Workload(servers(100), 102, needs='sim'),
    'servers-1000': Workload(servers(1000), 1002, needs='sim'),
}
MANY, CROWD = 'many-100x5', 'idle-1000'


@contextmanager
def measured(place: Place, phase: Phase) -> Iterator[Phase]:
    """Fill in what happens inside; the clock stops before the counters are read."""
    place.forget_peaks()
    counts, cpu = place.counts(), place.cpu()
    started = time.monotonic()
    yield phase
    phase.elapsed = round(time.monotonic() - started, 2)
    phase.cpu = {name: round(now - cpu[name], 2) for name, now in place.cpu().items()}
    phase.memory = place.memory()
    phase.counts = {name: now - counts[name] for name, now in place.counts().items()}


def life(place: Place, user: User, name: str, workload: Workload, updates: bool) -> Iterator[Phase]:
    """Create, an update that changes nothing, an update of all, delete."""
    first, second = workload.build(0), workload.build(1)

    def phase(title: str) -> Phase:
        return Phase(name, title, workload.resources)

    with measured(place, phase('create')) as done:
        path = user.create(name, first)
        user.wait(path, 'CREATE_COMPLETE')
    yield done
    if workload.policy:
        with measured(place, phase('signal')) as done:
            user.ask('POST', f'{path}/resources/{workload.policy}/signal')
            group = user.nested(path, 'g')
            user.wait(group, 'UPDATE_COMPLETE')
        yield done
    if workload.one is not None and updates:
        with measured(place, phase('plan of one')) as done:
            user.ask('PUT', f'{path}/preview', {'template': workload.one()})
        yield done
    changes = [('no-op update', first), ('update of all', second)]
    if workload.one is not None:
        changes.insert(0, ('update of one', workload.one()))
    for title, template in changes if updates and not workload.policy else ():
        with measured(place, phase(title)) as done:
            user.update(path, template)
            user.wait(path, 'UPDATE_COMPLETE')
        yield done
    with measured(place, phase('delete')) as done:
        user.delete(path)
        user.wait(path, 'DELETE_COMPLETE')
    yield done


def many(place: Place, user: User, stacks: int = 100, clients: int = 8) -> Iterator[Phase]:
    """Small stacks by several clients at once; each waits for its own before the next."""
    template = wide(5)(0)
    users = [user.twin() for _ in range(clients)]

    def share(k: int, each: Callable[[User, int], None]) -> None:
        for n in range(k, stacks, clients):
            each(users[k], n)

    def work(title: str, each: Callable[[User, int], None]) -> Phase:
        with measured(place, Phase(MANY, title, stacks * 5)) as done, ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda k: share(k, each), range(clients)))
        return done

    paths: dict[int, str] = {}

    def create(one: User, n: int) -> None:
        paths[n] = one.create(f'many-{n}', template)
        one.wait(paths[n], 'CREATE_COMPLETE')

    def delete(one: User, n: int) -> None:
        one.delete(paths[n])
        one.wait(paths[n], 'DELETE_COMPLETE')

    yield work('create', create)
    yield work('delete', delete)


def idle(place: Place, name: str = 'idle', stacks: int = 0, seconds: float = 30.0) -> Phase:
    """Nothing is asked for, with so many stacks at rest."""
    with measured(place, Phase(name, f'{seconds:.0f} s', stacks)) as done:
        time.sleep(seconds)
    return done


def crowd(place: Place, user: User, stacks: int = 1000, clients: int = 8) -> Iterator[Phase]:
    """Small stacks that nothing happens to."""
    template = wide(5)(0)
    with ThreadPoolExecutor(clients) as pool:
        paths = list(pool.map(lambda n: user.twin().create(f'crowd-{n}', template), range(stacks)))
    for path in paths:
        user.wait(path, 'CREATE_COMPLETE')
    yield idle(place, CROWD, stacks)
    for path in paths:
        user.delete(path)
    for path in paths:
        user.wait(path, 'DELETE_COMPLETE')
