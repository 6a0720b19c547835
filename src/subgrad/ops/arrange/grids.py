"""Tensors made of numbers in a row: ranges, grids, and the identity matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.ops import rules, shape
from subgrad.ops.shape import as_shape, astype, broadcast_to, full, reshape

if TYPE_CHECKING:
    import numpy.typing as npt


def arange(start: float, stop: float | None = None, step: float = 1, dtype: npt.DTypeLike | None = None) -> Tensor:
    """The numbers from ``start`` in steps of ``step``, up to ``stop``, which is not among them; from 0 to ``start`` if
    there is one number. int64 for integers, the default float dtype for others, unless a dtype is named.

    Raises:
        ArgumentError: for a step of 0, or what is no number.

    Example:
        >>> import subgrad as sg
        >>> sg.arange(3).tolist(), sg.arange(2, 8, 3).tolist(), sg.arange(0, 1, 0.25).tolist()
        ([0, 1, 2], [2, 5], [0.0, 0.25, 0.5, 0.75])
    """
    first, last = (0, start) if stop is None else (start, stop)
    for number in (first, last, step):
        if not rules.is_scalar(number) or not math.isfinite(number):
            raise ArgumentError(f"arange takes finite numbers, and dtype= by its name, got {number!r}")
    if step == 0:
        raise ArgumentError("arange needs a step that is not 0")
    whole = all(isinstance(n, (int, np.integer)) for n in (first, last, step))
    kind = dt.as_dtype(dtype) if dtype is not None else dt.int64 if whole else dt.default_dtype()
    if not whole:
        return constant(np.arange(first, last, step, dtype=np.float64).astype(kind))
    counted = shape.arange(max(len(range(int(first), int(last), int(step))), 0), kind)
    counted = counted if step == 1 else counted * int(step)
    return counted if first == 0 else counted + int(first)


def linspace(
    start: TensorLike, stop: TensorLike, num: int = 50, endpoint: bool = True, dtype: npt.DTypeLike | None = None
) -> Tensor:
    """``num`` numbers at even distances from ``start`` to ``stop``, which is the last one unless ``endpoint`` is False.

    Scalar tensors may stand for the numbers: gradients pass to them.

    Raises:
        ArgumentError: if ``num`` is no integer of 0 or more.
        ShapeError: if a tensor is no scalar.

    Example:
        >>> import subgrad as sg
        >>> sg.linspace(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    (num,) = as_shape((num,))
    if rules.is_scalar(start) and rules.is_scalar(stop):
        points = np.linspace(float(start), float(stop), num, endpoint)  # pyright: ignore[reportArgumentType]
        return constant(points.astype(dt.as_dtype(dtype) if dtype is not None else dt.default_dtype()))
    first, last = (rules.as_float(t) for t in rules.match(start, stop, spread=False))
    if first.shape or last.shape:
        raise ShapeError(f"linspace takes scalars, got the shapes {first.shape} and {last.shape}")
    parts = constant(np.linspace(0, 1, num, endpoint).astype(first.dtype))
    found = first * (1 - parts) + last * parts
    return found if dtype is None else astype(found, dtype)


def eye(n: int, m: int | None = None, k: int = 0, dtype: npt.DTypeLike | None = None) -> Tensor:
    """1 on the diagonal, 0 elsewhere, of shape (n, m), or (n, n); the ``k``-th diagonal above the main one.

    >>> import subgrad as sg
    >>> sg.eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    kind = dt.as_dtype(dtype) if dtype is not None else dt.default_dtype()
    columns = arange(n if m is None else m)
    return astype((arange(n) + int(k)).reshape(-1, 1) == columns, kind)


def meshgrid(*xs: TensorLike, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid: for vectors of lengths n, m, ... tensors of shape (m, n, ...), the first of which
    varies along axis 1; of shape (n, m, ...) with ``indexing="ij"``. NumPy's default, not PyTorch's.

    Raises:
        ArgumentError: for another indexing.
        ShapeError: if an argument is no vector.

    Example:
        >>> import subgrad as sg
        >>> x, y = sg.meshgrid([1, 2, 3], [10, 20])
        >>> x.tolist(), y.tolist()
        ([[1, 2, 3], [1, 2, 3]], [[10, 10, 10], [20, 20, 20]])
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f'meshgrid takes indexing "xy" or "ij", got {indexing!r}')
    vectors = [as_tensor(x) for x in xs]
    for v in vectors:
        if v.ndim != 1:
            raise ShapeError(f"meshgrid takes vectors, got shape {v.shape}")
    axes = list(range(len(vectors)))
    if indexing == "xy" and len(axes) > 1:
        axes[:2] = 1, 0
    lengths = [0] * len(axes)
    for v, axis in zip(vectors, axes, strict=True):
        lengths[axis] = v.shape[0]
    shapes = [[-1 if i == axis else 1 for i in range(len(axes))] for axis in axes]
    return [broadcast_to(reshape(v, s), lengths) for v, s in zip(vectors, shapes, strict=True)]


def full_like(x: TensorLike, value: Any, dtype: npt.DTypeLike | None = None) -> Tensor:
    """A tensor of the shape of ``x``, and of its dtype unless one is named, that is ``value`` everywhere."""
    x = as_tensor(x)
    return full(x.shape, value, x.dtype if dtype is None else dtype)


__all__ = ["arange", "eye", "full_like", "linspace", "meshgrid"]
