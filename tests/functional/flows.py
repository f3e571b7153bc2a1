"""What users do with a running Heat, through the clients they have.

Purpose: one function per story, `story(place, directory)`; a test of each way of running calls them all.
Invariant: nothing but python-heatclient, the `openstack` command and plain HTTP; every story removes
its stacks. Neighbours: tests/integration/test_daemons.py and tests/functional/test_heatclient.py.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
from heatclient import exc
from heatclient.v1.client import Client

from tests.servers import commands
from tests.servers.daemon import SLOWER
from tests.servers.keystone import Credentials

BIN = Path(sys.executable).parent
PATIENCE = 90.0
Story = Callable[['Place', Path], None]


@dataclass
class Place:
    """A Heat that serves: one of its users, one of another project, and its logs for a failure.

    `tokens` collects all that must never stand in a log.
    """

    user: Credentials
    neighbour: Credentials
    logs: Callable[[], str]
    secrets: set[str] = field(default_factory=set)

    @cached_property
    def heat(self) -> Client:
        return self.client(self.user)

    def client(self, who: Credentials) -> Client:
        """The library, as that user."""
        session = who.session()
        self.secrets.add(str(session.get_token()))
        return Client(session=session, service_type='orchestration', region_name=who.region)

    def openstack(self, *words: str | Path, code: int = 0, who: Credentials | None = None) -> Any:
        """The command's JSON output (or text); fails the test unless it ends with `code`."""
        done = commands.openstack(self.environment(who), words)
        assert done.code == code, f'{words}: {done.err or done.out}\n{self.logs()}'
        if code:
            return done.err
        return json.loads(done.out) if 'json' in words else done.out

    def environment(self, who: Credentials | None = None) -> dict[str, str]:
        base = {name: value for name, value in os.environ.items()
                if not name.startswith('OS_') and 'proxy' not in name.lower()}
        return {**base, **(who or self.user).environment(), 'PYTHONWARNINGS': 'ignore'}

    # -- looking -----------------------------------------------------------------------------------

    def status(self, name: str) -> str:
        return str(self.heat.stacks.get(name, resolve_outputs=False).stack_status)

    def until(self, name: str, *wanted: str, seconds: float = PATIENCE) -> None:
        """Wait for one of these states; another final one, or none in time, fails the test."""
        seen = self.wait(lambda: self.status(name), lambda status: not status.endswith('_IN_PROGRESS')
                         or status in wanted, seconds)
        if seen not in wanted:
            stack = self.heat.stacks.get(name, resolve_outputs=False)
            pytest.fail(f'{name}: {seen} ({stack.stack_status_reason}), not {wanted}\n{self.logs()}')

    def wait(self, look: Callable[[], Any], enough: Callable[[Any], Any], seconds: float = PATIENCE) -> Any:
        """What `look` gives once that is enough; other processes are waited for."""
        end = time.monotonic() + seconds * SLOWER
        while True:
            seen = look()
            if enough(seen):
                return seen
            if time.monotonic() > end:
                pytest.fail(f'not in {seconds * SLOWER:.0f} s; seen last: {seen}\n{self.logs()}')
            time.sleep(0.2)

    def outputs(self, name: str) -> dict[str, Any]:
        return {one['output_key']: one['output_value'] for one in self.heat.stacks.get(name).outputs}

    def resources(self, name: str, depth: int = 0) -> dict[str, Any]:
        """Name -> resource; with `depth` those of nested stacks too, as parent/name."""
        found = self.heat.resources.list(name, nested_depth=depth)
        return {f'{one.parent_resource}/{one.resource_name}' if getattr(one, 'parent_resource', None)
                else one.resource_name: one for one in found}

    def events(self, name: str, depth: int = 0) -> list[tuple[str, str]]:
        """(resource or stack name, state), oldest first."""
        return [(one.resource_name, one.resource_status)
                for one in self.heat.events.list(name, nested_depth=depth or None, sort_dir='asc')]

    # -- acting ------------------------------------------------------------------------------------

    def create(self, name: str, template: str, **more: Any) -> str:
        """Ask for a stack; its id."""
        return str(self.heat.stacks.create(stack_name=name, template=template, **more)['stack']['id'])

    def gone(self, name: str) -> bool:
        return self.state(name) is None

    def state(self, name: str) -> str | None:
        """The status, None when there is no such stack."""
        try:
            return self.status(name)
        except exc.HTTPNotFound:
            return None

    def remove(self, name: str) -> None:
        """Delete a stack and wait until it is not found any more."""
        self.heat.stacks.delete(name)
        seen = self.wait(lambda: self.state(name), lambda state: state in (None, 'DELETE_FAILED'))
        assert seen is None, self.logs()

    @contextmanager
    def stack(self, name: str, template: str, *ends: str, **more: Any) -> Iterator[str]:
        """A stack that comes to one of `ends`, for the length of the block; its id."""
        made = self.create(name, template, **more)
        if ends:
            self.until(name, *ends)
        yield made
        self.remove(name)


def one(properties: Mapping[str, Any], kind: str = 'OS::Heat::TestResource', **more: Any) -> dict[str, Any]:
    """A resource of a template."""
    return {'type': kind, 'properties': dict(properties), **more}


def hot(resources: Mapping[str, Any], **sections: Any) -> str:
    """A HOT template as text."""
    return json.dumps({'heat_template_version': '2018-08-31', 'resources': resources, **sections})


# -- a whole life -----------------------------------------------------------------------------------

LIFE = """\
heat_template_version: 2018-08-31
description: The life of a stack
parameters:
  members:
    type: number
    default: 1
    constraints: [{range: {min: 0, max: 5}}]
  colour: {type: string, default: none}
  marker: {type: string, default: first}
  secret: {type: string, hidden: true}
resources:
  letter:
    type: OS::Heat::TestResource
    properties: {value: {get_file: letter.txt}}
  words:
    type: OS::Heat::TestResource
    properties:
      value:
        str_replace:
          template: COLOUR says LETTER
          params: {COLOUR: {get_param: colour}, LETTER: {get_attr: [letter, output]}}
  marked:
    type: OS::Heat::TestResource
    depends_on: words
    properties: {value: x, update_replace_value: {get_param: marker}}
  guarded:
    type: OS::Heat::TestResource
    properties: {value: {get_param: secret}}
  group:
    type: OS::Heat::ResourceGroup
    properties:
      count: {get_param: members}
      resource_def:
        type: OS::Heat::TestResource
        properties: {value: member %index%}
outputs:
  words: {description: What was said, value: {get_attr: [words, output]}}
  marked: {value: {get_resource: marked}}
  group: {value: {list_join: [', ', {get_attr: [group, output]}]}}
"""
ENVIRONMENT = 'parameters: {members: 2}\nparameter_defaults: {secret: eiv8ohGh}\n'
SECRET = 'eiv8ohGh'


def life(place: Place, directory: Path) -> None:
    """The command line: created, looked at, updated in place and by replacement, deleted."""
    template, environment = directory / 'life.yaml', directory / 'life.env'
    template.write_text(LIFE)
    environment.write_text(ENVIRONMENT)
    (directory / 'letter.txt').write_text('hello')
    place.secrets.add(SECRET)
    wait = ('--wait', '--poll', '1')

    said = place.openstack('orchestration', 'template', 'validate', '-f', 'json', '-t', template,
                           '-e', environment)
    assert said['Parameters']['members']['Default'] == 1 and said['Parameters']['secret']['NoEcho'] == 'true'

    said = place.openstack('stack', 'create', *wait, '-t', template, '-e', environment,
                           '--parameter', 'colour=blue', '--timeout', '7', '--tags', 'old,young', 'life')
    assert '[life]: CREATE_COMPLETE' in said and '| CREATE_COMPLETE' in said

    shown = place.openstack('stack', 'show', '-f', 'json', 'life')
    assert shown['id'] in said and (shown['stack_name'], shown['timeout_mins']) == ('life', 7)
    assert shown['stack_status_reason'] == 'Stack CREATE completed successfully'
    assert sorted(shown['tags']) == ['old', 'young']
    assert shown['parameters']['colour'] == 'blue' and shown['parameters']['members'] == '2'
    assert shown['parameters']['secret'] == '******' and SECRET not in json.dumps(shown)
    outputs = {each['output_key']: each['output_value'] for each in shown['outputs']}
    assert outputs['words'] == 'blue says hello' and outputs['group'] == 'member 0, member 1'

    assert 'life' in [each['Stack Name'] for each in place.openstack('stack', 'list', '-f', 'json')]
    states = {each['resource_name']: each['resource_status'] for each in place.openstack(
        'stack', 'resource', 'list', '-f', 'json', '-n', '2', 'life')}
    assert states == dict.fromkeys(('letter', 'words', 'marked', 'guarded', 'group', '0', '1'),
                                   'CREATE_COMPLETE')
    words = place.openstack('stack', 'resource', 'show', '-f', 'json', 'life', 'words')
    assert words['resource_type'] == 'OS::Heat::TestResource'
    assert words['attributes']['output'] == 'blue says hello' and words['required_by'] == ['marked']
    events = [(each['resource_name'], each['resource_status']) for each in place.openstack(
        'stack', 'event', 'list', '-f', 'json', 'life')]
    assert events[0] == ('life', 'CREATE_IN_PROGRESS') and events[-1] == ('life', 'CREATE_COMPLETE')
    assert events.index(('words', 'CREATE_COMPLETE')) < events.index(('marked', 'CREATE_IN_PROGRESS'))
    keys = {each['output_key'] for each in place.openstack('stack', 'output', 'list', '-f', 'json', 'life')}
    assert keys == {'words', 'marked', 'group'}
    told = place.openstack('stack', 'output', 'show', '-f', 'json', 'life', 'words')
    assert told['output_value'] == 'blue says hello' and told['description'] == 'What was said'
    kept = place.openstack('stack', 'template', 'show', '-f', 'json', 'life')
    assert kept['description'] == 'The life of a stack' and set(kept['resources']) >= {'letter', 'group'}
    assert SECRET not in json.dumps(place.heat.stacks.environment('life'))

    # In place, and the group grows.
    before = place.resources('life', 1)
    place.openstack('stack', 'update', '--existing', '--wait', '--parameter', 'colour=green',
                    '--parameter', 'members=4', 'life')
    after = place.resources('life', 1)
    assert place.outputs('life')['words'] == 'green says hello'
    assert place.outputs('life')['group'] == 'member 0, member 1, member 2, member 3'
    for name, each in before.items():
        assert after[name].physical_resource_id == each.physical_resource_id, name
    assert after['words'].resource_status == 'UPDATE_COMPLETE'
    assert after['letter'].resource_status == 'CREATE_COMPLETE'

    # By replacement, and the group shrinks.
    place.openstack('stack', 'update', '--existing', '--wait', '--parameter', 'marker=second',
                    '--parameter', 'members=1', 'life')
    last = place.resources('life', 1)
    assert last['marked'].physical_resource_id != after['marked'].physical_resource_id
    assert last['words'].physical_resource_id == after['words'].physical_resource_id
    assert place.outputs('life')['marked'] == last['marked'].physical_resource_id
    assert place.outputs('life')['group'] == 'member 0'
    assert {name for name in last if '/' in name} == {'group/0'}
    events_now = place.events('life')
    assert events_now.index(('marked', 'DELETE_COMPLETE')) > max(
        number for number, event in enumerate(events_now) if event == ('marked', 'CREATE_COMPLETE'))

    place.openstack('stack', 'delete', '--yes', '--wait', 'life')
    assert 'Stack not found: life' in place.openstack('stack', 'show', 'life', code=1)
    assert 'life' not in [each.stack_name for each in place.heat.stacks.list()]


def short_life(place: Place, directory: Path) -> None:
    """The essence of a life, for one more database."""
    with place.stack('short', LIFE, 'CREATE_COMPLETE', files={'letter.txt': 'hi'},
                     parameters={'secret': SECRET, 'members': 2}) as stack_id:
        assert place.outputs('short')['words'] == 'none says hi'
        first = place.resources('short')['marked'].physical_resource_id
        place.heat.stacks.update('short/' + stack_id, existing=True, parameters={
            'colour': 'grey', 'marker': 'second', 'members': 3})
        place.until('short', 'UPDATE_COMPLETE')
        outputs = place.outputs('short')
        assert (outputs['words'], outputs['group']) == ('grey says hi', 'member 0, member 1, member 2')
        assert outputs['marked'] != first
    # The name is free again.
    with place.stack('short', hot({'again': one({})}), 'CREATE_COMPLETE'):
        pass


# -- composition -----------------------------------------------------------------------------------

PART = """
heat_template_version: 2021-04-16
parameters: {word: {type: string}, end: {type: string, default: '.'}}
resources:
  told:
    type: OS::Heat::TestResource
    properties: {value: {list_join: ['', [{get_param: word}, {get_param: end}]]}}
outputs: {said: {value: {get_attr: [told, output]}}}
"""
WHOLE = """
heat_template_version: 2021-04-16
resources:
  part: {type: My::Part, properties: {word: one}}
  parts: {type: OS::Heat::ResourceGroup, properties: {count: 2, resource_def: {
    type: My::Part, properties: {word: 'many %index%'}}}}
outputs:
  said: {value: {get_attr: [part, said]}}
  all: {value: {get_attr: [parts, said]}}
"""


def composed(place: Place, directory: Path) -> None:
    """A type of one's own: an environment maps it to a file; a new text of the file is an update."""
    part, whole, environment = directory / 'part.yaml', directory / 'whole.yaml', directory / 'parts.env'
    part.write_text(PART)
    whole.write_text(WHOLE)
    environment.write_text('resource_registry: {My::Part: part.yaml}\nparameter_defaults: {end: "!"}\n')
    place.openstack('stack', 'create', '--wait', '--poll', '1', '-t', whole, '-e', environment, 'whole')
    assert place.outputs('whole') == {'said': 'one!', 'all': ['many 0!', 'many 1!']}
    names = [each['resource_name'] for each in place.openstack(
        'stack', 'resource', 'list', '-f', 'json', '-n', '3', 'whole')]
    assert sorted(names) == ['0', '1', 'part', 'parts', 'told', 'told', 'told']
    before = place.resources('whole', 3)
    part.write_text(PART.replace("default: '.'", "default: '.', hidden: true").replace(
        '{get_param: word}, {', '"so: ", {get_param: word}, {'))
    place.openstack('stack', 'update', '--wait', '-t', whole, '-e', environment, 'whole')
    assert place.outputs('whole') == {'said': 'so: one!', 'all': ['so: many 0!', 'so: many 1!']}
    after = place.resources('whole', 3)
    assert {name: each.physical_resource_id for name, each in after.items()} == {
        name: each.physical_resource_id for name, each in before.items()}
    place.openstack('stack', 'delete', '--yes', '--wait', 'whole')
    left = [each['Stack Name'] for each in place.openstack('stack', 'list', '--nested', '-f', 'json')]
    # Other stories may be told at the same place.
    assert [name for name in left if name.startswith('whole')] == []


# -- failures ---------------------------------------------------------------------------------------


def failures(place: Place, directory: Path) -> None:
    """A create that fails stays as it is or is rolled back; so does an update."""
    def template(fail: bool, value: str) -> str:
        return hot({'good': one({'value': value}),
                    'bad': one({'fail': fail}, depends_on='good'),
                    'after': one({}, depends_on='bad')},
                   outputs={'good': {'value': {'get_attr': ['good', 'output']}}})

    broken = directory / 'broken.json'
    broken.write_text(template(True, 'a'))
    said = place.openstack('stack', 'create', '--wait', '--poll', '1', '--enable-rollback', '-t', broken,
                           'undone', code=1)
    assert ('undone' in said and 'CREATE_FAILED' in said) or 'failed' in said.lower()
    place.until('undone', 'ROLLBACK_COMPLETE')
    assert all(each.resource_status in ('DELETE_COMPLETE', 'INIT_COMPLETE')
               for each in place.resources('undone').values())
    place.remove('undone')

    with place.stack('broken', template(True, 'a'), 'CREATE_FAILED') as stack_id:
        stack = place.heat.stacks.get('broken')
        assert stack.stack_status_reason == \
            'Resource CREATE failed: ValueError: resources.bad: Test Resource failed bad'
        assert {name: each.resource_status for name, each in place.resources('broken').items()} == {
            'good': 'CREATE_COMPLETE', 'bad': 'CREATE_FAILED', 'after': 'INIT_COMPLETE'}
        assert stack.disable_rollback is True
        place.heat.stacks.update(f'broken/{stack_id}', template=template(False, 'b'))
        place.until('broken', 'UPDATE_COMPLETE')
        good = place.resources('broken')['good'].physical_resource_id

        place.heat.stacks.update(f'broken/{stack_id}', template=template(True, 'c'), disable_rollback=False)
        place.until('broken', 'ROLLBACK_COMPLETE')
        assert place.outputs('broken')['good'] == 'b'
        assert place.resources('broken')['good'].physical_resource_id == good
        events = place.events('broken')
        assert ('bad', 'UPDATE_FAILED') in events and ('broken', 'ROLLBACK_IN_PROGRESS') in events


# -- refusals ---------------------------------------------------------------------------------------

def _bad(resource: Any, **sections: Any) -> str:
    return hot({'one': resource}, **sections)


NUMBER = {'n': {'type': 'number', 'constraints': [{'range': {'min': 1, 'max': 3}}]}}
# What is wrong with a template -> the sentence that says so.
BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    'unknown type': (_bad(one({}, 'OS::No::Such')), {},
                     'The Resource Type (OS::No::Such) could not be found.'),
    'unknown property': (_bad(one({'colour': 1})), {}, 'resources.one.properties: : Unknown Property colour'),
    'wrong property': (_bad(one({'wait_secs': 'long'})), {}, 'resources.one.properties.wait_secs: : '),
    'unknown resource': (_bad(one({'value': {'get_resource': 'nobody'}})), {},
                         'The specified reference "nobody"'),
    'unknown parameter': (_bad(one({'value': {'get_param': 'none'}})), {}, 'The Parameter (none)'),
    'unknown attribute': (hot({'one': one({}), 'two': one({'value': {'get_attr': ['one', 'colour']}})}), {},
                          'The Referenced Attribute (one colour) is incorrect.'),
    'missing parameter': (_bad(one({}), parameters=NUMBER), {}, 'The Parameter (n) was not provided.'),
    'parameter out of range': (_bad(one({}), parameters=NUMBER), {'n': 9},
                               "Parameter 'n' is invalid: 9 is out of range (min: 1, max: 3)"),
    'parameter too many': (_bad(one({})), {'n': 9}, 'The Parameter (n) was not defined in template.'),
    'circle': (hot({'one': one({}, depends_on='two'), 'two': one({}, depends_on='one')}), {},
               'Circular Dependency Found'),
    'no version': ('{"resources": {}}', {}, 'Template format version not found.'),
    'wrong version': ('{"heat_template_version": "2013-05-24"}', {},
                      'The template version is invalid: "heat_template_version: 2013-05-24"'),
    'unknown section': (hot({}, colours={}), {}, 'The template section is invalid: colours'),
}


def refusals(place: Place, directory: Path) -> None:
    """What is not allowed or makes no sense is refused with the right status and a clear sentence."""
    for what, (template, parameters, sentence) in BAD.items():
        try:
            place.create('refused', template, parameters=parameters)
        except exc.HTTPBadRequest as refused:
            assert sentence in str(refused), what
        else:
            pytest.fail(f'accepted: {what}')
        assert place.gone('refused'), what
    with pytest.raises(exc.HTTPBadRequest) as invalid:
        place.heat.stacks.validate(template=BAD['circle'][0])
    assert 'Circular Dependency Found' in str(invalid.value)
    file = directory / 'bad.json'
    file.write_text(BAD['unknown type'][0])
    assert BAD['unknown type'][2] in place.openstack('stack', 'create', '-t', file, 'refused', code=1)

    with place.stack('mine', hot({'one': one({})}), 'CREATE_COMPLETE') as stack_id:
        with pytest.raises(exc.HTTPConflict, match=r'The Stack \(mine\) already exists\.'):
            place.create('mine', hot({}))
        with pytest.raises(exc.HTTPNotFound, match=r'The Resource \(two\) could not be found in Stack mine'):
            place.heat.resources.get('mine', 'two')
        with pytest.raises(exc.HTTPBadRequest):
            place.heat.resources.signal('mine', 'one')
        _strangers(place, stack_id)


def _strangers(place: Place, stack_id: str) -> None:
    session = place.user.session()
    root = str(session.get_endpoint(service_type='orchestration'))
    wrong = requests.get(f'{root}/stacks', headers={'X-Auth-Token': 'a-wrong-token'}, timeout=60)
    none = requests.get(f'{root}/stacks', timeout=60)
    assert (wrong.status_code, none.status_code) == (401, 401)
    theirs = place.neighbour.session()
    token = str(theirs.get_token())
    place.secrets.add(token)
    # Our project in the address, their token; then their project, our stack.
    other = requests.get(f'{root}/stacks/mine/{stack_id}', headers={'X-Auth-Token': token}, timeout=60)
    assert other.status_code == 403, other.text
    their_heat = place.client(place.neighbour)
    for name in ('mine', f'mine/{stack_id}'):
        with pytest.raises(exc.HTTPNotFound):
            their_heat.stacks.get(name)
        with pytest.raises(exc.HTTPNotFound):
            their_heat.stacks.delete(name)
    assert list(their_heat.stacks.list()) == []
    assert 'Stack not found: mine' in place.openstack('stack', 'show', 'mine', code=1, who=place.neighbour)
    assert place.status('mine') == 'CREATE_COMPLETE'


# -- signals ----------------------------------------------------------------------------------------

def _waiting(count: int) -> str:
    return hot({
        'handle': one({}, 'OS::Heat::WaitConditionHandle'),
        'condition': one({'handle': {'get_resource': 'handle'}, 'timeout': 300, 'count': count},
                         'OS::Heat::WaitCondition'),
        'after': one({'value': {'get_attr': ['condition', 'data']}}, depends_on='condition')},
        outputs={'data': {'value': {'get_attr': ['condition', 'data']}},
                 'curl': {'value': {'get_attr': ['handle', 'curl_cli']}},
                 'token': {'value': {'get_attr': ['handle', 'token']}}})


def signals(place: Place, directory: Path) -> None:
    """Somebody outside gives word: by the command line, and from a guest by the line made for it."""
    with place.stack('signalled', _waiting(2)):
        place.wait(lambda: place.resources('signalled'), lambda found: 'condition' in found and
                   found['condition'].resource_status == 'CREATE_IN_PROGRESS')
        place.openstack('stack', 'resource', 'signal', 'signalled', 'handle', '--data',
                        '{"status": "SUCCESS", "id": "first", "data": "by command"}')
        told = place.wait(lambda: place.outputs('signalled'), lambda found: found.get('curl'))
        place.secrets.add(told['token'])
        assert place.status('signalled') == 'CREATE_IN_PROGRESS'
        line = f"""{told['curl']} --data-binary '{{"status": "SUCCESS", "id": "guest", "data": "by curl"}}'"""
        done = subprocess.run(['sh', '-c', line], env=place.environment(), capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0 and ' 200 ' in done.stdout.splitlines()[0], done.stdout + done.stderr
        place.until('signalled', 'CREATE_COMPLETE')
        said = place.outputs('signalled')['data']
        assert json.loads(said) == {'first': 'by command', 'guest': 'by curl'}
        # A guest's token opens nothing else.
        root = str(place.user.session().get_endpoint(service_type='orchestration'))
        shut = requests.get(f'{root}/stacks', headers={'X-Auth-Token': told['token']}, timeout=60)
        assert shut.status_code == 403, shut.text
    with place.stack('disappointed', _waiting(1)):
        place.wait(lambda: place.resources('disappointed'), lambda found: 'condition' in found and
                   found['condition'].resource_status == 'CREATE_IN_PROGRESS')
        place.heat.resources.signal('disappointed', 'handle', {'status': 'FAILURE', 'reason': 'out of ink'})
        place.until('disappointed', 'CREATE_FAILED')
        assert 'out of ink' in place.heat.stacks.get('disappointed').stack_status_reason


def scaling(place: Place, directory: Path) -> None:
    """A group grows and shrinks: by the command line, and by whoever has the signed address."""
    def policy(amount: int) -> dict[str, Any]:
        return {'type': 'OS::Heat::ScalingPolicy', 'properties': {
            'auto_scaling_group_id': {'get_resource': 'g'}, 'adjustment_type': 'change_in_capacity',
            'scaling_adjustment': amount}}

    template = hot({
        'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 1, 'max_size': 3, 'desired_capacity': 2, 'resource': one({'value': 'm'})}},
        'up': policy(1), 'down': policy(-1),
        'handle': {'type': 'AWS::CloudFormation::WaitConditionHandle'}}, outputs={
            'size': {'value': {'get_attr': ['g', 'current_size']}},
            'alarm': {'value': {'get_attr': ['up', 'alarm_url']}},
            'handle': {'value': {'get_resource': 'handle'}}})
    with place.stack('scaled', template):
        place.until('scaled', 'CREATE_COMPLETE')
        place.openstack('stack', 'resource', 'signal', 'scaled', 'down')
        place.wait(lambda: place.outputs('scaled'), lambda found: found['size'] == 1)
        told = place.outputs('scaled')
        place.secrets.update(told[name].rpartition('Signature=')[2] for name in ('alarm', 'handle'))
        for wrong, url in (('POST', told['alarm'] + 'x'), ('PUT', told['alarm']), ('POST', told['handle'])):
            assert requests.request(wrong, url, timeout=60).status_code == 403
        assert requests.post(told['alarm'], timeout=60).status_code == 200
        place.wait(lambda: place.outputs('scaled'), lambda found: found['size'] == 2)
        assert place.status('scaled') == 'CREATE_COMPLETE'
        word = {'Status': 'SUCCESS', 'UniqueId': '1', 'Data': 'd', 'Reason': 'r'}
        bad = requests.put(told['handle'], json={**word, 'Status': 'MAYBE'}, timeout=60)
        assert bad.status_code == 400 and 'InvalidParameterValue' in bad.text
        answer = requests.put(told['handle'], json=word, timeout=60)
        assert (answer.status_code, answer.text) == (200, '<resource>handle</resource>')
        place.wait(lambda: place.heat.resources.metadata('scaled', 'handle'),
                   lambda found: found == {'1': {'Status': 'SUCCESS', 'Data': 'd', 'Reason': 'r'}})


# -- many at once -----------------------------------------------------------------------------------


def crowd(place: Place, directory: Path) -> None:
    """Twenty stacks of five resources, asked for by four clients at once; none disturbs another."""
    names = [f'crowd-{number}' for number in range(20)]
    template = hot({f'r{number}': one({'value': str(number)}) for number in range(5)})

    def make(portion: list[str]) -> None:
        heat = place.client(place.user)
        for name in portion:
            heat.stacks.create(stack_name=name, template=template)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, (names[start::4] for start in range(4))))

    def states() -> Counter[str]:
        return Counter(each.stack_status for each in place.heat.stacks.list(filters={'name': names}))

    assert place.wait(states, lambda seen: not seen['CREATE_IN_PROGRESS']) == {'CREATE_COMPLETE': 20}
    for name in names:
        expected = Counter({(each, f'CREATE_{state}'): 1 for each in (name, *(f'r{n}' for n in range(5)))
                            for state in ('IN_PROGRESS', 'COMPLETE')})
        assert Counter(place.events(name)) == expected
    for name in names:
        place.heat.stacks.delete(name)
    place.wait(states, lambda seen: not seen)


STORIES: tuple[Story, ...] = (life, composed, failures, refusals, signals, crowd)
