"""Branch and bound on inputs: boxes with backward linear bounds, halved until no output of them is in a polytope.

A box is halved along an input that moves the bound much, ``|slope| width`` (the "smart gradient" of Wang et al.,
"Formal security analysis of neural networks using symbolic intervals", 2018), and is wide still. Points
of the worst boxes are tried as counter-examples. Without a deadline, nothing depends on time; attacks start from
points of a fixed seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from subgrad.bounds.backward.attack import POINTS, attack, values_at
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.backward.polytopes import Polytopes
from subgrad.intervals.arithmetic import Interval

FEW, MANY = 4, 256  # boxes that are halved in a round,
WORK = 2**28  # and how many `LinearBounds.work` they may take: a round ends before the time is over
ATTACKS = (3, 16, 64, 256, 1024, 4096)  # the rounds in which counter-examples are searched for by descent
SMALL = 1e-300
ROOMY = 2**26  # numbers in the corners of open boxes: with more than that, those that are nearly done come first


@dataclass(frozen=True, eq=False)
class Open:
    """Boxes that are not decided.

    Attributes:
        low, high: corners, shape (n, d).
        axis: the input to halve, shape (n,); -1 if no side has a float inside.
        corner: the point where the linear bound is least, shape (n, d).
        excess: how far outputs may be inside of a polytope, shape (n,).
        inner_low, inner_high: what was found of the steps inside, shape (n, W); halves start from it.
    """

    low: np.ndarray
    high: np.ndarray
    axis: np.ndarray
    corner: np.ndarray
    excess: np.ndarray
    inner_low: np.ndarray
    inner_high: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> Open:
        return Open(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def __len__(self) -> int:
        return len(self.excess)

    def joined(self, other: Open) -> Open:
        """The boxes of both."""
        return Open(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))


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
        of = self.polytopes
        over = self.bounds.over(low, high, inside)
        found = over.below(of.rows)
        self.boxes += len(low)
        excess = of.excess(found.bound)
        worst = np.argmax(excess, axis=1)
        everywhere = np.arange(len(low))
        most = excess[everywhere, worst]
        self.done = max(self.done, float(most[most < 0].max(initial=-np.inf)))
        off = of.limits[:, 1] - found.bound
        nearest = np.array([of.members[p][np.argmin(off[b, of.members[p]])] for b, p in enumerate(worst)], np.int64)
        slopes = found.slopes[everywhere, nearest]
        axes, corners = _axes(low, high, slopes, np.ptp(of.box, axis=1)), np.where(slopes > 0, low, high)
        boxes = Open(low, high, axes, corners, most, *over.kept)
        return boxes[most >= 0]

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
        self.open = others.joined(self._bounded(*halves, inside))
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


def _axes(low: np.ndarray, high: np.ndarray, slopes: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The input along which each box is halved, -1 if none has a float inside.

    Half of the choice is how much an input moves the linear bound, ``|slope| width``, and half its width beside that of
    the whole box: the linear function says nothing of what lies between the lines of curves. On ACAS Xu it takes half
    the boxes that either alone does.
    """
    middle = low / 2 + high / 2
    inside = (low < middle) & (middle < high)
    width = high - low
    moved = np.nan_to_num(np.abs(slopes), posinf=0.0) * width
    wide = width / np.where(whole > 0, whole, 1.0)
    shares = sum(x / np.maximum(x.sum(axis=1, keepdims=True), SMALL) for x in (moved, wide))
    return np.where(inside.any(axis=1), np.argmax(np.where(inside, shares, -1.0), axis=1), -1)


__all__ = ["Open", "Splitting"]
