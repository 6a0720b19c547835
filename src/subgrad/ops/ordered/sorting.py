"""Order: sorting, the largest few, medians and quantiles.

`sort` is a network of minima and maxima (Batcher, "Sorting networks and their applications", 1968, in the form that
only ascends), so what holds for these holds for it: tied elements share the gradient, and one-sided derivatives at
ties are exact. Native code has `argsort` as the same network of comparisons; n elements take about n log2(n)²/2 of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.op import Kind, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.arrange.moves import moveaxis
from subgrad.ops.indexing import flip
from subgrad.ops.kinked import maximum, minimum
from subgrad.ops.reduce import sum as sum_
from subgrad.ops.select import isnan, where
from subgrad.ops.shape import arange, astype, broadcast_to, concatenate, reshape

Pair = tuple[Tensor, ...]
Exchange = Callable[[Pair, Pair], tuple[Pair, Pair]]
"""From what stands at two places, each of one or more tensors, to what is to stand at them."""


def network(columns: Pair, exchange: Exchange) -> Pair:
    """The last axis of all ``columns`` sorted together."""
    n = columns[0].shape[-1]
    distance = 1
    while distance < n:  # blocks of that length are in order: two of them become one
        columns = _stage(columns, distance, exchange, mirrored=True)
        between = distance // 2
        while between:
            columns = _stage(columns, between, exchange, mirrored=False)
            between //= 2
        distance *= 2
    return columns


def _stage(columns: Pair, distance: int, exchange: Exchange, mirrored: bool) -> Pair:
    """In each block of twice the distance, places exchanged with those at the distance, or with their mirror images.

    A last block may be short: it is as if the largest of all stood behind it, and what that would be exchanged with
    stays.
    """
    n = columns[0].shape[-1]
    whole = n - n % (2 * distance)
    rest = n - whole
    parts: list[Pair] = []
    if whole:
        shape = (*columns[0].shape[:-1], whole)
        blocks = tuple(reshape(c[..., :whole], (*shape[:-1], -1, 2 * distance)) for c in columns)
        made = _block(blocks, distance, exchange, mirrored)
        parts.append(tuple(reshape(m, shape) for m in made))
    if rest:
        last = tuple(c[..., whole:] for c in columns)
        parts.append(_block(last, distance, exchange, mirrored) if rest > distance else last)
    return tuple(concatenate(list(p), -1) if len(p) > 1 else p[0] for p in zip(*parts, strict=True))


def _block(columns: Pair, distance: int, exchange: Exchange, mirrored: bool) -> Pair:
    """One block, along the last axis, of more places than the distance."""
    count = columns[0].shape[-1] - distance  # so many pairs
    start = distance - count if mirrored else 0
    before, behind = (tuple(c[..., a:b] for c in columns) for a, b in ((0, start), (start + count, distance)))
    low, high = (tuple(c[..., a : a + count] for c in columns) for a in (start, distance))
    low, high = exchange(low, _turned(high) if mirrored else high)
    high = _turned(high) if mirrored else high
    kept = [p for p in (before, low, behind, high) if p[0].shape[-1]]
    return tuple(concatenate(list(p), -1) for p in zip(*kept, strict=True))


def _turned(columns: Pair) -> Pair:
    return tuple(c[..., ::-1] for c in columns)


def _last(x: TensorLike, axis: int | None) -> tuple[Tensor, int]:
    """x with ``axis`` last, flattened if it is None; and where that axis came from."""
    x = as_tensor(x)
    x, axis = (reshape(x, -1), 0) if axis is None else (x, rules.normalise_axis(axis, x.ndim))
    return moveaxis(x, axis, -1), axis


def sort(x: TensorLike, axis: int | None = -1, descending: bool = False) -> Tensor:
    """x in rising order along ``axis``, flattened if it is None; NaN last, and first with ``descending``.

    Tied elements share the gradient of their places: an element of the subdifferential, and of three or more not always
    that of least norm.

    >>> import subgrad as sg
    >>> sg.sort([3.0, 1.0, 2.0]).tolist(), sg.sort([3.0, 1.0, 2.0], descending=True).tolist()
    ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    """
    x, axis = _last(x, axis)
    if x.shape[-1] > 1 and x.size:
        x = _sorted_bools(x) if x.dtype.kind == "b" else _sorted(x)
    x = moveaxis(x, -1, axis)
    return flip(x, axis) if descending else x


def _sorted(x: Tensor) -> Tensor:
    known = x if x.dtype.kind != "f" else where(isnan(x), np.inf, x)
    (found,) = network((known,), lambda a, b: ((minimum(a[0], b[0]),), (maximum(a[0], b[0]),)))
    if x.dtype.kind != "f":
        return found
    numbers = sum_(~isnan(x), -1, keepdims=True)
    return where(arange(x.shape[-1]) < numbers, found, np.nan)


def _sorted_bools(x: Tensor) -> Tensor:
    return arange(x.shape[-1]) >= sum_(~x, -1, keepdims=True)


def _argsort_prepare(x: TensorLike, axis: int | None = -1, descending: bool = False):
    x, axis = _flat(as_tensor(x), axis)
    return [x], {"axis": rules.normalise_axis(axis, x.ndim), "descending": bool(descending)}


def _flat(x: Tensor, axis: int | None) -> tuple[Tensor, int]:
    return (reshape(x, -1), 0) if axis is None else (x, axis)


def _argsort_expanded(x: Tensor, *, axis: int, descending: bool) -> Tensor:
    if descending:  # of equal elements the first comes first then, too
        return x.shape[axis] - 1 - flip(_argsort_expanded(flip(x, axis), axis=axis, descending=False), axis)
    x = moveaxis(x if x.dtype.kind != "b" else astype(x, dt.uint8), axis, -1)
    places = broadcast_to(arange(x.shape[-1]), x.shape)
    if not x.size:
        return moveaxis(places, -1, axis)
    _, found = network((x, places), _by_key)
    return moveaxis(found, -1, axis)


def _by_key(a: Pair, b: Pair) -> tuple[Pair, Pair]:
    (x, i), (y, j) = a, b
    after = (y < x) | ((x == y) & (j < i))
    if x.dtype.kind == "f":  # NaN stands behind all numbers
        after = after | (isnan(x) & ((y == y) | (j < i)))
    low = where(after, y, x), where(after, j, i)
    return low, (where(after, x, y), where(after, i, j))


@defop(
    kind=Kind.CHOICE,
    prepare=_argsort_prepare,
    shape=lambda x, *, axis, descending: (x.shape, dt.int64),
    vjp=lambda *_, **__: (None,),
    expand=_argsort_expanded,
    text="argsort {0}",
)
def argsort(x, axis=-1, descending=False):
    """The indices that bring x into rising order along ``axis``, of the flattened tensor if it is None; int64. Equal
    elements keep their order, NaN comes last; with ``descending`` it comes first, as in `sort`.

    >>> import subgrad as sg
    >>> sg.argsort([3.0, 1.0, 2.0]).tolist()
    [1, 2, 0]
    """
    if descending:
        return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
    return np.argsort(x, axis=axis, kind="stable")


def topk(x: TensorLike, k: int, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The ``k`` largest elements along ``axis`` in falling order, and their indices; the smallest in rising order with
    ``largest=False``. Of equal elements the first comes first; NaN is larger than all numbers.

    Raises:
        ShapeError: if the axis has fewer elements.

    Example:
        >>> import subgrad as sg
        >>> values, places = sg.topk([1.0, 5.0, 3.0], 2)
        >>> values.tolist(), places.tolist()
        ([5.0, 3.0], [1, 2])
    """
    x = as_tensor(x)
    axis = rules.normalise_axis(axis, x.ndim)
    if not isinstance(k, (int, np.integer)) or not 0 <= k <= x.shape[axis]:
        raise ShapeError(f"topk needs a k of 0 to {x.shape[axis]}, the length of axis {axis}, got {k!r}")
    first = (slice(None),) * axis + (slice(int(k)),)
    return sort(x, axis, largest)[first], argsort(x, axis, largest)[first]


def quantile(
    x: TensorLike, q: float | Sequence[float], axis: rules.Axes = None, keepdims: bool = False
) -> Tensor:
    """The ``q``-quantile over ``axis``: the element at (n - 1) q of the sorted ones, between two of them a part of
    each. NaN if there is a NaN.

    Args:
        x: floats, or numbers that become floats.
        q: in [0, 1], or several, which come along a new first axis.
        axis: an int, several, or None for all.
        keepdims: keep the axes with length 1.

    Raises:
        ArgumentError: for a q outside of [0, 1].
        ShapeError: if there are no elements.

    Example:
        >>> import subgrad as sg
        >>> float(sg.quantile([1.0, 2.0, 4.0], 0.75))
        3.0
    """
    x = rules.as_float(as_tensor(x))
    axes = rules.normalise_axes(axis, x.ndim)
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = reshape(x.transpose([*kept, *axes]), (*(x.shape[i] for i in kept), rules.count(x.shape, axes)))
    n, several = rows.shape[-1], np.asarray(q, np.float64)
    if not ((several >= 0) & (several <= 1)).all() or several.ndim > 1:
        raise ArgumentError(f"a quantile lies in [0, 1], got {q!r}")
    if not n:
        raise ShapeError(f"there is no quantile of no elements: shape {x.shape}, axis {axis}")
    ordered, spoiled = sort(rows), sum_(isnan(rows), -1) > 0
    shape = rules.reduced_shape(x.shape, axes, keepdims)
    found = [reshape(where(spoiled, np.nan, _at(ordered, v * (n - 1))), shape) for v in several.ravel()]
    return found[0] if not several.ndim else concatenate([f.reshape(1, *shape) for f in found], 0)


def _at(ordered: Tensor, place: float) -> Tensor:
    below = int(np.floor(place))
    part = place - below
    low = ordered[..., below]
    return low if not part else (1 - part) * low + part * ordered[..., below + 1]


def median(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False) -> Tensor:
    """The median over ``axis``, of an even number of elements the mean of the two in the middle; NaN if there is a NaN.

    Raises:
        ShapeError: if there are no elements.

    Example:
        >>> import subgrad as sg
        >>> float(sg.median([5.0, 1.0, 2.0, 3.0]))
        2.5
    """
    return quantile(x, 0.5, axis, keepdims)


__all__ = ["argsort", "median", "quantile", "sort", "topk"]
