"""The point of least norm in the convex hull of finitely many points: what decides whether 0 lies in it."""

from __future__ import annotations

import numpy as np


def least_norm(points: np.ndarray, tolerance: float = 1e-13) -> tuple[np.ndarray, np.ndarray]:
    """The point of least norm in the hull of the rows of ``points``, and its weights.

    Wolfe's algorithm (P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11, 1976): a
    corral of affinely independent points, whose hull holds the answer, gains the point that lies farthest
    towards 0 and loses those that get no positive weight.

    Args:
        points: shape (m, n), m at least 1, finite.
        tolerance: the search stops when no point improves the squared norm by more than this part of the largest.

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
    corral, share = _wolfe(unit, tolerance)
    weights = np.zeros(len(points))
    weights[corral] = share
    return weights @ points, weights


def _wolfe(points: np.ndarray, tolerance: float) -> tuple[list[int], np.ndarray]:
    squares = np.einsum("ij,ij->i", points, points)
    corral, share = [int(squares.argmin())], np.ones(1)
    best = corral, share
    least = np.inf
    while True:
        p = share @ points[corral]
        if p @ p >= least:  # rounding: nothing is gained any more
            return best
        best, least = (corral, share), p @ p
        towards = points @ p
        j = int(towards.argmin())
        if p @ p - towards[j] <= tolerance * squares.max() or j in corral:
            return best
        corral, share = _reduced(points, [*corral, j], np.append(share, 0.0))


def _reduced(points: np.ndarray, corral: list[int], share: np.ndarray) -> tuple[list[int], np.ndarray]:
    """From ``share`` towards the affine minimiser, dropping points on the way until it lies inside the hull."""
    while True:
        target = _affine_minimiser(points[corral])
        if (target > 0).all():
            return corral, target
        falling = target <= 0
        ratios = share[falling] / np.maximum(share[falling] - target[falling], np.finfo(float).tiny)
        share = share + min(1.0, float(ratios.min())) * (target - share)
        kept = share > 1e-14
        kept[np.flatnonzero(falling)[ratios.argmin()]] = False
        corral, share = [c for c, k in zip(corral, kept, strict=True) if k], share[kept] / share[kept].sum()


def _affine_minimiser(corral: np.ndarray) -> np.ndarray:
    """Weights with sum 1, of any sign, of the point of least norm in the affine hull."""
    gram = 1 + corral @ corral.T
    weights = np.linalg.lstsq(gram, np.ones(len(corral)), rcond=None)[0]
    return weights / weights.sum()
