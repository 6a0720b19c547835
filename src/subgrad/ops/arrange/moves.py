"""Elements that move: rolled, repeated, split; axes in another order; diagonals and triangles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import indexing, rules
from subgrad.ops.arrange.grids import arange
from subgrad.ops.reduce import sum as sum_
from subgrad.ops.select import where
from subgrad.ops.shape import broadcast_to, concatenate, pad, reshape, transpose


def _part(x: Tensor, axis: int, start: int | None, stop: int | None) -> Tensor:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def roll(x: TensorLike, shift: int | Sequence[int], axis: rules.Axes = None) -> Tensor:
    """x moved by ``shift`` places along ``axis``; what leaves at the end comes in at the beginning.

    Args:
        x: any tensor.
        shift: an integer, or one for each axis.
        axis: an int or several; None rolls the flattened tensor.

    Raises:
        ArgumentError: if there is not one shift for each axis.

    Example:
        >>> import subgrad as sg
        >>> sg.roll([1, 2, 3, 4], 1).tolist()
        [4, 1, 2, 3]
    """
    x = as_tensor(x)
    if axis is None:
        return reshape(roll(reshape(x, -1), shift, 0), x.shape)
    axes = [axis] if isinstance(axis, (int, np.integer)) else list(axis)
    shifts = [shift] * len(axes) if isinstance(shift, (int, np.integer)) else list(shift)
    if len(shifts) != len(axes):
        raise ArgumentError(f"roll needs a shift for each axis, got {len(shifts)} shifts and {len(axes)} axes")
    for s, a in zip(shifts, axes, strict=True):
        a = rules.normalise_axis(a, x.ndim)
        by = s % x.shape[a] if x.shape[a] else 0
        if by:
            x = concatenate([_part(x, a, x.shape[a] - by, None), _part(x, a, None, x.shape[a] - by)], a)
    return x


def tile(x: TensorLike, reps: int | Sequence[int]) -> Tensor:
    """x beside itself, ``reps`` times along each axis; new axes come in front, as in NumPy.

    >>> import subgrad as sg
    >>> sg.tile([1, 2], 2).tolist(), sg.tile([1, 2], (2, 1)).tolist()
    ([1, 2, 1, 2], [[1, 2], [1, 2]])
    """
    x = as_tensor(x)
    times = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    if any(not isinstance(n, (int, np.integer)) or n < 0 for n in times):
        raise ArgumentError(f"tile takes numbers of repetitions of 0 or more, got {reps!r}")
    times = (1,) * (x.ndim - len(times)) + times
    lengths = (1,) * (len(times) - x.ndim) + x.shape
    apart = reshape(x, [k for n in lengths for k in (1, n)])
    copies = broadcast_to(apart, [k for t, n in zip(times, lengths, strict=True) for k in (t, n)])
    return reshape(copies, [t * n for t, n in zip(times, lengths, strict=True)])


def repeat(x: TensorLike, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Each element of x several times in a row along ``axis``; None takes the flattened tensor.

    Args:
        x: any tensor.
        repeats: how many times, an integer or one for each place along the axis. NumPy's ``repeat``: PyTorch's
            ``Tensor.repeat`` is `tile`.
        axis: along which one.

    Raises:
        ArgumentError: if there is not one number of 0 or more for each place.

    Example:
        >>> import subgrad as sg
        >>> sg.repeat([1, 2], 2).tolist(), sg.repeat([1, 2], [1, 3]).tolist()
        ([1, 1, 2, 2], [1, 2, 2, 2])
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = reshape(x, -1), 0
    axis = rules.normalise_axis(axis, x.ndim)
    times = np.asarray(repeats)
    if times.dtype.kind not in "iu" or (times < 0).any() or times.shape not in ((), (1,), (x.shape[axis],)):
        raise ArgumentError(f"repeat needs {x.shape[axis]} numbers of 0 or more, or one, got {repeats!r}")
    if times.size == 1:
        n = int(times.reshape(()))
        apart = reshape(x, (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
        copies = broadcast_to(apart, (*x.shape[: axis + 1], n, *x.shape[axis + 1 :]))
        return reshape(copies, (*x.shape[:axis], x.shape[axis] * n, *x.shape[axis + 1 :]))
    return x[(slice(None),) * axis + (np.repeat(np.arange(x.shape[axis]), times),)]


def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """x cut along ``axis`` into so many equal parts, or before each of the given places: NumPy's ``split``.

    Raises:
        ShapeError: if the axis has no such parts.

    Example:
        >>> import subgrad as sg
        >>> [p.tolist() for p in sg.split([1, 2, 3, 4], 2)], [p.tolist() for p in sg.split([1, 2, 3, 4], [1])]
        ([[1, 2], [3, 4]], [[1], [2, 3, 4]])
    """
    x = as_tensor(x)
    axis = rules.normalise_axis(axis, x.ndim)
    n = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if indices_or_sections < 1 or n % indices_or_sections:
            raise ShapeError(
                f"an axis of length {n} has no {indices_or_sections} equal parts: chunk makes parts that differ"
            )
        size = n // int(indices_or_sections)
        ends = list(range(size, n, size)) if size else [0] * (int(indices_or_sections) - 1)
    else:
        ends = [int(i) for i in indices_or_sections]
    return [_part(x, axis, a, b) for a, b in zip([0, *ends], [*ends, None], strict=True)]


def chunk(x: TensorLike, chunks: int, axis: int = 0) -> list[Tensor]:
    """x cut along ``axis`` into ``chunks`` parts at most, all of one length but perhaps the last: PyTorch's ``chunk``.

    >>> import subgrad as sg
    >>> [p.tolist() for p in sg.chunk([1, 2, 3, 4, 5], 2)]
    [[1, 2, 3], [4, 5]]
    """
    x = as_tensor(x)
    axis = rules.normalise_axis(axis, x.ndim)
    if not isinstance(chunks, (int, np.integer)) or chunks < 1:
        raise ArgumentError(f"chunk needs a number of parts, got {chunks!r}")
    size = max(math.ceil(x.shape[axis] / chunks), 1)
    return split(x, list(range(size, x.shape[axis], size)), axis)


def moveaxis(x: TensorLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """x with the axes ``source`` at the places ``destination``, and the others in their order.

    >>> import subgrad as sg
    >>> sg.moveaxis(sg.zeros((2, 3, 4)), -1, 0).shape
    (4, 2, 3)
    """
    x = as_tensor(x)
    given, to = ([a] if isinstance(a, (int, np.integer)) else list(a) for a in (source, destination))
    moved = [rules.normalise_axis(a, x.ndim) for a in given]
    places = [rules.normalise_axis(a, x.ndim) for a in to]
    if len(moved) != len(places) or len(set(moved)) != len(moved) or len(set(places)) != len(places):
        raise ArgumentError(f"moveaxis needs as many places as axes, each once, got {source} and {destination}")
    order = [a for a in range(x.ndim) if a not in moved]
    for place, a in sorted(zip(places, moved, strict=True)):
        order.insert(place, a)
    return transpose(x, order)


# Diagonals and triangles


def _of_two_axes(what: str, x: TensorLike) -> Tensor:
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"{what} takes a matrix or a stack of them, got shape {x.shape}")
    return x


def _above(x: Tensor) -> Tensor:
    """For each place of a matrix, how far it is above the main diagonal."""
    return arange(x.shape[-1]) - arange(x.shape[-2]).reshape(-1, 1)


def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The lower triangle of matrices (..., n, m) up to the ``k``-th diagonal, 0 above.

    >>> import subgrad as sg
    >>> sg.tril(sg.ones((2, 2))).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    x = _of_two_axes("tril", x)
    return where(_above(x) <= int(k), x, 0)


def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The upper triangle of matrices (..., n, m) from the ``k``-th diagonal on, 0 below.

    >>> import subgrad as sg
    >>> sg.triu(sg.ones((2, 2)), 1).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    x = _of_two_axes("triu", x)
    return where(_above(x) >= int(k), x, 0)


def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The elements where the index along ``axis2`` is that along ``axis1`` plus ``offset``, along a new last axis.

    >>> import subgrad as sg
    >>> sg.diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    x = _of_two_axes("diagonal", x)
    a, b = rules.normalise_axis(axis1, x.ndim), rules.normalise_axis(axis2, x.ndim)
    if a == b:
        raise ArgumentError(f"diagonal needs two axes that differ, got {axis1} and {axis2}")
    x = _part(_part(x, a, max(-offset, 0), None), b, max(offset, 0), None)
    n = min(x.shape[a], x.shape[b])
    return indexing.diagonal(_part(_part(x, a, None, n), b, None, n), a, b)


def diag(x: TensorLike, k: int = 0) -> Tensor:
    """Of a vector the matrix that has it on its ``k``-th diagonal; of a matrix its ``k``-th diagonal.

    >>> import subgrad as sg
    >>> sg.diag([1, 2]).tolist(), sg.diag([[1, 2], [3, 4]]).tolist()
    ([[1, 0], [0, 2]], [1, 4])
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag takes a vector or a matrix, got shape {x.shape}")
    n = x.shape[0]
    square = where(arange(n).reshape(-1, 1) == arange(n), x, 0)
    return pad(square, ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0)))) if k else square


def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal.

    >>> import subgrad as sg
    >>> float(sg.trace([[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    return sum_(diagonal(x, offset, axis1, axis2), -1)


__all__ = ["chunk", "diag", "diagonal", "moveaxis", "repeat", "roll", "split", "tile", "trace", "tril", "triu"]
