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
    weights = least_weights(unit, unit @ unit.T, np.zeros(len(points)), start, tolerance)
    return weights @ points, weights


def least_weights(
    points: np.ndarray, gram: np.ndarray, linear: np.ndarray, start: np.ndarray | None = None, tolerance: float = 1e-12
) -> np.ndarray:
    """The weights w >= 0 with sum 1 that minimise \\|w @ points\\|^2 / 2 + linear @ w.

    Wolfe's algorithm with the linear part of bundle methods (K. Kiwiel, "A method for solving certain quadratic
    programming problems arising in nonsmooth optimization", IMA Journal of Numerical Analysis 6, 1986).

    Args:
        points: shape (m, n), m at least 1, finite.
        gram: ``points @ points.T``, which bundle methods keep from one problem to the next.
        linear: shape (m,).
        start: as for `least_norm`.
        tolerance: the same.

    Returns:
        Weights of shape (m,).

    Example:
        >>> import numpy as np
        >>> points = np.array([[1.0], [-1.0]])
        >>> least_weights(points, points @ points.T, np.array([0.0, 0.5])).round(12).tolist()
        [0.625, 0.375]
    """
    squares = np.diagonal(gram)
    corral, share = [int((squares / 2 + linear).argmin())], np.ones(1)
    if start is not None:
        corral = np.flatnonzero(start).tolist()
        corral, share = _reduced(gram, linear, corral, start[corral])
    best, least = (corral, share), np.inf
    while True:
        p, tilt = share @ points[corral], float(share @ linear[corral])
        square = float(p @ p)
        if square / 2 + tilt >= least:  # rounding: nothing is gained any more
            break
        best, least = (corral, share), square / 2 + tilt
        slopes = points @ p + linear
        j, level = int(slopes.argmin()), square + tilt
        rounding = 1e-15 * math.sqrt(square * squares.max())
        if level - slopes[j] <= tolerance * abs(level) + rounding or j in corral:
            break
        corral, share = _reduced(gram, linear, [*corral, j], np.append(share, 0.0))
    weights = np.zeros(len(points))
    weights[best[0]] = best[1]
    return weights


def _reduced(
    gram: np.ndarray, linear: np.ndarray, corral: list[int], share: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """From ``share`` towards the affine minimiser, dropping points on the way until it lies inside the hull."""
    while True:
        target = _affine_minimiser(gram[np.array(corral)[:, None], corral], linear[corral], share)
        if target is None:
            return corral, share
        if (target > 0).all():
            return corral, target / target.sum()
        falling = target <= 0
        ratios = share[falling] / np.maximum(share[falling] - target[falling], np.finfo(float).tiny)
        share = share + min(1.0, float(ratios.min())) * (target - share)
        kept = share > 1e-14
        kept[np.flatnonzero(falling)[ratios.argmin()]] = False
        if not kept.any():  # rounding
            return corral[:1], np.ones(1)
        corral, share = [c for c, k in zip(corral, kept, strict=True) if k], share[kept] / share[kept].sum()


def _affine_minimiser(gram: np.ndarray, linear: np.ndarray, share: np.ndarray) -> np.ndarray | None:
    """The minimum over weights with sum 1, of any sign; None where rounding leaves none that is lower than ``share``.

    As the sum is 1, a constant added to the linear part changes nothing; nor does one added to the products, which
    makes the matrix positive definite if the points are affinely independent. If they are not, a ridge of the size of
    rounding makes it so: where the linear part falls without end, the minimum lies far out in that direction.
    """
    size = float(gram.diagonal().max()) or 1.0
    products, given = gram / size, np.ones((len(gram), 2))
    given[:, 1] = (linear - linear[0]) / size
    slopes = products @ share + given[:, 1]
    products += 1
    for ridge in (1e-14,) if linear.any() else (0.0, 1e-14):  # a bundle's pieces nearly depend on one another
        products.flat[:: len(gram) + 1] += ridge
        try:
            solved = np.linalg.solve(products, given)
        except np.linalg.LinAlgError:
            continue
        total, pulled = solved.sum(0).tolist()
        if not (math.isfinite(pulled) and 0 < total < math.inf):
            continue
        target = solved[:, 0] * ((1 + pulled) / total) - solved[:, 1]
        falls = slopes @ (target - share) <= 1e-15 * np.abs(target).sum()
        if falls and np.abs(products @ solved - given).max() <= 1e-10 * max(1.0, np.abs(solved).max()):
            return target
    return None
