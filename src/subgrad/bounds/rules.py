"""For each op of the table: the form of its result from the forms of its inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from subgrad import ops
from subgrad.bounds import choice_rules as choice
from subgrad.bounds import curve_rules as curve
from subgrad.bounds import linear_rules as linear
from subgrad.bounds.choice_rules import Truth
from subgrad.bounds.form import Form
from subgrad.errors import ArgumentError
from subgrad.graph.op import Op
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops import indexing, kinked, singular
from subgrad.ops.contract import contract
from subgrad.ops.rules import reduced_shape
from subgrad.ops.shape import cast, stop_gradient

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
    if node.op in (CONST, INPUT, ops.full) or _is_index(node, known):
        same = node.reshape(1, *node.shape)
        if node.dtype.kind == "b":
            return Truth(same, same)
        value = float(node.attrs["value"]) if node.op is ops.full else math.nan
        return Form(half, same, None, None, value, value) if math.isfinite(value) else Form(half, same)
    if node.op in RULES:
        inputs = _before_relu(node) if node.op is ops.less else node.inputs
        return RULES[node.op](node, *(known[i] for i in inputs))
    expand = EXPANSIONS.get(node.op, node.op.expand)
    if expand is None:
        raise ArgumentError(f"there are no bounds for the op {node.op.name} (at {node.site})")
    return forms([expand(*node.inputs, **node.attrs)], known, half)[0]


def _before_relu(node: Tensor) -> Sequence[Tensor]:
    """What a comparison compares: relu(x) is above a number of 0 or more where x is, and of x more is known."""
    a, b = node.inputs
    passes = b.op is ops.relu and a.op is ops.full and a.attrs["value"] >= 0
    return (a, b.inputs[0]) if passes else node.inputs


def _is_index(node: Tensor, known: Known) -> bool:
    """Whether a node holds integers that do not depend on the point."""
    parts = [known[i] for i in node.inputs]
    return node.dtype.kind in "iu" and all(isinstance(p, Form) and p.exact for p in parts)


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


EXPANSIONS: dict[Op, Callable[..., Tensor]] = {
    ops.max: _extremum(ops.maximum),
    ops.min: _extremum(ops.minimum),
    kinked._clip: _clip,
    ops.leaky_relu: _leaky_relu,
    ops.elu: lambda x, *, alpha: ops.relu(x) + alpha * ops.expm1(ops.minimum(x, 0.0)),
    ops.norm: lambda x, *, axis, keepdims: ops.sqrt(ops.square(x).sum(axis, keepdims)),
    ops.logsumexp: _logsumexp,
    ops.log_softmax: lambda x, *, axis: x - _logsumexp(x, axis=(axis,), keepdims=True),
    singular._pow: lambda x, p: ops.exp(p * ops.log(x)),
}
"""Exact in real numbers; what the compiler does with these ops is exact in floats."""

SQRT_PI = math.sqrt(math.pi)

RULES: dict[Op, Callable[..., Any]] = {
    ops.add: lambda node, x, y: linear.plus(x, y),
    ops.sub: lambda node, x, y: linear.minus(x, y),
    ops.neg: lambda node, x: linear.negative(x),
    ops.mul: linear.multiplied,
    ops.scale: linear.multiplied,
    ops.square: lambda node, x: linear.squared(x),
    contract: linear.contracted,
    ops.sum: linear.summed,
    ops.cumsum: linear.summed,
    ops.concatenate: linear.joined,
    **dict.fromkeys(
        [ops.reshape, ops.transpose, ops.broadcast_to, ops.pad, indexing.slice_, indexing.place, indexing.gather],
        choice.moved,
    ),
    stop_gradient: lambda node, x: x,
    cast: choice.number_of,
    ops.div: curve.divided,
    singular._power: curve.power,
    ops.exp: curve.bent(ops.exp, lambda z, y: y, 0.0),
    ops.expm1: curve.bent(ops.expm1, lambda z, y: ops.exp(z), -1.0),
    ops.log: curve.bent(ops.log, lambda z, y: 1.0 / z),
    ops.log1p: curve.bent(ops.log1p, lambda z, y: 1.0 / (1.0 + z)),
    ops.sqrt: curve.bent(ops.sqrt, lambda z, y: 0.5 / y, 0.0),
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
}

__all__ = ["EXPANSIONS", "RULES", "Known", "forms"]
