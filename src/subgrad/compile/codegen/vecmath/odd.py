"""tanh and erf, odd functions that saturate at 1, through e**-g - 1: accurate near 0, exactly 1 far out. And erfc."""

from __future__ import annotations

from typing import NamedTuple

from subgrad.compile.codegen.vecmath.exp import expm1_of_minus, reduced, times_power
from subgrad.compile.codegen.vecmath.formula import F32, F64, Code, FloatFormat, Term, function

_TANH_END = {F32: 10.0, F64: 20.0}  # tanh rounds to 1 before
_ERF_END = {F32: 3.93, F64: 5.95}  # erf rounds to 1 here

# -log(1 - erf(a)) = a (slope + q(a)) on 0..end; minimax (Remez) for the relative error of erf: 2**-31.7
# (float32) and 2**-57.5 (float64). The slope is 2 / sqrt(pi) rounded; q begins with what rounding took.
_SLOPE = {F32: 1.1283792257308960, F64: 1.1283791670955126}
_ERF = {
    F32: (
        -5.8635383e-08,
        0.6366198,
        0.102771595,
        -0.01911996,
        -0.00024518321,
        0.0017841463,
        -0.00072337844,
        0.0001556497,
        -1.6602616e-05,
        1.6427946e-07,
        9.235243e-08,
    ),
    F64: (
        1.533545961316588e-17,
        0.6366197723675836,
        0.10277260330178874,
        -0.01912844700506935,
        -0.00020919469485837971,
        0.0016962063858856071,
        -0.0005901255536883555,
        2.587860737171919e-05,
        6.449185217394033e-05,
        -2.9724028034249877e-05,
        3.4072365974859088e-06,
        2.835176148978452e-06,
        -1.7415828774209252e-06,
        3.3639262648575964e-07,
        1.37164286459525e-07,
        -1.4175279855457555e-07,
        6.572972309703334e-08,
        -2.0961420307112038e-08,
        4.997387567533547e-09,
        -9.081597224978339e-10,
        1.2483152278358404e-10,
        -1.2609963386357663e-11,
        8.84479609736382e-13,
        -3.8501675249399784e-14,
        7.833420853268192e-16,
    ),
}


class _Erfc(NamedTuple):
    """exp(a²) erfc(a) (1 + 2a) - 1 on 0..end as a polynomial in (a - middle) / (a + middle), as Shepherd and
    Laframboise (Mathematics of Computation 36, 1981) have it; interpolated at Chebyshev's points."""

    end: float  # erfc rounds to 0 before
    middle: float
    more: tuple[float, ...]


_ERFC = {  # relative errors 2**-28.2 (float32) and 2**-58.7 (float64)
    F32: _Erfc(
        end=10.5,
        middle=3.0,
        more=(
            0.253008068,
            -0.135621145,
            -0.0475623198,
            0.129646719,
            -0.119271919,
            0.0682930276,
            -0.0237946641,
            0.00257685641,
            0.00200177124,
            -0.000788120728,
            -0.000273596001,
        ),
    ),
    F64: _Erfc(
        end=27.5,
        middle=3.75,
        more=(
            0.2375126308378276,
            -0.14024059858554702,
            0.003585415485462957,
            0.08227673849015149,
            -0.10880393014166093,
            0.09230432116020099,
            -0.05869339859170242,
            0.028362277421013132,
            -0.009746579532922168,
            0.0017556258428584601,
            0.0002937134862014863,
            -0.00029015408195359147,
            5.164990151337814e-05,
            2.2384493540989033e-05,
            -1.1446447909647177e-05,
            -9.748829168847783e-07,
            1.755812497069953e-06,
            -5.3794593807020394e-08,
            -2.6313889641213286e-07,
            1.8264316849114232e-08,
            4.091132542746263e-08,
            1.9158605093656686e-10,
            -5.055214468221198e-09,
            -9.921347794914466e-10,
        ),
    ),
}


@function
def tanh(c: Code, f: FloatFormat, x: Term) -> Term:
    """-d / (2 + d) with d = e**-2|x| - 1, and the sign of x."""
    a = abs(x).at_most(_TANH_END[f])
    d = expm1_of_minus(c, f, a + a)
    return (d / (d + 2.0)).sign_of(x)


@function
def erf(c: Code, f: FloatFormat, x: Term) -> Term:
    """The error function: 1 - e**-g(|x|), and the sign of x."""
    a = abs(x).at_most(_ERF_END[f])
    g = c.fma(a, _SLOPE[f], a * c.horner(a, _ERF[f]))
    return expm1_of_minus(c, f, g).sign_of(x)


@function
def erfc(c: Code, f: FloatFormat, x: Term) -> Term:
    """e**-a² times a rational function of a = |x|, and 2 minus that where x < 0.

    Nothing cancels. The largest error found is 3.1 (float32) and 2.5 (float64) units in the last place, tails included.
    """
    table = _ERFC[f]
    a = abs(x).at_most(table.end)
    more = c.horner((a - table.middle) / (a + table.middle), table.more)
    c.note("a² = square + rest: z has half of a's digits, so that its square is exact")
    z = (a.bits & -(1 << (f.digits // 2 + 1))).real
    square = a * a
    rest = c.fma(a - z, a + z, z * z - square)
    p, n = reduced(c, f, -square, -rest)
    u, twice = c.fma(p, more, p + more), a + a
    c.note("(1 + u) / (1 + 2a), near 1 as the difference from 1")
    near = a.test("<", 0.5)
    quotient = (u - twice).where(near, u + 1.0) / (twice + 1.0)
    y = times_power(f, (quotient + 1.0).where(near, quotient), n)
    return (2.0 - y).where(x.test("<", 0.0), y)
