"""Which trees are ours: leases taken, beaten, given up; pokes; the reaper.

Purpose: whoever holds a tree's lease drives it; a dead engine's trees are found
by any other. Invariant: no call starts when the last good beat is older than
TTL minus a margin (``may_call``), so a thief may drive at once.
Neighbours: ``db.leases`` has the compare-and-swap, ``loop`` is told what arrived
and what changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common import errors, green
from heat.common.clock import Clock
from heat.db import connect, leases, resources, signals, stacks
from heat.engine.loader import Loader
from heat.engine.loop import Loop
from heat.engine.messages import Arrived, Changed
from heat.engine.tree import Tree
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action
from heat.plan import breakpoints
from heat.plan.told import resource_label
from heat.resources import creation
from heat.template.registry import HOOKS

LOG = logging.getLogger(__name__)
DEADLOCKS = connect.RetryPlan(lost=False)
# Of the TTL: what a call has between the last look at the lease and its way out.
MARGIN = 0.25


class Owner:
    """Ownership for one engine. ``forward`` pokes another engine over the bus.

    ``watch`` is told that nobody evaluates the watch rules.
    """

    def __init__(self, engine_id: str, database: Engine, loader: Loader, clock: Clock, *, ttl: float = 20.0,
                 beat_interval: float = 5.0,
                 forward: Callable[[str, str], None] = lambda engine_id, root_id: None,
                 watch: Callable[[], None] = lambda: None) -> None:
        self.engine_id = engine_id
        self.ttl = ttl
        self._database = database
        self._loader = loader
        self._clock = clock
        self._beat_interval = beat_interval
        self._forward = forward
        self._watch = watch
        self._last_good = clock.monotonic()
        self._retired = self._stopped = False
        self._loop: Loop | None = None

    def attach(self, loop: Loop) -> None:
        """The loop and the owner know each other."""
        self._loop = loop

    @property
    def loop(self) -> Loop:
        assert self._loop is not None
        return self._loop

    def may_call(self) -> bool:
        """Whether the trees are surely still ours: the last good beat is young enough."""
        return self._clock.monotonic() - self._last_good < self.ttl * (1 - MARGIN)

    # -- trees that come and go --------------------------------------------------------------------

    def arrived(self, tree: Tree) -> None:
        """A tree whose lease was taken by intake."""
        self.loop.put(Arrived(tree))

    def poke(self, root_id: str) -> None:
        """There is news of a tree: read it if it is ours, take it if it is free, else tell its owner.

        Never raises: the news are durable, and a poke that fails is made up for by the next beat.
        """
        self._guard(self._poke, root_id)

    def _poke(self, root_id: str) -> None:
        if root_id in self.loop.trees:
            self.refresh(root_id)
            return
        if self._retired or not self.claim(root_id):
            with connect.read(self._database) as conn:
                owner = leases.owner(conn, root_id)
            if owner is not None and owner != self.engine_id:
                self._forward(owner, root_id)

    def claim(self, root_id: str) -> bool:
        """Take the lease and load the tree; False if another engine has it, or nothing is to be done."""
        tree = connect.offload(self._database, self._take, root_id)
        if tree is None:
            return False
        LOG.info('Stack tree %s is ours now (fence %d).', root_id, tree.fence)
        self.loop.put(Arrived(tree))
        return True

    def _take(self, root_id: str) -> Tree | None:
        with connect.write(self._database) as conn:
            if leases.owner(conn, root_id) == self.engine_id and root_id in self.loop.trees:
                return None
            fence = leases.take(conn, root_id, self.engine_id, self.ttl)
        if fence is None:
            return None
        tree = None
        try:
            with connect.read(self._database) as conn:
                # Its owner may have ended its work while this waited for the lease.
                if _unfinished(conn, root_id):
                    tree = self._loader.tree(conn, root_id, fence)
        finally:
            if tree is None:
                self._give_back(root_id, fence)
        return tree

    def _give_back(self, root_id: str, fence: int) -> None:
        """A tree that is gone, or cannot be loaded, is not ours to hold."""
        with connect.write(self._database) as conn:
            leases.release(conn, root_id, self.engine_id, fence)

    def refresh(self, root_id: str) -> None:
        """Read newer goals and signals of an owned tree."""
        tree = self.loop.trees.get(root_id)
        if tree is None:
            return
        known = {stack_id: run.goal.seq for stack_id, run in tree.stacks.items()}

        def load(conn: Connection) -> Changed:
            return Changed(root_id, self._loader.news(conn, root_id, known),
                           self._loader.signals(conn, root_id))

        changed = connect.reading(self._database, load)
        if changed.goals or changed.signals:
            self.loop.put(changed)

    def gone(self, roots: Iterable[str]) -> None:
        """Trees were released: what came in meanwhile is looked for at once."""
        for root_id in roots:
            green.spawn(self._guard, self._look_again, root_id)

    def _look_again(self, root_id: str) -> None:
        if self._retired:
            return

        if connect.reading(self._database, _unfinished, root_id):
            self.claim(root_id)

    def check_signal(self, stack: Stack, resource_name: str,
                     details: Mapping[str, Any] | None = None) -> Row:
        """The row; ResourceNotFound or ResourceActionNotSupported unless the resource takes the signal.

        ResourceNotAvailable for one that is not begun, and would know nothing of it.
        ``unset_hook`` in it is for the engine: InvalidBreakPointHook unless that hook holds the resource.
        """
        rows = connect.reading(self._database, resources.rows_of_name, stack.id, resource_name,
                               self._loader.crypt)
        rows.sort(key=lambda r: (r.action is Action.DELETE, r.action is Action.INIT,
                                 r.replaced_by is not None))
        hook = (details or {}).get('unset_hook')
        held = next((r for r in rows if breakpoints.waits(r)), None) if hook is not None else None
        row = held or (rows[0] if rows else None)
        if row is None:
            raise errors.ResourceNotFound(resource_name=resource_name, stack_name=stack.name)
        if hook is not None:
            self._check_hook(stack, row, hook)
        elif not (kind := self._loader.plugin(row)).signals and not creation.awaits(row):
            raise errors.ResourceActionNotSupported(action='signal')
        elif row.action is Action.INIT or (kind.deploys and row.physical_id is None):
            raise errors.ResourceNotAvailable(resource_name=resource_name)
        return row

    @staticmethod
    def _check_hook(stack: Stack, row: Any, hook: Any) -> None:
        if hook not in HOOKS:
            raise errors.InvalidBreakPointHook(message=f'Invalid hook type "{hook}"')
        if not breakpoints.waits(row, hook):
            raise errors.InvalidBreakPointHook(
                message=f'The "{hook}" hook is not defined on {resource_label(row, stack)}')

    # -- the pulse -----------------------------------------------------------------------------------

    def start(self) -> None:
        green.spawn(self._pulse)

    def retire(self) -> None:
        """Take no tree any more; those whose calls are under way stay ours, and are beaten for."""
        self._retired = True

    def stop(self) -> None:
        self._retired = self._stopped = True

    def _pulse(self) -> None:
        while not self._stopped:
            self._guard(self.beat)
            if not self._retired:
                self._guard(self.reap)
            green.sleep(self._beat_interval)

    def _guard(self, function: Callable[..., Any], *args: Any) -> None:
        try:
            function(*args)
        except Exception as error:
            LOG.warning('Ownership: %s failed (%s); it is tried again.', function.__name__, error)

    def beat(self) -> None:
        """Renew our leases by the database's time and read what we may have missed."""
        before = self._clock.monotonic()

        def renew() -> None:
            with connect.write(self._database) as conn:
                leases.beat(conn, self.engine_id)

        # It may meet the writer's lock on the same leases in a deadlock.
        connect.retry_on_disconnect(DEADLOCKS)(connect.offload)(self._database, renew)
        # Counted from before the statement: it may have taken long.
        self._last_good = before
        for root_id in list(self.loop.trees):
            self.refresh(root_id)

    def reap(self) -> None:
        """Take what nobody drives: stale leases, work without an owner, unread signals."""
        def look(conn: Connection) -> list[str]:
            found = leases.stale(conn, self.ttl) + leases.orphans(conn) + signals.roots_waiting(conn)
            return list(dict.fromkeys(found))

        for root_id in connect.reading(self._database, look):
            if root_id == leases.WATCHES:
                self._guard(self._watch)
            elif root_id not in self.loop.trees and not self._retired:
                # Each by itself: one tree that cannot be loaded must not keep the others waiting.
                self._guard(self.claim, root_id)


def _unfinished(conn: Connection, root_id: str) -> bool:
    """Whether something is to be done in a tree: work in progress, or a signal to be applied."""
    return stacks.in_progress(conn, root_id) or root_id in signals.roots_waiting(conn)
