"""Branch and bound on inputs: boxes with backward linear bounds, halved until no output of them is in a polytope.

A box is halved along the input at which most of what its bound loses lies.
"""

from __future__ import annotations

import numpy as np

from subgrad.bounds.branching.branch_and_bound import BranchAndBound
from subgrad.bounds.branching.open_boxes import Open, bounded
from subgrad.intervals.arithmetic import Interval

FEW, MANY = 4, 256  # boxes that are halved in a round,
WORK = 2**28  # and how many `LinearBounds.work` they may take: a round ends before the time is over
LEAST = 16  # boxes that a thread takes
ROOMY = 2**26  # numbers in the corners of open boxes: with more than that, those that are nearly done come first


class Splitting(BranchAndBound):
    """A search in boxes, by halves."""

    @property
    def stuck(self) -> np.ndarray:
        if not isinstance(self.open, Open):
            return self.polytopes.box
        k = int(np.argmax(self.open.excess))
        return np.stack([self.open.low[k], self.open.high[k]], axis=1)

    def _first(self) -> Open:
        low, high = self.polytopes.box.T[:, None]
        return self._bounded(low, high, None)

    def _bounded(self, low: np.ndarray, high: np.ndarray, inside: Interval | None) -> Open:
        """Those of the boxes in which outputs may be in a polytope."""

        def share(s: slice) -> tuple[Open, float, np.ndarray]:
            known = None if inside is None else Interval(*(x[s] for x in inside))
            left, done, places = bounded(self.bounds, self.polytopes, low[s], high[s], known)
            return left, done, places + s.start

        found = self._shares(share, len(low), LEAST)
        self.boxes += len(low)
        self.done = max(self.done, *(most for _, most, _ in found))
        decided = np.ones(len(low), bool)
        decided[np.concatenate([places for _, _, places in found])] = False
        self.leaves.append((low[decided], high[decided]))
        return Open.joined(*(o for o, _, _ in found))

    def _round(self, number: int) -> Open | None:
        """Halve the worst boxes, and look for counter-examples in them."""
        assert isinstance(self.open, Open)
        ready = np.flatnonzero(self.open.axis >= 0)
        if not len(ready):
            return None
        order = self.open.excess[ready]
        order = -order if self.open.low.size + self.open.inner_low.size < ROOMY else order
        count = min(len(ready), max(FEW, min(MANY, WORK // self.bounds.work)))
        chosen = ready[np.argpartition(order, count - 1)[:count]]
        rest = np.ones(len(self.open), bool)
        rest[chosen] = False
        boxes, others = self.open[chosen], self.open[rest]
        rows, middle = np.arange(count), boxes.low / 2 + boxes.high / 2
        low, high = boxes.low.copy(), boxes.high.copy()
        low[rows, boxes.axis] = high[rows, boxes.axis] = middle[rows, boxes.axis]
        halves = np.concatenate([boxes.low, low]), np.concatenate([high, boxes.high])
        inside = Interval(*(np.tile(x, (2, 1)) for x in (boxes.inner_low, boxes.inner_high)))
        found = Open.joined(others, self._bounded(*halves, inside))
        if len(found):
            self._look(boxes.corner, number)
        return found


__all__ = ["Splitting"]
