"""Orthogonal greedy approximation: the best unit is added again and again; at last all weights are fitted together.

A candidate is judged by its part orthogonal to the span of the chosen units (orthogonal least squares: Chen, Billings,
Luo 1989), since all outer weights are fitted anew with each unit. The rate for functions with a
finite variation norm is that of Siegel and Xu 2021, arXiv 2106.15000: n^(-1/2 - 3/(2d)) for relu.
"""

from __future__ import annotations

import numpy as np

from subgrad.approx.builders import refit
from subgrad.approx.builders.dictionary import Dictionary
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.entropy import pcg64

CANDIDATES = 400  # of random directions and places, for each unit
CLIMBERS = 16  # the best of them, which then follow their gradients
SIZES = 0.1 * (1 - np.arange(20) / 20)  # of their steps
STEPS = 20  # of the Gauss-Newton method
WIDTH = 16  # units, at least, that a program has room for: smaller networks share one


class Greedy:
    """A network that grows on a sample.

    Args:
        points, values: (N, d) and (N,); the points in [-1, 1] in each variable.
        activation: φ, by its name.
        seed: of the candidates.
        start: w and b of units that are there from the start.

    Attributes:
        errors: the mean squared error on the sample after each unit, before all weights are fitted together.
    """

    def __init__(
        self, points: np.ndarray, values: np.ndarray, activation: str, seed: int, start: HiddenUnits | None = None
    ) -> None:
        self.points, self.values, self.activation = points, values, activation
        self._random = pcg64(seed)
        self.w, self.b = (start.w, start.b) if start else (np.empty((0, points.shape[1])), np.empty(0))
        self.errors: list[float] = []

    def grow(self, n: int, together: bool = True) -> HiddenUnits:
        """The network with n units: those that it has, and new ones; ``together`` fits all weights at the end."""
        dictionary = Dictionary(self.points, self.activation, max(n, WIDTH) + 1)
        g, _ = refit.hidden(self.points, self.w, self.b, self.activation)
        basis = np.linalg.qr(np.column_stack([np.ones(len(g)), g]))[0]
        rest = self.values - basis @ (basis.T @ self.values)
        while len(self.b) < n:
            dictionary.span(basis, rest)
            w, b = self._best(dictionary, _slope(self.points, rest))
            g, _ = refit.hidden(self.points, w[None], b[None], self.activation)
            column = _orthogonal(g[:, 0], basis)
            basis = np.column_stack([basis, column])
            rest = rest - column * (column @ rest)
            self.w, self.b = np.vstack([self.w, w]), np.append(self.b, b)
            self.errors.append(float(np.mean(rest**2)))
        return self._fitted(together)

    def _best(self, dictionary: Dictionary, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w, b = candidates(self.points, self.activation, CANDIDATES, self._random)
        w, b = np.vstack([w, slope]), np.append(b, np.abs(slope).sum())
        first = np.argsort(dictionary.gains(w, b))[-CLIMBERS:]
        gains, w, b = dictionary.climb(w[first], b[first], SIZES)
        best = int(np.argmax(gains))
        return w[best], b[best]

    def _fitted(self, together: bool) -> HiddenUnits:
        sample = self.points, self.values, self.w, self.b, self.activation
        if not together or self.w.size + self.b.size > refit.MOST_WEIGHTS:
            return refit.outer(*sample)
        units = refit.all_weights(*sample, STEPS)
        self.w, self.b = units.w, units.b
        return units


def candidates(
    points: np.ndarray, activation: str, m: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """m units with random directions, whose middle goes through a random point; steeper and flatter ones, for all but
    relu, where that makes no difference."""
    w = random.normal(size=(m, points.shape[1]))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    if activation != "relu":
        w *= 10 ** random.uniform(-0.5, 1, (m, 1))
    return w, -(w * points[random.integers(len(points), size=m)]).sum(axis=1)


def _slope(points: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The direction in which the points in [-1, 1]^d tell most of ``rest`` by a linear function; of length 1."""
    found = np.linalg.lstsq(points - points.mean(axis=0), rest, rcond=None)[0]
    length = np.linalg.norm(found)
    return found / length if length > 0 else np.eye(len(found))[0]


def _orthogonal(g: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What the span leaves of g, of length 1; twice, for the sake of roundings (Parlett 1980)."""
    for _ in range(2):
        g = g - basis @ (basis.T @ g)
    length = np.linalg.norm(g)
    return g / length if length > 0 else g
