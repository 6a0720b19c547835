"""Ways down from a stationary point of which second derivatives do not tell what it is.

Where a function falls from such a point, it falls from some points nearby: a solver that starts there comes below it,
if it is no local minimum, and back if it is one (Ge, Huang, Jin, Yuan, "Escaping from saddle points", COLT 2015). That
takes no second derivatives, which may differ from side to side, and a descent follows what is curved, such as the
parabolas between which Peano's function is below 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from subgrad.entropy import pcg64
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.minimize.bfgs import descend
from subgrad.kinks.minimize.objective import Objective, Point

RADII = (0.3, 0.03, 0.003)
"""How far away the starts are."""

PAIRS, FIRST, STEPS, MOST = 6, 2, 30, 1000
"""The pairs of starts on both sides, after how many of them a function that looks convex is left alone, the most steps
from each start, and after how many evaluations there are no more starts."""

STEEP, NEAR, TURNS = 1e-3, 1e-4, 40
"""The least slope of a direction that leads up at once, how far away it is asked for, and how often one is turned."""

ROUNDING = 1e-10
"""How far a linear function may be above f, relative to its value, where f is convex."""


def escape(f: Objective, certificate: Certificate, tol: float, gain: float, seed: int) -> Point | None:
    """A point below the best one by a ``gain``, relative to its value, by descents that start around it; None if they
    find none, and f as it was."""
    before, memory = f.best, f.memory.copy()
    wanted = before.value - gain * (1 + abs(before.value))
    level, rng = _level(certificate, before.x.size), pcg64(seed)
    bent, begun = False, f.count
    for k in range(PAIRS):
        if (k >= FIRST and not bent) or f.count - begun > MOST:
            break
        noise = level @ rng.standard_normal(level.shape[1])
        for way in (noise, -noise):
            f.memory.clear()
            at = f(before.x + RADII[k % len(RADII)] * _turned(f, before.x, way))
            if at.value < np.inf:
                for _ in islice(descend(f, at, tol), STEPS):
                    if f.best.value < wanted:
                        break
            if f.best.value < wanted:
                return f.best
            bent = bent or not _is_convex([before, *f.memory])
    f.best = before
    f.memory.clear()
    f.memory.extend(memory)
    return None


def _level(certificate: Certificate, n: int) -> np.ndarray:
    """A basis of the directions in which none of the gradients that make up 0 leads up or down, (n, k); of all
    directions if there are none. In the others f rises at once."""
    if not len(certificate.gradients):
        return np.eye(n)
    _, sizes, rows = np.linalg.svd(certificate.gradients)
    level = rows[int((sizes > STEEP).sum()) :].T
    return level if level.size else np.eye(n)


def _is_convex(points: Sequence[Point]) -> bool:
    """Whether no linear function that touches f at one of the points is above f at another."""
    x, gradients = (np.array([getattr(p, name) for p in points]) for name in ("x", "gradient"))
    values = np.array([p.value for p in points])
    linear = values - np.einsum("ij,ij->i", gradients, x) + x @ gradients.T
    return bool((linear <= (values + ROUNDING * (1 + np.abs(values)))[:, None]).all())


def _turned(f: Objective, x: np.ndarray, way: np.ndarray) -> np.ndarray:
    """A direction of length 1 near a given one, along which f does not rise at once, as far as can be: those along
    which it rises by one gradient after the other are projected (Agmon's relaxation)."""
    for _ in range(TURNS):
        way = way / (float(np.linalg.norm(way)) or 1.0)
        gradient = f(x + NEAR * way).gradient
        slope = float(gradient @ way)
        if slope <= STEEP:
            break
        way = way - slope / float(gradient @ gradient) * gradient
    return way


__all__ = ["escape"]
