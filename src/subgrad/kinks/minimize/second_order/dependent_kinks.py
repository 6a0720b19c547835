"""Kinks that depend on each other: some of them are independent, and where those are met, the others are as well.

Where f rises along every kink, it is at least what it is with slopes s in the place of kinks, and more by a part of
the distances from all of them. So a point on all kinks is a strict local minimum under the same conditions as for
independent kinks. What has to be shown is that there is one: that the others follow from the independent ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval

SMALL = 1e-12
"""What is left of a row of slopes by those before it, relative to its length, if it depends on them."""

BITS = (45, 30, 20, 10, 0)
"""Of the numbers that may be exactly on all kinks, near a point that is computed."""


def independent(rows: np.ndarray) -> np.ndarray:
    """The numbers of rows (m, n) that do not depend on those before them."""
    kept, basis = [], np.zeros((0, rows.shape[1]))
    for k, row in enumerate(rows):
        length = float(np.linalg.norm(row))
        left = row - basis.T @ (basis @ row)
        left = left - basis.T @ (basis @ left)
        if np.linalg.norm(left) > SMALL * length:
            kept.append(k)
            basis = np.vstack([basis, left / np.linalg.norm(left)])
    return np.array(kept, int)


def all_are_met(
    differences: Callable[[Interval], Interval], box: Interval, rows: Interval, by_slopes: Interval, kept: np.ndarray
) -> bool:
    """Whether all differences (m,) are 0 wherever in a box those that are ``kept`` are.

    Args:
        differences: of points x near the box, for all slopes in question.
        box: of x, (n,); in it there is a point where those that are kept are 0.
        rows, by_slopes: the derivatives of the differences in the box, by x (m, n), and by the slopes.
        kept: as `independent` gives it.
    """
    middle = iv.ball(box)[0]
    exact = any(_are_zero(differences, x) for x in _simple_points(box, middle))
    if not exact:
        return False
    if len(kept) == len(middle):  # there is no other point where these are 0
        return _is_regular(Interval(rows.low[kept], rows.high[kept]))
    moves = bool(np.any(rows.low != rows.high) or np.any(by_slopes.largest))
    return not moves and _are_combinations(rows.low, kept)


def _simple_points(box: Interval, middle: np.ndarray) -> Iterator[np.ndarray]:
    """Points in the box, with fewer and fewer bits where that leaves them in it."""
    yield middle
    for bits in BITS:
        near = np.round(middle * 2.0**bits) / 2.0**bits
        yield np.where((box.low <= near) & (near <= box.high), near, middle)


def _are_zero(differences: Callable[[Interval], Interval], x: np.ndarray) -> bool:
    return not differences(iv.exactly(x)).largest.any()


def _is_regular(matrix: Interval) -> bool:
    """Whether all square matrices within an interval one are regular: times the inverse of one they are near 1."""
    try:
        inverse = np.linalg.inv(iv.ball(matrix)[0])
    except np.linalg.LinAlgError:
        return False
    n = len(inverse)
    product = iv.bilinear(np.matmul, iv.exactly(inverse), matrix, n)
    away = iv.add(iv.exactly(np.eye(n)), iv.neg(product)).largest
    return bool(away.sum(1).max(initial=0.0) < 0.9)


def _are_combinations(rows: np.ndarray, kept: np.ndarray) -> bool:
    """Whether all rows are combinations of those that are kept, in rational numbers."""
    factors = np.linalg.lstsq(rows[kept].T, rows.T)[0].T
    factors = np.round(factors * 2.0**20) / 2.0**20
    exact = [[Fraction(v) for v in row] for row in rows.tolist()]
    for row, by in zip(exact, factors.tolist(), strict=True):
        for j, value in enumerate(row):
            if value != sum(Fraction(b) * exact[k][j] for b, k in zip(by, kept.tolist(), strict=True) if b):
                return False
    return True


__all__ = ["all_are_met", "independent"]
