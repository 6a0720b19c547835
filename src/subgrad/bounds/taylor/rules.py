"""For each op of the table: the form of its result from the forms of its inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.bounds.taylor import choice_rules as choice
from subgrad.bounds.taylor import curve_rules as curve
from subgrad.bounds.taylor import linear_rules as linear
from subgrad.bounds.taylor.choice_rules import Truth
from subgrad.bounds.taylor.form import Form
from subgrad.bounds.taylor.rounding import UNIT
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64
from subgrad.graph.op import Op, apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.graph.transform import Transform
from subgrad.ops import indexing, kinked, singular
from subgrad.ops.contract import contract
from subgrad.ops.random import uniform
from subgrad.ops.rules import reduced_shape
from subgrad.ops.shape import cast, stop_gradient
from subgrad.ops.tuples import part
from subgrad.ops.window import slide
from subgrad.recur.loop import loop

Known = dict[Tensor, Any]  # of each node a Form, or a Truth if it is a bool


def forms(outputs: Sequence[Tensor], known: Known, half: Tensor) -> list[Form]:
    """The forms of ``outputs``, nodes of the graph for one point, given those of some nodes that they depend on.

    Raises:
        ArgumentError: for an op that has no rule, with the line of the code that made the node.
    """
    for node in toposort(outputs, is_leaf=known.__contains__):
        if node not in known:
            known[node] = _form(node, known, half)
    return [known[o] for o in outputs]


def _form(node: Tensor, known: Known, half: Tensor) -> Any:
    if node.op in CONSTANTS or _is_fixed(node, known):
        return _constant(node, half)
    expand = _of_conditions(node)
    if expand is None and node.op in TAYLOR:
        inputs = _before_relu(node) if node.op is ops.less else node.inputs
        found = TAYLOR[node.op](node, *(_operand(node, k, known[i]) for k, i in enumerate(inputs)))
        if isinstance(found, Form):
            found.half = half  # conditions, of which numbers may be made, do not know the box
        return choice.within_dtype(node, found) if node.dtype.kind in "iu" else found
    expand = expand or TAYLOR.expansion(node.op)
    if expand is None:
        raise ArgumentError(f"there are no bounds for the op {node.op.name} (at {node.site})")
    return forms([expand(*node.inputs, **node.attrs)], known, half)[0]


def _constant(node: Tensor, half: Tensor) -> Form | Truth:
    same = node.reshape(1, *node.shape)
    if node.dtype.kind == "b":
        return Truth(same, same)
    value = float(node.attrs["value"]) if node.op is ops.full else math.nan
    if math.isfinite(value):
        return Form(half, same, None, None, value, value)
    infinite = math.isinf(value) or (node.op is CONST and bool(np.isinf(node.numpy()).any()))
    return Form(half, same, infinite=infinite)


def _operand(node: Tensor, place: int, x: Form | Truth) -> Form | Truth:
    """Integers that do not vary count as numbers, but for those that say where elements are."""
    if isinstance(x, Truth) or x.centre.dtype.kind not in "iu" or (node.op in PLACED and place):
        return x
    centre = ops.astype(x.centre, float64)
    size = ops.abs(centre)
    rounded = ops.where(size < 2.0**53, 0.0, UNIT * size) if x.centre.dtype == np.int64 else None
    return Form(x.half, centre, None, rounded)


def _before_relu(node: Tensor) -> Sequence[Tensor]:
    """What a comparison compares: relu(x) is above a number of 0 or more where x is, and of x more is known."""
    a, b = node.inputs
    passes = b.op is ops.relu and a.op is ops.full and a.attrs["value"] >= 0
    return (a, b.inputs[0]) if passes else node.inputs


def _is_fixed(node: Tensor, known: Known) -> bool:
    """Whether a node holds integers or conditions that do not depend on the point: they are what they are anywhere."""
    return node.dtype.kind in "iub" and all(_is_exact(known[i]) for i in node.inputs)


def _is_exact(x: Form | Truth) -> bool:
    return x.exact if isinstance(x, Form) else x.certain is x.possible


def _of_conditions(node: Tensor) -> Callable[..., Tensor] | None:
    """What an op is that computes with conditions as if they were numbers."""
    conditions = len(node.inputs) > 0 and all(i.dtype.kind == "b" for i in node.inputs)
    return OF_CONDITIONS.get(node.op) if conditions else None


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
    return ops.astype(ops.equal(ops.expand_dims(i, i.ndim), ops.arange(n, i.dtype)), dtype)


def _pow(x: Tensor, p: Tensor) -> Tensor:
    value = _same_everywhere(p)
    return ops.exp(p * ops.log(x)) if value is None else apply(singular._power, (x,), {"p": value})


def _same_everywhere(x: Tensor) -> float | None:
    """The one number that a tensor holds, if it is known to."""
    while x.op in (ops.broadcast_to, ops.reshape):
        x = x.inputs[0]
    if x.op is ops.full:
        return float(x.attrs["value"])
    return float(x.numpy().ravel()[0]) if x.op is CONST and x.size == 1 else None



def _summed(op: Op) -> Callable[..., Tensor]:
    return lambda x, **attrs: apply(op, (ops.astype(x, "int64"),), attrs)


OF_CONDITIONS: dict[Op, Callable[..., Tensor]] = {
    ops.equal: lambda x, y: (x & y) | (~x & ~y),
    ops.not_equal: lambda x, y: (x & ~y) | (~x & y),
    ops.less: lambda x, y: ~x & y,
    ops.less_equal: lambda x, y: ~x | y,
    ops.where: lambda c, x, y: (c & x) | (~c & y),
    ops.mul: lambda x, y: x & y,
    ops.minimum: lambda x, y: x & y,
    ops.add: lambda x, y: x | y,
    ops.maximum: lambda x, y: x | y,
    ops.sum: _summed(ops.sum),
    ops.cumsum: _summed(ops.cumsum),
}
"""Ops all of whose arguments are conditions."""

CONSTANTS = (CONST, INPUT, ops.full, ops.arange)
PLACED = (indexing.gather, indexing.scatter_add)
SQRT_PI = math.sqrt(math.pi)

TAYLOR: Transform[Callable[..., Any]] = Transform(
    "taylor",
    "a first-order Taylor model with all rounding errors, for `certify` and `verify`",
    {
        ops.add: lambda node, x, y: linear.plus(x, y),
        ops.sub: lambda node, x, y: linear.minus(x, y),
        ops.neg: lambda node, x: linear.negative(x),
        ops.mul: linear.multiplied,
        ops.scale: linear.multiplied,
        ops.square: lambda node, x: linear.squared(x),
        contract: linear.contracted,
        ops.sum: linear.summed,
        ops.cumsum: linear.summed,
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
        ops.exp: curve.bent(ops.exp, lambda z, y: y, 0.0),
        ops.expm1: curve.bent(ops.expm1, lambda z, y: ops.exp(z), -1.0),
        ops.log: curve.bent(ops.log, lambda z, y: 1.0 / z),
        ops.log1p: curve.bent(ops.log1p, lambda z, y: 1.0 / (1.0 + z)),
        ops.sqrt: curve.rooted,
        ops.softplus: curve.bent(ops.softplus, lambda z, y: ops.sigmoid(z), 0.0),
        ops.tanh: curve.s_shaped(ops.tanh, lambda z, y: 1.0 - y * y, 0.77, 2.0, -1.0),
        ops.sigmoid: curve.s_shaped(ops.sigmoid, lambda z, y: y * (1.0 - y), 0.0963, 0.125, 0.0),
        ops.erf: curve.s_shaped(ops.erf, lambda z, y: 2 / SQRT_PI * ops.exp(-z * z), 0.968, 2.257, -1.0),
        ops.sin: curve.wave(ops.sin, ops.cos),
        ops.cos: curve.wave(ops.cos, lambda z: -ops.sin(z)),
        ops.relu: lambda node, x: curve.rectified(x),
        ops.abs: lambda node, x: curve.absolute(x),
        ops.maximum: lambda node, x, y: curve.larger(x, y),
        ops.minimum: lambda node, x, y: curve.smaller(x, y),
        ops.sign: choice.sign,
        ops.where: choice.chosen,
        ops.less: choice.less,
        ops.less_equal: choice.less_equal,
        ops.equal: choice.equal,
        ops.not_equal: choice.not_equal,
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
    },  # exact in real numbers; what the compiler does with these ops is exact in floats
    unsupported={
        **dict.fromkeys([ops.argmax, ops.argmin], "an integer that jumps with the point: compare values instead"),
        uniform: "random",
        loop: "written out step by step before anything is bounded",
        part: "of a loop, which is written out",
        **dict.fromkeys([ops.full, ops.arange], "a constant, which needs no rule"),
    },
)

__all__ = ["CONSTANTS", "OF_CONDITIONS", "TAYLOR", "Known", "forms"]
