"""A lower point where a solver has stopped: along the descent that its certificate shows, or one that a kink hides."""

from __future__ import annotations

import numpy as np

from subgrad.errors import SubgradError
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.hull.local_minimum import judged
from subgrad.kinks.hull.subdifferential import at_point
from subgrad.kinks.minimize.objective import Objective, Point

BUDGET = 200
"""How many cells around the best point are looked at, for one into which f falls."""

FEW = 100
"""Up to how many variables slopes in all directions are bounded where the cells are not known, at the cost of as many
evaluations."""

GAIN = 1e-12
"""What f must fall by, relative to its value, for another run to be worth while."""


def way_down(f: Objective, certificate: Certificate) -> Point | None:
    """A point below the best one; None if there is none to be seen."""
    if certificate.claim == "descent":
        return _along(f, -certificate.direction, certificate.step)
    direction = _hidden(f)
    if direction is None:
        return None
    return _along(f, direction, max(1.0, float(np.abs(f.best.x).max())))


def _hidden(f: Objective) -> np.ndarray | None:
    """A direction along which f falls from a point that counts as stationary, such as a maximum on a kink."""
    if f.target.problem is None:
        return None
    try:
        found = at_point(f.target.problem, f.best.x, BUDGET)
        return judged(found).direction if found.complete or f.best.x.size <= FEW else None
    except SubgradError:
        return None


def _along(f: Objective, direction: np.ndarray, step: float) -> Point | None:
    """The best point of ever shorter steps, if it is lower by more than rounding."""
    before = f.best
    for _ in range(30):
        f(before.x + step * direction)
        if f.best.value < before.value - GAIN * (1 + abs(before.value)):
            return f.best
        step /= 4
    return None
