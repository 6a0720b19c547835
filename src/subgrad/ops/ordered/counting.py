"""Questions to whole tensors, and counts: any, all, close, unique, bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, DTypeError, NotTraceableError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.ops import rules
from subgrad.ops.arrange.grids import linspace
from subgrad.ops.indexing import added_at, checked
from subgrad.ops.kinked import abs as abs_
from subgrad.ops.kinked import maximum, minimum
from subgrad.ops.reduce import max as max_
from subgrad.ops.reduce import min as min_
from subgrad.ops.reduce import sum as sum_
from subgrad.ops.select import isnan, where
from subgrad.ops.shape import astype, broadcast_to, full, ones, reshape


def _truth(x: TensorLike) -> Tensor:
    x = as_tensor(x)
    return x if x.dtype == dt.bool_ else x != 0


def any(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False) -> Tensor:
    """Whether an element over ``axis`` is True, or not 0; False of no elements.

    >>> import subgrad as sg
    >>> bool(sg.any([False, True]))
    True
    """
    return sum_(_truth(x), axis, keepdims) > 0


def all(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over ``axis`` are True, or not 0; True of no elements.

    >>> import subgrad as sg
    >>> bool(sg.all([False, True]))
    False
    """
    return sum_(~_truth(x), axis, keepdims) == 0


def count_nonzero(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False) -> Tensor:
    """How many elements over ``axis`` are not 0; int64.

    >>> import subgrad as sg
    >>> int(sg.count_nonzero([0.0, 2.0, 3.0]))
    2
    """
    return sum_(_truth(x), axis, keepdims)


def isinf(x: TensorLike) -> Tensor:
    """True where x is inf or -inf.

    >>> import subgrad as sg
    >>> sg.isinf([1.0, float("-inf")]).tolist()
    [False, True]
    """
    x = as_tensor(x)
    return abs_(x) == np.inf if x.dtype.kind == "f" else full(x.shape, False, dt.bool_)


def isclose(
    a: TensorLike, b: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Where \\|a - b\\| <= atol + rtol \\|b\\|, or both are one infinity; NaN is close to NaN with ``equal_nan``.

    >>> import subgrad as sg
    >>> sg.isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
    [True, False]
    """
    a, b = rules.broadcast_all(rules.match(a, b))
    same = a == b
    a, b = (x if x.dtype.kind == "f" else x.astype(dt.float64) for x in (a, b))
    close = same | ((abs_(a - b) <= atol + rtol * abs_(b)) & (abs_(b) < np.inf))
    return close | (isnan(a) & isnan(b)) if equal_nan else close


def allclose(
    a: TensorLike, b: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close; see `isclose`.

    >>> import subgrad as sg
    >>> bool(sg.allclose([1.0, 2.0], [1.0, 2.0]))
    True
    """
    return all(isclose(a, b, rtol, atol, equal_nan))


def unique(
    x: TensorLike, return_inverse: bool = False, return_counts: bool = False
) -> Any:
    """The different elements of x in rising order, and if asked for the index of each element of x among these, and how
    often each occurs. How many there are depends on values: they have to be known.

    Raises:
        NotTraceableError: inside of a function that is compiled or mapped.

    Example:
        >>> import subgrad as sg
        >>> values, counts = sg.unique([3, 1, 3], return_counts=True)
        >>> values.tolist(), counts.tolist()
        ([1, 3], [1, 2])
    """
    found = np.unique(_values("unique", as_tensor(x)), return_inverse=return_inverse, return_counts=return_counts)
    if not isinstance(found, tuple):
        return constant(found)
    parts = [constant(np.asarray(f, f.dtype if k == 0 else np.int64)) for k, f in enumerate(found)]
    if return_inverse:
        parts[1] = reshape(parts[1], as_tensor(x).shape)
    return tuple(parts)


def _values(owner: str, x: Tensor) -> np.ndarray:
    if x.is_symbolic():
        raise NotTraceableError(f"the shape of {owner} depends on values, which a traced function does not know")
    return x.numpy()


def bincount(x: TensorLike, weights: TensorLike = None, minlength: int = 0, length: int | None = None) -> Tensor:
    """How often each of 0, 1, 2, ... occurs in the integers x, or the sum of their ``weights``.

    Args:
        x: integers of 0 or more, a vector.
        weights: of the shape of x; gradients pass to them.
        minlength: how long the result is at least; it reaches to the largest element of x.
        length: how long it is exactly: needed where the values of x are not known.

    Raises:
        NotTraceableError: without a ``length``, inside of a function that is compiled or mapped.
        ShapeError: if x is no vector, the weights have another shape, or an integer is out of range.

    Example:
        >>> import subgrad as sg
        >>> sg.bincount([0, 2, 2]).tolist()
        [1, 0, 2]
    """
    x = as_tensor(x)
    if x.dtype.kind not in "iu" or x.ndim != 1:
        raise DTypeError(f"bincount takes a vector of integers, got {x.dtype} of shape {x.shape}")
    if length is None:
        values = _values("bincount without a length", x)
        length = max(int(minlength), int(values.max(initial=-1)) + 1)
    given = ones(x.shape, dt.int64) if weights is None else as_tensor(weights)
    return segment_sum(given, x, int(length))


def segment_sum(x: TensorLike, segments: TensorLike, num_segments: int) -> Tensor:
    """The sum of the rows of x with one segment number: shape (N, ...) to (num_segments, ...).

    Args:
        x: shape (N, ...).
        segments: N integers in 0..num_segments-1, in any order.
        num_segments: how many.

    Raises:
        ShapeError: if there is not one integer for each row, or one is out of range.
        DTypeError: if they are not integers.

    Example:
        >>> import subgrad as sg
        >>> sg.segment_sum([[1.0], [2.0], [4.0]], [1, 0, 1], 3).tolist()
        [[2.0], [5.0], [0.0]]
    """
    x, segments = as_tensor(x), as_tensor(segments)
    if segments.dtype.kind not in "iu":
        raise DTypeError(f"segment_sum takes integers as segments, got {segments.dtype}")
    if not x.ndim or segments.shape != x.shape[:1]:
        raise ShapeError(f"segment_sum needs an integer for each row, got the shapes {x.shape} and {segments.shape}")
    if num_segments < 0:
        raise ArgumentError(f"segment_sum needs a number of segments, got {num_segments}")
    if not x.size:
        return full((num_segments, *x.shape[1:]), 0, x.dtype)
    places = checked(astype(segments, dt.int64), 0, num_segments)
    return added_at(x, [places], (0,), (int(num_segments), *x.shape[1:]), x.shape[0])


def searchsorted(a: TensorLike, v: TensorLike, side: str = "left") -> Tensor:
    """Where elements v belong in the rising vector a: before equal ones, behind them with ``side="right"``; int64.

    >>> import subgrad as sg
    >>> sg.searchsorted([1.0, 2.0, 2.0, 3.0], [2.0, 5.0]).tolist()
    [1, 4]
    """
    if side not in ("left", "right"):
        raise ArgumentError(f'searchsorted takes the side "left" or "right", got {side!r}')
    a, v = rules.match(a, v, spread=False)
    if a.ndim != 1:
        raise ShapeError(f"searchsorted takes a vector, got shape {a.shape}")
    n = a.shape[0]
    found = full(v.shape, 0, dt.int64)
    step = 1 << max(n.bit_length() - 1, 0)
    while step and n:
        there = found + step
        at = a[where(there <= n, there, n) - 1]
        before = (at < v) if side == "left" else (at <= v)
        if v.dtype.kind == "f":
            before = before | (isnan(v) & (~isnan(at) if side == "left" else True))
        found = where((there <= n) & before, there, found)
        step //= 2
    return found


def histogram(
    x: TensorLike, bins: int | TensorLike = 10, range: tuple[float, float] | None = None, weights: TensorLike = None
) -> tuple[Tensor, Tensor]:
    """How many elements lie in each bin, or the sum of their ``weights``; and the edges of the bins. The last bin has
    its upper edge, others have not; what lies outside does not count.

    Args:
        x: numbers.
        bins: how many of one width, or the rising edges.
        range: the outer edges; the smallest and the largest element if it is None.
        weights: of the shape of x; gradients pass to them.

    Raises:
        ArgumentError: for fewer than one bin, or edges that are known to fall.
        ShapeError: if the weights have another shape, or the edges are no vector.

    Example:
        >>> import subgrad as sg
        >>> counts, edges = sg.histogram([0.0, 1.0, 1.5, 4.0], 2)
        >>> counts.tolist(), edges.tolist()
        ([3, 1], [0.0, 2.0, 4.0])
    """
    x = rules.as_float(as_tensor(x))
    x = reshape(x, -1)
    edges = _edges(x, bins, range)
    count = edges.shape[0] - 1
    if count < 1:
        raise ArgumentError(f"histogram needs at least one bin, got {bins!r}")
    given = ones(x.shape, dt.int64) if weights is None else reshape(as_tensor(weights), -1)
    if given.shape != x.shape:
        raise ShapeError(f"histogram needs a weight for each element, got {given.shape[0]} for {x.shape[0]}")
    place = searchsorted(edges, x, "right")
    place = where(x == edges[-1], count, place)
    outside = (x < edges[0]) | (x > edges[-1]) | isnan(x)
    sums = segment_sum(given, where(outside, 0, place), count + 2)
    return sums[1:-1], edges


def _edges(x: Tensor, bins: Any, limits: tuple[float, float] | None) -> Tensor:
    if not isinstance(bins, (int, np.integer)):
        edges = as_tensor(bins, x.dtype).astype(x.dtype)
        _require_rising("histogram takes edges that rise", edges, 0)
        return edges
    if limits is not None and not (len(limits) == 2 and limits[0] <= limits[1]):
        raise ArgumentError(f"histogram takes a range (low, high) with low not above high, got {limits!r}")
    low, high = (min_(x), max_(x)) if limits is None and x.size else (limits or (0.0, 1.0))
    low, high = (as_tensor(e, x.dtype).astype(x.dtype) for e in (low, high))
    flat = low == high
    return linspace(where(flat, low - 0.5, low), where(flat, high + 0.5, high), int(bins) + 1)


def interp(x: TensorLike, xp: TensorLike, fp: TensorLike) -> Tensor:
    """The function with linear pieces through the points (xp, fp) at x; constant beyond the outer ones.

    It is a sum of clipped pieces, so it has exact one-sided derivatives at the points.

    Args:
        x: where.
        xp: rising numbers, a vector.
        fp: values at these.

    Raises:
        ArgumentError: for ``xp`` that are known not to rise: two alike would be a jump.
        ShapeError: if the vectors differ in length, or are empty.

    Example:
        >>> import subgrad as sg
        >>> sg.interp([0.5, 9.0], [0.0, 1.0, 3.0], [0.0, 2.0, 4.0]).tolist()
        [1.0, 4.0]
    """
    x, xp, fp = (rules.as_float(t) for t in rules.match(x, xp, fp, spread=False))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(f"interp takes two vectors of one length, got the shapes {xp.shape} and {fp.shape}")
    _require_rising("interp takes xp that rise, without two alike", xp, 1)
    width, rise = xp[1:] - xp[:-1], fp[1:] - fp[:-1]
    run = reshape(x, (*x.shape, 1)) - xp[:-1]
    inside = maximum(minimum(run, broadcast_to(width, run.shape)), 0)
    found = fp[0] + sum_(inside * (rise / width), -1)
    return found


def _require_rising(wanted: str, x: Tensor, strictly: int) -> None:
    """Raise for a vector of known values one of which is below the one before it, or ``strictly`` not above it."""
    if x.ndim != 1:
        raise ShapeError(f"{wanted}, a vector, got the shape {x.shape}")
    if x._value is not None:
        before, after = x._value[:-1], x._value[1:]
        if len(odd := np.flatnonzero(after <= before if strictly else after < before)):
            raise ArgumentError(f"{wanted}, got {after[odd[0]]:g} behind {before[odd[0]]:g}")


__all__ = [
    "all", "allclose", "any", "bincount", "count_nonzero", "histogram", "interp", "isclose", "isinf", "searchsorted",
    "segment_sum", "unique",
]  # fmt: skip
