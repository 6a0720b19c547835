"""`is_stationary`: is 0 in the subdifferential, or in Goldstein's? Answered with a certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.kinks.certificates import Certificate, Claim
from subgrad.kinks.goldstein import Goldstein
from subgrad.kinks.hull import least_norm
from subgrad.kinks.problem import Problem, flat_problem
from subgrad.kinks.subdifferential import Subdifferential, at_point

Sample = tuple[np.ndarray, np.ndarray]
"""A point and the gradient there."""


def is_stationary(
    f: Callable[[Any], Tensor],
    x: Any,
    *,
    tolerance: float = 1e-6,
    delta: float = 0.0,
    budget: int = 2000,
    seed: int = 0,
) -> Certificate:
    """Whether 0 is a subgradient of ``f`` at ``x``, up to ``tolerance``; or a convex combination of gradients nearby.

    With ``delta`` 0 the whole subdifferential at x is computed (see `subdifferential`), and the answer is the element
    of least norm. With delta above 0 gradients are gathered within delta of x: as long as f does not fall along the
    combination of least norm as that promises, the segment holds a gradient that shortens it (Zhang, Lin, Jegelka,
    Sra, Jadbabaie, "Complexity of finding stationary points of nonconvex nonsmooth functions", ICML 2020; the
    segment is halved as in Davis, Drusvyatskiy, Lee, Padmanabhan, Ye, arXiv 2112.06969). That works for hundreds of
    variables, such as the parameters of a network, and for any f that is smooth almost everywhere.

    Args:
        f: from a tensor to a scalar tensor, made of ops.
        x: the point: a tensor or numbers, or a module or tree of tensors, which f is then given.
        tolerance: of the norm of the combination.
        delta: the radius around x.
        budget: how many linear programs and cells (delta 0), or gradients (delta above 0) may be computed.
        seed: of the random points.

    Returns:
        A `Certificate` that claims "stationary", "descent" or "unknown", to be checked by `verify_certificate`.

    Raises:
        ArgumentError: for a negative delta, a tolerance that is not above 0, or a budget below 1.
        GradientError, NotTraceableError, MissingExtraError: as `subdifferential`.

    Example:
        >>> import subgrad as sg
        >>> print(is_stationary(lambda x: sg.maximum(x[0], -2 * x[0]) + x[1] ** 2, [0.0, 0.0]))
        stationary: 2 gradients at the point have a convex combination of norm ...
        >>> found = is_stationary(lambda x: abs(x[0]) + 2 * x[1], [1.0, 0.0])
        >>> found.claim, found.direction.tolist()
        ('descent', [1.0, 2.0])
    """
    if delta < 0 or tolerance <= 0 or budget < 1:
        raise ArgumentError(
            f"delta is at least 0, tolerance above 0 and budget at least 1, got {delta}, {tolerance} and {budget}"
        )
    problem = flat_problem(f, x)
    if delta == 0:
        return _at_point(problem, at_point(problem, None, budget), tolerance)
    return Goldstein(problem.evaluate, problem.start, problem.space, tolerance, delta, seed).search(budget)


def _certificate(
    problem: Problem, claim: Claim, samples: Sequence[Sample], tolerance: float, step: float = 0.0, reason: str = ""
) -> Certificate:
    n = problem.size
    points, gradients = (np.array([s[i] for s in samples]).reshape(len(samples), n) for i in (0, 1))
    direction, weights = least_norm(gradients) if len(samples) else (np.zeros(n), np.zeros(0))
    if claim == "stationary":
        used = weights > 0
        points, gradients, weights = points[used], gradients[used], weights[used] / weights[used].sum()
    space = problem.space
    return Certificate(
        claim, problem.start, 0.0, tolerance, points, gradients, weights, direction, space.low, space.high, step,
        space.shapes, space.dtype.name, reason,
    )  # fmt: skip


# At the point itself


def _at_point(problem: Problem, found: Subdifferential, tolerance: float) -> Certificate:
    def unknown(reason: str) -> Certificate:
        return _certificate(problem, "unknown", [], tolerance, reason=reason)

    if not found.cells:
        return unknown(found.reason)
    gradients = np.array([c.gradient for c in found.cells])
    distinct = np.unique(gradients, axis=0, return_index=True)[1]
    least, weights = least_norm(gradients[distinct])
    stationary = math.hypot(*least) <= tolerance
    needed = distinct[weights > 0] if stationary else distinct
    rays = [_on_ray(problem, found.cells[i].direction, gradients[i], tolerance) for i in needed]
    samples = [r for r in rays if r is not None]
    if len(samples) < len(rays):
        return unknown("a cell is too narrow for floats: no point of it was found")
    if not stationary:
        step = _step(problem, least)
        return _certificate(problem, "descent", samples, tolerance, step) if step else unknown(_excuse(found))
    certificate = _certificate(problem, "stationary", samples, tolerance, reason=", ".join(found.assumptions))
    close = math.hypot(*certificate.direction) <= tolerance
    return certificate if close else unknown("gradients near the point are too far from their limits")


def _excuse(found: Subdifferential) -> str:
    return found.reason or "along the direction of descent f does not fall in floats"


def _on_ray(problem: Problem, direction: np.ndarray, gradient: np.ndarray, tolerance: float) -> Sample | None:
    """A point on the ray from x into a cell, from which to x the gradient is that of the cell."""
    slack = tolerance / 4 + 1e-3 * _precision(problem) * np.abs(gradient).max()
    x = problem.start
    h = max(1.0, float(np.abs(x).max())) / 64
    while (problem.space.inside(x + h / 64 * direction) != x).any():
        found = [problem.gradient(x + h * t * direction) for t in (1.0, 0.25, 0.0625, 0.015625)]
        if all(np.abs(g - gradient).max() <= slack for g in found):
            return x + h * direction, found[0]
        h /= 16
    return None


def _precision(problem: Problem) -> float:
    return 1e-3 if problem.dtype == np.float64 else 1.0


def _step(problem: Problem, p: np.ndarray) -> float:
    """A step along -p at which, and at smaller ones, f falls by more than a quarter of what p promises; 0 if none."""
    x, length = problem.start, math.hypot(*p)
    start = problem.value(x)
    step = max(1.0, float(np.abs(x).max())) / float(np.abs(p).max())
    while (problem.space.inside(x - step / 16 * p) != x).any():
        if all(problem.value(x - s * p) <= start - 0.3 * s * length * length for s in (step, step / 4, step / 16)):
            return step
        step /= 4
    return 0.0


__all__ = ["is_stationary"]
