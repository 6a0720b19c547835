"""Operators on elements: arithmetic, comparisons, logic, functions of one number."""

from __future__ import annotations

import functools
import operator as python
from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor, constant
from subgrad.onnx.reading.operator_table import Call, operator


def one(f: Callable[[Tensor], Tensor], *names: str) -> None:
    """An operator of one input."""
    operator(*names)(lambda call, x: f(x))


for _name, _f in {
    "Abs": ops.abs, "Acos": ops.acos, "Acosh": ops.acosh, "Asin": ops.asin, "Asinh": ops.asinh, "Atan": ops.atan,
    "Atanh": ops.atanh, "Ceil": ops.ceil, "Cos": ops.cos, "Cosh": ops.cosh, "Erf": ops.erf, "Exp": ops.exp,
    "Floor": ops.floor, "Identity": lambda x: x, "IsNaN": ops.isnan, "Log": ops.log, "Neg": ops.neg,
    "Not": ops.logical_not, "Reciprocal": ops.reciprocal, "Round": ops.round, "Sign": ops.sign, "Sin": ops.sin,
    "Sinh": ops.sinh, "Sqrt": ops.sqrt, "Tan": ops.tan,
}.items():  # fmt: skip
    one(_f, _name)


def aligned(call: Call, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The inputs of an operator that repeats them; before version 7 an attribute says along which axes."""
    if call.version >= 7:
        return a, b
    axis, repeats = call.get("axis"), call.get("broadcast")
    if repeats and axis is not None:
        b = b.reshape(*b.shape, *[1] * (a.ndim - axis % a.ndim - b.ndim))
    return a, b


def two(f: Callable[[Tensor, Tensor], Tensor], name: str, weights: tuple[int, ...] = ()) -> None:
    """An operator of two inputs."""
    operator(name, weights=weights)(lambda call, a, b: f(*aligned(call, a, b)))


two(python.add, "Add", weights=(0, 1))
two(python.mul, "Mul", weights=(0, 1))
for _name, _f in {
    "Sub": python.sub,
    "Equal": ops.equal, "Greater": ops.greater, "GreaterOrEqual": ops.greater_equal, "Less": ops.less,
    "LessOrEqual": ops.less_equal, "And": ops.logical_and, "Or": ops.logical_or, "Xor": ops.not_equal,
}.items():  # fmt: skip
    two(_f, _name)


@operator("Div")
def div(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """Of integers the quotient without its fraction."""
    a, b = aligned(call, a, b)
    return a / b if a.dtype.kind == "f" else quotient(a, b)


def quotient(a: Tensor, b: Tensor) -> Tensor:
    """That of integers, cut off towards 0: by floats of 53 bits, and once more of what is left."""
    wide_a, wide_b = a.astype("int64"), b.astype("int64")
    first = ops.trunc(wide_a.astype("float64") / wide_b.astype("float64")).astype("int64")
    left = wide_a - first * wide_b
    second = ops.trunc(left.astype("float64") / wide_b.astype("float64")).astype("int64")
    return (first + second).astype(a.dtype)


@operator("Mod")
def mod(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """With ``fmod`` of the sign of a, else of that of b."""
    if not call.get("fmod"):
        return ops.remainder(a, b) if a.dtype.kind == "f" else _whole_remainder(a, b)
    whole = ops.trunc(a / b) if a.dtype.kind == "f" else quotient(a, b)
    return a - whole * b


def _whole_remainder(a: Tensor, b: Tensor) -> Tensor:
    left = a.astype("int64") - quotient(a, b).astype("int64") * b.astype("int64")
    other_sign = (left != 0) & ((left < 0) != (b < 0))
    return ops.where(other_sign, left + b.astype("int64"), left).astype(a.dtype)


@operator("Pow")
def power(call: Call, x: Tensor, p: Tensor) -> Tensor:
    """The result has the dtype of the base."""
    x, p = aligned(call, x, p)
    if x.dtype.kind == "f":
        return _power(x, p.astype(x.dtype))
    return ops.round(ops.pow(x.astype("float64"), p.astype("float64"))).astype(x.dtype)


def _power(x: Tensor, p: Tensor) -> Tensor:
    return ops.pow(x, float(p.item())) if p.size == 1 and p.ndim == 0 and not p.is_symbolic() else ops.pow(x, p)


def _joined(f: Callable[[Any, Any], Tensor]) -> Callable[..., Tensor]:
    return lambda call, *xs: functools.reduce(f, xs)


operator("Max")(_joined(ops.maximum))
operator("Min")(_joined(ops.minimum))
operator("Sum")(_joined(python.add))


@operator("Mean")
def mean(call: Call, *xs: Tensor) -> Tensor:
    return functools.reduce(python.add, xs) / float(len(xs))


@operator("Clip")
def clip(call: Call, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """The upper bound wins where the lower one is above it."""
    low = low if low is not None else _bound(call.get("min"), x)
    high = high if high is not None else _bound(call.get("max"), x)
    x = x if low is None else ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


def _bound(value: Any, x: Tensor) -> Tensor | None:
    return None if value is None else ops.full((), value.item() if isinstance(value, Tensor) else value, x.dtype)


@operator("Where")
def where(call: Call, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return ops.where(condition, a, b)


@operator("IsInf")
def isinf(call: Call, x: Tensor) -> Tensor:
    above, below = call.get("detect_positive", 1), call.get("detect_negative", 1)
    found = [x == np.inf] * bool(above) + [x == -np.inf] * bool(below)
    return functools.reduce(ops.logical_or, found) if found else ops.full(x.shape, False)


@operator("Cast", spare=["saturate"])
def cast(call: Call, x: Tensor) -> Tensor:
    from subgrad.onnx.reading.onnx_file import dtype_named

    to = call.get("to")
    return x.astype(dtype_named(to) if isinstance(to, int) else str(to).lower())


@operator("CastLike", spare=["saturate"])
def cast_like(call: Call, x: Tensor, like: Tensor) -> Tensor:
    return x.astype(like.dtype)


@operator("Dropout", spare=["seed", "ratio", "is_test"])
def dropout(call: Call, x: Tensor, ratio: Tensor | None = None, training: Tensor | None = None) -> list[Tensor]:
    """As it is in evaluation: everything stays."""
    if training is not None and call.values(training).any() and (ratio is None or call.values(ratio).any()):
        raise call.refuse("it draws random numbers")
    return [x, ops.full(x.shape, True)]


# Integers whose bits count: only where they are known before the file runs


@operator("BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor")
def bits_of_two(call: Call, a: Tensor, b: Tensor) -> Tensor:
    shift = np.left_shift if call.get("direction") == "LEFT" else np.right_shift
    found = {"BitShift": shift, "BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor}
    return constant(np.asarray(found[call.kind](call.values(a), call.values(b))))


@operator("BitwiseNot")
def bits_turned(call: Call, x: Tensor) -> Tensor:
    return constant(np.asarray(~call.values(x)))


__all__ = ["aligned", "one", "quotient", "two"]
