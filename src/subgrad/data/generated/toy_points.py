"""Data that are made up, to try things out on: as scikit-learn makes them, with a seed."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from subgrad.entropy import pcg64
from subgrad.errors import ArgumentError

Data = tuple[np.ndarray, np.ndarray]


def make_moons(n_samples: int = 100, *, noise: float = 0.0, seed: int = 0) -> Data:
    """Two half circles that reach into each other: X float32 (n, 2), y int64 (n,), 0 above and 1 below, in a random
    order.

    Args:
        n_samples: how many points, half of them of each class.
        noise: the deviation of normal noise on both coordinates.
        seed: of the noise and of the order.

    Raises:
        ArgumentError: for a number of points below 2, or negative noise.

    Example:
        >>> X, y = make_moons(200, noise=0.1)
        >>> X.shape, np.bincount(y).tolist()
        ((200, 2), [100, 100])
    """
    rng, n = _started(n_samples, noise, seed)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    X = np.concatenate([
        np.stack([np.cos(upper), np.sin(upper)], 1), np.stack([1 - np.cos(lower), 0.5 - np.sin(lower)], 1),
    ])  # fmt: skip
    return _noisy(rng, X, np.repeat([0, 1], [n // 2, n - n // 2]), noise)


def make_circles(n_samples: int = 100, *, noise: float = 0.0, factor: float = 0.8, seed: int = 0) -> Data:
    """Two circles around 0, of radius 1 (class 0) and ``factor`` (class 1). The rest is as in `make_moons`.

    >>> X, y = make_circles(10, factor=0.5)
    >>> sorted(set(np.linalg.norm(X, axis=1).round(3).tolist()))
    [0.5, 1.0]
    """
    rng, n = _started(n_samples, noise, seed)
    if not isinstance(factor, Real) or not 0 <= float(factor) < 1:
        raise ArgumentError(f"factor lies in [0, 1), got {factor!r}")
    outer, inner = (np.linspace(0, 2 * np.pi, m, endpoint=False) for m in (n // 2, n - n // 2))
    X = np.concatenate([
        np.stack([np.cos(outer), np.sin(outer)], 1), float(factor) * np.stack([np.cos(inner), np.sin(inner)], 1),
    ])  # fmt: skip
    return _noisy(rng, X, np.repeat([0, 1], [n // 2, n - n // 2]), noise)


def make_blobs(
    n_samples: int = 100, n_features: int = 2, *, centers: int | Sequence[Any] = 3, cluster_std: float = 1.0,
    seed: int = 0,
) -> Data:  # fmt: skip
    """Normal clouds of points, a class each: X float32 (n, features), y int64 (n,).

    Args:
        n_samples: how many points, shared out evenly.
        n_features: how many coordinates; those of ``centers`` if they are given.
        centers: how many clouds, with their middles drawn evenly from -10 to 10; or the middles, (clouds, features).
        cluster_std: the deviation of each coordinate.
        seed: of all that is drawn.

    Raises:
        ArgumentError: for numbers below 1, a negative deviation, or middles that are no table.

    Example:
        >>> X, y = make_blobs(9, centers=[[0.0, 0.0], [5.0, 5.0]], cluster_std=0.0)
        >>> np.bincount(y).tolist(), X[y == 1][0].tolist()
        ([5, 4], [5.0, 5.0])
    """
    rng, n = _started(n_samples, cluster_std, seed, least=1)
    if isinstance(centers, Integral):
        if not (int(centers) >= 1 and isinstance(n_features, Integral) and n_features >= 1):
            raise ArgumentError(f"make_blobs needs 1 or more centers and features, got {centers!r} and {n_features!r}")
        middles = rng.uniform(-10, 10, (int(centers), int(n_features)))
    else:
        middles = np.asarray(centers, float)
    if middles.ndim != 2 or not middles.size:
        raise ArgumentError(f"centers have the shape (clouds, features), got {middles.shape}")
    y = np.sort(np.arange(n) % len(middles))
    return _noisy(rng, middles[y], y, cluster_std)


def make_spirals(
    n_samples: int = 100, *, n_classes: int = 2, turns: float = 1.0, noise: float = 0.0, seed: int = 0
) -> Data:
    """Spirals around 0, a class each, of radius 0 to 1 with so many ``turns``. Other arguments, result and errors are
    those of `make_moons`.

    >>> X, y = make_spirals(300, n_classes=3)
    >>> X.shape, np.bincount(y).tolist(), float(np.linalg.norm(X, axis=1).max().round(3))
    ((300, 2), [100, 100, 100], 1.0)
    """
    rng, n = _started(n_samples, noise, seed)
    if not isinstance(n_classes, Integral) or not 1 <= n_classes <= n:
        raise ArgumentError(f"n_classes is a number from 1 to that of the points, got {n_classes!r}")
    y = np.sort(np.arange(n) % int(n_classes))
    radius = np.concatenate([np.linspace(0, 1, m + 1)[1:] for m in np.bincount(y)])
    angle = 2 * np.pi * (float(turns) * radius + y / int(n_classes))
    return _noisy(rng, radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1), y, noise)


def make_swiss_roll(n_samples: int = 100, *, noise: float = 0.0, seed: int = 0) -> Data:
    """A sheet that is rolled up in space: X float32 (n, 3), and t float32 (n,), how far along the roll each point lies,
    from 1.5 π to 4.5 π (Marsland 2009). Arguments and errors are those of `make_moons`.

    >>> X, t = make_swiss_roll(50)
    >>> bool(np.allclose(np.hypot(X[:, 0], X[:, 2]), t, atol=1e-5))
    True
    """
    rng, n = _started(n_samples, noise, seed, least=1)
    t = 1.5 * np.pi * (1 + 2 * rng.random(n))
    X = np.stack([t * np.cos(t), 21 * rng.random(n), t * np.sin(t)], 1)
    return (X + noise * rng.standard_normal(X.shape)).astype(np.float32), t.astype(np.float32)


def _started(n: Any, noise: Any, seed: Any, least: int = 2) -> tuple[np.random.Generator, int]:
    if not isinstance(n, Integral) or isinstance(n, bool) or n < least:
        raise ArgumentError(f"n_samples is a number of {least} or more, got {n!r}")
    if not isinstance(noise, Real) or not 0 <= float(noise) < np.inf:
        raise ArgumentError(f"a deviation is a number of 0 or more, got {noise!r}")
    return pcg64(seed), int(n)


def _noisy(rng: np.random.Generator, X: np.ndarray, y: np.ndarray, noise: float) -> Data:
    """With normal noise, in a random order."""
    order = rng.permutation(len(X))
    return (X + noise * rng.standard_normal(X.shape))[order].astype(np.float32), y[order].astype(np.int64)


__all__ = ["make_blobs", "make_circles", "make_moons", "make_spirals", "make_swiss_roll"]
