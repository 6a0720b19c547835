"""The function to minimise, as solvers see it: counted, within its bounds, with a memory of what it returned."""

from __future__ import annotations

import functools
import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from subgrad.errors import NonFiniteError, SubgradError
from subgrad.kinks.certify.evidence import Evidence, Sampled, evidence
from subgrad.kinks.minimize.flat_function import FlatFunction
from subgrad.kinks.one_sided.subgradient import element

STEEPEST = 1e150
"""Slopes above this count as infinite: their squares overflow."""


@dataclass(frozen=True, eq=False, slots=True)
class Point:
    """A place, and the value and gradient there: what every solver works with."""

    x: np.ndarray
    value: float
    gradient: np.ndarray

    @property
    def is_flat(self) -> bool:
        """Whether its gradient is 0, or so small that its square is."""
        return not float(self.gradient @ self.gradient)

    def linear(self, x: np.ndarray) -> float:
        """The value at x of the linear function that touches f here; a convex f is nowhere below it."""
        return self.value + float(self.gradient @ (x - self.x))


BOTTOM = 1e20
"""By this much more than 1 and its value at the start f falls if it has no lower bound."""


class Objective:
    """A function of a flat vector. It knows the best point so far, and the last ones for certificates.

    With bounds it is f(P(x)) + weight |x - P(x)|_1, P the projection. For any weight above 0 its minima are those of f
    within the bounds, and f is never asked for anything outside. The weight is of the size of f's own slopes.

    ``proof`` holds the points that a solver has found useful last, which are not forgotten, and ``shares`` the weights
    of their gradients in a short combination, if it knows them; ``lower`` is what the minimum is not below, as far as a
    solver knows.

    Attributes:
        bottom: what is lower lets f seem to have no lower bound.
        is_bottomless: whether a value was that low.
    """

    def __init__(self, target: FlatFunction) -> None:
        self.target, self.space = target, target.space
        self.bounded = bool(np.isfinite([self.space.low, self.space.high]).any())
        self.count, self.is_bottomless, self.bottom = 0, False, -math.inf
        self.memory: deque[Point] = deque(maxlen=min(max(2 * target.start.size, 100), 300))
        self.proof: list[Point] = []
        self.shares: np.ndarray | None = None
        self.lower = -math.inf
        self.start = self.best = self._exact(self._inside(self.project(target.start)))
        if not np.isfinite(self.start.value):
            raise NonFiniteError("minimize needs a finite value and gradient at x0, got NaN or inf, or a slope above "
                                 f"{STEEPEST:g}")
        self.bottom = self.start.value - BOTTOM * (1 + abs(self.start.value))
        self._weight = 2 * float(np.abs(self.start.gradient).max(initial=0)) or 1.0
        self.memory.append(self.start)

    def __call__(self, x: np.ndarray) -> Point:
        """The point at x; its value is inf where f or its gradient is not finite."""
        point = self._inside(self.project(x))
        if point.value < self.best.value:
            self.best = point
        if self.bounded:
            point = self._extended(x, point)
        if point.value < np.inf:
            self.memory.append(point)
        return point

    def project(self, x: np.ndarray) -> np.ndarray:
        """The nearest point within the bounds, in the numbers of f's dtype."""
        return self.space.inside(x)

    def keep(self, points: list[Point], shares: np.ndarray | None = None) -> None:
        """Remember points in the place of those kept before."""
        self.proof, self.shares = points, shares

    def around(self, at: Point, distance: float) -> tuple[list[Point], np.ndarray | None]:
        """A point and the remembered ones within a distance of it, and weights for a search of a short combination to
        start from; None if there are none."""
        known = {id(p): p for p in (at, *self.proof, *self.memory)}
        points = [p for p in known.values() if np.linalg.norm(p.x - at.x) <= distance]
        if self.shares is None:
            return points, None
        shares = dict(zip(map(id, self.proof), self.shares.tolist(), strict=True))
        weights = np.array([shares.get(id(p), 0.0) for p in points])
        total = float(weights.sum())
        return points, weights / total if total > 0 else None

    def slopes_nearby(self) -> list[float]:
        """Those remembered from within 1 of the best point."""
        return [float(np.linalg.norm(p.gradient)) for p in self.around(self.best, 1.0)[0]]

    def evaluate(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """f and its gradient at a point within the bounds, counted."""
        self.count += 1
        return self.target.evaluate(x)

    @functools.cached_property
    def seen(self) -> Evidence:
        """What a checker of certificates sees of f."""
        low, high = self.space.low, self.space.high
        problem = self.target.problem
        return Sampled(self.evaluate, low, high, self.space.dtype) if problem is None else evidence(problem, low, high)

    def _inside(self, x: np.ndarray) -> Point:
        value, gradient = self.evaluate(x)
        self.is_bottomless = self.is_bottomless or (value <= self.bottom and value < np.inf)
        if not (math.isfinite(value) and np.abs(gradient).max(initial=0.0) <= STEEPEST):
            return Point(x, np.inf, np.zeros_like(x))
        return Point(x, value, gradient)

    def _exact(self, point: Point) -> Point:
        """The point with an element of the subdifferential: on a kink backprop may give a slope that f has nowhere."""
        problem = self.target.problem
        if problem is None or not math.isfinite(point.value):
            return point
        try:
            return replace(point, gradient=element(problem, point.x))
        except SubgradError:  # f has none there, or none that is known
            return point

    def _extended(self, x: np.ndarray, inside: Point) -> Point:
        away = x - inside.x
        out = np.where(x < self.space.low, -1.0, np.where(x > self.space.high, 1.0, 0.0))
        gradient = np.where(out == 0, inside.gradient, self._weight * out)
        return Point(x, inside.value + self._weight * float(np.abs(away[out != 0]).sum()), gradient)
