"""The outputs of a network at a point without any rounding, where only that can tell whether a limit is met.

Floats are integers times powers of two, and so is what affine maps and linear pieces make of them. Of a smooth function
the few points are known where its value is such a number, too: sigmoid(0) is 1/2. What an interval says is one number,
such as the value of a relu of something negative, is that number whatever it comes from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.walk_back import Step
from subgrad.intervals.arithmetic import Interval

MATRICES = 2**21  # elements of all matrices of a network: with more than that, values take too long
DIGITS = 2**20  # of a number in binary: with more than that, likewise


class Exact(NamedTuple):
    """An array of the numbers ``integers * 2**exponent``, where they are ``known``."""

    integers: np.ndarray
    exponent: int
    known: np.ndarray

    @staticmethod
    def of(x: np.ndarray, known: np.ndarray | bool = True) -> Exact:
        """Floats as they are; finite ones where they are known."""
        x = np.where(known, x, 0.0)
        mantissas, exponents = np.frexp(x)
        whole, exponents = (mantissas * 2.0**53).astype(np.int64), exponents.astype(np.int64) - 53
        low = int(exponents[whole != 0].min(initial=0)) if whole.any() else 0
        shifts = np.where(whole != 0, exponents - low, 0)
        integers = whole.astype(object) * np.left_shift(np.ones(whole.shape, object), shifts.astype(object))
        return Exact(integers, low, np.broadcast_to(known, x.shape))

    def at(self, exponent: int) -> np.ndarray:
        """The integers for a smaller exponent."""
        return self.integers * (1 << (self.exponent - exponent))

    def plus(self, other: Exact) -> Exact:
        exponent = min(self.exponent, other.exponent)
        return Exact(self.at(exponent) + other.at(exponent), exponent, self.known & other.known)

    def times(self, other: Exact) -> Exact:
        return Exact(self.integers * other.integers, self.exponent + other.exponent, self.known & other.known)

    def larger(self, other: Exact) -> Exact:
        exponent = min(self.exponent, other.exponent)
        return Exact(np.maximum(self.at(exponent), other.at(exponent)), exponent, self.known & other.known)

    def through(self, matrix: Exact) -> Exact:
        """The products with a matrix, all of whose elements are known."""
        lost = (matrix.integers[~self.known] != 0).any(axis=0)
        return Exact(self.integers @ matrix.integers, self.exponent + matrix.exponent, ~lost)

    def or_else(self, other: Exact) -> Exact:
        """The other's numbers where these are not known."""
        exponent = min(self.exponent, other.exponent)
        integers = np.where(self.known, self.at(exponent), other.at(exponent))
        return Exact(integers, exponent, self.known | other.known)

    def fractions(self) -> list[Fraction | None]:
        by = Fraction(2) ** self.exponent
        return [n * by if k else None for n, k in zip(self.integers.tolist(), self.known.tolist(), strict=True)]

    def floats(self) -> np.ndarray:
        """The numbers that are floats, float64; NaN for others, and where they are not known."""
        nearest = [math.nan if x is None else _nearest(x) for x in self.fractions()]
        return np.array(nearest, np.float64)


class ExactValues:
    """The outputs of a network without rounding."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self._matrices: dict[tuple[int, int], Exact] = {}

    def at(self, intervals: Sequence[Interval]) -> list[Fraction | None]:
        """The outputs at a point, of which all steps are known to lie in these intervals, shape (1, \\*S); None where
        they are not known, or take too long."""
        values: list[Exact] = []
        for k, (low, high) in enumerate(intervals):
            single = Exact.of(low.ravel(), (np.isfinite(low) & (low == high)).ravel())
            values.append(single if single.known.all() else single.or_else(self._made(k, values)))
        return values[-1].fractions()

    def _made(self, k: int, values: list[Exact]) -> Exact:
        """The value of a step by those of earlier ones."""
        step, inputs = self.steps[k], [values[i] for i in self.steps[k].inputs]
        found = self._affine(k, inputs) if isinstance(step.made, Affine) else _curved(step, inputs)
        if found is None or max(map(int.bit_length, found.integers.tolist()), default=0) > DIGITS:
            return Exact.of(np.zeros(math.prod(step.shape)), False)
        return found

    @cached_property
    def _fits(self) -> bool:
        """Whether the matrices are small enough."""
        affine = [s for s in self.steps if isinstance(s.made, Affine)]
        sizes = (math.prod(s.shape) * sum(math.prod(self.steps[i].shape) for i in s.inputs) for s in affine)
        return sum(sizes) <= MATRICES

    def _affine(self, k: int, inputs: list[Exact]) -> Exact | None:
        step = self.steps[k]
        assert isinstance(step.made, Affine)
        if not self._fits or any(part.doubt is not None for _, part in step.made.parts):
            return None
        n, constant = math.prod(step.shape), step.made.constant
        if constant is None:
            total = Exact.of(np.zeros(n))
        else:
            low, high = (np.broadcast_to(e, step.shape).ravel() for e in constant)
            total = Exact.of(low, np.isfinite(low) & (low == high))
        for place, x in enumerate(inputs):
            total = total.plus(x.through(self._matrix(k, place)))
        return total

    def _matrix(self, k: int, place: int) -> Exact:
        """The matrix of a part of an affine step, shape (m, n): each of its elements is one product with 1."""
        if (k, place) not in self._matrices:
            step = self.steps[k]
            assert isinstance(step.made, Affine)
            shape = self.steps[step.inputs[place]].shape
            units = np.eye(math.prod(shape)).reshape(-1, *shape)
            found = step.made.parts[place][1].forward(units)
            self._matrices[k, place] = Exact.of(found.reshape(len(units), -1))
        return self._matrices[k, place]


def _nearest(x: Fraction) -> float:
    """The float that a number is; NaN if it is none."""
    try:
        found = float(x)
    except OverflowError:
        return math.nan
    return found if Fraction(found) == x else math.nan


def _curved(step: Step, inputs: list[Exact]) -> Exact | None:
    """The values of a curve."""
    made, node = step.made, step.node
    if not isinstance(made, Curve) or node is None or any(len(x.integers) != math.prod(step.shape) for x in inputs):
        return None
    if made.least is not None:
        return inputs[0].larger(inputs[0].times(Exact.of(np.array([made.least]))))
    if made.pieces:
        return inputs[0].larger(inputs[1])
    if node.op is ops.square:
        return inputs[0].times(inputs[0])
    if len(inputs) == 2:
        return inputs[0].times(inputs[1]) if node.op.elementwise and node.op.linear == "each" else None
    x = inputs[0].floats().reshape(1, *step.shape)  # NaN is of no use below
    low, high = (e.ravel() for e in made.interval([Interval(x, x)]))
    return Exact.of(low, (low == high) & np.isfinite(low) & ~np.isnan(x.ravel()))


__all__ = ["Exact", "ExactValues"]
