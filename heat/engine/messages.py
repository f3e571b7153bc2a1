"""What the loop is told: the messages that it takes out of its inbox.

Purpose: one value per kind of news, whoever brings it. Invariant: frozen; what the
loop does about a message is in ``loop`` alone. Neighbours: ``owner`` and ``app`` put
trees and news, the loop's own calls put their answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from heat.clouds.performer import Result
from heat.clouds.watch import Round
from heat.db.signals import Signal
from heat.db.writer import Batch, Committed
from heat.engine.tree import NewGoal, Tree


@dataclass(frozen=True, slots=True)
class Arrived:
    """A tree is ours and loaded."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Changed:
    """News of an owned tree, read from the database."""

    root_id: str
    goals: tuple[NewGoal, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    root_id: str
    uuid: str
    token: int
    result: Result


@dataclass(frozen=True, slots=True)
class Looked:
    round: Round
    result: Result


@dataclass(frozen=True, slots=True)
class Written:
    batch: Batch
    outcome: Committed


@dataclass(frozen=True, slots=True)
class Lost:
    """Trees that another engine has taken, or that may no longer be driven from here."""

    roots: frozenset[str]


@dataclass(frozen=True, slots=True)
class Closed:
    """What a deleted root stack had besides its resources has been taken away."""

    root_id: str


@dataclass(frozen=True, slots=True)
class Published:
    """The exports of a stack that reached goal ``seq`` are there; ``refusal`` says why they are not."""

    root_id: str
    stack_id: str
    seq: int
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """Give every tree up as soon as no call is under way."""
