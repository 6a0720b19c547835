"""Pooling: the largest element, or the mean, of every window. Compositions, so kinks and ties are those of `max`."""

from __future__ import annotations

import math

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.ops import rules
from subgrad.ops.reduce import max as max_
from subgrad.ops.reduce import sum as sum_
from subgrad.ops.shape import pad
from subgrad.ops.window import Counts, Ints, Padding, Pairs, as_pairs, counted, per_axis, positions, span, windows


def max_pool(
    x: TensorLike, size: Ints, stride: Ints | None = None, padding: Padding = 0, dilation: Ints = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The largest element of every window. Tied elements share the gradient evenly; padding never wins.

    Args:
        x: shape (N, C, S1..Sk).
        size: of a window; a number, or one for each axis.
        stride: from one window to the next; the size of a window if it is None.
        padding: a number, one for each axis, or a pair (before, behind) for each; at most half a window.
        dilation: from one element of a window to the next.
        ceil_mode: keep a last window that sticks out behind by less than a stride, if it begins inside.

    Returns:
        shape (N, C, ...).

    Raises:
        ShapeError: if x is no batch of images, or a window does not fit.
        ArgumentError: for a size, stride, padding or dilation that is none.

    Example:
        >>> import subgrad as sg
        >>> sg.max_pool([[[1.0, 3.0, 2.0, 0.0, 5.0]]], 2).tolist()
        [[[3.0, 2.0]]]
        >>> sg.max_pool([[[1.0, 3.0, 2.0, 0.0, 5.0]]], 2, ceil_mode=True).tolist()
        [[[3.0, 2.0, 5.0]]]
    """
    x = rules.as_float(as_tensor(x))
    sizes, strides, dilations = _how(x, size, stride, dilation)
    widths = _reach(x, sizes, strides, as_pairs(padding, sizes, strides, dilations), dilations, ceil_mode)
    axes = len(sizes)
    seen = windows(_around(x, widths, -math.inf), sizes, strides, dilations)
    return max_(seen, tuple(range(seen.ndim - axes, seen.ndim)))


def avg_pool(
    x: TensorLike, size: Ints, stride: Ints | None = None, padding: Padding = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of every window.

    Args:
        x: shape (N, C, S1..Sk).
        size: of a window; a number, or one for each axis.
        stride: from one window to the next; the size of a window if it is None.
        padding: zeros around x: a number, one for each axis, or a pair for each; at most half a window.
        ceil_mode: keep a last window that sticks out behind by less than a stride, if it begins inside; what sticks out
            never counts.
        count_include_pad: whether the zeros of the padding count as elements.

    Returns:
        shape (N, C, ...).

    Raises:
        ShapeError: if x is no batch of images, or a window does not fit.
        ArgumentError: for a size, stride or padding that is none.

    Example:
        >>> import subgrad as sg
        >>> sg.avg_pool([[[1.0, 3.0, 2.0, 0.0]]], 2).tolist()
        [[[2.0, 1.0]]]
        >>> sg.avg_pool([[[1.0, 3.0]]], 2, padding=1, count_include_pad=False).tolist()
        [[[1.0, 3.0]]]
    """
    x = rules.as_float(as_tensor(x))
    sizes, strides, ones = _how(x, size, stride, 1)
    padded = as_pairs(padding, sizes, strides, ones)
    widths = _reach(x, sizes, strides, padded, ones, ceil_mode)
    axes = len(sizes)
    seen = windows(_around(x, widths, 0.0), sizes, strides)
    total = sum_(seen, tuple(range(seen.ndim - axes, seen.ndim)))
    counts = _counts(x.shape[2:], total.shape[2:], sizes, strides, padded, count_include_pad)
    if (counts == counts.flat[0]).all():
        return total / float(counts.flat[0])
    return total / constant(counts.astype(x.dtype))


def _how(x: Tensor, size: Ints, stride: Ints | None, dilation: Ints) -> tuple[Counts, Counts, Counts]:
    axes = x.ndim - 2
    if not 1 <= axes <= 3:
        raise ShapeError(f"pooling needs (N, C, ...) with 1 to 3 axes of space, got shape {x.shape}")
    if 0 in x.shape[2:]:
        raise ShapeError(f"there is nothing to pool in images of no elements, shape {x.shape}")
    sizes = per_axis(size, axes, "the size of a window")
    strides = sizes if stride is None else per_axis(stride, axes, "a stride")
    return sizes, strides, per_axis(dilation, axes, "a dilation")


def _reach(x: Tensor, sizes: Counts, strides: Counts, padding: Pairs, dilations: Counts, ceil_mode: bool) -> Pairs:
    """The padding, and with ``ceil_mode`` as much more behind as the last window sticks out."""
    found = []
    for n, k, s, (low, high), d in zip(x.shape[2:], sizes, strides, padding, dilations, strict=True):
        wide = span(k, d)
        if 2 * max(low, high) > wide:
            raise ArgumentError(f"padding is at most half a window of {wide}, got {(low, high)}")
        start = positions(n + low + high, k, s, d) * s  # of a last window that may stick out
        if ceil_mode and (n + low + high - wide) % s and 0 <= start < n + low:
            high = start + wide - n - low
        counted([n + low + high], (k,), (s,), (d,))
        found.append((low, high))
    return tuple(found)


def _around(x: Tensor, widths: Pairs, value: float) -> Tensor:
    return pad(x, [(0, 0), (0, 0), *widths], value) if any(w for pair in widths for w in pair) else x


def _counts(
    lengths: Counts, made: Counts, sizes: Counts, strides: Counts, padding: Pairs, padding_counts: bool
) -> np.ndarray:
    """How many elements each window averages."""
    total = np.ones(())
    for n, o, k, s, (low, high) in zip(lengths, made, sizes, strides, padding, strict=True):
        start = np.arange(o) * s - low
        first, last = (-low, n + high) if padding_counts else (0, n)
        total = np.multiply.outer(total, np.minimum(start + k, last) - np.maximum(start, first))
    return total


__all__ = ["avg_pool", "max_pool"]
