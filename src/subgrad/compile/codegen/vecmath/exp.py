"""exp, expm1 and sigmoid.

x = n ln 2 + r with |r| <= ln(2)/2, then a polynomial in r; 2**n is made by writing n into the exponent bits.
"""

from __future__ import annotations

from typing import NamedTuple

from subgrad.compile.codegen.vecmath.formula import F32, F64, Code, FloatFormat, Term, function


class _Exp(NamedTuple):
    """``tail`` is q in e**r = 1 + r + r*r*q(r); outside ``low``..``high`` e**x is surely 0 or inf."""

    low: float
    high: float
    tail: tuple[float, ...]


# ln 2 as a high part with trailing zeros, so that a whole number times it is exact, and the rest (Cody and
# Waite, Software Manual for the Elementary Functions, 1980).
LN2 = {
    F32: (0.693359375, -2.12194440e-4),
    F64: (float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")),
}
LOG2_E = 1.4426950408889634

# Minimax (Remez) for the relative error of expm1 on +-0.3475: 2**-26.1 (float32) and 2**-55.6 (float64).
_TABLE = {
    F32: _Exp(
        low=-104.0,
        high=89.0,
        tail=(0.49999998, 0.16666542, 0.041667208, 0.00836669, 0.0013882272),
    ),
    F64: _Exp(
        low=-746.0,
        high=710.0,
        tail=(
            0.5000000000000006,
            0.16666666666666588,
            0.041666666666574904,
            0.008333333333390822,
            0.0013888888932226033,
            0.00019841269716906165,
            2.48015044261613e-05,
            2.755740862558706e-06,
            2.762639260135945e-07,
            2.5053731123144668e-08,
        ),
    ),
}


@function
def exp(c: Code, f: FloatFormat, x: Term) -> Term:
    """e**x."""
    return _exp_inside(c, f, x.at_least(_TABLE[f].low).at_most(_TABLE[f].high))


@function
def expm1(c: Code, f: FloatFormat, x: Term) -> Term:
    """e**x - 1, relatively accurate near 0."""
    p, n = reduced(c, f, x.at_least(-2.0 * f.digits).at_most(_TABLE[f].high))
    c.note("2 (2**(n-1) p + 2**(n-1) - 1/2): the half keeps 2**n from overflowing one step before e**x does")
    scale = ((n + (f.bias - 1)) << f.digits).real
    twice = c.fma(scale, p, scale - 0.5)
    return x.where(abs(x).test("<", 2.0 ** -(f.digits + 2)), twice + twice)


def expm1_of_minus(c: Code, f: FloatFormat, magnitude: Term) -> Term:
    """e**-m - 1 for 0 <= m <= bias / 2; the sign of a zero is lost."""
    p, n = reduced(c, f, -magnitude)
    scale = ((n + f.bias) << f.digits).real
    return c.fma(scale, p, scale - 1.0)


@function
def sigmoid(c: Code, f: FloatFormat, x: Term) -> Term:
    """1 / (1 + e**-x), through e**-|x|, so that the left tail is accurate down to the subnormals."""
    e = exp_of_minus(c, f, abs(x))
    return e.where(x.test("<", 0.0), 1.0) / (e + 1.0)


def exp_of_minus(c: Code, f: FloatFormat, magnitude: Term) -> Term:
    """e**-m for m >= 0."""
    return _exp_inside(c, f, (-magnitude).at_least(_TABLE[f].low))


def reduced(c: Code, f: FloatFormat, x: Term, low_part: Term | None = None) -> tuple[Term, Term]:
    """(e**r - 1, n) with x + low_part = n ln 2 + r; n is an integer in the low bits of its word."""
    ln2_high, ln2_low = LN2[f]
    c.note("x = n ln 2 + r")
    shifted = c.fma(x, LOG2_E, f.magic)
    n = shifted - f.magic
    r = c.fma(n, -ln2_low, c.fma(n, -ln2_high, x))
    if low_part is not None:
        r = r + low_part
    c.note("e**r - 1")
    square = r * r
    return c.fma(square, c.horner_by_two(r, square, _TABLE[f].tail), r), shifted.bits


def times_power(f: FloatFormat, y: Term, n: Term) -> Term:
    """y * 2**n for |n| < 2 bias: an exact step, then one that rounds if the result is subnormal."""
    n = n + 2 * f.bias
    half = n >> 1
    return y * (half << f.digits).real * ((n - half) << f.digits).real


def _exp_inside(c: Code, f: FloatFormat, x: Term) -> Term:
    p, n = reduced(c, f, x)
    return times_power(f, p + 1.0, n)
