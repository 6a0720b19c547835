"""A descent step, or a proof that there is none nearby."""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np

from subgrad.kinks.hull.min_norm_point import Hull
from subgrad.kinks.minimize.line_search import weak_wolfe
from subgrad.kinks.minimize.objective import Objective, Point

SHARE = 0.25
"""Of the decrease that the gradients nearby promise, what counts as one."""


def until_certified(
    f: Objective, at: Point, tol: float, descend: Callable[[Objective, Point, float], Generator[Point]]
) -> Generator[Point]:
    """Descend, and anew from each lower point that probing finds; until it finds none within ``tol``.

    The radius grows as long as probing succeeds: a method that starts or stops on a kink gets well away from there.
    """
    yield from descend(f, at, tol)
    delta = tol / 2  # so that points within it of one point are within tol of a better one nearby
    while True:
        lower = probe(f, f.best, delta, tol)
        if lower is not None:
            yield lower
            yield from descend(f, lower, tol)
            delta *= 10
        elif delta > tol:
            delta /= 10
        else:
            return


def probe(f: Objective, at: Point, delta: float, eps: float) -> Point | None:
    """A lower point; or None, when gradients within delta of ``at`` have a convex combination of norm eps at most.

    The least combination p of those known promises that f falls by delta \\|p\\| along -p. Where it does, that is a
    step. Where not, the line has a point with g.p well below \\|p\\|^2; its gradient makes the next p shorter (Mahdavi-
    Amiri and Yousefpour, An effective nonsmooth optimization algorithm for locally Lipschitz functions, 2012). It also
    gives up where f differs by rounding alone, or after as many gradients as f remembers.
    """
    near, weights = f.around(at, delta)
    hull = Hull(np.stack([p.gradient for p in near]))
    for _ in range(f.memory.maxlen or 0):
        weights = hull.least(start=weights)
        used = np.flatnonzero(weights)
        f.keep([near[i] for i in used.tolist()], weights[used])
        p = weights @ hull.points
        size = float(np.linalg.norm(p))
        if size <= eps:
            return None
        direction, slope = -p * (0.999 * delta / size), -size * delta
        end = f(at.x + direction)
        if end.value < at.value + SHARE * slope - 4e-16 * abs(at.value):
            return weak_wolfe(f, at, direction, slope) or end
        turn = _turning(f, at, direction, SHARE * slope, end)
        if turn is None:
            return None
        hull.append(turn.gradient)
        near, weights = [*near, turn], None
    return None


def _turning(f: Objective, at: Point, direction: np.ndarray, slope: float, end: Point) -> Point | None:
    """A point on the way to ``end`` where f falls less steeply than ``slope``. There is one, for f falls by less."""
    low, high, top, point = 0.0, 1.0, end, end
    for _ in range(30):
        if point.gradient @ direction >= slope and point.value < np.inf:
            return point
        middle = (low + high) / 2
        point = f(at.x + middle * direction)
        if point.value - middle * slope >= top.value - high * slope:
            high, top = middle, point
        else:
            low = middle
    return None
