"""Prediction sets by conformal calibration: classes, among which the right one is as often as was asked.

The probabilities that a model gave to the right class of rows that it was not trained on are a sample of those to come.
If old and new rows are exchangeable, the right class of a new row has a probability of at least the k-th smallest of n
with probability 1 - k / (n + 1). The classes with at least that are the smallest sets on the average (Sadinle, Lei,
Wasserman 2019, arXiv 1609.00451).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.errors import DataError
from subgrad.metrics import given
from subgrad.validators import typed


@dataclass(frozen=True)
class PredictionSets:
    """The classes of which one is right, with a probability of ``level``.

    Attributes:
        level: the share of rows whose class is in the set.
        threshold: the probability from which on a class is in it; the most probable class always is.
        rows: by how many rows it was calibrated.
    """

    level: float
    threshold: float
    rows: int = 0

    @classmethod
    def fit(cls, chances: Any, level: float = 0.9) -> PredictionSets:
        """Calibrate by rows that the model was not trained on.

        Args:
            chances: (n,) the probability that the model gave to the right class.
            level: the share of rows whose class is to be in the set, in (0, 1).

        Raises:
            ArgumentError: for a level outside (0, 1).
            DataError: if there are too few rows: 0.9 takes 9 of them, 0.99 takes 99.

        Example:
            >>> found = PredictionSets.fit(np.linspace(0.01, 1, 100), 0.9)
            >>> found.of(np.array([[0.85, 0.15, 0.0], [0.05, 0.9, 0.05]])).tolist()
            [[True, True, False], [False, True, False]]
        """
        p = given.numbers("chances", chances)
        validators.level("the level of a set", level)
        place = math.floor((len(p) + 1) * (1 - level) + 1e-9)
        if not place:
            needed = rows_needed_for_set(level)
            raise DataError(
                f"a set of {level:g} takes {needed:,} rows that the model was not trained on, there are {len(p):,}"
            )
        return cls(level, float(np.sort(p)[place - 1]), len(p))

    def of(self, chances: np.ndarray) -> np.ndarray:
        """Which classes are in the set of each row of probabilities (n, classes): truth values of that shape."""
        best = chances.argmax(axis=1)[:, None] == np.arange(chances.shape[1])
        return (chances >= self.threshold) | best

    def describe(self) -> str:
        """What they are, in a sentence."""
        return (
            f"Sets of {100 * self.level:g}% were calibrated by {self.rows:,} rows held out: a class is in from a "
            f"probability of {self.threshold:.3g} on."
        )

    def to_plain(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> PredictionSets:
        """The inverse of `to_plain`. Raises `TypeError` for anything else."""
        return typed(cls(**plain))


def rows_needed_for_set(level: float) -> int:
    """How many rows it takes to calibrate sets of this level.

    >>> rows_needed_for_set(0.9), rows_needed_for_set(0.99)
    (9, 99)
    """
    return math.ceil(1 / (1 - level) - 1e-9) - 1


__all__ = ["PredictionSets", "rows_needed_for_set"]
