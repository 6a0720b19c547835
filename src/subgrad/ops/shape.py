"""Ops that make or move elements and compute nothing: fill, cast, reshape, transpose, broadcast, join, pad."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.op import Kind, apply, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, to_array
from subgrad.ops import rules

if TYPE_CHECKING:
    import numpy.typing as npt

# Making


def _full_prepare(shape, value, dtype=None):
    filled = to_array(value, dtype)
    if filled.shape:
        raise ArgumentError(f"full takes one number, got an array of shape {filled.shape}; see broadcast_to")
    return [], {"shape": as_shape(shape), "value": filled.item(), "dtype": filled.dtype}


@defop(
    kind=Kind.SOURCE,
    prepare=_full_prepare,
    shape=lambda *, shape, value, dtype: (shape, dtype),
    vjp=lambda *_, **__: (),
    text="const",
)
def full(shape, value, dtype=None):
    """A tensor of ``shape`` that is ``value`` everywhere.

    >>> import subgrad as sg
    >>> sg.full((2,), 7.0).tolist()
    [7.0, 7.0]
    """
    return np.broadcast_to(np.asarray(value, dtype), shape)


def as_shape(shape: Any) -> tuple[int, ...]:
    """An int or a sequence of ints as a tuple; `ArgumentError` for a negative length."""
    lengths = _integers((shape,) if isinstance(shape, (int, np.integer)) else shape)
    if any(n < 0 for n in lengths):
        raise ArgumentError(f"a shape has no negative lengths, got {lengths}")
    return lengths


def _integers(lengths: Iterable[Any]) -> tuple[int, ...]:
    try:
        return tuple(operator.index(n) for n in lengths)
    except TypeError:
        raise ArgumentError(f"a shape is an integer or several, got {lengths!r}") from None


def zeros(shape: int | Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """A tensor of zeros, in the default float dtype unless one is named."""
    return full(shape, 0.0, dtype)


def ones(shape: int | Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """A tensor of ones, in the default float dtype unless one is named."""
    return full(shape, 1.0, dtype)


def zeros_like(x: TensorLike) -> Tensor:
    """Zeros of the shape and dtype of ``x``."""
    x = as_tensor(x)
    return full(x.shape, 0, x.dtype)


def ones_like(x: TensorLike) -> Tensor:
    """Ones of the shape and dtype of ``x``."""
    x = as_tensor(x)
    return full(x.shape, 1, x.dtype)


@defop(
    kind=Kind.SOURCE,
    prepare=lambda n, dtype="int64": ([], {"n": as_shape((n,))[0], "dtype": dt.as_dtype(dtype)}),
    shape=lambda *, n, dtype: ((n,), dtype),
    vjp=lambda *_, **__: (),
    text="0..n-1",
)
def arange(n, dtype="int64"):
    """The numbers 0, 1, ..., n - 1; int64 unless a dtype is named."""
    return np.arange(n).astype(dtype)


# Changing the dtype, or what gradients see


def _cast_vjp(g, y, x, *, dtype):
    return (rules.cast(g, x.dtype) if x.dtype.kind == y.dtype.kind == "f" else None,)


@defop(
    kind=Kind.ELEMENTWISE,
    linear="jointly",
    prepare=lambda x, dtype: ([as_tensor(x)], {"dtype": dt.as_dtype(dtype)}),
    shape=lambda x, *, dtype: (x.shape, dtype),
    vjp=_cast_vjp,
    text="{0} as dtype",
    slopes=("1",),
)
def cast(x, dtype):
    """x in another dtype: fractions are cut off towards 0 for integers, and anything but 0 is True for bool."""
    return x.astype(dtype)


def astype(x: TensorLike, dtype: npt.DTypeLike) -> Tensor:
    """x in ``dtype``; x itself if it has that dtype already."""
    return rules.cast(as_tensor(x), dt.as_dtype(dtype))


@defop(prepare=rules.unchanged, vjp=lambda g, y, x: (None,), expand=lambda x: x, text="stop({0})", slopes=("0",))
def stop_gradient(x):
    """x, and no gradient passes.

    >>> import subgrad as sg
    >>> x = sg.tensor([3.0])
    >>> sg.grad((x * sg.stop_gradient(x)).sum(), x).tolist()
    [3.0]
    """
    return x


# Moving


def _reshape_prepare(x: TensorLike, *shape: Any):
    x = as_tensor(x)
    wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
    return [x], {"shape": _fill_in(_integers(wanted), x)}


def _fill_in(shape: tuple[int, ...], x: Tensor) -> tuple[int, ...]:
    """``shape`` with its one -1 replaced by what is left."""
    known = math.prod([n for n in shape if n != -1])
    if shape.count(-1) == 1 and known and x.size % known == 0:
        return tuple(x.size // known if n == -1 else n for n in shape)
    if any(n < 0 for n in shape) or known != x.size:
        raise ShapeError(f"a tensor of shape {x.shape} ({x.size} elements) cannot be reshaped to {shape}")
    return shape


@defop(
    kind=Kind.VIEW,
    linear="jointly",
    prepare=_reshape_prepare,
    shape=lambda x, *, shape: (_fill_in(shape, x), x.dtype),
    vjp=lambda g, y, x, *, shape: (g.reshape(x.shape),),
    text="reshape {0}",
    slopes=("1",),
)
def reshape(x, shape):
    """The elements of x in the same order under another shape; one length may be -1.

    >>> import subgrad as sg
    >>> sg.reshape([[1, 2], [3, 4]], -1).tolist()
    [1, 2, 3, 4]
    """
    return np.reshape(x, shape)


def squeeze(x: TensorLike, axis: rules.Axes = None) -> Tensor:
    """x without its axes of length 1, or without those in ``axis``, which must have length 1."""
    x = as_tensor(x)
    axes = rules.normalise_axes(axis, x.ndim)
    if axis is not None and any(x.shape[a] != 1 for a in axes):
        raise ShapeError(f"only axes of length 1 can be squeezed: shape {x.shape}, axis {axis}")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in axes))


def expand_dims(x: TensorLike, axis: int) -> Tensor:
    """x with a new axis of length 1 at ``axis``."""
    x = as_tensor(x)
    at = rules.normalise_axis(axis, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def _transpose_prepare(x: TensorLike, *axes: Any):
    x = as_tensor(x)
    wanted = axes[0] if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)) else axes
    order = tuple(rules.normalise_axis(a, x.ndim) for a in wanted or range(x.ndim - 1, -1, -1))
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"transpose needs each of the {x.ndim} axes once, got {tuple(wanted)}")
    return [x], {"axes": order}


@defop(
    kind=Kind.VIEW,
    linear="jointly",
    prepare=_transpose_prepare,
    shape=lambda x, *, axes: (tuple(x.shape[a] for a in axes), x.dtype),
    vjp=lambda g, y, x, *, axes: (transpose(g, tuple(int(i) for i in np.argsort(axes))),),
    text="{0}ᵀ",
    slopes=("1",),
)
def transpose(x, axes=None):
    """x with its axes in another order; reversed if none is given.

    >>> import subgrad as sg
    >>> sg.transpose(sg.zeros((2, 3, 4)), 0, 2, 1).shape
    (2, 4, 3)
    """
    return np.transpose(x, axes)


def swapaxes(x: TensorLike, a: int, b: int) -> Tensor:
    """x with the axes ``a`` and ``b`` exchanged."""
    x = as_tensor(x)
    order = list(range(x.ndim))
    a, b = rules.normalise_axis(a, x.ndim), rules.normalise_axis(b, x.ndim)
    order[a], order[b] = b, a
    return transpose(x, order)


def _broadcast_prepare(x: TensorLike, shape: Sequence[int]):
    return [as_tensor(x)], {"shape": as_shape(shape)}


def _broadcast_shape(x, *, shape):
    try:
        fits = np.broadcast_shapes(x.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"shape {x.shape} does not broadcast to {shape}")
    return shape, x.dtype


def _broadcast_vjp(g, y, x, *, shape):
    added = len(shape) - x.ndim
    repeated = [added + i for i, n in enumerate(x.shape) if n == 1 and shape[added + i] != 1]
    return (g.sum([*range(added), *repeated]).reshape(x.shape),)


@defop(
    kind=Kind.VIEW,
    linear="jointly",
    prepare=_broadcast_prepare,
    shape=_broadcast_shape,
    vjp=_broadcast_vjp,
    text="repeat {0}",
    slopes=("1",),
)
def broadcast_to(x, shape):
    """x repeated to ``shape`` by NumPy's rules."""
    return np.broadcast_to(x, shape)


# Joining and padding


def _join_prepare(tensors: Sequence[TensorLike], axis: int = 0):
    parts = rules.match(*tensors)
    if not parts:
        raise ArgumentError("concatenate needs at least one tensor")
    return parts, {"axis": rules.normalise_axis(axis, parts[0].ndim)}


def _join_shape(*parts, axis):
    first = parts[0].shape
    for p in parts:
        if p.ndim != len(first) or any(i != axis and n != first[i] for i, n in enumerate(p.shape)):
            raise ShapeError(f"shapes {first} and {p.shape} do not join along axis {axis}")
    length = sum(p.shape[axis] for p in parts)
    return (*first[:axis], length, *first[axis + 1 :]), parts[0].dtype


def _join_vjp(g, y, *parts, axis):
    ends = np.cumsum([p.shape[axis] for p in parts]).tolist()
    whole = (slice(None),) * axis
    return [g[(*whole, slice(end - p.shape[axis], end))] for p, end in zip(parts, ends, strict=True)]


@defop(
    kind=Kind.MOVEMENT,
    linear="jointly",
    prepare=_join_prepare,
    shape=_join_shape,
    vjp=_join_vjp,
    text="join",
    slopes=(),
)
def concatenate(*parts, axis=0):
    """A sequence of tensors joined along an axis that exists.

    >>> import subgrad as sg
    >>> sg.concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    return np.concatenate(parts, axis=axis)


def stack(tensors: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """A sequence of tensors of one shape joined along a new axis."""
    return concatenate([expand_dims(t, axis) for t in rules.match(*tensors)], axis)


def _pad_prepare(x: TensorLike, widths: Any, value: float = 0.0):
    x = as_tensor(x)
    try:
        pairs = np.broadcast_to(np.asarray(widths), (x.ndim, 2))
    except ValueError:
        raise ArgumentError(f"pad needs a number, a pair, or {x.ndim} pairs for {x.ndim} axes, got {widths}") from None
    if pairs.dtype.kind not in "iu" or (pairs < 0).any():
        raise ArgumentError(f"pad needs widths that are integers of 0 or more, got {widths}")
    return [x], {"widths": tuple((int(a), int(b)) for a, b in pairs), "value": to_array(value, x.dtype).item()}


def _pad_vjp(g, y, x, *, widths, value):
    return (g[tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True))],)


@defop(
    kind=Kind.MOVEMENT,
    linear="jointly",
    prepare=_pad_prepare,
    shape=lambda x, *, widths, value: (tuple(a + n + b for (a, b), n in zip(widths, x.shape, strict=True)), x.dtype),
    vjp=_pad_vjp,
    one_sided_jvp=lambda y, xs, ts, *, widths, value: apply(pad, tuple(ts), {"widths": widths, "value": 0}),
    text="pad {0}",
    slopes=("1",),
)
def pad(x, widths, value=0.0):
    """x with ``value`` around it; ``widths`` as in ``numpy.pad``: a number, a pair, or a pair for each axis.

    >>> import subgrad as sg
    >>> sg.pad([1.0, 2.0], (0, 1)).tolist()
    [1.0, 2.0, 0.0]
    """
    return np.pad(x, widths, constant_values=value) if x.ndim else x


__all__ = [
    "astype", "broadcast_to", "concatenate", "expand_dims", "full", "ones", "ones_like", "pad", "reshape",
    "squeeze", "stack", "stop_gradient", "swapaxes", "transpose", "zeros", "zeros_like",
]  # fmt: skip
