"""The search for gradients near a point of which a convex combination is short, or along which f falls."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from subgrad.entropy import pcg64
from subgrad.kinks.certify.certificate import Certificate, Claim
from subgrad.kinks.hull.min_norm_point import Hull, least_norm
from subgrad.kinks.space import Evaluate, Space

STILL = 1e-7
"""A gradient must be constant within this share of delta around its point, which is more than verifying needs."""

PATIENCE = 20
"""The search ends after this number of lines in a row without a gradient that shortens the combination."""


class Goldstein:
    """Gathers gradients within ``delta`` of x until they prove that x is stationary, or that it is not.

    Args:
        evaluate: f and its gradient, for points within the bounds.
        x: flat.
        space: of x.
        tolerance: of the norm of the combination.
        delta: the radius around x.
        seed: of the random points.
        near: points within delta at which to begin.
        shares: the weights of their gradients in a combination that may be short.
        as_given: whether points that are on no kink are taken as they are, and not others next to them.
    """

    def __init__(
        self, evaluate: Evaluate, x: np.ndarray, space: Space, tolerance: float, delta: float, seed: int,
        near: Sequence[np.ndarray] = (), shares: np.ndarray | None = None, as_given: bool = False,
    ) -> None:  # fmt: skip
        self.evaluate, self.x, self.space, self.tolerance, self.delta = evaluate, x, space, tolerance, delta
        self.rng = pcg64(seed)
        self.start = evaluate(x)[0]
        self.points: list[np.ndarray] = []
        self.gradients: list[np.ndarray] = []
        self.weights: np.ndarray | None = None
        self._hull: Hull | None = None
        self.misses, self._as_given = 0, as_given
        for point in (x, *near):
            self._add(*self._sample(point))
        if shares is not None and len(self.points) == len(near) + 1:
            self.weights = np.append(0.0, shares)

    def search(self, budget: int) -> Certificate:
        """The certificate, after at most ``budget`` gradients."""
        if not self.points:
            return self._certificate("unknown", np.zeros_like(self.x), reason="no gradient near the point is finite")
        while True:
            p = self._least()
            length = math.hypot(*p)
            if length <= 0.999 * self.tolerance:  # a checker rounds up
                return self._certificate("stationary", p)
            if self._falls(p, length) and (np.array(self.gradients) @ p >= length * length * (1 - 1e-7)).all():
                return self._certificate("descent", p, self.delta / length)
            if len(self.points) >= budget or self.misses >= PATIENCE:
                reason = f"after {len(self.points)} gradients the least combination has norm {length:.3g}"
                return self._certificate("unknown", p, reason=reason)
            self._add(*self._shortening(p, length))

    def _least(self) -> np.ndarray:
        """The combination of least norm, without what leads out of bounds within delta.

        The variables that the gradients push against a bound are left out first, and taken in again if their slope
        turns out to lead inside.
        """
        at_low, at_high = self.x - self.space.low <= self.delta, self.space.high - self.x <= self.delta
        free = ~(at_low | at_high)
        if free.all():
            return self._least_of_all()
        gradients = np.array(self.gradients)
        while True:
            _, self.weights = least_norm(gradients[:, free], self.weights) if free.any() else (None, self._equal())
            slope = self.weights @ gradients
            inward = np.where(at_low, np.minimum(slope, 0), slope)
            inward = np.where(at_high, np.maximum(inward, 0), inward)
            missing = ~free & (inward != 0)
            if not missing.any():
                return inward
            free |= missing

    def _least_of_all(self) -> np.ndarray:
        if self._hull is None:
            self._hull = Hull(np.array(self.gradients))
            self.weights = self._hull.least(start=self.weights)
        else:
            self.weights = self._hull.least()
        return self.weights @ self._hull.points

    def _equal(self) -> np.ndarray:
        return np.full(len(self.gradients), 1 / max(len(self.gradients), 1))

    def _add(self, point: np.ndarray, gradient: np.ndarray) -> None:
        """One gradient more; none where f is not smooth enough to have one."""
        if not np.isfinite(gradient).all():
            return
        self.points.append(point)
        self.gradients.append(gradient)
        if self._hull is not None:
            self._hull.append(gradient)
        self.weights = None if self.weights is None else np.append(self.weights, 0.0)

    def _certificate(self, claim: Claim, p: np.ndarray, step: float = 0.0, reason: str = "") -> Certificate:
        weights = self._equal() if self.weights is None else self.weights
        used = weights > 0 if claim != "unknown" else np.zeros(len(weights), bool)
        weights = weights[used] / weights[used].sum() if used.any() else np.zeros(0)
        n = self.x.size
        points, gradients = (np.array(rows).reshape(-1, n)[used] for rows in (self.points, self.gradients))
        return Certificate(
            claim, self.x, self.delta, self.tolerance, points, gradients, weights, p, self.space.low, self.space.high,
            step, self.space.shapes, self.space.dtype.name, reason,
        )  # fmt: skip

    # Points

    def _sample(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A random point close to ``point`` that is on no kink, as far as can be, and the gradient there."""
        found = self._gradient(point if self._as_given else self._near(point))
        for _ in range(10):
            if self._is_still(*found):
                break
            found = self._gradient(self._near(point))
        return found

    def _near(self, point: np.ndarray) -> np.ndarray:
        return self._beside(point, 1e-2 * self.delta)

    def _gradient(self, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """That at a point, which is moved to within delta."""
        near = self.space.inside(self.x + (near - self.x) * min(1.0, 0.999 * self.delta / _length(near - self.x)))
        return near, self.evaluate(near)[1]

    def _is_still(self, point: np.ndarray, gradient: np.ndarray) -> bool:
        rounding = 16 * float(np.finfo(self.space.dtype).eps) * float(np.abs(point).max())
        distance = max(STILL * self.delta, rounding) * math.sqrt(point.size)
        around = (self.evaluate(self._beside(point, distance))[1] for _ in range(2))
        return all(np.abs(g - gradient).max() <= self.tolerance / 2 for g in around)

    def _beside(self, point: np.ndarray, distance: float) -> np.ndarray:
        noise = self.rng.standard_normal(point.size)
        near = point + distance * noise / _length(noise)
        low, high = self.space.low, self.space.high
        near = np.where(near < low, 2 * low - near, np.where(near > high, 2 * high - near, near))
        return self.space.inside(near)

    def _falls(self, p: np.ndarray, length: float) -> bool:
        return self._value(self.delta / length, p) <= self.start - 0.3 * self.delta * length

    def _shortening(self, p: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
        """A gradient g on the way along -p with g.p below half of \\|p\\|^2; else one anywhere within delta."""
        low, high = 0.0, 0.99 * self.delta / length
        bottom, top = self._value(low, p), self._value(high, p)
        for _ in range(20):
            middle = (low + high) / 2
            found = self._sample(self.x - middle * p)
            if found[1] @ p < length * length / 2:
                self.misses = 0
                return found
            between = self._value(middle, p)
            if bottom - between < between - top:  # f falls less on the near half
                high, top = middle, between
            else:
                low, bottom = middle, between
        self.misses += 1
        ball = self.rng.standard_normal(self.x.size)
        radius = 0.99 * self.delta * self.rng.random() ** (1 / self.x.size)
        return self._sample(self.x + radius * ball / _length(ball))

    def _value(self, step: float, p: np.ndarray) -> float:
        return self.evaluate(self.space.inside(self.x - step * p))[0]


def _length(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector)) or 1.0


__all__ = ["Goldstein"]
