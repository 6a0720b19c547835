"""The method "exact1d": relu networks of one variable whose knots follow f'', with few units and a proven error."""

from __future__ import annotations

import itertools
import math

import numpy as np

from subgrad.approx.build_progress import BuildProgress
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.target_function import TargetFunction
from subgrad.approx.univariate.error_bound import proven_error
from subgrad.approx.univariate.hinges import Hinges
from subgrad.approx.univariate.minimum_link import Path, minimum_link
from subgrad.approx.univariate.piecewise_bounds import (
    FEWEST,
    FIRST,
    MOST,
    NARROWEST,
    PiecewiseBounds,
    estimated,
    on_pieces,
    refined,
)

MOST_UNITS = 1 << 16  # which take some ten seconds
SAMPLES = 4096  # points, at least, at which a function that is known by its values is asked
NEAR = 1.001  # of the least error that so many units reach, as a factor
SEVERAL, FLATTEST = 40, 8  # lines, of which some are tried as horizontal ones
TRIES = 4  # how often the path is repeated with a little less than eps, because of rounding errors


class Exact1d:
    """Networks F(x) = c + Σ v_j relu(x - x_j) for a function of one variable.

    Where the function is known by its values alone, its second differences stand for f'' and nothing is proven.
    """

    def __init__(self, target: TargetFunction, progress: BuildProgress) -> None:
        self.target, self._progress = target, progress
        self._low, self._high = target.box[0].tolist()
        self._guess = estimated(target, self._low, self._high, SAMPLES)
        edges = np.linspace(self._low, self._high, FIRST + 1)
        self._pieces = None if target.traced is None else on_pieces(target.traced, edges)

    @property
    def _rounding(self) -> float:
        """What roundings in the path, and in the intervals of its proof, may add to an error."""
        values = self._guess.value if self._pieces is None else self._pieces.value
        return 64 * float(np.spacing(np.abs(np.where(np.isfinite(values), values, 0)).max()))

    @property
    def _least(self) -> float:
        """About the least error that paths can be made for: kinks are known as places to `NARROWEST` of the box."""
        slopes = np.zeros(1) if self._pieces is None else np.abs(self._pieces.slope)
        return self._rounding / 2 + float(slopes[np.isfinite(slopes)].max(initial=0)) * self._shortest

    @property
    def _shortest(self) -> float:
        return NARROWEST * (self._high - self._low)

    def with_error(self, eps: float, most: int = MOST_UNITS) -> tuple[HiddenUnits, float | None]:
        """Units with sup|f - F| <= eps, and the error that is proven.

        There are at most ``most`` units. The proven error exceeds eps if those are too few, if rounding errors are
        too large, or if too little is known of f. It is None for a function that is known by its values alone.
        """
        if self._low == self._high:
            return self._constant()
        aim = eps - self._rounding if eps > 2 * self._rounding else eps
        path = self._path(aim, most)
        if path.units > most:
            return self.with_units(most)
        if self._pieces is not None and self._pieces.straight:
            exact = self._path(self._least, most)
            if exact.units <= path.units:  # then it costs nothing
                both = self._with_knots(exact), self._with_knots(self._at_kinks(exact))
                return min((b for b in both if len(b[0].v) <= most), key=_proven)
        found = self._with_knots(path)
        for _ in range(TRIES):
            proven = found[1]
            if proven is None or proven <= eps or proven > 1.5 * eps:
                break
            aim -= 2 * (proven - eps)
            found = self._with_knots(self._path(aim, most))
        return found

    def with_units(self, n: int) -> tuple[HiddenUnits, float | None]:
        """As `with_error`, with the least error that n units reach."""
        if self._low == self._high:
            return self._constant()
        start = max(self._guess.units(1) / n, 1e-140) ** 2
        high = next((e for e in start * 4.0 ** np.arange(20) if self._path(e, n).units <= n), None)
        if high is None:  # where nothing is known of f, each piece is a line
            high = next(e for e in start * 4.0 ** np.arange(500) if _through(self.target, self._guess, e, n).units <= n)
            return self._with_knots(_through(self.target, self._guess, high, n))
        low, cells = high / 4, self._path(high, n).units
        while high > self._least and (count := self._path(low, n).units) <= n:
            low, high, cells = low / 4, low, count
        for expected in itertools.cycle([True, False]):
            if high <= max(low * NEAR, self._least):
                break
            middle = math.sqrt(low * high)
            if expected:  # lines are as many as 1 / √eps, more or less
                middle = max(middle, min(high * (cells / n) ** 2, high / NEAR))
            count = self._path(middle, n).units
            low, high, cells = (low, middle, count) if count <= n else (middle, high, cells)
        return self._with_knots(self._path(high, n))

    def _path(self, eps: float, most: int) -> Path:
        """The path of the fewest units for an error of eps, or the beginning of one of more than ``most``."""
        self._progress(f"placing knots for an error of {eps:.3g}, {most:,} units at most")
        wanted = min(self._guess.units(eps), 2.0 * most)
        if self.target.traced is not None and self._pieces is not None:
            self._pieces = refined(self.target.traced, self._pieces, eps, wanted)
            return _through(self.target, self._pieces, eps, most)
        if wanted * FEWEST > len(self._guess.edges):
            self._guess = estimated(self.target, self._low, self._high, int(min(2 * FEWEST * wanted, MOST)))
        return _through(self.target, self._guess, eps, most)

    def _at_kinks(self, path: Path) -> Path:
        """The path with its knots moved to the kinks of a piecewise linear f that are edges of pieces."""
        assert self._pieces is not None
        kinks, knots = self._pieces.kinks(), np.array(path.knots)
        for i in range(1, len(knots) - 1):
            near = kinks[np.abs(kinks - knots[i]) < 4 * self._shortest]
            knots[i] = near[0] if len(near) else knots[i]
        return Path(knots.tolist(), self.target.values(knots[:, None]).tolist())

    def _constant(self) -> tuple[HiddenUnits, float | None]:
        """On a box without width."""
        value = float(self.target.values(np.array([[self._low]]))[0])
        units = HiddenUnits(np.ones((1, 1)), np.array([-self._low]), np.zeros(1), value)
        if self._pieces is None:
            return units, None
        return units, float(np.maximum(value - self._pieces.value[0], self._pieces.value[1] - value).max())

    def _with_knots(self, path: Path) -> tuple[HiddenUnits, float | None]:
        knots, values = (np.array(a) for a in (path.knots, path.values))
        apart = np.diff(knots) > self._shortest
        kept = np.append(np.append(True, apart[:-1]), True)  # the first and the last are the ends of the box
        hinges = Hinges.through(knots[kept], values[kept])
        if self.target.traced is None or self._pieces is None:
            return hinges.units(), None
        return hinges.units(), proven_error(self.target.traced, hinges, self._pieces)


def _through(target: TargetFunction, pieces: PiecewiseBounds, eps: float, most: int) -> Path:
    """As `Exact1d._path`. A line that is horizontal takes no unit: where there are few, the flattest ones are tried."""
    tube = pieces.edges, *pieces.tube(target.values(pieces.edges[:, None]), eps)
    path = minimum_link(*tube, most + 1)
    count = len(path)
    if path.units < count or not 1 < count <= min(SEVERAL, most + 1):
        return path
    with np.errstate(all="ignore"):  # a line may have no length
        steepness = np.abs(np.diff(path.values) / np.diff(path.knots))
    for number in np.argsort(steepness)[:FLATTEST].tolist():
        found = minimum_link(*tube, count, number)
        if len(found) <= count and found.knots[-1] == path.knots[-1]:
            return found
    return path


def _proven(found: tuple[HiddenUnits, float | None]) -> float:
    return math.inf if found[1] is None else found[1]
