"""Operators that bring the elements along axes together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.onnx.reading.operator_table import Call, operator
from subgrad.ops import rules


def _mean(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
    return ops.mean(x, axes, keep).astype(x.dtype)


def _extreme(least: bool) -> Callable[[Tensor, tuple[int, ...], bool], Tensor]:
    """Of bools as of integers; of no elements what is beyond all others."""

    def reduce(x: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:
        if rules.count(x.shape, axes) == 0:
            return ops.full(rules.reduced_shape(x.shape, axes, keep), _beyond(x.dtype, least), x.dtype)
        numbers = x.astype("uint8") if x.dtype == bool else x
        return (ops.min if least else ops.max)(numbers, axes, keep).astype(x.dtype)

    return reduce


def _beyond(dtype: np.dtype, least: bool) -> float | int | bool:
    if dtype.kind == "f":
        return np.inf if least else -np.inf
    if dtype.kind == "b":
        return least
    return int(np.iinfo(dtype).max if least else np.iinfo(dtype).min)


REDUCED: dict[str, Callable[[Tensor, tuple[int, ...], bool], Tensor]] = {
    "ReduceSum": lambda x, axes, keep: ops.sum(x, axes, keep).astype(x.dtype),
    "ReduceMean": _mean,
    "ReduceMax": _extreme(False),
    "ReduceMin": _extreme(True),
    "ReduceProd": lambda x, axes, keep: ops.prod(x, axes, keep).astype(x.dtype),
    "ReduceL1": lambda x, axes, keep: ops.sum(ops.abs(x), axes, keep).astype(x.dtype),
    "ReduceL2": lambda x, axes, keep: ops.norm(x, axes, keep).astype(x.dtype),
    "ReduceSumSquare": lambda x, axes, keep: ops.sum(x * x, axes, keep).astype(x.dtype),
    "ReduceLogSum": lambda x, axes, keep: ops.log(ops.sum(x, axes, keep)).astype(x.dtype),
    "ReduceLogSumExp": lambda x, axes, keep: ops.logsumexp(x, axes, keep).astype(x.dtype),
}


@operator(*REDUCED)
def reduce(call: Call, x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Over all axes if none is named, unless that is to do nothing."""
    named, keep = call.integers(axes, "axes"), bool(call.get("keepdims", 1))
    if call.get("noop_with_empty_axes") and not named:
        return {"ReduceL1": ops.abs, "ReduceSumSquare": lambda x: x * x, "ReduceLogSum": ops.log}.get(
            call.kind, (lambda x: ops.abs(x)) if call.kind == "ReduceL2" else lambda x: x
        )(x)
    over = rules.normalise_axes(tuple(named) if named else None, x.ndim)
    return REDUCED[call.kind](x, over, keep)


@operator("ArgMax", "ArgMin")
def arg(call: Call, x: Tensor) -> Tensor:
    axis = call.get("axis", 0) % x.ndim
    f = ops.argmax if call.kind == "ArgMax" else ops.argmin
    found = x.shape[axis] - 1 - f(ops.flip(x, axis), axis) if call.get("select_last_index") else f(x, axis)
    return ops.expand_dims(found, axis) if call.get("keepdims", 1) else found


@operator("CumSum", "CumProd")
def cumulate(call: Call, x: Tensor, axis: Tensor) -> Tensor:
    at, backwards = int(call.values(axis).item()) % x.ndim, bool(call.get("reverse"))
    whole = (slice(None),) * at
    if call.get("exclusive"):
        first = ops.full((*x.shape[:at], 1, *x.shape[at + 1 :]), call.kind == "CumProd", x.dtype)
        rest = x[(*whole, slice(1, None))] if backwards else x[(*whole, slice(None, -1))]
        x = ops.concatenate([rest, first] if backwards else [first, rest], at)
    if call.kind == "CumSum":
        return ops.cumsum(x, at, backwards).astype(x.dtype)
    found = ops.cumprod(ops.flip(x, at) if backwards else x, at).astype(x.dtype)
    return ops.flip(found, at) if backwards else found


@operator("TopK", spare=["sorted"])
def top_k(call: Call, x: Tensor, k: Tensor | None = None) -> list[Tensor]:
    axis, largest = call.get("axis", -1), bool(call.get("largest", 1))
    (count,) = call.integers(k, "k") if k is not None else [call.get("k")]
    values, places = ops.topk(x, count, axis, largest)
    return [values, places]


__all__: list[str] = []
