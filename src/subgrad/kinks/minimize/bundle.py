"""The proximal bundle method."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from subgrad.kinks.minimize.cutting_planes import CuttingPlanes
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import until_certified

SERIOUS, GOOD = 0.1, 0.5
"""Which share of the decrease that the model predicts makes a step, and which a good one."""

DISTANCE = 0.25
"""How much the square of the distance counts in the error of a piece, if f is not convex."""

LARGEST = 200
"""The most pieces of a model."""


def bundle(f: Objective, at: Point, tol: float) -> Generator[Point]:
    """Minimise a model of f, the maximum of linear pieces that touch it, plus u \\|d\\|^2 / 2; then improve the model.

    For convex f the values converge to the minimum (Kiwiel, Proximity control in bundle methods for convex
    nondifferentiable minimization, 1990, whose rule for u this is). A piece above f shows that f is not convex: from
    then on each piece is shifted down, to an error of at least a quarter of its squared distance (Schramm and Zowe, A
    version of the bundle idea for minimizing a nonsmooth function, 1992).
    """
    return until_certified(f, at, tol, descend)


def descend(f: Objective, at: Point, tol: float) -> Generator[Point]:
    """Steps of the bundle method until its model promises no more."""
    if at.is_flat:
        return
    model, before = Model(at), 0.0
    while True:
        step = model.step()
        tiny = step.predicted >= -1e-14 * (1 + abs(model.at.value)) or step.predicted == before
        if tiny or (step.slope <= tol and step.error <= tol / 10):
            return
        before = step.predicted
        trial = _trial(f, model, step)
        if trial is None:
            return
        model.improve(step, *trial)
        yield model.at


def _trial(f: Objective, model: Model, step: Step) -> tuple[Point, bool] | None:
    """A point along the step and True, if it is low enough; or False, if its piece changes the model enough."""
    share = 1.0
    for _ in range(40):
        point = f(model.at.x + share * step.direction)
        if point.value <= model.at.value + SERIOUS * share * step.predicted:
            return point, True
        if point.gradient @ step.direction - model.error(point) >= GOOD * step.predicted:
            return point, False
        share /= 2
    return None


@dataclass(frozen=True, eq=False)
class Step:
    """From the current point to the minimum of the model."""

    direction: np.ndarray
    predicted: float
    """By how much the model falls; below 0."""
    slope: float
    """The norm of the combined gradient."""
    error: float
    """The combined error of the pieces: that gradient is a subgradient up to it, if f is convex."""


class Model:
    """The maximum of linear pieces, seen from the current point."""

    def __init__(self, at: Point) -> None:
        self.at = at
        self._pieces, self._weights, self._convex = CuttingPlanes(at), np.ones(1), True
        self._stiffness = float(np.linalg.norm(at.gradient))
        self._least, self._variation, self._run = 1e-6 * self._stiffness, np.inf, 0

    def error(self, point: Point) -> float:
        """How far below f the piece of a point is, here."""
        return float(self._errors(CuttingPlanes(point))[0])

    def step(self) -> Step:
        """To the minimum of the model with the stiffness u."""
        errors = self._errors(self._pieces)
        self._weights = self._pieces.hull.least(self._stiffness * errors)
        combined, error = self._weights @ self._pieces.gradients, float(self._weights @ errors)
        slope = float(np.linalg.norm(combined))
        return Step(-combined / self._stiffness, -slope * slope / self._stiffness - error, slope, error)

    def improve(self, step: Step, point: Point, lower: bool) -> None:
        """Move to the point if it is low enough, and let the model know it in any case."""
        wanted = 2 * self._stiffness * (1 - (point.value - self.at.value) / step.predicted)
        if lower:
            good = point.value - self.at.value <= GOOD * step.predicted
            self.at = point
            self._soften(wanted, step, good)
        else:
            self._stiffen(wanted, step, point)
        self._add(point)

    def _errors(self, pieces: CuttingPlanes) -> np.ndarray:
        below = self.at.value - pieces.at(self.at.x)
        if self._convex and below.min() >= -1e-10 * (1 + abs(self.at.value)):
            return np.maximum(below, 0)
        self._convex = False
        return np.maximum(np.abs(below), DISTANCE * pieces.squared_distances(self.at.x))

    def _soften(self, wanted: float, step: Step, good: bool) -> None:
        before = self._stiffness
        if good and self._run > 0:
            self._stiffness = max(wanted, before / 10, self._least)
        elif self._run > 3:
            self._stiffness = max(before / 2, self._least)
        self._variation = max(self._variation, -2 * step.predicted)
        self._run = max(self._run + 1, 1) if self._stiffness == before else 1

    def _stiffen(self, wanted: float, step: Step, point: Point) -> None:
        before = self._stiffness
        self._variation = min(self._variation, step.slope + step.error)
        if self._run < -3 and self.error(point) > max(self._variation, -10 * step.predicted):
            self._stiffness = min(wanted, 10 * before)
        self._run = min(self._run - 1, -1) if self._stiffness == before else -1

    def _add(self, point: Point) -> None:
        """Add a piece. A full model first loses what had no weight; if that is too little, all become one."""
        limit = min(2 * point.x.size + 10, LARGEST)
        if len(self._pieces) >= limit:
            used = np.flatnonzero(self._weights)
            if len(used) >= limit - 1:
                self._pieces, self._weights = CuttingPlanes(self._pieces.combined(self._weights)), np.ones(1)
            else:
                self._pieces.keep(used)
                self._weights = self._weights[used]
        self._pieces.append(point)
        self._weights = np.append(self._weights, 0.0)
