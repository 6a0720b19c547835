"""Tables: named columns of equal length, each of numbers or of text."""

from __future__ import annotations

import datetime
import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt


class Table(Mapping[str, np.ndarray]):
    """Columns by name, in order; a mapping, so ``len(table)`` counts columns and ``table.rows`` rows.

    A column is either numbers, float64 (n,) with NaN where a value is missing, or text, object (n,) of
    ``str`` with ``None`` where it is missing. What else comes in becomes one of the two: integers become
    float64; truth values become the texts "true" and "false", however they were spelt; dates become text in
    ISO 8601.

    Raises `DataError` for columns that differ in length, are not one-dimensional, or hold anything else.

    >>> table = Table({"age": [31, 45, None], "smokes": [True, None, False]})
    >>> table.rows, table["age"], table["smokes"]
    (3, array([31., 45., nan]), array(['true', None, 'false'], dtype=object))
    """

    def __init__(self, columns: Mapping[str, npt.ArrayLike]) -> None:
        self._columns = {name: as_column(values, name) for name, values in columns.items()}
        lengths = {name: len(column) for name, column in self._columns.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"the columns of a table need equal lengths; these have {lengths}")
        self.rows = next(iter(lengths.values()), 0)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        kinds = (f"{name}: {'number' if is_number(self[name]) else 'text'}" for name in self)
        return f"Table({self.rows} rows; {', '.join(kinds)})"

    def take(self, rows: npt.ArrayLike) -> Table:
        """The table of some rows: their indices, or a mask of truth values (n,).

        >>> Table({"x": [1, 2, 3]}).take([2, 0])["x"]
        array([3., 1.])
        """
        return Table({name: column[np.asarray(rows)] for name, column in self.items()})

    def require(self, names: Iterable[str]) -> None:
        """Raise `DataError` unless the table has all these columns; the message names the missing ones.

        >>> Table({"Species": ["a"]}).require(["species"])
        Traceback (most recent call last):
        ...
        subgrad.errors.DataError: the table has no column 'species' (did you mean 'Species'?);
        its columns are: Species
        """
        missing = [f"'{name}'{self._suggestion(name)}" for name in names if name not in self]
        if missing:
            columns = "column" if len(missing) == 1 else "columns"
            raise DataError(
                f"the table has no {columns} {', '.join(missing)}; its columns are: {', '.join(self)}"
            )

    def _suggestion(self, name: str) -> str:
        by_lower = {own.lower(): own for own in self}
        close = difflib.get_close_matches(name.lower(), by_lower, n=1)
        return f" (did you mean '{by_lower[close[0]]}'?)" if close else ""


def is_number(column: np.ndarray) -> bool:
    """Whether a column of a `Table` holds numbers (else it holds text)."""
    return column.dtype.kind == "f"


def missing_mask(column: np.ndarray) -> np.ndarray:
    """Truth values (n,): where a column of a `Table` has no value.

    >>> missing_mask(np.array(["a", None], dtype=object)).tolist()
    [False, True]
    """
    return np.isnan(column) if is_number(column) else np.array([text is None for text in column], dtype=bool)


def number_text(number: float) -> str:
    """A number as text, whole ones without the ``.0`` that float64 would print.

    >>> number_text(3.0), number_text(0.5)
    ('3', '0.5')
    """
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def check_unique(names: Iterable[str], source: object) -> None:
    """Raise `DataError` if two columns have the same name."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{source} has more than one column named {', '.join(map(repr, repeated))}")


def as_column(values: npt.ArrayLike, name: str) -> np.ndarray:
    """One-dimensional values as a column of a `Table`, which says what becomes of each kind."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"column '{name}' needs one dimension, it has the shape {array.shape}")
    if array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if array.dtype.kind == "M":
        array = np.where(np.isnat(array), "", np.datetime_as_string(array))
    objects = [None if _is_missing(value) else value for value in array.astype(object)]
    present = [value for value in objects if value is not None]
    if all(_is_real(value) for value in present):
        return np.array(objects, dtype=np.float64)
    texts = np.array([None if value is None else _as_text(value, name) for value in objects], dtype=object)
    return _lower_truth_values(texts)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool)


def _is_missing(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return not value
    # NaN, and pandas' NaT, differ from themselves.
    return isinstance(value, Real | Decimal | datetime.date) and value != value


def _as_text(value: Any, name: str) -> str:
    match value:
        case str() | bool() | np.bool_():
            return str(value)
        case Real() | Decimal():
            return number_text(float(value))
        case datetime.date() | datetime.time():
            return value.isoformat()
    kind = type(value).__name__
    raise DataError(f"column '{name}' holds {kind}; a table takes numbers, text, dates and truth values")


def _lower_truth_values(texts: np.ndarray) -> np.ndarray:
    lower = {text: text.lower() for text in set(texts) if text is not None}
    if not set(lower.values()) <= {"true", "false"}:
        return texts
    return np.array([text if text is None else lower[text] for text in texts], dtype=object)
