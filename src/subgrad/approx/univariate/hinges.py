"""Piecewise linear functions of one variable as sums of relus, computed in rational numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np

from subgrad.approx.builders.hidden_units import HiddenUnits


@dataclass(frozen=True)
class Hinges:
    """A constant c, and v relu(x - knot) for knots right of a horizontal line, v relu(knot - x) for those left of it.

    So the horizontal line takes no unit. Without such a line all units stand on the right, and the first one where the
    box begins.

    Attributes:
        knots: (m + 1,), rising; the first and the last are the ends of the box.
        level: the number of the horizontal line, -1 for none.
        left, right: the changes of the slope at the knots on either side of it, from it outwards.
        c: the value on it, or at the first knot.
    """

    knots: np.ndarray
    level: int
    left: np.ndarray
    right: np.ndarray
    c: float

    @staticmethod
    def through(knots: np.ndarray, values: np.ndarray) -> Hinges:
        """With these values at the knots."""
        level = np.flatnonzero(values[1:] == values[:-1])[:1] if len(knots) > 2 else ()
        if not len(level):
            return Hinges(knots, -1, np.empty(0), slope_changes(knots, values), float(values[0]))
        at = int(level[0])
        left = slope_changes(-knots[at::-1], values[at::-1])
        return Hinges(knots, at, left, slope_changes(knots[at + 1 :], values[at + 1 :]), float(values[at]))

    def units(self) -> HiddenUnits:
        """The network."""
        behind, before = self.knots[self.level + 1 : -1], self.knots[max(self.level, 0) : 0 : -1]
        w = np.append(np.full(len(before), -1.0), np.ones(len(behind)))
        return HiddenUnits(w[:, None], np.append(before, -behind), np.append(self.left, self.right), self.c)

    def exactly(self) -> tuple[list[Fraction], list[Fraction]]:
        """The values at the knots, and the slopes between them."""
        values = list(_values(self.knots[self.level + 1 :], self.right, self.c))
        slopes = list(accumulate(map(Fraction, self.right.tolist())))
        if self.level < 0:
            return values, slopes
        before = list(_values(-self.knots[self.level :: -1], self.left, self.c))
        falls = [-s for s in accumulate(map(Fraction, self.left.tolist()))]
        return [*before[::-1], *values], [*falls[::-1], Fraction(0), *slopes]


def _values(knots: np.ndarray, v: np.ndarray, c: float) -> Iterable[Fraction]:
    """c + Σ v_j relu(x - knots_j) at the knots."""
    value, slope = Fraction(c), Fraction(0)
    yield value
    places = [Fraction(k) for k in knots.tolist()]
    for i, change in enumerate(v.tolist()):
        slope += Fraction(change)
        value += slope * (places[i + 1] - places[i])
        yield value


_STEEPEST = Fraction(10) ** 290


def slope_changes(knots: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The v of c + Σ v_j relu(x - knots_j) that has the values ``wanted`` at the knots, c being the first.

    Each change is computed from the exact value of the network at its knot, with the roundings of the earlier v: so
    these roundings do not add up.

    >>> slope_changes(np.array([0.0, 1.0, 3.0]), np.array([5.0, 7.0, 7.0])).tolist()
    [2.0, -2.0]
    """
    places, values = ([Fraction(x) for x in array.tolist()] for array in (knots, wanted))
    value, slope, changes = values[0], Fraction(0), []
    for i in range(len(places) - 1):
        length = places[i + 1] - places[i]
        change = (values[i + 1] - value) / length - slope
        changes.append(float(max(min(change, _STEEPEST), -_STEEPEST)))
        slope += Fraction(changes[-1])
        value += slope * length
    return np.array(changes)
