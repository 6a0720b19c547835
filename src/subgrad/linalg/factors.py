"""Matrices as products: Cholesky's and QR, each a loop over columns; and least squares."""

from __future__ import annotations

import numpy as np

from subgrad import ops
from subgrad.errors import ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.linalg.elimination import solve, square, turned
from subgrad.ops import rules
from subgrad.recur import scan


def cholesky(a: TensorLike) -> Tensor:
    """The lower triangular L with L Lᵀ = a, for symmetric positive definite matrices (..., n, n). NaN where a is not
    positive definite. The gradient counts both triangles of a alike.

    >>> import subgrad as sg
    >>> sg.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    a = square("cholesky", a)
    n = a.shape[-1]
    if not a.size:
        return a
    a, rows = (a + turned(a)) * 0.5, ops.arange(n)

    def step(found: Tensor, k: Tensor) -> tuple[Tensor, None]:
        column, row = ops.take(a, k.reshape(1), -1), ops.take(found, k.reshape(1), -2)
        rest = column - found @ turned(row)
        root = ops.sqrt(ops.take(rest, k.reshape(1), -2))
        made = ops.where((rows >= k).reshape(n, 1), rest / root, 0)
        return ops.where(rows == k, made, found), None

    return scan(step, ops.zeros_like(a), rows)[0]


def qr(a: TensorLike) -> tuple[Tensor, Tensor]:
    """Q with orthonormal columns (..., m, k) and R upper triangular (..., k, n) with Q R = a, for matrices (..., m, n)
    and k = min(m, n), by Householder's reflections; signs are LAPACK's.

    Raises:
        ShapeError: if a is no matrix and no stack of them.

    Example:
        >>> import subgrad as sg
        >>> q, r = sg.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
        >>> bool(sg.allclose(q @ r, [[3.0, 1.0], [4.0, 2.0]])), r.numpy().round(3).tolist()
        (True, [[-5.0, -2.200000047683716], [0.0, 0.4000000059604645]])
    """
    a = rules.as_float(as_tensor(a))
    if a.ndim < 2 or not a.size:
        raise ShapeError(f"qr takes a matrix or a stack of them, got shape {a.shape}")
    m, n = a.shape[-2:]
    count, rows = min(m, n), ops.arange(m)

    def reflected(x: Tensor, v: Tensor) -> Tensor:
        row = ops.expand_dims(v, v.ndim - 1)
        return x - 2 * turned(row) * (row @ x)

    def step(table: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        column = ops.where(rows >= k, ops.take(table, k.reshape(1), -1)[..., 0], 0)
        head = ops.where(rows == k, column, 0).sum(-1, keepdims=True)
        length = ops.norm(column, axis=-1, keepdims=True)
        v = column + ops.where(rows == k, ops.where(head < 0, -length, length), 0)
        below = ops.norm(ops.where(rows == k, 0, column), axis=-1, keepdims=True)
        last = below == 0  # LAPACK leaves it
        v = ops.where(last, 0, v / ops.where(last, 1, ops.norm(v, axis=-1, keepdims=True)))
        return reflected(table, v), v

    table, vectors = scan(step, a, ops.arange(count))
    start = ops.broadcast_to(ops.eye(m, count, dtype=a.dtype), (*a.shape[:-1], count))
    q, _ = scan(lambda q, v: (reflected(q, v), None), start, vectors, reverse=True)
    return q, ops.triu(table[..., :count, :])


def lstsq(a: TensorLike, b: TensorLike) -> Tensor:
    """x with the least \\|a x - b\\|, for matrices (m, n) of full rank with m >= n, by `qr`. NaN without full rank:
    where a column is a sum of multiples of those before it, up to rounding.

    Args:
        a: shape (..., m, n).
        b: shape (m,) or (..., m, k), with the leading axes of a.

    Raises:
        ShapeError: for shapes that do not fit.

    Example:
        >>> import subgrad as sg
        >>> sg.linalg.lstsq([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.0, 5.0]).numpy().round(4).tolist()
        [1.0, 2.0]
    """
    a, b = (rules.as_float(x) for x in rules.match(a, b, spread=False))
    vector = a.ndim == 2 and b.ndim == 1
    columns = b.reshape(-1, 1) if vector else b
    fits = columns.ndim == a.ndim >= 2 and columns.shape[:-1] == a.shape[:-1] and a.shape[-2] >= a.shape[-1]
    if not fits:
        raise ShapeError(f"lstsq takes a matrix (m, n) with m >= n and m numbers, got shapes {a.shape} and {b.shape}")
    q, r = qr(a)
    own, whole = ops.abs(r * ops.eye(r.shape[-1], dtype=r.dtype)).sum(-2), ops.norm(r, axis=-2)  # of each column
    full = ops.all(own > float(np.finfo(r.dtype).eps) * a.shape[-2] * whole, -1).reshape(*r.shape[:-2], 1, 1)
    found = ops.where(full, solve(r, turned(q) @ columns), np.nan)
    return found[:, 0] if vector else found


__all__ = ["cholesky", "lstsq", "qr"]
