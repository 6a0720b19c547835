"""Products, and running products and extrema, by halves: as many steps as the length has binary digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad.graph import dtype as dt
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.kinked import maximum, minimum
from subgrad.ops.shape import astype, concatenate, full, reshape


def _counted(x: TensorLike) -> Tensor:
    """Bools and small integers multiply to int64."""
    x = as_tensor(x)
    return x if x.dtype.kind == "f" else astype(x, dt.int64)


def prod(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False) -> Tensor:
    """The product over ``axis``: an int, several, or None for all; 1 of no elements. Bools and integers give int64.

    Its gradient is right where elements are 0, too.

    >>> import subgrad as sg
    >>> x = sg.tensor([2.0, 0.0, 5.0])
    >>> float(sg.prod(x)), sg.grad(sg.prod(x), x).tolist()
    (0.0, [0.0, 10.0, 0.0])
    """
    x = _counted(x)
    axes = rules.normalise_axes(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = reshape(x.transpose([*axes, *rest]), (rules.count(x.shape, axes), *(x.shape[i] for i in rest)))
    if not rows.shape[0]:
        rows = full((1, *rows.shape[1:]), 1, x.dtype)
    while rows.shape[0] > 1:
        k = rows.shape[0] // 2
        product = rows[:k] * rows[k : 2 * k]
        rows = concatenate([product, rows[2 * k :]]) if rows.shape[0] % 2 else product
    return reshape(rows, rules.reduced_shape(x.shape, axes, keepdims))


def _running(x: Tensor, axis: int, join: Callable[[Tensor, Tensor], Tensor], nothing: Any) -> Tensor:
    """Each element joined with all before it: after k steps with 2^k - 1 of them (Hillis, Steele 1986)."""
    axis = rules.normalise_axis(axis, x.ndim)
    n, before = x.shape[axis], (slice(None),) * axis
    distance = 1
    while distance < n:
        start = full((*x.shape[:axis], distance, *x.shape[axis + 1 :]), nothing, x.dtype)
        x = join(concatenate([start, x[(*before, slice(n - distance))]], axis), x)
        distance *= 2
    return x


def cumprod(x: TensorLike, axis: int = 0) -> Tensor:
    """The running product along ``axis``. Bools and integers give int64.

    >>> import subgrad as sg
    >>> sg.cumprod([1.0, 2.0, 3.0]).tolist()
    [1.0, 2.0, 6.0]
    """
    return _running(_counted(x), axis, lambda a, b: a * b, 1)


def cummax(x: TensorLike, axis: int = 0) -> Tensor:
    """The largest element so far along ``axis``; where it ties the gradient is shared.

    >>> import subgrad as sg
    >>> sg.cummax([1.0, 3.0, 2.0]).tolist()
    [1.0, 3.0, 3.0]
    """
    x = as_tensor(x)
    return _running(x, axis, maximum, _end(x.dtype, -1))


def cummin(x: TensorLike, axis: int = 0) -> Tensor:
    """The smallest element so far along ``axis``; where it ties the gradient is shared.

    >>> import subgrad as sg
    >>> sg.cummin([3.0, 1.0, 2.0]).tolist()
    [3.0, 1.0, 1.0]
    """
    x = as_tensor(x)
    return _running(x, axis, minimum, _end(x.dtype, 1))


def _end(dtype: np.dtype, sign: int) -> Any:
    if dtype.kind == "f":
        return sign * np.inf
    if dtype.kind == "b":
        return sign > 0
    return np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min


__all__ = ["cummax", "cummin", "cumprod", "prod"]
