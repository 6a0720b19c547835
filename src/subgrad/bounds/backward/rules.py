"""For each op of the table: its backward linear bounds, as an affine node, a curve, or what it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from subgrad import ops
from subgrad.bounds.backward import affine_rules as affine
from subgrad.bounds.backward import curves
from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.affine_rules import Fixed
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.parallel_lines import by_taylor_model
from subgrad.bounds.taylor.rules import TAYLOR
from subgrad.graph.op import TABLE, Kind, apply
from subgrad.graph.tensor import CONST, Tensor, placeholder
from subgrad.graph.transform import Transform
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.domains import where_defined
from subgrad.intervals.interval_rules import interval_of
from subgrad.ops import indexing, kinked, singular
from subgrad.ops.contract import contract, sizes_of
from subgrad.ops.convolution import CONVOLUTIONS
from subgrad.ops.random import uniform
from subgrad.ops.shape import cast, stop_gradient
from subgrad.ops.tuples import part
from subgrad.ops.window import slide
from subgrad.recur.loop import loop

Found = Affine | Curve | Tensor | None
Rule = Callable[[Tensor, Fixed], Found]
"""``rule(node, fixed)``: with the intervals of the inputs that do not vary, None for the others. It gives None if it is
of no use for these; then the op is treated as what it is made of, or as its interval."""

LARGEST = 2**22  # elements of the products of a contraction whose factors vary both


# Ops in terms of others, exactly


def _larger(node: Tensor, fixed: Fixed) -> Found:
    x, y = node.inputs
    if fixed[0] is None and fixed[1] is None:
        return curves.larger()
    held = fixed[0] if fixed[0] is not None else fixed[1]
    if held is None or not np.isfinite(held.largest).all():
        return None
    return y + ops.relu(x - y) if fixed[0] is None else x + ops.relu(y - x)


def _smaller(node: Tensor, fixed: Fixed) -> Found:
    return -ops.maximum(-node.inputs[0], -node.inputs[1])


def clipped(x: Tensor, low: float, high: float) -> Tensor | None:
    """Numbers cut at two ends, by a relu for each end; None for ends in the wrong order."""
    if low > high:
        return None
    if low == -math.inf:
        return x if high == math.inf else x - ops.relu(x - high)
    return low + ops.relu(x - low) - (ops.relu(x - high) if high < math.inf else 0.0)


def _leaky(node: Tensor, fixed: Fixed) -> Found:
    return curves.bent(node.attrs["slope"]) if node.attrs["slope"] <= 1 else None


def _mul(node: Tensor, fixed: Fixed) -> Found:
    if node.inputs[0] is node.inputs[1]:
        return ops.square(node.inputs[0])
    return affine.multiplied(node, fixed) or curves.product(interval_over_boxes(node, fixed))


def _div(node: Tensor, fixed: Fixed) -> Found:
    if fixed[1] is not None:
        return affine.divided(node, fixed)
    return node.inputs[0] * apply(singular._power, (node.inputs[1],), {"p": -1.0})


def _contract(node: Tensor, fixed: Fixed) -> Found:
    found = affine.contracted(node, fixed)
    if found is not None:
        return found
    spec = node.attrs["spec"]
    terms, out = spec.split("->")
    sizes = sizes_of(spec, *node.inputs)
    letters = [*out, *sorted(set(terms) - {*out, ","})]
    if math.prod(sizes.values()) > LARGEST:
        return None
    wide = []
    for term, x in zip(terms.split(","), node.inputs, strict=True):
        own = [c for c in letters if c in term]
        x = ops.transpose(x, [term.index(c) for c in own])
        x = ops.reshape(x, [sizes[c] if c in term else 1 for c in letters])
        wide.append(ops.broadcast_to(x, [sizes[c] for c in letters]))
    products = wide[0] * wide[1]
    return products.sum(tuple(range(len(out), len(letters)))) if len(letters) > len(out) else products


def _sign(node: Tensor, fixed: Fixed) -> Found:
    """By its interval, whose ends are the signs of those of the input: at 0 there is no other."""

    def interval(xs: Sequence[Interval]) -> Interval:
        return where_defined(node, xs[0], Interval(np.sign(xs[0].low), np.sign(xs[0].high)))

    return replace(interval_only(node, fixed), interval=interval)


def _where(node: Tensor, fixed: Fixed) -> Found:
    """A choice between multiples of x by its sign, a x above 0 and b x below, is b x + (a - b) relu(x)."""
    found = affine.chosen(node, fixed)
    of = None if found is not None else _signed(node.inputs[0])
    if of is None:
        return found
    x, positive = of
    above, below = node.inputs[1:] if positive else node.inputs[:0:-1]
    rectified = ops.relu(x)
    parts = [_multiple(branch, x, rectified) for branch in (above, below)]
    return None if parts[0] is None or parts[1] is None else below + parts[0] - parts[1]


def _signed(condition: Tensor) -> tuple[Tensor, bool] | None:
    """The number whose sign a condition is, and whether it is true above 0."""
    if condition.op not in (ops.less, ops.less_equal):
        return None
    one, other = condition.inputs
    return (one, False) if _is_zero(other) else (other, True) if _is_zero(one) else None


def _is_zero(x: Tensor) -> bool:
    while x.op.kind is Kind.VIEW or x.op is cast:
        x = x.inputs[0]
    return (x.op is ops.full and x.attrs["value"] == 0) or (x.op is CONST and not x.numpy().any())


def _multiple(branch: Tensor, x: Tensor, z: Tensor) -> Tensor | None:
    """As much of z as the branch is of x; None if it is something else."""
    if branch is x:
        return z
    if branch.op is ops.neg and branch.inputs[0] is x:
        return -z
    if branch.op.elementwise and branch.op.linear == "each" and (branch.inputs[0] is x) != (branch.inputs[1] is x):
        return z * branch.inputs[1 if branch.inputs[0] is x else 0]
    return None


def _place(sign: float) -> Rule:
    """The place of the largest element, or of the least for -1: one that may be as large as all others are at least."""

    def rule(node: Tensor, fixed: Fixed) -> Found:
        axis = node.attrs["axis"] + 1

        def interval(xs: Sequence[Interval]) -> Interval:
            low, high = (sign * e for e in (xs[0] if sign > 0 else reversed(xs[0])))
            maybe = high >= low.max(axis=axis, keepdims=True)
            last = maybe.shape[axis] - 1 - np.argmax(np.flip(maybe, axis), axis=axis)
            return Interval(np.asarray(np.argmax(maybe, axis=axis), np.float64), np.asarray(last, np.float64))

        return replace(interval_only(node, fixed), interval=interval)

    return rule


def _smooth(node: Tensor, fixed: Fixed) -> Found:
    """Any elementwise op of one input."""
    if len(node.inputs) != 1 or node.dtype.kind != "f" or node.inputs[0].dtype.kind != "f" or not node.op.elementwise:
        return None
    return by_taylor_model(node.op, node.attrs, interval_over_boxes(node, fixed))


# Intervals of nodes over many boxes


def interval_over_boxes(node: Tensor, fixed: Fixed) -> Callable[[Sequence[Interval]], Interval]:
    """The interval of a node, for the intervals of those of its inputs that vary, shape (B, \\*S); all numbers where it
    may be undefined."""
    kinds = [i.dtype.kind for i, f in zip(node.inputs, fixed, strict=True) if f is None]

    def at_once(xs: Sequence[Interval]) -> Interval:
        lead, xs = len(xs[0].low), [_of_kind(x, k) for x, k in zip(xs, kinds, strict=True)]
        inputs = tuple(placeholder((lead, *i.shape), i.dtype, "an input") for i in node.inputs)
        known = dict(zip(inputs, _filled(fixed, xs, lambda f: Interval(*(_repeated(e, lead) for e in f))), strict=True))
        found = interval_of(apply(node.op, inputs, node.attrs), known)
        if len(inputs) == 1:
            found = where_defined(node, xs[0], found)
        return Interval(*(np.broadcast_to(e, (lead, *node.shape)) for e in found))

    def one_by_one(xs: Sequence[Interval]) -> Interval:
        boxes, xs = [], [_of_kind(x, k) for x, k in zip(xs, kinds, strict=True)]
        for k in range(len(xs[0].low)):
            given = _filled(fixed, [Interval(x.low[k], x.high[k]) for x in xs], lambda f: f)
            boxes.append(interval_of(node, dict(zip(node.inputs, given, strict=True))))
        return Interval(np.stack([b.low for b in boxes]), np.stack([b.high for b in boxes]))

    return at_once if node.op.elementwise else one_by_one


def _of_kind(x: Interval, kind: str) -> Interval:
    """Integers, and conditions that hold for certain or possibly, as such: affine steps make numbers of them."""
    if kind == "b" and x.low.dtype.kind != "b":
        return Interval(x.low >= 1, x.high > 0)
    if kind in "iu" and np.isfinite(x.low).all() and np.isfinite(x.high).all():
        return Interval(*(e.astype(np.int64) for e in x))
    return x


def _filled(fixed: Fixed, xs: Sequence[Interval], held: Callable[[Interval], Interval]) -> list[Interval]:
    varying = iter(xs)
    return [next(varying) if f is None else held(f) for f in fixed]


def _repeated(x: np.ndarray, times: int) -> np.ndarray:
    return np.broadcast_to(x, (times, *x.shape))


def interval_only(node: Tensor, fixed: Fixed) -> Curve:
    """A node of which nothing but the interval is used."""
    varying = [k for k, f in enumerate(fixed) if f is None]
    of = interval_over_boxes(node, fixed)
    return Curve(varying, lambda xs, z: curves.flat(len(varying), z), of, curves.wide)


BACKWARD: Transform[Rule] = Transform(
    "backward",
    "linear bounds by its inputs, for `verify`",
    {
        ops.add: affine.added(1, 1),
        ops.sub: affine.added(1, -1),
        ops.neg: affine.added(-1),
        ops.mul: _mul,
        ops.scale: _mul,
        ops.div: _div,
        contract: _contract,
        **dict.fromkeys(CONVOLUTIONS, affine.convolved),
        ops.sum: affine.summed,
        ops.cumsum: affine.matrix,
        indexing.scatter_add: affine.matrix,
        ops.fold: affine.matrix,
        **dict.fromkeys(
            [ops.reshape, ops.transpose, ops.broadcast_to, ops.pad, ops.concatenate, ops.windows, slide,
             indexing.slice_, indexing.place, indexing.gather], affine.moved,
        ),
        ops.where: _where,
        cast: affine.cast,
        ops.relu: lambda node, fixed: curves.bent(0.0),
        ops.abs: lambda node, fixed: curves.bent(-1.0),
        ops.leaky_relu: _leaky,
        ops.maximum: _larger,
        ops.minimum: _smaller,
        kinked._clip: lambda node, fixed: clipped(node.inputs[0], node.attrs["low"], node.attrs["high"]),
        stop_gradient: lambda node, fixed: node.inputs[0],
        ops.sign: _sign,
        ops.argmax: _place(1.0),
        ops.argmin: _place(-1.0),
        **dict.fromkeys(
            [ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.logical_and, ops.logical_or, ops.logical_not,
             ops.isnan, ops.isfinite, indexing.in_range], interval_only,
        ),
    },
    by_kind={Kind.ELEMENTWISE: _smooth},
    expansions=TAYLOR.expansions,
    unsupported={
        uniform: "random",
        loop: "written out step by step before anything is bounded",
        part: "of a loop, which is written out",
        **dict.fromkeys([ops.full, TABLE["arange"]], "a constant, which needs no rule"),
    },
)

__all__ = ["BACKWARD", "Found", "Rule", "clipped", "interval_only", "interval_over_boxes"]
