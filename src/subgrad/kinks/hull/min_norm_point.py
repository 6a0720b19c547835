"""The point of least norm in the convex hull of finitely many points: what decides whether 0 lies in it."""

from __future__ import annotations

import math

import numpy as np


def least_norm(
    points: np.ndarray, start: np.ndarray | None = None, tolerance: float = 1e-12
) -> tuple[np.ndarray, np.ndarray]:
    """The point of least norm in the hull of the rows of ``points``, and its weights.

    Wolfe's algorithm (P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11, 1976): a
    corral of affinely independent points, whose hull holds the answer, gains the point that lies farthest
    towards 0 and loses those that get no positive weight.

    Args:
        points: shape (m, n), m at least 1, finite.
        start: weights of shape (m,) to start from, such as those of a similar problem.
        tolerance: the search stops when no point promises to shorten the squared norm by more than this part of it.

    Returns:
        The point p, shape (n,), and weights of shape (m,), at least 0 and with sum 1, such that weights @ points
        is p. Every g of ``points`` has g.p >= \\|p\\|^2 up to rounding.

    Example:
        >>> import numpy as np
        >>> p, weights = least_norm(np.array([[2.0, 0.0], [0.0, 2.0], [5.0, 5.0]]))
        >>> p.round(12).tolist()
        [1.0, 1.0]
    """
    scale = float(np.abs(points).max(initial=0.0))
    if scale == 0:
        return np.zeros(points.shape[1]), np.eye(1, len(points))[0]
    unit = points / scale
    corral, share = _wolfe(unit, start, tolerance)
    weights = np.zeros(len(points))
    weights[corral] = share
    return weights @ points, weights


def _wolfe(points: np.ndarray, start: np.ndarray | None, tolerance: float) -> tuple[list[int], np.ndarray]:
    gram = points @ points.T
    squares = np.diagonal(gram)
    corral, share = [int(squares.argmin())], np.ones(1)
    if start is not None:
        corral = np.flatnonzero(start).tolist()
        corral, share = _reduced(gram, corral, start[corral])
    best = corral, share
    least = np.inf
    while True:
        p = share @ points[corral]
        if p @ p >= least:  # rounding: nothing is gained any more
            return best
        best, least = (corral, share), p @ p
        towards = points @ p
        j = int(towards.argmin())
        rounding = 1e-15 * math.sqrt(float(p @ p * squares.max()))
        if p @ p - towards[j] <= tolerance * (p @ p) + rounding or j in corral:
            return best
        corral, share = _reduced(gram, [*corral, j], np.append(share, 0.0))


def _reduced(gram: np.ndarray, corral: list[int], share: np.ndarray) -> tuple[list[int], np.ndarray]:
    """From ``share`` towards the affine minimiser, dropping points on the way until it lies inside the hull."""
    while True:
        target = _affine_minimiser(gram[np.array(corral)[:, None], corral])
        if target is None:
            return corral, share
        if (target > 0).all():
            return corral, target
        falling = target <= 0
        ratios = share[falling] / np.maximum(share[falling] - target[falling], np.finfo(float).tiny)
        share = share + min(1.0, float(ratios.min())) * (target - share)
        kept = share > 1e-14
        kept[np.flatnonzero(falling)[ratios.argmin()]] = False
        if not kept.any():  # rounding
            return corral[:1], np.ones(1)
        corral, share = [c for c, k in zip(corral, kept, strict=True) if k], share[kept] / share[kept].sum()


def _affine_minimiser(gram: np.ndarray) -> np.ndarray | None:
    """Weights with sum 1, of any sign, of the point of least norm in the affine hull, from the points' products; None
    where rounding leaves none."""
    gram, ones = 1 + gram, np.ones(len(gram))
    try:
        weights = np.linalg.solve(gram, ones)
    except np.linalg.LinAlgError:
        weights = np.full(len(gram), np.nan)
    if not np.abs(gram @ weights - ones).max() <= 1e-10 * max(1.0, np.abs(weights).max()):  # affinely dependent
        weights = np.linalg.lstsq(gram, ones, rcond=None)[0]  # ten times slower
    total = float(weights.sum())
    return weights / total if math.isfinite(total) and total > 0 else None
