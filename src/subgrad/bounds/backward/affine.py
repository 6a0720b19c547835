"""Affine nodes: a sum of linear maps of some inputs, and a constant, with what rounding may do to them.

All errors are bounded beforehand, as in Higham, "Accuracy and Stability of Numerical Algorithms" (2002), chapter 3. Let
``z = L x + c`` be the node in real numbers, and let a row ``a`` of coefficients stand for ``a . z``. Going backward
computes ``a' = fl(a L)`` and adds ``fl(a . c)`` to the row's constant. With n products in each sum and ``u = 2^-53``

    |a L - a'| <= gamma_n |a| |L|,  gamma_n = n u / (1 - n u),

whatever the order of the sums, fused or not. So for all x with ``|x| <= s``

    |a . z - a' . x - fl(a . c)| <= |a| . e,  e = gamma |L| s + gamma |c| + (doubt of L) s + (doubt of c),

the last terms for weights that are themselves known up to an interval. ``e`` is one vector for all boxes of a batch,
of which a row takes one dot product with |a|.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from subgrad.bounds.taylor.rounding import TINY, UNIT
from subgrad.intervals.arithmetic import Interval, cleaned

Map = Callable[[np.ndarray], np.ndarray]


def gamma(count: int) -> float:
    """More than ``gamma_n`` for n = count, with room for the rounding of the bound itself."""
    return (count + 4) * UNIT


@dataclass(frozen=True, eq=False)
class Part:
    """A linear map of one input.

    Attributes:
        forward: of values, shape (B, \\*S), S the input's shape.
        back: its transpose, of rows of coefficients, shape (P, \\*T), T the node's shape.
        size: the map with the magnitudes of its factors, of values that are not negative; `forward` itself if no
            factor is negative.
        doubt: the map with how far its factors may be from those of `forward`; None if they are exact.
        terms: how many products a sum has at most, forward or back; 0 if nothing is rounded.
        apart: no element of the node depends on two elements of the input, and no two on the same one.
    """

    forward: Map
    back: Map
    size: Map
    doubt: Map | None = None
    terms: int = 0
    apart: bool = False

    def error(self, sizes: np.ndarray) -> np.ndarray | float:
        """What rounding and doubt do to the values, forward or back, where inputs are no larger than ``sizes``."""
        found: np.ndarray | float = 0.0
        if self.terms:
            found = 2 * gamma(self.terms) * self.size(sizes) + TINY
        return found if self.doubt is None else found + self.doubt(sizes) * (1 + gamma(self.terms))

    def ends(self, x: Interval) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the values, up to `error`."""
        if self.apart:
            one, other = self.forward(x.low), self.forward(x.high)
            return np.minimum(one, other), np.maximum(one, other)
        middle = x.low / 2 + x.high / 2
        reach = np.maximum(middle - x.low, x.high - middle) * (1 + UNIT)
        centre, radius = self.forward(middle), self.size(reach)
        return centre - radius, centre + radius


@dataclass(frozen=True, eq=False)
class Affine:
    """An affine node.

    Attributes:
        parts: (number of the input, `Part`), for each input that varies.
        constant: what is added, of the node's shape; None for nothing.
    """

    parts: Sequence[tuple[int, Part]]
    constant: Interval | None = None

    @cached_property
    def centre(self) -> np.ndarray | None:
        """The constant up to `constant_error`, and 0 where it is infinite: no row may depend on that."""
        if self.constant is None:
            return None
        low, high = self.constant
        known = np.isfinite(low) & np.isfinite(high)
        return np.where(known, np.where(low == high, low, low / 2 + high / 2), 0.0)

    @cached_property
    def constant_error(self) -> np.ndarray | float:
        """What the constant of a row may be off, for each unit of a coefficient."""
        if self.constant is None or self.centre is None:
            return 0.0
        reach = np.maximum(self.constant.high - self.centre, self.centre - self.constant.low)
        reach = np.where(np.isfinite(reach), reach, 0.0)
        return reach * (1 + 2 * UNIT) + gamma(self.centre.size) * np.abs(self.centre)

    def error(self, sizes: Sequence[np.ndarray]) -> np.ndarray | float:
        """The vector e, for inputs no larger than ``sizes``."""
        return sum((p.error(s) for (_, p), s in zip(self.parts, sizes, strict=True)), start=self.constant_error)

    def interval(self, inputs: Sequence[Interval]) -> Interval:
        """Where the node lies if the inputs of its parts lie in these intervals, shape (B, \\*S)."""
        ends = [part.ends(x) for (_, part), x in zip(self.parts, inputs, strict=True)]
        if self.constant is not None:
            ends.append((self.constant.low, self.constant.high))
        low, high = (sum(e[k] for e in ends) for k in (0, 1))
        slack = sum((p.error(x.largest) for (_, p), x in zip(self.parts, inputs, strict=True)), start=0.0)
        if any(p.terms and not p.apart for _, p in self.parts) or len(ends) > 1:
            sizes = sum(np.maximum(np.abs(a), np.abs(b)) for a, b in ends)
            slack = slack + gamma(len(ends)) * sizes
        if not np.any(slack):
            return Interval(*np.broadcast_arrays(low, high))
        slack = slack * (1 + 4 * UNIT)
        found = cleaned(np.nextafter(low - slack, -np.inf), np.nextafter(high + slack, np.inf))
        return Interval(np.where(self._is_of_positives(inputs), np.maximum(found.low, 0.0), found.low), found.high)

    def _is_of_positives(self, inputs: Sequence[Interval]) -> np.ndarray | bool:
        """Where there are only sums without negative factors of what is not negative: rounding hides the sign."""
        if self.constant is not None or any(p.size is not p.forward for _, p in self.parts):
            return False
        below = [p.forward(np.minimum(x.low, 0.0)) for (_, p), x in zip(self.parts, inputs, strict=True)]
        return np.logical_and.reduce([b == 0 for b in below])


__all__ = ["Affine", "Map", "Part", "gamma"]
