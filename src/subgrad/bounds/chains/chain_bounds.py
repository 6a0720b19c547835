"""Bounds of boxes by native code, for networks that are a chain of affine maps and relus."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

from subgrad.bounds.backward.linear_bounds import Boxes, LinearBounds
from subgrad.bounds.branching.open_boxes import Bounded, Open, Undecided, nearest, settled
from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.bounds.chains.chain_code import Entry
from subgrad.bounds.chains.layer_chain import Layer, arrays_of, chain_of
from subgrad.intervals.arithmetic import Interval


def chain_bounds(bounds: LinearBounds, of: Polytopes) -> ChainBounds | None:
    """Native bounds over parts of a box; None for what is no chain, is not bounded there, or without llvmlite."""
    from subgrad.compile.native import has_llvmlite

    low, high = of.box.T[:, None]
    whole = bounds.over(low, high)
    layers = chain_of(whole) if has_llvmlite() else None
    return None if layers is None else ChainBounds(bounds, of, whole, layers)


class ChainBounds:
    """As `subgrad.bounds.branching.open_boxes.bounded`, box after box in native code.

    What is kept of boxes are the intervals of all arguments of bends, with room for whole vectors.
    """

    def __init__(self, bounds: LinearBounds, of: Polytopes, whole: Boxes, layers: list[Layer]) -> None:
        from subgrad.compile.runtime.cpu import host

        lanes = host().lanes("float64")
        self.of, self._bounds, self._whole, self._layers = of, bounds, whole, layers
        found = arrays_of(layers, whole, -of.rows, lanes)
        (self._bends, self._width), self._inputs = found.slopes.shape, found.first.shape[1]
        self._functions = _functions(self._width, self._inputs)
        begins = np.cumsum([0, *map(len, of.members)])
        counts = [self._bends, len(of.rows), len(of.box), len(of.members), *begins, *np.concatenate(of.members)]
        self._arrays: dict[Entry, np.ndarray] = {
            Entry.FIRST: found.first,
            Entry.INNER: found.inner,
            Entry.FIRST_TURNED: found.first.T,
            Entry.INNER_TURNED: found.inner.transpose(0, 2, 1),
            Entry.ROWS: found.rows,
            Entry.CONSTANTS: found.constants,
            Entry.ROW_CONSTANTS: found.row_constants,
            Entry.ERRORS: found.errors,
            Entry.ROW_ERRORS: found.row_errors,
            Entry.BEND_ERRORS: found.bend_errors,
            Entry.INPUT_ERRORS: found.input_errors,
            Entry.SLOPES: found.slopes,
            Entry.LIMITS: of.limits[:, 1],
            Entry.COUNTS: np.array(counts, np.int64),
        }
        self._arrays = {e: np.ascontiguousarray(a) for e, a in self._arrays.items()}

    def kept(self, boxes: Open) -> Open:
        """Boxes of `subgrad.bounds.branching.open_boxes.bounded` with what is kept of them here."""
        inside = Interval(boxes.inner_low, boxes.inner_high)
        over = self._bounds.over(boxes.low, boxes.high, inside, refined=False)
        ends = np.full((2, len(boxes), self._bends, self._width), -1.0)  # never alive behind the end
        for k, layer in enumerate(self._layers[:-1]):
            n = len(layer.constant)
            found, whole = over.intervals[layer.step], self._whole.intervals[layer.step]
            ends[0, :, k, :n] = np.maximum(found.low, whole.low).reshape(-1, n)
            ends[1, :, k, :n] = np.minimum(found.high, whole.high).reshape(-1, n)
        low, high = ends.reshape(2, len(boxes), self._bends * self._width)
        return Open(boxes.low, boxes.high, boxes.axis, boxes.corner, boxes.excess, low, high)

    def bounded(self, low: np.ndarray, high: np.ndarray, inside: Interval) -> Bounded:
        """What becomes of boxes, with what is known inside of boxes that hold them."""
        boxes = self.bounds_of(low, high, inside)
        most = self.of.excess(boxes.below).max(axis=1)
        left, done = most >= 0, float(most[most < 0].max(initial=-np.inf))
        return settled(self.of, boxes[left], done, [(low[~left], high[~left])])

    def bounds_of(self, low: np.ndarray, high: np.ndarray, inside: Interval) -> Undecided:
        """What bounds say of boxes, whether that decides them or not; then their losses are 0."""
        n, m, d = len(low), len(self.of.rows), low.shape[1]
        inner = [np.array(e) for e in inside]
        above, at_input = np.full((n, m), np.inf), np.zeros((n, m, self._inputs))
        ends = [self._padded(e) for e in (low, high)]
        boxes = [*ends, *inner, above, at_input]
        self._run("bound", boxes)
        excess, rows = nearest(self.of, -above)
        row = rows[np.arange(n), np.argmax(excess, axis=1)]
        left = np.flatnonzero(excess.max(axis=1) >= 0)
        lost, part = np.zeros((n, self._inputs)), np.zeros((len(left), self._inputs))
        self._run("shares", [e[left] for e in boxes], {Entry.LOST: part, Entry.CHOSEN: row[left].astype(np.int64)})
        lost[left] = part
        return Undecided(low, high, -above, -at_input[:, :, :d], row, lost[:, :d], *inner)

    def _padded(self, x: np.ndarray) -> np.ndarray:
        found = np.zeros((len(x), self._inputs))
        found[:, : x.shape[1]] = x
        return found

    def _run(self, name: str, boxes: list[np.ndarray], more: dict[Entry, np.ndarray] | None = None) -> None:
        """Call a native function for all of the boxes, given as the arrays from `Entry.LOW` on."""
        shape = self._bends, self._width
        given = {
            **self._arrays, **dict(zip(tuple(Entry)[Entry.LOW : Entry.LOST], boxes, strict=True)), **(more or {}),
            **{e: np.empty(shape) for e in (Entry.UPPER, Entry.LOWER, Entry.OFFSET, Entry.TRAIL, Entry.CHOSEN_LOWER)},
            Entry.ALIVE: np.empty(shape, np.int64), Entry.ALIVE_COUNTS: np.empty(self._bends, np.int64),
        }  # fmt: skip
        table = np.array([given[e].ctypes.data if e in given else 0 for e in Entry], np.uintp)
        lines = table.copy()
        lines[Entry.LOWER], table[Entry.LINES] = table[Entry.CHOSEN_LOWER], lines.ctypes.data
        self._functions[name](table.ctypes.data, 0, len(boxes[0]))


@functools.lru_cache(16)
def _functions(width: int, inputs: int) -> dict[str, Any]:
    """The native functions for layers of this width."""
    from subgrad.bounds.chains.box_code import BoxCode
    from subgrad.compile.native import load
    from subgrad.compile.runtime.cpu import host

    cpu = host()
    library = load(str(BoxCode(cpu, width, inputs).module), cpu)
    types = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    return {name: library.function(name, None, types) for name in ("bound", "shares")}


__all__ = ["ChainBounds", "chain_bounds"]
