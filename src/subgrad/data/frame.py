"""Tables and arrays from pandas and polars.

Neither library is imported: whoever hands over a frame has imported the one it comes from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.data.column_values import as_series
from subgrad.data.formats import NumberFormat, TextFormat, is_text
from subgrad.data.table import Table, check_unique, usable
from subgrad.errors import DataError


def is_frame(data: object) -> bool:
    """Whether this is a DataFrame of pandas or polars."""
    return _origin(data)[1] == "DataFrame"


def table_from_frame(frame: Any) -> Table:
    """A pandas or polars DataFrame as a `Table`; the index of a pandas frame is left out.

    A column of lists, structures, or of other objects that no table takes is left out; ``notes`` of the table names it.
    Raises `DataError` if it is neither, or if names repeat.
    """
    if not is_frame(frame):
        raise DataError(f"expected a DataFrame of pandas or polars, got {type(frame).__name__}")
    names = [str(name) for name in frame.columns]
    check_unique(names, "the DataFrame")
    columns, notes = usable({name: _values(series) for name, series in zip(names, _series(frame), strict=True)})
    return Table(columns, notes)


def as_array(data: Any) -> np.ndarray:
    """Data for training as a NumPy array, whether they come from NumPy, pandas, polars or lists.

    A DataFrame becomes (n, d), and raises `DataError` if a column holds text; a Series becomes (n,), float64
    with NaN or object with None where values are missing. Integers and truth values keep their dtype if none
    is missing. Anything else goes through ``numpy.asarray``.

    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    match _origin(data):
        case _, "DataFrame" if columns := [_numeric(series) for series in _series(data)]:
            return np.column_stack(columns)
        case _, "DataFrame":
            raise DataError("the DataFrame has no columns")
        case _, "Series":
            return _compact(data)
    return np.asarray(data)


def _origin(data: object) -> tuple[str, str]:
    """The library and kind of a frame or series, or of a class that inherits from one; else empty."""
    for cls in type(data).__mro__:
        library = cls.__module__.partition(".")[0]
        if library in ("pandas", "polars") and cls.__name__ in ("DataFrame", "Series"):
            return library, cls.__name__
    return "", ""


def _series(frame: Any) -> list[Any]:
    if _origin(frame)[0] == "polars":
        return frame.get_columns()
    return [series for _, series in frame.items()]


def _values(series: Any) -> Any:
    """A Series of polars as it is, the values of one of pandas with None for NA, which does not even compare."""
    if _origin(series)[0] == "polars":
        return series
    values = series.to_numpy(copy=True)
    if values.dtype == object:
        values[series.isna().to_numpy()] = None
    return values


def _compact(series: Any) -> np.ndarray:
    values = series.to_numpy() if _origin(series)[0] == "polars" else _values(series)
    if values.dtype.kind in "biuf":
        return values
    column = as_series(series if _origin(series)[0] == "polars" else values, str(series.name))
    return (TextFormat() if is_text(column) else NumberFormat()).read(column)


def _numeric(series: Any) -> np.ndarray:
    values = _compact(series)
    if values.dtype == object:
        raise DataError(
            f"column '{series.name}' holds text; subgrad.data.TablePreprocessor turns it into numbers"
        )
    return values
