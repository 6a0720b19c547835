"""Ops with a point where the derivative is infinite or undefined, and the finite value that stands there.

At such a point the cotangent becomes 0, the least that a gradient can say. PyTorch, JAX and TensorFlow give inf or
NaN for ``sqrt`` at 0; a single such element spoils every parameter of a network.
"""

from __future__ import annotations

import math

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph.kink import Cone
from subgrad.graph.op import Kind, apply, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.select import isfinite, where
from subgrad.ops.shape import ones_like
from subgrad.ops.smooth import div, log, scale, square


def _sqrt_vjp(g, y, x):
    return (scale(g, where(y == 0, 0, 0.5 / y)),)


@defop(prepare=rules.floats, vjp=_sqrt_vjp, text="√{0}", slopes=("1/(2y)",))
def sqrt(x):
    """The square root; NaN below 0. Its derivative at 0 is infinite: the gradient there is 0 by convention.

    >>> import subgrad as sg
    >>> x = sg.tensor([0.0, 4.0])
    >>> sg.grad(sg.sqrt(x).sum(), x).tolist()
    [0.0, 0.25]
    """
    return np.sqrt(x)


def _power_vjp(g, y, x, *, p):
    if p == 0:
        return (None,)
    slope = p * pow(x, p - 1)
    return (scale(g, where(x == 0, 0, slope) if 0 < p < 1 else slope),)


def _power_expanded(x, *, p):
    """Products for the small whole exponents that polynomials are made of, the general power else."""
    if p in (3, 4):
        return x * square(x) if p == 3 else square(square(x))
    return _pow(x, p) if p else ones_like(x)


@defop(
    prepare=rules.floats, name="power", vjp=_power_vjp, expand=_power_expanded, text="{0}^p", slopes=("p·{0}^(p-1)",)
)
def _power(x, *, p):
    """x to the power of a number p."""
    return np.power(x, np.asarray(p, x.dtype))


def _pow_vjp(g, y, x, p):
    by_base = p * _pow(x, p - 1)
    by_exponent = where(x == 0, 0, y * log(x))
    flat = (x == 0) & (p < 1) & (p >= 0)
    return scale(g, where(flat, 0, by_base)), scale(g, by_exponent)


@defop(prepare=rules.floats, name="pow", vjp=_pow_vjp, text="{0}^{1}", slopes=("{1}·{0}^({1}-1)", "y·ln {0}"))
def _pow(x, p):
    """x to the power of p, elementwise."""
    return np.power(x, p)


def pow(x: TensorLike, p: TensorLike) -> Tensor:
    """x to the power of p, elementwise with broadcasting.

    Where x is 0 the gradient is finite whenever the value is: the derivative by x counts as 0 for 0 < p < 1, where it
    is infinite, and the derivative by p is 0, the limit of x^p ln x. Integers become floats, but for an integer
    tensor squared.

    Args:
        x: the base.
        p: the exponent, a number or a tensor.

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor([0.0, 4.0])
        >>> sg.grad((x**0.5).sum(), x).tolist()
        [0.0, 0.25]
    """
    if not rules.is_scalar(p):
        return _pow(x, p)
    base, exponent = as_tensor(x), float(p)
    if exponent == 1:
        return base
    if exponent == 2:
        return square(base)
    if exponent == 0.5:
        return sqrt(base)
    if exponent == -1:
        return div(1, base)
    return apply(_power, (rules.as_float(base),), {"p": exponent})


def _norm_vjp(g, y, x, *, axis, keepdims):
    kept = rules.reduced_shape(x.shape, axis, True)
    y, g = y.reshape(kept), g.reshape(kept)
    return (scale(rules.expand(g, x.shape), x / where(y == 0, 1, y)),)


def _norm_prepare(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False):
    x = rules.as_float(as_tensor(x))
    return [x], {"axis": rules.normalise_axes(axis, x.ndim), "keepdims": keepdims}


def _norm_shape(x, *, axis, keepdims):
    return rules.reduced_shape(x.shape, axis, keepdims), x.dtype


@defop(
    kind=Kind.REDUCTION,
    shape=_norm_shape,
    prepare=_norm_prepare,
    vjp=_norm_vjp,
    kink=Cone(),
    expand=lambda x, *, axis, keepdims: _norm_expanded(x, axis, keepdims),
    text="‖{0}‖",
    slopes=("{0}/y",),
)
def norm(x, axis=None, keepdims=False):
    """The Euclidean norm over ``axis`` (all axes if None), without overflow or underflow.

    At 0 its subdifferential is the unit ball; the gradient there is 0, the element of least norm.

    >>> import subgrad as sg
    >>> x = sg.tensor([[3.0, 4.0], [0.0, 0.0]])
    >>> sg.grad(sg.norm(x, axis=1).sum(), x).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    if x.size == 0:
        return np.sqrt(np.sum(x, axis=axis, keepdims=keepdims))
    largest = np.max(np.abs(x), axis=axis, keepdims=True)
    unit = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    scaled = x / unit
    length = unit * np.sqrt(rules.summed(scaled * scaled, axis, True))
    return length if keepdims else np.squeeze(length, axis=axis)


def _norm_expanded(x: Tensor, axis: tuple[int, ...], keepdims: bool) -> Tensor:
    if x.size == 0:
        return sqrt((x * x).sum(axis, keepdims))
    largest = abs(x).max(axis, True)
    unit = where((largest > 0) & isfinite(largest), largest, 1)
    length = unit * sqrt(square(x / unit).sum(axis, True))
    return length if keepdims else length.reshape(rules.reduced_shape(x.shape, axis, False))


def var(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The variance over ``axis``: mean squared distance from the mean, with n - ddof in place of n.

    NaN of no elements; `ArgumentError` if there are no more than a positive ``ddof``.

    >>> import subgrad as sg
    >>> float(sg.var([1.0, 2.0, 3.0, 4.0]))
    1.25
    """
    x, n = _centred(x, axis, ddof)
    return (x * x).sum(axis, keepdims) / n


def std(x: TensorLike, axis: rules.Axes = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The standard deviation over ``axis``. Where it is 0 its gradient is 0, as for `norm`.

    >>> import subgrad as sg
    >>> x = sg.tensor([2.0, 2.0])
    >>> sg.grad(sg.std(x), x).tolist()
    [0.0, 0.0]
    """
    x, n = _centred(x, axis, ddof)
    return norm(x, axis, keepdims) / math.sqrt(n)


def _centred(x: TensorLike, axis: rules.Axes, ddof: int) -> tuple[Tensor, int]:
    """x minus its mean, and the number that divides the sum of its squares."""
    x = rules.as_float(as_tensor(x))
    n = rules.count(x.shape, rules.normalise_axes(axis, x.ndim))
    if 0 < ddof >= n:
        raise ArgumentError(f"a variance with ddof={ddof} needs more than {ddof} elements, got {n}")
    return x - x.sum(axis, keepdims=True) / n, n - ddof


__all__ = ["norm", "pow", "sqrt", "std", "var"]
