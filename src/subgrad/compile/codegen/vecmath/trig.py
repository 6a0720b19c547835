"""sin and cos: |x| = n pi/2 + r with |r| <= pi/4, polynomials for sin r and cos r, and the choice by n mod 4.

The reduction subtracts n times pi/2 in parts so short that each product but the last is exact (Cody and
Waite, Software Manual for the Elementary Functions, 1980); for float32 it runs in float64. Exactness ends at
``LIMIT``. Where some lane is beyond, a branch multiplies those by the digits of 2/pi that matter to them (Payne and
Hanek, Radian reduction for trigonometric functions, ACM SIGNUM 18, 1983), one after the other.
"""

from __future__ import annotations

import itertools
import math

from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Value
from subgrad.compile.codegen.vecmath.formula import F32, F64, Code, FloatFormat, Term, function, write_function

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


@function
def sin(c: Code, f: FloatFormat, x: Term) -> Term:
    """The sine of x radians."""
    y, quadrant = _turned(c, f, x, 0)
    return (y.bits ^ (quadrant & f.sign) ^ (x.bits & f.sign)).real


@function
def cos(c: Code, f: FloatFormat, x: Term) -> Term:
    """The cosine of x radians."""
    y, quadrant = _turned(c, f, x, 1)
    return (y.bits ^ (quadrant & f.sign)).real


def _turned(c: Code, f: FloatFormat, x: Term, quarter: int) -> tuple[Term, Term]:
    """(|sin| or |cos| up to sign of |x| + quarter pi/2, a word with the sign to flip in its sign bit)."""
    a = abs(x)
    far = a.test(">", LIMIT[f]) & a.test("<", math.inf)
    near = _reduced(c, f, a.where(a.test("<=", LIMIT[f]), x - x))  # NaN for inf
    r, n = c.choose(c.any(far), lambda: _reduced_far(c, f, a, far, near), lambda: near)
    n = n + quarter if quarter else n
    z = r * r
    c.note("sin r and cos r")
    s = c.fma(r * z, c.horner(z, _SIN[f]), r)
    k = c.fma(z * z, c.horner(z, _COS[f]), c.fma(z, -0.5, 1.0))
    c.note("odd quadrants take the cosine, the upper two the minus sign")
    return s.where((n & 1).test("==", 0), k), n << (f.width - 2)


def _reduced(c: Code, f: FloatFormat, a: Term) -> tuple[Term, Term]:
    c.note("|x| = n pi/2 + r")
    r = a.to(F64.type)
    shifted = c.fma(r, _TWO_OVER_PI, F64.magic)
    n = shifted - F64.magic
    for part in _HALF_PI[f]:
        r = c.fma(n, -float.fromhex(part), r)
    return r.to(f.type), shifted.bits.to(f.bits)


# Beyond LIMIT

FAR = "sg_far_turn"
_WORDS = 22  # of 64 bits: as many as the largest exponent asks for


def _reduced_far(c: Code, f: FloatFormat, a: Term, far: Term, near: tuple[Term, Term]) -> list[Term]:
    """``near``, with r and n of the lanes that are ``far`` from `far_turn`."""
    b = c.builder
    if c.lanes == 1:
        r, n = _call_far(b, f, a.value)
        return [Term(c, r).where(far, near[0]), Term(c, n).where(far, near[1])]
    with b.loop(0, c.lanes, carry=[t.value for t in near]) as turn:
        one = b.emit(f.type, f"extractelement {a.value.type} {a.value}, i64 {turn.index}")
        found = _call_far(b, f, one)
        turn.carry = tuple(
            b.emit(v.type, f"insertelement {v.type} {v}, {x.type} {x}, i64 {turn.index}")
            for v, x in zip(turn.carry, found, strict=True)
        )
    return [Term(c, v).where(far, t) for v, t in zip(turn.carry, near, strict=True)]


def _call_far(b: Builder, f: FloatFormat, a: Value) -> tuple[Value, Value]:
    wide = a if f is F64 else b.emit("double", f"fpext float {a} to double")
    both = b.emit("{ double, i64 }", f"call {{ double, i64 }} @{FAR}(double {wide})")
    r, n = (b.emit(kind, f"extractvalue {both.type} {both}, {i}") for i, kind in enumerate(("double", "i64")))
    if f is F64:
        return r, n
    return b.emit("float", f"fptrunc double {r} to float"), b.emit("i32", f"trunc i64 {n} to i32")


def far_turn() -> str:
    """The text of a function from a double beyond LIMIT to (r, n), and of the table that it reads.

    a = m 2**e with a whole m of 53 bits. Of 2/pi it takes 192 bits, from where a bit times m 2**e is worth 2: what
    stands before only adds multiples of 4 to n, what comes after is less than 2**-75 of r for every double.
    """
    c = Code()
    b, a = c.builder, c.parameter(F64, "a")
    word = a.at_least(LIMIT[F32]).bits
    first = (word >> F64.digits) - (F64.bias + F64.digits + 2 - 64)  # the table begins with 64 bits before the point
    m = (word & ((1 << F64.digits) - 1)) | (1 << F64.digits)
    digits = [_table_word(c, (first >> 6) + i) for i in range(4)]
    high, middle, low = (_funnel(c, x, y, first & 63) for x, y in itertools.pairwise(digits))
    c.note("m times them, modulo 2**192")
    carry, p2 = _product(m, low, m.like(0))
    carry, p1 = _product(m, middle, carry)
    p0 = m * high + carry
    c.note("two bits before the point, 128 behind it, rounded to the nearest whole")
    f0, f1 = _funnel(c, p0, p1, 2), _funnel(c, p1, p2, 2)
    upper = f0 >> 63
    below = upper.test("==", 0)
    borrow = f1.like(0).where(f1.test("==", 0), 1)
    high, low = f0.where(below, f0.like(0) - f0 - borrow), f1.where(below, f1.like(0) - f1)
    c.note("without the zeros in front")
    empty = high.test("==", 0)
    first, second = low.where(empty, high), low.like(0).where(empty, low)
    zeros = Term(c, b.call("i64", "llvm.ctlz.i64", first.value, Value("i1", "false")))
    lead = _funnel(c, first, second, zeros)
    exponent = zeros.like(F64.bias - 64) - zeros - zeros.like(64).where(empty, 0)
    scale = (exponent << F64.digits).real
    size = Term(c, b.emit("double", f"uitofp i64 {lead.value} to double")) * (math.pi / 2) * scale
    r = (size.bits ^ (upper << 63)).real
    words = ", ".join(f"i64 {w}" for w in _two_over_pi(_WORDS))
    table = f"@sg_two_over_pi = private unnamed_addr constant [{_WORDS} x i64] [{words}]"
    return f"{table}\n{write_function(FAR, c, [a], [r, (p0 >> 62) + upper], inline=False)}"


def _product(x: Term, y: Term, more: Term) -> tuple[Term, Term]:
    """The upper and the lower 64 bits of x y + more, by halves: not every machine has such a product."""
    half = (1 << 32) - 1
    x0, x1, y0, y1 = x & half, x >> 32, y & half, y >> 32
    p = x0 * y0 + (more & half)
    q = x0 * y1 + (p >> 32) + (more >> 32)
    r = x1 * y0 + (q & half)
    return x1 * y1 + (q >> 32) + (r >> 32), (r << 32) | (p & half)


def _table_word(c: Code, index: Term) -> Term:
    place = f"getelementptr [{_WORDS} x i64], ptr @sg_two_over_pi, i64 0, i64 {index.value}"
    return Term(c, c.builder.load("i64", c.builder.emit("ptr", place)))


def _funnel(c: Code, high: Term, low: Term, count: Term | int) -> Term:
    """The upper 64 bits of the 128 in high and low, shifted to the left."""
    return Term(c, c.builder.intrinsic("llvm.fshl", high.value, low.value, high.like(count).value))


def _two_over_pi(words: int) -> list[int]:
    """A word of zeros, and 2/pi in binary behind it; pi by Machin's formula, 16 atan(1/5) - 4 atan(1/239)."""
    bits = 64 * (words - 1)
    one = 1 << (bits + 64)
    digits = (2 * one << bits) // (16 * _atan_of_inverse(5, one) - 4 * _atan_of_inverse(239, one))
    return [(digits >> (bits - 64 * i)) & (2**64 - 1) for i in range(words)]


def _atan_of_inverse(n: int, one: int) -> int:
    """atan(1/n) as a multiple of 1/one, by its power series."""
    total, power, k = 0, one // n, 1
    while power:
        total += power // k if k % 4 == 1 else -(power // k)
        power //= n * n
        k += 2
    return total
