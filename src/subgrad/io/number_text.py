"""Numbers in a sentence that claims something of them, rounded to the side on which it stays true.

>>> at_most(0.12344, 3), at_least(0.12346, 3), given(0.1), given(0.12345678)
('0.124', '0.123', '0.1', '0.12345678')
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np


def at_most(x: float, digits: int) -> str:
    """An upper bound with so many digits: as a float no less than ``x``."""
    return _rounded(x, digits, ROUND_CEILING)


def at_least(x: float, digits: int) -> str:
    """A lower bound with so many digits: as a float no more than ``x``."""
    return _rounded(x, digits, ROUND_FLOOR)


def given(x: float) -> str:
    """A number of the user's, as short as it can be without being another one."""
    short = f"{x:.6g}"
    return short if float(short) == x else repr(float(x))


def short(x: float, unit: float) -> str:
    """An answer of a network, as short as it can be in float32: with more digits where that would lose what ``unit``,
    the usual size of differences, has.

    >>> short(0.1, 1.0), short(1e9 + 0.25, 1.0)
    ('0.1', '1000000000.25')
    """
    with np.errstate(over="ignore"):
        near = str(np.float32(x))
    if not abs(float(near) - x) > 1e-4 * unit:
        return near
    return str(round(float(x), 6 - math.floor(math.log10(max(unit, math.ulp(x))))))


def _rounded(x: float, digits: int, rounding: str) -> str:
    x = float(x)
    near = f"{x:.{digits}g}"
    if not math.isfinite(x) or (float(near) >= x if rounding == ROUND_CEILING else float(near) <= x):
        return near
    return f"{float(Context(prec=digits, rounding=rounding).create_decimal(Decimal(x))):.{digits}g}"


__all__ = ["at_least", "at_most", "given", "short"]
