"""Forms of comparisons and choices: what may go either way over a box goes both ways."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad import ops
from subgrad.bounds import linear_rules as linear
from subgrad.bounds.curve_rules import number
from subgrad.bounds.form import Form, total
from subgrad.bounds.rounding import UNIT
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Truth:
    """A bool for each box: where it holds for ``certain``, and where it is ``possible``. NaN makes all possible."""

    certain: Tensor
    possible: Tensor

    @property
    def half_known(self) -> Tensor:
        """Where it is possible and not certain."""
        return ops.logical_and(self.possible, ops.logical_not(self.certain))


def less(node: Tensor, x: Form, y: Form) -> Truth:
    """x < y."""
    (low, high), (left, right) = x.ends, y.ends
    return Truth(high < left, ops.logical_not(low >= right))


def less_equal(node: Tensor, x: Form, y: Form) -> Truth:
    """x <= y."""
    (low, high), (left, right) = x.ends, y.ends
    return Truth(high <= left, ops.logical_not(low > right))


def equal(node: Tensor, x: Form, y: Form) -> Truth:
    """x = y."""
    (low, high), (left, right) = x.ends, y.ends
    apart = ops.logical_or(low > right, high < left)
    same = ops.logical_and(ops.logical_and(low == high, left == right), low == left)
    return Truth(same, ops.logical_not(apart))


def negated(node: Tensor, x: Truth) -> Truth:
    """Not x."""
    return Truth(ops.logical_not(x.possible), ops.logical_not(x.certain))


def not_equal(node: Tensor, x: Form, y: Form) -> Truth:
    """x != y."""
    return negated(node, equal(node, x, y))


def logical(node: Tensor, x: Truth, y: Truth) -> Truth:
    """x and y, x or y."""
    return Truth(apply_to(node, x.certain, y.certain), apply_to(node, x.possible, y.possible))


def moved(node: Tensor, x: Form | Truth, *places: Form) -> Form | Truth:
    """Elements put elsewhere; what is not known of a bool moves with it."""
    if isinstance(x, Form):
        return linear.moved(node, x, *places)
    at = [p.centre.reshape(p.centre.shape[1:]) for p in places]
    return Truth(*(linear.together(node, part, *at) for part in (x.certain, x.possible)))


def apply_to(node: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The op of an elementwise node on other tensors."""
    shape = max(x.shape, y.shape)
    return apply(node.op, (ops.broadcast_to(x, shape), ops.broadcast_to(y, shape)), {})


def finite(node: Tensor, x: Form) -> Truth:
    """Whether x is finite: for certain if its bounds are, and possible anyway."""
    certain = ops.isfinite(x.size)
    return Truth(certain, ops.ones_like(certain))


def chosen(node: Tensor, c: Truth, x: Form, y: Form) -> Form:
    """x where c holds, y elsewhere; where c is not known, the form between the two that holds both."""
    both, gap = _midway(x, y)
    low, high = min(x.low, y.low), max(x.high, y.high)
    centre = ops.where(c.certain, x.centre, ops.where(c.possible, both.centre, y.centre))
    if x.slopes is None and y.slopes is None:
        slopes = None
    else:
        a, b, m = (0.0 if f.slopes is None else f.slopes for f in (x, y, both))
        slopes = ops.where(ops.expand_dims(c.certain, 1), a, ops.where(ops.expand_dims(c.possible, 1), m, b))
    r, s = (0.0 if f.radius is None else f.radius for f in (x, y))
    radius = ops.where(c.certain, r, ops.where(c.possible, gap, s)) + 0.0 * centre
    return Form(x.half, centre, slopes, radius, low, high)


def _midway(x: Form, y: Form) -> tuple[Form, Tensor]:
    """The mean of two forms, and a radius with which it holds both."""
    apart = linear.minus(x, y)
    slopes = x.slopes if y.slopes is None else y.slopes if x.slopes is None else x.slopes + y.slopes
    middle = Form(x.half, 0.5 * (x.centre + y.centre), None if slopes is None else 0.5 * slopes)
    reach = total(0.5 * apart.size, UNIT * middle.linear_size, x.radius, y.radius, roundings=4)
    assert reach is not None
    return middle, reach


def sign(node: Tensor, x: Form) -> Form:
    """-1, 0 or 1, and all between where x may be 0."""
    low, high = x.ends
    known = ops.logical_or(low > 0, high < 0)
    centre = ops.where(known, ops.sign(x.centre), 0.0)
    return Form(x.half, centre, None, ops.where(known, 0.0, 1.0) + 0.0 * x.size, -1.0, 1.0)


def number_of(node: Tensor, x: Form | Truth) -> Form:
    """Another dtype: a bool becomes 0 or 1, a float stays the number that it is."""
    if isinstance(x, Form):
        return x
    none = Form(half=x.certain, centre=ops.zeros(x.certain.shape, "float64"))
    return chosen(node, x, number(none, 1.0), number(none, 0.0))


__all__ = [
    "Truth", "chosen", "equal", "finite", "less", "less_equal", "logical", "moved", "negated", "not_equal",
    "number_of", "sign",
]  # fmt: skip
