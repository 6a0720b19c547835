"""What a kernel keeps in memory for later ones, and what those compute again: the cheapest choice.

A kernel of the forward pass has values that the backward pass needs. Each of them is either written and read again, or
computed again from others that are; the choice with the least cost is a minimum cut (He and Yu, "Transcending
runtime-memory tradeoffs in checkpointing by being fusion aware", MLSys 2023). So the derivative of a gelu is computed
from what the gelu was computed from, not from three arrays between them.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from subgrad.graph.tensor import Tensor

NEAR = 6  # what an element costs to be written and read again, in multiplications: it is computed again if that is less
FAR = 48  # of an array that is gone from a core's own cache when it is read again: 4 bytes of it
LARGE = 1 << 19  # bytes of such an array

Flow = dict[int, dict[int, float]]


def keeping(node: Tensor) -> float:
    """What it costs to write and to read an element of a node, in multiplications; a little less if it is narrow."""
    size = node.dtype.itemsize
    return FAR * size / 4 if node.size * size > LARGE else NEAR + size / 1024


def cheapest(
    nodes: Sequence[Tensor], wanted: Iterable[Tensor], kept: set[Tensor], again: Callable[[Tensor], float]
) -> set[Tensor]:
    """Which of a kernel's ``nodes`` lie in memory, so that those ``wanted`` can be read or computed again.

    ``kept`` ones lie there anyway; ``again`` is what it costs to compute an element of a node from its inputs.
    """
    number = {n: i for i, n in enumerate(nodes)}
    start, end = -1, 2 * len(nodes)
    flow: Flow = defaultdict(dict)
    for node, i in number.items():
        computed, known = 2 * i, 2 * i + 1  # behind the cut: it is computed again; it is known, by that or by memory
        flow[start][computed] = again(node)
        flow[computed][known] = 0 if node in kept else keeping(node)
        for x in node.inputs:
            if x in number:
                flow[2 * number[x] + 1][computed] = math.inf
    for node in wanted:
        flow[2 * number[node] + 1][end] = math.inf
    before = _minimum_cut(flow, start, end)
    return {n for n, i in number.items() if 2 * i in before and 2 * i + 1 not in before}


def _minimum_cut(flow: Flow, start: int, end: int) -> set[int]:
    """What can be reached from ``start`` when as much flows to ``end`` as can; ``flow`` is used up."""
    while True:
        path = _shortest_path(flow, start, end)
        if end not in path:
            return set(path)
        steps, at = [], end
        while at != start:
            steps.append((path[at], at))
            at = path[at]
        most = min(flow[a][b] for a, b in steps)
        for a, b in steps:
            flow[a][b] -= most
            flow[b][a] = flow[b].get(a, 0) + most


def _shortest_path(flow: Flow, start: int, end: int) -> dict[int, int]:
    """Each place that can be reached, with the one before it; up to ``end``."""
    found, pending = {start: start}, deque([start])
    while pending and end not in found:
        at = pending.popleft()
        for to, room in flow[at].items():
            if room > 0 and to not in found:
                found[to] = at
                pending.append(to)
    return found


__all__ = ["cheapest", "keeping"]
