"""How arguments become inputs, and which shape and dtype comes out: shared by the op families."""

from __future__ import annotations

import functools
import math
import numbers as _numbers
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.op import Signature, apply
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor

Axes = int | Sequence[int] | None

# Arguments to inputs


def numbers(*args: TensorLike, **attrs: Any) -> tuple[list[Tensor], dict[str, Any]]:
    """For elementwise ops: one shape and one dtype for all inputs; scalars take the tensors' dtype."""
    return broadcast_all(match(*args)), attrs


def floats(*args: TensorLike, **attrs: Any) -> tuple[list[Tensor], dict[str, Any]]:
    """As `numbers`, and integers become the default float dtype: for ops such as exp and division."""
    return broadcast_all([as_float(x) for x in match(*args)]), attrs


def signed(*args: TensorLike, **attrs: Any) -> tuple[list[Tensor], dict[str, Any]]:
    """As `numbers`, but for bools, which have neither a sign nor a difference."""
    inputs, attrs = numbers(*args, **attrs)
    if inputs[0].dtype == dt.bool_:
        raise DTypeError("bools have no sign and no difference: use ~x or x != y, or convert with x.astype('int64')")
    return inputs, attrs


def unchanged(*args: TensorLike, **attrs: Any) -> tuple[list[Tensor], dict[str, Any]]:
    """Inputs become tensors and nothing else happens to them."""
    return [as_tensor(x) for x in args], attrs


def is_scalar(x: TensorLike) -> bool:
    """True for Python and NumPy numbers, which never promote."""
    return isinstance(x, (_numbers.Real, np.bool_))


def as_float(x: Tensor) -> Tensor:
    """``x``, in the default float dtype if it holds integers or bools."""
    return x if x.dtype.kind == "f" else cast(x, dt.default_dtype())


def match(*args: TensorLike, spread: bool = True) -> list[Tensor]:
    """The arguments as tensors of one dtype, by the rules of `subgrad.graph.dtype`; scalars of the tensors' shape, if
    those have one, unless they are not to be ``spread``."""
    if all(isinstance(a, Tensor) for a in args):
        nodes = [a.node for a in args]
        if all(n.dtype is nodes[0].dtype for n in nodes):  # as in most calls: there is nothing to do
            return nodes
    known = [a.node for a in args if isinstance(a, Tensor)]
    like = next((t.dtype for t in known if t.dtype.kind == "f"), None)
    known += [as_tensor(a, like) for a in args if not isinstance(a, Tensor) and not is_scalar(a)]
    common = known[0].dtype if known else None
    for t in known[1:]:
        common = dt.common_dtype(common, t.dtype)  # pyright: ignore[reportArgumentType]
    common = _with_scalars(common, [a for a in args if is_scalar(a)])
    shapes = {t.shape for t in known}
    shape = shapes.pop() if spread and len(shapes) == 1 else ()
    return [full(shape, a, common) if is_scalar(a) else cast(as_tensor(a, like), common) for a in args]


def common_float(a: Tensor, b: Tensor, what: str) -> None:
    """Raise `DTypeError` unless both are tensors of one float dtype."""
    if a.dtype != b.dtype or a.dtype.kind != "f":
        raise DTypeError(f"{what} needs one float dtype, got {a.dtype} and {b.dtype}")


def _with_scalars(common: np.dtype | None, scalars: list[Any]) -> np.dtype:
    """The dtype after Python scalars join: a fraction makes integers the default float, an int makes bools int64."""
    for s in scalars:
        kind = "f" if type(s) is float else np.asarray(s).dtype.kind
        if common is not None and common.kind == "f" and kind == "f":
            continue
        if kind not in "fiub":
            raise DTypeError(f"a tensor cannot meet {s!r}: expected a real number")
        if common is None or (kind == "f" and common.kind != "f") or (kind in "iu" and common.kind == "b"):
            common = dt.dtype_of_data(np.asarray(s).dtype)
    return common or dt.default_dtype()


def broadcast_all(args: Sequence[Tensor]) -> list[Tensor]:
    """The arguments at one shape, by NumPy's rules."""
    shapes = [a.shape for a in args]
    if all(s == shapes[0] for s in shapes):
        return list(args)
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"shapes {', '.join(map(str, shapes))} do not broadcast together") from None
    return [expand(a, shape) for a in args]


def expand(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``x`` broadcast to ``shape``; a filled tensor is filled anew, without a node for the broadcast."""
    if x.shape == shape:
        return x
    from subgrad.ops import shape as shape_ops

    if x.op is shape_ops.full:
        return full(shape, x.attrs["value"], x.dtype)
    return shape_ops.broadcast_to(x, shape)


def full(shape: tuple[int, ...], value: Any, dtype: np.dtype) -> Tensor:
    """A tensor of ``shape`` that holds ``value`` everywhere, as one node without inputs."""
    from subgrad.ops import shape as shape_ops

    if dtype.kind == "f" and abs(float(value)) < 3e38:  # nothing to check: the number that stands in most operations
        attrs = {"shape": shape, "value": dtype.type(value).item(), "dtype": dtype}
        return apply(shape_ops.full, (), attrs)
    return shape_ops.full(shape, value, dtype)


def cast(x: Tensor, dtype: np.dtype) -> Tensor:
    """``x`` in ``dtype``; no node if it has that dtype already."""
    from subgrad.ops import shape as shape_ops

    if x.dtype == dtype:
        return x
    if x.op is shape_ops.full and dtype.kind == "f":
        return full(x.shape, x.attrs["value"], dtype)
    return apply(shape_ops.cast, (x,), {"dtype": dtype})


# Shape rules


def elementwise_shape(*inputs: Tensor, **_: Any) -> Signature:
    """The shape and dtype of the first input; `ShapeError` if another differs."""
    first = inputs[0]
    for x in inputs[1:]:
        if x.shape != first.shape:
            raise ShapeError(f"shapes {first.shape} and {x.shape} differ")
        if x.dtype != first.dtype:
            raise DTypeError(f"dtypes {first.dtype} and {x.dtype} differ")
    return first.shape, first.dtype


def predicate_shape(*inputs: Tensor, **_: Any) -> Signature:
    """The shape of the inputs, and bool."""
    return elementwise_shape(*inputs)[0], dt.bool_


# Axes


def normalise_axes(axis: Axes, ndim: int) -> tuple[int, ...]:
    """``axis`` as a sorted tuple of non-negative axes; None means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if np.iterable(axis) else (axis,)
    found = sorted(normalise_axis(a, ndim) for a in axes)
    if len(set(found)) != len(found):
        raise ArgumentError(f"an axis stands twice in {tuple(axes)}")
    return tuple(found)


def normalise_axis(axis: int, ndim: int) -> int:
    """``axis`` counted from the front; `ShapeError` if a tensor of ``ndim`` axes does not have it."""
    try:
        axis = operator.index(axis)
    except TypeError:
        raise ArgumentError(f"an axis is an integer, got {axis!r}") from None
    if not -ndim <= axis < ndim:
        raise ShapeError(f"axis {axis} does not exist in a tensor of {ndim} axes")
    return axis % ndim


def reduced_shape(shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """``shape`` without the axes in ``axis``, or with 1 in their place."""
    if keepdims:
        return tuple(1 if i in axis else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axis)


def count(shape: tuple[int, ...], axis: tuple[int, ...]) -> int:
    """How many elements one reduction over ``axis`` sees."""
    return math.prod(shape[i] for i in axis)


def groups(node: Tensor) -> np.ndarray:
    """For a reduction: the flat places of the elements behind each element of the result, one row each."""
    x, axes = node.inputs[0], node.attrs["axis"]
    places = np.arange(x.size).reshape(x.shape)
    kept = [a for a in range(x.ndim) if a not in axes]
    return places.transpose([*kept, *axes]).reshape(node.size, -1 if x.size else 0)


# Sums of arrays

LONG = 4096
"""Terms of float32 that may be added one after the other: of more the error shows."""


def summed(x: np.ndarray, axis: Axes, keepdims: bool = False) -> np.ndarray:
    """NumPy's sum over axes; of many float32 that NumPy adds one after the other in float64, so that no error grows
    with their number."""
    if x.dtype == np.float32 and x.size > LONG and _one_by_one(x, axis):
        with np.errstate(over="ignore"):
            return np.asarray(np.sum(x, axis=axis, keepdims=keepdims, dtype=np.float64), np.float32)
    return np.sum(x, axis=axis, keepdims=keepdims)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """NumPy's product of matrices; sums of many float32 are those of short parts, which are added in float64."""
    if a.dtype != np.float32 or a.shape[-1] <= LONG:
        return np.matmul(a, b)
    with np.errstate(over="ignore"):
        short = LONG // 8
        parts = (slice(k, k + short) for k in range(0, a.shape[-1], short))
        products = (np.matmul(a[..., k], b[..., k, :]).astype(np.float64) for k in parts)
        return functools.reduce(np.add, products).astype(np.float32)


def _one_by_one(x: np.ndarray, axis: Axes) -> bool:
    """Whether NumPy may add many terms one after the other: in pairs it adds what lies side by side."""
    axes = list(normalise_axes(axis, x.ndim))
    last, first = axes == list(range(x.ndim - len(axes), x.ndim)), axes == list(range(len(axes)))
    terms = count(x.shape, tuple(axes))
    return terms > LONG and not ((last and x.flags.c_contiguous) or (first and x.flags.f_contiguous))
