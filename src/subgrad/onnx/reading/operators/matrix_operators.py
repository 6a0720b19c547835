"""Products of matrices."""

from __future__ import annotations

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.linalg import det
from subgrad.onnx.reading.operator_table import Call, operator


@operator("MatMul", weights=(0, 1))
def matmul(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """Integers by way of float64."""
    if a.dtype.kind == "f":
        return ops.matmul(a, b)
    return ops.matmul(a.astype("float64"), b.astype("float64")).astype(a.dtype)


@operator("Gemm", weights=(1, 2), spare=["broadcast"])
def gemm(call: Call, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    alpha, beta = call.get("alpha", 1.0), call.get("beta", 1.0)
    left, right = "ki" if call.get("transA") else "ik", "jk" if call.get("transB") else "kj"
    made = ops.einsum(f"{left},{right}->ij", a, b)
    made = made if alpha == 1 else alpha * made
    if c is None:
        return made
    return made + (c if beta == 1 else beta * c)


@operator("Einsum", weights=(0, 1))
def einsum(call: Call, *xs: Tensor) -> Tensor:
    return ops.einsum(call.get("equation"), *xs)


@operator("MatMulInteger")
def matmul_integer(
    call: Call, a: Tensor, b: Tensor, zero_a: Tensor | None = None, zero_b: Tensor | None = None
) -> Tensor:
    """Without the zero points, of a for each row and of b for each column."""
    left, right = (shifted(x, zero, axis) for x, zero, axis in ((a, zero_a, -2), (b, zero_b, -1)))
    return ops.matmul(left, right).astype("int32")


def shifted(x: Tensor, zero: Tensor | None, axis: int) -> Tensor:
    """x as float64, in which all such integers are exact, without its zero point: one, or one for each place of an
    axis."""
    found = x.astype("float64")
    if zero is None:
        return found
    zero = zero.astype("float64")
    if zero.ndim == 1 and zero.size > 1:
        zero = zero.reshape(-1, *[1] * (x.ndim - 1 - axis % x.ndim))
    return found - (zero if zero.ndim else zero.reshape(()))


@operator("QLinearMatMul")
def qlinear_matmul(
    call: Call, a: Tensor, scale_a: Tensor, zero_a: Tensor, b: Tensor, scale_b: Tensor, zero_b: Tensor,
    scale_y: Tensor, zero_y: Tensor,
) -> Tensor:  # fmt: skip
    return rescaled(ops.matmul(shifted(a, zero_a, -2), shifted(b, zero_b, -1)), scale_a, scale_b, scale_y, zero_y)


def rescaled(y: Tensor, scale_a: Tensor, scale_b: Tensor, scale_y: Tensor, zero_y: Tensor) -> Tensor:
    """A product of integers, in the scale of the result, as integers of its dtype."""
    factor = scale_a.astype("float64") * scale_b.astype("float64") / scale_y.astype("float64")
    ends = np.iinfo(zero_y.dtype)
    return ops.clip(ops.round(y * factor) + zero_y.astype("float64"), ends.min, ends.max).astype(zero_y.dtype)


@operator("Det")
def determinant(call: Call, x: Tensor) -> Tensor:
    return det(x)


__all__ = ["rescaled", "shifted"]
