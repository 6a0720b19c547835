"""Sliding windows over the trailing axes of a tensor, and their transpose, which adds overlapping windows up."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.op import apply, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops.indexing import place
from subgrad.ops.shape import pad, reshape, transpose

Ints = int | Sequence[int]
Counts = tuple[int, ...]


def per_axis(value: Any, axes: int, what: str, least: int = 1) -> Counts:
    """An integer for each of so many axes, from one for all or a sequence; `ArgumentError` if one is too small."""
    try:
        found = tuple(operator.index(v) for v in (value if np.iterable(value) else [value] * axes))
    except TypeError:
        raise ArgumentError(f"{what} is an integer or one for each axis, got {value!r}") from None
    if len(found) != axes or any(v < least for v in found):
        raise ArgumentError(f"{what} is an integer of {least} or more, or {axes} of them, got {value!r}")
    return found


def span(size: int, dilation: int) -> int:
    """How many elements lie between the first and the last one that a window sees, both included."""
    return (size - 1) * dilation + 1


def positions(length: int, size: int, stride: int, dilation: int) -> int:
    """How many windows fit on an axis."""
    return (length - span(size, dilation)) // stride + 1


def counted(lengths: Sequence[int], sizes: Counts, strides: Counts, dilations: Counts) -> Counts:
    """How many windows fit on each axis; `ShapeError` if none does."""
    for n, k, d in zip(lengths, sizes, dilations, strict=True):
        if span(k, d) > n:
            wide = f"{k} (dilated to {span(k, d)})" if d > 1 else str(k)
            raise ShapeError(f"a window of size {wide} does not fit an axis of length {n}")
    return tuple(map(positions, lengths, sizes, strides, dilations))


def _windows_prepare(x: TensorLike, sizes: Ints, strides: Ints = 1, dilations: Ints = 1):
    x = as_tensor(x)
    axes = len(sizes) if isinstance(sizes, Sequence) else 1
    if axes > x.ndim:
        raise ShapeError(f"windows over {axes} axes need as many, got a tensor of shape {x.shape}")
    kept = {"strides": per_axis(strides, axes, "a stride"), "dilations": per_axis(dilations, axes, "a dilation")}
    return [x], {"sizes": per_axis(sizes, axes, "the size of a window"), **kept}


def _windows_shape(x, *, sizes, strides, dilations):
    lead = x.ndim - len(sizes)
    return (*x.shape[:lead], *counted(x.shape[lead:], sizes, strides, dilations), *sizes), x.dtype


@defop(
    prepare=_windows_prepare,
    shape=_windows_shape,
    vjp=lambda g, y, x, *, sizes, strides, dilations: (
        fold(g, x.shape[x.ndim - len(sizes) :], strides, dilations),
    ),
    text="windows {0}",
    slopes=("1",),
)  # fmt: skip
def windows(x, sizes, strides: Any = 1, dilations: Any = 1):
    """The windows of so many ``sizes`` that slide over the last axes of x: shape (..., O1..Ok, K1..Kk).

    Args:
        x: shape (..., S1..Sk); there is no padding, see `pad`.
        sizes: of a window along each of the last axes, K1..Kk; an integer for the last axis alone.
        strides: from one window to the next: O = (S - (K - 1) dilation - 1) // stride + 1.
        dilations: from one element of a window to the next.

    Raises:
        ShapeError: if a window does not fit.

    Example:
        >>> import subgrad as sg
        >>> sg.windows([1.0, 2.0, 3.0, 4.0], 2).tolist()
        [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
        >>> sg.windows([1.0, 2.0, 3.0, 4.0, 5.0], 2, strides=2, dilations=2).tolist()
        [[1.0, 3.0], [3.0, 5.0]]
    """
    axes = tuple(range(x.ndim - len(sizes), x.ndim))
    spans = tuple(map(span, sizes, dilations))
    seen = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    return seen[(..., *(slice(None, None, s) for s in strides), *(slice(None, None, d) for d in dilations))]


def _fold_prepare(x: TensorLike, sizes: Ints, strides: Ints = 1, dilations: Ints = 1):
    x = as_tensor(x)
    axes = len(sizes) if isinstance(sizes, Sequence) else 1
    kept = {"strides": per_axis(strides, axes, "a stride"), "dilations": per_axis(dilations, axes, "a dilation")}
    return [x], {"sizes": per_axis(sizes, axes, "the length of an axis"), **kept}


def _fold_shape(x, *, sizes, strides, dilations):
    axes = len(sizes)
    if x.ndim < 2 * axes:
        raise ShapeError(f"fold over {axes} axes needs twice as many, got a tensor of shape {x.shape}")
    lead = x.ndim - 2 * axes
    made = counted(sizes, x.shape[lead + axes :], strides, dilations)
    if made != x.shape[lead : lead + axes]:
        raise ShapeError(f"axes of lengths {sizes} have {made} windows, got a tensor of shape {x.shape}")
    return (*x.shape[:lead], *sizes), x.dtype


def _offsets(
    shape: Sequence[int], axes: int, strides: Counts, dilations: Counts
) -> Iterator[tuple[Counts, list[slice]]]:
    """For each place in a window: where all windows have theirs, as slices of the axes that they slide over."""
    count, sizes = shape[len(shape) - 2 * axes : len(shape) - axes], shape[len(shape) - axes :]
    for at in itertools.product(*map(range, sizes)):
        starts = [k * d for k, d in zip(at, dilations, strict=True)]
        yield at, [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, count, strides, strict=True)]


def _fold_expanded(x: Tensor, *, sizes: Counts, strides: Counts, dilations: Counts) -> Tensor:
    axes, lead = len(sizes), x.shape[: x.ndim - 2 * len(sizes)]
    if strides == x.shape[x.ndim - axes :] and set(dilations) == {1}:
        return _tiled(x, sizes)
    whole = [(0, n, 1) for n in lead]
    parts = []
    for at, slices in _offsets(x.shape, axes, strides, dilations):
        steps = (*whole, *((s.start, s.stop, s.step) for s in slices))
        parts.append(apply(place, (x[(..., *at)],), {"steps": steps, "shape": (*lead, *sizes)}))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _tiled(x: Tensor, sizes: Counts) -> Tensor:
    """`fold` of windows that touch and do not overlap: they only change places."""
    axes, lead = len(sizes), x.ndim - 2 * len(sizes)
    order = [a for i in range(axes) for a in (lead + i, lead + axes + i)]
    tiles = [x.shape[lead + i] * x.shape[lead + axes + i] for i in range(axes)]
    joined = reshape(transpose(x, [*range(lead), *order]), (*x.shape[:lead], *tiles))
    rest = [(0, n - t) for n, t in zip(sizes, tiles, strict=True)]
    return pad(joined, [(0, 0)] * lead + rest) if any(b for _, b in rest) else joined


@defop(
    prepare=_fold_prepare,
    shape=_fold_shape,
    vjp=lambda g, y, x, *, sizes, strides, dilations: (
        windows(g, x.shape[x.ndim - len(sizes) :], strides, dilations),
    ),
    expand=_fold_expanded,
    text="fold {0}",
    slopes=("1",),
)  # fmt: skip
def fold(x, sizes, strides: Any = 1, dilations: Any = 1):
    """The transpose of `windows`: every window added up where it was seen, shape (..., S1..Sk).

    Args:
        x: windows, shape (..., O1..Ok, K1..Kk).
        sizes: S1..Sk; an integer for one axis.
        strides: as in `windows`.
        dilations: as in `windows`.

    Raises:
        ShapeError: if axes of these lengths do not have that many windows.

    Example:
        >>> import subgrad as sg
        >>> sg.fold([[1.0, 2.0], [10.0, 20.0]], 3).tolist()
        [1.0, 12.0, 20.0]
    """
    axes = len(sizes)
    out = np.zeros((*x.shape[: x.ndim - 2 * axes], *sizes), x.dtype)
    for at, slices in _offsets(x.shape, axes, strides, dilations):
        out[(..., *slices)] += x[(..., *at)]
    return out


__all__ = ["fold", "windows"]
