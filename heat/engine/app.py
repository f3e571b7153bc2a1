"""One engine, put together.

Purpose: the parts of an engine process and the order in which they start and
stop. Invariant: nothing is taken from the bus before the loop and the writer
run; nothing is left running after ``stop``. Neighbours: ``cmd.engine`` and
``cmd.all`` make one; tests too.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from heat.bus.client import EngineClient
from heat.bus.notify import Notifier
from heat.bus.server import EngineServer
from heat.bus.wire import Port
from heat.clouds import trust
from heat.clouds.credential import Credential
from heat.clouds.performer import Performer, zone_names
from heat.clouds.session import Sessions
from heat.common import config, errors, green, logs
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.common.crypt import Crypt
from heat.common.ids import new_id
from heat.common.policy import Enforcer
from heat.db import connect, creds, events, services, stacks
from heat.db.events import Recorded
from heat.engine import settings
from heat.engine.actions import left_of_stack, take_away
from heat.engine.addresses import Addresses
from heat.engine.borrow import Stored
from heat.engine.compiled import Place, settle_in
from heat.engine.courier import Courier
from heat.engine.errand import Limits
from heat.engine.exchange import Exchange
from heat.engine.herald import Herald
from heat.engine.intake import Intake
from heat.engine.live import LiveReader
from heat.engine.loader import Loader
from heat.engine.loop import Loop
from heat.engine.messages import Closed, Leave, Published
from heat.engine.metrics import Metrics
from heat.engine.owner import Owner
from heat.engine.parameter_store import ParameterStore
from heat.engine.reads import Reads
from heat.engine.scaling import Scaled
from heat.engine.seek import Seeker
from heat.engine.service import Service
from heat.engine.shelf import Shelf
from heat.engine.software import Software
from heat.engine.store import Store
from heat.engine.templates import Templates
from heat.engine.tree import StackRun, Tree
from heat.engine.watcher import Watcher
from heat.engine.watches import Watches
from heat.model.event import Event
from heat.model.op import CloudFault, UserCall
from heat.model.stack import Stack
from heat.plan.effects import Finish
from heat.resources.types import PLUGINS, take_defaults, take_region
from heat.template import yaql_language
from heat.template.load import parse
from heat.template.registry import Layer

LOG = logging.getLogger(__name__)
DEPLOYMENTS = {name: kind for name, kind in PLUGINS.items() if 'Deployment' in name}


class Engine:
    """``start`` serves; ``stop`` lets calls under way end, gives leases up and leaves."""

    def __init__(self, conf: cfg.ConfigOpts, port: Port) -> None:
        self.conf = conf
        yaql_language.limit(conf.yaql.limit_iterators, conf.yaql.memory_quota)
        self.engine_id = new_id()
        take_defaults({
            'software_config_transport': conf.default_software_config_transport,
            'user_data_format': conf.default_user_data_format})
        take_defaults({'signal_transport': conf.default_deployment_signal_transport}, DEPLOYMENTS)
        self.clock = Clock()
        self.crypt = Crypt(config.encryption_keys(conf))
        self.database = connect.open_engine(conf)
        self.sessions = Sessions(conf)
        self.performer = Performer(self.sessions, self.clock, Stored(self.database, self.crypt))
        self.policy = Enforcer(conf)
        self.loader = Loader(self.crypt, Addresses(conf, self.sessions), operator_layers(conf),
                             conf.template_dir)
        take_region(self.loader.region)
        settle_in(Place(self.loader.region, conf.cloudformation_partition, conf.cloudformation_url_suffix))
        self._client = EngineClient(port, conf)
        self.owner = Owner(self.engine_id, self.database, self.loader, self.clock, ttl=conf.engine.lease_ttl,
                           beat_interval=conf.engine.lease_beat_interval, forward=self._client.poke,
                           watch=lambda: self.watcher.claim())
        self.watcher = Watcher(self.engine_id, self.database, self.crypt, self.clock, self.owner.poke,
                               ttl=conf.engine.lease_ttl, interval=conf.periodic_interval)
        self.herald = Herald(self.database, self.loader, self.performer)
        self.store = Store(self.database, self.engine_id, self.crypt, self.clock, tell=self.herald)
        courier = Courier(self.database, self.loader, self.performer)
        live = LiveReader(self.database, self.loader, self.performer, self.clock)
        self.exchange = Exchange(self.database, self.crypt, self.clock, self.loader, live,
                                 lambda credential: zone_names(self.performer, credential))
        self.loop = Loop(
            self.engine_id, self.clock, self.performer, self.store,
            limits=Limits(conf.engine.http_timeout, conf.engine.settle_time, conf.max_nested_stack_depth,
                          conf.max_resources_per_stack),
            error_wait=conf.error_wait_time or 0.0, may_call=self.owner.may_call, gone=self.owner.gone,
            announce=self._announce, close=self._close, publish=self._publish,
            reread=lambda root_id: green.spawn(self.owner.poke, root_id),
            action_timeout=conf.stack_action_timeout, shelf=Shelf(self.database, self.crypt),
            courier=courier, seek=Seeker(conf, self.exchange, self.clock))
        self.owner.attach(self.loop)
        intake = Intake(conf, self.database, self.crypt, self.clock, self.sessions, self.performer,
                        self.policy, self.loader, self.owner, exchange=self.exchange, tell=self.herald)
        self.service = Service(
            intake, Reads(self.database, conf, self.crypt, self.clock, live, operator=self.loader.operator,
                  authenticate=self._authenticated),
            Templates(conf, available=self._available, allowed=self._allowed, extended=self._extended,
                      operator=self.loader.operator, sessions=self.sessions),
            Software(self.database, conf, self.crypt, self.clock, self.owner.poke,
                     tell=courier.politely), self.owner.poke,
            ParameterStore(self.database, self.crypt, self.clock),
            Watches(self.database, self.crypt, self.clock, self.owner.poke),
            Metrics(self.database, self.crypt, self.clock))
        self._server = EngineServer(port, conf, self.service, self.engine_id)
        self._notifier = Notifier(conf)
        self._record = services.Service(
            new_id(), self.engine_id, conf.host, socket.gethostname(), 'heat-engine', 'engine',
            conf.periodic_interval)
        self._stopped = False
        self._ended: dict[str, None] = {}
        self._purging = False

    # -- life ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work; returns once requests are taken."""
        connect.writing(self.database, services.register, self._record, self.clock.now())
        self.store.start()
        green.spawn(self.loop.run)
        self.owner.beat()
        self.owner.start()
        green.spawn(self._report)
        self._server.start()
        green.spawn(self.herald.catch_up)
        LOG.info('Engine %s (process %d) serves.', self.engine_id, os.getpid())

    def stop(self, graceful_seconds: float = 30.0) -> None:
        """Take no more requests, end what is under way, give the leases up."""
        self._stopped = True
        end = self.clock.monotonic() + graceful_seconds
        self.owner.retire()
        self._hand_on()
        # First of all: other engines can drive the trees while the bus takes its time to close.
        self.loop.put(Leave())
        self._server.stop(graceful_seconds)
        while not self.loop.idle and self.clock.monotonic() < end:
            green.sleep(0.05)
        self.owner.stop()
        self.loop.stop()
        self.store.stop()
        self.herald.stop()
        try:
            connect.writing(self.database, services.sign_off, self._record.id, self.clock.now())
        except Exception as error:
            LOG.warning('Engine %s could not sign off: %s', self.engine_id, error)
        self.database.dispose()
        LOG.info('Engine %s has left.', self.engine_id)

    def _hand_on(self) -> None:
        try:
            self.watcher.retire()
        except Exception as error:
            LOG.warning('The lease of the watch rules runs out by itself: %s', error)

    def _report(self) -> None:
        while not self._stopped:
            green.sleep(self.conf.periodic_interval)
            try:
                connect.writing(self.database, services.report, self._record.id, self.clock.now())
            except Exception as error:
                LOG.warning('Engine %s could not report: %s', self.engine_id, error)

    # -- what the loop asks of the world around ----------------------------------------------------

    def _announce(self, finish: Finish | Scaled) -> None:
        """A goal's end, or a resizing, made known after it is durable."""
        if isinstance(finish, Scaled):
            green.spawn(self._tell_scaling, finish)
            return
        stack = finish.stack
        with logs.bind(project=stack.tenant, stack=stack.id):
            LOG.info('Stack %s: %s %s: %s', stack.name, finish.goal.action, finish.status, finish.reason)
        green.spawn(self._tell, finish)
        if self.conf.max_events_per_stack > 0:
            self._ended[finish.stack.id] = None
            if not self._purging:
                self._purging = True
                green.spawn(self._purge)

    def _tell(self, finish: Finish) -> None:
        stack = finish.stack
        self._notifier.stack(
            RequestContext(tenant_id=stack.tenant), finish.goal.action, finish.status,
            _payload(stack, f'{finish.goal.action}_{finish.status}', finish.reason))

    def _tell_scaling(self, told: Scaled) -> None:
        stack = told.stack
        self._notifier.autoscaling(RequestContext(tenant_id=stack.tenant), told.suffix, {
            **_payload(stack, f'{stack.action}_{stack.status}', stack.reason),
            'adjustment_type': told.adjustment_type, 'adjustment': told.adjustment,
            'capacity': told.capacity, 'groupname': told.group, 'message': told.message})

    def _purge(self) -> None:
        """Drop the oldest events of stacks that ended lately and have too many: one pass at a time."""
        most, batch = self.conf.max_events_per_stack, self.conf.event_purge_batch_size

        def drop(conn: Connection) -> None:
            for stack_id in events.crowded(conn, ended, most):
                events.purge_events(conn, stack_id, most, batch)

        while self._ended:
            ended, self._ended = list(self._ended), {}
            try:
                connect.writing(self.database, drop)
            except Exception as error:
                LOG.warning('Old events were not dropped: %s', error)
        self._purging = False

    def _publish(self, tree: Tree, run: StackRun, values: dict[str, Any], imports: list[str]) -> None:
        green.spawn(self._offer, tree.root_id, tree.fence, run.stack, run.goal.seq, values, imports)

    def _offer(self, root_id: str, fence: int, stack: Stack, seq: int, values: dict[str, Any],
               imports: list[str]) -> None:
        """Publish what a stack exports; a database that is away only delays."""
        pause = 0.2
        while not self._stopped:
            try:
                refusal = self.exchange.publish(stack, self.engine_id, fence, values, imports)
            except Exception as error:
                LOG.warning('The exports of stack %s are not published yet: %s', stack.name, error)
                green.sleep(pause)
                pause = min(2 * pause, 5.0)
                continue
            self.loop.put(Published(root_id, stack.id, seq, refusal))
            return

    def _close(self, tree: Tree, stack: Stack) -> None:
        run = tree.stacks.get(tree.root_id)
        abandoned = run is not None and bool(run.goal.options.get('abandon'))
        end = run.closing.event if run is not None and run.closing is not None else None
        green.spawn(self._take_away, tree.root_id, stack, tree.credential, abandoned, end)

    def _take_away(self, root_id: str, stack: Stack, credential: Any, abandoned: bool,
                   end: Event | None) -> None:
        """What a deleted root had besides its resources: snapshots, the in-instance project, the trust."""
        if end is not None:
            self._tell_end(root_id, end)
        if credential is not None and not abandoned:
            self._drop_snapshots(stack, credential)
        try:
            if stack.stack_user_project_id is not None and credential is not None:
                self.performer.perform_now(
                    credential, UserCall('delete_project', {'project_id': stack.stack_user_project_id}))
            if credential is not None and credential.trust_id and not self._lent(root_id):
                trust.revoke(self.sessions, credential)
        except (CloudFault, errors.HeatException) as error:
            LOG.warning('After stack %s something was left in keystone: %s', stack.name, error)
        try:
            if stack.user_creds_id is not None:
                number = stack.user_creds_id

                def forget(conn: Connection) -> None:
                    stacks.update_stack(conn, stack.id, user_creds_id=None)
                    creds.delete_unused_credential(conn, number)

                connect.writing(self.database, forget)
        except Exception as error:
            LOG.warning('The credential of stack %s was not removed: %s', stack.name, error)
        self.loop.put(Closed(root_id))

    def _lent(self, root_id: str) -> bool:
        """Whether the stack's trust is that of who asked for it, such as another stack's cluster."""
        try:
            return bool(connect.reading(self.database, settings.of, root_id).get(settings.LENT))
        except Exception as error:
            LOG.warning('Whose trust stack %s has is not known, so it stays: %s', root_id, error)
            return True

    def _tell_end(self, root_id: str, end: Event) -> None:
        try:
            self.herald.last_words(root_id, Recorded(0, self.clock.now(), end))
        except Exception as error:
            LOG.warning('The end of stack tree %s is not told to its sinks: %s', root_id, error)

    def _drop_snapshots(self, stack: Stack, credential: Any) -> None:
        try:
            take_away(connect.reading(self.database, left_of_stack, stack.id, self.crypt),
                      lambda call: self.performer.perform_now(credential, call))
        except (CloudFault, errors.HeatException) as error:
            LOG.warning('After stack %s something was left of its snapshots: %s', stack.name, error)

    def _available(self, context: RequestContext, kind: Any) -> bool:
        return kind.service is None or self.sessions.has_service(Credential.of_request(context), kind.service)

    def _extended(self, context: RequestContext, kind: Any) -> bool:
        return not kind.extension or self.performer.extensions.has(
            Credential.of_request(context), kind.service, kind.extension)

    def _authenticated(self, context: RequestContext) -> dict[str, Any] | None:
        """Who the request's own credential is by keystone's word; None if it takes none."""
        try:
            access = self.sessions.for_credential(Credential.of_request(context)).access()
        except (CloudFault, errors.HeatException):
            return None
        return {'user_id': access.user_id, 'username': access.username,
                'user_domain_id': access.user_domain_id, 'tenant_id': access.project_id,
                'tenant': access.project_name, 'project_domain_id': access.project_domain_id,
                'roles': list(access.role_names or ()), 'is_admin_project': access.is_admin_project}

    def _allowed(self, context: RequestContext, type_name: str) -> bool:
        return self.policy.allows_type(context, type_name)


def _payload(stack: Stack, state: str, reason: str) -> dict[str, Any]:
    """What a notification says of a stack."""
    return {'tenant_id': stack.tenant, 'user_id': None, 'user_identity': None, 'username': stack.username,
            'stack_identity': stack.identity.arn(), 'stack_name': stack.name, 'state': state,
            'state_reason': reason, 'create_at': str(stack.created_at), 'description': '',
            'updated_at': str(stack.updated_at), 'tags': list(stack.tags)}


def operator_layers(conf: cfg.ConfigOpts) -> tuple[Layer, ...]:
    """``loadbalancer_template``, and the registry mappings in ``environment_dir`` in order of file name.

    Raises ConfigError for a file that is no environment.
    """
    layers = []
    if conf.loadbalancer_template:
        layers.append(Layer({'AWS::ElasticLoadBalancing::LoadBalancer': f'file://{conf.loadbalancer_template}'},
                            user=False))
    directory = Path(conf.environment_dir)
    for path in sorted(directory.glob('*.yaml')) if directory.is_dir() else ():
        unusable = f'{path}, in [DEFAULT] environment_dir, cannot be used'
        try:
            tree: Mapping[str, Any] = parse(path.read_bytes(), what='environment')
        except (OSError, errors.HeatException) as error:
            raise config.ConfigError(f'{unusable}: {error}') from error
        registry = tree.get('resource_registry') or {}
        if not isinstance(registry, Mapping):
            raise config.ConfigError(f'{unusable}: resource_registry is no map.')
        layers.append(Layer(registry, user=False))
    return tuple(layers)
