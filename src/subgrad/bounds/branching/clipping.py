"""Parts of boxes that a linear bound decides along a side are cut off.

Over a box a row of outputs is nowhere below a linear function of the point. Where that exceeds the row's limit, no
output is in a polytope of this row. So the points that are left have ``slope_j (x_j - corner_j) <= limit - least``
along each side j, with the corner of the box where the function is least (D. Zhou et al., "Clip-and-Verify: Linear
constraint-driven domain clipping for accelerating neural network verification", 2025, arXiv 2512.11087). What one row
cuts off raises the least value of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.bounds.branching.polytopes import Polytopes

PASSES = 3
ROOM = 1e-6  # of a side that a cut stays away from what it may cut off: for rounding, and for whoever checks it
LEAST = 0.05  # of a side is cut off at least: a cut makes one more box of a proof
FINEST = 1e-6  # sides that are smaller than this, relative to where they lie, are not cut,
SMALLEST = 1e-280  # nor those that are smaller than this: their products underflow


@dataclass(frozen=True, eq=False)
class Clipped:
    """What is left of n boxes.

    Attributes:
        low, high: corners, shape (n, d); those of a box of which nothing is left say nothing.
        some: whether anything is left, shape (n,).
        done: the largest excess of what was cut off, -inf if nothing was.
    """

    low: np.ndarray
    high: np.ndarray
    some: np.ndarray
    done: float


def clipped(
    of: Polytopes, low: np.ndarray, high: np.ndarray, below: np.ndarray, slopes: np.ndarray, reached: np.ndarray
) -> Clipped:  # fmt: skip
    """The smallest boxes that hold all points whose outputs may be in a polytope.

    Args:
        below: the least value of each row in each box, shape (n, m).
        slopes: of the linear function that has it, shape (n, m, d).
        reached: the polytopes that are not decided, shape (n, polytopes).
    """
    new_low, new_high = np.full(low.shape, np.inf), np.full(low.shape, -np.inf)
    sure = np.full(len(low), np.inf)
    with np.errstate(all="ignore"):
        for k, rows in enumerate(of.members):
            n = np.flatnonzero(reached[:, k])
            if len(n):
                a, b, off = _within(low[n], high[n], below[n][:, rows], slopes[n][:, rows], of.limits[rows, 1])
                left = np.all(a <= b, axis=1, keepdims=True)
                new_low[n] = np.where(left, np.minimum(new_low[n], a), new_low[n])
                new_high[n] = np.where(left, np.maximum(new_high[n], b), new_high[n])
                sure[n] = np.minimum(sure[n], off)
        some = np.asarray(np.all(new_low <= new_high, axis=1))
        new_low = np.where(new_low - low >= LEAST * (high - low), new_low, low)
        new_high = np.where(high - new_high >= LEAST * (high - low), new_high, high)
    cut = ~some | (new_low > low).any(axis=1) | (new_high < high).any(axis=1)
    return Clipped(new_low, new_high, some, float(-sure[cut].min(initial=np.inf)))


def _within(
    low: np.ndarray, high: np.ndarray, below: np.ndarray, slopes: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Where all rows may be at most their limits; and by how much, at least, one is above its own beyond that."""
    a, b, width = low.copy(), high.copy(), high - low
    size, rises, room = np.abs(slopes), slopes > 0, ROOM * width
    fine = width > np.maximum(FINEST * np.maximum(np.abs(low), np.abs(high)), SMALLEST)
    # what the sums below may be off, a hundred times
    error = 1e-12 * (np.abs(below) + np.abs(limits) + np.einsum("nrd,nd->nr", size, width)) + SMALLEST
    beyond, sure = size * (room / 2)[:, None], np.full(len(low), np.inf)
    for _ in range(PASSES):
        moved = np.where(rises, (a - low)[:, None], (high - b)[:, None])
        slack = limits + error - (below + (size * moved).sum(axis=2))
        reach = slack[:, :, None] / size
        reach = np.where(np.isnan(reach) | ~fine[:, None], np.inf, reach) + room[:, None]
        ends = np.where(rises, a[:, None] + reach, np.inf)
        starts = np.where(rises, -np.inf, b[:, None] - reach)
        cuts = (ends < b[:, None]) | (starts > a[:, None])
        sure = np.minimum(sure, np.where(cuts, beyond, np.inf).min(axis=(1, 2)))
        a, b = np.maximum(a, starts.max(axis=1)), np.minimum(b, ends.min(axis=1))
    return a, b, sure


def cut_off(
    low: np.ndarray, high: np.ndarray, new_low: np.ndarray, new_high: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Corners of boxes that fill the first boxes without the second ones, side by side."""
    low, high, found = low.copy(), high.copy(), []
    for axis in range(low.shape[1]):
        n = np.flatnonzero(new_low[:, axis] > low[:, axis])
        end = high[n]
        end[:, axis] = new_low[n, axis]
        found.append((low[n], end))
        low[n, axis] = new_low[n, axis]
        n = np.flatnonzero(new_high[:, axis] < high[:, axis])
        start = low[n]
        start[:, axis] = new_high[n, axis]
        found.append((start, high[n]))
        high[n, axis] = new_high[n, axis]
    return found


__all__ = ["Clipped", "clipped", "cut_off"]
