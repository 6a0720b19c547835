"""Sums whose rounding errors do not grow with the number of terms: blocks of terms, and blocks of blocks.

A running total of n terms can lose n times the rounding of one addition. Here no total takes more than `BLOCK` terms:
then it is a term of the next level's total itself. So an error is at most ``BLOCK * levels`` roundings, with
``levels = ceil(log(n) / log(BLOCK))``; see Higham, "Accuracy and Stability of Numerical Algorithms" (2002), 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value

BLOCK = 64
"""Terms that are added up one after the other: as many as hide what it costs to begin with the next block."""

Totals = tuple[Value, ...]
Turn = Callable[[Index, Totals], Totals]
"""From a place, and the totals before it, to the totals after it."""

Combine = Callable[[Value, Value], Value]


def in_blocks(
    b: Builder, begin: int, end: int, step: int, most: int, totals: Totals, fresh: Totals, combine: Combine, turn: Turn
) -> Totals:
    """``turn`` from ``begin`` to ``end`` in steps: at most ``most`` turns with one total, which ``fresh`` begins.

    ``totals`` take what the turns, or the blocks of them, come to.
    """
    turns = -(-(end - begin) // step)
    return _level(b, begin, end, turns, True, step, most, totals, fresh, combine, turn)


def outermost(
    b: Builder, sizes: Sequence[int], terms: int, most: int, totals: Totals, fresh: Totals, combine: Combine, turn: Turn
) -> Totals:
    """The outermost of nested loops of the given ``sizes``, of which the innermost step brings so many ``terms``.

    ``turn`` goes through the loops inside; it gets fresh totals where those bring more than ``most`` terms.
    """
    inner = terms * math.prod(sizes[1:])
    if inner <= most:
        return in_blocks(b, 0, sizes[0], 1, most // max(1, inner), totals, fresh, combine, turn)

    def apart(index: Index, totals: Totals) -> Totals:
        return tuple(map(combine, totals, turn(index, fresh)))

    return in_blocks(b, 0, sizes[0], 1, BLOCK, totals, fresh, combine, apart)


def _level(
    b: Builder, begin: Index, end: Index, turns: int, exactly: bool, step: int, most: int, totals: Totals,
    fresh: Totals, combine: Combine, turn: Turn,
) -> Totals:  # fmt: skip
    """As `in_blocks`, for so many turns exactly or at most."""
    if turns == 1 and exactly:
        return turn(begin, totals)
    if turns <= most:
        with b.loop(begin, end, step, carry=totals) as each:
            each.carry = turn(each.index, each.carry)
        return each.carry
    width = most
    while width * BLOCK < turns:
        width *= BLOCK
    whole = exactly and turns % width == 0
    with b.loop(begin, end, width * step, carry=totals) as block:
        stop = b.add(block.index, width * step)
        stop = stop if whole else b.min(stop, end)
        found = _level(b, block.index, stop, width, whole, step, most, fresh, fresh, combine, turn)
        block.carry = tuple(map(combine, block.carry, found))
    return block.carry


__all__ = ["BLOCK", "in_blocks", "outermost"]
