"""Bounds of linear functions of a network's outputs over many boxes, by going backward through its steps.

A row of coefficients stands for a linear function of a step. It is replaced by one of the step's inputs that is nowhere
smaller: an affine step exactly, a curve by the upper line where its coefficient is positive, by the lower one where it
is negative. At the point, the function is at most what the corners of the box make of it (Zhang et al., "Efficient
neural network robustness certification with general activation functions", 2018, arXiv 1811.00866; for graphs: Xu et
al., 2020, arXiv 2002.12920). The intervals that curves are relaxed on are found the same way, step by step, for those
elements alone for which it matters.

All rows of all boxes are one matrix, whose row knows its box. What rounding may have done is added up beside each row
(see `subgrad.bounds.backward.affine`). Bounds hold for the network in real arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from subgrad.bounds.backward.affine import Affine, gamma
from subgrad.bounds.backward.curves import Curve, Relaxation
from subgrad.bounds.backward.exact_values import ExactValues
from subgrad.bounds.backward.rows_back import Choice, Rows, dots, taken, times
from subgrad.bounds.backward.walk_back import Step, steps_of
from subgrad.bounds.taylor.rounding import TINY, UNIT
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.graph.tensor import Tensor
from subgrad.intervals.arithmetic import Interval

LEAST = 2.0**-1070  # more than a product loses that underflows
ROOM = 2**16  # coefficients of the rows that go backward at once: they stay in the second-level cache


class LinearBounds:
    """Bounds the outputs of a traced network.

    An op that has no bounds may give any number, as far as they know: ``unknown`` names such ops.

    Args:
        point: the placeholder of the point, shape (1, d).
        output: the node of the outputs, shape (k,).
        weights: what the other placeholders of the graph hold.
    """

    def __init__(self, point: Tensor, output: Tensor, weights: Mapping[Tensor, np.ndarray]) -> None:
        self.point, self.output, self.weights = point, output, weights
        self.steps = steps_of(point, output, weights)
        self.outputs = output.size
        self.unknown = list(dict.fromkeys(s.node.op.name for s in self.steps if s.node is not None and s.unknown))
        largest = max(math.prod(s.shape) for s in self.steps)
        self.work = largest**2 * max(1, sum(math.prod(self.steps[k].shape) for k in _curved(self.steps)))
        self._exact = ExactValues(self.steps)

    def over(
        self, low: np.ndarray, high: np.ndarray, inside: Interval | dict[int, Interval] | None = None,
        refined: bool = True,
    ) -> Boxes:  # fmt: skip
        """The steps over boxes with these corners, shape (B, d): what `Boxes.below` takes.

        ``inside`` is what `Boxes.kept` was of boxes that hold these: it narrows the intervals from the start. Or it has
        intervals that affine steps have there, by their numbers. If not ``refined``, nothing narrower is looked for.
        """
        with np.errstate(all="ignore"):
            return Boxes(self.steps, low, high, inside, refined)


    @cached_property
    def _interpreter(self) -> Interpreter:
        return Interpreter([self.point, *self.weights], [self.output])

    def run(self, x: np.ndarray) -> np.ndarray:
        """What the network gives in floats at a point, shape (d,)."""
        with np.errstate(all="ignore"):
            return self._interpreter([x.reshape(self.point.shape), *self.weights.values()])[0]

    def exactly(self, x: np.ndarray) -> list[Fraction | None]:
        """The outputs at a point, shape (d,), without rounding; None where that is not possible."""
        return self._exact.at(self.over(x[None], x[None], refined=False).intervals)


@dataclass(frozen=True, eq=False)
class Below:
    """Lower bounds of rows over boxes.

    Attributes:
        bound: shape (B, m); minus infinity where nothing is known.
        slopes: the linear function of the point that lies below the row, shape (B, m, d).
        trail: the coefficients with which the rows came to curves, by the numbers of their steps, shape (B, m, \\*T).
    """

    bound: np.ndarray
    slopes: np.ndarray
    trail: dict[int, np.ndarray]


class Boxes:
    """The intervals and relaxations of all steps over some boxes."""

    def __init__(
        self, steps: list[Step], low: np.ndarray, high: np.ndarray, inside: Interval | dict[int, Interval] | None,
        refined: bool,
    ) -> None:  # fmt: skip
        self.steps, self.count, self._settled = steps, len(low), not refined
        self._inside = self._parted(inside) if isinstance(inside, Interval) else inside or {}
        shape = (self.count, *steps[0].shape)
        self.intervals = [Interval(low.reshape(shape), high.reshape(shape))]
        self.relaxations: dict[int, Relaxation] = {}
        self.errors: dict[int, np.ndarray | None] = {}
        self._sizes: dict[int, np.ndarray] = {}
        self._unbounded: dict[int, tuple[np.ndarray, np.ndarray] | None] = {}
        self._underflows: dict[int, float] = {}
        self._refined: set[int] = set()
        for k in range(1, len(steps)):
            self.intervals.append(self._interval(k))

    @property
    def kept(self) -> Interval:
        """The intervals that were found backward, of all steps side by side, shape (B, W)."""
        wanted = _curved(self.steps)
        none = np.empty((self.count, 0))
        sides = ([none, *(self.intervals[k][side].reshape(self.count, -1) for k in wanted)] for side in (0, 1))
        return Interval(*(np.concatenate(side, axis=1) for side in sides))

    def _parted(self, kept: Interval) -> dict[int, Interval]:
        wanted = _curved(self.steps)
        ends = np.cumsum([0, *(math.prod(self.steps[k].shape) for k in wanted)])
        shapes = {k: (self.count, *self.steps[k].shape) for k in wanted}
        return {
            k: Interval(*(side[:, a:b].reshape(shapes[k]) for side in kept))
            for k, a, b in zip(wanted, ends[:-1], ends[1:], strict=True)
        }

    @property
    def outputs(self) -> Interval:
        """The interval of the outputs, shape (B, k)."""
        return self.intervals[-1]

    def below(self, rows: np.ndarray) -> Below:
        """Lower bounds of linear functions of the outputs, given as rows (m, k)."""
        m, last = len(rows), len(self.steps) - 1
        a = np.tile(-rows, (self.count, 1)).reshape(-1, *self.steps[last].shape)
        choice = Choice()
        above, slopes = self.above(last, a, np.repeat(np.arange(self.count), m), choice)
        trail = {k: -t.reshape(self.count, m, *t.shape[1:]) for k, t in choice.trail.items()}
        return Below(-above.reshape(self.count, m), -slopes.reshape(self.count, m, -1), trail)

    # Forward

    def _interval(self, k: int) -> Interval:
        step = self.steps[k]
        if isinstance(step.made, Affine):
            if self._settled and k in self._inside:
                return self._inside[k]
            found = step.made.interval([self.intervals[i] for i in step.inputs])
            low, high = (np.broadcast_to(e, (self.count, *step.shape)) for e in found)
            if k in self._inside:
                low, high = np.maximum(low, self._inside[k].low), np.minimum(high, self._inside[k].high)
            return Interval(low, high)
        assert step.made is not None
        undecided = step.made.open([self.intervals[i] for i in step.inputs])
        for i in dict.fromkeys(step.inputs):
            self._refine(i, undecided)
        inputs = [self.intervals[i] for i in step.inputs]
        found = step.made.interval(inputs)
        self.relaxations[k] = step.made.relax(inputs, found)
        return found

    def _refine(self, k: int, where: np.ndarray) -> None:
        """Tighter intervals of a step's elements, which a curve needs."""
        step = self.steps[k]
        if self._settled or step.tight or k in self._refined or where.shape != (self.count, *step.shape):
            return
        self._refined.add(k)
        n = self.steps[k].shape
        owner, place = np.nonzero(where.reshape(self.count, -1))
        low, high = (np.array(e, np.float64).reshape(self.count, -1) for e in self.intervals[k])
        largest = max(int(np.prod(s.shape)) for s in self.steps[: k + 1])
        at_once = max(1, ROOM // (2 * largest))
        for start in range(0, len(owner), at_once):
            boxes, elements = owner[start : start + at_once], place[start : start + at_once]
            count = len(boxes)
            a = np.zeros((2 * count, low.shape[1]))
            a[np.arange(count), elements], a[np.arange(count, 2 * count), elements] = 1.0, -1.0
            above, _ = self.above(k, a.reshape(-1, *n), np.tile(boxes, 2))
            high[boxes, elements] = np.minimum(high[boxes, elements], above[:count])
            low[boxes, elements] = np.maximum(low[boxes, elements], -above[count:])
        self.intervals[k] = Interval(low.reshape(-1, *n), high.reshape(-1, *n))
        for known in (self._sizes, self._unbounded):
            known.pop(k, None)

    def _size(self, k: int) -> np.ndarray:
        """The largest magnitudes in all boxes, 0 where there are none: rows that depend on these are lost anyway."""
        if k not in self._sizes:
            largest = self.intervals[k].largest
            self._sizes[k] = np.where(np.isfinite(largest), largest, 0.0).max(axis=0, keepdims=True)
        return self._sizes[k]

    def _error(self, k: int) -> np.ndarray | None:
        """What a unit of each coefficient of a row of step k loses by rounding; None for nothing."""
        if k not in self.errors:
            made, sizes = self.steps[k].made, self._size(k)
            if isinstance(made, Affine):
                found = made.error([self._size(i) for i in self.steps[k].inputs])
            elif made is None:
                found = 2 * gamma(sizes.size) * sizes + TINY
            else:
                parts = [np.abs(p) for p in (self.relaxations[k].low, self.relaxations[k].high) if p is not None]
                largest = np.maximum.reduce(parts)  # not finite where the step is not bounded: see `_lose`
                found = gamma(sizes.size) * np.where(np.isfinite(largest), largest, 0.0).max(axis=0) + TINY
            if self.steps[k].rounded:
                found = found + (2 * UNIT * sizes + TINY)
            self.errors[k] = np.broadcast_to(found, sizes.shape).ravel() if np.any(found) else None
        return self.errors[k]

    def _underflow(self, k: int) -> float:
        """What products of a row that are rounded to a multiple of the least float lose at a step, all together: in
        each of its coefficients for inputs, and in its constant."""
        if k not in self._underflows:
            reach = 1.0 + sum(float(self._size(i).sum()) for i in self.steps[k].inputs)
            self._underflows[k] = LEAST * math.prod(self.steps[k].shape) * reach
        return self._underflows[k]

    # Backward

    def above(
        self, last: int, a: np.ndarray, owner: np.ndarray, choice: Choice | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Upper bounds of rows of a step, shape (P, \\*S), in the boxes ``owner``; and the slopes at the point.

        What is free is as ``choice`` says, and its trail is left there.
        """
        with np.errstate(all="ignore"):
            return self._above(last, a, owner, choice or Choice())

    def _above(
        self, last: int, a: np.ndarray, owner: np.ndarray, choice: Choice
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = Rows(len(a))
        rows.put(last, a, self._size(last))
        for k in range(last, 0, -1):
            if k not in rows.open:
                continue
            if k in choice.added:
                rows.put(k, choice.added[k], self._size(k))
            a = rows.open.pop(k)
            self._lose(rows, k, a, owner)
            rows.off += self._underflow(k)
            error = self._error(k)
            if error is not None:
                rows.off += times(np.abs(a), error)
            if isinstance(self.steps[k].made, Affine):
                self._through_affine(rows, k, a)
            else:
                choice.trail[k] = a
                self._through_curve(rows, k, a, owner, choice.slopes.get(k))
        size = self.intervals[0].low[0].size
        a = rows.open.pop(0, np.zeros((len(owner), size))).reshape(len(owner), size)
        low, high = (e.reshape(self.count, -1) for e in self.intervals[0])
        above = np.maximum(a, 0.0)
        rows.add(dots(above, high, owner))
        rows.add(dots(a - above, low, owner))
        rows.off += self._underflow(0)
        error = self._error(0)
        if error is not None:
            rows.off += times(np.abs(a), error)
        return rows.upper(), a

    def _lose(self, rows: Rows, k: int, a: np.ndarray, owner: np.ndarray) -> None:
        """Of a row that depends on what is not bounded, nothing is known. A coefficient that is 0 may have underflowed,
        but for one of an infinite constant, which curves leave out."""
        if k not in self._unbounded:
            low, high = self.intervals[k]
            unbounded = ~(np.isfinite(low) & np.isfinite(high))
            self._unbounded[k] = (unbounded, unbounded & (low != high)) if unbounded.any() else None
        found = self._unbounded[k]
        if found is not None:
            unbounded, varies = (taken(e, owner) for e in found)
            lost = (varies | (unbounded & (a != 0))).reshape(len(a), -1).any(axis=1)
            rows.total[lost] = np.inf

    def _through_affine(self, rows: Rows, k: int, a: np.ndarray) -> None:
        step = self.steps[k]
        assert isinstance(step.made, Affine)
        if step.made.centre is not None:
            rows.add(times(a, step.made.centre))
        for (_, part), i in zip(step.made.parts, step.inputs, strict=True):
            rows.put(i, part.back(a), self._size(i))

    def _through_curve(
        self, rows: Rows, k: int, a: np.ndarray, owner: np.ndarray, chosen: np.ndarray | None
    ) -> None:
        found, positive = self.relaxations[k], a > 0
        for half, offset in ((positive, found.high), (~positive, found.low)):
            if offset is not None:
                rows.add(dots(np.where(half, a, 0.0).reshape(len(a), -1), offset.reshape(self.count, -1), owner))
        for (low, high), i in zip(found.slopes, self.steps[k].inputs, strict=True):
            if low.ndim == 1:  # nothing of the input
                continue
            below = taken(low, owner) if chosen is None else chosen
            rows.put(i, a * np.where(positive, taken(high, owner), below), self._size(i), product=True)


def _curved(steps: list[Step]) -> list[int]:
    """The steps whose intervals are found backward: curves need them, and they are affine."""
    inputs = {i for s in steps if isinstance(s.made, Curve) for i in s.inputs}
    return [k for k in sorted(inputs) if isinstance(steps[k].made, Affine) and not steps[k].tight]


__all__ = ["Below", "Boxes", "LinearBounds"]
