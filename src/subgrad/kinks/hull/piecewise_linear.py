"""Whether a graph is piecewise linear: nothing but linear ops and kinks between its variables and its result."""

from __future__ import annotations

from collections.abc import Iterable

from subgrad.graph.kink import Breaks, Cone, Largest
from subgrad.graph.tensor import Tensor
from subgrad.ops.rules import groups


def is_piecewise_linear(order: Iterable[Tensor], moving: set[Tensor]) -> bool:
    """Whether every node that derivatives flow through is linear, or has linear pieces."""
    return all(
        not node.inputs or node.op.is_linear_in([i in moving for i in node.inputs]) or _has_linear_pieces(node)
        for node in order
        if node in moving
    )


def _has_linear_pieces(node: Tensor) -> bool:
    kink = node.op.kink
    if isinstance(kink, Breaks):
        return kink.straight
    return isinstance(kink, Largest) or (isinstance(kink, Cone) and groups(node).shape[1] == 1)
