"""Polynomials of degree two at most: what is in the argument of a wave or a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Polynomial:
    """xᵀ A x + a·x + c, with A symmetric."""

    c: float
    a: np.ndarray
    A: np.ndarray

    @property
    def degree(self) -> int:
        """0, 1 or 2."""
        return 2 if self.A.any() else 1 if self.a.any() else 0

    def __add__(self, other: Polynomial) -> Polynomial:
        return Polynomial(self.c + other.c, self.a + other.a, self.A + other.A)

    def __mul__(self, other: Polynomial) -> Polynomial | None:
        """None if the product has a higher degree."""
        if self.degree + other.degree > 2:
            return None
        outer = np.outer(self.a, other.a)
        A = self.A * other.c + other.A * self.c + (outer + outer.T) / 2
        return Polynomial(self.c * other.c, self.c * other.a + other.c * self.a, A)

    def times(self, factor: float) -> Polynomial:
        """It, times a number."""
        return Polynomial(factor * self.c, factor * self.a, factor * self.A)

    def top(self) -> tuple[np.ndarray, float] | None:
        """Where it is largest, and how large; None if it has no bound above."""
        values, vectors = np.linalg.eigh(self.A)
        small = 1e-12 * max(np.abs(values).max(), 1e-300)
        along = vectors.T @ self.a
        flat = values > -small
        if (values > small).any() or (np.abs(along[flat]) > 1e-12 * np.abs(self.a).max(initial=0)).any():
            return None
        place = np.where(flat, 0, -along / np.where(flat, 1, 2 * values))
        return vectors @ place, float(self.c + place @ (along / 2))
