"""Reading parts: slices, integer-array indexing, one-hot, embedding look-up; and their transposes, writing parts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.op import Kind, apply, defop
from subgrad.graph.out_of_range import OutOfRange
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, holds_tensors
from subgrad.ops import rules
from subgrad.ops.reduce import sum as sum_
from subgrad.ops.select import where
from subgrad.ops.shape import arange, reshape

if TYPE_CHECKING:
    import numpy.typing as npt

Steps = tuple[tuple[int, int | None, int], ...]


def index(x: TensorLike, key: Any) -> Tensor:
    """x[key] by NumPy's rules: integers, slices, None, Ellipsis, integer arrays or tensors, bool NumPy masks.

    One rule is simpler: an Ellipsis that stands for no axis is as if it were not there (in NumPy it would still part
    two arrays from one another, and move their axes to the front).

    Raises:
        ShapeError: if there are more indices than axes, one is out of range, or a mask has another shape than its axes.
        ArgumentError: for a second Ellipsis, or a slice with a step of 0 or a bound that is no integer.
        DTypeError: if an index is not an integer, or a bool tensor (its length depends on values; use `where`).

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x[0, 1].tolist(), x[[1, 0], [0, 0]].tolist(), x[:, None].shape
        (2.0, [3.0, 1.0], (2, 1, 2))
    """
    x = as_tensor(x)
    parts = _complete([_index(p) for p in (key if isinstance(key, tuple) else (key,))], x)
    x, arrays, shape = _basic(x, _places(parts, x))
    x = reshape(x, shape) if shape != x.shape else x
    return _gather_at(x, arrays) if arrays else x


def _index(part: Any) -> Any:
    """One index as None, Ellipsis, a slice, an int, a tensor of integers, or a NumPy mask; raises for others."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, (int, np.integer)) and not isinstance(part, bool):
        return int(part)
    part = as_tensor(part) if holds_tensors(part) else part
    if isinstance(part, Tensor):
        if part.dtype == dt.bool_:
            raise DTypeError("a bool tensor cannot be an index, its length depends on values: use where(mask, x, 0)")
        if part.dtype.kind not in "iu":
            raise DTypeError(f"an index must hold integers, got a tensor of {part.dtype}")
        return part.node
    array = np.asarray(part)
    if array.dtype == bool and array.ndim:
        return array
    if array.dtype.kind not in "iu" and array.size:
        raise DTypeError(f"an index must be an integer, a slice or an array of integers, got {part!r}")
    return as_tensor(array.astype(np.int64))


def _span(part: Any) -> int:
    """How many axes an index reads."""
    return part.ndim if isinstance(part, np.ndarray) else int(part is not None and part is not Ellipsis)


def _complete(parts: list[Any], x: Tensor) -> list[Any]:
    """The indices with Ellipsis spelled out, and a slice for each axis left over."""
    used = sum(_span(p) for p in parts)
    if used > x.ndim:
        raise ShapeError(f"too many indices ({used}) for a tensor of shape {x.shape}")
    rest = [slice(None)] * (x.ndim - used)
    dots = [i for i, p in enumerate(parts) if p is Ellipsis] or [len(parts)]
    if len(dots) > 1:
        raise ArgumentError("an index has one Ellipsis at most")
    return [*parts[: dots[0]], *rest, *parts[dots[0] + 1 :]]


def _places(parts: list[Any], x: Tensor) -> list[Any]:
    """The indices with each mask as the places where it is True, one array an axis; beside arrays, ints are arrays."""
    gathers = any(isinstance(p, (Tensor, np.ndarray)) for p in parts)
    found: list[Any] = []
    axis = 0
    for p in parts:
        if isinstance(p, np.ndarray):
            if p.shape != x.shape[axis : axis + p.ndim]:
                raise ShapeError(f"a mask of shape {p.shape} does not fit axis {axis} of a tensor of shape {x.shape}")
            found.extend(as_tensor(places) for places in np.nonzero(p))
        else:
            found.append(as_tensor(p) if gathers and isinstance(p, int) else p)
        axis += _span(p)
    return found


def _basic(x: Tensor, parts: list[Any]) -> tuple[Tensor, dict[int, Tensor], tuple[int, ...]]:
    """x sliced, the integer arrays by their axis in the result, and the result's shape before those are applied."""
    steps: list[tuple[int, int | None, int]] = []
    shape: list[int] = []
    arrays: dict[int, Tensor] = {}
    for part in parts:
        if part is None:
            shape.append(1)
            continue
        length = x.shape[len(steps)]
        if isinstance(part, int):
            steps.append(_one(part, length, x))
            continue
        if isinstance(part, Tensor):
            arrays[len(shape)] = part
            part = slice(None)
        step, count = _walk(part, length)
        steps.append(step)
        shape.append(count)
    whole = all(s == (0, n, 1) for s, n in zip(steps, x.shape, strict=True))
    return (x if whole else apply(slice_, (x,), {"steps": tuple(steps)})), arrays, tuple(shape)


def _walk(part: slice, length: int) -> tuple[tuple[int, int | None, int], int]:
    """Start, stop and step of a slice of an axis of ``length``, none negative but the step, and how many it reads."""
    try:
        start, stop, step = part.indices(length)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{part} is no index: {error}") from None
    count = len(range(start, stop, step))
    return ((start, stop if stop >= 0 else None, step) if count else (0, 0, 1)), count


def _one(i: int, length: int, x: Tensor) -> tuple[int, int, int]:
    if not -length <= i < length:
        raise ShapeError(f"index {i} is out of range for an axis of length {length} in a tensor of shape {x.shape}")
    return i % length, i % length + 1, 1


def _slices(steps: Steps) -> tuple[slice, ...]:
    return tuple(slice(*s) for s in steps)


def _slice_shape(x, *, steps):
    return tuple(len(range(*s.indices(n))) for s, n in zip(_slices(steps), x.shape, strict=True)), x.dtype


@defop(
    kind=Kind.VIEW,
    linear="jointly",
    name="slice",
    prepare=rules.unchanged,
    shape=_slice_shape,
    vjp=lambda g, y, x, *, steps: (apply(place, (g,), {"steps": steps, "shape": x.shape}),),
    text="slice {0}",
    slopes=("1",),
)
def slice_(x, *, steps):
    """The elements at ``start:stop:step`` of each axis."""
    return x[_slices(steps)]


@defop(
    kind=Kind.MOVEMENT,
    linear="jointly",
    prepare=rules.unchanged,
    shape=lambda x, *, steps, shape: (shape, x.dtype),
    vjp=lambda g, y, x, *, steps, shape: (apply(slice_, (g,), {"steps": steps}),),
    text="place {0}",
    slopes=("1",),
)
def place(x, *, steps, shape):
    """Zeros of ``shape`` with x written at ``start:stop:step`` of each axis: the transpose of a slice."""
    out = np.zeros(shape, x.dtype)
    out[_slices(steps)] = x
    return out


def _gather_at(x: Tensor, arrays: dict[int, Tensor]) -> Tensor:
    axes = tuple(arrays)
    indices = rules.broadcast_all(rules.match(*arrays.values()))
    indices = [checked(i, -x.shape[axis], x.shape[axis]) for axis, i in zip(axes, indices, strict=True)]
    return apply(gather, (x, *indices), {"axes": axes})


def _gather_prepare(x: TensorLike, *indices: TensorLike, axes: int | tuple[int, ...]):
    x = as_tensor(x)
    places = [rules.normalise_axis(a, x.ndim) for a in ((axes,) if isinstance(axes, (int, np.integer)) else axes)]
    arrays = [_index(i) for i in indices]
    if not places or len(places) != len(arrays) or len(set(places)) != len(places):
        raise ArgumentError(f"gather needs one axis for each index, got {len(arrays)} indices and axes={axes}")
    for i in arrays:
        if not isinstance(i, (int, Tensor)):
            raise DTypeError(f"gather needs integers as indices, got {type(i).__name__}")
    node = _gather_at(x, {a: as_tensor(i) for a, i in sorted(zip(places, arrays, strict=True), key=lambda p: p[0])})
    return list(node.inputs), node.attrs


@defop(
    kind=Kind.CONTROL,
    prepare=rules.unchanged,
    shape=lambda i, *, low, high, of: (i.shape, i.dtype),
    vjp=lambda *_, **__: (None,),
    text="{0}",
)
def in_range(i, *, low, high, of):
    """Integers as they are, and an error if one is not in ``low`` to ``high - 1``; ``of`` tells which labels are taken.

    The compiler keeps this check: native code looks as it reads them.
    """
    bad = i[(i < low) | (i >= high)]
    if bad.size:
        raise OutOfRange(int(bad.flat[0]), low, high, of)
    return i


def checked(i: Tensor, low: int, high: int, of: str = "") -> Tensor:
    """``i``, looked at now if its values are known by now, and otherwise as soon as they are."""
    attrs = {"low": low, "high": high, "of": of}
    if i._value is None:
        taken = _taken.get()
        return apply(in_range, (i if taken is None else where(taken, i, max(low, 0)),), attrs)
    try:
        in_range.ref(i._value, **attrs)
    except OutOfRange as error:
        raise error.located() from None
    return i


_taken: ContextVar[Tensor | None] = ContextVar("taken", default=None)


@contextlib.contextmanager
def only_if(condition: Tensor) -> Iterator[None]:
    """What is made inside counts only if the bool scalar ``condition`` holds: else no integer in it is out of range."""
    around = _taken.get()
    token = _taken.set(condition if around is None else around & condition)
    try:
        yield
    finally:
        _taken.reset(token)


def _gather_key(axes, indices, ndim) -> tuple[Any, ...]:
    key: list[Any] = [slice(None)] * ndim
    for axis, i in zip(axes, indices, strict=True):
        key[axis] = i
    return tuple(key)


def _gather_shape(x, *indices, axes):
    probe = np.broadcast_to(np.empty((), np.bool_), x.shape)
    key = _gather_key(axes, [np.zeros(i.shape, np.int64) for i in indices], x.ndim)
    if any(x.shape[a] == 0 for a in axes) and indices[0].size:
        raise ShapeError(f"nothing can be read from an axis of length 0: shape {x.shape}")
    return probe[key].shape if indices[0].size else _empty_gather_shape(x, indices, axes), x.dtype


def _empty_gather_shape(x, indices, axes):
    return np.empty(x.shape, np.bool_)[_gather_key(axes, [np.zeros(i.shape, np.int64) for i in indices], x.ndim)].shape


@defop(
    kind=Kind.MOVEMENT,
    linear="jointly",
    prepare=_gather_prepare,
    shape=_gather_shape,
    vjp=lambda g, y, x, *i, axes: (added_at(g, i, axes, x.shape, i[0].size), *[None] * len(i)),
    text="{0}[{1}]",
    slopes=("1",),
)
def gather(x, *indices, axes):
    """x at integer arrays along ``axes``, one for each, by NumPy's rules for where the new axes stand.

    Negative indices count from the end, others that no element has raise `ShapeError`.

    >>> import subgrad as sg
    >>> sg.gather([[1.0, 2.0], [3.0, 4.0]], [1, 0], axes=1).tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    return x[_gather_key(axes, indices, x.ndim)]


@defop(
    kind=Kind.REDUCTION,
    linear="jointly",
    prepare=rules.unchanged,
    shape=lambda x, *i, axes, shape: (shape, x.dtype),
    vjp=lambda g, y, x, *i, axes, shape: (apply(gather, (g, *i), {"axes": axes}), *[None] * len(i)),
    text="scatter {0}",
    slopes=("1",),
)
def scatter_add(x, *indices, axes, shape):
    """Zeros of ``shape`` to which x is added at integer arrays along ``axes``: the transpose of `gather`."""
    out = np.zeros(shape, x.dtype)
    np.add.at(out, _gather_key(axes, indices, len(shape)), x)
    return out


def added_at(x: Tensor, indices: Sequence[Tensor], axes: tuple[int, ...], shape: Sequence[int], most: int) -> Tensor:
    """`scatter_add` of at most so many elements to one place. They are added one after the other: many float32 in
    float64, so that the error does not grow with their number."""
    attrs = {"axes": axes, "shape": tuple(shape)}
    if x.dtype != dt.float32 or most <= rules.LONG:
        return apply(scatter_add, (x, *indices), attrs)
    return rules.cast(apply(scatter_add, (rules.cast(x, dt.float64), *indices), attrs), dt.float32)


def _one_hot_prepare(indices: TensorLike, n: int, dtype: npt.DTypeLike | None = None):
    indices = as_tensor(indices)
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"one_hot needs integers, got {indices.dtype}")
    if n < 1:
        raise ArgumentError(f"one_hot needs at least one class, got {n}")
    return [indices], {"n": int(n), "dtype": dt.as_dtype(dtype) if dtype is not None else dt.default_dtype()}


@defop(
    kind=Kind.CHOICE,
    prepare=_one_hot_prepare,
    shape=lambda i, *, n, dtype: ((*i.shape, n), dtype),
    vjp=lambda *_, **__: (None,),
    text="onehot({0})",
)
def one_hot(indices, n, dtype=None):
    """For each integer a new last axis of length ``n`` with 1 at that place; all 0 for integers outside 0..n-1.

    >>> import subgrad as sg
    >>> sg.one_hot([0, 2], 3, dtype="int64").tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    return (indices[..., None] == np.arange(n)).astype(dtype)


def pick(x: TensorLike, indices: TensorLike) -> Tensor:
    """One element of each row: ``x[..., indices]`` along the last axis.

    Args:
        x: shape (..., n).
        indices: integers in 0..n-1 of shape (...).

    Example:
        >>> import subgrad as sg
        >>> sg.pick([[1.0, 2.0], [3.0, 4.0]], [1, 0]).tolist()
        [2.0, 3.0]
    """
    x = as_tensor(x)
    indices = as_tensor(indices)
    if not x.ndim or indices.shape != x.shape[:-1]:
        raise ShapeError(f"pick needs one index for each row: x has shape {x.shape}, indices {indices.shape}")
    chosen = one_hot(checked(indices, 0, x.shape[-1]), x.shape[-1], dtype="bool")
    return sum_(where(chosen, x, 0), -1)


def embedding(indices: TensorLike, table: TensorLike) -> Tensor:
    """Rows of ``table`` (n, d) at integer ``indices`` (...): shape (..., d).

    >>> import subgrad as sg
    >>> sg.embedding([2, 0], [[1.0], [2.0], [3.0]]).tolist()
    [[3.0], [1.0]]
    """
    return index(table, as_tensor(indices))


def flip(x: TensorLike, axis: rules.Axes = None) -> Tensor:
    """x with the order of its elements reversed along ``axis``: an int, several, or None for all.

    >>> import subgrad as sg
    >>> sg.flip([[1.0, 2.0], [3.0, 4.0]], 1).tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    x = as_tensor(x)
    axes = rules.normalise_axes(axis, x.ndim)
    return index(x, tuple(slice(None, None, -1 if i in axes else None) for i in range(x.ndim)))


def diagonal(x: TensorLike, a: int, b: int) -> Tensor:
    """The elements of x where the indices along axes ``a`` and ``b`` agree, along a new last axis."""
    x = as_tensor(x)
    a, b = rules.normalise_axis(a, x.ndim), rules.normalise_axis(b, x.ndim)
    if x.shape[a] != x.shape[b]:
        raise ShapeError(f"a diagonal needs axes of one length, got {x.shape[a]} and {x.shape[b]}")
    rest = [i for i in range(x.ndim) if i not in (a, b)]
    n = arange(x.shape[a])
    return apply(gather, (x.transpose([*rest, a, b]), n, n), {"axes": (x.ndim - 2, x.ndim - 1)})


__all__ = ["embedding", "flip", "index", "one_hot", "pick"]
