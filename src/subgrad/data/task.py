"""Which task a target column poses: classification or regression."""

from __future__ import annotations

from typing import Literal

import numpy as np

from subgrad.data.table import Table, as_column, is_number, missing_mask
from subgrad.errors import DataError

Task = Literal["classification", "regression"]

MOST_INTEGER_CLASSES = 20


def infer_task(y: np.ndarray) -> tuple[Task, str]:
    """The task that a target column (n,) poses, and a sentence that says why.

    The rule: text is classification. Numbers are classification if they are whole, have at most 20 distinct
    values, and at most half as many distinct values as there are rows; other numbers are regression. Missing
    values do not count.

    Raises `DataError` if the column has fewer than two distinct values: nothing could be learnt from it.

    >>> infer_task(np.array(["ham", "spam", "ham"]))
    ('classification', 'Classification, because the target is text, with 2 distinct values.')
    >>> infer_task(np.array([0.5, 1.25, 7.0, 0.5]))[1]
    'Regression, because the target has numbers that are not whole.'
    """
    column = as_column(y, "target")
    known = column[~missing_mask(column)]
    distinct = len(set(known.tolist()))
    if distinct < 2:
        raise DataError(f"the target needs at least 2 distinct values, it has {distinct}")
    if not is_number(column):
        return (
            "classification",
            f"Classification, because the target is text, with {distinct} distinct values.",
        )
    if not np.all(np.mod(known[np.isfinite(known)], 1) == 0):
        return "regression", "Regression, because the target has numbers that are not whole."
    counted = f"the target has {distinct} distinct whole numbers in {len(known)} rows"
    if distinct <= MOST_INTEGER_CLASSES and 2 * distinct <= len(known):
        return "classification", f"Classification, because {counted}."
    return "regression", f"Regression, because {counted}."


def drop_unlabelled(table: Table, target: str) -> tuple[Table, list[str]]:
    """The rows whose target is known, and a sentence if there were others. Infinite targets count as missing.

    Raises `DataError` if the table has no such column or no such row.

    >>> drop_unlabelled(Table({"x": [1, 2, 3], "y": [0, None, 1]}), "y")
    (Table(2 rows; x: number, y: number), ["1 of 3 rows was left out: no target 'y'."])
    """
    table.require([target])
    column = table[target]
    known = np.isfinite(column) if is_number(column) else ~missing_mask(column)
    dropped = int(np.sum(~known))
    if dropped == table.rows:
        raise DataError(f"the target '{target}' is missing in all {table.rows} rows")
    if not dropped:
        return table, []
    were = "was" if dropped == 1 else "were"
    return table.take(known), [f"{dropped} of {table.rows} rows {were} left out: no target '{target}'."]
