"""Random piecewise linear programs in dyadic numbers, and what they do next to a point, by plain NumPy.

The numbers are small multiples of 1/2, so sums are exact in floating point and kinks sit exactly on 0.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

import subgrad as sg

KINDS = ("relu", "abs", "leaky", "clip", "maximum", "minimum", "max", "min")


def rows(array):
    """The rows of a matrix, as a set."""
    return {tuple(row) for row in np.asarray(array).tolist()}


def on_sphere(rng, count, n):
    """Directions of length 1."""
    directions = rng.standard_normal((count, n))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def holds_zero(gradients):
    """Whether a linear program finds 0 in the hull of the rows."""
    m = len(gradients)
    equations = np.vstack([gradients.T, np.ones(m)])
    found = linprog(np.zeros(m), A_eq=equations, b_eq=np.append(np.zeros(gradients.shape[1]), 1), method="highs")
    return found.status == 0


@dataclass(frozen=True)
class Program:
    """Each step applies a kink to combinations of the variables and of all steps before; f sums up everything.

    A step is (kind, coefficients of shape (terms, values so far), offsets of shape (terms,)).
    """

    n: int
    steps: list
    total: np.ndarray
    point: np.ndarray

    def __call__(self, x):
        """The program as a function of a tensor."""
        values = [x[i] for i in range(self.n)]
        for kind, coefficients, offsets in self.steps:
            terms = [combine(row, values) + float(c) for row, c in zip(coefficients, offsets, strict=True)]
            values.append(apply(kind, terms))
        return combine(self.total, values)

    def gradients(self, directions):
        """The gradient at points next to ``point`` along each of the directions (rows), which no kink may contain."""
        values = list(self.point)
        slopes = [np.tile(row, (len(directions), 1)) for row in np.eye(self.n)]
        for kind, coefficients, offsets in self.steps:
            us = [float(row @ values) + c for row, c in zip(coefficients, offsets, strict=True)]
            duals = [sum(r * s for r, s in zip(row, slopes, strict=True)) for row in coefficients]
            value, slope = step(kind, us, duals, directions)
            values.append(value)
            slopes.append(slope)
        return sum(r * s for r, s in zip(self.total, slopes, strict=True)) + 0.0


def combine(row, values):
    terms = [float(r) * v for r, v in zip(row, values, strict=True) if r]
    return sum(terms[1:], terms[0]) if terms else 0.0 * values[0]


def apply(kind, terms):
    if kind in ("maximum", "minimum"):
        return getattr(sg, kind)(*terms)
    if kind in ("max", "min"):
        return getattr(sg, kind)(sg.stack(terms))
    return {
        "relu": sg.relu, "abs": abs, "leaky": lambda u: sg.leaky_relu(u, 0.25), "clip": lambda u: sg.clip(u, 0, 1),
    }[kind](*terms)  # fmt: skip


def step(kind, us, duals, directions):
    """The value of a step, and its slope along each direction: that of the term which leads just after the point."""
    options = {
        "relu": [(0, 0), (1, 0)], "abs": [(1, 0), (-1, 0)], "leaky": [(1, 0), (0.25, 0)],
    }  # fmt: skip
    if kind == "clip":
        low, s = best(1, [0, us[0]], [0 * duals[0], duals[0]], directions)
        return best(-1, [1, low], [0 * s, s], directions)
    if kind in options:
        factors = [a for a, _ in options[kind]]
        us, duals = [a * us[0] for a in factors], [a * duals[0] for a in factors]
    return best(-1 if kind in ("minimum", "min") else 1, us, duals, directions)


def best(sign, us, duals, directions):
    """The largest (1) or smallest (-1): by value, then by slope along the direction."""
    top = max(sign * u for u in us)
    rates = np.array([np.einsum("ij,ij->i", d, directions) for d in duals])
    rates = np.where((np.array(us) * sign == top)[:, None], sign * rates, -np.inf)
    return sign * top, np.array(duals)[rates.argmax(axis=0), np.arange(len(directions))]


def random_program(rng, n, kinks, kinds=KINDS, active=0.8):
    """Steps with few nonzero coefficients; ``active`` is the part of the terms that are put on their kink."""
    point = rng.integers(-2, 3, n) / 2
    steps, values = [], list(point)
    for _ in range(kinks):
        kind = kinds[rng.integers(len(kinds))]
        terms = {"maximum": 2, "minimum": 2, "max": 3, "min": 3}.get(kind, 1)
        coefficients = rng.integers(-2, 3, (terms, len(values))) / 2 * (rng.random((terms, len(values))) < 0.7)
        offsets = np.where(rng.random(terms) < active, -coefficients @ values, rng.integers(-3, 4, terms) / 2)
        steps.append((kind, coefficients, offsets))
        us = [float(row @ values) + c for row, c in zip(coefficients, offsets, strict=True)]
        values.append(step(kind, us, [np.zeros((1, n))] * terms, np.ones((1, n)))[0])
    return Program(n, steps, rng.integers(-2, 3, len(values)) / 2, point)
