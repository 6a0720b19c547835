"""The line search that quasi-Newton methods need at kinks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrad.kinks.minimize.objective import Point

DECREASE, CURVATURE = 1e-4, 0.5
"""The constants of the weak Wolfe conditions."""


def weak_wolfe(
    f: Callable[[np.ndarray], Point], at: Point, direction: np.ndarray, slope: float, step: float = 1.0
) -> Point | None:
    """A point along ``direction`` that is lower in proportion, and where the slope has become flatter.

    The step is doubled, then bisected, until f(x + t d) <= f(x) + 1e-4 t slope and g(x + t d).d >= slope / 2. Each
    step that ends where f is differentiable will do: no step size need be known, and unlike under the strong Wolfe
    conditions a jump of the slope from negative to positive is welcome (Lewis and Overton, Nonsmooth optimization via
    quasi-Newton methods, 2013).

    Args:
        f: the function.
        at: where the search starts.
        direction: (n,).
        slope: the slope along it, below 0.
        step: the first t.

    Returns:
        The point; the lowest one seen if rounding ends the search early; None if nothing is lower.
    """
    low, high, lowest = 0.0, np.inf, None
    for _ in range(60):
        point = f(at.x + step * direction)
        if not point.value < at.value + DECREASE * step * slope:
            high = step
        elif point.gradient @ direction < CURVATURE * slope:
            low, lowest = step, point
        else:
            return point
        step = (low + high) / 2 if high < np.inf else 2 * low
    return lowest
