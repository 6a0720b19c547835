"""Slopes of a function, for proofs: derivatives of what it computes, and where it might jump between them."""

from __future__ import annotations

from subgrad import ops
from subgrad.bounds.taylor.rules import TAYLOR
from subgrad.compile.passes.simplify import expand, rewrite
from subgrad.diff.conditions import undecided
from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor

FAR = 1e100  # above all tolerances


def slopes(y: Tensor, x: Tensor, variable: int) -> Tensor:
    """The derivatives of y, shape (k,), at a point x, (1, d), by one of its variables, shape (k,).

    Raises:
        ArgumentError: for an op that has no bounds.
    """
    y = as_computed(y)
    for node in toposort([y]):
        if not _known(node):
            raise ArgumentError(node.site.after(f"there are no bounds for the op {node.op.name}"))
    return ops.concatenate([gradients(y[k], [x])[0][0, variable : variable + 1] for k in range(y.size)])


def as_computed(y: Tensor) -> Tensor:
    """The same, with derivatives of what it computes, whatever `subgrad.custom_vjp` or ``stop_gradient`` in it say."""
    with using_dtype(float64):
        return rewrite([y], _in_known_ops)[0]


def _in_known_ops(node: Tensor) -> Tensor:
    return node.inputs[0] if node.op is ops.stop_gradient else node if _known(node) else expand(node)


def _known(node: Tensor) -> bool:
    """Whether an op stays as it is: floor becomes the comparisons that it is made of, which `jumps` sees."""
    return node.op is not ops.floor and (not node.inputs or node.op in TAYLOR or node.op in TAYLOR.expansions)


def jumps(y: Tensor, x: Tensor) -> Tensor | None:
    """Numbers that are 0 over a box unless y might jump in it, when they exceed everything; None if y never does.

    The derivatives of a step are 0 on both of its sides. So on a box on which a comparison goes both ways, derivatives
    say nothing.
    """
    moving, found = {x}, []
    for node in toposort([y]):
        if moving.isdisjoint(node.inputs):
            continue
        moving.add(node)
        if node.dtype.kind == "b":
            found.append(node)
        elif (there := undecided(node)) is not None:  # a sign, or a number cut off for an integer
            found.append(there)
    both = [FAR * ops.where(c, 1.0, 0.0) * ops.where(c, 0.0, 1.0) for c in found]
    return ops.concatenate([b.reshape(b.size) for b in both]) if both else None


__all__ = ["as_computed", "jumps", "slopes"]
