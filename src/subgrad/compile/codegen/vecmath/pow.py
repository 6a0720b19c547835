"""pow: |x|**y = e**(y ln|x|), then the sign and the special cases of IEEE 754 (those of NumPy).

The logarithm must be far more accurate than the result, since y ln|x| can be some hundreds: float32 computes
in float64, float64 in pairs of doubles whose sum is the number (Dekker, Numer. Math. 18, 1971).
"""

from __future__ import annotations

import math

from subgrad.compile.codegen.vecmath.exp import LOG2_E, reduced, times_power
from subgrad.compile.codegen.vecmath.formula import F32, F64, Code, FloatFormat, Term, function
from subgrad.compile.codegen.vecmath.log import split, split_any

_Pair = tuple[Term, Term]

# log(1+f) = s (2 + z q(z)) with s = f/(2+f), z = s*s; minimax (Remez), relative error 2**-37.6.
_SHORT_ATANH_TAIL = (0.6666666564512461, 0.4000033529517764, 0.2853730090399622, 0.23582309295586948)
# 2**t on |t| <= 1/2, minimax (Remez), relative error 2**-29.
_EXP2 = (
    1.0000000005630207,
    0.6931472060365854,
    0.2402264684537554,
    0.05550328124385676,
    0.009618491795094844,
    0.001340019538491152,
    0.00015345591211109046,
)

# log(1+f) = s (2 + 2/3 z + z z q(z)) with the same s and z; minimax (Remez), relative error 2**-65.4.
_LONG_ATANH_TAIL = (
    0.40000000000000224,
    0.2857142857097837,
    0.22222222376617445,
    0.18181795934397585,
    0.1538626185911328,
    0.13267616886873873,
    0.1310199472308824,
)
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_LN2_PAIR = (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"))


@function
def pow_(c: Code, f: FloatFormat, x: Term, y: Term) -> Term:
    """x**y."""
    magnitude = _magnitude32(c, abs(x), y) if f is F32 else _magnitude64(c, abs(x), y)
    return _special_cases(c, f, x, y, magnitude)


def _magnitude32(c: Code, a: Term, y: Term) -> Term:
    """a**y through float64; the conversion back rounds to subnormals, 0 or inf where it must."""
    k, m, _ = split(c, F64, a.to(F64.type))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    ln = c.fma(k, math.log(2), s * c.fma(z, c.horner(z, _SHORT_ATANH_TAIL), 2.0))
    c.note("2**(n + t)")
    power = (_finite(y).to(F64.type) * (ln * LOG2_E)).at_least(-200.0).at_most(200.0)
    shifted = power + F64.magic
    t = power - (shifted - F64.magic)
    scale = ((shifted.bits + F64.bias) << F64.digits).real
    return (c.horner(t, _EXP2) * scale).to(F32.type)


def _magnitude64(c: Code, a: Term, y: Term) -> Term:
    high, low = _log_pair(c, a)
    c.note("y log|x|")
    y = _finite(y)
    p, e = c.product(high, y)
    e = c.fma(low, y, e)
    e = e.where(abs(p).test("<", 1000.0), 0.0)
    r, n = reduced(c, F64, p.at_least(-1000.0).at_most(1000.0), e)
    return times_power(F64, r + 1.0, n)


def _finite(y: Term) -> Term:
    """y cut to +-2**65: beyond, a**y is 0, 1 or inf, and inf times ln 1 would be NaN."""
    return y.at_least(-(2.0**65)).at_most(2.0**65)


def _log_pair(c: Code, a: Term) -> _Pair:
    """ln a as an unevaluated sum, relative error about 2**-64."""
    k, m = split_any(c, F64, a)
    c.note("s = f / (2 + f) as a pair, f = m - 1")
    f = m - 1.0
    bottom = f + 2.0
    bottom_low = f - (bottom - 2.0)
    s = f / bottom
    p, e = c.product(s, bottom)
    s_low = (((f - p) - e) - s * bottom_low) / bottom
    c.note("t = 2/3 z + z z q(z) as a pair, z = s s")
    z, z_low = c.product(s, s)
    z_low = c.fma(s + s, s_low, z_low)
    third, third_low = c.product(z, z.like(_TWO_THIRDS[0]))
    third_low = c.fma(z, _TWO_THIRDS[1], c.fma(z_low, _TWO_THIRDS[0], third_low))
    t, t_low = _sum(third, c.fma(z * z, c.horner(z, _LONG_ATANH_TAIL), third_low))
    c.note("log m = 2 s + s t; log a = k ln 2 + log m")
    st, st_low = c.product(s, t)
    st_low = c.fma(s, t_low, c.fma(s_low, t, st_low))
    m_high, m_low = _sum(s + s, st)
    m_low = m_low + (st_low + (s_low + s_low))
    high, low = _sum(k * _LN2_PAIR[0], m_high)
    return _sum(high, low + c.fma(k, _LN2_PAIR[1], m_low))


def _sum(a: Term, b: Term) -> _Pair:
    """a + b exactly, as a pair, where |a| >= |b| or a is 0 (Dekker's fast two-sum)."""
    total = a + b
    return total, b - (total - a)


def _special_cases(c: Code, f: FloatFormat, x: Term, y: Term, magnitude: Term) -> Term:
    c.note("|x| is 0 or inf")
    a = abs(x)
    zero = a.test("==", 0.0)
    edge = x.like(math.inf).where(zero.same(y.test("<", 0.0)), 0.0)
    r = edge.where(zero | a.test("==", math.inf), magnitude)
    c.note("negative x: the sign where y is odd, NaN where it is no integer")
    whole = _is_whole(f, y)
    odd = whole & ~_is_whole(f, y * 0.5)
    r = (-r).where(odd & _is_negative(x), r)
    undefined = x.test("<", 0.0) & a.test("<", math.inf) & ~whole
    r = x.like(math.nan).where(undefined, r)
    r = (x + y).where(x.test("nan", y), r)
    c.note("x**0 and 1**y are 1, even for NaN")
    return x.like(1.0).where(y.test("==", 0.0) | x.test("==", 1.0), r)


def _is_negative(x: Term) -> Term:
    """Whether the sign bit is set, that of -0 included."""
    return x.bits.test("<", 0)


def _is_whole(f: FloatFormat, y: Term) -> Term:
    a = abs(y)
    shift = 2.0**f.digits
    return a.test(">=", shift) | ((a + shift) - shift).test("==", a)
