"""A lower point where a solver has stopped: along the descent that its certificate shows, or one that a kink hides, or
along the kinks where f is curved downwards; where nothing is known of its curvature, from starts nearby."""

from __future__ import annotations

import numpy as np

from subgrad.errors import SubgradError
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.hull.local_minimum import judged
from subgrad.kinks.hull.subdifferential import at_point
from subgrad.kinks.minimize.certifying import POLE
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.saddles.escapes import escape
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder

BUDGET = 200
"""How many cells around the best point are looked at, for one into which f falls."""

FEW = 100
"""Up to how many variables slopes in all directions are bounded where the cells are not known, at the cost of as many
evaluations."""

GAIN = 1e-12
"""What f must fall by, relative to its value, where it is proved that it falls."""

WORTH = 1e-3
"""What it must fall by in tolerances, relative to its value, for another run to be worth while elsewhere."""


def way_down(f: Objective, certificate: Certificate, curved: SecondOrder, tol: float, seed: int) -> Point | None:
    """A point below the best one; None if there is none to be seen."""
    x = f.best.x
    if certificate.claim == "descent":
        lower = along(f, x, -certificate.direction, certificate.step)
        if lower is not None:
            return lower
    if curved or certificate.reason == POLE:
        return None
    direction, reach = _hidden(f), max(1.0, float(np.abs(x).max()))
    lower = None if direction is None else along(f, x, direction, reach, gain=WORTH * tol)
    if lower is None and curved.verdict == "not a local minimum":
        lower = along(f, curved.x, curved.direction, reach, curved.bend) or along(
            f, curved.x, -curved.direction, reach, curved.bend
        )
    return lower or escape(f, certificate, tol, WORTH * tol, seed)


def _hidden(f: Objective) -> np.ndarray | None:
    """A direction along which f falls from a point that counts as stationary, such as a maximum on a kink."""
    if f.target.problem is None:
        return None
    try:
        found = at_point(f.target.problem, f.best.x, BUDGET)
        return judged(found).direction if found.complete or f.best.x.size <= FEW else None
    except SubgradError:
        return None


def along(
    f: Objective, x: np.ndarray, direction: np.ndarray, step: float, bend: np.ndarray | float = 0.0,
    gain: float = GAIN,
) -> Point | None:  # fmt: skip
    """The best point of ever longer steps along a line, or a curve, as long as they lead down, or of ever shorter ones;
    if it is lower by a ``gain``, relative to its value."""
    before = lowest = f.best
    wanted = before.value - gain * (1 + abs(before.value))

    def tried(t: float) -> Point:
        return f(x + t * direction + t * t * bend)

    for k in range(60):
        point = tried(step * 4**k)
        if not point.value < lowest.value:
            break
        lowest = point
    for k in range(1, 30):
        if f.best.value < wanted:
            return f.best
        tried(step / 4**k)
    f.best = before  # of which something is known
    return None
