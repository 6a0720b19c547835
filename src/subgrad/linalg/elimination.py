"""Systems of equations, inverses and determinants by elimination with pivots: a loop over columns, also in native code.

Their derivatives are the closed formulas, made of the same functions again.
"""

from __future__ import annotations

import math

import numpy as np

from subgrad import ops
from subgrad.diff import custom_vjp
from subgrad.errors import ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.recur import scan


def square(owner: str, a: TensorLike) -> Tensor:
    """a as floats; `ShapeError` unless it is a matrix (n, n) or a stack of them."""
    a = rules.as_float(as_tensor(a))
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{owner} takes a square matrix or a stack of them, got shape {a.shape}")
    return a


def turned(a: Tensor) -> Tensor:
    """The transposes of a stack of matrices."""
    return ops.swapaxes(a, -1, -2)


def _eliminated(a: Tensor, b: Tensor, divides_by_0: bool = True) -> tuple[Tensor, Tensor]:
    """The solution of a x = b, (..., n, m), and the pivots with their signs, (..., n): Gauss and Jordan's method.

    A pivot of 0 has nothing but zeros below it. Who wants the pivots alone takes the row as it is then, and those that
    follow are finite; the solution shall be inf or NaN.
    """
    n = a.shape[-1]
    rows = ops.arange(n)

    def step(table: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        column = ops.take(table, k.reshape(1), -1)[..., 0]
        size = ops.where(rows >= k, ops.abs(column), -1.0)
        best = ops.expand_dims(ops.argmax(size, -1), size.ndim - 1)  # the row of the largest element that is left
        there, here = ops.expand_dims(rows == best, table.ndim - 1), (rows == k).reshape(n, 1)
        chosen = ops.where(there, table, 0).sum(-2, keepdims=True)
        current = ops.where(here, table, 0).sum(-2, keepdims=True)
        table = ops.where(here, chosen, ops.where(there, current, table))
        pivot = ops.take(chosen, k.reshape(1), -1)
        scaled = chosen / (pivot if divides_by_0 else ops.where(pivot == 0, 1, pivot))
        factors = ops.take(table, k.reshape(1), -1)
        table = ops.where(here, scaled, table - factors * scaled)
        swapped = best[..., 0] != k
        return table, ops.where(swapped, -pivot[..., 0, 0], pivot[..., 0, 0])

    table, pivots = scan(step, ops.concatenate([a, b], -1), rows)
    return table[..., n:], ops.moveaxis(pivots, 0, -1)


def _solved(a: Tensor, b: Tensor) -> Tensor:
    return _eliminated(a, b)[0]


def _solve_back(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    by_b = _solve(turned(a), g)
    return -(by_b @ turned(y)), by_b


_solve = custom_vjp(_solved, _solve_back)


def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """x with a x = b, for square matrices a (..., n, n), by elimination with pivots.

    Args:
        a: shape (..., n, n).
        b: shape (n,), or (..., n, m), as many stacked matrices as a has, with broadcasting.

    Returns:
        shape (n,) or (..., n, m). Of a singular matrix it holds inf or NaN: it is not looked for.

    Raises:
        ShapeError: for shapes that do not fit.

    Example:
        >>> import subgrad as sg
        >>> sg.linalg.solve([[2.0, 0.0], [1.0, 1.0]], [4.0, 5.0]).tolist()
        [2.0, 3.0]
    """
    a, b = rules.match(a, b, spread=False)
    a, b = square("solve", a), rules.as_float(b)
    n, vector = a.shape[-1], b.ndim == 1
    columns = b.reshape(-1, 1) if vector else b
    if columns.ndim < 2 or columns.shape[-2] != n:
        raise ShapeError(f"solve takes matrices (..., n, n) and (..., n, m), got the shapes {a.shape} and {b.shape}")
    try:
        lead = np.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
    except ValueError:
        raise ShapeError(f"solve: the leading axes of {a.shape} and {b.shape} do not broadcast") from None
    a, columns = ops.broadcast_to(a, (*lead, n, n)), ops.broadcast_to(columns, (*lead, *columns.shape[-2:]))
    x = _solve(a, columns) if columns.size else columns
    return x[..., 0] if vector else x


def inv(a: TensorLike) -> Tensor:
    """The inverse of square matrices (..., n, n); inf or NaN where there is none.

    >>> import subgrad as sg
    >>> sg.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    a = square("inv", a)
    return solve(a, ops.eye(a.shape[-1], dtype=a.dtype))


def _pivots(a: Tensor) -> Tensor:
    return _eliminated(a, a[..., :0], divides_by_0=False)[1]


_det = custom_vjp(
    lambda a: ops.prod(_pivots(a), -1), lambda g, y, a: ((g * y).reshape(*y.shape, 1, 1) * turned(inv(a)),)
)
_log_det = custom_vjp(
    lambda a: ops.log(ops.abs(_pivots(a))).sum(-1), lambda g, y, a: (g.reshape(*y.shape, 1, 1) * turned(inv(a)),)
)


def det(a: TensorLike) -> Tensor:
    """The determinant of square matrices (..., n, n): shape (...). Its gradient needs the inverse: of a singular
    matrix it is not known here.

    >>> import subgrad as sg
    >>> float(sg.linalg.det([[1.0, 2.0], [3.0, 4.0]])).__round__(5)
    -2.0
    """
    a = square("det", a)
    return _det(a) if a.shape[-1] else ops.ones(a.shape[:-2], a.dtype)


def slogdet(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The sign of the determinant and the logarithm of its absolute value, which neither over- nor underflows.

    >>> import subgrad as sg
    >>> sign, log = sg.linalg.slogdet([[0.0, 2.0], [3.0, 0.0]])
    >>> float(sign), math.isclose(float(log), math.log(6), rel_tol=1e-6)
    (-1.0, True)
    """
    a = square("slogdet", a)
    if not a.shape[-1]:
        return ops.ones(a.shape[:-2], a.dtype), ops.zeros(a.shape[:-2], a.dtype)
    return ops.prod(ops.sign(ops.stop_gradient(_pivots(a))), -1), _log_det(a)


def matrix_exp(a: TensorLike) -> Tensor:
    """e^a = 1 + a + a²/2 + ... of square matrices (..., n, n): Taylor's series of a/2^s, squared s times (Higham 2005
    for the method; 18 terms and \\|a\\|/2^s below 1/2 leave less than the rounding of float64). For norms up to 2^16.

    >>> import subgrad as sg
    >>> sg.linalg.matrix_exp([[0.0, 1.0], [0.0, 0.0]]).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    a = square("matrix_exp", a)
    if not a.size:
        return a
    size = ops.stop_gradient(ops.abs(a).sum(-1).max(-1))
    times = ops.clip(ops.ceil(ops.log2(ops.maximum(size, 0.5)) + 1), 0.0, 17.0)
    wide = times.reshape(*times.shape, 1, 1)
    small = a * ops.exp(-math.log(2) * wide)
    one = ops.eye(a.shape[-1], dtype=a.dtype)
    total = one + small / 18
    for k in range(17, 0, -1):
        total = one + (small @ total) / k
    for k in range(17):
        total = ops.where(wide > k, total @ total, total)
    return total


__all__ = ["det", "inv", "matrix_exp", "slogdet", "solve"]
