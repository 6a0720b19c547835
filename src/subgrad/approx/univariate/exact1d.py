"""Relu networks of one variable with the knots put where f bends: as few units as an error takes, and a proof of it."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from subgrad.approx.builders.units import Units
from subgrad.approx.progress import Progress
from subgrad.approx.target import Target
from subgrad.approx.univariate.knots import March
from subgrad.approx.univariate.pieces import FIRST, estimated, on_pieces, refined
from subgrad.approx.univariate.proof import proven_error

MOST_UNITS = 1 << 14  # which take some ten seconds
NEAR = 1.001  # of the least error that so many units reach, as a factor
TRIES = 4  # of marches with a little less than eps, because of roundings


class Exact1d:
    """Networks F(x) = c + Σ v_j relu(x - x_j) for a function of one variable.

    Where the function is known by its values alone, its second differences stand for f'' and nothing is proven.
    """

    def __init__(self, target: Target, progress: Progress) -> None:
        self.target, self._progress = target, progress
        self._low, self._high = target.box[0].tolist()
        self._guess = estimated(target, self._low, self._high)
        edges = np.linspace(self._low, self._high, FIRST + 1)
        self._pieces = None if target.traced is None else on_pieces(target.traced, edges)

    @property
    def _rounding(self) -> float:
        """About what the intervals of values at knots are wide."""
        values = self._guess.value if self._pieces is None else self._pieces.value
        return 8 * float(np.spacing(np.abs(np.where(np.isfinite(values), values, 0)).max()))

    def with_error(self, eps: float, most: int = MOST_UNITS) -> tuple[Units, float | None]:
        """Units with sup|f - F| <= eps, and the error that is proven.

        With ``most`` units at most; if those are too few, or rounding or what is not known of f leaves no choice, the
        proven error is more than eps. It is None for a function that is known by its values alone.
        """
        if self._low == self._high:
            return self._constant()
        if self._guess.units(eps) > 2 * most or len(self._march(eps, most)) > most:
            return self.with_units(most)
        aim = eps - self._rounding if eps > 2 * self._rounding else eps
        march = self._march(aim, most)
        if len(march) > 2 * most:
            return self.with_units(most)
        units, proven = self._built(march)
        for _ in range(TRIES):
            if proven is None or proven <= eps or proven > 1.5 * eps:
                break
            aim -= 2 * (proven - eps)
            march = self._march(aim, most)
            if len(march) > 2 * most:
                break
            units, proven = self._built(march)
        return units, proven

    def with_units(self, n: int) -> tuple[Units, float | None]:
        """As `with_error`, with the least error that n units reach."""
        if self._low == self._high:
            return self._constant()
        eps = max(self._guess.units(1) / n, 1e-140) ** 2
        found = ((e, len(self._march(e, n))) for e in eps * 4.0 ** np.arange(20))
        high, cells = next(((e, count) for e, count in found if count <= n), (None, 0))
        if high is None:  # where nothing is known of f, each piece is a cell
            high = next(e for e in eps * 4.0 ** np.arange(500) if len(March(self._guess, e, n)) <= n)
            return self._built(March(self._guess, high))
        low = next((e for e in high / 4.0 ** np.arange(1, 20) if len(self._march(e, n)) > n), high)
        for expected in itertools.cycle([True, False]):
            if high <= low * NEAR:
                break
            middle = math.sqrt(low * high)
            if expected:  # cells are as many as 1 / √eps, more or less
                middle = max(middle, min(high * (cells / n) ** 2, high / NEAR))
            count = len(self._march(middle, n))
            low, high, cells = (low, middle, count) if count <= n else (middle, high, cells)
        return self._built(self._march(high, n))

    def _march(self, eps: float, most: int) -> March:
        """Stops soon after so many cells."""
        self._progress(f"placing knots for an error of {eps:.3g}, {most:,} units at most")
        if self.target.traced is None or self._pieces is None:
            return March(self._guess, eps, 2 * most)
        cells = min(self._guess.units(eps), MOST_UNITS)
        self._pieces = refined(self.target.traced, self._pieces, eps, cells)
        return March(self._pieces, eps, 2 * most)

    def _constant(self) -> tuple[Units, float | None]:
        """On a box without width."""
        value = float(self.target.values(np.array([[self._low]]))[0])
        units = Units(np.ones((1, 1)), np.array([-self._low]), np.zeros(1), value)
        if self._pieces is None:
            return units, None
        return units, float(np.maximum(value - self._pieces.value[0], self._pieces.value[1] - value).max())

    def _built(self, march: March) -> tuple[Units, float | None]:
        knots = np.array(march.knots)
        wanted = self.target.values(knots[:, None]) + march.offsets
        v = slope_changes(knots, wanted)
        units = Units(np.ones((len(v), 1)), -knots[:-1], v, float(wanted[0]))
        if self.target.traced is None or self._pieces is None:
            return units, None
        return units, proven_error(self.target.traced, knots, v, units.c, self._pieces)


_STEEPEST = Fraction(10) ** 290


def slope_changes(knots: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The v of c + Σ v_j relu(x - knots_j) that has the values ``wanted`` at the knots, c being the first.

    Each is computed from where the network is so far, in rational numbers, and not from where it should be: so the
    roundings of the v do not add up.

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
