"""The one generator behind every matrix product and convolution: LLVM text of a nest of register tiles.

    contraction = Contraction.matmul("float32", 64, 128, 784)
    plan = plan_contraction(contraction, module.cpu, ranges=[32, 32])
    emit_contraction(b, contraction, plan, given, epilogue=bias_and_relu)

writes the code that computes the rows from ``given.begin`` up to ``given.end``. With one plan an element of C is always
the same sum in the same order, however the rows are split between calls; of the plan itself, only ``dot`` changes the
order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from subgrad.compile.codegen.gemm.dot_products import add_lanes, dot_products
from subgrad.compile.codegen.gemm.pack import pack_a, pack_b, packed_strides
from subgrad.compile.codegen.gemm.plan import Plan, plan_contraction
from subgrad.compile.codegen.gemm.spec import Contraction, Loop
from subgrad.compile.codegen.gemm.tile import (
    LONGEST,
    Epilogue,
    Operand,
    Phase,
    Place,
    Result,
    Tile,
    Touches,
    fetch,
    finish,
    initial_sums,
    sum_products,
)
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import SCALARS, Index, Value, first_lanes, vector, zero

__all__ = ["Contraction", "Epilogue", "Given", "Loop", "Place", "Plan", "emit_contraction", "plan_contraction"]


class Given(NamedTuple):
    """Where A, B and C begin, room for ``plan.scratch(contraction)`` elements for this thread alone, and which rows (or
    columns) are computed."""

    a: Value
    b: Value
    c: Value
    scratch: Value
    begin: Value
    end: Value


def emit_contraction(
    b: Builder,
    contraction: Contraction,
    plan: Plan,
    given: Given,
    *,
    epilogue: Epilogue | None = None,
    touches: Touches | None = None,
    by_columns: bool = False,
) -> None:
    """Write the code into a function that is open.

    ``by_columns`` what is given is the first column, and the one behind the last, of as many as the contraction has: of
    these all rows are computed, in a result that may be wider.

    ``touches`` says what of large arrays the epilogue will read and write: it is asked for before a tile's sums run.

    A, B, C and scratch must not overlap; what the epilogue touches may overlap anything that is not written through C.
    Where the plan's ``k_block`` is less than the whole reduction, C holds partial sums in between.
    """
    merged = contraction.merged()
    lanes = plan.width if plan.dot else plan.lanes
    scalar = SCALARS[contraction.dtype]
    size = plan.rows * (1 if plan.dot else plan.vectors)
    room = functools.cache(lambda: b.buffer(vector(scalar, lanes), size))
    c = Result(given.c, merged.m[-1].c, merged.n[-1].c, merged.accumulate, epilogue, room, touches)
    nest = _Nest(b, merged, plan, given, c)
    nest.columns_from(given.begin, contraction.n[-1]) if by_columns else nest.rows(given.begin, given.end)


class _Spot(NamedTuple):
    """Where the nest stands: A and B there, and the line, row, column and element of C."""

    a: Operand
    b: Operand
    line: Index
    m: Index
    n: Index
    c: Index


class _Nest:
    """The loops around the tiles, outermost first: batches and outer rows, outer columns, blocks of k (or these first),
    blocks of rows, panels of columns, tiles of rows."""

    def __init__(self, b: Builder, contraction: Contraction, plan: Plan, given: Given, c: Result) -> None:
        self.b, self.contraction, self.plan, self.given, self.c = b, contraction, plan, given, c
        self.scalar = SCALARS[contraction.dtype]
        self.kind = vector(self.scalar, plan.lanes)

    def rows(self, begin: Index, end: Index) -> None:
        """The rows from ``begin`` up to ``end``."""
        self._rows_of(self._start(), begin, end)

    def columns_from(self, begin: Index, columns: Loop) -> None:
        """All rows, of columns that begin at number ``begin``."""
        here = self._stepped(self._start(), columns, begin)
        self._rows_of(here._replace(n=begin), 0, self.contraction.rows)

    def _start(self) -> _Spot:
        k, rows, columns = self.contraction.k, self.contraction.m[-1], self.contraction.n[-1]
        a = Operand(self.given.a, 0, rows.a, tuple(loop.a for loop in k))
        b = Operand(self.given.b, 0, columns.b, tuple(loop.b for loop in k))
        return _Spot(a, b, 0, 0, 0, 0)

    def _rows_of(self, at: _Spot, begin: Index, end: Index) -> None:
        """The loops from the outermost to those over rows of a line, in the order of the plan."""
        k = self.contraction.k
        if self.plan.blocks_first:
            self._k_blocks(
                at, k, Phase(),
                lambda at, sizes, phase: self._lines(
                    at, begin, end, lambda at, begin, end: self._m_blocks(at, sizes, phase, begin, end)
                ),
            )  # fmt: skip
        else:
            self._lines(
                at, begin, end,
                lambda at, begin, end: self._k_blocks(
                    at, k, Phase(), lambda at, sizes, phase: self._m_blocks(at, sizes, phase, begin, end)
                ),
            )  # fmt: skip

    def _lines(self, at: _Spot, begin: Index, end: Index, inside: Callable[[_Spot, Index, Index], None]) -> None:
        """The loops over lines of rows and over outer columns: in each line, the rows that are asked for."""
        b, inner = self.b, self.contraction.m[-1].size
        outer = self.contraction.batch + self.contraction.m[:-1]
        if not outer:
            return self._outer_columns(at, self.contraction.n[:-1], lambda here: inside(here, begin, end))
        lines = b.divmod(begin, inner)[0], b.divmod(b.add(end, inner - 1), inner)[0]
        with b.loop(*lines) as turn:
            start = b.mul(turn.index, inner)
            part = b.max(b.sub(begin, start), 0), b.min(b.sub(end, start), inner)
            here = self._moved(at, outer, turn.index)._replace(line=turn.index)
            self._outer_columns(here, self.contraction.n[:-1], lambda here: inside(here, *part))
        return None

    def _moved(self, at: _Spot, loops: Sequence[Loop], index: Index) -> _Spot:
        """At step ``index`` of nested loops, counted through all of them."""
        for loop in reversed(loops):
            index, step = self.b.divmod(index, loop.size)
            at = self._stepped(at, loop, step)
        return at

    def _stepped(self, at: _Spot, loop: Loop, steps: Index) -> _Spot:
        b = self.b
        a, bs = at.a.moved(b, b.mul(steps, loop.a)), at.b.moved(b, b.mul(steps, loop.b))
        return at._replace(a=a, b=bs, c=b.add(at.c, b.mul(steps, loop.c)))

    def _outer_columns(self, at: _Spot, loops: Sequence[Loop], inside: Callable[[_Spot], None]) -> None:
        if not loops:
            return inside(at)
        size = math.prod(loop.size for loop in (*loops[1:], self.contraction.n[-1]))
        with self.b.loop(0, loops[0].size) as turn:
            here = self._stepped(at, loops[0], turn.index)
            here = here._replace(n=self.b.add(at.n, self.b.mul(turn.index, size)))
            self._outer_columns(here, loops[1:], inside)
        return None

    def _k_blocks(
        self, at: _Spot, loops: Sequence[Loop], phase: Phase, inside: Callable[[_Spot, Sequence[Index], Phase], None]
    ) -> None:  # fmt: skip
        """Blocks of the reduction: some steps of its outermost loop, or blocks of one step if that is long itself."""
        b, block = self.b, self.plan.k_block
        size, *inner = (loop.size for loop in loops)
        if size * math.prod(inner) <= block:
            return inside(at, [size, *inner], phase)
        count = max(1, block // math.prod(inner))
        with b.loop(0, size, count) as turn:
            left = b.sub(size, turn.index)
            here = self._stepped(at, loops[0], turn.index)
            part = phase.within(b, b.compare("eq", turn.index, 0), b.compare("sle", left, count))
            if count == 1 and inner:
                here = here._replace(a=at.a.into(b, turn.index), b=at.b.into(b, turn.index))
                self._k_blocks(here, loops[1:], part, inside)
            else:
                steps = count if size % count == 0 else b.min(left, count)
                inside(here, [steps, *inner], part)
        return None

    def _m_blocks(self, at: _Spot, sizes: Sequence[Index], phase: Phase, begin: Index, end: Index) -> None:
        """Blocks of rows, whose part of A stays in the second cache while panel after panel of columns reads it."""
        b, plan = self.b, self.plan
        if not plan.m_block:
            return self._panels(at, sizes, phase, begin, end)
        with b.loop(begin, end, plan.m_block) as turn:
            stop = b.min(end, b.add(turn.index, plan.m_block))
            if plan.pack_a:
                for rows, tile in self._tiles_of_rows(turn.index, stop):
                    source = at.a.moved(b, b.mul(tile, at.a.across))
                    pack_a(b, source, self._packed_a(sizes, rows, b.sub(tile, turn.index)), sizes, self.scalar, rows)
            self._panels(at, sizes, phase, turn.index, stop)
        return None

    def _tiles_of_rows(self, begin: Index, end: Index) -> Iterator[tuple[int, Index]]:
        """How many rows a tile has, and its first one, in a loop over all such tiles."""
        for rows in self.plan.row_counts:
            with self.b.loop(begin, self.b.sub(end, rows - 1), rows) as turn:
                yield rows, turn.index
            begin = turn.index

    def _packed_a(self, sizes: Sequence[Index], rows: int, first: Index) -> Operand:
        """A tile's rows, copied; ``first`` counts from the start of the block."""
        steps = self.b.mul(sizes[0], math.prod(sizes[1:]))
        return Operand(self.given.scratch, self.b.mul(first, steps), 1, packed_strides(sizes, rows))

    def _panels(self, at: _Spot, sizes: Sequence[Index], phase: Phase, begin: Index, end: Index) -> None:
        b, plan, loop = self.b, self.plan, self.contraction.n[-1]
        whole = loop.size // plan.width * plan.width
        if whole:
            with b.loop(0, whole, plan.width) as turn:
                here = self._stepped(at, loop, turn.index)
                here = here._replace(n=b.add(at.n, turn.index))
                self._panel(here, sizes, phase, begin, end, plan.width)
        if whole < loop.size:
            here = self._stepped(at, loop, whole)._replace(n=b.add(at.n, whole))
            self._panel(here, sizes, phase, begin, end, loop.size - whole)

    def _panel(self, at: _Spot, sizes: Sequence[Index], phase: Phase, begin: Index, end: Index, columns: int) -> None:
        b, plan = self.b, self.plan
        if plan.pack_b:
            room = b.at(self.given.scratch, plan.a_room, self.scalar)
            kind = vector(self.scalar, plan.lanes_for(columns))
            at = at._replace(b=pack_b(b, at.b, room, sizes, columns, plan.width, kind))
        for rows, tile in self._tiles_of_rows(begin, end):
            here = self._stepped(at, self.contraction.m[-1], tile)
            a = at.a.moved(b, b.mul(tile, at.a.across))
            if plan.pack_a:
                a = self._packed_a(sizes, rows, b.sub(tile, begin))
            self._tile(here._replace(a=a, m=b.add(at.m, tile)), sizes, phase, rows, columns)

    def _tile(self, at: _Spot, sizes: Sequence[Index], phase: Phase, rows: int, columns: int) -> None:
        b, plan = self.b, self.plan
        place = Place(at.line, at.m, self.contraction.m[-1].size, at.n, at.c, 0, None)
        if plan.dot:
            kind = vector(self.scalar, plan.width)
            tile = Tile(rows, 1, kind, place, first_lanes(plan.width, columns))
            sums = self._dots(at, tile, columns)
        else:
            lanes = plan.lanes_for(columns)
            vectors = -(-columns // lanes)
            mask = first_lanes(lanes, columns - (vectors - 1) * lanes)
            tile = Tile(rows, vectors, vector(self.scalar, lanes), place, mask)
            fetch(b, self.c, tile, phase)
            sums = self._sums(at, tile, sizes, phase)
        finish(b, self.c, tile, sums, phase)

    def _sums(self, at: _Spot, tile: Tile, sizes: Sequence[Index], phase: Phase) -> Sequence[Value]:
        """The sums of products, and what C holds of earlier blocks: if the whole is long, each block is its own sum."""
        b = self.b
        long = math.prod(loop.size for loop in self.contraction.k) > LONGEST
        if not (long and phase.first):
            return sum_products(b, at.a, at.b, sizes, tile, initial_sums(b, self.c, tile, phase))
        zeros = (zero(tile.kind),) * (tile.rows * tile.vectors)
        sums = sum_products(b, at.a, at.b, sizes, tile, zeros)
        return [b.fadd(x, y) for x, y in zip(initial_sums(b, self.c, tile, phase), sums, strict=True)]

    def _dots(self, at: _Spot, tile: Tile, columns: int) -> list[Value]:
        b, sizes = self.b, [loop.size for loop in self.contraction.k]
        products = dot_products(b, at.a, at.b, sizes, tile.rows, columns, self.kind)
        filled = [row + row[:1] * (self.plan.width - columns) for row in products]
        sums = [add_lanes(b, row) for row in filled]
        if self.c.accumulate:
            sums = [b.fadd(x, y) for x, y in zip(initial_sums(b, self.c, tile, Phase()), sums, strict=True)]
        return sums
