"""Reductions over axes: sums, extrema, log-sum-exp, cumulative sums; elements brought to mean 0 and variance 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph.dtype import as_dtype, int32, int64
from subgrad.graph.kink import Largest
from subgrad.graph.op import Kind, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.select import isfinite, where
from subgrad.ops.shape import full
from subgrad.ops.singular import sqrt, var
from subgrad.ops.smooth import exp, log, scale

if TYPE_CHECKING:
    import numpy.typing as npt


def _over_axes(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False):
    x = as_tensor(x)
    return [x], {"axis": rules.normalise_axes(axis, x.ndim), "keepdims": bool(keepdims)}


def _float_over_axes(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False):
    return _over_axes(rules.as_float(as_tensor(x)), axis, keepdims)


def _reduced(x, *, axis, keepdims):
    return rules.reduced_shape(x.shape, axis, keepdims), x.dtype


def _sum_prepare(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False, dtype: npt.DTypeLike | None = None):
    (x,), attrs = _over_axes(x, axis, keepdims)
    if dtype is None:
        return [x], attrs
    wanted = as_dtype(dtype)
    if "f" in (x.dtype.kind, wanted.kind):
        return [rules.cast(x, wanted)], attrs
    if wanted not in (int32, int64):
        raise DTypeError(f"bools and integers sum to int64 or int32, got dtype={wanted}")
    return [x], attrs if wanted == int64 else {**attrs, "dtype": wanted}


def _reduced_sum(x, *, axis, keepdims, dtype=int64):
    """300 pixels of uint8 do not sum to a uint8."""
    return rules.reduced_shape(x.shape, axis, keepdims), x.dtype if x.dtype.kind == "f" else dtype


def _nonempty(x, *, axis, keepdims):
    if rules.count(x.shape, axis) == 0:
        raise ShapeError(f"there is no largest or smallest of no elements: shape {x.shape}, axis {axis}")
    return _reduced(x, axis=axis, keepdims=keepdims)


def spread(g: Tensor, x: Tensor, axis: tuple[int, ...]) -> Tensor:
    """A value of the reduced shape, repeated along ``axis`` to the shape of ``x``."""
    return rules.expand(g.reshape(rules.reduced_shape(x.shape, axis, True)), x.shape)


@defop(
    kind=Kind.REDUCTION,
    linear="jointly",
    prepare=_sum_prepare,
    shape=_reduced_sum,
    vjp=lambda g, y, x, *, axis, keepdims: (spread(g, x, axis),),
    text="Σ {0}",
    slopes=("1",),
)
def sum(x, axis=None, keepdims=False, dtype: Any = None):
    """The sum over ``axis``: an int, several, or None for all. Bools and integers sum to int64.

    ``dtype`` is that of the sum, and x is converted to it first; bools and integers may sum to int32, modulo 2**32.

    >>> import subgrad as sg
    >>> sg.sum([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
    [4.0, 6.0]
    """
    return rules.summed(x, axis, keepdims) if dtype is None else np.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)


def mean(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False) -> Tensor:
    """The mean over ``axis``: an int, several, or None for all; NaN of no elements.

    >>> import subgrad as sg
    >>> float(sg.mean([1.0, 2.0, 6.0]))
    3.0
    """
    x = rules.as_float(as_tensor(x))
    return sum(x, axis, keepdims) / float(rules.count(x.shape, rules.normalise_axes(axis, x.ndim)))


def _extremum_vjp(g, y, x, *, axis, keepdims):
    tied = x == spread(y, x, axis)
    return (where(tied, spread(g, x, axis) / _count_of(tied, x, axis), 0),)


def _count_of(tied: Tensor, x: Tensor, axis: tuple[int, ...]) -> Tensor:
    """How many are tied, at the shape of x; at least 1, so that NaN leaves no 0/0 behind."""
    n = rules.cast(tied, x.dtype).sum(axis, keepdims=True)
    return rules.expand(where(n > 0, n, 1), x.shape)


@defop(
    kind=Kind.REDUCTION,
    prepare=_over_axes,
    shape=_nonempty,
    vjp=_extremum_vjp,
    kink=Largest(1, along=True),
    text="max {0}",
    slopes=("1[{0} = y]/ties",),
)
def max(x, axis=None, keepdims=False):
    """The largest element over ``axis``. Tied elements share the gradient evenly.

    >>> import subgrad as sg
    >>> x = sg.tensor([1.0, 3.0, 3.0])
    >>> sg.grad(sg.max(x), x).tolist()
    [0.0, 0.5, 0.5]
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@defop(
    kind=Kind.REDUCTION,
    prepare=_over_axes,
    shape=_nonempty,
    vjp=_extremum_vjp,
    kink=Largest(-1, along=True),
    text="min {0}",
    slopes=("1[{0} = y]/ties",),
)
def min(x, axis=None, keepdims=False):
    """The smallest element over ``axis``. Tied elements share the gradient evenly."""
    return np.min(x, axis=axis, keepdims=keepdims)


def _lse_vjp(g, y, x, *, axis, keepdims):
    finite = where(y == -np.inf, 0, y)  # where all of x is -inf the gradient is 0 and not NaN
    return (scale(spread(g, x, axis), exp(x - spread(finite, x, axis))),)


def _lse_expanded(x, *, axis, keepdims):
    if not rules.count(x.shape, axis):
        return full(rules.reduced_shape(x.shape, axis, keepdims), -np.inf, x.dtype)
    largest = max(x, axis, True)
    shift = where(isfinite(largest), largest, 0)
    total = log(sum(exp(x - shift), axis, True)) + shift
    return total if keepdims else total.reshape(rules.reduced_shape(x.shape, axis, False))


@defop(
    kind=Kind.REDUCTION,
    prepare=_float_over_axes,
    shape=_reduced,
    vjp=_lse_vjp,
    expand=_lse_expanded,
    text="ln Σ exp({0})",
    slopes=("exp({0} - y)",),
)
def logsumexp(x, axis=None, keepdims=False):
    """The logarithm of the sum of exp(x) over ``axis``, without overflow; -inf of no elements.

    >>> import subgrad as sg
    >>> float(sg.logsumexp([-1e4, 1e4]))
    10000.0
    """
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0)
    total = np.log(rules.summed(np.exp(x - shift), axis, True)) + shift
    return total if keepdims else np.squeeze(total, axis=axis)


def _along(x: TensorLike, axis: int = -1):
    x = rules.as_float(as_tensor(x))
    return [x], {"axis": rules.normalise_axis(axis, x.ndim)}


def _log_softmax_vjp(g, y, x, *, axis):
    return (g - scale(sum(g, axis, keepdims=True), exp(y)),)


def _log_softmax_expanded(x, *, axis):
    if not x.size:
        return x
    shifted = x - max(x, axis, True)
    return shifted - log(sum(exp(shifted), axis, True))


@defop(
    kind=Kind.REDUCTION,
    prepare=_along,
    expand=_log_softmax_expanded,
    shape=lambda x, *, axis: (x.shape, x.dtype),
    vjp=_log_softmax_vjp,
    text="ln softmax({0})",
    slopes=("1 - softmax({0})",),
)
def log_softmax(x, axis=-1):
    """x minus its log-sum-exp along ``axis``. The largest score is subtracted first, so that nothing is lost or
    overflows even for scores of 1e4 in float32.

    >>> import subgrad as sg
    >>> sg.log_softmax([1e4, -1e4]).tolist()
    [0.0, -20000.0]
    """
    shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return shifted - np.log(rules.summed(np.exp(shifted), axis, True))


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """exp(x) normalised to sum to 1 along ``axis``, without overflow.

    >>> import subgrad as sg
    >>> sg.softmax([1e4, 1e4]).tolist()
    [0.5, 0.5]
    """
    return exp(log_softmax(x, axis))


def _cumsum_prepare(x: TensorLike, axis: int = 0, reverse: bool = False):
    x = as_tensor(x)
    return [x], {"axis": rules.normalise_axis(axis, x.ndim), "reverse": bool(reverse)}


@defop(
    kind=Kind.REDUCTION,
    linear="jointly",
    prepare=_cumsum_prepare,
    shape=lambda x, **_: (x.shape, x.dtype if x.dtype.kind == "f" else int64),
    vjp=lambda g, y, x, *, axis, reverse: (cumsum(g, axis, not reverse),),
    text="cumsum {0}",
    slopes=("1 up to i",),
)
def cumsum(x, axis=0, reverse=False):
    """The running sum along ``axis``; from the end with ``reverse``. Bools and integers sum to int64.

    >>> import subgrad as sg
    >>> sg.cumsum([1.0, 2.0, 3.0]).tolist()
    [1.0, 3.0, 6.0]
    """
    wide = np.float64 if x.dtype == np.float32 and x.shape[axis] > rules.LONG else None
    found = np.cumsum(np.flip(x, axis) if reverse else x, axis=axis, dtype=wide)
    return np.flip(found, axis) if reverse else found


def _arg_prepare(x: TensorLike, axis: int | None = None):
    x = as_tensor(x)
    x, axis = (x.reshape(x.size), 0) if axis is None else (x, axis)
    return [x], {"axis": rules.normalise_axis(axis, x.ndim)}


def _arg_shape(x, *, axis):
    return _nonempty(x, axis=(axis,), keepdims=False)[0], int64


@defop(kind=Kind.CHOICE, prepare=_arg_prepare, shape=_arg_shape, text="argmax {0}")
def argmax(x, axis=None):
    """The index of the (first) largest element along ``axis``, of all elements if None; int64.

    >>> import subgrad as sg
    >>> int(sg.argmax([1.0, 5.0, 5.0]))
    1
    """
    return np.argmax(x, axis=axis)


@defop(kind=Kind.CHOICE, prepare=_arg_prepare, shape=_arg_shape, text="argmin {0}")
def argmin(x, axis=None):
    """The index of the (first) smallest element along ``axis``, of all elements if None; int64."""
    return np.argmin(x, axis=axis)


def _standardize_prepare(x: TensorLike, axis: rules.Axes = -1, eps: float = 1e-5):
    x = rules.as_float(as_tensor(x))
    if not eps > 0:
        raise ArgumentError(f"standardize needs an eps above 0, got {eps}")
    return [x], {"axis": rules.normalise_axes(axis, x.ndim), "eps": float(eps)}


def _standardize_shape(x, *, axis, eps):
    if rules.count(x.shape, axis) == 0:
        raise ShapeError(f"no elements have no mean: shape {x.shape}, axis {axis}")
    return x.shape, x.dtype


def _inverse_deviation(x: Tensor, axis: tuple[int, ...], eps: float) -> Tensor:
    """1 / sqrt(variance + eps)."""
    return 1 / sqrt(var(x, axis, keepdims=True) + eps)


def _standardize_vjp(g, y, x, *, axis, eps):
    """The projection of g against 1 and y, which both directions of no change leave: two sums, and no third."""
    lead, along = mean(g, axis, keepdims=True), mean(scale(g, y), axis, keepdims=True)
    return (_inverse_deviation(x, axis, eps) * (g - lead - y * along),)


@defop(
    kind=Kind.REDUCTION,
    prepare=_standardize_prepare,
    shape=_standardize_shape,
    vjp=_standardize_vjp,
    expand=lambda x, *, axis, eps: (x - mean(x, axis, keepdims=True)) * _inverse_deviation(x, axis, eps),
    text="({0} - mean) / deviation",
)
def standardize(x, axis=-1, eps=1e-5):
    """(x - mean) / sqrt(variance + eps), mean and variance over ``axis``: an int, several, or None for all.

    Args:
        x: floats.
        axis: over which axes the mean and the variance (with n, not n - 1) are taken.
        eps: above 0; keeps the division finite where nothing varies.

    Raises:
        ArgumentError: for an eps that is not above 0.
        ShapeError: if the axes have no elements.

    Example:
        >>> import subgrad as sg
        >>> sg.standardize([[1.0, 3.0], [10.0, -10.0]]).numpy().round(3).tolist()
        [[-1.0, 1.0], [1.0, -1.0]]
    """
    n = rules.count(x.shape, rules.normalise_axes(axis, x.ndim))
    centred = x - rules.summed(x, axis, True) / n
    return centred * (1 / np.sqrt(rules.summed(centred * centred, axis, True) / n + x.dtype.type(eps)))


__all__ = [
    "argmax", "argmin", "cumsum", "log_softmax", "logsumexp", "max", "mean", "min", "softmax", "standardize", "sum",
]  # fmt: skip
