"""sin and cos: |x| = n pi/2 + r with |r| <= pi/4, polynomials for sin r and cos r, and the choice by n mod 4.

The reduction subtracts n times pi/2 in parts so short that each product but the last is exact (Cody and
Waite, Software Manual for the Elementary Functions, 1980); for float32 it runs in float64. Exactness ends at
``LIMIT``: finite arguments beyond it are taken for 0.
"""

from __future__ import annotations

from subgrad.compile.vecmath_text import F32, F64, Code, Format, Value

LIMIT = {F32: 2.0**29, F64: 2.0**30}
_HALF_PI = {
    F32: ("0x1.921fb4p+0", "0x1.4442dp-24", "0x1.8469898cc5170p-48"),
    F64: ("0x1.921fb4p+0", "0x1.4442dp-24", "0x1.846988p-48", "0x1.8cc51701b839ap-72"),
}
_TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")

# sin r = r + r**3 q(r*r), cos r = 1 - r*r/2 + r**4 q(r*r); minimax (Remez) on |r| <= 0.786.
# Relative error: 2**-28 and 2**-32.5 (float32), 2**-57.8 and 2**-63 (float64).
_SIN = {
    F32: (-0.16666655, 0.0083321575, -0.00019514783),
    F64: (
        -0.16666666666666638,
        0.008333333333323369,
        -0.00019841269830361228,
        2.755731383926956e-06,
        -2.5050776499923996e-08,
        1.589766684703408e-10,
    ),
}
_COS = {
    F32: (0.041666653, -0.0013887538, 2.4454686e-05),
    F64: (
        0.04166666666666666,
        -0.0013888888888882514,
        2.4801587293998598e-05,
        -2.755731550274756e-07,
        2.0875863491970416e-09,
        -1.1366242482900751e-11,
    ),
}


def sin(c: Code, f: Format, x: Value) -> Value:
    """The sine of x radians; +-0 for LIMIT < |x| < inf."""
    y, quadrant = _turned(c, f, x, 0)
    return (y.bits ^ (quadrant & f.sign) ^ (x.bits & f.sign)).real


def cos(c: Code, f: Format, x: Value) -> Value:
    """The cosine of x radians; 1 for LIMIT < |x| < inf."""
    y, quadrant = _turned(c, f, x, 1)
    return (y.bits ^ (quadrant & f.sign)).real


def _turned(c: Code, f: Format, x: Value, quarter: int) -> tuple[Value, Value]:
    """(|sin| or |cos| up to sign of |x| + quarter pi/2, a word with the sign to flip in its sign bit)."""
    r, n = _reduced(c, f, abs(x).where(abs(x).test("<=", LIMIT[f]), x - x))
    n = n + quarter if quarter else n
    z = r * r
    c.note("sin r and cos r")
    s = c.fma(r * z, c.horner(z, _SIN[f]), r)
    k = c.fma(z * z, c.horner(z, _COS[f]), c.fma(z, -0.5, 1.0))
    c.note("odd quadrants take the cosine, the upper two the minus sign")
    return s.where((n & 1).test("==", 0), k), n << (f.width - 2)


def _reduced(c: Code, f: Format, a: Value) -> tuple[Value, Value]:
    c.note("|x| = n pi/2 + r")
    r = a.to(F64.type)
    shifted = c.fma(r, _TWO_OVER_PI, F64.magic)
    n = shifted - F64.magic
    for part in _HALF_PI[f]:
        r = c.fma(n, -float.fromhex(part), r)
    return r.to(f.type), shifted.bits.to(f.bits)
