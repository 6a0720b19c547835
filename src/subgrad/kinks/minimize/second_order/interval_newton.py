"""A zero of equations, near a point where they nearly hold: that there is exactly one in a box."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import EPS, Interval

STEPS, TRIES = 20, 4
"""The most steps of Newton's method, and the most boxes."""


class Zero(NamedTuple):
    """A box that holds exactly one zero, and a bound on the inverse of the derivatives there.

    Attributes:
        box: (n,).
        inverse: about the inverse of the derivatives, (n, n).
        lift: the largest sum of magnitudes in a row of the inverse is at most this.
    """

    box: Interval
    inverse: np.ndarray
    lift: float


def polished(f: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], y: np.ndarray) -> np.ndarray | None:
    """Newton's method from a point: where its steps become rounding errors; None if they do not."""
    before = np.inf
    for _ in range(STEPS):
        zeros, slopes = f(y)
        if not (np.isfinite(zeros).all() and np.isfinite(slopes).all()):
            return None
        try:
            step = np.linalg.solve(slopes, zeros)
        except np.linalg.LinAlgError:
            return None
        size = float(np.max(np.abs(step) / (1 + np.abs(y)), initial=0.0))
        if not np.isfinite(size):
            return None
        y = y - step
        if size <= 4 * EPS or (size <= 1e-8 and size > before / 4):
            return y
        before = size
    return None


def only_zero(
    values: Callable[[Interval], Interval], slopes: Callable[[Interval], Interval], middle: np.ndarray,
    inverse: np.ndarray,
) -> Zero | None:  # fmt: skip
    """A box around ``middle`` with exactly one zero; None if none is found.

    With C about the inverse of the derivatives the map y - C f(y) has a derivative near 0; if it maps the box into its
    interior, it has exactly one fixed point there, and C is regular (R. Krawczyk, "Newton-Algorithmen zur Bestimmung
    von Nullstellen mit Fehlerschranken", Computing 4, 1969).
    """
    n = len(middle)
    first = iv.bilinear(np.matmul, iv.exactly(inverse), values(iv.exactly(middle)), n).largest
    reach = 2 * first + 8 * EPS * np.abs(middle) + 1e-300
    for _ in range(TRIES):
        box = iv.widened(middle - reach, middle + reach)
        product = iv.bilinear(np.matmul, iv.exactly(inverse), slopes(box), n)
        error = iv.add(iv.exactly(np.eye(n)), iv.neg(product)).largest
        mapped = (first + error @ (np.maximum(box.high - middle, middle - box.low) * (1 + 1e-12))) * (1 + 1e-9)
        if not np.isfinite(mapped).all():
            return None
        if (mapped < reach).all():
            share = float(error.sum(1).max(initial=0.0)) * (1 + 1e-9)
            lift = float(np.abs(inverse).sum(1).max(initial=0.0)) * (1 + 1e-9) / (1 - share) if share < 1 else np.inf
            return Zero(iv.widened(middle - mapped, middle + mapped), inverse, lift)
        reach = 4 * mapped + 1e-300
    return None


__all__ = ["Zero", "only_zero", "polished"]
