"""The subgradient method with a lower bound on the minimum."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np

from subgrad.compile.function import compile
from subgrad.graph.dtype import using_dtype
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.optim import step as rules


def subgradient(f: Objective, at: Point, tol: float, rule: rules.Rule, R: float | None) -> Generator[Point]:
    """x <- P(x - a_k g), P the projection on the bounds, until the bound, if there is one, is at most ``tol``.

    No step need go down. If f is convex, and x0 at most R from a minimum x*, then, also after a projection,
    \\|x_{k+1} - x*\\|^2 <= \\|x_k - x*\\|^2 - 2 a_k (f(x_k) - f*) + a_k^2 \\|g_k\\|^2. The sum over all k says that f*
    is at least (2 sum a_k f(x_k) - R^2 - sum a_k^2 \\|g_k\\|^2) / (2 sum a_k), which becomes ``f.lower`` (Shor,
    Minimization Methods for Non-Differentiable Functions, 1985).
    """
    size = compile(rule)
    steps = values = squares = 0.0
    k = 0
    while not at.is_flat:
        k, norm = k + 1, float(np.linalg.norm(at.gradient))
        with using_dtype("float64"):
            a = float(size(np.float64(k), np.float64(norm), np.float64(at.value)))
        steps, values, squares = steps + a, values + a * at.value, squares + (a * norm) * (a * norm)
        if R is not None and steps > 0:
            f.lower = max(f.lower, (2 * values - R * R - squares) / (2 * steps))
        if a == 0 or 0 <= f.best.value - f.lower <= tol:
            return
        at = f(f.project(at.x - a * at.gradient))
        if at.value == math.inf:
            return
        yield at


def default_rule(start: Point, R: float | None, G: float | None, iterations: int) -> rules.Rule:
    """The rule with the best bound after so many iterations: the constant step R / (G sqrt(k)) if G is known, else the
    constant length R / sqrt(k); with a guess in the place of an unknown R."""
    length = (R or max(1.0, float(np.linalg.norm(start.x)))) / math.sqrt(iterations)
    return rules.ConstantLength(length) if G is None else rules.Constant(length / G)
