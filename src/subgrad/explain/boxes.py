"""Modules as closed boxes: which nodes of a graph are drawn as one.

A box holds what one call of a module made. Calls are told apart by their arrows: a node belongs to the box that one of
its inputs is in, if both come from the same module. Two boxes of a module become one where they meet inside of it, as
the branches of an Inception module do, unless that would lead an arrow in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from subgrad.explain.names import is_leaf
from subgrad.graph.tensor import Tensor

Origin = Callable[[Tensor], Tensor]


def boxes(nodes: Sequence[Tensor], depth: int, origin: Origin) -> dict[Tensor, Tensor]:
    """For each node in a closed module the last node of its box; ``nodes`` are in topological order.

    Modules ``depth`` levels down are closed, and those above that hold no others. A parameter goes into the box that
    has all of its users. A module of one op alone, such as a ReLU, is no box.
    """
    found = _Boxes(keys(nodes, depth), origin)
    for node in nodes:
        found.add(node)
    members = {n: found.find(n) for n in nodes if found.key(n) and not is_leaf(n)}
    last = {root: n for n, root in members.items()}  # the later one stays
    members |= {p: root for p, root in _owned(nodes, members, origin) if root is not None}
    crowd = Counter(members.values())
    return {n: last[root] for n, root in members.items() if crowd[root] > 1}


def keys(nodes: Sequence[Tensor], depth: int) -> dict[str, str]:
    """The closed module of each scope that occurs; empty if that is open.

    >>> from types import SimpleNamespace
    >>> keys([SimpleNamespace(scope=s) for s in ("layer1.0.conv1", "layer1.0", "fc", "")], 2)
    {'layer1.0.conv1': 'layer1.0', 'layer1.0': 'layer1.0', 'fc': 'fc', '': ''}
    """
    scopes = dict.fromkeys(n.scope for n in nodes)
    holders = {s.rsplit(".", i)[0] for s in scopes for i in range(1, s.count(".") + 1)}

    def key(scope: str) -> str:
        parts = scope.split(".")
        return ".".join(parts[:depth]) if len(parts) >= depth or scope not in holders else ""

    return {s: key(s) if s else "" for s in scopes}


class _Boxes:
    def __init__(self, keys: dict[str, str], origin: Origin) -> None:
        self._keys, self._origin = keys, origin
        self._parent: dict[Tensor, Tensor] = {}
        self._above: dict[Tensor, set[Tensor]] = {}  # the boxes that a node depends on, its own included

    def key(self, node: Tensor) -> str:
        return self._keys[node.scope]

    def find(self, node: Tensor) -> Tensor:
        while self._parent.get(node, node) is not node:
            node = self._parent[node]
        return node

    def add(self, node: Tensor) -> None:
        """Put ``node`` into the boxes of its inputs, where they are of its module."""
        self._parent[node] = node
        inputs = [self._origin(i) for i in node.inputs if self._origin(i) in self._parent]
        for i in inputs:
            if self.key(node) and self.key(i) == self.key(node) and not is_leaf(i) and not self._circular(i, inputs):
                self._parent[self.find(i)] = node
        above = {self.find(b) for i in inputs for b in self._above[i]}
        self._above[node] = {*above, self.find(node)}

    def _circular(self, i: Tensor, inputs: Iterable[Tensor]) -> bool:
        """Whether another input depends on the box of ``i`` from outside of it."""
        box = self.find(i)
        others = (o for o in inputs if self.find(o) is not box)
        return any(box in {self.find(b) for b in self._above[o]} for o in others)


def _owned(nodes: Sequence[Tensor], members: dict[Tensor, Tensor], origin: Origin):
    """Each parameter with the one box that has all of its users, None if there is no such box."""
    users: dict[Tensor, list[Tensor | None]] = {}
    for node in nodes:
        for i in map(origin, node.inputs):
            users.setdefault(i, []).append(members.get(node))
    for node in nodes:
        if is_leaf(node) and node.owner is not None and len({id(b) for b in users.get(node, [])}) == 1:
            yield node, users[node][0]
