"""Elements brought to mean 0 and variance 1: what batch, layer and group normalisation have in common."""

from __future__ import annotations

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.op import Kind, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.reduce import mean
from subgrad.ops.singular import sqrt, var
from subgrad.ops.smooth import scale


def _prepare(x: TensorLike, axis: rules.Axes = -1, eps: float = 1e-5):
    x = rules.as_float(as_tensor(x))
    if not eps > 0:
        raise ArgumentError(f"standardize needs an eps above 0, got {eps}")
    return [x], {"axis": rules.normalise_axes(axis, x.ndim), "eps": float(eps)}


def _shape(x, *, axis, eps):
    if rules.count(x.shape, axis) == 0:
        raise ShapeError(f"no elements have no mean: shape {x.shape}, axis {axis}")
    return x.shape, x.dtype


def _spread(x: Tensor, axis: tuple[int, ...], eps: float) -> Tensor:
    """1 / sqrt(variance + eps)."""
    return 1 / sqrt(var(x, axis, keepdims=True) + eps)


def _vjp(g, y, x, *, axis, eps):
    """The projection of g against 1 and y, which both directions of no change leave: two sums, and no third."""
    lead, along = mean(g, axis, keepdims=True), mean(scale(g, y), axis, keepdims=True)
    return (_spread(x, axis, eps) * (g - lead - y * along),)


@defop(
    kind=Kind.REDUCTION,
    prepare=_prepare,
    shape=_shape,
    vjp=_vjp,
    expand=lambda x, *, axis, eps: (x - mean(x, axis, keepdims=True)) * _spread(x, axis, eps),
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
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return centred * (1 / np.sqrt(np.mean(centred * centred, axis=axis, keepdims=True) + x.dtype.type(eps)))


__all__ = ["standardize"]
