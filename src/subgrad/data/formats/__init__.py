"""How the columns of a table write their values: numbers, dates, truth values, text.

A format is decided once, by a whole column, and then applied to each value on its own, whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subgrad.data.formats.booleans import TruthFormat, decide_truth
from subgrad.data.formats.column_format import FEW, Format, has_value, is_text, known_texts, unread
from subgrad.data.formats.dates import DateFormat, decide_dates, decide_times, is_called_moment
from subgrad.data.formats.numbers import VOTERS, Habit, NumberFormat, decide_numbers, habit_of
from subgrad.data.formats.texts import TextFormat, as_texts
from subgrad.data.lazy_polars import pl
from subgrad.validators import typed

FORMATS: dict[str, type[Format]] = {cls.kind: cls for cls in (NumberFormat, DateFormat, TruthFormat, TextFormat)}
_SAMPLE = 1000


def decide_formats(columns: Mapping[str, pl.Series], semicolons: bool = False) -> dict[str, Format]:
    """The format of each column; what one leaves open, such as 1,234, the others of the table decide."""
    texts = [series for series in columns.values() if is_text(series)]
    samples = [series.gather_every(max(len(series) // _SAMPLE, 1)) for series in texts[:VOTERS]]
    habit = habit_of(samples, semicolons)
    plain = _plain_numbers(columns) if habit == "point" else set()
    return {name: NumberFormat() if name in plain else decide_format(series, name, habit)
            for name, series in columns.items()}  # fmt: skip


def _plain_numbers(columns: Mapping[str, pl.Series]) -> set[str]:
    """The columns of texts that are numbers as Python writes them, not all whole, in one go for wide tables."""
    names = [name for name, series in columns.items()
             if is_text(series) and series.null_count() < len(series) and not is_called_moment(name)]  # fmt: skip
    if not names:
        return set()
    frame = pl.DataFrame([columns[name].alias(str(place)) for place, name in enumerate(names)])
    none = frame.null_count().row(0)
    numbers, whole = (frame.select(pl.all().cast(kind, strict=False).null_count()).row(0)
                      for kind in (pl.Float64, pl.Int64))  # fmt: skip
    return {name for place, name in enumerate(names) if none[place] == numbers[place] < whole[place]}


def decide_format(series: pl.Series, name: str = "", habit: Habit = "point") -> Format:
    """The format of a column, by all its values."""
    if not is_text(series):
        return decide_times(series, name) or NumberFormat()
    if not len(known_texts(series)):
        return NumberFormat() if series.null_count() == len(series) else TextFormat()
    if numbers := decide_numbers(series, habit):
        plain = series.cast(pl.Float64, strict=False) if numbers.decimal == "." else pl.Series([None])
        read = plain.null_count() == series.null_count()
        return (decide_times(plain, name) if read else None) or numbers
    return decide_truth(series) or decide_dates(series, comma=habit != "point") or TextFormat()


def format_from_plain(plain: Mapping[str, Any]) -> Format:
    """The inverse of ``to_plain``. Raises `KeyError` or `TypeError` for anything else."""
    fields = dict(plain)
    return typed(FORMATS[fields.pop("kind")](**fields))


__all__ = [
    "FEW", "DateFormat", "Format", "NumberFormat", "TextFormat", "TruthFormat", "as_texts", "decide_format",
    "decide_formats", "format_from_plain", "has_value", "is_text", "unread",
]  # fmt: skip
