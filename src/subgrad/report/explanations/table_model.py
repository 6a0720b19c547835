"""What a model has to offer to be explained, and how wrong its answers are, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from subgrad.data.table import Table
from subgrad.data.target import Label
from subgrad.data.task import Task
from subgrad.entropy import philox
from subgrad.errors import DataError

LEAST_CHANCE = 1e-15  # a probability of 0 would cost an infinite logarithmic loss


class TableModel(Protocol):
    """A model that answers for the rows of a table. Explanations ask for nothing else."""

    @property
    def task(self) -> Task:
        """Classification or regression."""
        ...

    @property
    def target_name(self) -> str:
        """The column that is predicted."""
        ...

    @property
    def classes(self) -> Sequence[Label]:
        """The labels, in the order of the columns of `predict_proba`; empty for regression."""
        ...

    def predict(self, table: Table) -> np.ndarray:
        """Labels or numbers (n,)."""
        ...

    def predict_proba(self, table: Table) -> np.ndarray | None:
        """The probability of each class (n, classes); None for a model whose scores are no probabilities."""
        ...


def places(classes: Sequence[Label], y: np.ndarray) -> np.ndarray:
    """The place of each label (n,) among the classes, int64. Raises `DataError` for another label."""
    known = {label: i for i, label in enumerate(classes)}
    labels = np.asarray(y).tolist()
    if unknown := [label for label in labels if label not in known]:
        raise DataError(f"{unknown[0]!r} is none of the {len(known)} classes of the model")
    return np.array([known[label] for label in labels], dtype=np.int64)


def row_losses(model: TableModel, table: Table, y: np.ndarray) -> np.ndarray:
    """How wrong the answer to each row is, float64 (n,).

    The squared error of a number; of a class the logarithmic loss, -log of the probability that was given to the true
    one; for a model without probabilities 1 where the answer is wrong, else 0.
    """
    if model.task == "regression":
        return (np.asarray(model.predict(table), np.float64) - y) ** 2
    chances = model.predict_proba(table)
    if chances is None:
        return (places(model.classes, model.predict(table)) != places(model.classes, y)).astype(np.float64)
    return log_losses(chances, places(model.classes, y))


def log_losses(chances: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The logarithmic loss of each row (n,), of probabilities (n, classes) and the place of the true class (n,).

    >>> log_losses(np.array([[0.25, 0.75]]), np.array([1])).round(4).tolist()
    [0.2877]
    """
    own = np.asarray(chances, np.float64)[np.arange(len(truth)), truth]
    return -np.log(np.clip(own, LEAST_CHANCE, 1))


def sampled(rows: int, most: int, seed: int) -> np.ndarray:
    """All of so many rows, or ``most`` of them by chance, in their order.

    >>> sampled(3, 5, seed=0).tolist(), len(sampled(1000, 5, seed=0))
    ([0, 1, 2], 5)
    """
    if rows <= most:
        return np.arange(rows)
    rng = philox(seed)
    return np.sort(rng.choice(rows, most, replace=False))


__all__ = ["TableModel", "log_losses", "places", "row_losses", "sampled"]
