"""The point of least norm in the convex hull of vectors, and the quadratic programs of bundle methods."""

from __future__ import annotations

import numpy as np


def least_weights(gram: np.ndarray, linear: np.ndarray | None = None, start: np.ndarray | None = None) -> np.ndarray:
    """The weights w >= 0 with sum 1 that minimise w.gram.w / 2 + linear.w.

    With ``gram[i, j]`` the product of vectors i and j and no linear part, ``w @ vectors`` is the point of least norm in
    their convex hull. A primal active set method: exact up to rounding, fast where few of the weights are positive
    (Wolfe, Finding the nearest point in a polytope, 1976, with Kiwiel's linear part).

    Args:
        gram: (m, m), symmetric and positive semidefinite.
        linear: (m,); zeros if None.
        start: (m,) weights to start from, best those of a similar problem; a single vector if None.

    Returns:
        (m,) weights.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[1.0, 1.0], [1.0, -1.0], [5.0, 0.0]])
        >>> least_weights(vectors @ vectors.T).tolist()
        [0.5, 0.5, 0.0]
    """
    m = len(gram)
    linear = np.zeros(m) if linear is None else linear
    norms = np.sqrt(np.diagonal(gram))
    weights = np.eye(1, m, int(np.argmin(np.diagonal(gram) / 2 + linear)))[0] if start is None else start.copy()
    support = _settle(weights, np.flatnonzero(weights).tolist(), gram, linear)
    for _ in range(5 * m + 20):
        slopes = gram[:, support] @ weights[support] + linear
        level, entering = weights @ slopes, int(np.argmin(slopes))
        noise = 1e-15 * norms[entering] * (weights @ norms)
        if slopes[entering] >= level - 1e-12 * abs(level) - noise or entering in support:
            break
        support = _settle(weights, [*support, entering], gram, linear)
        if entering not in support:
            break  # rounding alone said that it would help
    return weights


def _settle(weights: np.ndarray, support: list[int], gram: np.ndarray, linear: np.ndarray) -> list[int]:
    """Move ``weights`` to the minimum over a face of the simplex: the support's, or where a weight falls to 0 a
    smaller one. Returns that face."""
    while True:
        now, goal = weights[support], _on_face(gram[np.array(support)[:, None], support], linear[support])
        falling = goal <= 0
        if not falling.any() or len(support) == 1:
            weights[support] = goal
            return support
        ratios = np.where(falling, now / np.where(falling, now - goal, 1).clip(1e-300), np.inf)
        weights[support] = (now + ratios.min() * (goal - now)).clip(0)
        weights[support[int(np.argmin(ratios))]] = 0
        support = [i for i in support if weights[i] > 0]
        weights /= weights.sum()


def _on_face(gram: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The minimum over all w with sum 1, of any sign.

    Since the sum is 1, adding a constant to the Gram matrix changes nothing, and it becomes positive definite where
    the vectors are affinely independent; the ridge, of the size of its rounding, is for those that are not.
    """
    size = np.max(np.diagonal(gram))
    size = size if size > 0 else 1.0
    shifted = gram + size
    shifted.flat[:: len(gram) + 1] += 1e-14 * size
    ones, shares = np.linalg.solve(shifted, np.stack([np.ones(len(gram)), linear], 1)).T
    return ones * ((1 + shares.sum()) / ones.sum()) - shares
