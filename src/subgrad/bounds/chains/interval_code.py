"""Native code for intervals of a layer's arguments by those of what it is made of: in wide boxes they are better."""

from __future__ import annotations

from subgrad.bounds.chains.chain_code import DOUBLE, INPUTS, Entry
from subgrad.bounds.chains.descent_code import TABLE, DescentCode
from subgrad.bounds.taylor.rounding import TINY
from subgrad.compile.code_target import Target
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Value, zero

PAIRS = 5  # sums of lower and of upper ends side by side


class IntervalCode(DescentCode):
    """The functions of `DescentCode`, and ``meet(table, k, low, high, z_low, z_high)``."""

    def __init__(self, cpu: Target, width: int, inputs: int) -> None:
        super().__init__(cpu, width, inputs)
        self._meet()

    def _meet(self) -> None:
        """``meet(table, k, low, high, z_low, z_high)``: narrower intervals of the arguments of the k-th bend.

        ``low`` and ``high`` are the ends of the box; ``z_low`` and ``z_high`` those of all arguments.
        """
        k = Value("i64", "%k")
        low, high, z_low, z_high = (Value("ptr", f"%{n}") for n in ("low", "high", "z_low", "z_high"))
        with self.module.function("meet", [TABLE, k, low, high, z_low, z_high]) as b:
            least, most = b.buffer(DOUBLE, self.width), b.buffer(DOUBLE, self.width)
            here = [b.at(z, b.mul(k, self.width), DOUBLE) for z in (z_low, z_high)]
            with b.when(b.compare("eq", k, 0)):
                weights = self._pointer(b, Entry.FIRST_TURNED)
                self._spread(b, (low, high), (None, self._count(b, INPUTS)), weights, (least, most))
            with b.when(b.compare("sgt", k, 0)):
                before = b.sub(k, 1)
                ends = [b.at(z, b.mul(before, self.width), DOUBLE) for z in (z_low, z_high)]
                results = b.buffer(DOUBLE, self.width), b.buffer(DOUBLE, self.width)
                self._bent(b, ends, self._layer(b, Entry.SLOPES, before), results)
                weights = b.at(self._pointer(b, Entry.INNER_TURNED), b.mul(before, self.width**2), DOUBLE)
                self._spread(b, results, self._some(b, before), weights, (least, most))
            constants, errors = (self._layer(b, e, k) for e in (Entry.CONSTANTS, Entry.ERRORS))
            with b.loop(0, self.width, self.lanes) as turn:
                below, above, added, lost, a, c = self._loads(b, [least, most, constants, errors, *here], turn.index)
                below, above = b.fadd(below, added), b.fadd(above, added)
                sizes = b.fadd(*(b.intrinsic("llvm.fabs", x) for x in (below, above)))
                lost = b.fadd(lost, b.fadd(b.fmul(sizes, 2.0**-50), TINY))
                below, above = b.fsub(below, lost), b.fadd(above, lost)
                b.store(b.select(b.compare("ogt", below, a), below, a), b.at(here[0], turn.index, DOUBLE))
                b.store(b.select(b.compare("olt", above, c), above, c), b.at(here[1], turn.index, DOUBLE))

    def _bent(self, b: Builder, ends: list[Value], slopes: Value, to: tuple[Value, Value]) -> None:
        """The intervals of a bend's results, up to a rounding."""
        with b.loop(0, self.width, self.lanes) as turn:
            low, high, slope = self._loads(b, [*ends, slopes], turn.index)
            one, other = (b.select(b.compare("oge", x, 0.0), x, b.fmul(slope, x)) for x in (low, high))
            less = b.compare("olt", one, other)
            least, most = b.select(less, one, other), b.select(less, other, one)
            signs = b.op("and", b.compare("olt", low, 0.0), b.compare("ogt", high, 0.0))
            falls = b.op("and", signs, b.compare("olt", slope, 0.0))
            b.store(b.select(falls, 0.0, least), b.at(to[0], turn.index, DOUBLE))
            b.store(most, b.at(to[1], turn.index, DOUBLE))

    def _spread(
        self, b: Builder, ends: tuple[Value, Value], some: tuple[Value | None, Value], weights: Value,
        to: tuple[Value, Value],
    ) -> None:  # fmt: skip
        """The least and the largest sums of products with rows of weights, of numbers between the ends."""
        places, count = some
        for start in range(0, self.width, PAIRS * self.lanes):
            ahead = range(start, min(self.width, start + PAIRS * self.lanes), self.lanes)
            with b.loop(0, count, carry=[zero(self.kind)] * (2 * len(ahead))) as turn:
                j = turn.index if places is None else b.load("i64", b.at(places, turn.index, "i64"))
                low, high = (b.splat(b.load(DOUBLE, b.at(p, j, DOUBLE)), self.lanes) for p in ends)
                row, sums = b.at(weights, b.mul(j, self.width), DOUBLE), list(turn.carry)
                for i, k in enumerate(ahead):
                    w = b.load(self.kind, b.at(row, k, DOUBLE))
                    rises = b.compare("ogt", w, 0.0)
                    sums[2 * i] = b.fma(w, b.select(rises, low, high), sums[2 * i])
                    sums[2 * i + 1] = b.fma(w, b.select(rises, high, low), sums[2 * i + 1])
                turn.carry = tuple(sums)
            for i, k in enumerate(ahead):
                for side in (0, 1):
                    b.store(turn.carry[2 * i + side], b.at(to[side], k, DOUBLE))


__all__ = ["IntervalCode"]
