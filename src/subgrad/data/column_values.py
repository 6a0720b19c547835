"""Values of any origin as a column that came as numbers or as text, the two kinds a file may have."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from subgrad.data.formats.texts import as_texts
from subgrad.data.formats.words import MISSING
from subgrad.data.lazy_polars import pl
from subgrad.errors import DataError


def as_columns(columns: Mapping[str, Any]) -> dict[str, pl.Series]:
    """`as_series` of each column, of those of text and of floats together: a call of polars for each of 20,000 takes
    long."""
    kinds = {name: values.dtype for name, values in columns.items() if isinstance(values, pl.Series)}
    texts = [name for name, kind in kinds.items() if kind == pl.String]
    floats = [name for name, kind in kinds.items() if kind.is_float()]
    found = {**_together(columns, texts, _cleaned), **_together(columns, floats, _floats)}
    return {name: found[name] if name in found else as_series(values, name) for name, values in columns.items()}


def _together(
    columns: Mapping[str, Any], names: list[str], made: Callable[[pl.DataFrame], pl.DataFrame]
) -> dict[str, pl.Series]:
    """What is made of some columns, if they are of one length."""
    if len({len(columns[name]) for name in names}) != 1:
        return {}
    frame = pl.DataFrame([columns[name].alias(str(place)) for place, name in enumerate(names)])
    return dict(zip(names, made(frame).get_columns(), strict=True))


def _floats(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.all().cast(pl.Float64).fill_nan(None))


def as_series(values: Any, name: str) -> pl.Series:
    """One-dimensional values as integers, float64 or text, null where one is missing.

    Truth values become the texts "true" and "false", dates and times text in ISO 8601, durations seconds, bytes text.
    Raises `DataError` for more dimensions, and for values of other kinds.
    """
    if isinstance(values, pl.Series):
        return _of_polars(values, name)
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"column '{name}' needs one dimension, it has the shape {array.shape}")
    match array.dtype.kind:
        case "i" | "u" | "b":
            native = array.astype(array.dtype.newbyteorder("="), copy=False)  # polars reads no other order of bytes
            return _of_polars(pl.Series(native), name)
        case "f":
            series = pl.Series(array.astype(np.float64))
            return series.fill_nan(None) if np.isnan(array).any() else series  # polars takes a while for it
        case "M":
            return _of_polars(pl.Series(array.astype("M8[us]")), name)
        case "m":
            return _of_polars(pl.Series(array.astype("m8[us]")), name)
    return _of_objects(array.astype(object).tolist(), name)


def _of_polars(series: pl.Series, name: str) -> pl.Series:
    """The same of a polars column, whose types are more."""
    dtype = series.dtype
    if dtype == pl.String or dtype in (pl.Categorical, pl.Enum, pl.Boolean, pl.Time):
        return _texts(series.cast(pl.String))
    if dtype.is_integer():
        return series
    if dtype == pl.Decimal:
        return _decimals(series)
    if dtype.is_numeric():
        return series.cast(pl.Float64).fill_nan(None)
    if dtype == pl.Date:
        return series.dt.to_string("iso:strict")
    if dtype == pl.Datetime:
        return _times(series)
    if dtype == pl.Duration:
        return series.dt.total_microseconds() / 1e6
    if dtype == pl.Null:
        return series.cast(pl.String)
    if dtype == pl.Binary or dtype == pl.Object:
        return _of_objects(series.to_list(), name)
    raise _other(name, dtype.base_type().__name__.lower())


def _of_objects(values: list[Any], name: str) -> pl.Series:
    plain = set(map(type, values)) <= {str, type(None)}  # as most are: the rest takes longer
    known = values if plain else [None if _is_missing(value) else value for value in map(_plain, values)]
    kinds = {type(value) for value in known} - {type(None)}
    if kinds and all(issubclass(kind, Integral | Decimal) and kind is not bool for kind in kinds) and _are_whole(known):
        return _integers(known)
    if all(issubclass(kind, Real | Decimal) and kind is not bool for kind in kinds) and kinds:
        return pl.Series([None if value is None else float(value) for value in known], dtype=pl.Float64)
    if kinds and all(issubclass(kind, datetime.timedelta) for kind in kinds):
        return pl.Series([None if value is None else value.total_seconds() for value in known], dtype=pl.Float64)
    texts = values if plain else [None if value is None else _text(value, name) for value in known]
    try:
        return _texts(pl.Series(texts, dtype=pl.String))
    except UnicodeEncodeError:
        raise _other(name, "text that is no Unicode") from None


def _times(series: pl.Series) -> pl.Series:
    """Times as texts. A zone that is an offset, such as +05:30, polars can neither write nor take off."""
    zone = series.dtype.time_zone or ""  # pyright: ignore[reportAttributeAccessIssue]
    offset = zone if zone[:1] in ("+", "-") else ""
    if offset:
        sign, hours, minutes = offset[0], int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
        ahead = datetime.timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) + ahead
    texts = series.dt.cast_time_unit("us").dt.to_string("iso:strict").str.replace(".000000", "", literal=True)
    return texts + offset if offset else texts


def _decimals(series: pl.Series) -> pl.Series:
    """Whole numbers as integers, where their type has no others: floats do not tell neighbours beyond 2**53 apart."""
    return series.cast(pl.Float64 if series.dtype.scale else pl.Int128)  # pyright: ignore[reportAttributeAccessIssue]


def _are_whole(known: list[Any]) -> bool:
    return all(value is None or isinstance(value, Integral) or (value.is_finite() and value == int(value))
               for value in known)  # fmt: skip


def _integers(known: list[Any]) -> pl.Series:
    """Exact where 64 bits suffice."""
    whole = [None if value is None else int(value) for value in known]
    low, high = (bound(value for value in whole if value is not None) for bound in (min, max))
    if low >= -(2**63) and high < 2**64 and (low >= 0 or high < 2**63):
        return pl.Series(whole, dtype=pl.Int64 if high < 2**63 else pl.UInt64)
    return _texts(pl.Series([None if value is None else str(value) for value in whole], dtype=pl.String))


def _texts(series: pl.Series) -> pl.Series:
    return _cleaned(series.to_frame()).to_series()


def _cleaned(texts: pl.DataFrame) -> pl.DataFrame:
    """Without white space around them; null for words that are missing values anywhere."""
    return texts.select(pl.all().str.strip_chars().replace(dict.fromkeys(MISSING)))


def _plain(value: Any) -> Any:
    """Of NumPy's dates and durations as single values Python's own, of pandas' periods their first moment, None for its
    NA."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        plain = value.item()
        return value.astype(f"{value.dtype.kind}8[us]").item() if isinstance(plain, int) else plain
    if type(value).__name__ == "Period":
        return value.to_timestamp()
    return None if type(value).__name__ == "NAType" else value


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    # NaN, and pandas' NaT, differ from themselves.
    return isinstance(value, Real | Decimal | datetime.date | datetime.timedelta) and value != value


def _text(value: Any, name: str) -> str:
    match value:
        case str():
            return str(value)
        case bool() | np.bool_():
            return str(value).lower()
        case bytes():
            return _decoded(value, name)
        case Integral():
            return str(int(value))
        case Real() | Decimal():
            return as_texts(pl.Series([float(value)]))[0]
        case datetime.date() | datetime.time():
            return value.isoformat()
    raise _other(name, type(value).__name__)


def _decoded(value: bytes, name: str) -> str:
    try:
        return value.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise _other(name, "bytes that are no text") from None


def _other(name: str, kind: str) -> DataError:
    return DataError(f"column '{name}' holds {kind}; a table takes numbers, text, dates and truth values")
