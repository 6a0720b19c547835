"""Formulas as LLVM text: arithmetic on Python objects, each step of which is an instruction of `ir.Builder`.

A :class:`Code` is the body of one function and a :class:`Term` is a value in it, so that formulas stand in this package
as formulas. The same formula becomes scalar or vector code, as the Code says; ``type`` is always that of one lane.

>>> for lanes in (1, 4):
...     code = Code(lanes=lanes)
...     half = 0.5 * code.parameter(F32, "x") + 1
...     print(code)
  %v0 = fmul float %x, 0x3FE0000000000000
  %v1 = fadd float %v0, 0x3FF0000000000000
  %v0 = fmul <4 x float> %x, splat (float 0x3FE0000000000000)
  %v1 = fadd <4 x float> %v0, splat (float 0x3FF0000000000000)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from subgrad.compile.code_target import Target
from subgrad.compile.codegen.llvm import Builder, Module
from subgrad.compile.codegen.llvm_values import Value, constant, scalar_of, vector

_FLOATS = ("float", "double")
_FLOAT_TESTS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "nan": "uno"}
_INTEGER_TESTS = {"<": "slt", "==": "eq"}


class FloatFormat(NamedTuple):
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


F32 = FloatFormat("float", "i32", "f32", 23, 127)
F64 = FloatFormat("double", "i64", "f64", 52, 1023)


class Code:
    """Instructions in order, each on ``lanes`` values at once.

    ``fma``: whether the target has the instruction; else it would be a call.
    """

    def __init__(self, fma: bool = True, lanes: int = 1) -> None:
        self.builder = Builder(Module(Target("", "", "", vector_bits=0, registers=0, fma=fma)))
        self.lanes, self._has_fma = lanes, fma

    def __len__(self) -> int:
        """Instructions so far."""
        return sum(" = " in line for line in self.builder.text())

    def __str__(self) -> str:
        return "\n".join(self.builder.text())

    def note(self, text: str) -> None:
        """A comment in the text."""
        self.builder.lines.append(f"  ; {text}")

    def wide(self, type_: str) -> str:
        """The LLVM type of all lanes, given that of one."""
        return type_ if self.lanes == 1 else vector(type_, self.lanes)

    def parameter(self, f: FloatFormat, name: str) -> Term:
        """A parameter of the function."""
        return Term(self, Value(self.wide(f.type), f"%{name}"))

    def fma(self, a: Term, b: Term | float, c: Term | float) -> Term:
        """a * b + c, rounded once where the target can."""
        return Term(self, self.builder.fma(a.value, a.like(b).value, a.like(c).value))

    def product(self, a: Term, b: Term) -> tuple[Term, Term]:
        """(p, e), doubles: p = a * b rounded, p + e = a * b exactly if nothing over- or underflows."""
        p = a * b
        if self._has_fma:
            return p, self.fma(a, b, -p)
        (a1, a2), (b1, b2) = _halves(a), _halves(b)
        return p, a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2)

    def horner(self, x: Term, coefficients: Sequence[float]) -> Term:
        """coefficients[0] + coefficients[1] x + coefficients[2] x**2 + ..."""
        *low, top = coefficients
        total = x.like(top)
        for c in reversed(low):
            total = self.fma(total, x, c)
        return total

    def horner_by_two(self, x: Term, x_squared: Term, coefficients: Sequence[float]) -> Term:
        """As `horner`, the even and the odd powers apart: as many instructions, half as many one after the other."""
        even, odd = (self.horner(x_squared, coefficients[i::2]) for i in (0, 1))
        return self.fma(odd, x, even)

    def any(self, condition: Term) -> Value:
        """Whether an i1 holds in some lane."""
        value = condition.value
        if self.lanes == 1:
            return value
        return self.builder.emit("i1", f"call i1 @llvm.vector.reduce.or.v{self.lanes}i1({value.type} {value})")

    def choose(
        self, condition: Value, then: Callable[[], Sequence[Term]], otherwise: Callable[[], Sequence[Term]]
    ) -> list[Term]:
        """The terms of one of two branches; only that branch runs."""
        arms = [lambda make=make: [t.value for t in make()] for make in (then, otherwise)]
        return [Term(self, v) for v in self.builder.choose(condition, *arms)]


class Term:
    """One value of a `Code`, or a constant. Python numbers beside it become constants of its type."""

    __slots__ = ("code", "value")

    def __init__(self, code: Code, value: Value) -> None:
        self.code, self.value = code, value

    @property
    def type(self) -> str:
        """The LLVM type of one lane."""
        return scalar_of(self.value.type)

    def like(self, other: Term | float) -> Term:
        """``other`` itself, or as a constant of this term's type."""
        return other if isinstance(other, Term) else Term(self.code, constant(self.value.type, other))

    def _op(self, name: str, other: Term | float, flipped: bool = False) -> Term:
        a, b = (self.like(other), self) if flipped else (self, self.like(other))
        prefix = "f" if self.type in _FLOATS else ""
        return Term(self.code, self.code.builder.op(prefix + name, a.value, b.value))

    def __add__(self, other: Term | float) -> Term:
        return self._op("add", other)

    def __radd__(self, other: float) -> Term:
        return self._op("add", other, flipped=True)

    def __sub__(self, other: Term | float) -> Term:
        return self._op("sub", other)

    def __rsub__(self, other: float) -> Term:
        return self._op("sub", other, flipped=True)

    def __mul__(self, other: Term | float) -> Term:
        return self._op("mul", other)

    def __rmul__(self, other: float) -> Term:
        return self._op("mul", other)

    def __truediv__(self, other: Term | float) -> Term:
        return self._op("div", other)

    def __rtruediv__(self, other: float) -> Term:
        return self._op("div", other, flipped=True)

    def __and__(self, other: Term | int) -> Term:
        return self._op("and", other)

    def __or__(self, other: Term | int) -> Term:
        return self._op("or", other)

    def __xor__(self, other: Term | int) -> Term:
        return self._op("xor", other)

    def __invert__(self) -> Term:
        return self._op("xor", 1 if self.type == "i1" else -1)

    def __lshift__(self, count: Term | int) -> Term:
        return self._op("shl", count)

    def __rshift__(self, count: Term | int) -> Term:
        """Zeros come in from the left."""
        return self._op("lshr", count)

    def __neg__(self) -> Term:
        return self._made(self.type, f"fneg {self.value.type} {self.value}")

    def __abs__(self) -> Term:
        return Term(self.code, self.code.builder.intrinsic("llvm.fabs", self.value))

    def test(self, relation: str, other: Term | float) -> Term:
        """The i1 of ``self relation other``; where either is NaN only the relation "nan" is true."""
        predicate = (_FLOAT_TESTS if self.type in _FLOATS else _INTEGER_TESTS)[relation]
        return Term(self.code, self.code.builder.compare(predicate, self.value, self.like(other).value))

    def same(self, other: Term) -> Term:
        """Whether two i1 agree."""
        return ~(self ^ other)

    def where(self, condition: Term, other: Term | float) -> Term:
        """This value where ``condition`` (i1) holds, ``other`` elsewhere."""
        return Term(self.code, self.code.builder.select(condition.value, self.value, self.like(other).value))

    def at_least(self, low: float) -> Term:
        """max(self, low); NaN stays NaN."""
        return self.like(low).where(self.test("<", low), self)

    def at_most(self, high: float) -> Term:
        """min(self, high); NaN stays NaN."""
        return self.like(high).where(self.test(">", high), self)

    def sign_of(self, other: Term) -> Term:
        """This magnitude with the sign of ``other``, zeros included."""
        return Term(self.code, self.code.builder.intrinsic("llvm.copysign", self.value, other.value))

    @property
    def bits(self) -> Term:
        """The same bits as an integer."""
        return self._cast("bitcast", {F32.type: F32.bits, F64.type: F64.bits}[self.type])

    @property
    def real(self) -> Term:
        """The same bits as a float."""
        return self._cast("bitcast", {F32.bits: F32.type, F64.bits: F64.type}[self.type])

    def to(self, type_: str) -> Term:
        """Converted to another width of the same sort (float, double; integers, unsigned)."""
        if type_ == self.type:
            return self
        if type_ in _FLOATS:
            return self._cast("fpext" if type_ == F64.type else "fptrunc", type_)
        return self._cast("zext" if int(type_[1:]) > int(self.type[1:]) else "trunc", type_)

    def _cast(self, instruction: str, type_: str) -> Term:
        return self._made(type_, f"{instruction} {self.value.type} {self.value} to {self.code.wide(type_)}")

    def _made(self, type_: str, instruction: str) -> Term:
        return Term(self.code, self.code.builder.emit(self.code.wide(type_), instruction))


BODIES: dict[str, Callable[..., Term]] = {}
"""The elementary functions by name, as far as their files are loaded: from a code, a format and terms to a term."""


def function(body: Callable[..., Term]) -> Callable[..., Term]:
    """Enter the body of an elementary function under its name: an op of that name then has native code."""
    BODIES[body.__name__.rstrip("_")] = body
    return body


def write_function(name: str, code: Code, parameters: Sequence[Term], results: Sequence[Term], inline: bool) -> str:
    """The text of ``define internal T @name(T %x, ...)`` around the code, inlined everywhere or nowhere.

    Several results come back as a struct. LLVM's parser declares the intrinsics in the text by itself.
    """
    given = ", ".join(f"{p.value.type} {p.value}" for p in parameters)
    kinds = ", ".join(r.value.type for r in results)
    kind, back = (kinds, f"{results[0].value}") if len(results) == 1 else (f"{{ {kinds} }}", "")
    if not back:
        packed = "poison"
        for i, r in enumerate(results):
            packed = str(code.builder.emit(kind, f"insertvalue {kind} {packed}, {r.value.type} {r.value}, {i}"))
        back = packed
    placement = "alwaysinline" if inline else "noinline"
    head = f"define internal {kind} @{name}({given}) {placement} nounwind willreturn memory(none) {{\nentry:"
    return f"{head}\n{code}\n  ret {kind} {back}\n}}"


def _halves(a: Term) -> tuple[Term, Term]:
    """a as the sum of two doubles of 26 bits each (Dekker 1971, after Veltkamp)."""
    shifted = a * 134217729.0  # 2**27 + 1
    high = shifted - (shifted - a)
    return high, a - high
