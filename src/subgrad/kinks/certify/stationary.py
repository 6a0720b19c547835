"""`is_stationary`: is 0 in the subdifferential, or in Goldstein's? Answered with a certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError, GradientError
from subgrad.graph.evaluate import evaluate as evaluate_nodes
from subgrad.graph.tensor import Tensor, constant
from subgrad.kinks.certify.certificates import PROMISED, Certificate, falls_from, holds
from subgrad.kinks.certify.evidence import Evidence, evidence, is_finest
from subgrad.kinks.certify.goldstein import Goldstein
from subgrad.kinks.hull.min_norm_point import least_norm
from subgrad.kinks.hull.subdifferential import Subdifferential, at_point
from subgrad.kinks.one_sided.walk import Walk
from subgrad.kinks.problem import Problem, flat_problem

Sample = tuple[np.ndarray, np.ndarray]
"""A point and the gradient there."""

Ray = tuple[np.ndarray, np.ndarray]
"""A direction from x, and the gradients' limit along it."""

MOST = 300
"""How many gradients are gathered around a point whose cells are not known."""


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
    if not (delta >= 0 and tolerance > 0 and budget >= 1):
        raise ArgumentError(
            f"delta is at least 0, tolerance above 0 and budget at least 1, got {delta}, {tolerance} and {budget}"
        )
    problem = flat_problem(f, x)
    seen = evidence(problem, problem.space.low, problem.space.high)
    if delta == 0:
        return at_the_point(problem, seen, tolerance, budget, seed)
    found = Goldstein(problem.evaluate, problem.start, problem.space, tolerance, delta, seed).search(budget)
    return checked(found, seen)


def at_the_point(problem: Problem, seen: Evidence, tolerance: float, budget: int, seed: int) -> Certificate:
    """The certificate with delta 0, by the subdifferential at the problem's own point."""
    return checked(_at_point(problem, seen, at_point(problem, None, budget), tolerance, budget, seed), seen)


def checked(found: Certificate, seen: Evidence) -> Certificate:
    """A certificate that holds for what is seen of the function; one that claims nothing if it does not."""
    if found.claim == "unknown" or holds(found, seen, found.tolerance, (found.low, found.high)):
        return found
    return replace(found, claim="unknown", step=0.0, reason=f"rounding hides whether f is {_WORDS[found.claim]} here")


_WORDS = {"stationary": "stationary", "descent": "falling"}


# At the point itself


def _at_point(
    problem: Problem, seen: Evidence, found: Subdifferential, tolerance: float, budget: int, seed: int
) -> Certificate:
    """The certificate, from all cells around x, or where they are not known from some gradients around x."""
    rays = _cells(found) if found.complete else _around(problem, tolerance, budget, seed)
    if not rays:
        return _nothing(problem, tolerance, found.reason)
    least, weights = least_norm(np.array([g for _, g in rays]))
    length = math.hypot(*least)
    samples = [_on_ray(problem, *rays[i], min(tolerance, length or tolerance)) for i in np.flatnonzero(weights)]
    there = [s for s in samples if s is not None]
    if len(there) < len(samples):
        return _nothing(problem, tolerance, "a cell is too narrow for floats: no point of it was found")
    certificate = _made_of(problem, there, tolerance, ", ".join(found.assumptions))
    if length <= tolerance:
        close = certificate.norm <= tolerance
        reason = "gradients near the point are too far from their limits"
        return certificate if close else _nothing(problem, tolerance, reason)
    step = _step(problem, seen, certificate.direction)
    if step:
        return replace(certificate, claim="descent", step=step)
    return _nothing(problem, tolerance, found.reason or "along the direction of descent f does not fall in floats")


def _cells(found: Subdifferential) -> list[Ray]:
    """The different gradients of the cells, each with a direction into its cell."""
    rows = np.array([c.gradient for c in found.cells])
    return [(found.cells[i].direction, rows[i]) for i in np.unique(rows, axis=0, return_index=True)[1]]


def _around(problem: Problem, tolerance: float, budget: int, seed: int) -> list[Ray]:
    """Gradients along directions, as many as tell whether their hull holds 0; none if they do not.

    f'(x; .) is a function with the same slopes along each ray, so what Goldstein's search finds within a radius of 1
    around its 0 are slopes of f at x.
    """

    def evaluate(v: np.ndarray) -> tuple[float, np.ndarray]:
        along = [constant(part) for part in problem.split(v)]
        walk = Walk(problem.y, problem.sources, along)
        walk.check()
        if walk.by_hand:
            raise GradientError("a derivative written by hand is not known at kinks")
        if walk.slope is None:
            return 0.0, np.zeros(v.size)
        slopes = gradients(walk.slope, along)
        evaluate_nodes(slopes)
        return float(walk.slope), np.concatenate([s.numpy().ravel() for s in slopes]).astype(np.float64)

    try:
        origin = np.zeros(problem.size)
        found = Goldstein(evaluate, origin, problem.space, tolerance, 1.0, seed).search(min(budget, MOST))
    except GradientError:
        return []
    return list(zip(found.points, found.gradients, strict=True)) if found.claim != "unknown" else []


def _made_of(problem: Problem, samples: Sequence[Sample], tolerance: float, reason: str) -> Certificate:
    """A certificate of stationarity from points and the gradients there."""
    points, gradients = (np.array([s[i] for s in samples]) for i in (0, 1))
    direction, weights = least_norm(gradients)
    used = weights > 0
    points, gradients, weights = points[used], gradients[used], weights[used] / weights[used].sum()
    space = problem.space
    return Certificate(
        "stationary", problem.start, 0.0, tolerance, points, gradients, weights, direction, space.low, space.high, 0.0,
        space.shapes, space.dtype.name, reason,
    )  # fmt: skip


def _nothing(problem: Problem, tolerance: float, reason: str) -> Certificate:
    none, zero, space = np.zeros((0, problem.size)), np.zeros(problem.size), problem.space
    return Certificate(
        "unknown", problem.start, 0.0, tolerance, none, none, np.zeros(0), zero, space.low, space.high, 0.0,
        space.shapes, space.dtype.name, reason,
    )  # fmt: skip


def _on_ray(problem: Problem, direction: np.ndarray, gradient: np.ndarray, size: float) -> Sample | None:
    """A point on the ray from x into a cell, from which to x the gradient is that of the cell, up to a part of
    ``size`` and rounding."""
    slack = size / 16 + 64 * float(np.finfo(problem.dtype).eps) * np.abs(gradient).max()
    x = problem.start
    h = max(1.0, float(np.abs(x).max())) / 64
    while (problem.space.inside(x + h / 64 * direction) != x).any():
        points = [problem.space.inside(x + h * t * direction) for t in (1.0, 0.25, 0.0625, 0.015625)]
        found = [problem.gradient(p) for p in points]
        if all(np.abs(g - gradient).max() <= slack for g in found):
            return points[0], found[0]
        h /= 16
    return None


def _step(problem: Problem, seen: Evidence, p: np.ndarray) -> float:
    """A step along -p at which, and at smaller ones, f falls as a certificate promises; 0 if none."""
    x, rate = problem.start, PROMISED * float(p @ p)
    step = max(1.0, float(np.abs(x).max())) / float(np.abs(p).max())
    while not is_finest(x, step * p):
        if falls_from(seen, x, -p, step, rate):
            return step
        step /= 16
    return 0.0


__all__ = ["at_the_point", "checked", "is_stationary"]
