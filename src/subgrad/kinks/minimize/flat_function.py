"""What is minimised: a function of one flat vector, and the form that its points have for the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.compile.function import compile
from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.dtype import using_dtype
from subgrad.graph.tensor import Tensor
from subgrad.kinks.limits import read_bounds
from subgrad.kinks.problem import Problem, flat_problem
from subgrad.kinks.space import Evaluate, Space


@dataclass(frozen=True, eq=False)
class FlatFunction:
    """A function, where it is looked at, and how to show a point.

    Attributes:
        evaluate: its value and gradient at a flat vector.
        start: flat.
        space: shapes, dtype and bounds.
        shown: a flat vector in the form of x0.
        problem: its graph, if it is one.
        unit: what a value of 1 stands for.
    """

    evaluate: Evaluate
    start: np.ndarray
    space: Space
    shown: Callable[[np.ndarray], Any]
    problem: Problem | None = None
    unit: float = 1.0


def of_graph(f: Callable[[Any], Tensor], x0: Any, bounds: Any) -> FlatFunction:
    """A function made of ops, as one native program."""
    problem = flat_problem(f, x0)
    program = compile(lambda *nodes: _value_and_slopes(problem, list(nodes)))

    def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
        with using_dtype(problem.dtype):  # arrays are taken as they are, which is the short way into a program
            value, *slopes = program(*problem.split(point))
        return float(value), np.concatenate([s.ravel() for s in slopes]).astype(np.float64)

    def shown(point: np.ndarray) -> Any:
        return problem.rebuild(problem.split(point))

    space = _bounded(problem.space, bounds)
    return FlatFunction(evaluate, problem.start, space, shown, problem)


def of_function(f: Callable[[np.ndarray], Any], x0: Any, bounds: Any) -> FlatFunction:
    """A plain function of an array that returns its value and its gradient."""
    try:
        start = np.array(x0.numpy() if isinstance(x0, Tensor) else x0, np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"x0 is an array of numbers, got {str(x0)[:80]}") from None
    free = np.full(start.size, np.inf)

    def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
        found = f(point.reshape(start.shape))
        try:
            value, slope = float(found[0]), np.asarray(found[1], np.float64).ravel()
        except (TypeError, ValueError, LookupError):
            said = f"got {str(found)[:80]}"
            raise ArgumentError(f"with jac=True f returns its value and its gradient, {said}") from None
        if slope.size != start.size:
            raise ShapeError(f"f of x with shape {start.shape} returned a gradient with {slope.size} elements")
        return value, slope

    space = _bounded(Space((start.shape,), start.dtype, -free, free), bounds)
    return FlatFunction(evaluate, start.ravel(), space, lambda point: point.reshape(start.shape).copy())


def _value_and_slopes(problem: Problem, nodes: list[Tensor]) -> list[Tensor]:
    y = problem.over(nodes)
    return [y, *gradients(y, nodes)]


def _bounded(space: Space, bounds: Any) -> Space:
    low, high = read_bounds(bounds, space.shapes)
    return Space(space.shapes, space.dtype, low, high)
