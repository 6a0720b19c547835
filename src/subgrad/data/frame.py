"""Tables and arrays from pandas and polars, and from whatever offers Arrow's protocols or DLPack.

pandas is not imported: whoever hands over a frame has imported the library it comes from.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from subgrad.data.column_values import as_series
from subgrad.data.formats import NumberFormat, TextFormat, is_text
from subgrad.data.lazy_polars import any_time_zone, pl
from subgrad.data.table import Table, check_unique, usable
from subgrad.errors import DataError


def is_frame(data: object) -> bool:
    """Whether this is a DataFrame of pandas or polars, or a table of Arrow."""
    return as_frame(data) is not None


def as_frame(data: object) -> Any:
    """A frame of pandas or polars that the data are, or offer by a protocol of Arrow; None of anything else."""
    known = _known(data)
    return known if _origin(known)[1] == "DataFrame" else None


def names_of(data: object) -> list[Any] | None:
    """The names of the columns of a frame, see `is_frame`; None of anything else."""
    frame = as_frame(data)
    return None if frame is None else list(frame.columns)


def table_from_frame(frame: Any) -> Table:
    """A DataFrame of pandas or polars, or a table of Arrow, as a `Table`; the index of a pandas frame is left out.

    A column of lists, structures, or of other objects that no table takes is left out; ``notes`` of the table names it.
    Raises `DataError` if it is neither, or if names repeat.
    """
    given, frame = frame, as_frame(frame)
    if frame is None:
        raise DataError(f"expected a DataFrame of pandas or polars, got {type(given).__name__}")
    names = [str(name) for name in frame.columns]
    check_unique(names, "the DataFrame")
    columns, notes = usable({name: _values(series) for name, series in zip(names, _series(frame), strict=True)})
    return Table(columns, notes)


def as_array(data: Any) -> np.ndarray:
    """Data for training as a NumPy array, whether they come from NumPy, pandas, polars, Arrow or lists.

    A DataFrame becomes (n, d), and raises `DataError` if a column holds text; a Series becomes (n,), float64
    with NaN or object with None where values are missing. Integers and truth values keep their dtype if none
    is missing. Tables and arrays of Arrow (``__arrow_c_stream__``, ``__arrow_c_array__``, ``__dataframe__``) are such
    frames and series; a column of lists of one length becomes (n, length). Arrays of other libraries come by
    ``__dlpack__``. Neither these nor a single column of Arrow without missing values are copied. Anything else goes
    through ``numpy.asarray``.

    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    data = _known(data)
    match _origin(data):
        case _, "DataFrame" if columns := [_numeric(series) for series in _series(data)]:
            one = columns[0].reshape(len(columns[0]), -1)
            return one if len(columns) == 1 else np.column_stack(columns)
        case _, "DataFrame":
            raise DataError("the DataFrame has no columns")
        case _, "Series":
            return _compact(data)
    return np.asarray(data)


def _known(data: Any) -> Any:
    """A frame or series of polars of what offers a protocol of Arrow, an array of what offers DLPack, or the same."""
    if isinstance(data, np.ndarray) or _origin(data)[0]:
        return data
    if type(data).__name__ == "LazyFrame":
        raise DataError("a LazyFrame has no values yet: give what its collect() returns")
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        found = _from_arrow(data)
        table = isinstance(found, pl.Series) and found.dtype == pl.Struct
        return found.struct.unnest() if table else found  # pyright: ignore[reportAttributeAccessIssue]
    if hasattr(data, "__dataframe__"):
        return pl.from_dataframe(data)
    if hasattr(data, "__dlpack__"):
        with contextlib.suppress(BufferError, RuntimeError, TypeError):  # of another device or dtype: asarray may know
            return np.from_dlpack(data)
    return data


def _from_arrow(data: Any) -> Any:
    """What polars makes of Arrow data; `DataError` names a column of a type that it does not know."""
    try:
        with any_time_zone():
            return pl.from_arrow(data)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        for name, kind in zip(getattr(data, "column_names", ()), getattr(data.schema, "types", ()), strict=False):
            if len(data.column_names) > 1:
                with contextlib.suppress(DataError):
                    _from_arrow(data.select([name]))
                    continue
            raise DataError(f"column '{name}' holds {kind}, which polars cannot read: leave it out") from None
        raise DataError(f"polars cannot read these data of Arrow: {str(error)[:200]}") from None


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
    holes = series.isna().to_numpy()
    whole = getattr(series.dtype, "kind", "O") in "iu" and holes.any()  # which NumPy only has as floats
    values = series.astype(object).to_numpy(copy=True) if whole else series.to_numpy(copy=True)
    if values.dtype == object:
        values[holes] = None
    return values


def _compact(series: Any) -> np.ndarray:
    given = _values(series)
    values = _in_numpy(given)
    if values is not None and values.dtype.kind in "biuf":
        return values
    column = as_series(given, str(series.name))
    if column.dtype in (pl.Int64, pl.UInt64) and not column.null_count():
        return column.to_numpy()
    return (TextFormat() if is_text(column) else NumberFormat()).read(column)


def _in_numpy(given: Any) -> np.ndarray | None:
    """The values of a Series of polars, or an array; None for integers of 128 bits, which NumPy has not."""
    if isinstance(given, np.ndarray):
        return given
    return None if given.dtype == pl.Int128 else given.to_numpy()


def _numeric(series: Any) -> np.ndarray:
    values = _compact(series)
    if values.dtype == object:
        raise DataError(
            f"column '{series.name}' holds text; subgrad.data.TablePreprocessor turns it into numbers"
        )
    return values
