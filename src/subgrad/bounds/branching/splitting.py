"""Branch and bound on inputs: boxes with backward linear bounds, halved until no output of them is in a polytope.

A box is halved along the input at which most of what its bound loses lies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subgrad.bounds.backward.rows_back import Choice
from subgrad.bounds.branching.attack import wandered
from subgrad.bounds.branching.branch_and_bound import ATTACKS, BranchAndBound
from subgrad.bounds.branching.linear_programs import KINKS
from subgrad.bounds.branching.open_boxes import Bounded, Open, bounded, nearest
from subgrad.bounds.branching.waiting import Waiting
from subgrad.bounds.chains.chain_bounds import ChainBounds, chain_bounds
from subgrad.intervals.arithmetic import Interval

FEW, MANY = 4, 256  # boxes that are halved in a round,
WORK = 2**28  # and how many `LinearBounds.work` they may take: a round ends before the time is over
LEAST = 16  # boxes that a thread takes
ROOMY = 2**26  # numbers in the corners of open boxes: with more than that, those that are nearly done come first
PATIENCE = 2**24  # `LinearBounds.work` after which native code, which is compiled as long, bounds what it can,
MOST = 256  # or so many boxes
WANDER = 2  # points that wander for each round, of those in which counter-examples are searched for


class _Programmed(NamedTuple):
    """What became of some boxes, as `Bounded`, and points of them where a row is near its limit."""

    open: Open
    done: float
    low: np.ndarray
    high: np.ndarray
    points: list[np.ndarray]


class Splitting(BranchAndBound):
    """A search in boxes, by halves."""

    _native: ChainBounds | None = None

    @property
    def stuck(self) -> np.ndarray:
        return self.open.worst if isinstance(self.open, Waiting) and len(self.open) else self.polytopes.box

    def _first(self) -> Waiting:
        low, high = self.polytopes.box.T[:, None]
        return Waiting().joined(*self._bounded(low, high, None))

    def _corners(self, parts: Waiting) -> np.ndarray:
        return parts.corner

    def _bounded(self, low: np.ndarray, high: np.ndarray, inside: Interval | None) -> list[Open]:
        """Those of the boxes in which outputs may be in a polytope."""

        def share(s: slice) -> Bounded:
            known = None if inside is None else Interval(*(x[s] for x in inside))
            if self._native is not None and known is not None:
                return self._native.bounded(low[s], high[s], known)
            return bounded(self.bounds, self.polytopes, low[s], high[s], known)

        found = self._shares(share, len(low), LEAST)
        self.boxes += len(low)
        self.done = max(self.done, *(f.done for f in found))
        self.leaves += [(f.low, f.high) for f in found]
        left = [f.open for f in found if len(f.open)]
        return self._by_programs(Open.joined(*left)) if self.lp and left else [f.open for f in found]

    def _by_programs(self, boxes: Open) -> list[Open]:
        """Those of the boxes that linear programs do not decide either; their points are tried as counter-examples."""
        found = self._shares(lambda s: self._programmed(boxes[np.arange(len(boxes))[s]]), len(boxes), 1)
        for part in found:
            self.done = max(self.done, part.done)
            self.leaves.append((part.low, part.high))
        if points := [p for part in found for p in part.points]:
            self._try(np.stack(points))
        return [part.open for part in found]

    def _programmed(self, boxes: Open) -> _Programmed:
        over, of, last = self.bounds.over(boxes.low, boxes.high), self.polytopes, len(self.bounds.steps) - 1
        excess, rows = nearest(of, over.below(of.rows).bound)
        points, few = [], self._programs.kinks(over) <= KINKS
        for part, member in np.argwhere((excess >= 0) & few[:, None]):
            row = rows[part, member]
            a = -of.rows[row].reshape(1, *over.steps[last].shape)
            solved = self._programs.solve(over, part, a, {}, self._seconds_left())
            if solved is not None:
                points.append(solved.point)
                above, _ = over.above(last, a, np.array([part]), Choice({k: s[None] for k, s in solved.slopes.items()}))
                excess[part, member] = np.nextafter(of.limits[row, 1] + above[0], np.inf)
        most = excess.max(axis=1)
        left = most >= 0
        done = float(most[~left].max(initial=-np.inf))
        return _Programmed(boxes[left], done, boxes.low[~left], boxes.high[~left], points)

    def _round(self, number: int) -> Waiting | None:
        """Halve the worst boxes, and look for counter-examples in them."""
        assert isinstance(self.open, Waiting)
        if not self.open.chunks:
            return None
        count = max(FEW, min(MANY, WORK // self.bounds.work))
        boxes, others = self.open.taken(count, nearly_done=self.open.numbers > ROOMY)
        rows, middle = np.arange(len(boxes)), boxes.low / 2 + boxes.high / 2
        low, high = boxes.low.copy(), boxes.high.copy()
        low[rows, boxes.axis] = high[rows, boxes.axis] = middle[rows, boxes.axis]
        halves = np.concatenate([boxes.low, low]), np.concatenate([high, boxes.high])
        inside = Interval(*(np.tile(x, (2, 1)) for x in (boxes.inner_low, boxes.inner_high)))
        before = self.boxes
        found = others.joined(*self._bounded(*halves, inside))
        if before < min(MOST, PATIENCE // self.bounds.work) <= self.boxes:
            found = self._in_native_code(found)
        if len(found):
            self._look(boxes.corner[np.argsort(-boxes.excess, kind="stable")], number)
        return found

    def _look(self, corners: np.ndarray, number: int) -> None:
        """As ever; and of a chain of layers, points wander, more of them the longer it takes."""
        super()._look(corners, number)
        if number in ATTACKS and self.witness is None and self._layers is not None:
            starts = np.random.default_rng(number).uniform(size=(WANDER * max(number, LEAST), corners.shape[1]))
            found = wandered(self.bounds, self.polytopes, starts, self.late, self._layers, number)
            if found is not None:
                self._try(found[0][None])

    def _in_native_code(self, found: Waiting) -> Waiting:
        """All boxes from now on, if that is possible."""
        self._native = chain_bounds(self.bounds, self.polytopes)
        if self._native is None:
            return found
        kept = self._native.kept
        return Waiting(tuple(map(kept, found.chunks)), tuple(map(kept, found.smallest)))


__all__ = ["Splitting"]
