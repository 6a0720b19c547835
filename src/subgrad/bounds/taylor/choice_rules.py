"""Taylor models of comparisons and choices: what may go either way over a box goes both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from subgrad import ops
from subgrad.bounds.taylor import linear_rules as linear
from subgrad.bounds.taylor.curve_rules import number
from subgrad.bounds.taylor.rounding import UNIT
from subgrad.bounds.taylor.taylor_model import TaylorModel, total
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor

LARGEST_INTEGER = 2.0**51  # of those that are cut off: sums of two are exact


@dataclass(frozen=True, eq=False)
class Truth:
    """A bool for each box: where it holds for ``certain``, and where it is ``possible``. NaN makes all possible."""

    certain: Tensor
    possible: Tensor

    @property
    def half_known(self) -> Tensor:
        """Where it is possible and not certain."""
        return ops.logical_and(self.possible, ops.logical_not(self.certain))


def less(node: Tensor, x: TaylorModel, y: TaylorModel) -> Truth:
    """x < y."""
    (low, high), (left, right) = x.ends, y.ends
    return Truth(high < left, ops.logical_not(low >= right))


def less_equal(node: Tensor, x: TaylorModel, y: TaylorModel) -> Truth:
    """x <= y."""
    (low, high), (left, right) = x.ends, y.ends
    return Truth(high <= left, ops.logical_not(low > right))


def equal(node: Tensor, x: TaylorModel, y: TaylorModel) -> Truth:
    """x = y."""
    (low, high), (left, right) = x.ends, y.ends
    apart = ops.logical_or(low > right, high < left)
    same = ops.logical_and(ops.logical_and(low == high, left == right), low == left)
    return Truth(same, ops.logical_not(apart))


def negated(node: Tensor, x: Truth) -> Truth:
    """Not x."""
    return Truth(ops.logical_not(x.possible), ops.logical_not(x.certain))


def not_equal(node: Tensor, x: TaylorModel, y: TaylorModel) -> Truth:
    """x != y."""
    return negated(node, equal(node, x, y))


def logical(node: Tensor, x: Truth, y: Truth) -> Truth:
    """x and y, x or y."""
    return Truth(apply_to(node, x.certain, y.certain), apply_to(node, x.possible, y.possible))


def moved(node: Tensor, x: TaylorModel | Truth, *places: TaylorModel) -> TaylorModel | Truth:
    """Elements put elsewhere; what is not known of a bool moves with it."""
    if isinstance(x, TaylorModel):
        return linear.moved(node, x, *places)
    at = [linear.known_place(node, p) for p in places]
    return Truth(*(linear.together(node, part, *at) for part in (x.certain, x.possible)))


def apply_to(node: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The op of an elementwise node on other tensors."""
    shape = max(x.shape, y.shape)
    return apply(node.op, (ops.broadcast_to(x, shape), ops.broadcast_to(y, shape)), {})


def finite(node: Tensor, x: TaylorModel) -> Truth:
    """Whether x is finite: for certain if its bounds are, and possible anyway."""
    certain = ops.isfinite(x.size)
    return Truth(certain, ops.ones_like(certain))


def chosen(node: Tensor, c: Truth, x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """x where c holds, y elsewhere; where c is not known, the Taylor model between the two that holds both."""
    both, gap = _midway(x, y)
    low, high = min(x.low, y.low), max(x.high, y.high)
    centre = ops.where(c.certain, x.centre, ops.where(c.possible, both.centre, y.centre))
    if x.slopes is None and y.slopes is None:
        slopes = None
    else:
        a, b, m = (0.0 if f.slopes is None else f.slopes for f in (x, y, both))
        slopes = ops.where(ops.expand_dims(c.certain, 1), a, ops.where(ops.expand_dims(c.possible, 1), m, b))
    r, s = (0.0 if f.radius is None else f.radius for f in (x, y))
    radius = ops.where(c.certain, r, ops.where(c.possible, gap, s)) + ops.zeros_like(centre)
    return TaylorModel(x.half, centre, slopes, radius, low, high, x.infinite or y.infinite)


def _midway(x: TaylorModel, y: TaylorModel) -> tuple[TaylorModel, Tensor]:
    """The mean of two Taylor models, and a radius with which it holds both."""
    apart = linear.minus(x, y)
    slopes = x.slopes if y.slopes is None else y.slopes if x.slopes is None else x.slopes + y.slopes
    middle = TaylorModel(x.half, 0.5 * (x.centre + y.centre), None if slopes is None else 0.5 * slopes)
    reach = total(0.5 * apart.size, UNIT * middle.linear_size, x.radius, y.radius, roundings=4)
    assert reach is not None
    return middle, reach


def sign(node: Tensor, x: TaylorModel) -> TaylorModel:
    """-1, 0 or 1: what lies between the signs of both ends."""
    low, high = map(ops.sign, x.ends)
    return TaylorModel(x.half, 0.5 * (low + high), None, 0.5 * (high - low), -1.0, 1.0)


def joined(node: Tensor, *parts: TaylorModel | Truth) -> TaylorModel | Truth:
    """Concatenation, of numbers or of conditions."""
    if not isinstance(parts[0], Truth):
        return linear.joined(node, *parts)  # pyright: ignore[reportArgumentType]
    b = max(p.certain.shape[0] for p in parts)  # pyright: ignore[reportAttributeAccessIssue]

    def join(which: str) -> Tensor:
        wide = [ops.broadcast_to(getattr(p, which), (b, *i.shape)) for p, i in zip(parts, node.inputs, strict=True)]
        return linear.together(node, *wide)

    return Truth(join("certain"), join("possible"))


def cast(node: Tensor, x: TaylorModel | Truth) -> TaylorModel | Truth:
    """Another dtype: a condition becomes 0 or 1, a number that is not 0 is True, fractions are cut off for integers."""
    if isinstance(x, Truth):
        return x if node.dtype.kind == "b" else _zero_or_one(x)
    if node.dtype.kind == "b":
        return not_equal(node, x, number(x, 0.0))
    return x if node.dtype.kind == "f" or node.inputs[0].dtype.kind in "iu" else truncated(x)


def _zero_or_one(x: Truth) -> TaylorModel:
    none = TaylorModel(half=x.certain, centre=ops.zeros(x.certain.shape, "float64"))
    return chosen(none.centre, x, number(none, 1.0), number(none, 0.0))


def truncated(x: TaylorModel) -> TaylorModel:
    """x cut off towards 0, which never falls; nothing is known of numbers that no integer may hold."""
    low, high = x.ends
    small = (low > -LARGEST_INTEGER) & (high < LARGEST_INTEGER)
    left, right = (ops.astype(ops.astype(ops.where(small, end, 0.0), "int64"), "float64") for end in (low, high))
    radius = ops.where(small, 0.5 * (right - left), math.inf)
    return TaylorModel(x.half, 0.5 * (left + right), None, radius)


def floored(node: Tensor, x: TaylorModel) -> TaylorModel:
    """The largest whole number that is not above x: the one that the range has, or x less a fraction."""
    if node.dtype.kind != "f":
        return x
    low, high = map(ops.floor, x.ends)
    known = low == high
    centre = ops.where(known, low, x.centre - 0.5)
    slopes = None if x.slopes is None else ops.where(ops.expand_dims(known, 1), 0.0, x.slopes)
    radius = total(0.5 + UNIT * x.linear_size, x.radius, roundings=2)
    assert radius is not None
    return TaylorModel(x.half, centre, slopes, ops.where(known, 0.0, radius), high=x.high, infinite=x.infinite)


def within_dtype(node: Tensor, x: TaylorModel) -> TaylorModel:
    """Integers that vary, as long as they do not wrap around."""
    low, high = x.ends
    limits = np.iinfo(node.dtype)
    fits = (low >= float(limits.min)) & (high <= float(limits.max))
    radius = ops.zeros_like(x.centre) if x.radius is None else x.radius
    return TaylorModel(x.half, x.centre, x.slopes, ops.where(fits, radius, math.inf), x.low, x.high)


__all__ = [
    "Truth", "cast", "chosen", "equal", "finite", "floored", "joined", "less", "less_equal", "logical", "moved",
    "negated", "not_equal", "sign", "truncated", "within_dtype",
]  # fmt: skip
