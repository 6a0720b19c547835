"""Networks whose hidden units are drawn from the data and never trained (Bolager et al. 2023, arXiv 2306.16830)."""

from __future__ import annotations

import math

import numpy as np

from subgrad.approx.builders import refit
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.shallow import activation_of
from subgrad.entropy import pcg64

PAIRS = 8  # candidates for each unit
NEAREST = 1e-3  # the least distance that slopes are divided by: those of closer pairs may be noise


def sampled(points: np.ndarray, values: np.ndarray, n: int, activation: str, seed: int) -> HiddenUnits:
    """n units, each made of a pair of points, with the outer weights by least squares.

    A pair is drawn with a probability proportional to the slope of f between its points. The unit's direction is that
    from the first point to the second. At these two points a relu is 0 and 1, tanh -1/2 and 1/2, sigmoid 1/4 and 3/4.
    """
    random = pcg64(seed)
    first, second = random.integers(len(points), size=(2, max(PAIRS * n, 1000)))
    apart = points[second] - points[first]
    length = np.maximum(np.linalg.norm(apart, axis=1), NEAREST)
    slope = np.abs(values[second] - values[first]) / length
    usable = (apart != 0).any(axis=1)
    slope = np.where(usable, slope + 1e-12 * slope.max() + 1e-300, 0)
    chosen = random.choice(len(slope), n, replace=bool(np.sum(slope > 0) < n), p=slope / slope.sum())
    reach, shift = _middle(activation)
    w = reach * apart[chosen] / length[chosen, None] ** 2
    b = -(w * points[first[chosen]]).sum(axis=1) - shift
    return refit.outer(points, values, w, b, activation)


def _middle(activation: str) -> tuple[float, float]:
    """How much the argument of φ grows from the first point to the second, and minus its value at the first."""
    if activation_of(activation)(100.0).item() > 1:  # relu and its smooth kin grow; the others saturate
        return 1.0, 0.0
    half = math.log(3) / 2 if activation == "tanh" else math.log(3)  # tanh(ln 3 / 2) = 1/2, σ(ln 3) = 3/4
    return 2 * half, half
