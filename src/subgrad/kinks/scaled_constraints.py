"""Constraints in units in which their slopes are neither tiny nor huge: their violation then tells how far away they
are satisfied, and weighs about as much as f."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.entropy import pcg64
from subgrad.graph.tensor import Tensor
from subgrad.kinks.constraints import Constraint
from subgrad.kinks.minimize.multipliers.active_kinks import LARGEST, jacobian
from subgrad.kinks.problem import Problem

STEEPEST = 100.0
"""An element whose largest slope is above this, or below its inverse, is divided by it."""

POINTS, AWAY = 4, 0.1
"""How many points slopes are looked at, and how far from the first one the others are, relative to 1 and its numbers:
there one that is 0 by chance may be as everywhere."""


def scaled_constraints(constraints: Iterable[Constraint], x0: Any) -> tuple[Constraint, ...]:
    """The constraints with elements whose slopes around x0 are neither tiny nor huge."""
    return tuple(_scaled(c, x0) for c in constraints)


def _scaled(constraint: Constraint, x0: Any) -> Constraint:
    problem = Problem(constraint.value, x0)
    if problem.output.size * problem.size > LARGEST:
        return constraint
    slopes = _largest_slopes(problem)
    far = (slopes > 0) & ((slopes < 1 / STEEPEST) | (slopes > STEEPEST))
    if not far.any():
        return constraint
    factors = np.where(far, 1 / np.where(far, slopes, 1.0), 1.0)
    low, high = (end * factors for end in constraint.ends(problem.output))

    def value(x: Any) -> Tensor:
        found = constraint.value(x)
        return found * factors.astype(found.dtype)

    return Constraint(value, low, high)


def _largest_slopes(problem: Problem) -> np.ndarray:
    """Of each element, by any variable, at some points."""
    rows = Interpreter(problem.places, [ops.abs(jacobian(problem.output, problem.places)).max(1)])
    noise = pcg64(0).standard_normal((POINTS, problem.size)) * AWAY * (1 + np.abs(problem.start))
    noise[0] = 0
    with np.errstate(all="ignore"):
        found = np.array([rows(problem.split(problem.start + step))[0] for step in noise], np.float64)
    return np.where(np.isfinite(found), found, 0.0).max(0)


__all__ = ["scaled_constraints"]
