"""Arrays of intervals, in float64 and rounded outwards: the arithmetic that an enclosure is made of.

For bools the lower end says "for certain" and the upper one "possibly". 0 times infinity is 0: an infinite end means
that nothing is known of a number, and not that it is infinite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

EPS, LARGEST = float(np.finfo(np.float64).eps), float(np.finfo(np.float64).max)


class Interval(NamedTuple):
    """Numbers between ``low`` and ``high``, elementwise."""

    low: np.ndarray
    high: np.ndarray

    @property
    def largest(self) -> np.ndarray:
        """The largest magnitude."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def smallest(self) -> np.ndarray:
        """The smallest magnitude."""
        return np.maximum(np.maximum(self.low, -self.high), 0)


def exactly(x: np.ndarray) -> Interval:
    """Intervals of one number each; floats become float64, NaN becomes any number."""
    x = x.astype(np.float64) if x.dtype.kind == "f" else x
    return cleaned(x, x) if x.dtype.kind == "f" else Interval(x, x)


def anything(shape: tuple[int, ...]) -> Interval:
    """Intervals that say nothing."""
    return Interval(np.full(shape, -np.inf), np.full(shape, np.inf))


def cleaned(low: np.ndarray, high: np.ndarray) -> Interval:
    """Where an end is NaN, or the ends are out of order, nothing is known."""
    known = np.asarray(low <= high)
    return Interval(np.where(known, low, -np.inf), np.where(known, high, np.inf))


def widened(low: np.ndarray, high: np.ndarray, ulps: float = 1) -> Interval:
    """Both ends moved outwards, by the error of ``ulps`` roundings and at least one step of floats.

    A lower end that overflowed belongs to a number that is about the largest float or more.
    """
    with np.errstate(all="ignore"):
        low, high = np.minimum(low, LARGEST), np.maximum(high, -LARGEST)
        low = np.nextafter(low - (ulps - 1) * EPS * np.abs(low), -np.inf)
        return cleaned(low, np.nextafter(high + (ulps - 1) * EPS * np.abs(high), np.inf))


def hull(*parts: Interval) -> Interval:
    """The smallest intervals that hold all parts."""
    return Interval(np.minimum.reduce([p.low for p in parts]), np.maximum.reduce([p.high for p in parts]))


def within(x: Interval, low: float, high: float) -> Interval:
    """The part of x that lies between ``low`` and ``high``."""
    return Interval(np.clip(x.low, low, high), np.clip(x.high, low, high))


def add(a: Interval, b: Interval) -> Interval:
    """a + b."""
    (low, low_off), (high, high_off) = _two_sum(a.low, b.low), _two_sum(a.high, b.high)
    low = np.where(low_off, np.nextafter(low, -np.inf), low)
    return cleaned(low, np.where(high_off, np.nextafter(high, np.inf), high))


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum, and whether it was rounded (Knuth's error-free transformation; also where it overflows)."""
    with np.errstate(all="ignore"):
        total = a + b
        part = total - a
        return total, (a - (total - part)) + (b - part) != 0


def neg(x: Interval) -> Interval:
    """-x."""
    return Interval(-x.high, -x.low)


def mul(a: Interval, b: Interval) -> Interval:
    """a times b; products with 0, 1 and -1 are not rounded."""
    ends = [_product(x, y) for x in a for y in b]
    simple = [np.isin(x.low, (-1, 0, 1)) & (x.low == x.high) for x in (a, b)]
    low, high = np.minimum.reduce(ends), np.maximum.reduce(ends)
    wide = widened(low, high)
    exact = simple[0] | simple[1]
    return Interval(np.where(exact, low, wide.low), np.where(exact, high, wide.high))


def _product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where((x == 0) | (y == 0), 0.0, x * y)


def inverse(x: Interval) -> Interval:
    """1 / x; anything where x may be 0."""
    with np.errstate(all="ignore"):
        wide = widened(1 / x.high, 1 / x.low)
    spans = (x.low <= 0) & (x.high >= 0)
    return Interval(np.where(spans, -np.inf, wide.low), np.where(spans, np.inf, wide.high))


def magnitude(x: Interval) -> Interval:
    """The absolute value."""
    return Interval(x.smallest, x.largest)


def bilinear(product: Callable[[np.ndarray, np.ndarray], np.ndarray], a: Interval, b: Interval, terms: int) -> Interval:
    """A sum of ``terms`` products of elements of a and b, which ``product`` computes for arrays.

    Midpoints and radii (S. Rump, "Fast and parallel interval arithmetic", BIT 39, 1999); the errors of the sums are
    bounded by (terms + 4) roundings of the sum of magnitudes.
    """
    with np.errstate(all="ignore"):
        (p, r), (q, s) = ball(a), ball(b)
        centre = product(p, q)
        radius = product(np.abs(p), s) + product(r, np.abs(q) + s)
        sizes = product(np.abs(p) + r, np.abs(q) + s)
        slack = (terms + 4) * EPS * (sizes + radius) + terms * np.finfo(np.float64).tiny
        present = product((a.largest > 0).astype(float), (b.largest > 0).astype(float)) > 0
        radius = np.where(present, radius + slack, 0.0)
        return cleaned(centre - radius, centre + radius)


def ball(x: Interval) -> tuple[np.ndarray, np.ndarray]:
    """Midpoints, and radii that reach both ends."""
    middle = np.where(x.low == x.high, x.low, x.low / 2 + x.high / 2)
    reach = np.maximum(middle - x.low, x.high - middle)
    return middle, np.where(reach > 0, np.nextafter(reach * (1 + EPS), np.inf), 0.0)
