"""`is_stationary`: is 0 in the subdifferential, or in Goldstein's? Answered with a certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.kinks.certificates import Certificate, Claim
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
    return _Goldstein(problem, tolerance, delta, np.random.default_rng(seed)).search(budget)


def _certificate(
    problem: Problem, claim: Claim, samples: Sequence[Sample], tolerance: float, delta: float,
    step: float = 0.0, reason: str = "",
) -> Certificate:  # fmt: skip
    n = problem.size
    points, gradients = (np.array([s[i] for s in samples]).reshape(len(samples), n) for i in (0, 1))
    direction, weights = least_norm(gradients) if len(samples) else (np.zeros(n), np.zeros(0))
    if claim == "stationary":
        used = weights > 0
        points, gradients, weights = points[used], gradients[used], weights[used] / weights[used].sum()
    return Certificate(
        claim, problem.start, delta, tolerance, points, gradients, weights, direction, step,
        tuple(problem.shapes), problem.dtype.name, reason,
    )  # fmt: skip


# At the point itself


def _at_point(problem: Problem, found: Subdifferential, tolerance: float) -> Certificate:
    def unknown(reason: str) -> Certificate:
        return _certificate(problem, "unknown", [], tolerance, 0.0, reason=reason)

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
        return _certificate(problem, "descent", samples, tolerance, 0.0, step) if step else unknown(_excuse(found))
    certificate = _certificate(problem, "stationary", samples, tolerance, 0.0, reason=", ".join(found.assumptions))
    close = math.hypot(*certificate.direction) <= tolerance
    return certificate if close else unknown("gradients near the point are too far from their limits")


def _excuse(found: Subdifferential) -> str:
    return found.reason or "along the direction of descent f does not fall in floats"


def _on_ray(problem: Problem, direction: np.ndarray, gradient: np.ndarray, tolerance: float) -> Sample | None:
    """A point on the ray from x into a cell, from which to x the gradient is that of the cell."""
    slack = tolerance / 4 + 1e-3 * _precision(problem) * np.abs(gradient).max()
    x = problem.start
    h = max(1.0, float(np.abs(x).max())) / 64
    while (_in_floats(problem, x + h / 64 * direction) != x).any():
        found = [problem.gradient(x + h * t * direction) for t in (1.0, 0.25, 0.0625, 0.015625)]
        if all(np.abs(g - gradient).max() <= slack for g in found):
            return x + h * direction, found[0]
        h /= 16
    return None


def _in_floats(problem: Problem, point: np.ndarray) -> np.ndarray:
    """The point that f is evaluated at for a flat vector: it has the dtype of the variables."""
    return np.concatenate(problem.split(point), axis=None).astype(np.float64)


def _precision(problem: Problem) -> float:
    return 1e-3 if problem.dtype == np.float64 else 1.0


def _step(problem: Problem, p: np.ndarray) -> float:
    """A step along -p at which, and at smaller ones, f falls by more than a quarter of what p promises; 0 if none."""
    x, length = problem.start, math.hypot(*p)
    start = problem.value(x)
    step = max(1.0, float(np.abs(x).max())) / float(np.abs(p).max())
    while (_in_floats(problem, x - step / 16 * p) != x).any():
        if all(problem.value(x - s * p) <= start - 0.3 * s * length * length for s in (step, step / 4, step / 16)):
            return step
        step /= 4
    return 0.0


# Around the point


class _Goldstein:
    """The search for gradients within ``delta`` whose convex combination is short, or along which f falls."""

    def __init__(self, problem: Problem, tolerance: float, delta: float, rng: np.random.Generator) -> None:
        self.problem, self.tolerance, self.delta, self.rng = problem, tolerance, delta, rng
        self.samples: list[Sample] = [self._sample(problem.start)]

    def search(self, budget: int) -> Certificate:
        while True:
            p = least_norm(np.array([g for _, g in self.samples]))[0]
            length = math.hypot(*p)
            if length <= self.tolerance:
                return self._claim("stationary")
            if self._falls(p, length):
                return self._claim("descent", self.delta / length)
            if len(self.samples) == budget:
                reason = f"after {budget} gradients the least combination has norm {length:.3g}, and f does not fall"
                return _certificate(self.problem, "unknown", [], self.tolerance, self.delta, reason=reason)
            self.samples.append(self._shortening(p, length))

    def _claim(self, claim: Claim, step: float = 0.0) -> Certificate:
        return _certificate(self.problem, claim, self.samples, self.tolerance, self.delta, step)

    def _sample(self, point: np.ndarray) -> Sample:
        """The gradient at a random point close to ``point``, which is on no kink, almost surely."""
        noise = self.rng.standard_normal(point.size)
        near = point + 1e-3 * self.delta * noise / np.linalg.norm(noise)
        rounded = _in_floats(self.problem, near)
        return rounded, self.problem.gradient(rounded)

    def _falls(self, p: np.ndarray, length: float) -> bool:
        x = self.problem.start
        end = x - self.delta / length * p
        return self.problem.value(end) <= self.problem.value(x) - 0.3 * self.delta * length

    def _shortening(self, p: np.ndarray, length: float) -> Sample:
        """A gradient g on the way along -p with g.p below half of \\|p\\|^2; else one anywhere within delta."""
        low, high = 0.0, 0.99 * self.delta / length
        bottom, top = self._value(low, p), self._value(high, p)
        for _ in range(20):
            middle = (low + high) / 2
            sample = self._sample(self.problem.start - middle * p)
            if sample[1] @ p < length**2 / 2:
                return sample
            between = self._value(middle, p)
            if bottom - between < between - top:  # f falls less on the near half
                high, top = middle, between
            else:
                low, bottom = middle, between
        ball = self.rng.standard_normal(self.problem.size)
        radius = 0.99 * self.delta * self.rng.random() ** (1 / self.problem.size)
        return self._sample(self.problem.start + radius * ball / np.linalg.norm(ball))

    def _value(self, step: float, p: np.ndarray) -> float:
        return self.problem.value(self.problem.start - step * p)


__all__ = ["is_stationary"]
