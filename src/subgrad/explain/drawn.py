"""What of a graph is drawn: constants go into the ops that use them, reshapes and repeats into the edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from subgrad.explain.boxes import boxes, keys
from subgrad.explain.names import is_folded, is_leaf
from subgrad.explain.notation import shape_text
from subgrad.graph.op import Op
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.ops import add
from subgrad.ops.several import SEVERAL, part
from subgrad.ops.shape import broadcast_to, cast, reshape

LARGEST = 50
"""Nodes of a picture in which all modules are open, unless a depth is given."""

_MOVES: set[Op] = {broadcast_to, cast, part, reshape}


@dataclass(frozen=True, eq=False)
class Arrow:
    """A drawn edge.

    Attributes:
        source: where it starts.
        user: where it ends.
        k: which input of the user it is.
        label: the shape of what flows.
        leaps: True into a residual join: a longer way leads from the source to the same sum, through the body.
    """

    source: Tensor
    user: Tensor
    k: int
    label: str
    leaps: bool


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is drawn, in topological order.

    Attributes:
        nodes: each op or leaf; the last node of a closed module stands for all of it.
        arrows: between them.
        scopes: the module in which each node stands.
        boxes: the full name of each closed module, by the node that stands for it.
        inside: of each node in a closed module, the one that stands for it.
    """

    nodes: list[Tensor]
    arrows: list[Arrow]
    scopes: dict[Tensor, str]
    boxes: dict[Tensor, str]
    inside: dict[Tensor, Tensor]

    def place(self, node: Tensor) -> Tensor:
        """The node that is drawn for any node of the graph."""
        node = origin(node)
        return self.inside.get(node, node)


def drawn(output: Tensor, depth: int | None = None, largest: int | None = None) -> Drawn:
    """What is drawn of the graph of ``output``, with the modules ``depth`` levels down as closed boxes.

    Without a ``depth`` no module is closed if that makes at most ``largest`` nodes, else as few as that takes.
    """
    nodes = [n for n in toposort([output]) if n is output or not (n.op in _MOVES or is_folded(n))]
    inside = boxes(nodes, depth, origin) if depth is not None else {}
    if depth is None and largest is not None and len(nodes) > largest:
        depth, inside = _closed_enough(nodes, largest)
    names = keys(nodes, depth) if depth is not None else {}
    titles = {last: names[last.scope] for last in inside.values()}
    level = _depths(nodes)
    ways = [(node, k) for node in nodes for k, i in enumerate(node.inputs) if not is_folded(origin(i))]
    arrows = _between(inside, [_arrow(node, k, level) for node, k in ways])
    shown = [n for n in nodes if inside.get(n, n) is n]
    scopes = _scopes(shown, arrows, {n: title.rpartition(".")[0] for n, title in titles.items()})
    return Drawn(shown, arrows, scopes, titles, inside)


def _closed_enough(nodes: list[Tensor], largest: int) -> tuple[int, dict[Tensor, Tensor]]:
    """The greatest depth that leaves at most ``largest`` nodes, or 1; and its boxes."""
    deepest = max(len(ancestors(n.scope)) for n in nodes)
    for depth in range(deepest, 1, -1):
        inside = boxes(nodes, depth, origin)
        if sum(inside.get(n, n) is n for n in nodes) <= largest:
            return depth, inside
    return 1, boxes(nodes, 1, origin)


def _between(inside: dict[Tensor, Tensor], arrows: Iterable[Arrow]) -> list[Arrow]:
    """The arrows that do not stay in one box, from box to box, each once."""
    found: dict[tuple[Tensor, Tensor, str], Arrow] = {}
    for i, a in enumerate(arrows):
        source, user = inside.get(a.source, a.source), inside.get(a.user, a.user)
        if source is not user:
            key = (source, user, a.label if user in inside else str(i))
            found.setdefault(key, replace(a, source=source, user=user, leaps=a.leaps and user not in inside))
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
    unsaid = is_leaf(source) or source.dtype == SEVERAL  # a leaf has its shape inside, a loop has several results
    before = "" if unsaid else shape_text(source.shape)
    label = f"{before} → {shape_text(used.shape)}".lstrip() if moved else before
    label = shape_text(used.shape) if source.dtype == SEVERAL else label
    return Arrow(source, user, k, label, user.op is add and _leaps(source, user, depth))


def _leaps(source: Tensor, user: Tensor, depth: dict[Tensor, int]) -> bool:
    """True if another input of ``user`` is made of ``source``. The search ends at the depth of the source."""
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
    """The module of each node, of a box the one ``around`` it; a parameter stands in the innermost one that has all of
    its users.

    A module of one node alone, such as a ReLU, is not framed: the node stands in the module around it.
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
