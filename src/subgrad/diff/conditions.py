"""Where ops that have no `Kink` jump or have an infinite slope: one table of them, and what is asked of it.

That an element is there holds whatever the direction. So all who look at a point ask here: second derivatives
(`curvature`), the walk along one direction (`walk`), the form all around a point (`normal_form`) and the native
program. Comparisons jump as well, and what follows from a condition that switches is in `switches` and `jumps`; how it
goes through logic and movement is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.graph.op import TABLE, Kind, Op
from subgrad.graph.tensor import Tensor

Tangents = Sequence[Tensor | None]
Trouble = tuple[np.ndarray, str]
Arrays = Sequence[np.ndarray]

_ROOT = (
    "of 0 its slope is infinite, or, as of sqrt(x * x + x**4), not decided by first derivatives "
    "(the length of a vector is sg.norm)"
)
_EDGE = "of 0, and the direction leads out of its domain"


@dataclass(frozen=True)
class Condition:
    """What is known of one op.

    Attributes:
        kind: ``jump`` or ``root``.
        on: of a node with inputs: a bool tensor of its shape, True where it is there; None if it never is.
        distance: ``distance(*xs, **attrs)``, how far from there its inputs are; None where nobody asks.
        trouble: ``trouble(node, moves, ts)``, where it has no derivative along the tangents ``ts`` of its inputs, and
            why; ``moves`` is True where it is there and may leave. None for what only chooses.
    """

    kind: str
    on: Callable[[Tensor], Tensor | None]
    distance: Callable[..., np.ndarray] | None = None
    trouble: Callable[[Tensor, np.ndarray, Arrays], Trouble] | None = None


def undecided(node: Tensor) -> Tensor | None:
    """Where ``node`` tells two things apart that tie, so that it may jump: of its shape; None if it never does."""
    return _on(node, "jump")


def at_root(node: Tensor) -> Tensor | None:
    """Where the base of a root or of a fractional power is 0: an infinite slope, or the end of its domain."""
    return _on(node, "root")


def _on(node: Tensor, kind: str) -> Tensor | None:
    found = CONDITIONS.get(node.op)
    return found.on(node) if found is not None and found.kind == kind else None


def trouble(node: Tensor, tangents: Tangents, still: Sequence[bool]) -> Trouble | None:
    """Where ``node`` has no derivative, and why; None if it has one.

    Args:
        node: an op with values.
        tangents: of its inputs.
        still: for each input, whether a tangent of 0 means that it does not move: it is affine along the direction.
    """
    found = CONDITIONS.get(node.op)
    if found is None or found.trouble is None or all(t is None for t in tangents):
        return None
    ts, on = [np.zeros(()) if t is None else t.numpy() for t in tangents], found.on(node)
    moves = np.asarray((on is not None and on.numpy()) & ~(still[0] & (ts[0] == 0)))
    bad, why = found.trouble(node, moves, ts)
    return (bad, why) if np.any(bad) else None


def may_jump(op: Op) -> bool:
    """Whether an op jumps somewhere."""
    return op in CONDITIONS and CONDITIONS[op].kind == "jump"


def is_comparison(op: Op) -> bool:
    """Whether an op compares two numbers."""
    return op in CONDITIONS and CONDITIONS[op].on is _equal


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


# The rules of the table


def _equal(node: Tensor) -> Tensor:
    return node.inputs[0] == node.inputs[1]


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a - b)


def _at_zero(node: Tensor) -> Tensor:
    return node.inputs[0] == 0


def _of_power(x: np.ndarray, p: Any) -> np.ndarray:
    return np.where((p > 0) & (p < 1), np.abs(x), np.inf)


def _tied(best: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
    def tied(node: Tensor) -> Tensor:
        x, axis = node.inputs[0], node.attrs["axis"]
        return ops.where(x == best(x, axis, keepdims=True), 1.0, 0.0).sum(axis) > 1

    return tied


def _neighbours(node: Tensor) -> Tensor:
    """Where an element has an equal one beside it in the order: their indices change places."""
    axis, n = node.attrs["axis"], node.shape[node.attrs["axis"]]
    ordered = ops.moveaxis(ops.take_along_axis(node.inputs[0], node, axis), axis, -1)
    same = ops.equal(ordered[..., 1:], ordered[..., :-1]) if n > 1 else ops.full(ordered[..., 1:].shape, False, "bool")
    edge = ops.full((*ordered.shape[:-1], min(n, 1)), False, "bool")
    tied = ops.concatenate([same, edge], -1) | ops.concatenate([edge, same], -1)
    return ops.moveaxis(tied, -1, axis)


def _cut(node: Tensor) -> Tensor | None:
    """A cast to bool jumps at 0, one to integers at all others: both sides of 0 become 0."""
    x = node.inputs[0]
    if x.dtype.kind != "f" or node.dtype.kind == "f":
        return None
    return x == 0 if node.dtype.kind == "b" else (node.astype(x.dtype) == x) & (x != 0)


def _fraction(node: Tensor) -> Tensor | None:
    p = node.attrs["p"]
    return None if p >= 0 and p == int(p) else _at_zero(node)


def _power(node: Tensor, moves: np.ndarray, ts: Arrays) -> Trouble:
    """x^p for a number p: a root for 0 < p < 1; for other fractions the domain ends at 0."""
    p = node.attrs["p"]
    return (moves, _ROOT) if 0 < p < 1 else ((p % 1 != 0) & moves & (ts[0] < 0), _EDGE)


def _pow(node: Tensor, moves: np.ndarray, ts: Arrays) -> Trouble:
    """x^p for a tensor p; at x = p = 0 it jumps if p moves."""
    p = node.inputs[1].numpy()
    root = moves & (p > 0) & (p < 1)
    jump = (node.inputs[0].numpy() == 0) & (p == 0) & (ts[1] != 0)
    edge = moves & (ts[0] < 0) & ((p != np.trunc(p)) | (ts[1] != 0))
    return root | jump | edge, _ROOT if root.any() else _EDGE if edge.any() else "0 to the power of 0 jumps"


def _whole(node: Tensor) -> Tensor:
    return node.inputs[0] == node


def _middle(node: Tensor) -> Tensor:
    return abs(node.inputs[0] - node) == 0.5


def _from_grid(offset: float) -> Callable[..., np.ndarray]:
    def distance(x: np.ndarray) -> np.ndarray:
        return np.abs(x - offset - np.rint(x - offset))

    return distance


def _multiple(node: Tensor) -> Tensor:
    return (node == 0) & (node.inputs[1] != 0)


def _to_multiple(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    rest = np.abs(np.remainder(a, b))
    return np.minimum(rest, np.abs(b) - rest)


def _at_one(node: Tensor) -> Tensor:
    return abs(node.inputs[0]) == 1


def _domain_ends(node: Tensor, moves: np.ndarray, ts: Arrays) -> Trouble:
    return moves, "of 1 or -1 its slope is infinite, and its domain ends"


def _angle(node: Tensor) -> Tensor:
    y, x = node.inputs
    return (y == 0) & (x <= 0)


def _jumps(where: str) -> Callable[[Tensor, np.ndarray, Arrays], Trouble]:
    return lambda node, moves, ts: (moves, f"it jumps {where}")


ENDS = Condition("root", _at_one, lambda x: np.abs(np.abs(x) - 1), _domain_ends)

CONDITIONS: dict[Op, Condition] = {
    **dict.fromkeys([ops.less, ops.less_equal, ops.equal, ops.not_equal], Condition("jump", _equal, _apart)),
    ops.sign: Condition("jump", _at_zero, np.abs, lambda node, moves, ts: (moves, "it jumps at 0")),
    ops.floor: Condition("jump", _whole, _from_grid(0), _jumps("at whole numbers")),
    TABLE["round"]: Condition("jump", _middle, _from_grid(0.5), _jumps("in the middle of whole numbers")),
    ops.remainder: Condition("jump", _multiple, _to_multiple, _jumps("at multiples of its divisor")),
    ops.atan2: Condition("jump", _angle, None, _jumps("where y is 0 and x is not above 0")),
    **dict.fromkeys([ops.asin, ops.acos, ops.acosh], ENDS),
    ops.argmax: Condition("jump", _tied(ops.max)),
    ops.argmin: Condition("jump", _tied(ops.min)),
    ops.argsort: Condition("jump", _neighbours),
    TABLE["cast"]: Condition("jump", _cut),
    ops.sqrt: Condition("root", _at_zero, np.abs, lambda node, moves, ts: (moves, _ROOT)),
    TABLE["power"]: Condition("root", _fraction, _of_power, _power),
    TABLE["pow"]: Condition("root", _at_zero, _of_power, _pow),
}
"""The ops that are not smooth at some points and have no `Kink`."""

__all__ = [
    "CONDITIONS", "ENDS", "Condition", "at_root", "is_comparison", "matters", "may_jump", "moved", "moves", "trouble",
    "undecided",
]  # fmt: skip
