"""The nodes and arrows of a graph that are drawn: constants are written into their users, reshapes on arrows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from subgrad.explain.boxes import boxes, keys
from subgrad.explain.node_names import is_folded, is_leaf
from subgrad.explain.notation import shape_text
from subgrad.explain.opened import opened
from subgrad.graph.op import Op
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.ops import add
from subgrad.ops.shape import broadcast_to, cast, reshape
from subgrad.ops.tuples import TUPLE, part

LARGEST = 50
"""How many nodes are drawn without collapsing a module, unless a depth is given."""

_MOVES: set[Op] = {broadcast_to, cast, part, reshape}


@dataclass(frozen=True, eq=False)
class Arrow:
    """A drawn edge.

    Attributes:
        source: where it starts.
        user: where it ends.
        k: which input of the user it is.
        label: the shape of what flows.
        skips: True for a skip edge: the source also reaches the same sum on a longer path, through a residual block.
        returns: True for what a step of a loop leaves to the next one.
    """

    source: Tensor
    user: Tensor
    k: int
    label: str
    skips: bool
    returns: bool = False


@dataclass(frozen=True, eq=False)
class DrawnGraph:
    """What is drawn, in topological order.

    Attributes:
        nodes: ops and leaves; a collapsed module is represented by its last node.
        arrows: the edges between them.
        scopes: the module in whose frame each node is drawn.
        boxes: the full name of each collapsed module, by the node that represents it.
        inside: for each node in a collapsed module, the node that represents the module.
    """

    nodes: list[Tensor]
    arrows: list[Arrow]
    scopes: dict[Tensor, str]
    boxes: dict[Tensor, str]
    inside: dict[Tensor, Tensor]

    def place(self, node: Tensor) -> Tensor:
        """The node that is drawn in place of ``node``: its module's, or what it reshapes or repeats."""
        node = origin(node)
        return self.inside.get(node, node)


def drawn_graph(outputs: Sequence[Tensor], depth: int | None = None, largest: int | None = None) -> DrawnGraph:
    """What is drawn of the graph of ``outputs``, with the modules at nesting level ``depth`` collapsed.

    Without a ``depth`` the modules are collapsed at the deepest level that leaves at most ``largest`` nodes. With one,
    loops above that level are drawn as one of their steps.
    """
    roots, starts, returns = opened(outputs, depth)
    last = set(roots[: len(outputs)])
    nodes = [n for n in toposort(roots) if n in last or not (n.op in _MOVES or is_folded(n))]
    inside = boxes(nodes, depth, origin) if depth is not None else {}
    if depth is None and largest is not None and len(nodes) > largest:
        depth, inside = _collapsed_enough(nodes, largest)
    names = keys(nodes, depth) if depth is not None else {}
    titles = {last: names[last.scope] for last in inside.values()}
    level = _depths(nodes)
    ways = [(node, k) for node in nodes for k, i in enumerate(node.inputs) if not is_folded(origin(i))]
    around = [(origin(a), b, back) for pairs, back in ((starts, False), (returns, True)) for a, b in pairs]
    around = [Arrow(a, b, -1, "", False, back) for a, b, back in around if a in level and b in level]
    arrows = _between(inside, [*(_arrow(node, k, level) for node, k in ways), *around])
    shown = [n for n in nodes if inside.get(n, n) is n]
    scopes = _scopes(shown, arrows, {n: title.rpartition(".")[0] for n, title in titles.items()})
    return DrawnGraph(shown, arrows, scopes, titles, inside)


def _collapsed_enough(nodes: list[Tensor], largest: int) -> tuple[int, dict[Tensor, Tensor]]:
    """The greatest depth that leaves at most ``largest`` nodes, or 1; and its boxes."""
    deepest = max(len(ancestors(n.scope)) for n in nodes)
    for depth in range(deepest, 1, -1):
        inside = boxes(nodes, depth, origin)
        if sum(inside.get(n, n) is n for n in nodes) <= largest:
            return depth, inside
    return 1, boxes(nodes, 1, origin)


def _between(inside: dict[Tensor, Tensor], arrows: Iterable[Arrow]) -> list[Arrow]:
    """The arrows between different boxes or nodes, without duplicates."""
    found: dict[tuple[Tensor, Tensor, str], Arrow] = {}
    for i, a in enumerate(arrows):
        source, user = inside.get(a.source, a.source), inside.get(a.user, a.user)
        if source is not user:
            key = (source, user, a.label if user in inside else str(i))
            found.setdefault(key, replace(a, source=source, user=user, skips=a.skips and user not in inside))
    return list(found.values())


def origin(node: Tensor) -> Tensor:
    """The node that is drawn in place of ``node``: what it reshapes or repeats."""
    while node.op in _MOVES:
        node = node.inputs[0]
    return node


def _arrow(user: Tensor, k: int, depth: dict[Tensor, int]) -> Arrow:
    used = user.inputs[k]
    source = origin(used)
    moved = used.shape != source.shape
    unsaid = is_leaf(source) or source.dtype == TUPLE  # a leaf has its shape inside, a loop has several results
    before = "" if unsaid else shape_text(source.shape)
    label = f"{before} → {shape_text(used.shape)}".lstrip() if moved else before
    label = shape_text(used.shape) if source.dtype == TUPLE else label
    return Arrow(source, user, k, label, user.op is add and _is_skip_edge(source, user, depth))


def _is_skip_edge(source: Tensor, user: Tensor, depth: dict[Tensor, int]) -> bool:
    """True if another input of ``user`` depends on ``source``. The search ends at the depth of the source."""
    others = [o for o in map(origin, user.inputs) if depth.get(o, 0) > depth[source]]
    above = toposort(others, is_leaf=lambda n: depth.get(n, depth[source] + 1) <= depth[source])
    return any(n is source for n in above)


def _depths(nodes: Iterable[Tensor]) -> dict[Tensor, int]:
    """The length of the longest way from a leaf to each node."""
    depth: dict[Tensor, int] = {}
    for node in nodes:
        depth[node] = 1 + max((depth.get(origin(i), 0) for i in node.inputs), default=-1)
    return depth


def _scopes(nodes: Iterable[Tensor], arrows: Iterable[Arrow], around: dict[Tensor, str]) -> dict[Tensor, str]:
    """The module in whose frame each node is drawn: its own, for a box the module ``around`` it, for a parameter the
    innermost one that contains all of its users.

    A module with a single node, such as a ReLU, has no frame: the node is drawn in the frame of the module around it.
    """
    scopes = {n: around.get(n, n.scope) for n in nodes}
    users: dict[Tensor, list[str]] = {}
    for a in arrows:
        users.setdefault(a.source, []).append(around.get(a.user, a.user.scope))
    for n in scopes:
        if n.owner is not None and n in users:
            scopes[n] = _around(users[n])
    crowd = Counter(ancestor for scope in scopes.values() for ancestor in ancestors(scope))
    return {n: next((s for s in reversed(ancestors(scope)) if crowd[s] > 1), "") for n, scope in scopes.items()}


def _around(scopes: Iterable[str]) -> str:
    """The innermost module that holds all of ``scopes``."""
    levels = zip(*(scope.split(".") for scope in scopes), strict=False)
    return ".".join(level[0] for level in takewhile(lambda level: len(set(level)) == 1, levels))


def ancestors(scope: str) -> list[str]:
    """``a``, ``a.b``, ``a.b.c`` of the scope ``a.b.c``; nothing of the empty one."""
    parts = scope.split(".") if scope else []
    return [".".join(parts[: i + 1]) for i in range(len(parts))]
