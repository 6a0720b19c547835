"""The dot form of a tile, for A and B that are both contiguous along k: lanes run along k and are added up at the end.

It needs no copy of a transposed B, but costs a few shuffles for each element of C, and its sums are taken in another
order than the register tile's: ``lanes`` partial sums each, added pairwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from subgrad.compile.codegen.gemm.tile import LONGEST, Operand
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, first_lanes, lanes_of, scalar_of, zero
from subgrad.compile.codegen.sums import Totals, in_blocks, outermost


def dot_products(
    b: Builder, a: Operand, bs: Operand, sizes: Sequence[int], rows: int, columns: int, kind: str
) -> list[list[Value]]:
    """One scalar product for each row of A and column of B, each still spread over the lanes of a ``kind``."""
    zeros = (zero(kind),) * (rows * columns)
    sums = _along(b, a, bs, sizes, rows, columns, zeros, zeros)
    return [list(sums[i * columns : (i + 1) * columns]) for i in range(rows)]


def _along(
    b: Builder, a: Operand, bs: Operand, sizes: Sequence[int], rows: int, columns: int, sums: Totals, zeros: Totals
) -> Totals:
    lanes = lanes_of(zeros[0].type)
    *outer, last = sizes
    whole = last // lanes * lanes

    def turn(index: Index, sums: Totals) -> Totals:
        here, there = a.into(b, index), bs.into(b, index)
        if outer:
            return _along(b, here, there, sizes[1:], rows, columns, sums, zeros)
        return _step(b, here, there, None, rows, columns, sums)

    if outer:
        return outermost(b, outer, -(-last // lanes), LONGEST, sums, zeros, b.fadd, turn)
    if whole:
        sums = in_blocks(b, 0, whole, lanes, LONGEST, sums, zeros, b.fadd, turn)
    if last > whole:
        mask = first_lanes(lanes, last - whole)
        sums = _step(b, a.into(b, whole), bs.into(b, whole), mask, rows, columns, sums)
    return sums


def _step(
    b: Builder, a: Operand, bs: Operand, mask: Value | None, rows: int, columns: int, sums: Totals
) -> Totals:
    kind = sums[0].type
    scalar = scalar_of(kind)
    lines = [b.load(kind, bs.at(b, j, scalar), mask) for j in range(columns)]
    new = []
    for i in range(rows):
        x = b.load(kind, a.at(b, i, scalar), mask)
        new += [b.fma(x, y, sums[len(new) + j]) for j, y in enumerate(lines)]
    return tuple(new)


def add_lanes(b: Builder, vectors: Sequence[Value]) -> Value:
    """One vector with the sum of all lanes of each given one; their number is a power of two.

    Neighbours are folded into one vector until a single one is left, then that one is folded in itself.
    """
    lanes, blocks = lanes_of(vectors[0].type), 1
    while len(vectors) > 1:
        blocks *= 2
        vectors = [_fold(b, x, y, lanes // blocks) for x, y in zip(vectors[::2], vectors[1::2], strict=True)]
    total = vectors[0]
    while lanes_of(total.type) > blocks:
        lanes = lanes_of(total.type)
        total = _add_alternating(b, total, total, range(lanes), lanes // blocks // 2)
    return total


def _fold(b: Builder, x: Value, y: Value, block: int) -> Value:
    """Add neighbouring blocks of lanes, in x and in y, and put the results side by side."""
    return _add_alternating(b, x, y, range(2 * lanes_of(x.type)), block)


def _add_alternating(b: Builder, x: Value, y: Value, lanes: range, block: int) -> Value:
    even = [lane for lane in lanes if lane // block % 2 == 0]
    odd = [lane for lane in lanes if lane // block % 2]
    return b.fadd(b.shuffle(x, y, even), b.shuffle(x, y, odd))
