"""Native code for one box and a chain of layers: the lines of bends, and the way of a row back to the input.

The slopes and offsets of bends are made of the intervals of their arguments (`relax`). A row goes back through the
layers (`row`) by sums over those units alone whose lines are not 0. Errors are counted as
`subgrad.bounds.chains.layer_chain.Arrays` has them. What is NaN is no bound, and must narrow nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from subgrad.bounds.backward.rows_back import SLACK
from subgrad.bounds.taylor.rounding import TINY
from subgrad.compile.code_target import Target
from subgrad.compile.codegen.llvm import Builder, Module
from subgrad.compile.codegen.llvm_values import Index, Value, constant, vector, zero


class Entry(IntEnum):
    """What the pointers of the table point to: arrays of float64, but for places, numbers and a table."""

    FIRST = 0
    INNER = 1
    FIRST_TURNED = 2
    INNER_TURNED = 3
    ROWS = 4
    CONSTANTS = 5
    ROW_CONSTANTS = 6
    ERRORS = 7
    ROW_ERRORS = 8
    BEND_ERRORS = 9
    INPUT_ERRORS = 10
    SLOPES = 11
    LIMITS = 12
    LOW = 13  # of the boxes, (n, D)
    HIGH = 14
    Z_LOW = 15  # of the arguments of bends there, (n, K, N); narrowed
    Z_HIGH = 16
    ABOVE = 17  # upper bounds of rows, (n, m); lowered
    AT_INPUT = 18  # the linear functions that have them, (n, m, D)
    LOST = 19  # (n, D)
    UPPER = 20  # room for one box, (K, N): slopes of upper and lower lines, upper offsets, coefficients of a row
    LOWER = 21
    OFFSET = 22
    TRAIL = 23
    ALIVE = 24  # the units whose lines are not 0, (K, N), and how many they are, (K,)
    ALIVE_COUNTS = 25
    CHOSEN = 26  # a row for each box
    COUNTS = 27  # K, m, the number of inputs, of polytopes, where the rows of each begin, these rows
    CHOSEN_LOWER = 28  # room for slopes of lower lines that are chosen for a row, (K, N)
    LINES = 29  # a table with these in the place of the others


BENDS, MEMBERS, INPUTS, POLYTOPES, BEGINS = range(5)  # places in COUNTS
REGISTERS = 12  # sums side by side
DOUBLE = "double"


class ChainCode:
    """Functions for layers of ``width`` elements, and so many inputs: multiples of those of a vector."""

    def __init__(self, cpu: Target, width: int, inputs: int) -> None:
        self.module, self.lanes = Module(cpu), cpu.lanes("float64")
        self.width, self.inputs, self.kind = width, inputs, vector(DOUBLE, cpu.lanes("float64"))
        self._relax()
        self._relax_all()
        self._row()

    # Pieces

    def _pointer(self, b: Builder, entry: Entry) -> Value:
        place = b.at(Value("ptr", "%table"), int(entry), "ptr")
        return b.emit("ptr", f"load ptr, ptr {place}, align {self.module.cpu.pointer_bytes}")

    def _count(self, b: Builder, number: int) -> Value:
        return b.load("i64", b.at(self._pointer(b, Entry.COUNTS), number, "i64"))

    def _loads(self, b: Builder, pointers: Sequence[Value], at: Index) -> list[Value]:
        return [b.load(self.kind, b.at(p, at, DOUBLE)) for p in pointers]

    def _sum(self, b: Builder, x: Value) -> Value:
        room = b.buffer(DOUBLE, self.lanes)
        b.store(x, room)
        total = b.load(DOUBLE, room)
        for i in range(1, self.lanes):
            total = b.fadd(total, b.load(DOUBLE, b.at(room, i, DOUBLE)))
        return total

    def _through(
        self, b: Builder, given: Value, some: tuple[Value | None, Value], weights: Value, to: Value, width: int
    ) -> None:  # fmt: skip
        """The products of ``some`` elements of ``given``, or of the first ones, with rows of weights, added up."""
        places, count = some
        for start in range(0, width, REGISTERS * self.lanes):
            ahead = range(start, min(width, start + REGISTERS * self.lanes), self.lanes)
            with b.loop(0, count, carry=[zero(self.kind)] * len(ahead)) as turn:
                j = turn.index if places is None else b.load("i64", b.at(places, turn.index, "i64"))
                x = b.splat(b.load(DOUBLE, b.at(given, j, DOUBLE)), self.lanes)
                row = b.at(weights, b.mul(j, width), DOUBLE)
                turn.carry = tuple(
                    b.fma(x, b.load(self.kind, b.at(row, k, DOUBLE)), total)
                    for k, total in zip(ahead, turn.carry, strict=True)
                )
            for k, total in zip(ahead, turn.carry, strict=True):
                b.store(total, b.at(to, k, DOUBLE))

    def _layer(self, b: Builder, entry: Entry, k: Index) -> Value:
        """Where the k-th of arrays (K, N) begins."""
        return b.at(self._pointer(b, entry), b.mul(k, self.width), DOUBLE)

    def _some(self, b: Builder, k: Index) -> tuple[Value, Value]:
        """The places and the number of the units of a layer that are alive."""
        places = b.at(self._pointer(b, Entry.ALIVE), b.mul(k, self.width), "i64")
        return places, b.load("i64", b.at(self._pointer(b, Entry.ALIVE_COUNTS), k, "i64"))

    # The lines of one layer

    def _relax(self) -> None:
        """``relax(table, k, low, high)``: from the intervals of a layer's arguments."""
        k, low, high = Value("i64", "%k"), Value("ptr", "%low"), Value("ptr", "%high")
        with self.module.function("relax", [Value("ptr", "%table"), k, low, high]) as b:
            slopes, upper, lower, offset = (
                self._layer(b, e, k) for e in (Entry.SLOPES, Entry.UPPER, Entry.LOWER, Entry.OFFSET)
            )
            with b.loop(0, self.width, self.lanes) as turn:
                at = turn.index
                lines = self._lines(b, *self._loads(b, (low, high, slopes), at))
                for line, pointer in zip(lines, (upper, lower, offset), strict=True):
                    b.store(line, b.at(pointer, at, DOUBLE))
            places = b.at(self._pointer(b, Entry.ALIVE), b.mul(k, self.width), "i64")
            with b.loop(0, self.width, carry=[constant("i64", 0)]) as turn:
                (count,) = turn.carry
                b.store(b.value(turn.index), b.at(places, count, "i64"))
                values = [b.load(DOUBLE, b.at(p, turn.index, DOUBLE)) for p in (upper, lower)]
                there = b.op("or", *(b.compare("une", v, 0.0) for v in values))
                turn.carry = (b.op("add nsw", count, b.select(there, constant("i64", 1), 0)),)
            b.store(turn.carry[0], b.at(self._pointer(b, Entry.ALIVE_COUNTS), k, "i64"))

    def _lines(self, b: Builder, low: Value, high: Value, slope: Value) -> tuple[Value, Value, Value]:
        """The slopes of the upper and the lower line, and the offset of the upper one, as `curves.bent` has them."""
        signs = b.op("and", b.compare("olt", low, 0.0), b.compare("ogt", high, 0.0))
        both = b.op("and", signs, b.compare("olt", slope, 1.0))
        chord = b.op("fdiv", b.fsub(high, b.fmul(slope, low)), b.fsub(high, low))
        chord = b.select(b.compare("olt", chord, slope), slope, chord)
        chord = b.select(b.compare("ogt", chord, 1.0), 1.0, chord)
        left = b.fsub(b.fmul(slope, low), b.fmul(chord, low))
        right = b.fsub(high, b.fmul(chord, high))
        offset = b.select(b.compare("ogt", left, right), left, right)
        steep = b.intrinsic("llvm.fabs", slope)
        steep = b.select(b.compare("olt", steep, 1.0), 1.0, steep)
        sizes = b.fadd(b.fmul(steep, b.intrinsic("llvm.fabs", low)), high)
        offset = b.fadd(offset, b.fadd(b.fmul(sizes, 2.0**-49), TINY))  # more than all roundings of these two lines
        beside = b.select(b.compare("oge", low, 0.0), 1.0, slope)
        flat = b.select(b.compare("ogt", b.fadd(high, low), 0.0), 1.0, slope)
        return b.select(both, chord, beside), b.select(both, flat, beside), b.select(both, offset, 0.0)

    def _relax_all(self) -> None:
        """``relax_all(table, low, high)``: the lines of all layers."""
        given = [Value("ptr", f"%{n}") for n in ("table", "low", "high")]
        with self.module.function("relax_all", given) as b, b.loop(0, self._count(b, BENDS)) as turn:
            ends = [b.at(p, b.mul(turn.index, self.width), DOUBLE) for p in given[1:]]
            b.run("relax", [given[0], b.value(turn.index), *ends])

    # One row

    def _row(self) -> None:
        """``row(table, start, level, sign, constant, error, low, high, at_input, above)``: an upper bound over a box.

        The row has the coefficients ``sign * start`` of the results of the first ``level`` bends; of the input if that
        is 0.
        """
        table, start, level, sign = (
            Value(t, f"%{n}") for t, n in (("ptr", "table"), ("ptr", "start"), ("i64", "level"), (DOUBLE, "sign"))
        )
        given, error = Value(DOUBLE, "%constant"), Value(DOUBLE, "%error")
        low, high, at_input, above = (Value("ptr", f"%{n}") for n in ("low", "high", "at_input", "above"))
        parameters = [table, start, level, sign, given, error, low, high, at_input, above]
        with self.module.function("row", parameters) as b:
            a, moved = b.buffer(DOUBLE, max(self.width, self.inputs)), b.buffer(DOUBLE, self.width)
            by = b.splat(sign, self.lanes)
            for condition, width in (("eq", self.inputs), ("ne", self.width)):
                with b.when(b.compare(condition, level, 0)), b.loop(0, width, self.lanes) as turn:
                    b.store(b.fmul(by, *self._loads(b, [start], turn.index)), b.at(a, turn.index, DOUBLE))
            inner = self._pointer(b, Entry.INNER)
            with b.loop(0, level, carry=[zero(self.kind)] * 2) as turn:
                k = b.sub(b.sub(level, 1), turn.index)
                turn.carry = self._bend(b, k, a, moved, turn.carry)
                some, number = self._some(b, k), b.value(k)
                with b.when(b.compare("sgt", number, 0)):
                    weights = b.at(inner, b.mul(b.sub(k, 1), self.width**2), DOUBLE)
                    self._through(b, moved, some, weights, a, self.width)
                with b.when(b.compare("eq", number, 0)):
                    self._through(b, moved, some, self._pointer(b, Entry.FIRST), a, self.inputs)
            total, off = turn.carry
            pointers = a, low, high, self._pointer(b, Entry.INPUT_ERRORS)
            for k in range(0, self.inputs, self.lanes):
                x, least, most, lost = self._loads(b, pointers, k)
                total = b.fma(x, b.select(b.compare("ogt", x, 0.0), most, least), total)
                off = b.fma(b.intrinsic("llvm.fabs", x), lost, off)
                b.store(x, b.at(at_input, k, DOUBLE))
            off = b.fmul(b.fadd(self._sum(b, off), error), SLACK)
            found = b.fadd(b.fadd(self._sum(b, total), given), off)
            roundings = b.fadd(b.fmul(b.intrinsic("llvm.fabs", found), 2.0**-50), TINY)
            b.store(b.fadd(found, roundings), above)

    def _bend(
        self, b: Builder, k: Index, a: Value, moved: Value, sums: Sequence[Value]
    ) -> tuple[Value, Value]:  # fmt: skip
        """From coefficients of a bend's results to those of its arguments, with what is added on the way."""
        entries = Entry.UPPER, Entry.LOWER, Entry.OFFSET, Entry.CONSTANTS, Entry.BEND_ERRORS
        pointers, trail = [self._layer(b, e, k) for e in entries], self._layer(b, Entry.TRAIL, k)
        with b.loop(0, self.width, self.lanes, carry=sums) as turn:
            total, off = turn.carry
            x, upper, lower, offset, added, lost = self._loads(b, [a, *pointers], turn.index)
            positive = b.compare("ogt", x, 0.0)
            y = b.fmul(x, b.select(positive, upper, lower))
            total = b.fma(b.select(positive, x, 0.0), offset, total)
            turn.carry = b.fma(y, added, total), b.fma(b.intrinsic("llvm.fabs", x), lost, off)
            b.store(y, b.at(moved, turn.index, DOUBLE))
            b.store(x, b.at(trail, turn.index, DOUBLE))
        total, off = turn.carry
        return total, off


__all__ = ["BEGINS", "BENDS", "DOUBLE", "INPUTS", "MEMBERS", "POLYTOPES", "ChainCode", "Entry"]
