"""The solvers one after another."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice

from subgrad.kinks.minimize.bfgs import bfgs
from subgrad.kinks.minimize.bundle import bundle
from subgrad.kinks.minimize.certifying import is_certified
from subgrad.kinks.minimize.gradient_sampling import gradient_sampling
from subgrad.kinks.minimize.objective import Objective, Point

PATIENCE = 1000
"""After how many iterations the bundle method gives way: its iterations cost most where it is slow."""

FEW = 100
"""Up to how many variables gradients are sampled."""


def auto(f: Objective, at: Point, tol: float, seed: int) -> Generator[Point]:
    """The bundle method, which takes the fewest evaluations; then BFGS from the best point; then gradient sampling.

    The first that is certified is the last.
    """
    yield from islice(bundle(f, at, tol), PATIENCE)
    if not is_certified(f, f.best, tol):
        yield from bfgs(f, f.best, tol)
    if not is_certified(f, f.best, tol) and at.x.size <= FEW:
        yield from gradient_sampling(f, f.best, tol, seed)
