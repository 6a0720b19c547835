"""Newton's method on the equations of a minimum on kinks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrad.kinks.minimize.multipliers.active_kinks import LARGEST, ActiveKinks, Linearised
from subgrad.kinks.minimize.multipliers.smoothed_kinks import Evaluation, SmoothedKinks

STEPS, RIDGE = 8, 1e-10
"""The most steps, and what makes equations that depend on each other regular, relative to their rows."""


def newton_finish(
    smooth: SmoothedKinks, evaluate: Callable[[np.ndarray], Evaluation], found: Evaluation, wanted: float
) -> Evaluation | None:
    """A point at which the gradient, with slopes in the place of the kinks, and the distances from the kinks are at
    most ``wanted``; None, and the multipliers as they were, where Newton's method does not lead to one.

    The gradient is linear in the slopes, so this is the Lagrange-Newton method, which squares the error in each step
    (the first one may make it larger). On which kinks the point is follows from the smoothed function with the new
    slopes as multipliers: a slope that leaves its interval puts the kink on that side, and one whose side has changed
    comes in (Hintermüller, Ito and Kunisch, The primal-dual active set strategy as a semismooth Newton method, 2002).
    L-BFGS comes slowly nearer where kinks nearly depend on each other.
    """
    multipliers = smooth.multipliers
    for _ in range(STEPS):
        active = ActiveKinks(smooth, found, 0.0)
        if not len(active) or max(active.size, found.x.size**2) > LARGEST:
            break
        at = Linearised(smooth, found.x, found.slopes, active)
        error = max(float(np.linalg.norm(at.gradient)), float(np.abs(at.differences).max()))
        if error <= wanted:
            return found._replace(gradient=at.gradient)
        step = _step(at)
        if step is None:
            break
        smooth.multipliers = active.turned(found.slopes, step[found.x.size :] / at.effects)
        found = evaluate(found.x + step[: found.x.size])
    smooth.multipliers = multipliers
    return None


def _step(at: Linearised) -> np.ndarray | None:
    """By what the variables change, and the slopes times their effects."""
    if not at.effects.all():
        return None
    rows, curvature = at.rows(), at.curvature()
    m, n = rows.shape
    table = np.zeros((n + m, n + m))
    table[:n, :n], table[n:, :n], table[:n, n:] = curvature, rows, rows.T
    table.flat[n * (n + m + 1) :: n + m + 1] -= RIDGE * (rows**2).sum(1)
    try:
        found = np.linalg.solve(table, -np.append(at.gradient, at.differences))
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None


__all__ = ["newton_finish"]
