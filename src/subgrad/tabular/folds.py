"""Which rows each member of a cross-fitted ensemble is not trained on."""

from __future__ import annotations

import numpy as np

from subgrad.entropy import philox


def balanced_folds(y: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The part (n,), from 0 on, that each row belongs to: parts of one size, give or take one, with like targets.

    Rows in the order of their targets are dealt out: of each ``folds`` of them, every part gets one.

    >>> y = np.array([0, 1, 0, 1, 0, 0])
    >>> parts = balanced_folds(y, 2, seed=0)
    >>> np.bincount(parts).tolist(), np.bincount(parts[y == 1]).tolist()
    ([3, 3], [1, 1])
    """
    rng = philox(seed, 1)
    n = len(y)
    order = rng.permutation(n)
    order = order[np.argsort(y[order], kind="stable")]
    dealt = rng.permuted(np.tile(np.arange(folds), (-(-n // folds), 1)), axis=1).reshape(-1)[:n]
    parts = np.empty(n, np.int64)
    parts[order] = dealt
    return parts


__all__ = ["balanced_folds"]
