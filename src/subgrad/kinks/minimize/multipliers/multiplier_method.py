"""The method of multipliers for functions with kinks."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from subgrad.graph.tensor import Tensor
from subgrad.kinks.minimize.bfgs import Limited
from subgrad.kinks.minimize.multipliers.newton_finish import newton_finish
from subgrad.kinks.minimize.multipliers.pattern_points import pattern_points
from subgrad.kinks.minimize.multipliers.smoothed_kinks import Evaluation, SmoothedKinks, is_choice
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import until_certified

ROUNDS, STEPS = 60, 300
"""The most multipliers that are tried, and the most steps for each."""

STIFFER, STIFFEST, EASY = 4.0, 1e8, 100
"""By what the stiffness grows where the kinks come closer too slowly, up to where; and after how many evaluations it
does not: a stiff function is harder to minimise."""

SLOW = 0.25
"""A share of the distance from the kinks; what is left of it after a round that was not slow is less."""

PATIENCE = 6
"""After how many rounds whose function was not minimised the method gives up."""

READY, SOONER = 1e-4, 0.25
"""How near to their kinks, relative to where it began, ops are when Newton's method is tried, and by what part nearer
they are when it is tried again."""

CLOSE = 1e-4
"""The share of the tolerance within which the kinks are met at the end."""

NOISE = 1e-15
"""Values that differ by less than this part count as equal, and slopes decide."""


def multipliers(f: Objective, at: Point, tol: float) -> Generator[Point]:
    """Minimise f with its kinks smoothed around multipliers, then let the multipliers be the slopes found; and so on.

    At a minimum on kinks each of them has a slope at which the gradient of f is 0. With these slopes as multipliers
    the smoothed function, however smooth, has its minimum there, so that no stiffness need grow without end: it is
    the method of multipliers, of which each round is the minimisation of a smooth function (Bertsekas 1975, see
    `smoothed_kinks`), here by L-BFGS. It takes memory for some vectors, however many kinks there are.

    At the end there are gradients around the last point for each way in which the kinks can be on one side of it or
    on the other that the slopes are a combination of: they prove that it is stationary.
    """
    if f.target.problem is None or f.bounded:
        return
    smooth = SmoothedKinks(f.target.problem)
    if not smooth.nodes:
        return
    yield from until_certified(f, at, tol, lambda f, at, tol: _descend(f, smooth, at, tol))


def _descend(f: Objective, smooth: SmoothedKinks, at: Point, tol: float) -> Generator[Point]:
    sizes = np.array([_size(node, z) for node, z in zip(smooth.nodes, smooth(at.x).arguments, strict=True)])
    stiffness, before, ready, missed = 1.0, np.inf, READY, 0
    smooth.stiffness = stiffness / sizes
    found = _counted(f, smooth, at.x)
    wanted = float(np.linalg.norm(found.gradient))
    if not (np.isfinite(found.value) and np.isfinite(wanted)):
        return
    inverse = Limited(found.gradient if wanted else np.ones(at.x.size))
    for _ in range(ROUNDS):
        wanted = max(wanted / STIFFER, tol / 100)
        begun = f.count
        found = _minimised(f, smooth, found, inverse, wanted)
        turned = np.array([np.abs(s - m).max() for s, m in zip(found.slopes, smooth.multipliers, strict=True)])
        away = turned / smooth.stiffness
        gap = turned.max() / stiffness
        smooth.multipliers = found.slopes
        here = f(found.x)
        yield here
        exact = found if away.max() <= CLOSE * tol and np.linalg.norm(found.gradient) <= tol / 10 else None
        if exact is None and gap <= ready:
            ready *= SOONER
            exact = newton_finish(smooth, lambda x: _counted(f, smooth, x), found, CLOSE * tol)
        if exact is not None and f(exact.x).value <= here.value + NOISE * abs(here.value):
            _keep_proof(f, smooth, exact, tol)
            return
        smooth.multipliers = found.slopes
        missed += np.linalg.norm(found.gradient) > wanted
        if missed == PATIENCE:
            return
        if gap > SLOW * before and stiffness < STIFFEST and f.count - begun < EASY:
            stiffness *= STIFFER
        before = gap
        smooth.stiffness = stiffness / sizes
        found = _counted(f, smooth, found.x)


def _keep_proof(f: Objective, smooth: SmoothedKinks, found: Evaluation, tol: float) -> None:
    """Remember gradients around a point, of which the slopes of its kinks are a combination."""
    places, shares = pattern_points(smooth, found, tol)
    points = [f(x) for x in places]
    finite = [p.value < np.inf for p in points]
    independent = 0 < sum(finite) <= found.x.size + 1
    f.keep([p for p in points if p.value < np.inf], shares[finite] if independent else None)


def _size(node: Tensor, arguments: np.ndarray) -> float:
    """How far from its kink an op is, about."""
    away = arguments.max(-1, keepdims=True) - arguments if is_choice(node) else np.abs(arguments)
    return float(away.mean()) or 1.0


def _counted(f: Objective, smooth: SmoothedKinks, x: np.ndarray) -> Evaluation:
    f.count += 1
    return smooth(x)


def _minimised(f: Objective, smooth: SmoothedKinks, at: Evaluation, inverse: Limited, wanted: float) -> Evaluation:
    """A point with a gradient of at most ``wanted``, by L-BFGS."""
    for _ in range(STEPS):
        if np.linalg.norm(at.gradient) <= wanted:
            break
        direction = -inverse.times(at.gradient)
        found = _searched(f, smooth, at, direction)
        if found is None:
            break
        inverse.update(found.x - at.x, found.gradient - at.gradient)
        at = found
    return at


def _searched(f: Objective, smooth: SmoothedKinks, at: Evaluation, direction: np.ndarray) -> Evaluation | None:
    """A point along the direction that satisfies the Wolfe conditions; where rounding hides the first of them, one with
    a flatter slope (Hager and Zhang, A new conjugate gradient method with guaranteed descent, 2005)."""
    slope = float(at.gradient @ direction)
    low, high, step = 0.0, np.inf, 1.0
    noise = NOISE * abs(at.value)
    for _ in range(40):
        found = _counted(f, smooth, at.x + step * direction)
        rise = float(found.gradient @ direction)
        if not (found.value <= at.value + 1e-4 * step * slope + noise and rise <= -0.9 * slope):
            high = step
        elif rise < 0.9 * slope:
            low = step
        else:
            return found
        step = (low + high) / 2 if high < np.inf else 2 * low
    return None


__all__ = ["multipliers"]
