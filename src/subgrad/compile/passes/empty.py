"""Tensors without elements leave the graph: what is made of them holds no elements either, or one number everywhere.

So no kernel has to know about lengths of 0, but for one: an output without elements is a constant of which nothing is
written.
"""

from __future__ import annotations

from collections.abc import Sequence

from subgrad import ops
from subgrad.compile.codegen.lower import Role, role
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.ops.tuples import part
from subgrad.recur.loop import loop


def has_empty(outputs: Sequence[Tensor]) -> bool:
    """Whether a graph has a tensor without elements, or a loop without steps."""
    return any(not n.size or _is_still(n) for n in toposort(outputs))


def filled(node: Tensor) -> Tensor:
    """A constant in the place of a node whose value does not depend on any element; any other node as it is."""
    op, inputs = node.op, node.inputs
    if op is ops.full or role(op) in (None, Role.LOOP):
        return node
    if op is part and _is_still(inputs[0]):
        return _unchanged(node)
    if not node.size:
        return ops.full(node.shape, 0, node.dtype)
    if op is ops.concatenate:
        some = tuple(i for i in inputs if i.size)
        return apply(op, some, node.attrs) if len(some) < len(inputs) else node
    if op.linear and not all(i.size for i in inputs):  # nothing moved, added up or multiplied: what is put around it
        return ops.full(node.shape, node.attrs.get("value", 0), node.dtype)
    return node


def _is_still(node: Tensor) -> bool:
    return node.op is loop and not node.attrs["body"].length


def _unchanged(node: Tensor) -> Tensor:
    """What a loop without steps gives: its first carry, and no rows."""
    (still,), k = node.inputs, node.attrs["index"]
    carry = still.attrs["body"].parted(still.inputs)[1]
    return carry[k] if k < len(carry) else ops.full(node.shape, 0, node.dtype)


__all__ = ["filled", "has_empty"]
