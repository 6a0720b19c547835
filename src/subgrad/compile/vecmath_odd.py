"""tanh and erf, odd functions that saturate at 1, through e**-g - 1: accurate near 0, exactly 1 far out."""

from __future__ import annotations

from subgrad.compile.formula import F32, F64, Code, Format, Term, function
from subgrad.compile.vecmath_exp import expm1_of_minus

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


@function
def tanh(c: Code, f: Format, x: Term) -> Term:
    """-d / (2 + d) with d = e**-2|x| - 1, and the sign of x."""
    a = abs(x).at_most(_TANH_END[f])
    d = expm1_of_minus(c, f, a + a)
    return (d / (d + 2.0)).sign_of(x)


@function
def erf(c: Code, f: Format, x: Term) -> Term:
    """The error function: 1 - e**-g(|x|), and the sign of x."""
    a = abs(x).at_most(_ERF_END[f])
    g = c.fma(a, _SLOPE[f], a * c.horner(a, _ERF[f]))
    return expm1_of_minus(c, f, g).sign_of(x)
