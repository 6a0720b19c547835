"""Permutation importance: how much worse a model's answers become when a column is shuffled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.data.table import Table
from subgrad.report.explanations.table_model import TableModel, row_losses, sampled

ROWS = 2000
REPEATS = 8
_CELLS = 4e7  # that are prepared for all columns together; each column prepares all of them anew
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
        columns: the names of those that are asked for; None for all that the model learnt from.
        repeats: how often each is shuffled.
        seed: of the shuffling. Every column is shuffled in the same ways.

    Source: Breiman, Random Forests, Machine Learning 45, 2001; Fisher, Rudin, Dominici, JMLR 20(177), 2019.
    """
    found = importances(model, table, y, model.column_names if columns is None else columns, repeats, seed)
    return ranked(found)


def ranked(found: Iterable[Importance]) -> list[Importance]:
    """The largest first; among equals, in their order."""
    return sorted(found, key=lambda importance: -importance.mean)


def importances(
    model: TableModel, table: Table, y: np.ndarray, columns: Sequence[str], repeats: int, seed: int
) -> Iterator[Importance]:
    """`permutation_importance` of one column after the other, in their order."""
    rng = np.random.Generator(np.random.Philox(seed))
    rows = table.rows
    donors = np.concatenate([rng.permutation(rows) for _ in range(repeats)])
    many, truth = table.take(np.tile(np.arange(rows), repeats)), np.tile(y, repeats)
    unit = float(np.var(y)) or 1.0 if model.task == "regression" else 1.0
    before = np.tile(row_losses(model, table, y), repeats)
    for column in columns:
        shuffled = many.with_column(column, table.series(column).gather(donors))
        rises = (row_losses(model, shuffled, truth) - before) / unit
        yield _importance(column, rises, donors, rows)


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
    most = int(_CELLS / (columns**2 * repeats))
    return sampled(rows, min(max(most, _FEWEST), ROWS), seed)


__all__ = ["Importance", "affordable_rows", "importances", "permutation_importance", "ranked"]
