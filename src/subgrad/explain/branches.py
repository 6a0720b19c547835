"""Branches side by side in the order in which they were written.

Graphviz's dot keeps the order in which it comes to nodes from above unless another one has fewer crossings (Gansner,
Koutsofios, North, Vo, A Technique for Drawing Directed Graphs, 1993, section 3). So branches keep theirs if they begin
at one height, with nothing of them beside or above the node that they come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from subgrad.explain.drawn_graph import DrawnGraph
from subgrad.explain.node_names import is_leaf
from subgrad.graph.tensor import Tensor


class Heights:
    """What is said of heights, so that branches keep their order.

    Args:
        graph: what is drawn.
        frames: the frames around the nodes of each scope, the outermost first.

    Attributes:
        level: sets of nodes, each of one height.
        below: a node, and one that stands below it without an arrow.
    """

    def __init__(self, graph: DrawnGraph, frames: Mapping[str, Sequence[str]]) -> None:
        self.level: list[list[Tensor]] = []
        self.below: list[tuple[Tensor, Tensor]] = []
        self._frames = {node: frames[scope] for node, scope in graph.scopes.items()}
        self._arrows = [(a.source, a.user) for a in graph.arrows if not a.returns]
        self._sources: dict[Tensor, list[Tensor]] = {}
        users: dict[Tensor, list[Tensor]] = {}
        for source, user in self._arrows:
            self._sources.setdefault(user, []).append(source)
            users.setdefault(source, []).append(user)
        for source, found in users.items():
            if source in self._frames:
                self._part(source, list(dict.fromkeys(found)), 0)

    def _part(self, source: Tensor, users: list[Tensor], depth: int) -> None:
        """Branches in frames at some depth, then those within each of these."""
        groups: dict[str | Tensor, list[Tensor]] = {}
        for user in users:
            groups.setdefault(self._frame(user, depth) or user, []).append(user)
        framed = [frame for frame in groups if isinstance(frame, str)]
        if len(groups) > 1 and any(frame not in self._frames[source] for frame in framed):
            self._branches(source, [group[0] for group in groups.values()], depth)
        for frame in framed:
            self._part(source, groups[frame], depth + 1)

    def _frame(self, node: Tensor, depth: int) -> str:
        around = self._frames[node]
        return around[depth] if depth < len(around) else ""

    def _branches(self, source: Tensor, entries: list[Tensor], depth: int) -> None:
        level: list[Tensor] = []
        self.level.append(level)
        for entry in entries:
            level.append(entry)
            if not self._possible():  # it comes after another one
                level.pop()
        for entry in level if len(level) > 1 else ():
            for leaf in self._leaves_above(entry, self._frame(entry, depth)):
                self.below.append((source, leaf))
                if not self._possible():
                    self.below.pop()
        if len(level) < 2:
            self.level.pop()

    def _leaves_above(self, entry: Tensor, frame: str) -> Iterator[Tensor]:
        """The parameters of ``frame`` that ``entry`` depends on within it."""
        stack, seen = [entry], {entry}
        while stack:
            for source in self._sources.get(stack.pop(), ()):
                if source not in seen and frame in self._frames[source]:
                    seen.add(source)
                    stack.append(source)
                    if is_leaf(source):
                        yield source

    def _possible(self) -> bool:
        """Whether all arrows can go down."""
        same = {node: level[0] for level in self.level for node in level}
        order: TopologicalSorter[Tensor] = TopologicalSorter()
        for above, below in [*self._arrows, *self.below]:
            order.add(same.get(below, below), same.get(above, above))
        try:
            order.prepare()
        except CycleError:
            return False
        return True


__all__ = ["Heights"]
