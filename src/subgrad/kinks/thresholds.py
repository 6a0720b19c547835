"""Where ops choose or have an infinite slope: facts that hold at a point whatever the direction, as bool tensors.

Both ways of looking at a point, along one direction (`walk`) and all around it (`normal_form`), and the native program
take them from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.graph.op import TABLE, Kind, Op
from subgrad.graph.tensor import Tensor

COMPARISONS = {ops.less, ops.less_equal, ops.equal, ops.not_equal}


def undecided(node: Tensor) -> Tensor | None:
    """Where ``node`` tells two things apart that tie, so that it may jump: of its shape; None if it never does."""
    return _CHOICES[node.op](node) if node.op in _CHOICES else None


def at_root(node: Tensor) -> Tensor | None:
    """Where the base of a root or of a fractional power is 0: an infinite slope, or the end of its domain."""
    return _ROOTS[node.op](node) if node.op in _ROOTS else None


def matters(node: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """For ``and`` and ``or``: where each side counts, because the other one does not decide alone."""
    x, y = (i.numpy() for i in node.inputs)
    return (y, x) if node.op is ops.logical_and else (~y, ~x)


def moves(node: Tensor) -> bool:
    """Whether ``node`` only moves elements about, perhaps among others that are constant."""
    return node.op.kind in (Kind.VIEW, Kind.MOVEMENT)


def moved(node: Tensor, facts: Sequence[np.ndarray], around: Any) -> np.ndarray:
    """What is known of the elements of the inputs, in the places that ``node`` moves them to.

    Args:
        node: one that `moves`.
        facts: for each input an array of its shape; for those that say where to, none is used.
        around: what is known of the constants that it puts beside them.
    """
    attrs = {**node.attrs, "value": around} if node.op is ops.pad else node.attrs
    inputs = [f if i.dtype.kind == "b" else i.numpy() for i, f in zip(node.inputs, facts, strict=True)]
    return np.asarray(node.op.ref(*inputs, **attrs))


def _equal(node: Tensor) -> Tensor:
    return node.inputs[0] == node.inputs[1]


def _at_zero(node: Tensor) -> Tensor:
    return node.inputs[0] == 0


def _tied(best: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
    def tied(node: Tensor) -> Tensor:
        x, axis = node.inputs[0], node.attrs["axis"]
        return ops.where(x == best(x, axis, keepdims=True), 1.0, 0.0).sum(axis) > 1

    return tied


def _cut(node: Tensor) -> Tensor | None:
    """A cast to bool jumps at 0, one to integers at all others: both sides of 0 become 0."""
    x = node.inputs[0]
    if x.dtype.kind != "f" or node.dtype.kind == "f":
        return None
    return x == 0 if node.dtype.kind == "b" else (node.astype(x.dtype) == x) & (x != 0)


def _fraction(node: Tensor) -> Tensor | None:
    p = node.attrs["p"]
    return None if p >= 0 and p == int(p) else _at_zero(node)


_CHOICES: dict[Op, Callable[[Tensor], Tensor | None]] = {
    **dict.fromkeys(COMPARISONS, _equal),
    ops.sign: _at_zero,
    ops.argmax: _tied(ops.max),
    ops.argmin: _tied(ops.min),
    TABLE["cast"]: _cut,
}

_ROOTS: dict[Op, Callable[[Tensor], Tensor | None]] = {
    ops.sqrt: _at_zero,
    TABLE["power"]: _fraction,
    TABLE["pow"]: _at_zero,
}

__all__ = ["COMPARISONS", "at_root", "matters", "moved", "moves", "undecided"]
