"""log, log1p and softplus: x = 2**k m with m in [sqrt(1/2), sqrt(2)), and a polynomial for log m."""

from __future__ import annotations

import math

from subgrad.compile.codegen.vecmath.exp import LN2, exp_of_minus
from subgrad.compile.codegen.vecmath.formula import F32, F64, Code, FloatFormat, Term, function

_SQRT_HALF_BITS = {F32: 0x3F3504F3, F64: 0x3FE6A09E667F3BCD}

# log(1+f) = f - f*f/2 + f**3 q(f) for float32; minimax (Remez), relative error 2**-27.3.
_CUBIC_TAIL = (
    0.3333333,
    -0.2500082,
    0.20001228,
    -0.1662336,
    0.14201736,
    -0.13160142,
    0.12761702,
    -0.076347366,
)

# log(1+f) = s (2 + z q(z)) with s = f/(2+f), z = s*s, for float64; minimax (Remez), relative error 2**-59.3.
_ATANH_TAIL = (
    0.6666666666666713,
    0.3999999999952482,
    0.28571428721950176,
    0.2222220040195388,
    0.18183479116951065,
    0.1531604232342491,
    0.1477749222147188,
)


@function
def log(c: Code, f: FloatFormat, x: Term) -> Term:
    """ln x; -inf at 0, NaN below."""
    k, m = split_any(c, f, x)
    return _limits(_log_of(c, f, k, m - 1.0), x)


@function
def log1p(c: Code, f: FloatFormat, x: Term) -> Term:
    """ln(1 + x), relatively accurate near 0."""
    c.note("u + e = 1 + x exactly (Knuth's two-sum)")
    u = x + 1.0
    back = u - 1.0
    e = (1.0 - (u - back)) + (x - back)
    return _limits(_log_of_sum(c, f, x, u, e), u)


@function
def softplus(c: Code, f: FloatFormat, x: Term) -> Term:
    """ln(1 + e**x) = max(x, 0) + ln(1 + e**-|x|): no overflow, and the left tail keeps its digits."""
    t = exp_of_minus(c, f, abs(x))
    c.note("u + e = 1 + t exactly, as t <= 1")
    u = t + 1.0
    e = t - (u - 1.0)
    return x.at_least(0.0) + _log_of_sum(c, f, t, u, e)


def split_any(c: Code, f: FloatFormat, x: Term) -> tuple[Term, Term]:
    """(k, m) with x = 2**k m, m in [sqrt(1/2), sqrt(2)), for every positive finite x; k is a whole float."""
    c.note("subnormals are scaled up")
    lift = f.digits + 2
    tiny = x.test("<", 2.0 ** (1 - f.bias))
    k, m, _ = split(c, f, (x * 2.0**lift).where(tiny, x))
    return k - x.like(lift).where(tiny, 0.0), m


def split(c: Code, f: FloatFormat, x: Term) -> tuple[Term, Term, Term]:
    """(k, m, k + bias as an integer) as :func:`split_any`, for normal x."""
    c.note("x = 2**k m")
    root = _SQRT_HALF_BITS[f]
    word = x.bits + ((f.bias << f.digits) - root)
    biased = word >> f.digits
    m = ((word & ((1 << f.digits) - 1)) + root).real
    # an integer in the low bits of the float 2**digits adds itself to it: a conversion for any vector unit
    k = (biased | ((f.bias + f.digits) << f.digits)).real - (2.0**f.digits + f.bias)
    return k, m, biased


def _log_of_sum(c: Code, f: FloatFormat, x: Term, u: Term, e: Term) -> Term:
    """ln(u + e), given that u + e = 1 + x exactly; x itself where ln(1+x) rounds to x."""
    k, m, biased = split(c, f, u)
    c.note("f = m - 1 + 2**-k e; halves, since 2**-128 is no normal float32")
    inverse = ((2 * f.bias + 1 - biased) << f.digits).real
    r = _log_of(c, f, k, c.fma(e * 0.5, inverse, m - 1.0))
    return x.where(abs(x).test("<", 2.0 ** -(f.digits + 2)), r)


def _log_of(c: Code, f: FloatFormat, k: Term, m1: Term) -> Term:
    """k ln 2 + ln(1 + m1), the small terms first."""
    high, low = LN2[f]
    c.note("k ln 2 + log m")
    if f is F32:
        z = m1 * m1
        tail = c.fma(k, low, z * m1 * c.horner(m1, _CUBIC_TAIL))
        return c.fma(k, high, c.fma(z, -0.5, tail) + m1)
    s = m1 / (m1 + 2.0)
    z = s * s
    half = m1 * m1 * 0.5
    tail = c.fma(s, c.fma(z, c.horner(z, _ATANH_TAIL), half), k * low)
    return c.fma(k, high, m1 - (half - tail))


def _limits(r: Term, x: Term) -> Term:
    """inf and NaN come back as they are, negative numbers give NaN, both zeros -inf."""
    r = r.where(x.test("<", math.inf), x)
    r = x.like(math.nan).where(x.test("<", 0.0), r)
    return x.like(-math.inf).where(x.test("==", 0.0), r)
