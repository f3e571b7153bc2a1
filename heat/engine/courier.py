"""Servers whose agents do not ask this service are told of their deployments.

Purpose: write the metadata of a server, with what is deployed on it, to where its
agent looks: an object or a queue. Invariant: what is written is the database's
truth of after the commit; each writer looks again afterwards and writes once more
if that has changed meanwhile, so the last one leaves the latest there. To tell
twice hurts nobody. Neighbours: ``loop`` (``op.Tell``) and ``software`` call it,
``resources.openstack.server_agent`` knows the places.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Engine

from heat.clouds.credential import Credential
from heat.clouds.performer import Answer, Fault, Result
from heat.common import errors, green
from heat.db import connect, resources, software, stacks
from heat.engine import render
from heat.engine.loader import Loader
from heat.model.op import Call, CloudFault
from heat.resources.types import PLUGINS

LOG = logging.getLogger(__name__)
COURIERS = 8


class Caller(Protocol):
    def perform_now(self, credential: Credential, operation: Call, /) -> Any: ...


class Courier:
    """For one engine; ``spawn`` runs a function elsewhere."""

    def __init__(self, database: Engine, loader: Loader, performer: Caller,
                 spawn: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._database = database
        self._loader = loader
        self._performer = performer
        self._spawn = spawn or green.Pool(COURIERS).spawn

    def __call__(self, tenant: str, server_id: str, done: Callable[[Result], None], /) -> None:
        """Tell, and give ``done`` None or what kept it from telling."""
        def run() -> None:
            try:
                self.tell(tenant, server_id)
                result: Result = Answer(None)
            except CloudFault as fault:
                result = Fault(fault)
            except Exception as error:
                LOG.exception('Server %s could not be told of its deployments.', server_id)
                result = Fault(CloudFault(0, f'The server {server_id} could not be told of its deployments: '
                                             f'{type(error).__name__}', kind='Error'))
            done(result)

        self._spawn(run)

    def tell(self, tenant: str | None, server_id: str) -> None:
        """Now. ``tenant`` None reaches the servers of all projects; CloudFault if a place takes nothing."""
        told: list[tuple[Credential | None, Call]] = []
        while (news := self._news(tenant, server_id)) != told:
            for credential, call in news:
                if credential is None:
                    raise CloudFault(0, f'Nobody may tell server {server_id} of its deployments: its stack '
                                        'has no credential.', kind='NotConfigured')
                try:
                    self._performer.perform_now(credential, call)
                except CloudFault as fault:
                    sentence = f'Server {server_id} could not be told of its deployments: {fault.message}'
                    raise CloudFault(fault.status, sentence, fault.service, fault.request_id,
                                     fault.kind) from fault
            told = news

    def politely(self, tenant: str | None, server_id: str) -> None:
        """The same for a request that is carried out already: what keeps it from telling is logged."""
        try:
            self.tell(tenant, server_id)
        except (CloudFault, errors.HeatException) as fault:
            LOG.warning('Server %s was not told of its deployments; it will be with the next one: %s',
                        server_id, fault)

    def _news(self, tenant: str | None, server_id: str) -> list[tuple[Credential | None, Call]]:
        """What to write, in whose name; nothing for servers that ask."""
        def read() -> list[tuple[Credential | None, Call]]:
            found: list[tuple[Credential | None, Call]] = []
            with connect.read(self._database) as conn:
                for row in resources.find_by_physical_id(conn, tenant, server_id, self._loader.crypt):
                    kind = PLUGINS.get(row.class_name)
                    if kind is None or not kind.deployed_to or not kind.deliveries(row, {}):
                        continue
                    stack = stacks.load_stack(conn, row.stack_id)
                    if stack is None:
                        continue
                    configs = software.configs_of_server(conn, stack.tenant, server_id, self._loader.crypt)
                    metadata = {**kind.metadata_of(row), 'deployments': [
                        render.config(one) for one in configs]}
                    credential = self._loader.credential(conn, stack)
                    found += [(credential, call) for call in kind.deliveries(row, metadata)]
            return found

        return connect.offload(self._database, read)
