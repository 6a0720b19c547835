"""For each op of the table: the Taylor model of its result from those of its inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad import ops
from subgrad.bounds.taylor import choice_rules as choice
from subgrad.bounds.taylor import curve_rules as curve
from subgrad.bounds.taylor import linear_rules as linear
from subgrad.bounds.taylor.choice_rules import Truth
from subgrad.bounds.taylor.rounding import UNIT
from subgrad.bounds.taylor.taylor_model import TaylorModel
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64
from subgrad.graph.op import TABLE, Kind, Op, apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, Tensor
from subgrad.graph.transform import Transform
from subgrad.ops import indexing, kinked, singular
from subgrad.ops.contract import contract
from subgrad.ops.random import uniform
from subgrad.ops.rules import reduced_shape
from subgrad.ops.shape import cast, stop_gradient
from subgrad.ops.tuples import part
from subgrad.ops.window import slide
from subgrad.recur.loop import loop

Rule = Callable[..., Any]
Known = dict[Tensor, Any]  # of each node a TaylorModel, or a Truth if it is a bool


class Either(NamedTuple):
    """The rule of an op that takes numbers, and computes with conditions as well.

    Attributes:
        of_numbers: the rule.
        of_conditions: what the op is made of if all of its inputs are conditions.
    """

    of_numbers: Rule
    of_conditions: Callable[..., Tensor]


def taylor_models(outputs: Sequence[Tensor], known: Known, half: Tensor) -> list[TaylorModel]:
    """The Taylor models of ``outputs``, nodes of the graph for one point, given those of what they depend on.

    Raises:
        ArgumentError: for an op that has no rule, with the line of the code that made the node.
    """
    for node in toposort(outputs, is_leaf=known.__contains__):
        if node not in known:
            known[node] = _model(node, known, half)
    return [known[o] for o in outputs]


def _model(node: Tensor, known: Known, half: Tensor) -> Any:
    if not node.inputs or _is_fixed(node, known):
        return _constant(node, half)
    rule, expand = TAYLOR.get(node.op), TAYLOR.expansion(node.op)
    if isinstance(rule, Either):
        of_conditions = all(i.dtype.kind == "b" for i in node.inputs)
        rule, expand = (None, rule.of_conditions) if of_conditions else (rule.of_numbers, expand)
    if rule is not None:
        inputs = _before_relu(node) if node.op is ops.less else node.inputs
        found = rule(node, *(_operand(node, k, known[i]) for k, i in enumerate(inputs)))
        if isinstance(found, TaylorModel):
            found.half = half  # conditions, of which numbers may be made, do not know the box
        return choice.within_dtype(node, found) if node.dtype.kind in "iu" else found
    if expand is None:
        raise ArgumentError(node.site.after(f"there are no bounds for the op {node.op.name}"))
    return taylor_models([expand(*node.inputs, **node.attrs)], known, half)[0]


def _constant(node: Tensor, half: Tensor) -> TaylorModel | Truth:
    same = node.reshape(1, *node.shape)
    if node.dtype.kind == "b":
        return Truth(same, same)
    value = float(node.attrs["value"]) if node.op is ops.full else math.nan
    if math.isfinite(value):
        return TaylorModel(half, same, None, None, value, value)
    infinite = math.isinf(value) or (node.op is CONST and bool(np.isinf(node.numpy()).any()))
    return TaylorModel(half, same, infinite=infinite)


def _operand(node: Tensor, place: int, x: TaylorModel | Truth) -> TaylorModel | Truth:
    """Integers that do not vary count as numbers, but for those that say where elements are."""
    if isinstance(x, Truth) or x.centre.dtype.kind not in "iu" or (node.op in PLACED and place):
        return x
    centre = ops.astype(x.centre, float64)
    size = ops.abs(centre)
    rounded = ops.where(size < 2.0**53, 0.0, UNIT * size) if x.centre.dtype == np.int64 else None
    return TaylorModel(x.half, centre, None, rounded)


def _before_relu(node: Tensor) -> Sequence[Tensor]:
    """What a comparison compares: relu(x) is above a number of 0 or more where x is, and of x more is known."""
    a, b = node.inputs
    passes = b.op is ops.relu and a.op is ops.full and a.attrs["value"] >= 0
    return (a, b.inputs[0]) if passes else node.inputs


def _is_fixed(node: Tensor, known: Known) -> bool:
    """Whether a node holds integers or conditions that do not depend on the point: they are what they are anywhere."""
    return node.dtype.kind in "iub" and all(_is_exact(known[i]) for i in node.inputs)


def _is_exact(x: TaylorModel | Truth) -> bool:
    return x.exact if isinstance(x, TaylorModel) else x.certain is x.possible


# Ops in terms of others


def _extremum(pick: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The largest (or smallest) element over some axes: halves against halves."""

    def expand(x: Tensor, *, axis: tuple[int, ...], keepdims: bool) -> Tensor:
        rest = [i for i in range(x.ndim) if i not in axis]
        count = math.prod(x.shape[i] for i in axis)
        rows = ops.reshape(ops.transpose(x, [*axis, *rest]), (count, *(x.shape[i] for i in rest)))
        while rows.shape[0] > 1:
            k = rows.shape[0] // 2
            best = pick(rows[:k], rows[k : 2 * k])
            rows = ops.concatenate([best, rows[2 * k :]]) if rows.shape[0] % 2 else best
        return ops.reshape(rows, reduced_shape(x.shape, axis, keepdims))

    return expand


def _clip(x: Tensor, *, low: float, high: float) -> Tensor:
    x = ops.maximum(x, low) if low > -math.inf else x
    return ops.minimum(x, high) if high < math.inf else x


def _leaky_relu(x: Tensor, *, slope: float) -> Tensor:
    return (ops.maximum if slope <= 1 else ops.minimum)(x, slope * x)


def _logsumexp(x: Tensor, *, axis: tuple[int, ...], keepdims: bool) -> Tensor:
    return ops.log(ops.exp(x).sum(axis, keepdims))


def _one_hot(i: Tensor, *, n: int, dtype: np.dtype) -> Tensor:
    return ops.astype(ops.equal(ops.expand_dims(i, i.ndim), ops.arange(n, dtype=i.dtype)), dtype)


def _pow(x: Tensor, p: Tensor) -> Tensor:
    value = _same_everywhere(p)
    return ops.exp(p * ops.log(x)) if value is None else apply(singular._power, (x,), {"p": value})


def _same_everywhere(x: Tensor) -> float | None:
    """The one number that a tensor holds, if it is known to."""
    while x.op.kind is Kind.VIEW:
        x = x.inputs[0]
    if x.op is ops.full:
        return float(x.attrs["value"])
    return float(x.numpy().ravel()[0]) if x.op is CONST and x.size == 1 else None


def _counted(op: Op) -> Callable[..., Tensor]:
    """A sum of conditions, in integers."""
    return lambda x, **attrs: apply(op, (ops.astype(x, "int64"),), attrs)


PLACED = (indexing.gather, indexing.scatter_add)
SQRT_PI = math.sqrt(math.pi)

TAYLOR: Transform[Rule | Either] = Transform(
    "taylor",
    "a first-order Taylor model with all rounding errors, for `certify` and `verify`",
    {
        ops.add: Either(lambda node, x, y: linear.plus(x, y), lambda x, y: x | y),
        ops.sub: lambda node, x, y: linear.minus(x, y),
        ops.neg: lambda node, x: linear.negative(x),
        ops.mul: Either(linear.multiplied, lambda x, y: x & y),
        ops.scale: linear.multiplied,
        ops.square: lambda node, x: linear.squared(x),
        contract: linear.contracted,
        ops.sum: Either(linear.summed, _counted(ops.sum)),
        ops.cumsum: Either(linear.summed, _counted(ops.cumsum)),
        indexing.scatter_add: linear.summed,
        ops.concatenate: choice.joined,
        **dict.fromkeys(
            [ops.reshape, ops.transpose, ops.broadcast_to, ops.pad, slide, indexing.slice_, indexing.place,
             indexing.gather], choice.moved,
        ),
        indexing.in_range: linear.known_place,  # one that varies is refused, others need no rule
        stop_gradient: lambda node, x: x,
        cast: choice.cast,
        ops.div: curve.divided,
        singular._power: curve.power,
        ops.exp: curve.convex_relaxation(ops.exp, lambda z, y: y, 0.0),
        ops.expm1: curve.convex_relaxation(ops.expm1, lambda z, y: ops.exp(z), -1.0),
        ops.log: curve.convex_relaxation(ops.log, lambda z, y: 1.0 / z),
        ops.log1p: curve.convex_relaxation(ops.log1p, lambda z, y: 1.0 / (1.0 + z)),
        ops.sqrt: curve.rooted,
        ops.softplus: curve.convex_relaxation(ops.softplus, lambda z, y: ops.sigmoid(z), 0.0),
        ops.tanh: curve.sigmoid_relaxation(ops.tanh, lambda z, y: 1.0 - y * y, 0.77, 2.0, -1.0),
        ops.sigmoid: curve.sigmoid_relaxation(ops.sigmoid, lambda z, y: y * (1.0 - y), 0.0963, 0.125, 0.0),
        ops.erf: curve.sigmoid_relaxation(ops.erf, lambda z, y: 2 / SQRT_PI * ops.exp(-z * z), 0.968, 2.257, -1.0),
        ops.sin: curve.sine_relaxation(ops.sin, ops.cos),
        ops.cos: curve.sine_relaxation(ops.cos, lambda z: -ops.sin(z)),
        ops.relu: lambda node, x: curve.rectified(x),
        ops.abs: lambda node, x: curve.absolute(x),
        ops.maximum: Either(lambda node, x, y: curve.larger(x, y), lambda x, y: x | y),
        ops.minimum: Either(lambda node, x, y: curve.smaller(x, y), lambda x, y: x & y),
        ops.sign: choice.sign,
        ops.floor: choice.floored,
        ops.where: Either(choice.chosen, lambda c, x, y: (c & x) | (~c & y)),
        ops.less: Either(choice.less, lambda x, y: ~x & y),
        ops.less_equal: Either(choice.less_equal, lambda x, y: ~x | y),
        ops.equal: Either(choice.equal, lambda x, y: (x & y) | (~x & ~y)),
        ops.not_equal: Either(choice.not_equal, lambda x, y: (x & ~y) | (~x & y)),
        ops.logical_and: choice.logical,
        ops.logical_or: choice.logical,
        ops.logical_not: choice.negated,
        ops.isfinite: choice.finite,
        ops.isnan: lambda node, x: choice.negated(node, choice.finite(node, x)),
    },
    expansions={
        ops.max: _extremum(ops.maximum),
        ops.min: _extremum(ops.minimum),
        kinked._clip: _clip,
        ops.leaky_relu: _leaky_relu,
        ops.elu: lambda x, *, alpha: ops.relu(x) + alpha * ops.expm1(ops.minimum(x, 0.0)),
        ops.norm: lambda x, *, axis, keepdims: ops.sqrt(ops.square(x).sum(axis, keepdims)),
        ops.logsumexp: _logsumexp,
        ops.log_softmax: lambda x, *, axis: x - _logsumexp(x, axis=(axis,), keepdims=True),
        ops.one_hot: _one_hot,
        singular._pow: _pow,
        ops.sinh: lambda x: 0.5 * (ops.exp(x) - ops.exp(-x)),
        ops.cosh: lambda x: 0.5 * (ops.exp(x) + ops.exp(-x)),
        ops.asinh: lambda x: ops.log(x + ops.sqrt(ops.square(x) + 1)),
        ops.acosh: lambda x: ops.log(x + ops.sqrt(ops.square(x) - 1)),
        ops.atanh: lambda x: 0.5 * ops.log((1 + x) / (1 - x)),
        ops.log2: lambda x: ops.log(x) / ops.log(ops.full((), 2.0, x.dtype)),
        ops.log10: lambda x: ops.log(x) / ops.log(ops.full((), 10.0, x.dtype)),
        ops.remainder: lambda x, by: x - by * ops.floor(x / by),
        **dict.fromkeys([ops.atan, ops.asin, ops.acos, ops.atan2, ops.lgamma, ops.digamma, ops.erfinv]),
    },  # exact in real numbers; what the compiler does with these ops is exact in floats
    unsupported={
        ops.right_shift: "of integers, which do not vary",
        **dict.fromkeys([ops.argmax, ops.argmin], "an integer that jumps with the point: compare values instead"),
        **dict.fromkeys(
            [ops.atan, ops.asin, ops.acos, ops.atan2, ops.lgamma, ops.digamma, ops.erfinv],
            "it is made of an approximation, of whose error bounds would not know",
        ),
        uniform: "random",
        loop: "written out step by step before anything is bounded",
        part: "of a loop, which is written out",
        **dict.fromkeys([ops.full, TABLE["arange"]], "a constant, which needs no rule"),
    },
)

__all__ = ["TAYLOR", "Either", "Known", "taylor_models"]
