"""Instructions where they cost least: nothing is computed twice, or in a loop in which it does not change.

Indices are sums of products with known numbers. They take no instruction before somebody needs an address or a value.
Then what changes in an outer loop stands before the inner ones, and multiples of a loop's counter are counted up beside
it. LLVM's own pass for this (loop strength reduction) would take a third of all its time, for code that is not faster.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from subgrad.compile.codegen.llvm_values import Index, Sum, Value, constant, index_of, parted

Number = Index | float


class Around(NamedTuple):
    """A loop around the place where instructions go.

    ``number`` says when it began. ``before`` are instructions that stand before it, ``scope`` what is known there,
    ``multiples`` those of its ``counter`` that somebody needs.
    """

    number: int
    counter: str
    before: list[str]
    scope: list[str]
    multiples: dict[int, Value]


class Instructions:
    """Appends instructions to one function: index arithmetic, and what needs no more than a text."""

    def __init__(self) -> None:
        self.lines: list[Any] = []  # an instruction each, or a list of those that stand before a loop
        self._names = itertools.count()
        self._found: dict[str, Value] = {}
        self._scope: list[str] = []
        self._loops: list[Around] = []
        self._depths: dict[str, int] = {}

    def text(self) -> Iterator[str]:
        """The instructions, line by line."""
        for line in self.lines:
            yield from [line] if isinstance(line, str) else line

    def emit(self, kind: str, text: str) -> Value:
        """Append an instruction that yields a value of type ``kind``."""
        name = self._name()
        self.lines.append(f"  {name} = {text}")
        return Value(kind, name)

    def pure(self, kind: str, text: str) -> Value:
        """As `emit`, for an instruction that depends on its operands alone: where its value is there, it is taken."""
        found = self._found.get(text)
        if found is None:
            found = self._found[text] = self.emit(kind, text)
            self._scope.append(text)
        return found

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """What is computed inside of a block that may not run is not there after it."""
        outside, self._scope = self._scope, []
        yield
        for text in self._scope:
            del self._found[text]
        self._scope = outside

    def op(self, opcode: str, x: Number, y: Number) -> Value:
        """A two-operand instruction; a number takes the type of the other operand."""
        (kind, left), (_, right) = self.same_type(x, y)
        return self.pure(kind, f"{opcode} {kind} {left}, {right}")

    def add(self, x: Index, y: Index) -> Index:
        """x + y. Sums, and multiples that are known, take no instruction before somebody needs their value."""
        if _is_vector(x) or _is_vector(y):
            return self.op("add nsw", x, y)
        if x == 0 or y == 0:
            return y if x == 0 else x
        (terms, known), (others, more) = parted(x), parted(y)
        total = dict(terms)
        for name, times in others:
            total[name] = total.get(name, 0) + times
        return index_of(total, known + more)

    def sub(self, x: Index, y: Index) -> Index:
        """x - y."""
        return self.add(x, self.mul(y, -1))

    def mul(self, x: Index, y: Index) -> Index:
        """x * y."""
        if isinstance(x, int):
            x, y = y, x
        if not isinstance(y, int):
            return self.op("mul nsw", x, y)
        if y == 1 or isinstance(x, int):
            return x * y if isinstance(x, int) else x
        if y == 0:
            return 0
        if _is_vector(x):
            return self.op("mul nsw", x, y)
        terms, known = parted(x)
        return index_of({name: times * y for name, times in terms}, known * y)

    def value(self, x: Index) -> Value:
        """An index as a value: what changes last is added last."""
        if not isinstance(x, Sum):
            return as_value("i64", x)
        total = constant("i64", 0)
        for depth, terms in self._by_loop(x):
            total = self._plus(total, terms, depth)
        return self.op("add nsw", total, x.known) if x.known else total

    def _by_loop(self, x: Sum) -> Iterable[tuple[int, list[tuple[str, int]]]]:
        """Its terms, by the loop in which they change, the outermost first."""
        found: dict[int, list[tuple[str, int]]] = {}
        for term in x.terms:
            found.setdefault(self._depth(term[0]), []).append(term)
        return sorted(found.items()) if len(found) > 1 else found.items()

    def _depth(self, name: str) -> int:
        """How many loops were around the place where the value is made; it may be more than are around this one."""
        found = self._depths.get(name)
        if found is None:
            number, starts = name[2:], [loop.number for loop in self._loops]
            is_made_here = name[1] == "v" and number.isdigit()  # parameters have other names
            found = self._depths[name] = bisect.bisect(starts, int(number)) if is_made_here else 0
        return found

    def _plus(self, total: Value, terms: Iterable[tuple[str, int]], depth: int) -> Value:
        for name, times in terms:
            term = self._times(Value("i64", name), abs(times), depth)
            if total.name == "0" and times > 0:
                total = term
            else:
                total = self._outside("i64", f"{'add' if times > 0 else 'sub'} nsw i64 {total}, {term}", depth)
        return total

    def _times(self, x: Value, times: int, depth: int) -> Value:
        """A multiple; that of a loop's counter is counted up beside it, since an addition costs less than a product."""
        if times == 1:
            return x
        loop = self._loops[depth - 1] if 0 < depth <= len(self._loops) else None
        if loop is None or x.name != loop.counter or times == 2:  # an address takes the double for nothing
            return self._outside("i64", f"mul nsw i64 {x}, {times}", depth)
        if times not in loop.multiples:
            loop.multiples[times] = Value("i64", self._name())
        return loop.multiples[times]

    def _outside(self, kind: str, text: str, depth: int) -> Value:
        """As `pure`, before the outermost loop in which nothing that it is made of changes."""
        found = self._found.get(text)
        if found is not None or depth >= len(self._loops):
            return found or self.pure(kind, text)
        loop, name = self._loops[depth], self._name()
        loop.before.append(f"  {name} = {text}")
        loop.scope.append(text)
        self._depths[name] = depth
        found = self._found[text] = Value(kind, name)
        return found

    def total(self, indices: Iterable[Index], by: Iterable[int], known: int = 0) -> Index:
        """``known``, and so many times each of the indices."""
        terms: dict[str, int] = {}
        for x, times in zip(indices, by, strict=True):
            if isinstance(x, int):
                known += x * times
                continue
            parts, more = parted(x)
            known += more * times
            for name, each in parts:
                terms[name] = terms.get(name, 0) + each * times
        return index_of(terms, known)

    def divmod(self, x: Index, by: int) -> tuple[Index, Index]:
        """Quotient and remainder of a non-negative x."""
        if isinstance(x, int):
            return divmod(x, by)
        if by == 1:
            return x, 0
        x = self.value(x)
        if by & (by - 1) == 0:
            return self.op("lshr", x, by.bit_length() - 1), self.op("and", x, by - 1)
        return self.op("udiv", x, by), self.op("urem", x, by)

    def counted(self, loop: Around, start: Value, step: int) -> list[tuple[Value, Value, Value]]:
        """Each multiple of the counter, with its value in the first turn and in the next one."""
        found = []
        for times, x in loop.multiples.items():
            first, known = self._name(), start.name.lstrip("-").isdigit()
            if not known:
                loop.before.append(f"  {first} = mul nsw i64 {start}, {times}")
            begin = constant("i64", int(start.name) * times) if known else Value("i64", first)
            found.append((x, begin, self.emit("i64", f"add nsw i64 {x}, {step * times}")))
        return found

    def same_type(self, x: Number, y: Number) -> tuple[Value, Value]:
        """Both as values, of the type of the one that has a type."""
        x = self.value(x) if isinstance(x, Sum) else x
        y = self.value(y) if isinstance(y, Sum) else y
        if isinstance(x, Value):
            return x, as_value(x.type, y)
        kind = y.type if isinstance(y, Value) else "i64"
        return constant(kind, x), as_value(kind, y)

    def _name(self) -> str:
        return f"%v{next(self._names)}"


def _is_vector(x: Index) -> bool:
    return isinstance(x, Value) and x.type != "i64"


def as_value(kind: str, x: Value | float) -> Value:
    """A number as a constant of a type, a value as it is."""
    return x if isinstance(x, Value) else constant(kind, x)


__all__ = ["Around", "Instructions", "Number", "as_value"]
