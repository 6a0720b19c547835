"""What members answer for rows that they were not trained on: for scores, and what of it goes into a model's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.calibration import Intervals, PredictionSets, QuantileIntervals
from subgrad.entropy import philox

KEPT = 4096  # rows that go into the file of a model: so many say where 99.9% are


@dataclass(frozen=True)
class OutOfFold:
    """What members answer for rows of the training that they were not trained on: as honest as for new rows.

    Attributes:
        rows: the numbers (n,) of the rows in the table that the model was fitted on; those without a target are not
            there.
        y: the right answers (n,): places of classes, or numbers in their unit.
        answers: probabilities (n, k), or numbers (n,) in their unit.
        weights: the weights (n,) of the rows, None if there were none.
        quantiles: all that were learnt (n, q), in their unit; None if none were.
    """

    rows: np.ndarray
    y: np.ndarray
    answers: np.ndarray
    weights: np.ndarray | None = None
    quantiles: np.ndarray | None = None

    def calibration(self, seed: int) -> Errors:
        """What intervals and sets are calibrated by: of a large table some rows, drawn by chance.

        Rows with weights are drawn as often as these say, so that shares are those of what the weights describe.
        """
        order = philox(seed, 3).permutation(len(self.y))
        some = np.sort(order[:KEPT])
        if self.weights is not None:
            reached = np.cumsum(self.weights[order], dtype=np.float64)
            evenly = (np.arange(len(some)) + 0.5) / len(some) * reached[-1]
            some = np.sort(order[np.searchsorted(reached, evenly)])
        if self.answers.ndim == 2:
            return Errors(self.answers[some, self.y[some]])
        return Errors(self.answers[some], self.y[some], None if self.quantiles is None else self.quantiles[some])


@dataclass(frozen=True)
class Errors:
    """How wrong answers to rows are that members were not trained on.

    Attributes:
        answers: the probability of the right class (n,), or numbers (n,) in their unit.
        truth: the right numbers (n,); None for classes.
        quantiles: all that were learnt (n, q), in their unit; None if none were.
    """

    answers: np.ndarray
    truth: np.ndarray | None = None
    quantiles: np.ndarray | None = None

    def intervals(self, level: float) -> Intervals:
        """Intervals around numbers, see `Intervals.fit`."""
        return Intervals.fit(self.truth, self.answers, level)

    def quantile_intervals(self, ends: tuple[int, int], level: float) -> QuantileIntervals:
        """Intervals between the quantiles at these places, see `QuantileIntervals.fit`."""
        assert self.truth is not None
        assert self.quantiles is not None
        low, high = (self.quantiles[:, i] for i in ends)
        return QuantileIntervals.fit(self.truth, low, high, level)

    def sets(self, level: float) -> PredictionSets:
        """Sets of classes, see `PredictionSets.fit`."""
        return PredictionSets.fit(self.answers, level)

    def to_plain(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        parts = {"answers": self.answers, "truth": self.truth, "quantiles": self.quantiles}
        return {name: None if part is None else part.tolist() for name, part in parts.items()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Errors:
        """The inverse of `to_plain`."""
        parts = plain["truth"], plain.get("quantiles")  # which older files do not have
        given = [None if part is None else np.array(part, np.float64) for part in parts]
        return cls(np.array(plain["answers"], np.float64), *given)


__all__ = ["Errors", "OutOfFold"]
