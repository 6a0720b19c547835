"""Counter-examples of networks whose bounds say little at a point: points where a run gives outputs in a polytope.

That is what float64 shows, and of ops that have no bounds all there is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.branching.polytopes import Polytopes

TURNS = 30  # of points that wander,
FIRST, GROW, SHRINK = 0.25, 1.3, 0.75  # how far, in widths of the box, and by what that changes


def found_by_runs(
    bounds: LinearBounds, of: Polytopes, starts: np.ndarray, over: Callable[[], bool]
) -> tuple[np.ndarray, np.ndarray] | None:  # fmt: skip
    """A point at which a run gives outputs in a polytope, as a box (low, high), and None without one.

    Each point goes to a random one nearby if that is nearer, in steps that grow where it is and shrink where it is not.

    Args:
        starts: in the unit cube, shape (N, d), which stands for the box.
        over: whether to stop.
    """
    low, high = of.points.T
    rng, width = np.random.default_rng(0), high - low
    at, size = low + width * starts, np.full(len(starts), FIRST)
    off = np.full(len(at), np.inf)
    for turn in range(TURNS):
        for k in range(len(at)):
            if over():
                return None
            moved = rng.normal(size=width.shape) * size[k] * width if turn else 0.0
            ends = of.around(np.clip(at[k] + moved, low, high)[None])
            near = _off(bounds, of, ends[0][0])
            if near <= 0 and np.array_equal(*ends):
                return ends[0][0], ends[1][0]
            better = near < off[k]
            size[k] *= GROW if better else SHRINK
            if better:
                at[k], off[k] = ends[0][0], near
    return None


def _off(bounds: LinearBounds, of: Polytopes, x: np.ndarray) -> float:
    """How far outputs are outside of the nearest polytope."""
    values = of.rows @ bounds.run(x) - of.limits[:, 0]
    found = min(float(values[rows].max()) for rows in of.members)
    return found if np.isfinite(found) else np.inf


__all__ = ["found_by_runs"]
