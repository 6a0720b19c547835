"""Linear pieces of a function, kept as matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.kinks.minimize.objective import Point


class CuttingPlanes:
    """Linear functions, each with a point where it touches f: one a row."""

    def __init__(self, point: Point) -> None:
        self.x, self.gradients = point.x[None], point.gradient[None]
        self.values = np.array([point.value])
        self.gram = self.gradients @ self.gradients.T
        """The products of the gradients."""

    def __len__(self) -> int:
        return len(self.values)

    def at(self, x: np.ndarray) -> np.ndarray:
        """The pieces' values at x."""
        return self.values + np.einsum("ij,ij->i", self.gradients, x - self.x)

    def squared_distances(self, x: np.ndarray) -> np.ndarray:
        return ((x - self.x) ** 2).sum(1)

    def append(self, point: Point) -> None:
        products = self.gradients @ point.gradient
        self.gram = np.block([[self.gram, products[:, None]], [products, point.gradient @ point.gradient]])
        self.x, self.gradients = np.vstack([self.x, point.x]), np.vstack([self.gradients, point.gradient])
        self.values = np.append(self.values, point.value)

    def keep(self, rows: Sequence[int] | np.ndarray) -> None:
        """Forget all others."""
        self.x, self.gradients, self.values = self.x[rows], self.gradients[rows], self.values[rows]
        self.gram = self.gram[rows][:, rows]

    def combined(self, weights: np.ndarray) -> Point:
        """Their convex combination: linear as they are, though it may touch f nowhere."""
        x = weights @ self.x
        return Point(x, float(weights @ self.at(x)), weights @ self.gradients)
