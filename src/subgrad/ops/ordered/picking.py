"""Elements read and written at integers: along one axis as NumPy's `take`, or one place for each element."""

from __future__ import annotations

from subgrad.errors import DTypeError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import indexing, rules
from subgrad.ops.arrange.moves import moveaxis
from subgrad.ops.indexing import checked, index
from subgrad.ops.select import where
from subgrad.ops.shape import arange, broadcast_to, full, reshape


def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """x at integers along ``axis``, of the flattened tensor if it is None: NumPy's ``take``.

    >>> import subgrad as sg
    >>> sg.take([[1.0, 2.0], [3.0, 4.0]], [1, 0], 1).tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    x = as_tensor(x)
    x, axis = (reshape(x, -1), 0) if axis is None else (x, rules.normalise_axis(axis, x.ndim))
    return index(x, (slice(None),) * axis + (_integers("take", indices),))


def take_along_axis(x: TensorLike, indices: TensorLike, axis: int = -1) -> Tensor:
    """One element of x for each integer, along ``axis`` at that integer and else at the same place: what `argsort` and
    `argmax` return leads to its elements.

    Args:
        x: any tensor.
        indices: integers, with as many axes as x; the others broadcast.
        axis: along which one the integers count.

    Raises:
        ShapeError: for another number of axes, or an integer that is out of range.

    Example:
        >>> import subgrad as sg
        >>> sg.take_along_axis([[3.0, 1.0], [4.0, 9.0]], [[1], [0]], 1).tolist()
        [[1.0], [4.0]]
    """
    x = as_tensor(x)
    axis = rules.normalise_axis(axis, x.ndim)
    places, lengths = _along("take_along_axis", x, indices, axis)
    x = broadcast_to(x, [x.shape[i] if i == axis else n for i, n in enumerate(lengths)])
    return index(x, _places(places, axis))


def _integers(owner: str, indices: TensorLike) -> Tensor:
    indices = as_tensor(indices)
    if indices.dtype.kind not in "iu" and indices.size:
        raise DTypeError(f"{owner} takes integers as indices, got {indices.dtype}")
    return indices.astype(dt.int64)


def _along(owner: str, x: Tensor, indices: TensorLike, axis: int) -> tuple[Tensor, list[int]]:
    """The integers at the lengths of x but for ``axis``, and the lengths."""
    places = _integers(owner, indices)
    if places.ndim != x.ndim:
        raise ShapeError(f"{owner} needs integers with {x.ndim} axes for a shape {x.shape}, got {places.shape}")
    lengths = []
    for i, (n, m) in enumerate(zip(x.shape, places.shape, strict=True)):
        if i != axis and n != m and 1 not in (n, m):
            raise ShapeError(f"{owner}: shapes {x.shape} and {places.shape} do not fit beside axis {axis}")
        lengths.append(m if i == axis or n == 1 else n)
    return broadcast_to(places, lengths), lengths


def _places(indices: Tensor, axis: int) -> tuple[Tensor, ...]:
    """An array of integers for each axis: the given ones along ``axis``, and each place itself along the others."""
    wide = [[n if j == i else 1 for j in range(indices.ndim)] for i, n in enumerate(indices.shape)]
    return tuple(indices if i == axis else reshape(arange(indices.shape[i]), w) for i, w in enumerate(wide))


def scatter_add(x: TensorLike, indices: TensorLike, values: TensorLike, axis: int = -1) -> Tensor:
    """x with ``values`` added where `take_along_axis` reads with the same indices; more than one may go to one place.

    Args:
        x: any tensor.
        indices: integers, with as many axes as x, and its lengths but for ``axis``.
        values: of the shape of the indices, or what broadcasts to it.
        axis: along which one the integers count.

    Raises:
        ShapeError: for shapes that do not fit, or an integer that is out of range.

    Example:
        >>> import subgrad as sg
        >>> sg.scatter_add([0.0, 10.0, 20.0], [1, 1], [1.0, 2.0]).tolist()
        [0.0, 13.0, 20.0]
    """
    x, values = rules.match(x, values, spread=False)
    return x + _placed(x, *_checked("scatter_add", x, indices, values, axis))


def scatter(x: TensorLike, indices: TensorLike, values: TensorLike, axis: int = -1) -> Tensor:
    """x with ``values`` written where `take_along_axis` reads with the same indices: NumPy's ``put_along_axis`` as a
    new tensor. Of several values for one place the last stands; to find it takes as many comparisons as pairs along the
    axis.

    Arguments and errors are those of `scatter_add`.

    >>> import subgrad as sg
    >>> sg.scatter([0.0, 10.0, 20.0], [2, 0], [1.0, 2.0]).tolist()
    [2.0, 10.0, 1.0]
    """
    x, values = rules.match(x, values, spread=False)
    places, values, axis = _checked("scatter", x, indices, values, axis)
    if not places.size:
        return x
    last = _is_last(places, axis)
    written = _placed(x, places, where(last, values, full((), 0, x.dtype)), axis)
    there = _placed(x, places, last.astype(dt.int64), axis) > 0
    return where(there, written, x)


def _checked(
    owner: str, x: Tensor, indices: TensorLike, values: Tensor, axis: int
) -> tuple[Tensor, Tensor, int]:
    axis = rules.normalise_axis(axis, x.ndim)
    places, lengths = _along(owner, x, indices, axis)
    if any(i != axis and n != m for i, (n, m) in enumerate(zip(x.shape, lengths, strict=True))):
        raise ShapeError(f"{owner}: indices of shape {places.shape} do not fit into {x.shape} beside axis {axis}")
    n = x.shape[axis]
    places = checked(places, -n, n)
    return where(places < 0, places + n, places), broadcast_to(values, lengths), axis


def _placed(x: Tensor, places: Tensor, values: Tensor, axis: int) -> Tensor:
    """Zeros of the shape of x to which values are added."""
    if not places.size:
        return full(x.shape, 0, values.dtype)
    wide = [broadcast_to(p, places.shape) for p in _places(places, axis)]
    return indexing.added_at(values, wide, tuple(range(x.ndim)), x.shape, places.shape[axis])


def _is_last(places: Tensor, axis: int) -> Tensor:
    """Whether no later integer along ``axis`` is the same."""
    rows = moveaxis(places, axis, -1)
    n = rows.shape[-1]
    same = reshape(rows, (*rows.shape, 1)) == reshape(rows, (*rows.shape[:-1], 1, n))
    later = same & (reshape(arange(n), (n, 1)) < arange(n))
    return moveaxis(later.astype(dt.int64).sum(-1) == 0, -1, axis)


__all__ = ["scatter", "scatter_add", "take", "take_along_axis"]
