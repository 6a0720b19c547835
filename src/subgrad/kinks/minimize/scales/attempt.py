"""One run of a solver in some units, and the units that its start and its end call for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from subgrad.entropy import pcg64
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.minimize.certifying import POLE
from subgrad.kinks.minimize.line_search import weak_wolfe
from subgrad.kinks.minimize.objective import STEEPEST, Objective
from subgrad.kinks.minimize.scales.scale import USUAL, Scale, unit
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder

LITTLE = 1e-10
"""Values that differ by less than this part are much the same."""

ROUNDING = 2.0**12
"""The radius of a certificate is at least this many units in the last place of x."""


@dataclass(frozen=True, eq=False)
class Attempt:
    """How a run ended.

    Attributes:
        objective: the function in units, with the best point.
        scale: the units.
        certificate, curved: what is proved of the best point, in the function's own units.
        iterations: how many there were.
        status: at the end.
    """

    objective: Objective
    scale: Scale
    certificate: Certificate
    curved: SecondOrder
    iterations: int
    status: int

    @property
    def x(self) -> np.ndarray:
        """The best point, in the function's own units, as is the value."""
        return self.objective.best.x * self.scale.length

    @property
    def value(self) -> float:
        return self.objective.best.value * self.scale.value

    def is_below(self, other: Attempt) -> bool:
        """Whether it led to a lower value than another one, in its own units."""
        return other.value - self.value > LITTLE * (self.scale.value + abs(other.value))

    def calls_for(self, start: np.ndarray, tol: float) -> list[Scale]:
        """If the point is stationary, finer units, where x and slopes were small on all of the way, and units of 1
        where these are larger; if it is not found stationary, coarser ones, where x and most slopes were large.
        Rounding limits the radius; beside a pole nothing is gained."""
        f, length, slope = self.objective, self.scale.length, self.scale.slope
        moved = (float(np.linalg.norm(self.x - start)) or float(np.abs(start).max(initial=0.0))) / length
        slopes = f.slopes_nearby()
        least = self._least_length(tol)
        if not self.certificate:
            typical = min(float(np.median(slopes)), float(np.linalg.norm(f.best.gradient)))
            by_length, by_slope = (_unit(size, f) for size in (moved, typical))
            coarse = Scale(max(length, least, length * by_length), max(slope, slope * by_slope))
            return [] if self.certificate.reason == POLE else [coarse]
        typical = max(slopes) if slope == 1 else float(np.median(slopes))  # a start may be steep
        by_length, by_slope = (_unit(size, f) for size in (moved, typical))
        fine = Scale(min(length, max(least, length * by_length)), min(slope, slope * by_slope))
        finest = Scale(min(length, max(least, min(1.0, fine.length))), min(1.0, fine.slope))
        steep = float(np.abs(f.best.gradient).max(initial=0.0)) * slope
        return [scale for scale in (fine, finest) if steep / scale.slope < STEEPEST]

    def _least_length(self, tol: float) -> float:
        """That of which a tolerance's part is as much of x as rounding leaves."""
        kind = np.finfo(self.objective.space.dtype)
        part = ROUNDING * float(kind.eps) * float(np.abs(self.x).max(initial=0.0)) / tol
        return 2.0 ** math.ceil(math.log2(max(part, float(kind.tiny) ** 0.25)))


def _unit(size: float, f: Objective) -> float:
    return unit(size, f.space.dtype) if size > 0 else 1.0


def scale_of_start(f: Objective) -> Scale:
    """The units that a start calls for: slopes there or after a first step, and its length, if they are not near 1."""
    size, far = float(np.linalg.norm(f.start.gradient)), float(np.abs(f.start.x).max(initial=0.0))
    if size == 0 or (1 / USUAL <= size <= USUAL and far <= USUAL):
        return Scale()
    found = weak_wolfe(f, f.start, f.start.gradient * (-1 / size), -size)
    if f.is_bottomless:
        return Scale()
    length = _straight(f) if found is None else float(np.linalg.norm(found.x - f.start.x))
    steepest = size if found is None else max(size, float(np.linalg.norm(found.gradient)))
    return Scale(max(_unit(length, f), 1.0), _unit(steepest, f))


def _straight(f: Objective) -> float:
    """How far f has one slope along some direction from a start; 1 where that is less, or as far as one can see."""
    way = pcg64(0).standard_normal(f.start.x.size)
    way /= float(np.linalg.norm(way))

    def slope(step: float) -> float:
        return (f(f.start.x + step * way).value - f.start.value) / step

    before, step = slope(1.0), 1.0
    for _ in range(60):
        step *= 4
        found = slope(step)
        if not abs(found - before) <= abs(before) / 2:
            return step
        before = found
    return 1.0


__all__ = ["Attempt", "scale_of_start"]
