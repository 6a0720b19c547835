"""Branch and bound on inputs: boxes with backward linear bounds, halved until no output of them is in a polytope.

A box is halved along the input at which most of what its bound loses lies. Points of the worst boxes are tried as
counter-examples. Without a deadline, nothing depends on time; attacks start from points of a fixed seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from subgrad.bounds.backward.attack import POINTS, attack, values_at
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.backward.open_boxes import Open, bounded
from subgrad.bounds.backward.polytopes import Polytopes
from subgrad.compile.runtime.threads import get_threads
from subgrad.intervals.arithmetic import Interval

FEW, MANY = 4, 256  # boxes that are halved in a round,
WORK = 2**28  # and how many `LinearBounds.work` they may take: a round ends before the time is over
ATTACKS = (3, 16, 64, 256, 1024, 4096)  # the rounds in which counter-examples are searched for by descent
LEAST = 16  # boxes that a thread takes
ROOMY = 2**26  # numbers in the corners of open boxes: with more than that, those that are nearly done come first


@dataclass
class Splitting:
    """A search in one box.

    Attributes:
        bounds: of the network.
        polytopes: what is not to be reached.
        budget: how many boxes to bound at most.
        deadline: a time of ``time.perf_counter``, None for none.
        watch: is called after each round.
        boxes: how many boxes were bounded.
        done: the largest excess of the boxes that are decided; no output of them is in a polytope.
        witness: the box of floats (low, high) around a counter-example, None without one.
        value: how far inside the counter-example is, at least.
        interrupted: whether Ctrl-C ended the search.
    """

    bounds: LinearBounds
    polytopes: Polytopes
    budget: int
    deadline: float | None = None
    watch: Callable[[Splitting], None] | None = None
    boxes: int = 0
    done: float = -np.inf
    witness: tuple[np.ndarray, np.ndarray] | None = None
    value: float = -np.inf
    interrupted: bool = False

    def __post_init__(self) -> None:
        low, high = self.polytopes.box.T[:, None]
        none = np.empty((1, 0))
        self.open = Open(low, high, np.zeros(1, np.int64), low, np.full(1, np.inf), none, none)

    @property
    def proven(self) -> bool:
        """Whether no output is in a polytope."""
        return not len(self.open)

    goal = 0.0

    @property
    def below(self) -> float:
        """As `value`, by the name that a line of progress knows."""
        return self.value

    @property
    def above(self) -> float:
        """As `excess`, likewise."""
        return self.excess

    @property
    def excess(self) -> float:
        """The most by which an output is inside of a polytope, at most; negative if none is."""
        return max(self.done, float(self.open.excess.max(initial=-np.inf)))

    def late(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.perf_counter() >= self.deadline

    def run(self) -> Splitting:
        """Search until all is decided, the budget or the time is spent, or Ctrl-C is pressed."""
        with ThreadPoolExecutor(get_threads()) as self._pool:  # NumPy's loops run without the interpreter lock
            return self._run()

    def _run(self) -> Splitting:
        known, rounds = (self.open, self.done), 0
        try:
            self.open = self._bounded(self.open.low, self.open.high, None)
            if not self.proven:
                self._try(self.open.corner)
            while not self.proven and self.witness is None and not self.late() and self.boxes < self.budget:
                known, rounds = (self.open, self.done), rounds + 1
                if not self._halve(rounds):
                    break
                if self.watch:
                    self.watch(self)
        except KeyboardInterrupt:  # boxes may be missing in the midst of a round, and no array is ever written to
            self.open, self.done = known
            self.interrupted = True
        return self

    # Boxes

    def _bounded(self, low: np.ndarray, high: np.ndarray, inside: Interval | None) -> Open:
        """Those of the boxes in which outputs may be in a polytope."""
        shares = np.array_split(np.arange(len(low)), max(1, min(get_threads(), len(low) // LEAST)))
        work = [(low[s], high[s], None if inside is None else Interval(*(x[s] for x in inside))) for s in shares]
        found = list(self._pool.map(lambda w: bounded(self.bounds, self.polytopes, *w), work))
        self.boxes += len(low)
        self.done = max(self.done, *(most for _, most in found))
        return Open.joined(*(o for o, _ in found))

    def _halve(self, number: int) -> bool:
        """Halve the worst boxes, and look for counter-examples in them; False if no box can be halved."""
        ready = np.flatnonzero(self.open.axis >= 0)
        if not len(ready):
            return False
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
        self.open = Open.joined(others, self._bounded(*halves, inside))
        if number & (number - 1) == 0 or number % 4 == 0:
            self._try(boxes.corner)
        if number in ATTACKS and not self.proven and self.witness is None:
            low, high = self.polytopes.box.T
            of_boxes = (boxes.corner - low) / np.where(high > low, high - low, 1.0)
            self._attack(_starts(len(low)) if number == ATTACKS[0] else of_boxes)
        return True

    # Counter-examples

    def _try(self, points: np.ndarray) -> None:
        ends = self.polytopes.around(points)
        found = values_at(self.bounds, *ends, self.polytopes).high.min(axis=1)
        best = int(np.argmin(found))
        if -found[best] > self.value:
            self.value = float(-found[best])
            if found[best] <= 0:
                self.witness = ends[0][best], ends[1][best]

    def _attack(self, starts: np.ndarray) -> None:
        found = attack(self.bounds, self.polytopes, starts, self.late)
        if found is not None:
            self._try(found[0][None])


def _starts(dimensions: int) -> np.ndarray:
    """Points of the unit cube: random ones, and random corners."""
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(POINTS, dimensions))
    points[::2] = np.round(points[::2])
    return points


__all__ = ["Splitting"]
