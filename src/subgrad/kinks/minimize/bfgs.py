"""Quasi-Newton descent: BFGS as it is, which works at kinks with the right line search."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator

import numpy as np

from subgrad.kinks.minimize.certifying import least_combination
from subgrad.kinks.minimize.line_search import weak_wolfe
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import until_certified

DENSE = 300
"""Up to how many variables the inverse Hessian is a matrix."""

PAIRS = 50
"""How many steps stand for the inverse Hessian beyond that."""


def bfgs(f: Objective, at: Point, tol: float) -> Generator[Point]:
    """BFGS with a weak Wolfe search, anew from each lower point that probing finds where it stops.

    Near a kink the inverse Hessian learns which directions cross it: its small eigenvalues belong to them (Lewis and
    Overton, Nonsmooth optimization via quasi-Newton methods, 2013). There is no proof of convergence, and there is
    hardly a function that it fails on. With more than 300 variables it is L-BFGS with 50 pairs.
    """
    return until_certified(f, at, tol, descend)


def descend(f: Objective, at: Point, tol: float) -> Generator[Point]:
    """Iterate until nothing is lower along the line, or the gradients nearby have a small combination."""
    if at.is_flat:
        return
    inverse = (Dense if at.x.size <= DENSE else Limited)(at.gradient)
    waited = 0
    while not at.is_flat:
        direction = -inverse.times(at.gradient)
        slope = float(at.gradient @ direction)
        found = weak_wolfe(f, at, direction, slope) if slope < 0 else None
        if found is None:
            break
        inverse.update(found.x - at.x, found.gradient - at.gradient)
        waited = waited + 1 if np.linalg.norm(found.x - at.x) <= tol else 0
        at = found
        yield at
        if _flat(f, at, tol, waited):
            break


def _flat(f: Objective, at: Point, tol: float, waited: int) -> bool:
    """Whether the gradients nearby have a small combination, looked for after 1, 2, 4, ... short steps: it costs more
    than they do."""
    if np.linalg.norm(at.gradient) <= tol:
        return True
    if waited & (waited - 1) or not waited:
        return False
    return bool(np.linalg.norm(least_combination(*f.around(at, tol))[2]) <= tol)


class Dense:
    """The inverse Hessian as a matrix; it starts as the identity, so that the first step has the length 1."""

    def __init__(self, gradient: np.ndarray) -> None:
        self._matrix = np.eye(gradient.size) / np.linalg.norm(gradient)
        self._fresh = True

    def times(self, vector: np.ndarray) -> np.ndarray:
        return self._matrix @ vector

    def update(self, step: np.ndarray, change: np.ndarray) -> None:
        """The BFGS formula, for a step and the change of the gradient along it."""
        along = step @ change
        if not along > 0:
            return
        if self._fresh:
            self._matrix, self._fresh = np.eye(step.size) * (along / (change @ change)), False
        image = self._matrix @ change / along
        self._matrix += np.outer(step, step * ((1 + change @ image) / along) - image) - np.outer(image, step)


class Limited:
    """The inverse Hessian as the last steps and changes (Nocedal, Updating quasi-Newton matrices with limited
    storage, 1980)."""

    def __init__(self, gradient: np.ndarray) -> None:
        self._pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=PAIRS)
        self._scale = 1 / float(np.linalg.norm(gradient))

    def times(self, vector: np.ndarray) -> np.ndarray:
        found, shares = vector.copy(), []
        for step, change, along in reversed(self._pairs):
            shares.append(step @ found / along)
            found -= shares[-1] * change
        found *= self._scale
        for (step, change, along), share in zip(self._pairs, reversed(shares), strict=True):
            found += (share - change @ found / along) * step
        return found

    def update(self, step: np.ndarray, change: np.ndarray) -> None:
        along = float(step @ change)
        if along > 0:
            self._pairs.append((step, change, along))
            self._scale = along / float(change @ change)
