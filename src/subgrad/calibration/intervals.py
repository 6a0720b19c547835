"""Prediction intervals by conformal calibration: numbers, with an interval that the truth is in as often as was asked.

The errors of answers to rows that a model was not trained on are a sample of its errors to come. If old and new rows
are exchangeable, the k-th of n ordered errors is exceeded with probability 1 - k / (n + 1) (Vovk, Gammerman, Shafer
2005; Papadopoulos et al. 2002), whatever the model and whatever the distribution. With the answers of a cross-fitted
model it is the method CV+ in its simple form (Barber et al. 2021), for which that holds nearly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.errors import DataError
from subgrad.metrics import given
from subgrad.validators import typed

PARTS = 5  # of the rows, by which the constant and the scaled form are compared
ROWS_A_KNOT = 50
MOST_KNOTS = 10


@dataclass(frozen=True)
class Intervals:
    """How far below and above an answer its interval reaches.

    It reaches from ``answer + lower * size`` to ``answer + upper * size``. The size is 1, or the usual size of errors
    near this answer: a function of the answer, linear between knots, if that gave shorter intervals.

    Attributes:
        level: the share of rows whose truth is inside.
        lower: usually negative.
        upper: usually positive.
        knots: answers, increasing; empty for intervals of one length.
        sizes: the mean |error| near them.
        rows: by how many errors it was calibrated.
    """

    level: float
    lower: float
    upper: float
    knots: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()
    rows: int = 0

    @classmethod
    def fit(cls, truth: Any, answers: Any, level: float = 0.9) -> Intervals:
        """Calibrate by rows that the model was not trained on.

        Intervals of one length and those that grow with the answer's usual error are compared by their interval score
        (Gneiting, Raftery 2007) on a fifth of the rows at a time, calibrated by the others.

        Args:
            truth: (n,) numbers.
            answers: (n,) what the model says.
            level: the share of rows whose truth is to be inside, in (0, 1).

        Raises:
            ArgumentError: for a level outside (0, 1).
            DataError: if there are too few rows: 0.9 takes 19 of them, 0.99 takes 199.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> truth = rng.normal(size=1000)
            >>> found = Intervals.fit(truth, np.zeros(1000), 0.9)
            >>> low, high = found.around(np.zeros(1))
            >>> bool(-1.8 < low[0] < -1.5 and 1.5 < high[0] < 1.8)
            True
        """
        y, a = given.numbers("truth", truth), given.numbers("answers", answers)
        given.same_length(y, a)
        check_level(level, len(y))
        if len(y) < 2 * ROWS_A_KNOT or len(y) < PARTS * (rows_needed(level) + 1):
            return cls._of(y, a, level, scaled=False)
        scores = {scaled: cls._score(y, a, level, scaled) for scaled in (False, True)}
        return cls._of(y, a, level, scaled=scores[True] < scores[False])

    @classmethod
    def _of(cls, y: np.ndarray, a: np.ndarray, level: float, scaled: bool) -> Intervals:
        errors = y - a
        knots, sizes = _usual_sizes(errors, a) if scaled else ((), ())
        ordered = np.sort(errors / _size(a, knots, sizes))
        below, above = tails(len(ordered), level)
        return cls(level, float(ordered[below]), float(ordered[above]), knots, sizes, len(ordered))

    @classmethod
    def _score(cls, y: np.ndarray, a: np.ndarray, level: float, scaled: bool) -> float:
        """The mean interval score of rows that the intervals were not calibrated by."""
        part, total = np.arange(len(y)) % PARTS, 0.0
        for k in range(PARTS):
            own = part == k
            low, high = cls._of(y[~own], a[~own], level, scaled).around(a[own])
            total += float(interval_score(y[own], low, high, level).sum())
        return total / len(y)

    def around(self, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the intervals of answers (n,): two arrays (n,)."""
        a = np.asarray(answers, np.float64)
        size = _size(a, self.knots, self.sizes)
        return a + self.lower * size, a + self.upper * size

    def describe(self) -> str:
        """What was calibrated, in a sentence."""
        how = "their length depends on the answer" if self.knots else "all have one length"
        return f"Intervals of {self.level:.0%} were calibrated by the errors of {self.rows:,} rows held out; {how}."

    def to_plain(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "level": self.level, "lower": self.lower, "upper": self.upper, "knots": list(self.knots),
            "sizes": list(self.sizes), "rows": self.rows,
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Intervals:
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        found = typed(cls(**{**plain, "knots": tuple(plain["knots"]), "sizes": tuple(plain["sizes"])}))
        if len(found.knots) != len(found.sizes):
            raise ValueError(f"{len(found.knots)} knots with {len(found.sizes)} sizes")
        return found


def rows_needed(level: float) -> int:
    """How many errors it takes to calibrate intervals of this level.

    >>> rows_needed(0.9), rows_needed(0.99)
    (19, 199)
    """
    return math.ceil(2 / (1 - level) - 1e-9) - 1


def tails(n: int, level: float) -> tuple[int, int]:
    """The places, among n errors in order from 0 on, of those between which a new one lies with this probability.

    >>> tails(19, 0.9), tails(199, 0.9)
    ((0, 18), (9, 189))
    """
    tail = (1 - level) / 2
    return math.floor((n + 1) * tail + 1e-9) - 1, math.ceil((n + 1) * (1 - tail) - 1e-9) - 1


def interval_score(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> np.ndarray:
    """The length of each interval (n,), and 2 / (1 - level) times the distance of the truth from it: less is better.

    >>> interval_score(np.array([0.0, 3.0]), np.array([-1.0, -1.0]), np.array([1.0, 1.0]), 0.5).tolist()
    [2.0, 10.0]
    """
    return high - low + 2 / (1 - level) * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0))


def check_level(level: float, n: int) -> None:
    """Raise `ArgumentError` for a level that is no share, and `DataError` if it takes more rows than n."""
    validators.level("the level of an interval", level)
    if n < rows_needed(level):
        raise DataError(
            f"an interval of {level:g} takes {rows_needed(level):,} rows that the model was not trained on, "
            f"there are {n:,}"
        )


def _usual_sizes(errors: np.ndarray, answers: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots, and the mean |error| near each of them."""
    groups = np.array_split(np.argsort(answers, kind="stable"), min(len(answers) // ROWS_A_KNOT, MOST_KNOTS))
    knots = np.array([answers[rows].mean() for rows in groups])
    sizes = np.array([abs(errors[rows]).mean() for rows in groups])
    rising = np.append(True, np.diff(knots) > 0)
    floor = max(0.05 * float(abs(errors).mean()), np.finfo(np.float64).tiny)
    return tuple(knots[rising].tolist()), tuple(np.maximum(sizes[rising], floor).tolist())


def _size(answers: np.ndarray, knots: tuple[float, ...], sizes: tuple[float, ...]) -> np.ndarray:
    return np.interp(answers, knots, sizes) if knots else np.ones(len(answers))


__all__ = ["Intervals", "check_level", "interval_score", "rows_needed", "tails"]
