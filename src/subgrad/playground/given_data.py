"""A table of the caller's for the page."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.data import Table, as_array, is_frame, read_table
from subgrad.data.frame import table_from_frame
from subgrad.data.target import labels
from subgrad.errors import ArgumentError

MOST_ROWS, MOST_CELLS = 500, 6000
"""What the page shows and its size allows; of more rows some are taken, evenly."""

Rows = list[list[str]]


def given_data(data: Any, most_classes: int) -> dict[str, Any]:
    """Names and rows of text, the target last: of ``(X, y)``, of a DataFrame, a `Table`, a dict of columns
    or the file of a table.

    Raises:
        ArgumentError: for anything else, and for a table that the page cannot use: see ``own_data.mjs``.
        DataError: for columns that are none.
        FileError: for a file that cannot be read.
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
    some = table.take(_thinned(table.rows, count))
    target = labels(some.series(names[-1]), some.format(names[-1]))  # whole numbers that are classes stay apart
    columns = [[_text(v) for v in values] for values in [*(some[name] for name in names[:-1]), target]]
    rows = [list(row) for row in zip(*columns, strict=True)]
    _check(names, rows, most_classes)
    return {"names": names, "rows": rows}


def _table(data: Any) -> Table:
    if isinstance(data, Table):
        return data
    if isinstance(data, (str, os.PathLike)):
        return read_table(data)
    if is_frame(data):
        return table_from_frame(data)
    if isinstance(data, dict):
        return Table(data)
    if not isinstance(data, tuple) or len(data) != 2:
        got = type(data).__name__
        raise ArgumentError(f"data for the page are (X, y), a DataFrame, a dict of columns, or a file; got {got}")
    X, y = as_array(data[0]), as_array(data[1])
    if X.ndim != 2 or y.shape != (len(X),):
        raise ArgumentError(f"data for the page are X (n, d) and y (n,), got {X.shape} and {y.shape}")
    columns = {f"x{j + 1}": X[:, j] for j in range(X.shape[1])}
    return Table({**columns, "y": y})


def _thinned(rows: int, count: int) -> np.ndarray:
    """A row of each of ``count`` stretches, at places that differ, as ``thinned`` of ``own_data.mjs`` takes them."""
    i = np.arange(count + 1)
    begins = i * rows // count
    return begins[:-1] + (i[:-1] * ((math.sqrt(5) - 1) / 2) % 1 * np.diff(begins)).astype(int)


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.5g}" if isinstance(value, (float, np.floating)) else str(value)


def _check(names: Sequence[str], rows: Rows, most_classes: int) -> None:
    """That the page can learn the last column: what its ``fromTable`` refuses."""
    *columns, target = zip(*rows, strict=True)
    given = [c for c in columns if all(_is_number(v) or v == "" for v in c) and 2 * c.count("") <= len(c)]
    complete = [row for row in zip(*given, target, strict=True) if "" not in row]
    varied = sum(len({*c}) > 1 for c in [*zip(*complete, strict=True)][:-1])
    if varied < 2:
        raise ArgumentError(
            f"the page needs two columns of numbers beside {names[-1]!r} that differ in rows without missing values, "
            f"got {varied}"
        )
    values = {row[-1] for row in complete}
    if len(values) < 2 or (len(values) > most_classes and not all(map(_is_number, values))):
        raise ArgumentError(
            f"the page learns numbers, or 2 to {most_classes} classes; the last column {names[-1]!r} has {len(values)}"
        )


def _is_number(text: str) -> bool:
    try:
        return text.lower() in ("true", "false") or ("_" not in text and math.isfinite(float(text)))
    except ValueError:
        return False


__all__ = ["given_data"]
