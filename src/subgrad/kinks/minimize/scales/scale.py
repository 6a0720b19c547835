"""Units of x and of f, in which lengths and slopes are near 1: there a tolerance means the same for every function."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.minimize.flat_function import FlatFunction
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder

USUAL = 100.0
"""Lengths and slopes between this and its inverse are near 1."""

FARTHEST = 2.0**400
"""Units are not larger than this, nor smaller than its inverse; in float32 they stay within their eighth root."""


@dataclass(frozen=True)
class Scale:
    """What 1 stands for: ``length`` for x, ``slope`` for slopes. Both are powers of 2, so that nothing is rounded."""

    length: float = 1.0
    slope: float = 1.0

    @property
    def value(self) -> float:
        """What a value of 1 stands for."""
        return self.length * self.slope

    @property
    def inverse(self) -> Scale:
        return Scale(1 / self.length, 1 / self.slope)

    def function(self, target: FlatFunction, start: np.ndarray) -> FlatFunction:
        """A function in these units, from a start in its own."""
        if self == Scale():
            return replace(target, start=start)
        space, problem = target.space, target.problem

        def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = target.evaluate(point * self.length)
            return value / self.value, gradient / self.slope

        return FlatFunction(
            evaluate, start / self.length,
            replace(space, low=space.low / self.length, high=space.high / self.length),
            lambda point: target.shown(point * self.length),
            None if problem is None else problem.in_units(self.length, self.value), self.value,
        )  # fmt: skip

    def certificate(self, c: Certificate) -> Certificate:
        """A certificate in these units as one of the function itself."""
        return replace(
            c, x=c.x * self.length, delta=c.delta * self.length, tolerance=c.tolerance * self.slope,
            points=c.points * self.length, gradients=c.gradients * self.slope, direction=c.direction * self.slope,
            low=c.low * self.length, high=c.high * self.length, step=c.step * self.length / self.slope,
        )  # fmt: skip

    def second_order(self, found: SecondOrder) -> SecondOrder:
        """The same of what is known by second derivatives, whose direction is measured in the same units as x."""
        return replace(
            found, x=found.x * self.length, distance=found.distance * self.length,
            curvature=found.curvature * (self.slope / self.length), direction=found.direction * self.length,
            bend=found.bend * self.length,
        )  # fmt: skip


def unit(size: float, dtype: np.dtype) -> float:
    """The power of 2 nearest to a size above 0; 1 if that is near."""
    if 1 / USUAL <= size <= USUAL:
        return 1.0
    farthest = FARTHEST if dtype.itemsize > 4 else FARTHEST ** (1 / 8)
    return 2.0 ** round(math.log2(min(max(size, 1 / farthest), farthest)))


__all__ = ["Scale", "unit"]
