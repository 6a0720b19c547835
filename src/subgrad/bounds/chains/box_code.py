"""Native code that bounds a chain of layers over boxes, one after the other: ``bound``, and ``shares`` of what is lost.

Units whose sign is open get intervals by two rows each, layer by layer. The matrices of a network of 50 units a layer
fit the second-level cache, and all that belongs to a box the first.
"""

from __future__ import annotations

from subgrad.bounds.chains.chain_code import BEGINS, BENDS, DOUBLE, INPUTS, MEMBERS, POLYTOPES, Entry
from subgrad.bounds.chains.descent_code import TABLE
from subgrad.bounds.chains.interval_code import IntervalCode
from subgrad.compile.code_target import Target
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, constant, zero

CERTAIN = 1e-300  # what a row is beyond its limit at least, for its box to be decided at once


class BoxCode(IntervalCode):
    """The functions of `IntervalCode`, with ``bound(table, begin, end)`` and ``shares(table, begin, end)``."""

    def __init__(self, cpu: Target, width: int, inputs: int) -> None:
        super().__init__(cpu, width, inputs)
        self._rows()
        self._nearest()
        self._bound()
        self._shares()

    # All rows, and whether they decide

    def _rows(self) -> None:
        """``rows(table, low, high, above, at_input, decided)``: lower bounds than there are, for all rows."""
        names = ("low", "high", "above", "at_input", "decided")
        low, high, above, at_input, decided = (Value("ptr", f"%{n}") for n in names)
        one, none = (constant("i64", n) for n in (1, 0))
        with self.module.function("rows", [TABLE, low, high, above, at_input, decided]) as b:
            slopes = b.buffer(DOUBLE, self.inputs)
            with b.loop(0, self._count(b, MEMBERS)) as turn:
                b.run("improve", [TABLE, TABLE, b.value(turn.index), low, high, above, at_input, slopes])
            with b.loop(0, self._count(b, POLYTOPES), carry=[one]) as turn:
                _, off = self._least(b, turn.index, above)
                outside = b.select(b.compare("olt", off, -CERTAIN), one, none)
                turn.carry = (b.op("and", turn.carry[0], outside),)
            b.store(turn.carry[0], decided)

    def _least(self, b: Builder, polytope: Index, above: Value) -> tuple[Value, Value]:
        """The row of a polytope that is least inside, and by how much at most."""
        counts, limits = self._pointer(b, Entry.COUNTS), self._pointer(b, Entry.LIMITS)
        begin, end = (b.load("i64", b.at(counts, b.add(polytope, BEGINS + k), "i64")) for k in (0, 1))
        rows = b.add(self._count(b, POLYTOPES), BEGINS + 1)
        with b.loop(begin, end, carry=[constant("i64", 0), constant(DOUBLE, float("inf"))]) as turn:
            best, least = turn.carry
            row = b.load("i64", b.at(counts, b.add(turn.index, rows), "i64"))
            off = b.fadd(*(b.load(DOUBLE, b.at(p, row, DOUBLE)) for p in (limits, above)))
            less = b.compare("olt", off, least)
            turn.carry = b.select(less, row, best), b.select(less, off, least)
        row, off = turn.carry
        return row, off

    def _nearest(self) -> None:
        """``nearest(table, low, high, above, at_input)``: by descent, the nearest row of each polytope still open."""
        low, high, above, at_input = (Value("ptr", f"%{n}") for n in ("low", "high", "above", "at_input"))
        given = [TABLE, low, high, above, at_input]
        with (
            self.module.function("nearest", given) as b,
            b.loop(0, self._count(b, POLYTOPES)) as turn,
        ):
            row, off = self._least(b, turn.index, above)
            inside = b.op("and", b.compare("oge", off, -CERTAIN), b.compare("olt", off, float("inf")))
            with b.when(inside):
                b.run("descend", [TABLE, row, low, high, above, at_input])

    def _boxes(self, b: Builder, i: Index) -> tuple[Value, ...]:
        """Where the i-th box has its ends, those of arguments, the bounds of rows, and the linear functions."""
        size, rows = b.mul(self._count(b, BENDS), self.width), self._count(b, MEMBERS)
        places = {
            Entry.LOW: self.inputs, Entry.HIGH: self.inputs, Entry.Z_LOW: size, Entry.Z_HIGH: size, Entry.ABOVE: rows,
            Entry.AT_INPUT: b.mul(rows, self.inputs),
        }  # fmt: skip
        return tuple(b.at(self._pointer(b, e), b.mul(i, n), DOUBLE) for e, n in places.items())

    def _bound(self) -> None:
        """``bound(table, begin, end)``: bounds of all rows over these boxes, and of arguments where they matter."""
        begin, end = Value("i64", "%begin"), Value("i64", "%end")
        with self.module.function("bound", [TABLE, begin, end], exported=True) as b:
            decided = b.buffer("i64", 1)
            with b.loop(begin, end) as turn:
                low, high, z_low, z_high, above, at_input = self._boxes(b, turn.index)
                b.run("relax_all", [TABLE, z_low, z_high])
                b.run("rows", [TABLE, low, high, above, at_input, decided])
                with b.when(b.compare("eq", b.load("i64", decided), 0)):
                    first, inner = self._pointer(b, Entry.FIRST), self._pointer(b, Entry.INNER)
                    self._narrow(b, 0, first, self.inputs, (low, high, z_low, z_high))
                    with b.loop(1, self._count(b, BENDS)) as layer:
                        weights = b.at(inner, b.mul(b.sub(layer.index, 1), self.width**2), DOUBLE)
                        self._narrow(b, layer.index, weights, self.width, (low, high, z_low, z_high))
                    b.run("rows", [TABLE, low, high, above, at_input, decided])
                    with b.when(b.compare("eq", b.load("i64", decided), 0)):
                        b.run("nearest", [TABLE, low, high, above, at_input])

    def _narrow(
        self, b: Builder, k: Index, weights: Value, stride: int, box: tuple[Value, Value, Value, Value]
    ) -> None:  # fmt: skip
        """Narrower intervals of a layer's arguments, by rows of those whose sign is open then; and its lines."""
        b.run("meet", [TABLE, b.value(k), *box])
        low, high, z_low, z_high = box
        z_low, z_high = (b.at(z, b.mul(k, self.width), DOUBLE) for z in (z_low, z_high))
        slopes, constants, errors = (self._layer(b, e, k) for e in (Entry.SLOPES, Entry.CONSTANTS, Entry.ERRORS))
        found, slack = b.buffer(DOUBLE, 1), b.buffer(DOUBLE, self.inputs)
        with b.loop(0, self.width) as turn:
            places = [b.at(p, turn.index, DOUBLE) for p in (z_low, z_high)]
            least, most = (b.load(DOUBLE, p) for p in places)
            slope = b.load(DOUBLE, b.at(slopes, turn.index, DOUBLE))
            signs = b.op("and", b.compare("olt", least, 0.0), b.compare("ogt", most, 0.0))
            with b.when(b.op("and", signs, b.compare("olt", slope, 1.0))):
                given, error = (b.load(DOUBLE, b.at(p, turn.index, DOUBLE)) for p in (constants, errors))
                start = b.at(weights, b.mul(turn.index, stride), DOUBLE)
                for sign in (1.0, -1.0):
                    added = given if sign > 0 else b.fsub(constant(DOUBLE, 0.0), given)
                    arguments = constant(DOUBLE, sign), added, error, low, high, slack, found
                    b.run("row", [TABLE, start, b.value(k), *arguments])
                    new = b.load(DOUBLE, found)
                    if sign > 0:
                        b.store(b.select(b.compare("olt", new, most), new, most), places[1])
                    else:
                        new = b.fsub(constant(DOUBLE, 0.0), new)
                        b.store(b.select(b.compare("ogt", new, least), new, least), places[0])
        b.run("relax", [TABLE, b.value(k), z_low, z_high])

    # What is lost

    def _shares(self) -> None:
        """``shares(table, begin, end)``: how much of what the chosen row of each box loses lies at each input.

        As `subgrad.bounds.branching.lost.by_inputs` has it, by lines of intervals that `bound` found.
        """
        begin, end = Value("i64", "%begin"), Value("i64", "%end")
        with self.module.function("shares", [TABLE, begin, end], exported=True) as b:
            above, at_input = b.buffer(DOUBLE, 1), b.buffer(DOUBLE, self.inputs)
            moved, passed = b.buffer(DOUBLE, self.width), b.buffer(DOUBLE, self.width)
            with b.loop(begin, end) as turn:
                low, high, z_low, z_high, *_ = self._boxes(b, turn.index)
                b.run("relax_all", [TABLE, z_low, z_high])
                row = b.load("i64", b.at(self._pointer(b, Entry.CHOSEN), turn.index, "i64"))
                self._start(b, TABLE, row, low, high, at_input, above)
                self._losses(b, z_low, z_high)
                to = b.at(self._pointer(b, Entry.LOST), b.mul(turn.index, self.inputs), DOUBLE)
                with b.loop(0, self._count(b, INPUTS)) as each:
                    ends = [b.load(DOUBLE, b.at(p, each.index, DOUBLE)) for p in (high, low)]
                    lost = self._moves(b, each.index, b.fsub(*ends), moved, passed)
                    b.store(self._sum(b, lost), b.at(to, each.index, DOUBLE))

    def _losses(self, b: Builder, z_low: Value, z_high: Value) -> None:
        """In the place of the trail: what each unit loses at most, for each unit of the width of its argument."""
        entries = Entry.UPPER, Entry.LOWER, Entry.OFFSET, Entry.TRAIL
        pointers = [z_low, z_high, *(self._pointer(b, e) for e in entries)]
        with b.loop(0, b.mul(self._count(b, BENDS), self.width), self.lanes) as turn:
            low, high, upper, lower, offset, trail = self._loads(b, pointers, turn.index)
            apart = b.fsub(upper, lower)
            ends = [b.fmul(apart, end) for end in (low, high)]
            gap = b.fadd(offset, b.select(b.compare("ogt", *ends), *ends))
            share = b.op("fdiv", b.fmul(b.intrinsic("llvm.fabs", trail), gap), b.fsub(high, low))
            share = b.select(b.compare("ogt", offset, 0.0), share, 0.0)
            b.store(share, b.at(pointers[-1], turn.index, DOUBLE))

    def _moves(self, b: Builder, number: Index, width: Value, moved: Value, passed: Value) -> Value:
        """The losses at one input, lane by lane: it moves all that comes behind it by upper lines."""
        first = b.at(self._pointer(b, Entry.FIRST_TURNED), b.mul(number, self.width), DOUBLE)
        by, inner = b.splat(width, self.lanes), self._pointer(b, Entry.INNER_TURNED)
        with b.loop(0, self.width, self.lanes) as turn:
            b.store(b.fmul(by, *self._loads(b, [first], turn.index)), b.at(moved, turn.index, DOUBLE))
        total = self._lost(b, 0, moved, passed, zero(self.kind))
        with b.loop(1, self._count(b, BENDS), carry=[total]) as layer:
            before = b.sub(layer.index, 1)
            weights = b.at(inner, b.mul(before, self.width**2), DOUBLE)
            self._through(b, passed, self._some(b, before), weights, moved, self.width)
            layer.carry = (self._lost(b, layer.index, moved, passed, layer.carry[0]),)
        return layer.carry[0]

    def _lost(self, b: Builder, k: Index, moved: Value, passed: Value, total: Value) -> Value:
        """What is lost in one layer, and how that passes on what moves its arguments."""
        shares, upper = (self._layer(b, e, k) for e in (Entry.TRAIL, Entry.UPPER))
        with b.loop(0, self.width, self.lanes, carry=[total]) as turn:
            x, share, slope = self._loads(b, (moved, shares, upper), turn.index)
            turn.carry = (b.fma(b.intrinsic("llvm.fabs", x), share, turn.carry[0]),)
            b.store(b.fmul(x, slope), b.at(passed, turn.index, DOUBLE))
        return turn.carry[0]


__all__ = ["BoxCode"]
