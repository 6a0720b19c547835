"""The floats on either side of an exact number."""

from __future__ import annotations

import math
from fractions import Fraction


def float_below(x: Fraction, strictly: bool = False) -> float:
    """The largest float that is not above x, or below it."""
    near = float(x)
    below = Fraction(near) < x if strictly else Fraction(near) <= x
    return near if below else math.nextafter(near, -math.inf)


def float_above(x: Fraction, strictly: bool = False) -> float:
    """The smallest float that is not below x, or above it."""
    return -float_below(-x, strictly)


__all__ = ["float_above", "float_below"]
