"""Counter-examples: points where all inequalities of a case hold for certain, found by projected subgradient descent.

A point is a box without a width. Its linear bounds are its values, with their rounding errors, and the slopes there are
the gradient; so whatever `values_at` says holds of the network in real arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.backward.polytopes import Polytopes

POINTS = 64
STEPS = 25
FIRST, LAST = 0.25, 0.002  # sizes of steps, in widths of the box


@dataclass(frozen=True, eq=False)
class Values:
    """For each of N points and each polytope by how much the row that is furthest off exceeds its limit.

    Attributes:
        low, high: between what this lies for certain, shape (N, polytopes).
        slopes: the gradient of that row, shape (N, polytopes, d).
    """

    low: np.ndarray
    high: np.ndarray
    slopes: np.ndarray


def values_at(bounds: LinearBounds, low: np.ndarray, high: np.ndarray, of: Polytopes) -> Values:
    """The values at points, given as the smallest boxes of floats that hold them, shape (N, d)."""
    m = len(of.rows)
    found = bounds.over(low, high).below(np.concatenate([of.rows, -of.rows]))
    least, most = found.bound[:, :m], -found.bound[:, m:]
    above, below = np.nextafter(most - of.limits[:, 0], np.inf), np.nextafter(least - of.limits[:, 1], -np.inf)
    worst = [rows[np.argmax(above[:, rows], axis=1)] for rows in of.members]
    everywhere = np.arange(len(low))
    return Values(
        np.stack([below[:, rows].max(axis=1) for rows in of.members], axis=1),
        np.stack([above[:, rows].max(axis=1) for rows in of.members], axis=1),
        np.stack([found.slopes[everywhere, w] for w in worst], axis=1),
    )


def attack(
    bounds: LinearBounds, of: Polytopes, starts: np.ndarray, over: Callable[[], bool]
) -> tuple[np.ndarray, np.ndarray] | None:
    """A point that lies in a polytope for certain, as the box (low, high) of floats around it, and None without one.

    Args:
        starts: in the unit cube, shape (N, d), which stands for the box.
        over: whether to stop.
    """
    low, high = of.points.T
    width = high - low
    at = low + width * starts
    aim = np.arange(len(at)) % len(of.members)
    rows = np.arange(len(at))
    for size in np.geomspace(FIRST, LAST, STEPS):
        if over():
            return None
        ends = of.around(at)
        found = values_at(bounds, *ends, of)
        hit = (found.high <= 0).any(axis=1)
        if hit.any():
            best = int(np.argmin(np.where(hit, found.high.min(axis=1), np.inf)))
            return ends[0][best], ends[1][best]
        slopes = found.slopes[rows, aim]
        at = np.clip(at - size * width * np.sign(slopes), low, high)
    return None


__all__ = ["POINTS", "Values", "attack", "values_at"]
