"""The kinds of columns, and which one a column is."""

from __future__ import annotations

from typing import Any

from subgrad.data.formats import DateFormat, Format, NumberFormat, TruthFormat
from subgrad.data.kinds.boolean import TruthColumn
from subgrad.data.kinds.category import CategoryColumn
from subgrad.data.kinds.column_kind import Encoded, Kind, mean_and_std
from subgrad.data.kinds.date import DateColumn
from subgrad.data.kinds.number import NumberColumn
from subgrad.data.lazy_polars import pl

KINDS: dict[str, Any] = {cls.kind: cls for cls in (NumberColumn, DateColumn, TruthColumn, CategoryColumn)}
_OF_FORMAT: dict[type[Format], Any] = {NumberFormat: NumberColumn, DateFormat: DateColumn, TruthFormat: TruthColumn}


def fit_column(name: str, series: pl.Series, format: Format) -> Kind:
    """A column of the kind that its format asks for, learnt from its values."""
    return _OF_FORMAT.get(type(format), CategoryColumn).fit(name, series, format)


def kind_from_plain(plain: dict[str, Any]) -> Kind:
    """The inverse of `Kind.to_plain`. Raises `KeyError` or `TypeError` for anything else."""
    return KINDS[plain["kind"]].from_plain(plain)


__all__ = ["KINDS", "Encoded", "Kind", "fit_column", "kind_from_plain", "mean_and_std"]
