"""Prediction intervals between two quantiles that a model has learnt, moved until they hold what they should.

Conformalized quantile regression (Romano, Patterson, Candes 2019, arXiv 1905.03222), each end by itself: the intervals
are as long as the model says that rows differ, and hold the truth as often as those of `Intervals`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.calibration.intervals import check_level, tails


@dataclass(frozen=True)
class QuantileIntervals:
    """How far beyond two quantiles an interval reaches: from ``low + lower`` to ``high + upper``.

    Attributes:
        lower: negative if the lower quantile was too high.
        upper: positive if the upper quantile was too low.
    """

    lower: float
    upper: float

    @classmethod
    def fit(cls, truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> QuantileIntervals:
        """Calibrate by rows that the model was not trained on.

        Args:
            truth: (n,) numbers.
            low, high: (n,) what the model says that quantiles of them are.
            level: the share of rows whose truth is to be inside, in (0, 1).

        Raises:
            ArgumentError: for a level outside (0, 1).
            DataError: if there are too few rows, see `Intervals.fit`.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> truth = rng.normal(size=1000)
            >>> found = QuantileIntervals.fit(truth, np.full(1000, -1.0), np.full(1000, 2.0), 0.9)
            >>> low, high = found.around(np.array([-1.0]), np.array([2.0]))
            >>> bool(-1.8 < low[0] < -1.5 and 1.5 < high[0] < 1.8)
            True
        """
        check_level(level, len(truth))
        below, above = tails(len(truth), level)
        return cls(float(np.sort(truth - low)[below]), float(np.sort(truth - high)[above]))

    def around(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the intervals of rows with these quantiles: two arrays (n,)."""
        ends = np.sort([low + self.lower, high + self.upper], axis=0)  # they may cross where both move inwards
        return ends[0], ends[1]


__all__ = ["QuantileIntervals"]
