"""Queues, subscriptions and alarms through their lives: nothing of them is lost or doubled by a crash."""

from __future__ import annotations

from typing import Any

from heat.resources.openstack.zaqar import LONG
from tests.sim.crashes import every_crash
from tests.sim.world import World

SIGNALLED = {'str_replace': {'template': 'trust+url',
                             'params': {'url': {'get_attr': ['grow', 'signal_url']}}}}


def template(colour: str = 'green', ttl: int = 3600, threshold: float = 50.0, at: str = 'first',
             ) -> dict[str, Any]:
    def kind(name: str, /, **props: Any) -> dict[str, Any]:
        return {'type': name, 'properties': props}

    queue, measured = {'get_resource': 'queue'}, {'metric': 'load', 'resource_type': 'generic'}
    return {'heat_template_version': '2021-04-16', 'resources': {
        'group': kind('OS::Heat::AutoScalingGroup', min_size=0, max_size=1,
                      resource={'type': 'OS::Heat::RandomString'}),
        'grow': kind('OS::Heat::ScalingPolicy', auto_scaling_group_id={'get_resource': 'group'},
                     adjustment_type='change_in_capacity', scaling_adjustment=1),
        'queue': kind('OS::Zaqar::Queue', name='drops', metadata={
            'colour': colour, at: 1, **({} if at == 'third' else {'_default_message_ttl': 300})}),
        'own': kind('OS::Zaqar::Queue'),
        'url': kind('OS::Zaqar::SignedQueueURL', queue=queue, ttl=ttl),
        'listener': kind('OS::Zaqar::Subscription', queue_name=queue, subscriber=f'http://{at}.example/',
                         ttl=ttl),
        'policy': kind('OS::Zaqar::Subscription', queue_name=queue, subscriber=SIGNALLED),
        'trigger': kind('OS::Zaqar::MistralTrigger', queue_name=queue, workflow_id='sweep', ttl=ttl),
        'load': kind('OS::Aodh::GnocchiResourcesAlarm', **measured, resource_id='measured',
                     aggregation_method='mean', granularity=60, threshold=threshold,
                     alarm_actions=[SIGNALLED], alarm_queues=[queue]),
        'event': kind('OS::Aodh::EventAlarm', event_type=f'compute.{colour}.*', alarm_actions=['grow'],
                      ok_actions=[f'http://{at}.example/'])}}


def things(world: World) -> dict[str, Any]:
    """What of all this is in the cloud, without what differs from one life to the next."""
    inventory = world.cloud.inventory
    queues = {row['name'] if row['name'] == 'drops' else 'own': row['metadata']
              for row in inventory.queues.all()}
    assert len(queues) == len(inventory.queues)
    return {'queues': queues,
            'told': sorted(('/'.join(row['subscriber'].split('/')[:3]), row['ttl'])
                           for row in inventory.subscriptions.all()),
            'alarms': sorted((row['type'], row['enabled'], len(row['alarm_actions']), row['ok_actions'],
                              row[f'{row["type"]}_rule'].get('threshold'),
                              row[f'{row["type"]}_rule'].get('event_type'))
                             for row in inventory.alarms.all())}


def made(world: World) -> dict[str, Any]:
    me = world.create('s', template())
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    return me


LISTENERS = [('http://first.example', 3600), ('http://heat.example:8000', LONG),
             ('trust+http://store.example', 3600)]
ALARMS = [('event', True, 1, ['http://first.example/'], None, 'compute.green.*'),
          ('gnocchi_resources_threshold', True, 2, [], 50.0, None)]
FIRST = {'queues': {'drops': {'colour': 'green', 'first': 1, '_default_message_ttl': 300}, 'own': {}},
         'told': LISTENERS, 'alarms': ALARMS}


def test_they_are_changed_in_place(world):
    me = made(world)
    assert things(world) == FIRST
    before = {name: row.physical_id for name, row in world.rows(me).items()}
    world.update(me, template('blue', 7200, 60.0, 'second'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    after = {name: row.physical_id for name, row in world.rows(me).items()}
    assert {name for name in before if before[name] != after[name]} == {'url'}
    assert things(world) == {
        'queues': {'drops': {'colour': 'blue', 'second': 1, '_default_message_ttl': 300}, 'own': {}},
        'told': [('http://heat.example:8000', LONG), ('http://second.example', 7200),
                 ('trust+http://store.example', 7200)],
        'alarms': [('event', True, 1, ['http://second.example/'], None, 'compute.blue.*'),
                   ('gnocchi_resources_threshold', True, 2, [], 60.0, None)]}


def test_no_crash_loses_or_doubles_them(conf):
    """Create, update, suspend, resume, delete; what is seen after each."""
    def life(world: World) -> list[Any]:
        seen: list[Any] = []

        def look() -> None:
            world.run()
            seen.append((world.state(me), world.states(me), things(world), world.leases_held()))

        world.project_id  # noqa: B018 - the project's default group is made at first sight
        me = world.create('s', template())
        look()
        world.update(me, template('red', 9000, 70.0, 'third'))
        look()
        for verb in ('stack_suspend', 'stack_resume'):
            getattr(world.engine.intake, verb)(world.context, me)
            look()
        world.delete(me)
        look()
        return seen

    seen = every_crash(conf, life, least=100)
    assert [one[0] for one in seen] == [
        'CREATE_COMPLETE', 'UPDATE_COMPLETE', 'SUSPEND_COMPLETE', 'RESUME_COMPLETE', 'DELETE_COMPLETE']
    first, second, resting, resumed, gone = (one[2] for one in seen)
    assert first == FIRST and second == resumed != first
    assert second['queues'] == {'drops': {'colour': 'red', 'third': 1}, 'own': {}}
    assert [one[1] for one in resting['alarms']] == [False, False]
    assert gone == {'queues': {}, 'told': [], 'alarms': []}


def test_an_update_that_takes_metadata_away_may_be_said_twice(world):
    me = made(world)
    world.cloud.faults.add(service='messaging', method='PATCH', path='/v2/queues/drops', kind='drop_after',
                           count=1)
    world.update(me, template('red', 9000, 70.0, 'third'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    assert world.cloud.requests['messaging PATCH /v2/queues/{queue}'] == 2
    assert things(world)['queues']['drops'] == {'colour': 'red', 'third': 1}
