"""Sliding windows over the trailing axes of a tensor, and their transpose, which adds overlapping windows up."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.op import Kind, apply, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.indexing import place
from subgrad.ops.shape import pad, reshape, transpose

Ints = int | Sequence[int]
Counts = tuple[int, ...]
Padding = int | str | Sequence[Any]
Pairs = tuple[tuple[int, int], ...]


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
        if k < 1:
            raise ShapeError(f"a window sees at least one element of each axis, got {tuple(sizes)}")
        if span(k, d) > n:
            wide = f"{k} (dilated to {span(k, d)})" if d > 1 else str(k)
            raise ShapeError(f"a window of size {wide} does not fit an axis of length {n}")
    return tuple(map(positions, lengths, sizes, strides, dilations))


def as_pairs(padding: Padding, sizes: Counts, stride: Counts, dilation: Counts) -> Pairs:
    """How much is put before and behind each axis: ``padding`` is a number, one an axis, pairs, "same" or "valid"."""
    if isinstance(padding, str):
        return _named(padding, sizes, stride, dilation)
    if np.ndim(padding) == 2:  # pyright: ignore[reportArgumentType]
        ends = [per_axis(p, 2, "padding", 0) for p in padding]  # pyright: ignore[reportGeneralTypeIssues]
        if len(ends) != len(sizes):
            raise ArgumentError(f"padding has a pair for each of the {len(sizes)} axes, got {padding!r}")
        return tuple((low, high) for low, high in ends)
    return tuple((n, n) for n in per_axis(padding, len(sizes), "padding", 0))


def _named(padding: str, sizes: Counts, stride: Counts, dilation: Counts) -> Pairs:
    if padding == "valid":
        return ((0, 0),) * len(sizes)
    if padding != "same":
        raise ArgumentError(f'padding is a number, pairs, "same" or "valid", got {padding!r}')
    if set(stride) != {1}:
        raise ArgumentError(f'padding="same" needs a stride of 1, got {stride}')
    around = [span(k, d) - 1 for k, d in zip(sizes, dilation, strict=True)]
    return tuple((n // 2, n - n // 2) for n in around)


def _slide_vjp(g, y, x, *, axes, sizes, strides, dilations):
    others = [a for a in range(x.ndim) if a not in axes]
    behind = _adjacent(x.ndim, axes)
    split = transpose(g, [behind.index(a) for a in (*others, *axes, *range(x.ndim, x.ndim + len(axes)))])
    folded = fold(split, [x.shape[a] for a in axes], strides, dilations)
    order = [*others, *axes]
    return (transpose(folded, [order.index(a) for a in range(x.ndim)]),)


def _slide_shape(x, *, axes, sizes, strides, dilations):
    made = counted([x.shape[a] for a in axes], sizes, strides, dilations)
    two = {a: pair for a, *pair in zip(axes, made, sizes, strict=True)}
    return tuple(n for a, length in enumerate(x.shape) for n in two.get(a, (length,))), x.dtype


def _adjacent(ndim: int, axes: Sequence[int]) -> list[int]:
    """The order that brings the axes inside of windows, numbered from ``ndim`` on, behind those they slide over."""
    inside = {a: ndim + i for i, a in enumerate(axes)}
    return [b for a in range(ndim) for b in ((a, inside[a]) if a in inside else (a,))]


@defop(
    kind=Kind.VIEW,
    linear="jointly",
    prepare=rules.unchanged,
    shape=_slide_shape,
    vjp=_slide_vjp,
    text="windows {0}",
    slopes=("1",),
)
def slide(x, *, axes, sizes, strides, dilations):
    """`windows` over any axes: each becomes two, the windows and the elements inside of one."""
    spans = tuple(map(span, sizes, dilations))
    seen = np.lib.stride_tricks.sliding_window_view(x, spans, axes).transpose(_adjacent(x.ndim, axes))
    for i, a in enumerate(axes):
        whole = (slice(None),) * (a + i)
        seen = seen[(*whole, slice(None, None, strides[i]), slice(None, None, dilations[i]))]
    return seen


def _windows_prepare(x: TensorLike, sizes: Ints, strides: Ints = 1, dilations: Ints = 1):
    x = as_tensor(x)
    how = _how(sizes, strides, dilations, "the size of a window")
    if len(how["sizes"]) > x.ndim:
        raise ShapeError(f"windows over {len(how['sizes'])} axes need as many, got a tensor of shape {x.shape}")
    return [x], how


def _how(sizes: Ints, strides: Ints, dilations: Ints, what: str) -> dict[str, Counts]:
    """The attributes that `windows` and `fold` share, an integer for each axis."""
    axes = len(sizes) if isinstance(sizes, Sequence) else 1
    return {
        "sizes": per_axis(sizes, axes, what),
        "strides": per_axis(strides, axes, "a stride"),
        "dilations": per_axis(dilations, axes, "a dilation"),
    }


def _windows_shape(x, *, sizes, strides, dilations):
    lead = x.ndim - len(sizes)
    return (*x.shape[:lead], *counted(x.shape[lead:], sizes, strides, dilations), *sizes), x.dtype


def _windows_expanded(x: Tensor, *, sizes: Counts, strides: Counts, dilations: Counts) -> Tensor:
    axes = tuple(range(x.ndim - len(sizes), x.ndim))
    seen = apply(slide, (x,), {"axes": axes, "sizes": sizes, "strides": strides, "dilations": dilations})
    order = _adjacent(x.ndim, axes)
    return transpose(seen, [order.index(a) for a in range(seen.ndim)])


@defop(
    kind=Kind.MOVEMENT, linear="jointly",
    prepare=_windows_prepare,
    shape=_windows_shape,
    vjp=lambda g, y, x, *, sizes, strides, dilations: (
        fold(g, x.shape[x.ndim - len(sizes) :], strides, dilations),
    ),
    expand=_windows_expanded,
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
    return [as_tensor(x)], _how(sizes, strides, dilations, "the length of an axis")


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
    """Each element is the sum of those windows that reach it, found by their distance: nothing is scattered."""
    axes, lead = len(sizes), x.ndim - 2 * len(sizes)
    kernel = x.shape[lead + axes :]
    x = transpose(x, _adjacent(x.ndim - axes, range(lead, lead + axes)))
    if strides == kernel and set(dilations) == {1}:
        return _tiled(x, lead, sizes)
    reach = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
    x = spread_out(x, lead, sizes, strides, reach, inside=1)
    parts = [_at_distance(x, lead, sizes, dilations, reach, at) for at in itertools.product(*map(range, kernel))]
    return functools.reduce(operator.add, parts)


def _tiled(x: Tensor, lead: int, sizes: Counts) -> Tensor:
    """Windows that touch and do not overlap: their elements are in place."""
    tiles = [x.shape[a] * x.shape[a + 1] for a in range(lead, x.ndim, 2)]
    joined = reshape(x, (*x.shape[:lead], *tiles))
    rest = [(0, n - t) for n, t in zip(sizes, tiles, strict=True)]
    return pad(joined, [(0, 0)] * lead + rest) if any(b for _, b in rest) else joined


def spread_out(
    x: Tensor, lead: int, sizes: Sequence[int], strides: Counts, reach: Sequence[int], inside: int = 0
) -> Tensor:
    """What belongs to windows, as far apart as they slide, with zeros between, before and behind.

    Behind each of the axes of places, from ``lead`` on, come ``inside`` axes that stay as they are.
    """
    widths, steps, shape = [(0, 0)] * lead, [(0, n, 1) for n in x.shape[:lead]], [*x.shape[:lead]]
    for i, (n, s, r) in enumerate(zip(sizes, strides, reach, strict=True)):
        count, *others = x.shape[lead + (1 + inside) * i : lead + (1 + inside) * (i + 1)]
        end = r + (count - 1) * s + 1
        widths += [(r, n + r - end), *[(0, 0)] * inside]
        steps += [(r, end, s), *[(0, m, 1) for m in others]]
        shape += [n + r, *others]
    if set(strides) == {1}:
        return pad(x, widths)
    return apply(place, (x,), {"steps": tuple(steps), "shape": tuple(shape)})


def _at_distance(
    x: Tensor, lead: int, sizes: Counts, dilations: Counts, reach: Sequence[int], at: Sequence[int]
) -> Tensor:
    """For every element the window that has it at place ``at``."""
    key: list[Any] = [slice(None)] * lead
    for n, d, r, k in zip(sizes, dilations, reach, at, strict=True):
        key += [slice(r - k * d, r - k * d + n), k]
    return x[tuple(key)]


@defop(
    kind=Kind.REDUCTION, linear="jointly",
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
