"""Modules as collapsed boxes: which nodes of a graph are drawn as one.

A box holds the nodes that one call of a module made. A node joins the box of an input if both were made by the same
module; so two calls of one module have two boxes. If a node has inputs in two boxes of its module, as where the
branches of an Inception module meet, these boxes are merged, unless the graph of boxes would then have a cycle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

from subgrad.errors import ArgumentError
from subgrad.explain.node_names import is_leaf
from subgrad.explain.opened import STEP
from subgrad.graph.tensor import Tensor

Origin = Callable[[Tensor], Tensor]


def require_whole(name: str, value: Any, least: int) -> None:
    """Raise unless ``value`` is a whole number of ``least`` or more."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ArgumentError(f"{name} is a whole number of {least} or more, got {value!r}")


def boxes(nodes: Sequence[Tensor], depth: int, origin: Origin) -> dict[Tensor, Tensor]:
    """Map each node in a collapsed module to the last node of its box; ``nodes`` are in topological order.

    Modules at nesting level ``depth`` are collapsed, and modules above it that contain no other module and are no step
    of a loop. A parameter is in the box that contains all of its users, if there is one. A module of one op, such as a
    ReLU, gets no box.
    """
    known = keys(nodes, depth)
    if not any(known.values()):
        return {}
    found = _Boxes(known, origin)
    for node in nodes:
        found.add(node)
    members = {n: found.find(n) for n in nodes if found.key(n) and not is_leaf(n)}
    last = {root: n for n, root in members.items()}  # the later one stays
    members |= {p: root for p, root in _owned(nodes, members, origin) if root is not None}
    crowd = Counter(members.values())
    return {n: last[root] for n, root in members.items() if crowd[root] > 1}


def keys(nodes: Sequence[Tensor], depth: int) -> dict[str, str]:
    """Map each scope that occurs to its collapsed module; to the empty string if it is in none.

    >>> from types import SimpleNamespace
    >>> keys([SimpleNamespace(scope=s) for s in ("layer1.0.conv1", "layer1.0", "fc", "")], 2)
    {'layer1.0.conv1': 'layer1.0', 'layer1.0': 'layer1.0', 'fc': 'fc', '': ''}
    """
    scopes = dict.fromkeys(n.scope for n in nodes)
    holders = {s.rsplit(".", i)[0] for s in scopes for i in range(1, s.count(".") + 1)}

    def key(scope: str) -> str:
        parts = scope.split(".")
        whole = len(parts) >= depth or not (scope in holders or parts[-1].startswith(STEP))
        return ".".join(parts[:depth]) if whole else ""

    return {s: key(s) if s else "" for s in scopes}


class _Boxes:
    def __init__(self, keys: dict[str, str], origin: Origin) -> None:
        self._keys, self._origin = keys, origin
        self._parent: dict[Tensor, Tensor] = {}
        self._above: dict[Tensor, set[Tensor]] = {}  # the boxes that a node depends on, and its own

    def key(self, node: Tensor) -> str:
        return self._keys[node.scope]

    def find(self, node: Tensor) -> Tensor:
        while self._parent.get(node, node) is not node:
            node = self._parent[node]
        return node

    def add(self, node: Tensor) -> None:
        """Put ``node`` into the boxes of those inputs that its own module made; this merges these boxes."""
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
    """Pairs of a parameter and the box that contains all of its users; None for a user outside of boxes."""
    users: dict[Tensor, list[Tensor | None]] = {}
    for node in nodes:
        for i in map(origin, node.inputs):
            users.setdefault(i, []).append(members.get(node))
    for node in nodes:
        if is_leaf(node) and node.owner is not None and len({id(b) for b in users.get(node, [])}) == 1:
            yield node, users[node][0]
