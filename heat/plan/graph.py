"""The order of work as an integer DAG.

Purpose: nodes ``Up(name)`` (bring a resource to its definition) and
``Down(uuid)`` (take one physical thing away), and who needs whom. Invariant:
``need`` and ``users`` mirror each other; a graph handed out has no cycle.
Neighbours: ``transforms`` builds it, ``traversal`` walks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Up:
    """Bring the resource ``name`` to what its definition says."""

    name: str

    def __str__(self) -> str:
        return f'up {self.name}'


@dataclass(frozen=True, slots=True)
class Down:
    """Take the physical thing of row ``uuid`` away, unless it is still wanted."""

    uuid: str
    name: str

    def __str__(self) -> str:
        return f'down {self.name}'


Node = Up | Down


class Graph:
    """Parallel lists indexed by node number; a few references instead of objects."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.index: dict[Node, int] = {}
        self.need: list[set[int]] = []
        self.users: list[set[int]] = []

    def add(self, node: Node) -> int:
        number = self.index.get(node)
        if number is None:
            number = self.index[node] = len(self.nodes)
            self.nodes.append(node)
            self.need.append(set())
            self.users.append(set())
        return number

    def edge(self, node: int, needs: int) -> None:
        """``node`` may start only after ``needs`` is done."""
        if node != needs:
            self.need[node].add(needs)
            self.users[needs].add(node)

    def drop(self, node: int, needs: int) -> None:
        self.need[node].discard(needs)
        self.users[needs].discard(node)

    def reaches(self, start: int, goal: int) -> bool:
        """True if ``start`` needs ``goal``, directly or through others."""
        seen, todo = {start}, [start]
        while todo:
            number = todo.pop()
            if number == goal:
                return True
            new = self.need[number] - seen
            seen |= new
            todo.extend(new)
        return False

    def order(self) -> Iterator[int]:
        """Node numbers, requirements first; those on or behind a cycle never come."""
        left = [len(needs) for needs in self.need]
        ready = [i for i, count in enumerate(left) if not count]
        while ready:
            number = ready.pop()
            yield number
            for user in self.users[number]:
                left[user] -= 1
                if not left[user]:
                    ready.append(user)

    def cycle(self) -> list[int]:
        """One cycle as a list of node numbers, each needing the next; empty if none."""
        clean = set(self.order())
        if len(clean) == len(self.nodes):
            return []
        # Every node left has a need among those left, so walking must repeat.
        at = min(i for i in range(len(self.nodes)) if i not in clean)
        path: list[int] = []
        seen: dict[int, int] = {}
        while at not in seen:
            seen[at] = len(path)
            path.append(at)
            at = min(i for i in self.need[at] if i not in clean)
        return path[seen[at]:]

    def names(self, numbers: Iterable[int]) -> list[str]:
        return [str(self.nodes[i]) for i in numbers]
