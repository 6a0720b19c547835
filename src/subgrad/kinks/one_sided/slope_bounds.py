"""Lower bounds of the directional derivative f'(x; d) at a point, for all directions d."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from subgrad import ops
from subgrad.diff.forward_mode import one_sided
from subgrad.errors import GradientError
from subgrad.graph.evaluate import evaluate
from subgrad.graph.order import toposort
from subgrad.graph.tensor import constant
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.kinks.certify.goldstein import Goldstein
from subgrad.kinks.certify.interval_derivatives import IntervalDerivatives
from subgrad.kinks.one_sided.jumps import Undecided, moving
from subgrad.kinks.one_sided.qualification import qualification_failure
from subgrad.kinks.problem import Problem

BOXES, GRADIENTS = 2000, 300
"""How many boxes of directions are bounded, and how many gradients are asked for a direction downhill."""

LEAST = 1e-6
"""Slopes that are smaller than this, relative to the largest one, may be rounding errors."""


class Slopes:
    """The directional derivative f'(x; .), a positively homogeneous function of the direction."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.ranges = IntervalDerivatives(problem)

    @classmethod
    def at(cls, problem: Problem, point: np.ndarray) -> Slopes | None:
        """The slopes at a flat vector; None unless one graph gives them for all directions: that is so if no op is a
        root at 0, a condition at its threshold or differentiated by hand. A norm may be at 0."""
        if 2 * problem.size > BOXES:
            return None
        y, sources = problem.at(point)
        evaluate([y])
        order = toposort([y], is_leaf=lambda n: n.op is ops.stop_gradient)
        flows = moving(order, sources)
        try:
            if Undecided(order, flows).marks:
                return None
            for node in order:
                looked_at, everywhere = node in flows and node.op is not ops.norm, np.ones(node.shape, bool)
                if looked_at and qualification_failure(node, everywhere, flows):
                    return None
            places = [constant(np.zeros(s.shape, s.dtype)) for s in sources]
            (slope,) = one_sided([y], sources, places)
            return None if slope is None else cls(Problem(slope, places))
        except GradientError:
            return None

    def are_positive(self) -> bool:
        """Whether f'(x; d) >= c \\|d\\| with a c above 0 and rounding.

        Then x is a local minimum: f is Lipschitz, so the slopes are the limits of its growth uniformly in d. The faces
        of a cube of directions are halved until the interval of each part lies above 0.
        """
        if self.ranges.blind:
            return False
        n, size = self.problem.size, self._size()
        parts = list(_faces(n))
        for _ in range(BOXES):
            if not parts:
                return True
            low, high = parts.pop()
            found = self._value(low, high)
            if found.low > LEAST * size:
                continue
            middle = (low + high) / 2
            if not (np.isfinite(found.low) and self.problem.value(middle) > LEAST * size):
                return False
            here = np.arange(n) == np.argmax(high - low)
            parts += [(low, np.where(here, middle, high)), (np.where(here, middle, low), high)]
        return False

    def downhill(self) -> np.ndarray | None:
        """A direction along which f falls, its largest element 1 in magnitude, found by gradients of the slopes."""
        origin, tolerance = np.zeros(self.problem.size), LEAST * self._size()
        space = self.problem.space
        try:
            found = Goldstein(self.problem.evaluate, origin, space, tolerance, 1.0, 0).search(GRADIENTS)
        except GradientError:
            return None
        if found.claim != "descent":
            return None
        direction = -found.direction / np.abs(found.direction).max()
        return direction if self.problem.value(direction) < -tolerance else None

    def _size(self) -> float:
        """The largest slope along an axis."""
        return max(abs(self.problem.value(way * e)) for e in np.eye(self.problem.size) for way in (1, -1))

    def _value(self, low: np.ndarray, high: np.ndarray) -> Interval:
        boxes = [Interval(a.astype(np.float64), b.astype(np.float64)) for a, b in self._split(low, high)]
        return self.ranges.values(boxes).known.get(self.problem.output, iv.anything(()))

    def _split(self, low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return zip(self.problem.split(low), self.problem.split(high), strict=True)


def _faces(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Those of the cube with the half side 1."""
    for i in range(n):
        for side in (-1.0, 1.0):
            low, high = -np.ones(n), np.ones(n)
            low[i] = high[i] = side
            yield low, high


__all__ = ["Slopes"]
