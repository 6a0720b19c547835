"""Linear pieces of a function, kept as matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.kinks.hull.min_norm_point import Hull
from subgrad.kinks.minimize.objective import Point


class CuttingPlanes:
    """Linear functions, each with a point where it touches f: one a row.

    Attributes:
        hull: that of their gradients.
    """

    def __init__(self, point: Point) -> None:
        self.hull = Hull(point.gradient[None])
        self._x, self._values = point.x[None].copy(), np.array([point.value])

    def __len__(self) -> int:
        return len(self.hull)

    @property
    def x(self) -> np.ndarray:
        return self._x[: len(self)]

    @property
    def gradients(self) -> np.ndarray:
        return self.hull.points

    def at(self, x: np.ndarray) -> np.ndarray:
        """The pieces' values at x."""
        return self._values[: len(self)] + np.einsum("ij,ij->i", self.gradients, x - self.x)

    def squared_distances(self, x: np.ndarray) -> np.ndarray:
        return ((x - self.x) ** 2).sum(1)

    def append(self, point: Point) -> None:
        k = len(self)
        if k == len(self._x):
            self._x = np.vstack([self._x, np.zeros((max(8, k), point.x.size))])
            self._values = np.append(self._values, np.zeros(max(8, k)))
        self._x[k], self._values[k] = point.x, point.value
        self.hull.append(point.gradient)

    def keep(self, rows: Sequence[int] | np.ndarray) -> None:
        """Forget all others."""
        self._x[: len(rows)], self._values[: len(rows)] = self._x[rows], self._values[rows]
        self.hull.keep(rows)

    def combined(self, weights: np.ndarray) -> Point:
        """Their convex combination: linear as they are, though it may touch f nowhere."""
        x = weights @ self.x
        return Point(x, float(weights @ self.at(x)), weights @ self.gradients)
