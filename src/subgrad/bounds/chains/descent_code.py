"""Native code that tightens the bound of a row: the slopes of the lower lines of bends are chosen for it by descent.

As in `subgrad.bounds.backward.tightening`, the derivatives by slopes are the values of arguments at the corner where
the row's linear function is largest, by the lines that the row took. Steps go by their signs, and get shorter; the
best bound counts.
"""

from __future__ import annotations

from subgrad.bounds.backward.tightening import FIRST, LAST
from subgrad.bounds.chains.chain_code import BENDS, DOUBLE, INPUTS, ChainCode, Entry
from subgrad.compile.code_target import Target
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, constant

ROUNDS = 4
TABLE = Value("ptr", "%table")


class DescentCode(ChainCode):
    """The functions of `ChainCode`, and ``descend(table, row, low, high, above, at_input)``."""

    def __init__(self, cpu: Target, width: int, inputs: int) -> None:
        super().__init__(cpu, width, inputs)
        self._improve()
        self._step()
        self._descend()

    def _start(
        self, b: Builder, table: Value, number: Index, low: Value, high: Value, at_input: Value, above: Value
    ) -> None:  # fmt: skip
        """Send a row of those to be bounded on its way, by the lines of a table."""
        start = b.at(self._pointer(b, Entry.ROWS), b.mul(number, self.width), DOUBLE)
        given, error = (
            b.load(DOUBLE, b.at(self._pointer(b, e), number, DOUBLE)) for e in (Entry.ROW_CONSTANTS, Entry.ROW_ERRORS)
        )
        arguments = start, self._count(b, BENDS), constant(DOUBLE, 1.0), given, error, low, high, at_input, above
        b.run("row", [table, *arguments])

    def _improve(self) -> None:
        """``improve(table, lines, row, low, high, above, at_input, slopes)``: perhaps a lower bound, by these lines."""
        names = ("lines", "low", "high", "above", "at_input", "slopes")
        lines, low, high, above, at_input, slopes = (Value("ptr", f"%{n}") for n in names)
        row = Value("i64", "%row")
        parameters = [TABLE, lines, row, low, high, above, at_input, slopes]
        with self.module.function("improve", parameters) as b:
            found = b.buffer(DOUBLE, 1)
            self._start(b, lines, row, low, high, slopes, found)
            new, place = b.load(DOUBLE, found), b.at(above, row, DOUBLE)
            with b.when(b.compare("olt", new, b.load(DOUBLE, place))):
                b.store(new, place)
                to = b.at(at_input, b.mul(row, self.inputs), DOUBLE)
                for k in range(0, self.inputs, self.lanes):
                    b.store(b.load(self.kind, b.at(slopes, k, DOUBLE)), b.at(to, k, DOUBLE))

    def _descend(self) -> None:
        """``descend(table, row, low, high, above, at_input)``: by lines whose lower slopes are chosen for the row."""
        low, high, above, at_input = (Value("ptr", f"%{n}") for n in ("low", "high", "above", "at_input"))
        row = Value("i64", "%row")
        with self.module.function("descend", [TABLE, row, low, high, above, at_input]) as b:
            slopes, lines = b.buffer(DOUBLE, self.inputs), self._pointer(b, Entry.LINES)
            lower, chosen = self._pointer(b, Entry.LOWER), self._pointer(b, Entry.CHOSEN_LOWER)
            with b.loop(0, b.mul(self._count(b, BENDS), self.width), self.lanes) as turn:
                (slope,) = self._loads(b, [lower], turn.index)
                b.store(slope, b.at(chosen, turn.index, DOUBLE))
            arguments = row, low, high, above, at_input, slopes
            b.run("improve", [TABLE, lines, *arguments])
            with b.loop(0, ROUNDS, carry=[constant(DOUBLE, FIRST)]) as turn:
                b.run("step", [TABLE, turn.carry[0], low, high, slopes])
                b.run("improve", [TABLE, lines, *arguments])
                turn.carry = (b.fmul(turn.carry[0], LAST ** (1 / ROUNDS)),)

    def _step(self) -> None:
        """``step(table, size, low, high, slopes)``: move the chosen slopes, where the last row has left its trail."""
        size = Value(DOUBLE, "%size")
        low, high, slopes = (Value("ptr", f"%{n}") for n in ("low", "high", "slopes"))
        with self.module.function("step", [TABLE, size, low, high, slopes]) as b:
            corner, values = b.buffer(DOUBLE, self.inputs), b.buffer(DOUBLE, self.width)
            results, by = b.buffer(DOUBLE, self.width), b.splat(size, self.lanes)
            for k in range(0, self.inputs, self.lanes):
                a, least, most = self._loads(b, [slopes, low, high], k)
                b.store(b.select(b.compare("ogt", a, 0.0), most, least), b.at(corner, k, DOUBLE))
            first = self._pointer(b, Entry.FIRST_TURNED)
            self._through(b, corner, (None, self._count(b, INPUTS)), first, values, self.width)
            self._move(b, 0, values, results, by)
            inner = self._pointer(b, Entry.INNER_TURNED)
            with b.loop(1, self._count(b, BENDS)) as layer:
                before = b.sub(layer.index, 1)
                weights = b.at(inner, b.mul(before, self.width**2), DOUBLE)
                self._through(b, results, self._some(b, before), weights, values, self.width)
                self._move(b, layer.index, values, results, by)

    def _move(self, b: Builder, k: Index, values: Value, results: Value, by: Value) -> None:
        """The slopes of one layer, and its results on the lines that the row took."""
        entries = Entry.CONSTANTS, Entry.TRAIL, Entry.UPPER, Entry.OFFSET, Entry.CHOSEN_LOWER, Entry.SLOPES
        pointers = [values, *(self._layer(b, e, k) for e in entries)]
        with b.loop(0, self.width, self.lanes) as turn:
            z, added, trail, upper, offset, lower, least = self._loads(b, pointers, turn.index)
            z, positive = b.fadd(z, added), b.compare("ogt", trail, 0.0)
            result = b.select(positive, b.fma(upper, z, offset), b.fmul(lower, z))
            b.store(result, b.at(results, turn.index, DOUBLE))
            slope = b.select(positive, 0.0, b.fmul(trail, z))
            less, more = b.fsub(lower, by), b.fadd(lower, by)
            less = b.select(b.compare("olt", less, least), least, less)
            more = b.select(b.compare("ogt", more, 1.0), 1.0, more)
            moved = b.select(b.compare("ogt", slope, 0.0), less, b.select(b.compare("olt", slope, 0.0), more, lower))
            moved = b.select(b.compare("ogt", offset, 0.0), moved, lower)  # where the sign is open
            b.store(moved, b.at(pointers[5], turn.index, DOUBLE))


__all__ = ["TABLE", "DescentCode"]
