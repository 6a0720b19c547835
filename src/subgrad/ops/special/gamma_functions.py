"""The logarithm of the gamma function, and its derivative.

Both are a polynomial on [1, 2], where gamma's logarithm has two roots and digamma one: these are factors. Recurrences
lead there from 0 to 8, Stirling's series takes the rest, and reflection the negative side (Abramowitz and Stegun, 6.1
and 6.3). The polynomials interpolate at Chebyshev's points: their relative errors are 2**-27 and 2**-53 for the
logarithm, 2**-25 and 2**-52 for digamma.
"""

from __future__ import annotations

import math

import numpy as np

from subgrad.graph.op import defop
from subgrad.graph.tensor import Tensor, constant
from subgrad.ops import rules
from subgrad.ops.kinked import abs as abs_
from subgrad.ops.select import where
from subgrad.ops.smooth import cos, log, scale, sin
from subgrad.ops.special.trigonometry import polynomial
from subgrad.ops.special.whole_numbers import round as round_

_SERIES_FROM = 8
"""Where Stirling's series begins."""

_LGAMMA_SINGLE = (
    0.4831289522803855, -0.14595989698806494, 0.06291105386031644, -0.03130827316519022, 0.01680809774717337,
    -0.009432411478912226, 0.00532599199145505, -0.0031377364120114713, 0.002446744656201957, -0.001487484340679373,
)  # fmt: skip
_LGAMMA_DOUBLE = (
    0.4831289505409809, -0.14595989591430608, 0.06291140107456439, -0.031308487501010646, 0.01679709863127416,
    -0.009425622448525798, 0.005446457839126065, -0.0032120740737152814, 0.0019229163127905161, -0.0011644145847310124,
    0.000711519067515296, -0.00043799307479613914, 0.00027131373861446925, -0.0001689178215524898,
    0.00010535512483785591, -6.614136022346414e-05, 4.30276814976503e-05, -2.7201673025504752e-05,
    1.3186019073996835e-05, -8.355075869795273e-06, 1.2140008083973407e-05, -7.760660152513446e-06,
)  # fmt: skip
_DIGAMMA_SINGLE = (
    0.9510558962329134, -0.42362743473901193, 0.24053845299247192, -0.14840223752060958, 0.09511622179338902,
    -0.062007068861342586, 0.03936941933941425, -0.02604888222714401, 0.023909071438577043, -0.01590631756163065,
)  # fmt: skip
_DIGAMMA_DOUBLE = (
    0.951055876031833, -0.4236274212814605, 0.2405424842407742, -0.14840492305390884, 0.09498872445494122,
    -0.061922133273064534, 0.04076083381242074, -0.02697579675613825, 0.0179072524394512, -0.011908218001568644,
    0.007926944646403797, -0.005279964873257405, 0.003519006401502276, -0.002345267632540769, 0.0015566317474486838,
    -0.0010376374098418604, 0.0007233266279287554, -0.0004821990530566789, 0.0002272331660987376,
    -0.00015148586836773365, 0.00025968482126430747, -0.00017312261802727394,
)  # fmt: skip
_DIGAMMA_ROOT = 1.4616321325302124, 1.2438149938918909e-08
"""The root as a float32 and the rest."""

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _series(x: Tensor, coefficients: list[float]) -> Tensor:
    """Stirling's, in 1/x²."""
    inverse = 1 / x
    return polynomial(inverse * inverse, tuple(coefficients[:4] if x.dtype == np.float32 else coefficients))


def _steps(x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """For each step down from x to [1, 2): whether it is taken, and x - k, where it leads to."""
    return [(x >= k + 1, x - k) for k in range(1, _SERIES_FROM - 1)]


def _mirrored(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """|x| where it is on the negative side, x elsewhere; where that is; and the distance to the next integer."""
    a = abs_(x)
    return a, x < 0, a - round_(a)


def _lgamma_positive(x: Tensor) -> Tensor:
    small, large = x < 1, x >= _SERIES_FROM
    one = rules.full((), 1.0, x.dtype)
    near = where(large, one, x)
    t, product = near - 1, one
    for taken, factor in _steps(near):
        t, product = where(taken, factor - 1, t), product * where(taken, factor, one)
    t = where(small, near, t)  # the argument in [1, 2] is t + 1
    table = _LGAMMA_SINGLE if x.dtype == np.float32 else _LGAMMA_DOUBLE
    rest = log(where(small, near, product))
    middle = t * (t - 1) * polynomial(t - 0.5, table) + where(small, -rest, rest)
    far = where(large, x, float(_SERIES_FROM))
    series = _series(far, [b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1)]) / far
    return where(large, (far - 0.5) * (log(far) - 1) + (0.5 * math.log(2 * math.pi) - 0.5 + series), middle)


def _lgamma_expanded(x: Tensor) -> Tensor:
    a, negative, apart = _mirrored(x)
    positive = _lgamma_positive(a)
    sine = abs_(sin(math.pi * apart)) / math.pi
    pole = (a == math.inf) | (negative & (apart == 0))
    return where(pole, math.inf, where(negative, -log(a) - log(sine) - positive, positive))


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, digamma(x)),),
    expand=_lgamma_expanded,
    text="ln |Γ({0})|",
    slopes=("ψ({0})",),
)
def lgamma(x):
    """The logarithm of the absolute value of the gamma function: of (x - 1)! for positive integers x; inf at 0 and at
    negative integers.

    >>> import subgrad as sg
    >>> [f"{y:.4f}" for y in sg.lgamma([1.0, 5.0]).tolist()]
    ['0.0000', '3.1781']
    """
    return _lgamma_expanded(constant(x)).numpy()


def _digamma_positive(x: Tensor) -> Tensor:
    small, large = x < 1, x >= _SERIES_FROM
    one = rules.full((), 1.0, x.dtype)
    near = where(large, one, x)
    t, total = near, rules.full((), 0.0, x.dtype)
    for taken, factor in _steps(near):
        t, total = where(taken, factor, t), total + where(taken, 1 / where(taken, factor, one), 0)
    t = where(small, near + 1, t)
    high, low = _DIGAMMA_ROOT
    table = _DIGAMMA_SINGLE if x.dtype == np.float32 else _DIGAMMA_DOUBLE
    middle = ((t - high) - low) * polynomial(t - 1.5, table) + where(small, -1 / where(small, near, one), total)
    far = where(large, x, float(_SERIES_FROM))
    inverse = 1 / far
    series = _series(far, [b / (2 * k) for k, b in enumerate(_BERNOULLI, 1)]) * inverse
    return where(large, log(far) - inverse * (0.5 + series), middle)


def _digamma_expanded(x: Tensor) -> Tensor:
    a, negative, apart = _mirrored(x)
    positive = _digamma_positive(a)
    turned = where(negative, math.pi * apart, 1)
    mirrored = positive + 1 / where(negative, a, 1) + math.pi * (cos(turned) / sin(turned))
    pole = (negative & (apart == 0)) | (x == -math.inf)
    return where(pole, math.nan, where(a < 1e-20, -1 / x, where(negative, mirrored, positive)))


@defop(
    prepare=rules.floats,
    expand=_digamma_expanded,
    text="ψ({0})",
    slopes=("ψ'({0})",),
)
def digamma(x):
    """The derivative of `lgamma`; at 0 it is -inf or inf by the sign of that zero, at negative integers NaN.

    >>> import subgrad as sg
    >>> [f"{y:.4f}" for y in sg.digamma([1.0, 2.0]).tolist()]
    ['-0.5772', '0.4228']
    """
    return _digamma_expanded(constant(x)).numpy()


__all__ = ["digamma", "lgamma"]
