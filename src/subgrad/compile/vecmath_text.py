"""LLVM text written by arithmetic on Python objects: ``a * b + c`` appends two instructions.

A :class:`Code` is the straight-line body of one function and a :class:`Value` is one SSA value in it, so that
formulas stand in this package as formulas, and what comes out is one instruction a line. The same formula
becomes scalar or vector code, as the Code says; a Value knows only the type of one lane.

>>> for lanes in (1, 4):
...     code = Code(lanes=lanes)
...     half = 0.5 * Value(code, F32.type, "%x") + 1
...     print(code)
  %v0 = fmul float %x, 0.5
  %v1 = fadd float %v0, 1.0
  %v0 = fmul <4 x float> %x, splat (float 0.5)
  %v1 = fadd <4 x float> %v0, splat (float 1.0)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_FLOATS = ("float", "double")
_FLOAT_TESTS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "nan": "uno"}
_INTEGER_TESTS = {"<": "slt", "==": "eq"}


@dataclass(frozen=True)
class Format:
    """An IEEE 754 binary format: its LLVM types and the numbers that bit tricks need."""

    type: str
    bits: str  # the integer type of the same width
    suffix: str
    digits: int  # stored bits of the significand, without the hidden one
    bias: int

    @property
    def width(self) -> int:
        """Bits in all."""
        return int(self.bits[1:])

    @property
    def sign(self) -> int:
        """The integer with only the sign bit set (signed, as LLVM writes integers)."""
        return -(1 << (self.width - 1))

    @property
    def magic(self) -> float:
        """1.5 * 2**digits: adding it rounds to an integer and leaves it in the low bits of the sum."""
        return 1.5 * 2.0**self.digits


F32 = Format("float", "i32", "f32", 23, 127)
F64 = Format("double", "i64", "f64", 52, 1023)


class Code:
    """Instructions in order, each on ``lanes`` values at once.

    ``fma``: whether the target has the instruction; else it would be a call.
    """

    def __init__(self, fma: bool = True, lanes: int = 1) -> None:
        self.lines: list[str] = []
        self.lanes = lanes
        self._has_fma = fma
        self._count = 0

    def __len__(self) -> int:
        """Instructions so far."""
        return self._count

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def note(self, text: str) -> None:
        """A comment in the text."""
        self.lines.append(f"  ; {text}")

    def wide(self, type_: str) -> str:
        """The LLVM type of all lanes, given that of one."""
        return type_ if self.lanes == 1 else f"<{self.lanes} x {type_}>"

    def add(self, type_: str, instruction: str) -> Value:
        """Append ``instruction``; its result, whose lanes have the LLVM type ``type_``."""
        name = f"%v{self._count}"
        self._count += 1
        self.lines.append(f"  {name} = {instruction}")
        return Value(self, type_, name)

    def call(self, intrinsic: str, *args: Value) -> Value:
        """An LLVM intrinsic whose arguments and result have one type. LLVM's parser declares it by itself."""
        first = args[0]
        suffix = {F32.type: F32.suffix, F64.type: F64.suffix}[first.type]
        count = "" if self.lanes == 1 else f"v{self.lanes}"
        given = ", ".join(map(str, args))
        return self.add(first.type, f"call {first.kind} @llvm.{intrinsic}.{count}{suffix}({given})")

    def fma(self, a: Value, b: Value | float, c: Value | float) -> Value:
        """a * b + c, rounded once where the target can."""
        if not self._has_fma:
            return a * b + c
        return self.call("fma", a, a.like(b), a.like(c))

    def product(self, a: Value, b: Value) -> tuple[Value, Value]:
        """(p, e), doubles: p = a * b rounded, p + e = a * b exactly if nothing over- or underflows."""
        p = a * b
        if self._has_fma:
            return p, self.fma(a, b, -p)
        (a1, a2), (b1, b2) = _halves(a), _halves(b)
        return p, a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2)

    def horner(self, x: Value, coefficients: Sequence[float]) -> Value:
        """coefficients[0] + coefficients[1] x + coefficients[2] x**2 + ..."""
        *low, top = coefficients
        total = x.like(top)
        for c in reversed(low):
            total = self.fma(total, x, c)
        return total

    def horner_by_two(self, x: Value, x_squared: Value, coefficients: Sequence[float]) -> Value:
        """As `horner`, the even and the odd powers apart: as many instructions, half as many one after the other."""
        even, odd = (self.horner(x_squared, coefficients[i::2]) for i in (0, 1))
        return self.fma(odd, x, even)


class Value:
    """One SSA value, or a constant; ``type`` is that of a lane.

    Python numbers beside it become constants of its type.
    """

    __slots__ = ("code", "name", "type")

    def __init__(self, code: Code, type_: str, name: str) -> None:
        self.code, self.type, self.name = code, type_, name

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def kind(self) -> str:
        """The LLVM type of all lanes."""
        return self.code.wide(self.type)

    def like(self, other: Value | float) -> Value:
        """``other`` itself, or as a constant of this value's type."""
        if isinstance(other, Value):
            return other
        number = _literal(self.type, other)
        name = number if self.code.lanes == 1 else f"splat ({self.type} {number})"
        return Value(self.code, self.type, name)

    def _op(self, name: str, other: Value | float, flipped: bool = False) -> Value:
        a, b = (self.like(other), self) if flipped else (self, self.like(other))
        prefix = "f" if self.type in _FLOATS else ""
        return self.code.add(self.type, f"{prefix}{name} {a}, {b.name}")

    def __add__(self, other: Value | float) -> Value:
        return self._op("add", other)

    def __radd__(self, other: float) -> Value:
        return self._op("add", other, flipped=True)

    def __sub__(self, other: Value | float) -> Value:
        return self._op("sub", other)

    def __rsub__(self, other: float) -> Value:
        return self._op("sub", other, flipped=True)

    def __mul__(self, other: Value | float) -> Value:
        return self._op("mul", other)

    def __rmul__(self, other: float) -> Value:
        return self._op("mul", other)

    def __truediv__(self, other: Value | float) -> Value:
        return self._op("div", other)

    def __rtruediv__(self, other: float) -> Value:
        return self._op("div", other, flipped=True)

    def __and__(self, other: Value | int) -> Value:
        return self._op("and", other)

    def __or__(self, other: Value | int) -> Value:
        return self._op("or", other)

    def __xor__(self, other: Value | int) -> Value:
        return self._op("xor", other)

    def __invert__(self) -> Value:
        return self._op("xor", -1)

    def __lshift__(self, count: int) -> Value:
        return self._op("shl", count)

    def __rshift__(self, count: int) -> Value:
        """Zeros come in from the left."""
        return self._op("lshr", count)

    def __neg__(self) -> Value:
        return self.code.add(self.type, f"fneg {self}")

    def __abs__(self) -> Value:
        return self.code.call("fabs", self)

    def test(self, relation: str, other: Value | float) -> Value:
        """The i1 of ``self relation other``; where either is NaN only the relation "nan" is true."""
        real = self.type in _FLOATS
        compare = f"fcmp {_FLOAT_TESTS[relation]}" if real else f"icmp {_INTEGER_TESTS[relation]}"
        return self.code.add("i1", f"{compare} {self}, {self.like(other).name}")

    def same(self, other: Value) -> Value:
        """Whether two i1 agree."""
        return ~(self ^ other)

    def where(self, condition: Value, other: Value | float) -> Value:
        """This value where ``condition`` (i1) holds, ``other`` elsewhere."""
        return self.code.add(self.type, f"select {condition}, {self}, {self.like(other)}")

    def at_least(self, low: float) -> Value:
        """max(self, low); NaN stays NaN."""
        return self.like(low).where(self.test("<", low), self)

    def at_most(self, high: float) -> Value:
        """min(self, high); NaN stays NaN."""
        return self.like(high).where(self.test(">", high), self)

    def sign_of(self, other: Value) -> Value:
        """This magnitude with the sign of ``other``, zeros included."""
        return self.code.call("copysign", self, other)

    @property
    def bits(self) -> Value:
        """The same bits as an integer."""
        return self._cast("bitcast", {F32.type: F32.bits, F64.type: F64.bits}[self.type])

    @property
    def real(self) -> Value:
        """The same bits as a float."""
        return self._cast("bitcast", {F32.bits: F32.type, F64.bits: F64.type}[self.type])

    def to(self, type_: str) -> Value:
        """Converted to another width of the same sort (float, double; i32, i64)."""
        if type_ == self.type:
            return self
        widen = type_ in (F64.type, F64.bits)
        wider, narrower = ("fpext", "fptrunc") if type_ in _FLOATS else ("zext", "trunc")
        return self._cast(wider if widen else narrower, type_)

    def _cast(self, instruction: str, type_: str) -> Value:
        return self.code.add(type_, f"{instruction} {self} to {self.code.wide(type_)}")


def write_function(name: str, code: Code, parameters: Sequence[Value], result: Value, inline: bool) -> str:
    """The text of ``define internal T @name(T %x, ...)`` around the code, inlined everywhere or nowhere."""
    given = ", ".join(map(str, parameters))
    placement = "alwaysinline" if inline else "noinline"
    head = f"define internal {result.kind} @{name}({given}) {placement} nounwind willreturn memory(none) {{"
    return f"{head}\n{code}\n  ret {result}\n}}"


def _literal(type_: str, number: float) -> str:
    if type_ not in _FLOATS:
        return str(int(number))
    rounded = struct.unpack("f", struct.pack("f", number))[0] if type_ == F32.type else float(number)
    short = f"{rounded:.1f}"
    plain = abs(rounded) < 2**24 and float(short) == rounded
    return short if plain else f"0x{_word(rounded):016X}"


def _word(number: float) -> int:
    # LLVM writes constants of both formats as the bits of a double
    return struct.unpack("Q", struct.pack("d", number))[0]


def _halves(a: Value) -> tuple[Value, Value]:
    """a as the sum of two doubles of 26 bits each (Dekker 1971, after Veltkamp)."""
    shifted = a * 134217729.0  # 2**27 + 1
    high = shifted - (shifted - a)
    return high, a - high
