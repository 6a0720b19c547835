"""Best-first branch and bound: how large a function gets on a box, from above and from below.

The box is cut into as many boxes as are bounded at once; then those with the largest upper bounds are halved along
their widest side, relative to the box, until all are below a goal. Points of the worst boxes give the lower bound.
Nothing depends on time or on chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from subgrad.bounds.bounder import Bounder, Bounds
from subgrad.compile.runtime.threads import get_threads

GAP = 0.01  # without a goal: how near, relatively, the upper bound comes to the lower one
ROOM = 1e-6  # with a goal: how far, relatively, bounds stay below it, so that another arithmetic can follow the proof


@dataclass
class Leaves:
    """Boxes that need not be looked at again: their corners, shape (n, d), and upper bounds, shape (n,)."""

    low: np.ndarray
    high: np.ndarray
    bound: np.ndarray

    @classmethod
    def none(cls, d: int) -> Leaves:
        return cls(np.empty((0, d)), np.empty((0, d)), np.empty(0))

    def __getitem__(self, chosen: np.ndarray) -> Leaves:
        return Leaves(self.low[chosen], self.high[chosen], self.bound[chosen])

    def __len__(self) -> int:
        return len(self.bound)


def joined(*parts: Leaves) -> Leaves:
    """All boxes of all parts."""
    columns = ([getattr(p, k) for p in parts] for k in ("low", "high", "bound"))
    return Leaves(*(np.concatenate(c) for c in columns))


@dataclass
class Search:
    """The supremum of the values of a function over a box, of their magnitudes if it has two sides.

    Attributes:
        bounder: bounds the values.
        low, high: corners of the box, shape (d,).
        goal: what the supremum is to be shown not to exceed; None to find it up to `GAP`.
        two_sided: look at magnitudes.
        budget: how many boxes to bound at most.
        watch: is called after each round.
        local: a value at a point is one all around it.
        below: the largest value that is proven at a point.
        point: that point, or None.
        interrupted: whether Ctrl-C ended the search; all bounds hold nevertheless.
    """

    bounder: Bounder
    low: np.ndarray
    high: np.ndarray
    goal: float | None = None
    two_sided: bool = False
    budget: int = 1_000_000
    watch: Callable[[Search], None] | None = None
    local: bool = False
    below: float = -np.inf
    point: np.ndarray | None = None
    interrupted: bool = False
    done: list[Leaves] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open = self.stuck = Leaves.none(self.low.size)
        self._spent, self._at_start = 0, self.bounder.boxes

    @property
    def above(self) -> float:
        """The proven upper bound of the supremum."""
        return max(float(np.max(p.bound, initial=-np.inf)) for p in (self.open, self.stuck, *self.done))

    @property
    def target(self) -> float:
        """The bound below which a box is done."""
        if self.goal is None:
            return self.below + GAP * abs(self.below)
        return self.goal - ROOM * abs(self.goal)

    @property
    def proven(self) -> bool:
        """Whether there is a finite bound, and below the goal if there is one."""
        return self.above < np.inf if self.goal is None else self.above <= self.target

    @property
    def refuted(self) -> bool:
        """Whether a point is above the goal."""
        return self.goal is not None and self.below > self.goal

    @property
    def boxes(self) -> int:
        """How many boxes were bounded, points among them."""
        return self.bounder.boxes - self._at_start

    def run(self) -> Search:
        """Search until all is decided, the budget is spent, or Ctrl-C is pressed."""
        self._look_at(self._first_boxes())
        known, rounds = self._known(), 0
        try:
            while len(self.open) and not self.refuted and self.boxes < self.budget:
                known, rounds = self._known(), rounds + 1
                self._round(rounds)
            self._try_points()
        except KeyboardInterrupt:
            self._go_back_to(known)
            self.interrupted = True
        return self

    def _round(self, number: int) -> None:
        self._look_at(self._halves(self._worst()))
        if self.goal is None or number % 8 == 0 or number & (number - 1) == 0:
            self._try_points()
        if self.watch:
            self.watch(self)

    def _known(self) -> tuple[Any, ...]:
        """What a round changes. No array of it is ever written to."""
        return self.open, self.stuck, self.below, self.point, len(self.done)

    def _go_back_to(self, known: tuple[Any, ...]) -> None:
        """Forget a round that was interrupted: boxes may be missing in the midst of one."""
        self.open, self.stuck, self.below, self.point, count = known
        del self.done[count:]

    @property
    def leaves(self) -> Leaves:
        """All boxes: together they are the box."""
        return joined(*self.done, self.open, self.stuck)

    # Boxes

    def _first_boxes(self) -> Leaves:
        found = Leaves(self.low[None], self.high[None], np.full(1, np.inf))
        while 2 * len(found) <= self._at_once:
            parts, whole = self._split(found)
            if not len(parts):
                break
            found = joined(parts, whole)
        return found

    @property
    def _at_once(self) -> int:
        return self.bounder.batch * get_threads()

    def _look_at(self, boxes: Leaves) -> None:
        """Bound boxes, and sort them into those that are done and those that are not."""
        if not len(boxes):
            return
        boxes.bound = np.minimum(boxes.bound, self._upper(self.bounder(boxes.low, boxes.high)))
        done = boxes.bound <= self.target
        self.done.append(boxes[done])
        self.open = joined(self.open, boxes[~done])

    def _worst(self) -> Leaves:
        """Takes the open boxes with the largest bounds out, as many as can be halved at once."""
        count = min(len(self.open), max(1, self._at_once // 2))
        order = np.argpartition(-self.open.bound, count - 1)
        worst, self.open = self.open[order[:count]], self.open[order[count:]]
        ready = worst.bound <= self.target  # the target may have risen since
        self.done.append(worst[ready])
        return worst[~ready]

    def _halves(self, boxes: Leaves) -> Leaves:
        parts, whole = self._split(boxes)
        self.stuck = joined(self.stuck, whole)
        return parts

    def _split(self, boxes: Leaves) -> tuple[Leaves, Leaves]:
        """Both halves of all boxes, and the boxes that have no float inside."""
        middle = boxes.low / 2 + boxes.high / 2
        inside = (boxes.low < middle) & (middle < boxes.high)
        with np.errstate(all="ignore"):
            widths = np.where(inside, (boxes.high - boxes.low) / (self.high - self.low), -1.0)
        axis, rows = np.argmax(widths, axis=1), np.arange(len(boxes))
        can = inside[rows, axis]
        cut, rows, axis, at = boxes[can], np.arange(can.sum()), axis[can], middle[rows[can], axis[can]]
        high, low = cut.high.copy(), cut.low.copy()
        high[rows, axis] = low[rows, axis] = at
        parts = Leaves(np.concatenate([cut.low, low]), np.concatenate([high, cut.high]), np.tile(cut.bound, 2))
        return parts, boxes[~can]

    # Values

    def _upper(self, bounds: Bounds) -> np.ndarray:
        high = np.maximum(bounds.high, -bounds.low) if self.two_sided else bounds.high
        return high.max(axis=1)

    def _try_points(self) -> None:
        """Values at corners of the worst boxes, towards which the function rises, and at their middles."""
        rest = joined(self.open, self.stuck)
        if not len(rest):
            rest = joined(*self.done)
        count = min(len(rest), max(1, self.bounder.batch // 2))
        worst = rest[np.argpartition(-rest.bound, count - 1)[:count]]
        found = self.bounder(worst.low, worst.high)
        rows, which = np.arange(count), self._upper_index(found)
        slopes = found.slopes[rows, :, which]
        if self.two_sided:
            slopes = slopes * np.where(found.centre[rows, which] < 0, -1, 1)[:, None]
        middles = np.clip(worst.low / 2 + worst.high / 2, worst.low, worst.high)
        self._try(np.concatenate([np.where(slopes > 0, worst.high, worst.low), middles]))

    def _upper_index(self, bounds: Bounds) -> np.ndarray:
        return np.argmax(np.maximum(bounds.high, -bounds.low) if self.two_sided else bounds.high, axis=1)

    def _try(self, points: np.ndarray) -> None:
        around = [np.nextafter(points, end) for end in (-np.inf, np.inf)] if self.local else [points, points]
        at = self.bounder(*around)
        values = (np.maximum(at.low, -at.high) if self.two_sided else at.low).max(axis=1)
        best = int(np.argmax(values))
        if values[best] > self.below:
            self.below, self.point = float(values[best]), points[best]


__all__ = ["GAP", "ROOM", "Leaves", "Search", "joined"]
