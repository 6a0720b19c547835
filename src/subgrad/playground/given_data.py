"""A table of the caller's for the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.data import Table, as_array, is_frame
from subgrad.data.frame import table_from_frame
from subgrad.errors import ArgumentError

MOST_ROWS, MOST_CELLS = 500, 6000
"""What the page shows and its size allows; of more rows some are taken, evenly."""


def given_data(data: Any) -> dict[str, Any]:
    """Names and rows of text, the target last: of ``(X, y)``, of a DataFrame, a `Table` or a dict of columns.

    Raises:
        ArgumentError: for anything else, fewer than two columns of inputs, or no rows.
        DataError: for columns that are none.
    """
    table = _table(data)
    names = list(table)
    if len(names) < 3 or table.rows < 2:
        raise ArgumentError(
            f"the page needs two columns of inputs and a target, and two rows at least; got {len(names)} columns and "
            f"{table.rows} rows"
        )
    if len(names) > MOST_CELLS // 20:
        raise ArgumentError(f"the page takes {MOST_CELLS // 20} columns at most, got {len(names)}: choose some")
    count = min(table.rows, MOST_ROWS, MOST_CELLS // len(names))
    some = table.take(np.linspace(0, table.rows - 1, count).astype(int))
    columns = [[_text(v) for v in some[name]] for name in names]
    return {"names": names, "rows": [list(row) for row in zip(*columns, strict=True)]}


def _table(data: Any) -> Table:
    if isinstance(data, Table):
        return data
    if is_frame(data):
        return table_from_frame(data)
    if isinstance(data, dict):
        return Table(data)
    if not isinstance(data, tuple) or len(data) != 2:
        got = type(data).__name__
        raise ArgumentError(f"data for the page are (X, y), a DataFrame, or a dict of columns; got {got}")
    X, y = as_array(data[0]), as_array(data[1])
    if X.ndim != 2 or y.shape != (len(X),):
        raise ArgumentError(f"data for the page are X (n, d) and y (n,), got {X.shape} and {y.shape}")
    columns = {f"x{j + 1}": X[:, j] for j in range(X.shape[1])}
    return Table({**columns, "y": y})


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.5g}" if isinstance(value, (float, np.floating)) else str(value)


__all__ = ["given_data"]
