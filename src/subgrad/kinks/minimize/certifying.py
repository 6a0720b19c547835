"""What the remembered points prove: stationarity in Goldstein's sense, and for convex functions a lower bound."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from subgrad.errors import SubgradError
from subgrad.kinks.certify.certificates import Certificate
from subgrad.kinks.certify.goldstein import Goldstein
from subgrad.kinks.certify.stationary import at_the_point, checked
from subgrad.kinks.hull.min_norm_point import least_norm
from subgrad.kinks.minimize.objective import Objective, Point

MORE = 200
"""How many gradients may be computed to replace those on kinks, beyond one for each that is needed."""

POLE = "gradients grow without end towards the point, as beside a pole"

STEEP, NEARER, GROWN = 100.0, 1e-4, 300.0
"""Slopes above this may be those beside a pole: that much nearer to it they are at least that many times larger."""

FEW = 20
"""Up to how many variables the whole subdifferential is looked for."""


def is_certified(f: Objective, at: Point, tol: float) -> bool:
    """Whether the gradients remembered from within ``tol`` have a convex combination of norm at most ``tol``."""
    return bool(np.linalg.norm(least_combination(*f.around(at, tol))[2]) <= tol)


def issue(f: Objective, tol: float, seed: int) -> Certificate:
    """A certificate at the best point, from gradients close to those that a solver has found useful.

    A solver's own points may be on kinks, where backprop proves nothing, or so near to one that it cannot be proved on
    which side they are. Then others next to them are taken. Where f is so curved that gradients change too much within
    the radius, the subdifferential at the point itself may tell.
    """
    used, weights, _ = least_combination(*f.around(f.best, tol))
    near = [f.project(p.x) for p in used]
    beside_a_pole = _is_beside_a_pole(f, tol)
    for as_given in (True, False):
        search = Goldstein(f.evaluate, f.best.x, f.space, tol, tol, seed, near, weights, as_given)
        if beside_a_pole:
            return replace(search.search(0), claim="unknown", reason=POLE)
        found = checked(search.search(len(near) + MORE), f.seen)
        if found.claim != "unknown":
            return found
    return _at_itself(f, tol, seed) or found


def _is_beside_a_pole(f: Objective, tol: float) -> bool:
    """Whether f is as the logarithm of an absolute value at 0, where the gradients of both sides cancel, though it has
    no minimum. Where slopes are bounded, as Goldstein's condition asks for, they do not grow on the way to a point."""
    size = float(np.linalg.norm(f.best.gradient))
    if size <= STEEP:
        return False
    way = f.best.gradient / size

    def steepest(distance: float) -> float:
        sides = (f.evaluate(f.project(f.best.x + d * way))[1] for d in (distance, -distance))
        return max(float(np.abs(g).max()) for g in sides)

    return not steepest(NEARER * tol) <= GROWN * steepest(tol)


def _at_itself(f: Objective, tol: float, seed: int) -> Certificate | None:
    """What the subdifferential at the best point says, if it is not too large to be found."""
    if f.target.problem is None or f.bounded or f.best.x.size > FEW:
        return None
    with contextlib.suppress(SubgradError):
        found = at_the_point(f.target.problem.moved(f.best.x), f.seen, tol, MORE, seed)
        return found if found.claim == "stationary" else None
    return None


def convex_lower(f: Objective, start: np.ndarray, delta: float, R: float) -> float:
    """What a convex f cannot be below at any point at most R from a start.

    Each remembered point gives a linear function that is nowhere above f. So are their convex combinations, and the
    one with the least slope falls by at most R times that slope.
    """
    used, weights, least = least_combination(*f.around(f.best, delta))
    at_start = weights @ np.array([p.linear(start) for p in used])
    return float(at_start - R * np.linalg.norm(least))


def least_combination(
    points: Sequence[Point], start: np.ndarray | None = None
) -> tuple[list[Point], np.ndarray, np.ndarray]:
    """The least convex combination of the points' gradients: the points it is made of, their weights, and itself.

    ``start`` are weights that may be near.
    """
    gradients = np.stack([p.gradient for p in points])
    weights = least_norm(gradients, start)[1]
    used = np.flatnonzero(weights)
    weights = weights[used] / weights[used].sum()
    return [points[i] for i in used.tolist()], weights, weights @ gradients[used]
