"""The inverse of the error function."""

from __future__ import annotations

import math

import numpy as np

from subgrad.graph.op import defop
from subgrad.graph.tensor import Tensor, constant
from subgrad.ops import rules
from subgrad.ops.kinked import abs as abs_
from subgrad.ops.select import where
from subgrad.ops.singular import sqrt
from subgrad.ops.smooth import erf, erfc, exp, log, scale
from subgrad.ops.special.trigonometry import polynomial

# erfinv(x) / x as polynomials in w - 2.5 and in sqrt(w) - 3, w = -ln(1 - x²), to some 2**-21: M. Giles,
# "Approximating the erfinv function", GPU Computing Gems Jade Edition, 2011.
_CENTRE = (
    1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06, -3.5233877e-06,
    3.43273939e-07, 2.81022636e-08,
)  # fmt: skip
_TAIL = (
    2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322,
    0.000100950558, -0.000200214257,
)  # fmt: skip


def _start(x: Tensor) -> Tensor:
    """Giles' polynomials, and beyond their range, which float64 alone has, of erfc(y) = exp(-y²) / (y √π)."""
    w = -log((1 - x) * (1 + x))
    near = w < 5
    y = x * where(near, polynomial(where(near, w - 2.5, 0), _CENTRE), polynomial(sqrt(w) - 3, _TAIL))
    if x.dtype == np.float32:
        return y
    far = w > 16
    tail = where(far, w, 16.0) + math.log(2)
    return where(far, sqrt(tail - 0.5 * log(math.pi * tail)), y)


def _refined(y: Tensor, a: Tensor) -> Tensor:
    """One step of Halley's method for erf(y) = a with the difference taken where it has its digits."""
    error = where(a < 0.5, erf(y) - a, (1 - a) - erfc(y))
    u = error * (0.5 * math.sqrt(math.pi)) * exp(y * y)
    return y - u / (1 + y * u)


def _erfinv_expanded(x: Tensor) -> Tensor:
    a = abs_(x)
    inside = a < 1
    t = where(inside, a, 0)
    y = _refined(_start(t), t)
    y = y if x.dtype == np.float32 else _refined(y, t)
    y = where(inside, y, where(a == 1, math.inf, a * math.nan))
    return where(x > 0, y, where(x < 0, -y, x))


def _erfinv_vjp(g, y, x):
    return (scale(g, 0.5 * math.sqrt(math.pi) * exp(y * y)),)


@defop(
    prepare=rules.floats,
    vjp=_erfinv_vjp,
    expand=_erfinv_expanded,
    text="erf⁻¹({0})",
    slopes=("√π/2·exp(y²)",),
)
def erfinv(x):
    """The number whose error function is x: from -inf at -1 to inf at 1, NaN outside.

    >>> import subgrad as sg
    >>> [f"{y:.4f}" for y in sg.erfinv([0.0, 0.5, 1.0]).tolist()]
    ['0.0000', '0.4769', 'inf']
    """
    return _erfinv_expanded(constant(x)).numpy()


__all__ = ["erfinv"]
