"""What every front-end of this process needs: configuration, engine client, policy.

Purpose: PasteDeploy calls our factories with strings only, so the objects cannot
travel through the ini file; the composition root leaves them here once, before
it loads a pipeline, and the factories pick them up while building. Invariant:
read when an application or filter is built, never while a request runs.
Neighbours: ``cmd`` and ``wsgi`` call ``configure``; ``api.*.app`` and
``api.filters`` call ``current``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from heat.api.revision import Revision
from heat.api.tails import Tails
from heat.common.clock import Clock
from heat.common.context import RequestContext


class EngineClient(Protocol):
    """The one way to the engine; the method names and arguments are those of the RPC interface."""

    def call(self, context: RequestContext, method: str, /, **kwargs: Any) -> Any:
        """Plain JSON data; raises ``heat.common.errors`` classes."""


class Policy(Protocol):
    """``heat.common.policy.Enforcer``, as far as the front-ends use it."""

    def enforce(self, context: RequestContext, rule: str, target: dict[str, Any] | None = None) -> Any:
        """Raises errors.Forbidden when the rule refuses."""

    def is_admin(self, context: RequestContext) -> bool:
        """Whether the rule ``context_is_admin`` allows."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """The three things a front-end is built from, and what its requests share."""

    conf: Any
    engine: EngineClient
    policy: Policy
    tails: Tails
    revision: Revision = field(default_factory=lambda: Revision(Clock()))


_wiring: list[Wiring] = []


def configure(conf: Any, engine_client: EngineClient, policy: Policy | None = None,
              tails: Tails | None = None) -> None:
    """Set what applications built from now on use; called by the composition root only."""
    if policy is None:
        from heat.common.policy import Enforcer
        policy = Enforcer(conf)
    _wiring[:] = [Wiring(conf, engine_client, policy, tails or Tails())]


def current() -> Wiring:
    """The wiring set last. Raises RuntimeError when nobody has called ``configure``."""
    if not _wiring:
        raise RuntimeError('heat.api.wiring.configure() must run before a pipeline is loaded')
    return _wiring[0]
