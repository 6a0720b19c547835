"""Which task a target column poses: classification or regression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from subgrad.data.column_values import as_series
from subgrad.data.formats import NumberFormat, decide_format
from subgrad.data.table import Table
from subgrad.data.target import Label, labels
from subgrad.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

Task = Literal["classification", "regression"]

MOST_INTEGER_CLASSES = 20
LEAST = 20  # rows, from which on texts that are all different are no classes


def infer_task(y: npt.ArrayLike) -> tuple[Task, str]:
    """The task that a target column (n,) poses, and a sentence that says why.

    The rule: text is classification. Numbers are classification if they are whole, have at most 20 distinct
    values, and at most half as many distinct values as there are rows; other numbers are regression. Missing
    values do not count.

    Raises `DataError` if the column has fewer than two distinct values, or is text of which nearly each value occurs
    once: nothing could be learnt from it.

    >>> infer_task(np.array(["ham", "spam", "ham"]))
    ('classification', 'Classification, because the target is text, with 2 distinct values.')
    >>> infer_task(np.array([0.5, 1.25, 7.0, 0.5]))[1]
    'Regression, because the target has numbers that are not whole.'
    """
    series = as_series(y, "target")
    return task_of(labels(series, decide_format(series)))


def task_of(values: list[Label | None], asked: Task | None = None) -> tuple[Task, str]:
    """`infer_task` of labels; texts that hardly repeat are classes if classification is ``asked`` for."""
    return task_of_counts(Counter(value for value in values if value is not None), asked)


def task_of_counts(known: Mapping[Label, int], asked: Task | None = None) -> tuple[Task, str]:
    """`task_of` labels that were counted already."""
    distinct, rows = len(known), sum(known.values())
    if distinct < 2:
        raise DataError(f"the target needs at least 2 distinct values, it has {distinct}")
    if any(isinstance(value, str) for value in known):
        if asked != "classification" and 2 * distinct > rows >= LEAST:
            raise DataError(
                f"the target is text that hardly repeats: {distinct:,} distinct values in {rows:,} rows, such as "
                f"{next(iter(known))!r}; it is neither classes nor numbers"
            )
        return "classification", f"Classification, because the target is text, with {distinct} distinct values."
    if any(isinstance(value, float) for value in known):
        return "regression", "Regression, because the target has numbers that are not whole."
    counted = f"the target has {distinct} distinct whole numbers in {rows} rows"
    if distinct <= MOST_INTEGER_CLASSES and 2 * distinct <= rows:
        return "classification", f"Classification, because {counted}."
    return "regression", f"Regression, because {counted}."


def task_of_column(table: Table, target: str, asked: Task | None = None) -> tuple[Task, str]:
    """`task_of` a column of a table, in the format that the whole of it decided."""
    table.require([target])
    return task_of(labels(table.series(target), table.format(target)), asked)


def has_target(table: Table, target: str) -> np.ndarray:
    """Truth values (n,): the rows whose target is known, see `drop_unlabelled`."""
    table.require([target])
    series, how = table.series(target), table.format(target)
    return np.isfinite(how.read(series)) if isinstance(how, NumberFormat) else series.is_not_null().to_numpy()


def drop_unlabelled(table: Table, target: str) -> tuple[Table, list[str]]:
    """The rows whose target is known, and a sentence if there were others. Infinite targets count as missing, and so do
    the few that are no numbers among numbers.

    Raises `DataError` if the table has no such column or no such row.

    >>> drop_unlabelled(Table({"x": [1, 2, 3], "y": [0, None, 1]}), "y")
    (Table(2 rows; x: number, y: number), ["1 of 3 rows was left out: no target 'y'."])
    """
    known = has_target(table, target)
    dropped = int(np.sum(~known))
    if dropped == table.rows:
        raise DataError(f"the target '{target}' is missing in all {table.rows} rows")
    if not dropped:
        return table, []
    were = "was" if dropped == 1 else "were"
    return table.take(known), [f"{dropped:,} of {table.rows:,} rows {were} left out: no target '{target}'."]
