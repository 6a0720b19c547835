"""Hyperbolic sine and cosine, and the inverses of the three hyperbolic functions."""

from __future__ import annotations

import math

import numpy as np

from subgrad.graph.op import defop
from subgrad.graph.tensor import Tensor
from subgrad.ops import rules
from subgrad.ops.kinked import abs as abs_
from subgrad.ops.select import where
from subgrad.ops.singular import sqrt
from subgrad.ops.smooth import exp, expm1, log, log1p, scale

_LN2 = math.log(2)


def _signed(magnitude: Tensor, x: Tensor) -> Tensor:
    """``magnitude`` with the sign of x; x itself where that is 0 or NaN."""
    return where(x > 0, magnitude, where(x < 0, -magnitude, x))


def _sinh_expanded(x: Tensor) -> Tensor:
    a = abs_(x)
    e, root = expm1(a), exp(a * 0.5)
    return _signed(where(a < 20, (e + e / (e + 1)) * 0.5, root * (root * 0.5)), x)


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, cosh(x)),),
    expand=_sinh_expanded,
    text="sinh({0})",
    slopes=("cosh({0})",),
)
def sinh(x):
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2.

    >>> import subgrad as sg
    >>> sg.sinh([0.0, 1.0]).tolist()
    [0.0, 1.175201177597046]
    """
    return np.sinh(x)


def _cosh_expanded(x: Tensor) -> Tensor:
    root = exp(abs_(x) * 0.5)
    return root * (root * 0.5) + 0.5 * exp(-abs_(x))


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, sinh(x)),),
    expand=_cosh_expanded,
    text="cosh({0})",
    slopes=("sinh({0})",),
)
def cosh(x):
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    >>> import subgrad as sg
    >>> float(sg.cosh(0.0))
    1.0
    """
    return np.cosh(x)


def _far(x: Tensor) -> float:
    """From here on 1 beside x² is lost."""
    return 2.0**13 if x.dtype == np.float32 else 2.0**27


def _asinh_expanded(x: Tensor) -> Tensor:
    a = abs_(x)
    far = a > _far(x)
    t = where(far, 1, a)
    square = t * t
    near = log1p(t + square / (1 + sqrt(1 + square)))
    return _signed(where(far, log(where(far, a, 1)) + _LN2, near), x)


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, 1 / cosh(y)),),
    expand=_asinh_expanded,
    text="asinh({0})",
    slopes=("1/√(1 + {0}²)",),
)
def asinh(x):
    """The inverse of the hyperbolic sine, ln(x + √(x² + 1)).

    >>> import subgrad as sg
    >>> sg.asinh([0.0, 1e30]).tolist()
    [0.0, 69.77069854736328]
    """
    return np.arcsinh(x)


def _acosh_expanded(x: Tensor) -> Tensor:
    far = x > _far(x)
    t = where(far, 0, x - 1)
    return where(far, log(where(far, x, 1)) + _LN2, log1p(t + sqrt(t) * sqrt(t + 2)))


def _acosh_vjp(g, y, x):
    return (scale(g, where(x == 1, 0, 1 / (sqrt(x - 1) * sqrt(x + 1)))),)


@defop(
    prepare=rules.floats,
    vjp=_acosh_vjp,
    expand=_acosh_expanded,
    text="acosh({0})",
    slopes=("1/√({0}² - 1)",),
)
def acosh(x):
    """The inverse of the hyperbolic cosine, ln(x + √(x² - 1)); NaN below 1.

    Its derivative at 1 is infinite: the gradient there is 0 by convention, as of `sqrt`.

    >>> import subgrad as sg
    >>> sg.acosh([1.0, 2.0]).tolist()
    [0.0, 1.316957950592041]
    """
    return np.arccosh(x)


def _atanh_expanded(x: Tensor) -> Tensor:
    a = abs_(x)
    return _signed(0.5 * log1p(2 * a / (1 - a)), x)


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, 1 / ((1 - x) * (1 + x))),),
    expand=_atanh_expanded,
    text="atanh({0})",
    slopes=("1/(1 - {0}²)",),
)
def atanh(x):
    """The inverse of the hyperbolic tangent, ln((1 + x) / (1 - x)) / 2; NaN outside of [-1, 1].

    >>> import subgrad as sg
    >>> sg.atanh([0.0, 0.5, 1.0]).tolist()
    [0.0, 0.5493061542510986, inf]
    """
    return np.arctanh(x)


__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh"]
