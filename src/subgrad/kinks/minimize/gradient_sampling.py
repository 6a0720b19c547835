"""The gradient sampling method."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from subgrad.entropy import pcg64
from subgrad.kinks.minimize.certifying import least_combination
from subgrad.kinks.minimize.line_search import weak_wolfe
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import until_certified

RADIUS, SHRINK, SHORT, MOST = 0.1, 0.1, 0.01, 100
"""The first radius, by what it shrinks, the share of it that is a short step, and the most gradients drawn at once."""


def gradient_sampling(f: Objective, at: Point, tol: float, seed: int) -> Generator[Point]:
    """Steepest descent for all gradients nearby: along minus the least combination of some drawn at random.

    At each point 2n gradients, 100 at most, are drawn from the ball around it. Where their least combination is small,
    or does not lead far down, the radius shrinks. For locally Lipschitz f, differentiable almost everywhere, all
    cluster points are stationary if at least n + 1 are drawn (Burke, Lewis and Overton, A robust gradient sampling
    algorithm for nonsmooth, nonconvex optimization, 2005). Gradients remembered from the ball are used again (Curtis
    and Que, An adaptive gradient sampling algorithm for nonsmooth optimization, 2013).
    """
    rng = pcg64(seed)
    return until_certified(f, at, tol, lambda f, at, tol: _descend(f, at, tol, rng))


def _descend(f: Objective, at: Point, tol: float, rng: np.random.Generator) -> Generator[Point]:
    radius = RADIUS
    while radius > tol / 20:
        least = _sampled(f, at, radius, rng)
        size = float(np.linalg.norm(least))
        lower = weak_wolfe(f, at, -least, -size * size) if size > max(tol, radius) else None
        if lower is None or np.linalg.norm(lower.x - at.x) < SHORT * radius:
            radius *= SHRINK
        at = lower or at
        yield at


def _sampled(f: Objective, at: Point, radius: float, rng: np.random.Generator) -> np.ndarray:
    for offset in _in_ball(min(2 * at.x.size, MOST), at.x.size, rng):
        f(at.x + radius * offset)
    used, weights, least = least_combination(*f.around(at, radius))
    f.keep(used, weights)
    return least


def _in_ball(count: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """(count, n): points of the unit ball, uniform."""
    directions = rng.normal(size=(count, n))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * rng.random((count, 1)) ** (1 / n)
