"""Functions that NumPy computes with an error of some units in the last place: rising ones, and waves.

Where the value at a point is a float, such as exp(0) = 1, it is known without that error, and bounds all on one side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from subgrad.graph.tensor import Tensor
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval, hull, widened
from subgrad.intervals.choice import reference

Rule = Callable[[Tensor, Interval], Interval]


def rounded(
    ulps: float, low: float = -math.inf, high: float = math.inf, at: tuple[float, float] | None = None
) -> Rule:  # fmt: skip
    """Rising, with values between ``low`` and ``high`` and an error of some units in the last place; ``at`` is a point
    and its value where that has none."""

    def rule(node: Tensor, x: Interval) -> Interval:
        found = iv.within(widened(reference(node, x.low), reference(node, x.high), ulps), low, high)
        return found if at is None else _risen(x, found, *at)

    return rule


def _risen(x: Interval, found: Interval, point: float, value: float) -> Interval:
    """What a rising function is that has a known value at a point."""
    low = np.where(x.low >= point, np.maximum(found.low, value), found.low)
    return Interval(low, np.where(x.high <= point, np.minimum(found.high, value), found.high))


def erfc(node: Tensor, x: Interval) -> Interval:
    """Falling, from 2 to 0."""
    return iv.within(widened(reference(node, x.high), reference(node, x.low), 8), 0, 2)


def from_zero(point: float) -> Rule:
    """Rising where x is at least 0, undefined below, and 0 at a point."""

    def rule(node: Tensor, x: Interval) -> Interval:
        at_least = np.maximum(x.low, 0)
        positive = Interval(at_least, np.maximum(x.high, at_least))
        found = widened(reference(node, positive.low), reference(node, positive.high), 8)
        return _risen(positive, found, point, 0.0)

    return rule


def wave(shift: float) -> Rule:
    """The cosine of x - ``shift``: between its ends, and 1 or -1 if a crest or a trough lies between them. At 0, alone,
    it is known."""

    def rule(node: Tensor, x: Interval) -> Interval:
        with np.errstate(all="ignore"):
            ends = hull(*(widened(e, e, 8) for e in (reference(node, x.low), reference(node, x.high))))
        crest, trough = _meets(x, shift), _meets(x, shift + math.pi)
        high = np.where(crest, 1.0, ends.high)
        found = iv.within(Interval(np.where(trough, -1.0, ends.low), high), -1, 1)
        origin, value = (x.low == 0) & (x.high == 0), round(math.cos(shift))
        return Interval(*(np.where(origin, value, e) for e in found))

    return rule


def _meets(x: Interval, place: float) -> np.ndarray:
    """Whether x may hold ``place`` plus a multiple of 2 pi."""
    slack = 1e-9 + 4 * iv.EPS * x.largest
    turns = [(e - place) / (2 * math.pi) for e in (x.low - slack, x.high + slack)]
    with np.errstate(all="ignore"):
        return ~(np.ceil(turns[0]) > np.floor(turns[1]))


__all__ = ["erfc", "from_zero", "rounded", "wave"]
