"""Points around one on kinks, whose gradients have the combination that the slopes of the kinks stand for.

A slope s of max(0, z) between 0 and 1 is s times the gradient where z > 0, and 1 - s times that where z < 0. Of several
kinks a number t between 0 and 1 puts those on the upper side whose slope is above t: as t goes from 0 to 1 this makes
one pattern of sides after the other, each with a weight, and together they are the slopes. A pattern is found near the
point where the arguments of the kinks are independent functions; elsewhere some are, and the rest is left to a search.
"""

from __future__ import annotations

import numpy as np

from subgrad.kinks.minimize.multipliers.active_kinks import LARGEST, ActiveKinks, Linearised
from subgrad.kinks.minimize.multipliers.smoothed_kinks import Evaluation, SmoothedKinks

MOST = 2500
"""The most kinks, and the most patterns."""

RADIUS = 0.02
"""How far away the points are, as a share of the tolerance: so near that slopes hardly change on the way."""

RIDGE = 1e-14
"""What makes a matrix of slopes that depend on each other regular, relative to it."""

Found = tuple[list[np.ndarray], np.ndarray]


def pattern_points(smooth: SmoothedKinks, found: Evaluation, tol: float) -> Found:
    """The points around one, those that there are, and the weights of their gradients; none where there are too many
    kinks."""
    nothing: Found = [], np.zeros(0)
    active = ActiveKinks(smooth, found, tol)
    ends = np.unique(np.round(np.concatenate([[0.0, 1.0], active.low, active.high]), 11))
    if not 0 < len(active) <= MOST or len(ends) > MOST or active.size > LARGEST:
        return nothing
    weights = np.diff(ends)
    middles = (ends[:-1] + weights / 2)[:, None]
    signs = np.where((middles > active.low) & (middles < active.high), 1.0, -1.0)
    at = Linearised(smooth, found.x, found.slopes, active)
    rows = at.rows()
    size = np.abs(rows).max(1, initial=0.0)
    if not size.all():
        return nothing
    rows = rows / size[:, None]
    gram = rows @ rows.T
    gram.flat[:: len(gram) + 1] += RIDGE * len(gram) * gram.diagonal().max()
    try:
        solved = np.linalg.solve(gram, np.column_stack([-at.differences / size, signs.T]))
    except np.linalg.LinAlgError:
        return nothing
    back, *ways = solved.T @ rows
    there = ((np.array(ways) @ rows.T) * signs > 0.5).all(1)
    points = [found.x + back + way * (RADIUS * tol / (np.linalg.norm(way) or 1.0)) for way in ways]
    return [p for p, is_there in zip(points, there.tolist(), strict=True) if is_there], weights[there]


__all__ = ["pattern_points"]
