"""What is exported: routines, each a graph with what it takes and gives, and the state that they share."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from subgrad.compile.unit import Interface

ALIGNED = 8
"""Bytes at whose multiples each array of the state begins; no element is larger."""


class Grid(NamedTuple):
    """Integers that stand for numbers: n for ``scale (n - zero)``."""

    scale: float
    zero: int

    def numbers(self, n: np.ndarray) -> np.ndarray:
        """What the integers stand for."""
        return self.scale * (n.astype(np.float64) - self.zero)

    def codes(self, x: np.ndarray) -> np.ndarray:
        """The nearest of 256 integers, a uint8."""
        return np.clip(np.floor(x / self.scale + self.zero + 0.5), 0, 255).astype(np.uint8)


class Array(NamedTuple):
    """An array of the caller's, as it is for one call: many lie one behind the other. With a ``grid`` its integers
    stand for numbers."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    grid: Grid | None = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


class Held(NamedTuple):
    """An array in the state: where it begins, and what it holds at first."""

    array: Array
    offset: int
    initial: np.ndarray


class Argument(NamedTuple):
    """The number of an argument of a routine."""

    number: int


class Result(NamedTuple):
    """The number of a result of a routine; None for one that nobody asks for."""

    number: int | None


class Fixed(NamedTuple):
    """A value that is part of the code."""

    value: np.ndarray


class Draws(NamedTuple):
    """The two numbers that what is random in a call follows from."""


Source = Argument | Held | Fixed | Draws
Sink = Result | Held


@dataclass(frozen=True)
class Routine:
    """A function of the exported file.

    Attributes:
        name: what it is called.
        interface: its graph.
        sources: where each input of the graph comes from.
        sinks: where each output of the graph goes.
        arguments, results: the caller's arrays.
    """

    name: str
    interface: Interface
    sources: Sequence[Source]
    sinks: Sequence[Sink]
    arguments: Sequence[Array]
    results: Sequence[Array]

    @property
    def draws(self) -> bool:
        """Whether it takes numbers that its random numbers follow from."""
        return any(isinstance(s, Draws) for s in self.sources)

    @property
    def uses_state(self) -> bool:
        return any(isinstance(s, Held) for s in self.sources)

    @property
    def changes_state(self) -> bool:
        return any(isinstance(s, Held) for s in self.sinks)

    @property
    def nbytes(self) -> int:
        """Of the values that are part of its code."""
        return sum(s.value.nbytes for s in self.sources if isinstance(s, Fixed))

    @property
    def parameters(self) -> list[str]:
        """The names of all that its function takes: addresses, but for ``count``, how many calls are to be made."""
        found = ["state"] if self.uses_state else []
        found += ["seeds"] if self.draws else []
        return [*found, *(a.name for a in (*self.arguments, *self.results)), "count", "arena"]


@dataclass
class State:
    """What stays from call to call, in one piece of the caller's memory: parameters, and the optimiser's state."""

    held: dict[Hashable, Held] = field(default_factory=dict)
    size: int = 0

    def add(self, key: Hashable, name: str, initial: np.ndarray) -> Held:
        """Room for an array, known by ``key``; that of an earlier one of the same key."""
        if key not in self.held:
            taken = [h.array.name for h in self.held.values()]
            array = Array(unlike(name, taken), initial.shape, initial.dtype)
            self.held[key] = Held(array, self.size, np.ascontiguousarray(initial))
            self.size += -(-array.nbytes // ALIGNED) * ALIGNED
        return self.held[key]

    @property
    def initial(self) -> bytes:
        """What it holds at first, up to where it is zeros to the end."""
        content = bytearray(self.size)
        for held in self.held.values():
            content[held.offset : held.offset + held.array.nbytes] = held.initial.tobytes()
        used = len(bytes(content).rstrip(b"\0"))
        return bytes(content[: -(-used // ALIGNED) * ALIGNED])


@dataclass(frozen=True)
class Routines:
    """All that one file has: its functions begin with ``prefix``."""

    prefix: str
    each: Sequence[Routine]
    state: State

    @property
    def functions(self) -> list[str]:
        """The names of the functions."""
        names = [f"{self.prefix}_{r.name}" for r in self.each]
        return [f"{self.prefix}_init", *names] if self.state.size else names

    @property
    def nbytes(self) -> int:
        """Of all parameters, in the code and in the state."""
        return self.state.size + sum(r.nbytes for r in self.each)


_C = """alignas alignof asm auto bool break case char const constexpr continue default do double else enum errno extern
false float for goto if inline int long main nullptr register restrict return short signed sizeof static static_assert
stderr stdin stdout struct switch thread_local true typedef typeof union unsigned void volatile while"""
_CPP = """and and_eq bitand bitor catch class char8_t char16_t char32_t co_await co_return co_yield compl concept
consteval constinit const_cast decltype delete dynamic_cast explicit export friend import mutable namespace new noexcept
not not_eq operator or or_eq private protected public reinterpret_cast requires static_cast template this throw try
typeid typename using virtual wchar_t xor xor_eq"""
_JAVASCRIPT = """arguments await debugger eval extends finally function implements in instanceof interface let null
package super then var with yield"""
_OURS = "state seeds count arena"
_RESERVED = frozenset(f"{_C} {_CPP} {_JAVASCRIPT} {_OURS}".split())
"""``then`` is among them: what has a function of that name is a promise, to JavaScript."""


def identifier(text: str) -> str:
    """A name that C and JavaScript take.

    >>> identifier("hidden.0.weight"), identifier("x['table']"), identifier("2nd try"), identifier("float")
    ('hidden_0_weight', 'x_table', '_2nd_try', 'float_')
    """
    name = prefix_of(text)
    return f"{name}_" if name in _RESERVED else name


def prefix_of(text: str) -> str:
    """What names may begin with."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).rstrip("_") or "_"
    return f"_{name}" if name[0].isdigit() else name


def unlike(name: str, taken: Sequence[str]) -> str:
    """``name`` as an identifier, with a number behind it if it is taken."""
    name = identifier(name)
    return next(n for n in (name, *(f"{name}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)


__all__ = [
    "Argument", "Array", "Draws", "Fixed", "Grid", "Held", "Result", "Routine", "Routines", "Sink", "Source", "State",
    "identifier", "prefix_of", "unlike",
]  # fmt: skip
