"""How the columns of a table write their values: numbers, dates, truth values, text.

A format is decided once, by a whole column, and then applied to each value on its own, whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subgrad.data.formats.base import FEW, Format, has_value, is_text, known_texts
from subgrad.data.formats.dates import DateFormat, decide_dates, decide_times
from subgrad.data.formats.numbers import Habit, NumberFormat, decide_numbers, habit_of
from subgrad.data.formats.text import TextFormat, as_texts
from subgrad.data.formats.truth import TruthFormat, decide_truth
from subgrad.data.lazy import pl

FORMATS: dict[str, type[Format]] = {cls.kind: cls for cls in (NumberFormat, DateFormat, TruthFormat, TextFormat)}
_SAMPLE = 1000


def decide_formats(columns: Mapping[str, pl.Series], semicolons: bool = False) -> dict[str, Format]:
    """The format of each column; what one leaves open, such as 1,234, the others of the table decide."""
    samples = [series.gather_every(max(len(series) // _SAMPLE, 1)) for series in columns.values() if is_text(series)]
    habit = habit_of(samples, semicolons)
    return {name: decide_format(series, name, habit) for name, series in columns.items()}


def decide_format(series: pl.Series, name: str = "", habit: Habit = "point") -> Format:
    """The format of a column, by all its values."""
    if not is_text(series):
        return decide_times(series, name) or NumberFormat()
    if not len(known_texts(series)):
        return NumberFormat() if series.null_count() == len(series) else TextFormat()
    if numbers := decide_numbers(series, habit):
        plain = series.cast(pl.Int64, strict=False) if numbers.decimal == "." else pl.Series([None])
        whole = plain.null_count() == series.null_count()
        return (decide_times(plain, name) if whole else None) or numbers
    return decide_truth(series) or decide_dates(series, comma=habit != "point") or TextFormat()


def format_from_plain(plain: Mapping[str, Any]) -> Format:
    """The inverse of ``to_plain``. Raises `KeyError` or `TypeError` for anything else."""
    fields = dict(plain)
    return FORMATS[fields.pop("kind")](**fields)


__all__ = [
    "FEW", "DateFormat", "Format", "NumberFormat", "TextFormat", "TruthFormat", "as_texts", "decide_format",
    "decide_formats", "format_from_plain", "has_value", "is_text",
]  # fmt: skip
