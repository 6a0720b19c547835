"""Partial dependence: the mean answer as a function of one column, all others as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from subgrad.data.formats import DateFormat, NumberFormat, TruthFormat, as_texts, has_value
from subgrad.data.lazy_polars import pl
from subgrad.data.table import Table
from subgrad.errors import DataError
from subgrad.report.explanations.table_model import TableModel, places

POINTS = 20
_CATEGORIES = 8
_TAILS = 0.025  # the share of the values at either end where there is too little to learn from

Axis = Literal["number", "date", "category"]


@dataclass(frozen=True)
class Dependence:
    """What a model answers on average, and for each row, if a column has one value in all rows.

    Attributes:
        column: its name.
        axis: what its values are. Numbers and dates (seconds since 1970) lie on a line, in ascending order.
        values: numbers (g,), or the texts of categories, the most frequent first.
        answers: (g, n, k): for each value and row the probability of each class, or the number, k = 1.
    """

    column: str
    axis: Axis
    values: np.ndarray
    answers: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """The partial dependence, (g, k)."""
        return self.answers.mean(axis=1)

    @property
    def spread(self) -> float:
        """By how much the mean answer changes over the values, at most."""
        return float(np.ptp(self.mean, axis=0).max())


def partial_dependence(model: TableModel, table: Table, column: str, points: int = POINTS) -> Dependence:
    """What the model answers on average for the rows of a table, as a function of one column.

    The values that are tried occur in the table: of numbers and dates so many quantiles between 2.5% and 97.5%, of
    categories the most frequent ones. Of a column that depends on others some combinations are such as never occur, and
    what the model says of them is a guess. A model without probabilities answers 1 for the class it decides for.

    Raises `DataError` if no value of the column is known.

    Source: Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 29, 2001.
    """
    rows, axis, values = _grid(table, column, points)
    tried = table.take(np.tile(np.arange(table.rows), len(rows)))
    tried = tried.with_column(column, table.series(column).gather(np.repeat(rows, table.rows)))
    return Dependence(column, axis, values, _answers(model, tried).reshape(len(rows), table.rows, -1))


def _grid(table: Table, column: str, points: int) -> tuple[np.ndarray, Axis, np.ndarray]:
    """Rows of the table that hold the values to try, what kind of values these are, and the values."""
    series, how = table.series(column), table.format(column)
    if isinstance(how, NumberFormat | DateFormat):
        read = how.read(series)
        known = np.flatnonzero(np.isfinite(read))
        if not len(known):
            raise DataError(f"no value of column '{column}' is known in these {table.rows:,} rows")
        order = known[np.argsort(read[known], kind="stable")]
        shares = np.linspace(_TAILS, 1 - _TAILS, points)
        rows = order[np.round(shares * (len(order) - 1)).astype(int)]
        values, first = np.unique(read[rows], return_index=True)
        return rows[first], "date" if isinstance(how, DateFormat) else "number", values
    return _categories(series, isinstance(how, TruthFormat), column)


def _categories(series: pl.Series, truth: bool, column: str) -> tuple[np.ndarray, Axis, np.ndarray]:
    texts = as_texts(series)
    known = pl.Series(has_value(series)) if truth else texts.is_not_null()
    counted = texts.filter(known).alias("text").value_counts(name="count")
    if not len(counted):
        raise DataError(f"no value of column '{column}' is known in these {len(series):,} rows")
    names = counted.sort(["count", "text"], descending=[True, False])["text"].head(_CATEGORIES).to_list()
    rows = np.array([texts.index_of(name) for name in names])
    return rows, "category", np.array(names, dtype=object)


def _answers(model: TableModel, table: Table) -> np.ndarray:
    """(n, k): probabilities, or numbers."""
    if model.task == "regression":
        return np.asarray(model.predict(table), np.float64)[:, None]
    chances = model.predict_proba(table)
    return np.eye(len(model.classes))[places(model.classes, model.predict(table))] if chances is None else chances


__all__ = ["Dependence", "partial_dependence"]
