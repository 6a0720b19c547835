"""What the checker of certificates may ask of a function: bounds on its slopes and on its changes.

`Proven` computes them in interval arithmetic, so they hold for the exact function despite rounding errors. `Sampled` is
for functions that can only be evaluated: it samples several points, with an allowance for rounding errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.kinks.certify.interval_derivatives import IntervalDerivatives, parts_of
from subgrad.kinks.problem import Problem
from subgrad.kinks.space import Evaluate

FINEST = 2.0**6
"""The shortest step away from a point, in units in the last place."""

NEAR = 2.0**-20
"""The limit of gradients along a ray to a point is taken at this fraction of the ray's length, or closer."""


FEW = 64
"""Up to this number of variables each is bounded separately, if the bound for all together is too wide."""


class Evidence(Protocol):
    """A function of a flat vector."""

    def slopes(self, point: np.ndarray) -> Interval:
        """Intervals that hold all subgradients at a point."""
        ...

    def limit(self, x: np.ndarray, y: np.ndarray, width: float) -> Interval:
        """The slopes on the way from y to x, as near to x as rounding lets them be known up to ``width``."""
        ...

    def jumps(self, x: np.ndarray) -> bool:
        """Whether f may jump at a point, for all that is known."""
        ...

    def rise(self, x: np.ndarray, v: np.ndarray, low: float, high: float) -> tuple[float, float]:
        """f(x + high v) - f(x + low v) lies between these."""
        ...

    def falls(self, x: np.ndarray, v: np.ndarray, low: float, high: float, rate: float) -> bool:
        """Whether nothing is known against it that f falls along v at this rate on all of the way between two steps."""
        ...


class Proven:
    """By intervals, of a graph in which every op has an interval rule."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._ranges = problem, IntervalDerivatives(problem)
        self._nothing = iv.anything((problem.size,))

    def slopes(self, point: np.ndarray) -> Interval:
        return self._slopes(iv.widened(point, point)) if self._is_finite(point) else self._nothing

    def _slopes(self, box: Interval) -> Interval:
        values = self._ranges.values(parts_of(self._problem, box))
        if values.reason or values.choices:
            return self._nothing
        found = self._ranges.slopes(values)
        wide = found.high - found.low > 1e-9 * found.largest.max()
        if box.low.size > FEW or not wide.any():
            return found
        # Backwards, tied functions that are the same count as if they went apart; forwards they do not.
        rates = [self._ranges.rate(values, parts_of(self._problem, iv.exactly(unit))) for unit in np.eye(box.low.size)]
        low, high = (np.array(ends, np.float64) for ends in zip(*rates, strict=True))
        return iv.cleaned(np.maximum(found.low, low), np.minimum(found.high, high))

    def limit(self, x: np.ndarray, y: np.ndarray, width: float) -> Interval:
        steps, best = _steps_up(x, y - x), self._nothing
        first, last = 0, len(steps)
        while first < last:  # nearer than some step rounding hides all: the nearest is tried, then the rest is halved
            k = (first + last) // 2 if first else 0
            found = self._slopes(_along(x, y - x, steps[k], steps[k]))
            if (found.high - found.low).max() <= width:
                best, last = found, k
            else:
                first = k + 1
        return best

    def jumps(self, x: np.ndarray) -> bool:
        return bool(self._ranges.values(parts_of(self._problem, iv.widened(x, x))).reason)

    def rise(self, x: np.ndarray, v: np.ndarray, low: float, high: float) -> tuple[float, float]:
        if not self._is_finite(x + high * v):
            return -math.inf, math.inf
        start, end = (self._value(_along(x, v, t, t)) for t in (low, high))
        by_values = iv.add(end, iv.neg(start))
        by_rate = iv.mul(self._rate(x, v, low, high), iv.widened(np.asarray(high - low), np.asarray(high - low)))
        return float(max(by_values.low, by_rate.low)), float(min(by_values.high, by_rate.high))

    def falls(self, x: np.ndarray, v: np.ndarray, low: float, high: float, rate: float) -> bool:
        return bool(self._rate(x, v, low, high).high <= -rate)

    def _value(self, box: Interval) -> Interval:
        return self._ranges.values(parts_of(self._problem, box)).known.get(self._problem.output, iv.anything(()))

    def _rate(self, x: np.ndarray, v: np.ndarray, low: float, high: float) -> Interval:
        """The slopes of f along v between the two steps."""
        values = self._ranges.values(parts_of(self._problem, _along(x, v, low, high)))
        if values.reason or values.choices:
            return iv.anything(())
        return self._ranges.rate(values, parts_of(self._problem, iv.exactly(v)))

    def _is_finite(self, point: np.ndarray) -> bool:
        value, gradient = self._problem.evaluate(point)
        return bool(math.isfinite(value) and np.isfinite(gradient).all())


class Sampled:
    """By numbers alone, at the points that are asked for and at random ones close by.

    Args:
        evaluate: f and its gradient, with rounding errors of some units in the last place of f.
        low, high: f is not asked for anything outside of these.
        dtype: that f is computed in.
    """

    ULPS = 16.0
    """The error of a value that is reckoned with, in units of its last place."""

    def __init__(self, evaluate: Evaluate, low: np.ndarray, high: np.ndarray, dtype: np.dtype) -> None:
        self._evaluate, self._low, self._high = evaluate, low, high
        self._eps = float(np.finfo(dtype).eps)
        self._noise = np.random.default_rng(0)

    def slopes(self, point: np.ndarray) -> Interval:
        return self._around(point, 1e-8 * float(np.abs(point).max()))

    def _around(self, point: np.ndarray, distance: float) -> Interval:
        distance = max(distance, 4 * self._eps * float(np.abs(point).max()))
        beside = [self._inside(point + distance * self._noise.standard_normal(point.size)) for _ in range(3)]
        rows = np.array([np.ravel(self._evaluate(p)[1]) for p in (point, *beside)], np.float64)
        return iv.cleaned(rows.min(axis=0), rows.max(axis=0))

    def _inside(self, point: np.ndarray) -> np.ndarray:
        point = np.where(point < self._low, 2 * self._low - point, point)
        return np.clip(np.where(point > self._high, 2 * self._high - point, point), self._low, self._high)

    def limit(self, x: np.ndarray, y: np.ndarray, width: float) -> Interval:
        ways = (y - x) * 4.0 ** -np.arange(12)[:, None]
        return iv.hull(*(self._around(x + w, 1e-8 * float(np.abs(w).max())) for w in ways))

    def jumps(self, x: np.ndarray) -> bool:
        return False  # numbers do not tell a jump from a steep slope

    def rise(self, x: np.ndarray, v: np.ndarray, low: float, high: float) -> tuple[float, float]:
        start, end = (float(self._evaluate(x + t * v)[0]) for t in (low, high))
        if not (math.isfinite(start) and math.isfinite(end)):
            return -math.inf, math.inf
        error = self._error(start, end)
        return end - start - error, end - start + error

    def falls(self, x: np.ndarray, v: np.ndarray, low: float, high: float, rate: float) -> bool:
        return high * rate <= 4 * self._error(float(self._evaluate(x)[0]))

    def _error(self, *values: float) -> float:
        return self.ULPS * self._eps * max(map(abs, values))


def evidence(problem: Problem, low: np.ndarray, high: np.ndarray) -> Evidence:
    """Intervals where they know every op of a graph, numbers where they do not."""
    if IntervalDerivatives(problem).blind:
        return Sampled(problem.evaluate, low, high, problem.dtype)
    return Proven(problem)


def _along(x: np.ndarray, v: np.ndarray, low: float, high: float) -> Interval:
    """x + t v for t between the two steps."""
    return iv.add(iv.exactly(x), iv.mul(Interval(np.full(x.shape, low), np.full(x.shape, high)), iv.exactly(v)))


def is_finest(x: np.ndarray, way: np.ndarray) -> bool:
    """Whether a step is so short that rounding hides where it leads."""
    return float(np.abs(way).max()) <= shortest(x)


def is_near(x: np.ndarray, way: np.ndarray) -> bool:
    """Whether a step is some 1e6 units in the last place of x at most."""
    return float(np.abs(way).max()) <= 2.0**20 * float(np.spacing(np.abs(x).max()))


def shortest(x: np.ndarray) -> float:
    """The length of such a step, in its largest number."""
    return max(FINEST * float(np.spacing(np.abs(x).max())), 1e-290)


def _steps_up(x: np.ndarray, way: np.ndarray) -> Sequence[float]:
    """Parts of a way from x, each 16 times the one before."""
    length = float(np.abs(way).max())
    if length == 0:
        return []
    least = shortest(x) / length
    most = min(1.0, max(NEAR, 2.0**14 * least))
    count = math.ceil(math.log(most / least, 16)) if least < most else 0
    return [min(most, least * 16.0**k) for k in range(count + 1)]


__all__ = ["NEAR", "Evidence", "Proven", "Sampled", "evidence", "is_finest", "is_near", "shortest"]
