"""A search for jumps of a `where`: its branches are compared at points where its condition switches."""

from __future__ import annotations

import numpy as np

from subgrad.compile.runtime.interpret import Interpreter
from subgrad.graph.tensor import Tensor
from subgrad.kinks.problem import Problem

POINTS, HALVINGS = 16, 60


def tears(problem: Problem, node: Tensor, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether sampling finds a jump of a `where` between the flat vectors ``low`` and ``high``."""
    program = Interpreter(problem.places, node.inputs)
    rng = np.random.default_rng(0)
    points = [low, high, *(low + (high - low) * rng.random((POINTS, low.size)))]
    conditions = [program(problem.split(p))[0] for p in points]
    for i in np.argwhere(np.any(conditions, axis=0) & ~np.all(conditions, axis=0))[:POINTS]:
        holds = [bool(c[tuple(i)]) for c in conditions]
        on, off = points[holds.index(True)], points[holds.index(False)]
        for _ in range(HALVINGS):
            middle = (on + off) / 2
            on, off = (middle, off) if program(problem.split(middle))[0][tuple(i)] else (on, middle)
        _, a, b = (part[tuple(i)] for part in program(problem.split(on)))
        if abs(a - b) > 1e-6 * (1 + abs(a) + abs(b)):
            return True
    return False
