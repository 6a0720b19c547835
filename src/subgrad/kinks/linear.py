"""Whether a graph is piecewise linear: nothing but linear ops and kinks between its variables and its result."""

from __future__ import annotations

from collections.abc import Iterable

from subgrad import ops
from subgrad.graph.op import TABLE
from subgrad.graph.tensor import Tensor
from subgrad.kinks.pieces import groups
from subgrad.ops import indexing, kinked
from subgrad.ops.convolution import CONVOLUTIONS
from subgrad.ops.shape import cast


def is_piecewise_linear(order: Iterable[Tensor], moving: set[Tensor]) -> bool:
    """Whether every node that derivatives flow through is linear, or has linear pieces."""
    return all(_is_linear(node, [i in moving for i in node.inputs]) for node in order if node in moving)


def _is_linear(node: Tensor, moving: list[bool]) -> bool:
    if not node.inputs or node.op in _LINEAR:
        return True
    if node.op in _PRODUCTS:
        return sum(moving) <= 1
    if node.op is ops.div:
        return not moving[1]
    return node.op is ops.norm and groups(node).shape[1] == 1


_PRODUCTS = {ops.mul, ops.scale, ops.contract, *CONVOLUTIONS}

_LINEAR = {
    ops.add, ops.sub, ops.neg, ops.sum, ops.cumsum, ops.reshape, ops.transpose, ops.broadcast_to, ops.concatenate,
    ops.pad, ops.where, ops.relu, ops.leaky_relu, ops.abs, ops.maximum, ops.minimum, ops.max, ops.min, kinked._clip,
    indexing.slice_, indexing.place, indexing.gather, indexing.scatter_add, cast, ops.windows, TABLE["slide"],
    ops.fold,
}  # fmt: skip
