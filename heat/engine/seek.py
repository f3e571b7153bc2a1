"""Looking for what a nested stack is made from, at its step.

Purpose: documents are read, exports and stored parameters borrowed, off the loop's
thread. Invariant: ``done`` is called once; an export counts as imported before its value
is used. Neighbours: ``late`` says what is looked for, ``documents`` and ``borrow`` get
it, ``loop`` asks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from heat.common import errors, fetch, green
from heat.common.clock import Clock
from heat.engine.borrow import KEY, Borrowed
from heat.engine.compiled import compile_child
from heat.engine.documents import Documents, Fetch
from heat.engine.exchange import Exchange
from heat.engine.late import Found, Result, Sought, typed

LOG = logging.getLogger(__name__)
SEEKERS = 8


class Seeker:
    """Looks for one engine; ``spawn`` runs a function elsewhere."""

    def __init__(self, conf: Any, exchange: Exchange, clock: Clock, read: Fetch = fetch.document,
                 spawn: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._conf = conf
        self._exchange = exchange
        self._clock = clock
        self._read = read
        self._spawn = spawn or green.Pool(SEEKERS).spawn

    def __call__(self, sought: Sought, done: Callable[[Result], None], /) -> None:
        """Look, and give ``done`` what was found, or why not."""
        def run() -> None:
            try:
                result: Result = self._found(sought)
            except (errors.HeatException, ValueError, TypeError) as error:
                result = error
            except Exception as error:
                LOG.exception('What stack %s is made from could not be read.', sought.identity.stack_name)
                result = ValueError('What the stack is made from could not be read: '
                                    f'{type(error).__name__}')
            done(result)

        self._spawn(run)

    def _found(self, sought: Sought) -> Found:
        documents = Documents(sought.types.files, self._conf, self._read, self._clock.monotonic)
        lender = self._exchange.lender_of(sought.identity.tenant, lambda: sought.credential)
        compiled = compile_child(sought.identity, sought.template, sought.environment,
                                 sought.types.with_files(documents), lender=lender)
        wanted = compiled.wanted(sought.facade, sought.reads)
        # Templates that types of the child stand for are read with it.
        typed(compiled, wanted)
        documents.seal()
        had, lent = Borrowed.of(sought.environment), lender.borrowed
        imports = tuple(sorted(set(lent.imports) - set(had.imports)))
        self._exchange.note_imports(sought.root_id, sought.identity.tenant, imports)
        merged = Borrowed({**had.imports, **lent.imports}, {**had.outputs, **lent.outputs},
                          {**had.parameters, **lent.parameters}, lent.zones or had.zones)
        return Found(documents, merged.section().get(KEY, {}), imports)
