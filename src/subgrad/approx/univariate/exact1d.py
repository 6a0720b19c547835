"""The method "exact1d": relu networks of one variable whose knots follow f'', with few units and a proven error."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from subgrad.approx.build_progress import BuildProgress
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.target_function import TargetFunction
from subgrad.approx.univariate.error_bound import proven_error
from subgrad.approx.univariate.greedy_segmentation import GreedySegmentation
from subgrad.approx.univariate.piecewise_bounds import FIRST, estimated, on_pieces, refined

MOST_UNITS = 1 << 14  # which take some ten seconds
NEAR = 1.001  # of the least error that so many units reach, as a factor
TRIES = 4  # how often the segmentation is repeated with a little less than eps, because of rounding errors


class Exact1d:
    """Networks F(x) = c + Σ v_j relu(x - x_j) for a function of one variable.

    Where the function is known by its values alone, its second differences stand for f'' and nothing is proven.
    """

    def __init__(self, target: TargetFunction, progress: BuildProgress) -> None:
        self.target, self._progress = target, progress
        self._low, self._high = target.box[0].tolist()
        self._guess = estimated(target, self._low, self._high)
        edges = np.linspace(self._low, self._high, FIRST + 1)
        self._pieces = None if target.traced is None else on_pieces(target.traced, edges)

    @property
    def _rounding(self) -> float:
        """About how wide the intervals of the values at knots are."""
        values = self._guess.value if self._pieces is None else self._pieces.value
        return 8 * float(np.spacing(np.abs(np.where(np.isfinite(values), values, 0)).max()))

    def with_error(self, eps: float, most: int = MOST_UNITS) -> tuple[HiddenUnits, float | None]:
        """Units with sup|f - F| <= eps, and the error that is proven.

        There are at most ``most`` units. The proven error exceeds eps if those are too few, if rounding errors are
        too large, or if too little is known of f. It is None for a function that is known by its values alone.
        """
        if self._low == self._high:
            return self._constant()
        if self._guess.units(eps) > 2 * most or len(self._segmentation(eps, most)) > most:
            return self.with_units(most)
        aim = eps - self._rounding if eps > 2 * self._rounding else eps
        segmentation = self._segmentation(aim, most)
        if len(segmentation) > 2 * most:
            return self.with_units(most)
        units, proven = self._with_knots(segmentation)
        for _ in range(TRIES):
            if proven is None or proven <= eps or proven > 1.5 * eps:
                break
            aim -= 2 * (proven - eps)
            segmentation = self._segmentation(aim, most)
            if len(segmentation) > 2 * most:
                break
            units, proven = self._with_knots(segmentation)
        return units, proven

    def with_units(self, n: int) -> tuple[HiddenUnits, float | None]:
        """As `with_error`, with the least error that n units reach."""
        if self._low == self._high:
            return self._constant()
        eps = max(self._guess.units(1) / n, 1e-140) ** 2
        found = ((e, len(self._segmentation(e, n))) for e in eps * 4.0 ** np.arange(20))
        high, cells = next(((e, count) for e, count in found if count <= n), (None, 0))
        if high is None:  # where nothing is known of f, each piece is a cell
            high = next(e for e in eps * 4.0 ** np.arange(500) if len(GreedySegmentation(self._guess, e, n)) <= n)
            return self._with_knots(GreedySegmentation(self._guess, high))
        low = next((e for e in high / 4.0 ** np.arange(1, 20) if len(self._segmentation(e, n)) > n), high)
        for expected in itertools.cycle([True, False]):
            if high <= low * NEAR:
                break
            middle = math.sqrt(low * high)
            if expected:  # cells are as many as 1 / √eps, more or less
                middle = max(middle, min(high * (cells / n) ** 2, high / NEAR))
            count = len(self._segmentation(middle, n))
            low, high, cells = (low, middle, count) if count <= n else (middle, high, cells)
        return self._with_knots(self._segmentation(high, n))

    def _segmentation(self, eps: float, most: int) -> GreedySegmentation:
        """The knots for an error of eps; the segmentation stops soon after ``most`` cells."""
        self._progress(f"placing knots for an error of {eps:.3g}, {most:,} units at most")
        if self.target.traced is None or self._pieces is None:
            return GreedySegmentation(self._guess, eps, 2 * most)
        cells = min(self._guess.units(eps), MOST_UNITS)
        self._pieces = refined(self.target.traced, self._pieces, eps, cells)
        return GreedySegmentation(self._pieces, eps, 2 * most)

    def _constant(self) -> tuple[HiddenUnits, float | None]:
        """On a box without width."""
        value = float(self.target.values(np.array([[self._low]]))[0])
        units = HiddenUnits(np.ones((1, 1)), np.array([-self._low]), np.zeros(1), value)
        if self._pieces is None:
            return units, None
        return units, float(np.maximum(value - self._pieces.value[0], self._pieces.value[1] - value).max())

    def _with_knots(self, segmentation: GreedySegmentation) -> tuple[HiddenUnits, float | None]:
        knots = np.array(segmentation.knots)
        wanted = self.target.values(knots[:, None]) + segmentation.offsets
        v = slope_changes(knots, wanted)
        units = HiddenUnits(np.ones((len(v), 1)), -knots[:-1], v, float(wanted[0]))
        if self.target.traced is None or self._pieces is None:
            return units, None
        return units, proven_error(self.target.traced, knots, v, units.c, self._pieces)


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
