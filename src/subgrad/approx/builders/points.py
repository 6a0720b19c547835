"""Points in a box."""

from __future__ import annotations

import numpy as np

from subgrad.entropy import pcg64


def spread(box: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n points that cover a box evenly, (n, d): a Kronecker sequence from a random start.

    The steps are powers of 1/φ with φ^(d+1) = φ + 1 (M. Roberts, "The unreasonable effectiveness of quasirandom
    sequences", 2018).

    >>> spread(np.array([[0.0, 1.0], [2.0, 4.0]]), 3, seed=0).shape
    (3, 2)
    """
    d = len(box)
    phi = 2.0
    for _ in range(64):
        phi = (1 + phi) ** (1 / (d + 1))
    start = pcg64(seed).random(d)
    unit = (start + np.arange(1, n + 1)[:, None] * phi ** -np.arange(1.0, d + 1)) % 1
    return box[:, 0] + unit * (box[:, 1] - box[:, 0])


def uniform(box: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n independent points of the uniform distribution on a box, (n, d)."""
    return pcg64(seed).uniform(box[:, 0], box[:, 1], (n, len(box)))
