"""Types and values of LLVM text: scalars, vectors of them, constants, masks."""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Mapping
from typing import NamedTuple

SCALARS = {"float32": "float", "float64": "double", "int32": "i32", "int64": "i64"}
BYTES = {"float": 4, "double": 8, "i1": 1, "i8": 1, "i32": 4, "i64": 8}


class Value(NamedTuple):
    """An LLVM value: its type, and its name or constant."""

    type: str
    name: str

    def __str__(self) -> str:
        return self.name


class Sum(NamedTuple):
    """An i64 that is ``known`` and so many times each of some others, by their names: no instruction makes it yet."""

    terms: tuple[tuple[str, int], ...]
    known: int = 0


Index = int | Value | Sum
"""An i64: known now, or only when the program runs."""


def parted(x: Index) -> Sum:
    """Any index as a sum; a value is one of itself."""
    if isinstance(x, Sum):
        return x
    return Sum((), x) if isinstance(x, int) else Sum(((x.name, 1),))


def index_of(terms: Mapping[str, int], known: int) -> Index:
    """The index that is such a sum, in its simplest form."""
    left = sorted([term for term in terms.items() if term[1]])
    if not left:
        return known
    return Value("i64", left[0][0]) if len(left) == 1 and left[0][1] == 1 and not known else Sum(tuple(left), known)


def vector(scalar: str, lanes: int) -> str:
    """The type of ``lanes`` scalars side by side."""
    return f"<{lanes} x {scalar}>"


@functools.cache
def scalar_of(kind: str) -> str:
    """The element type of a vector type; a scalar type itself."""
    return kind[1:-1].split(" x ")[1] if kind.startswith("<") else kind


@functools.cache
def lanes_of(kind: str) -> int:
    """The number of elements of a vector type; 1 for a scalar."""
    return int(kind[1:].split(" x ")[0]) if kind.startswith("<") else 1


def like(kind: str, scalar: str) -> str:
    """The type with as many lanes as ``kind`` and elements of type ``scalar``."""
    return vector(scalar, lanes_of(kind)) if kind.startswith("<") else scalar


def mangled(kind: str) -> str:
    """The suffix of an overloaded intrinsic's name."""
    scalar = scalar_of(kind)
    short = {"float": "f32", "double": "f64"}.get(scalar, scalar)
    return f"v{lanes_of(kind)}{short}" if kind.startswith("<") else short


def constant(kind: str, number: float) -> Value:
    """A number as a constant of any scalar or vector type.

    >>> constant("<4 x float>", 0.1).name
    'splat (float 0x3FB99999A0000000)'
    """
    scalar = scalar_of(kind)
    text = _float_text(scalar, number) if scalar in ("float", "double") else str(int(number))
    return Value(kind, f"splat ({scalar} {text})" if kind.startswith("<") else text)


def _float_text(scalar: str, number: float) -> str:
    """LLVM writes floats as the bits of a double that must be exact in the narrower type."""
    rounded = ctypes.c_float(number).value if scalar == "float" else float(number)
    return f"0x{struct.unpack('>Q', struct.pack('>d', rounded))[0]:016X}"


def zero(kind: str) -> Value:
    """All bits zero, of any type."""
    return Value(kind, "zeroinitializer")


def first_lanes(lanes: int, count: int) -> Value | None:
    """The mask of the first ``count`` of ``lanes`` lanes; None where that is all of them."""
    if count == lanes:
        return None
    bits = ", ".join(f"i1 {int(lane < count)}" for lane in range(lanes))
    return Value(vector("i1", lanes), f"<{bits}>")


def is_first_lane(mask: Value | None) -> bool:
    """Whether a mask is that of the first lane alone.

    >>> is_first_lane(first_lanes(4, 1)), is_first_lane(first_lanes(4, 2))
    (True, False)
    """
    return mask is not None and mask == first_lanes(lanes_of(mask.type), 1)


__all__ = [
    "BYTES", "SCALARS", "Index", "Sum", "Value", "constant", "first_lanes", "index_of", "is_first_lane", "lanes_of",
    "like", "parted", "scalar_of", "vector", "zero",
]  # fmt: skip
