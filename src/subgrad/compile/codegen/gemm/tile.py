"""The register tile: a few rows by a few vectors of C, summed up in registers, then handed to the epilogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import NamedTuple

from subgrad.compile.codegen.llvm import Builder, Module
from subgrad.compile.codegen.llvm_values import BYTES, Index, Value, lanes_of, scalar_of, zero
from subgrad.compile.codegen.sums import Totals, outermost

LINE = 64  # bytes that come from memory at a time
LONGEST = 1024  # products that are added up one after the other
_INLINE_LINES = 192  # the longest epilogue code that a tile repeats for each of its vectors


class Place(NamedTuple):
    """Where a vector of results belongs.

    Rows lie in lines, the innermost loop over rows: ``line`` counts the lines, through batches and all, and ``m`` the
    rows of one, of ``length``. ``n`` is the column of the vector's first lane, which lies ``ahead`` elements behind the
    tile's ``origin`` in C. Lanes outside ``mask`` (None: all are inside) must not be stored.
    """

    line: Index
    m: Index
    length: int
    n: Index
    origin: Index
    ahead: Index
    mask: Value | None

    def offset(self, b: Builder) -> Index:
        """The elements from the start of C to the first lane."""
        return b.add(self.origin, self.ahead)

    def row(self, b: Builder) -> Index:
        """The row's number, through all lines."""
        return b.add(b.mul(self.line, self.length), self.m)


Epilogue = Callable[[Builder, Value, Place], Value | None]
"""Turns a vector of sums into what is stored in C; None stores nothing."""

Touches = Callable[[Builder, Place], Sequence[tuple[Value, bool]]]
"""The addresses of what the epilogue reads and writes at a place, and whether it writes there."""


class Operand(NamedTuple):
    """A or B from a certain element on: strides to the next row or column, and along each loop of the reduction."""

    base: Value
    offset: Index
    across: int
    along: tuple[int, ...]

    def moved(self, b: Builder, elements: Index) -> Operand:
        """The same operand, ``elements`` further."""
        return self._replace(offset=b.add(self.offset, elements))

    def into(self, b: Builder, step: Index) -> Operand:
        """What is left of the reduction at ``step`` of its outermost loop."""
        return self._replace(along=self.along[1:]).moved(b, b.mul(step, self.along[0]))

    def at(self, b: Builder, steps: int, scalar: str) -> Value:
        """The address ``steps`` rows (of A) or columns (of B) further."""
        return b.at(b.at(self.base, self.offset, scalar), steps * self.across, scalar)


class Result(NamedTuple):
    """C: its start, the strides between rows and lanes, what to do with results, room for a tile of them if need be."""

    base: Value
    row: int
    lane: int
    accumulate: bool
    epilogue: Epilogue | None
    room: Callable[[], Value]
    touches: Touches | None = None


class Tile(NamedTuple):
    """``rows`` rows of ``vectors`` vectors of type ``kind``; ``place`` is the first one, ``mask`` the last one's."""

    rows: int
    vectors: int
    kind: str
    place: Place
    mask: Value | None

    def row(self, b: Builder, c: Result, i: Index) -> list[Place]:
        """Where the vectors of the tile's row ``i`` belong."""
        at, apart = self.place, lanes_of(self.kind)
        here, ahead = at._replace(m=b.add(at.m, i)), b.mul(i, c.row)
        masks = [None] * (self.vectors - 1) + [self.mask]
        return [
            here._replace(n=b.add(at.n, j * apart), ahead=b.add(ahead, j * apart * c.lane), mask=mask)
            for j, mask in enumerate(masks)
        ]

    def places(self, b: Builder, c: Result) -> list[Place]:
        """Where all vectors of the tile belong, row by row."""
        return [place for i in range(self.rows) for place in self.row(b, c, i)]


class Phase(NamedTuple):
    """Whether a block of the reduction is the first and the last one: known now, or only when the program runs."""

    first: Value | None = None
    last: Value | None = None

    def within(self, b: Builder, first: Value, last: Value) -> Phase:
        """Of a part of this block."""
        return Phase(*(b.op("and", x, y) if x else y for x, y in zip(self, (first, last), strict=True)))


def initial_sums(b: Builder, c: Result, tile: Tile, phase: Phase) -> Totals:
    """Zeros, or what C holds already: earlier blocks' partial sums, or what is to be added to."""

    def from_c() -> list[Value]:
        return [_load(b, c, tile.kind, place) for place in tile.places(b, c)]

    zeros = (zero(tile.kind),) * (tile.rows * tile.vectors)
    if c.accumulate:
        return tuple(from_c())
    return b.choose(phase.first, lambda: zeros, from_c) if phase.first else zeros


def _load(b: Builder, c: Result, kind: str, place: Place) -> Value:
    return b.load(kind, b.at(c.base, place.offset(b), scalar_of(kind)), place.mask)


def sum_products(b: Builder, a: Operand, bs: Operand, sizes: Sequence[Index], tile: Tile, sums: Totals) -> Totals:
    """The loops over k: each innermost turn adds the outer product of a column of A and a row of B to the sums.

    More than `LONGEST` products are added up in blocks.
    """
    if not sizes:
        return _outer_product(b, a, bs, tile, sums)
    zeros = (zero(tile.kind),) * len(sums)

    def turn(index: Index, sums: Totals) -> Totals:
        return sum_products(b, a.into(b, index), bs.into(b, index), sizes[1:], tile, sums)

    known = [n for n in sizes if isinstance(n, int)]
    if len(known) == len(sizes):
        return outermost(b, known, 1, LONGEST, sums, zeros, b.fadd, turn)
    with b.loop(0, sizes[0], carry=sums) as each:  # a block of k, whose length is known when the program runs
        each.carry = turn(each.index, each.carry)
    return each.carry


def _outer_product(b: Builder, a: Operand, bs: Operand, tile: Tile, sums: Totals) -> Totals:
    scalar, lanes = scalar_of(tile.kind), lanes_of(tile.kind)
    masks = [None] * (tile.vectors - 1) + [tile.mask]
    row = [b.load(tile.kind, bs.at(b, j * lanes, scalar), mask) for j, mask in enumerate(masks)]
    new = []
    for i in range(tile.rows):
        weight = b.splat(b.load(scalar, a.at(b, i, scalar)), lanes)
        new += [b.fma(weight, x, sums[len(new) + j]) for j, x in enumerate(row)]
    return tuple(new)


def fetch(b: Builder, c: Result, tile: Tile, phase: Phase) -> None:
    """Ask for the lines that the epilogue will touch: the rows of a tile lie far apart, each in a line of its own, and
    come while the sums run."""
    if c.touches is None:
        return
    apart = max(1, LINE // (lanes_of(tile.kind) * BYTES[scalar_of(tile.kind)]))
    with b.when(phase.last) if phase.last else nullcontext(), b.loop(0, tile.rows) as turn:
        for place in tile.row(b, c, turn.index)[::apart]:
            for address, written in c.touches(b, place):
                b.prefetch(address, written)


def finish(b: Builder, c: Result, tile: Tile, sums: Sequence[Value], phase: Phase) -> None:
    """Hand the sums to the epilogue, or leave them in C for the next block of the reduction."""
    if phase.last is None:
        return _conclude(b, c, tile, sums)
    with b.when(phase.last):
        _conclude(b, c, tile, sums)
    with b.when(b.op("xor", phase.last, 1)):
        _store_all(b, c._replace(epilogue=None), tile, sums)
    return None


def _conclude(b: Builder, c: Result, tile: Tile, sums: Sequence[Value]) -> None:
    if c.epilogue and tile.rows > 1 and len(sums) * _lines(b, c.epilogue, tile) > _INLINE_LINES:
        _store_by_rows(b, c, tile, sums)
    else:
        _store_all(b, c, tile, sums)


def _lines(b: Builder, epilogue: Epilogue, tile: Tile) -> int:
    """How many instructions the epilogue takes for one vector."""
    probe = Builder(Module(b.module.cpu))
    unknown = Value("i64", "%unknown")
    place = tile.place._replace(line=unknown, m=unknown, n=unknown, origin=unknown, mask=tile.mask)
    epilogue(probe, Value(tile.kind, "%sum"), place)
    return len(probe.lines)


def _store_all(b: Builder, c: Result, tile: Tile, sums: Sequence[Value]) -> None:
    for value, place in zip(sums, tile.places(b, c), strict=True):
        _store(b, c, value, place)


def _store_by_rows(b: Builder, c: Result, tile: Tile, sums: Sequence[Value]) -> None:
    """Put the sums aside and take them row by row, so that a long epilogue's code is not repeated for each row."""
    scalar, lanes = scalar_of(tile.kind), lanes_of(tile.kind)
    for index, value in enumerate(sums):
        b.store(value, b.at(c.room(), index * lanes, scalar))
    with b.loop(0, tile.rows) as turn:
        room = b.at(c.room(), b.mul(turn.index, tile.vectors * lanes), scalar)
        for j, place in enumerate(tile.row(b, c, turn.index)):
            _store(b, c, b.load(tile.kind, b.at(room, j * lanes, scalar)), place)


def _store(b: Builder, c: Result, value: Value, place: Place) -> None:
    stored = c.epilogue(b, value, place) if c.epilogue else value
    if stored is not None:
        b.store(stored, b.at(c.base, place.offset(b), scalar_of(stored.type)), place.mask)
