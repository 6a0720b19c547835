"""Permutation importance: how much worse a model's answers become when a column is shuffled."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.data.table import Table
from subgrad.entropy import philox
from subgrad.report.explanations.table_model import TableModel, row_losses, sampled

ROWS = 2000
REPEATS = 8
MOST = 200  # columns that are shuffled one by one
_GROUPS = 100
_CELLS = 4e7  # that are prepared in all; each shuffling prepares all columns anew
_FEWEST = 100
_NORMAL = 1.959963984540054  # of a normal distribution, 95% lies within so many deviations of the mean


@dataclass(frozen=True)
class Importance:
    """Of a column, by how much the mean loss of a row rises when its values are shuffled among the rows.

    Attributes:
        column: its name.
        mean: the rise, in units of the loss; see `permutation_importance`.
        low, high: an interval that holds the rise over all rows of that kind with a probability of 95%.
    """

    column: str
    mean: float
    low: float
    high: float


def permutation_importance(
    model: TableModel,
    table: Table,
    y: np.ndarray,
    columns: Sequence[str] | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
) -> list[Importance]:
    """How much the answers to the rows of a table depend on each column, the most important first.

    The loss is the logarithmic one for classes (the share of wrong answers, if the model gives no probabilities), and
    for numbers the squared error in units of the variance of ``y``: then the importance is what R² loses.

    The interval is for the rows being a sample: a row counts in it twice, as the one whose value is replaced and as the
    one that gives its value. Two columns that say the same can both have a small importance, for each stands in for the
    other.

    Args:
        model: gives the answers.
        table: rows, those that the model was not trained on.
        y: the truth (n,): labels or numbers.
        columns: the names of those that are asked for; None for all but the target.
        repeats: how often each is shuffled.
        seed: of the shuffling. Every column is shuffled in the same ways.

    Source: Breiman, Random Forests, Machine Learning 45, 2001; Fisher, Rudin, Dominici, JMLR 20(177), 2019.
    """
    names = [name for name in table if name != model.target_name] if columns is None else columns
    shuffled = _Shuffled(model, table, y, repeats, seed)
    return sorted((shuffled.importance(name) for name in names), key=lambda found: -found.mean)


def promising(model: TableModel, table: Table, y: np.ndarray, columns: Sequence[str], seed: int = 0) -> list[str]:
    """All columns if there are few; else those in the groups of neighbours whose shuffling does the most harm.

    Each shuffling prepares all columns anew, which takes too long to do it for thousands of them, one by one.
    """
    if len(columns) <= MOST:
        return list(columns)
    size = -(-len(columns) // _GROUPS)
    groups = [columns[i : i + size] for i in range(0, len(columns), size)]
    shuffled = _Shuffled(model, table, y, 1, seed)
    ranked = sorted(groups, key=lambda group: -float(np.mean(shuffled.rises(group))))
    chosen = set(itertools.chain.from_iterable(ranked[: max(MOST // size, 1)]))
    return [name for name in columns if name in chosen]


class _Shuffled:
    """A table as often as it is shuffled, and the losses of its rows before."""

    def __init__(self, model: TableModel, table: Table, y: np.ndarray, repeats: int, seed: int) -> None:
        rng = philox(seed)
        self.model, self.table = model, table
        self.donors = np.concatenate([rng.permutation(table.rows) for _ in range(repeats)])
        self.many, self.truth = table.take(np.tile(np.arange(table.rows), repeats)), np.tile(y, repeats)
        self.before = np.tile(row_losses(model, table, y), repeats)
        self.unit = float(np.var(y)) or 1.0 if model.task == "regression" else 1.0

    def rises(self, columns: Sequence[str]) -> np.ndarray:
        """By how much each loss rises, (repeats n,), when these columns have the values of other rows."""
        shuffled = self.many
        for column in columns:
            shuffled = shuffled.with_column(column, self.table.series(column).gather(self.donors))
        return (row_losses(self.model, shuffled, self.truth) - self.before) / self.unit

    def importance(self, column: str) -> Importance:
        """That of a column."""
        return _importance(column, self.rises([column]), self.donors, self.table.rows)


def _importance(column: str, rises: np.ndarray, donors: np.ndarray, rows: int) -> Importance:
    """From what each row's loss rose by, and from which row it had its value.

    The mean over pairs of rows is a U-statistic; its variance is that of the sum of what a row adds on both sides.
    """
    mean = float(np.mean(rises))
    repeats = len(rises) // rows
    received = rises.reshape(repeats, rows).mean(axis=0)
    given = np.bincount(donors, weights=rises, minlength=rows) / repeats
    error = float(np.std(received + given, ddof=1)) / math.sqrt(rows) if rows > 1 else math.inf
    return Importance(column, mean, mean - _NORMAL * error, mean + _NORMAL * error)


def affordable_rows(rows: int, columns: int, repeats: int = REPEATS, seed: int = 0) -> np.ndarray:
    """Which of the rows of a table to shuffle, so that a report does not take minutes: all, or some by chance.

    >>> [len(affordable_rows(1_000_000, columns)) for columns in (10, 100, 1000)]
    [2000, 500, 100]
    """
    most = int(_CELLS / (columns * min(columns, MOST) * repeats))
    return sampled(rows, min(max(most, _FEWEST), ROWS), seed)


__all__ = ["Importance", "affordable_rows", "permutation_importance", "promising"]
