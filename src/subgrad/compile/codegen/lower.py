"""The ops that machines have, on scalars or vectors of any width: one line each."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import NamedTuple

from subgrad import ops
from subgrad.compile.codegen import vecmath
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import BYTES, Value, constant, lanes_of, like, scalar_of, vector
from subgrad.graph.op import TABLE, Kind, Op
from subgrad.graph.transform import Transform
from subgrad.ops import indexing, random, shape, singular
from subgrad.ops.tuples import part
from subgrad.recur.loop import loop


def is_float(x: Value) -> bool:
    return scalar_of(x.type) in ("float", "double")


def is_unsigned(x: Value) -> bool:
    """Whether a value is a bool or a uint8, the only integers without a sign."""
    return scalar_of(x.type) in ("i1", "i8")


def _arith(opcode: str) -> Callable[..., Value]:
    return lambda b, x, y: b.op(("f" if is_float(x) else "") + opcode, x, y)


def _add(b: Builder, x: Value, y: Value) -> Value:
    """As NumPy's: True and True is True."""
    return b.op("or", x, y) if scalar_of(x.type) == "i1" else _arith("add")(b, x, y)


def _compare(ordered: str, signed: str) -> Callable[..., Value]:
    def emit(b: Builder, x: Value, y: Value) -> Value:
        if is_float(x):
            return b.compare(ordered, x, y)
        return b.compare("u" + signed[1:] if is_unsigned(x) and signed[0] == "s" else signed, x, y)

    return emit


def zero_of(x: Value) -> Value:
    return constant(x.type, 0)


def _maximum(b: Builder, x: Value, y: Value) -> Value:
    """As NumPy's: NaN if either is NaN."""
    return _extreme(b, x, y, "ogt", "sgt")


def _minimum(b: Builder, x: Value, y: Value) -> Value:
    return _extreme(b, x, y, "olt", "slt")


def _extreme(b: Builder, x: Value, y: Value, ordered: str, signed: str) -> Value:
    beyond = _compare(ordered, signed)(b, x, y)
    if not is_float(x):
        return b.select(beyond, x, y)
    return b.select(b.pure(beyond.type, f"or {beyond.type} {beyond}, {b.compare('uno', x, x)}"), x, y)


def _neg(b: Builder, x: Value) -> Value:
    return b.pure(x.type, f"fneg {x.type} {x}") if is_float(x) else b.op("sub", zero_of(x), x)


def _abs(b: Builder, x: Value) -> Value:
    if is_unsigned(x):
        return x
    return b.intrinsic("llvm.fabs", x) if is_float(x) else b.select(b.compare("slt", x, 0), _neg(b, x), x)


def _sign(b: Builder, x: Value) -> Value:
    if is_unsigned(x):
        return b.select(b.compare("ne", x, 0), constant(x.type, 1), zero_of(x))
    if not is_float(x):
        return b.select(b.compare("sgt", x, 0), 1, b.select(b.compare("slt", x, 0), constant(x.type, -1), zero_of(x)))
    one = b.intrinsic("llvm.copysign", constant(x.type, 1), x)
    return b.select(b.compare("one", x, 0), one, b.fadd(x, zero_of(x)))  # NaN is its own sign, and that of -0 is 0


def _scale(b: Builder, c: Value, d: Value) -> Value:
    """c d, but c where c is 0 and the product NaN."""
    product = b.fmul(c, d) if is_float(c) else b.op("mul", c, d)
    if not is_float(c):
        return product
    return b.select(b.compare("oeq", c, 0), c, product)


def _relu(b: Builder, x: Value) -> Value:
    if is_unsigned(x):
        return x
    below = b.compare("ole", x, 0) if is_float(x) else b.compare("sle", x, 0)
    return b.select(below, zero_of(x), x)


def _isfinite(b: Builder, x: Value) -> Value:
    if not is_float(x):
        return constant(like(x.type, "i1"), 1)
    return b.compare("olt", b.intrinsic("llvm.fabs", x), float("inf"))


def _isnan(b: Builder, x: Value) -> Value:
    return b.compare("uno", x, x) if is_float(x) else constant(like(x.type, "i1"), 0)


def _remainder(b: Builder, x: Value, y: Value) -> Value:
    """As NumPy's: of the sign of y; of integers by 0 it is 0."""
    if is_float(x):
        rest = b.pure(x.type, f"frem {x.type} {x}, {y}")
        signs = b.op("xor", b.compare("olt", rest, 0), b.compare("olt", y, 0))
        other = b.select(b.compare("one", rest, 0), signs, constant(signs.type, 0))
        zero = b.intrinsic("llvm.copysign", zero_of(x), y)
        return b.select(other, b.fadd(rest, y), b.select(b.compare("oeq", rest, 0), zero, rest))
    one = constant(x.type, 1)
    by = b.select(b.compare("eq", y, 0), one, y)
    if is_unsigned(x):
        return b.op("urem", x, by)
    by = b.select(b.compare("eq", y, constant(x.type, -1)), one, by)  # whose quotient can be too large by one
    rest = b.op("srem", x, by)
    signs = b.compare("slt", b.op("xor", rest, by), 0)
    other = b.select(b.compare("ne", rest, 0), signs, constant(signs.type, 0))
    return b.select(other, b.op("add", rest, by), rest)


def _right_shift(b: Builder, x: Value, n: Value) -> Value:
    """By as many bits as there are, or more: what is left is the sign."""
    most = constant(x.type, 8 * BYTES[scalar_of(x.type)] - 1)
    far = b.compare("ugt", n, most)
    if is_unsigned(x):
        return b.select(far, zero_of(x), b.op("lshr", x, b.select(far, most, n)))
    return b.op("ashr", x, b.select(far, most, n))


def _logic(opcode: str) -> Callable[..., Value]:
    return lambda b, x, y: b.op(opcode, x, y)


def _maths(name: str) -> Callable[..., Value]:
    def emit(b: Builder, *xs: Value) -> Value:
        kind, lanes = xs[0].type, lanes_of(xs[0].type)
        dtype = {"float": "float32", "double": "float64"}[scalar_of(kind)]
        symbol = vecmath.symbol(name, dtype, lanes)
        return b.pure(kind, f"call {kind} @{symbol}({', '.join(f'{x.type} {x}' for x in xs)})")

    return emit


class Role(enum.Enum):
    """How native code has an op."""

    ELEMENT = "instructions for each element"
    INDEX = "a number or an element that its index leads to: no kernel of its own"
    REDUCE = "a kernel whose seed is a sum or an extremum; it may go on with each result"
    ALONE = "a kernel of its own kind that computes nothing else"
    CONTRACT = "a kernel of products"
    LOOP = "a loop over kernels"
    PART = "one of the places that a loop writes to"


class Native(NamedTuple):
    """The native form of an op.

    Attributes:
        role: see `Role`.
        emit: for elements: from the builder and the values of the inputs, all of one shape, to the result's.
        cost: what an element costs, in multiplications; moving it costs nothing.
        combine: for reductions: the op that takes one more element into a total.
    """

    role: Role
    emit: Callable[..., Value] | None = None
    cost: int = 0
    combine: Op | None = None


def _element(emit: Callable[..., Value], cost: int = 1) -> Native:
    return Native(Role.ELEMENT, emit, cost)


LOWER: Transform[Native] = Transform(
    "lower",
    "native code",
    {
        ops.add: _element(_add),
        ops.sub: _element(_arith("sub")),
        ops.mul: _element(_arith("mul")),
        ops.div: _element(lambda b, x, y: b.op("fdiv", x, y), 4),
        ops.neg: _element(_neg),
        ops.abs: _element(_abs),
        ops.sign: _element(_sign),
        ops.scale: _element(_scale),
        ops.relu: _element(_relu),
        ops.remainder: _element(_remainder, 60),
        ops.right_shift: _element(_right_shift),
        ops.sqrt: _element(lambda b, x: b.intrinsic("llvm.sqrt", x), 6),
        ops.maximum: _element(_maximum),
        ops.minimum: _element(_minimum),
        ops.where: _element(lambda b, c, x, y: b.select(c, x, y)),
        ops.equal: _element(_compare("oeq", "eq")),
        ops.not_equal: _element(_compare("une", "ne")),
        ops.less: _element(_compare("olt", "slt")),
        ops.less_equal: _element(_compare("ole", "sle")),
        ops.logical_and: _element(_logic("and")),
        ops.logical_or: _element(_logic("or")),
        ops.logical_not: _element(lambda b, x: b.op("xor", x, 1)),
        ops.isnan: _element(_isnan),
        ops.isfinite: _element(_isfinite),
        **{TABLE[name]: _element(_maths(name), 20) for name in vecmath.FUNCTIONS if name in TABLE},
        singular._pow: _element(_maths("pow"), 60),
        random.uniform: Native(Role.INDEX, cost=40),
        **dict.fromkeys(
            [ops.full, shape.arange, ops.one_hot, indexing.gather, indexing.in_range, shape.cast, ops.reshape,
             ops.transpose, ops.broadcast_to, indexing.slice_, TABLE["slide"]], Native(Role.INDEX),
        ),
        ops.sum: Native(Role.REDUCE, combine=ops.add),
        ops.max: Native(Role.REDUCE, combine=ops.maximum),
        ops.min: Native(Role.REDUCE, combine=ops.minimum),
        **dict.fromkeys(
            [ops.argmax, ops.argmin, ops.cumsum, ops.concatenate, ops.pad, indexing.place, indexing.scatter_add],
            Native(Role.ALONE),
        ),
        ops.contract: Native(Role.CONTRACT),
        loop: Native(Role.LOOP),
        part: Native(Role.PART),
    },
)


def role(op: Op) -> Role | None:
    """How native code has an op; None for one that it does not have, inputs and constants included."""
    found = LOWER.get(op)
    return found and found.role


def is_movement(op: Op) -> bool:
    """Whether a kernel of the op does nothing but copy elements to other places."""
    return role(op) is Role.ALONE and op.kind is Kind.MOVEMENT


def is_compound(op: Op) -> bool:
    """Whether native code has an op only as what it is made of."""
    return LOWER.way(op) == "expand"


def emit(op: Op, b: Builder, *xs: Value) -> Value:
    """The instructions for an element of an op that has some."""
    found = LOWER[op].emit
    assert found is not None
    return found(b, *xs)


def cost(op: Op) -> int:
    """What an element costs, in multiplications."""
    found = LOWER.get(op)
    return found.cost if found else 0


def convert(b: Builder, x: Value, scalar: str) -> Value:
    """``x`` with elements of another type, as NumPy's ``astype``."""
    old, kind = scalar_of(x.type), like(x.type, scalar)
    if old == scalar:
        return x
    if scalar == "i1":
        return b.compare("une", x, 0) if is_float(x) else b.compare("ne", x, 0)
    if is_float(x) and scalar.startswith("i"):
        return _whole(b, x, scalar)
    return b.pure(kind, f"{_conversion(x, scalar)} {x.type} {x} to {kind}")


def _whole(b: Builder, x: Value, scalar: str) -> Value:
    """A float cut off towards 0. What an integer cannot hold gives some number, as in NumPy; ``freeze`` makes it one
    number wherever it is used, for LLVM may otherwise take each use for another."""
    wide = like(x.type, "i32" if scalar == "i8" else scalar)
    cut = b.pure(wide, f"fptosi {x.type} {x} to {wide}")
    return convert(b, b.pure(wide, f"freeze {wide} {cut}"), scalar)


def _conversion(x: Value, new: str) -> str:
    bits = {"i1": 1, "i8": 8, "i32": 32, "i64": 64, "float": 32, "double": 64}
    wider = bits[new] > bits[scalar_of(x.type)]
    if is_float(x):
        return "fpext" if wider else "fptrunc"
    if new in ("float", "double"):
        return "uitofp" if is_unsigned(x) else "sitofp"
    return ("zext" if is_unsigned(x) else "sext") if wider else "trunc"


def iota(lanes: int, kind: str) -> Value:
    """0, 1, 2, ... in the lanes."""
    if lanes == 1:
        return constant(kind, 0)
    return Value(vector(kind, lanes), "<" + ", ".join(f"{kind} {i}" for i in range(lanes)) + ">")


__all__ = [
    "LOWER", "Native", "Role", "convert", "cost", "emit", "iota", "is_compound", "is_float", "is_movement", "role",
]  # fmt: skip
