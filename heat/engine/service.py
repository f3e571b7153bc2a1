"""The RPC endpoint: method names to functions, nothing else.

Purpose: what the bus may call. Invariant: every method of the wire table is
served or refuses with a sentence that says it is not supported.
Neighbours: ``bus.server`` dispatches here, ``intake`` ``reads`` ``templates``
``software`` ``watches`` and others do the work.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy.exc

from heat.bus import wire
from heat.common import errors, logs
from heat.common.context import RequestContext
from heat.db import connect
from heat.engine.actions import Actions
from heat.engine.hearing import Hearing
from heat.engine.intake import Intake
from heat.engine.metrics import Metrics
from heat.engine.offers import Offers
from heat.engine.parameter_store import ParameterStore
from heat.engine.plans import Plans
from heat.engine.reads import Reads
from heat.engine.software import Software
from heat.engine.templates import Templates
from heat.engine.watches import Watches

LOG = logging.getLogger(__name__)

WISHES = ('create_stack', 'update_stack', 'delete_stack', 'stack_suspend', 'stack_resume', 'stack_check',
          'stack_cancel_update')

UNSERVED = {
    'migrate_convergence_1': 'Migrating a stack to convergence'}

Method = Callable[..., Any]


class Service:
    """The table, and one way through it."""

    def __init__(self, intake: Intake, reads: Reads, templates: Templates, software: Software,
                 poked: Callable[[str], None], store: ParameterStore, watches: Watches,
                 metrics: Metrics) -> None:
        self._poked = poked
        self._methods: dict[str, Method] = {name: getattr(intake, name) for name in WISHES}
        for part in (Actions(intake), Plans(intake), Offers(intake), Hearing(intake), store, software,
                     templates, reads, watches, metrics):
            self._methods |= {name: getattr(part, name) for name in dir(part)
                              if not name.startswith('_') and callable(getattr(part, name))}
        self._arguments = {name: frozenset(inspect.signature(one).parameters)
                           for name, one in self._methods.items()}

    def dispatch(self, method: str, context: RequestContext, arguments: dict[str, Any]) -> Any:
        """Run ``method``; a HeatException is for the caller, anything else is a defect.

        DatabaseUnavailable where there is none that can be used.
        """
        if method == 'poke':
            self._poked(str(arguments['stack_root_id']))
            return None
        if method == 'listening':
            return True
        if method in UNSERVED:
            raise errors.NotSupported(feature=UNSERVED[method])
        function = self._methods.get(method)
        if function is None:
            raise errors.NotSupported(feature=f'The RPC method {method}')
        unknown = (arguments.keys() - self._arguments[method] - {wire.NEEDS}) | (
            set(arguments.get(wire.NEEDS, ())) - wire.BINDING)
        if unknown:
            raise wire.unknown(method, unknown)
        arguments = {name: value for name, value in arguments.items() if name != wire.NEEDS}
        identity = arguments.get('stack_identity')
        with logs.bind(request=context.request_id, user=context.user_id, project=context.tenant_id,
                       stack=identity.get('stack_id') if isinstance(identity, Mapping) else None):
            try:
                return function(context, **arguments)
            except sqlalchemy.exc.SQLAlchemyError as error:
                if not connect.away(error):
                    raise
                # Without the values that were to be written.
                said = str(getattr(error, 'orig', error)).split()
                LOG.error('%s finds no database that can be used: %s', method, ' '.join(said))
                raise errors.DatabaseUnavailable() from None
