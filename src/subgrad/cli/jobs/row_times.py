"""When the rows of a table were: by a column of dates, by several that say it together, or by numbers that rise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from subgrad.data import Table
from subgrad.data.column_names import listed
from subgrad.data.formats import DateFormat, NumberFormat
from subgrad.data.table import is_number, missing_mask

_CALLED = {
    "year": ("year", "yr", "jahr", "année", "annee", "año", "anno", "jaar"),
    "month": ("month", "mnth", "monat", "mois", "mes", "mese", "maand"),
    "day": ("day", "dy", "mday", "tag", "jour", "día", "dia", "giorno", "dag"),
    "hour": ("hour", "hr", "hh", "stunde", "heure", "hora", "ora", "uur"),
    "minute": ("minute", "minuto"),
}
_WITHIN = {"year": (1000, 3000), "month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 59)}


class Times(NamedTuple):
    """When rows were, (n,), NaN where nothing says it; the columns that say it; and what a user should know of it."""

    values: np.ndarray
    columns: list[str]
    told: list[str]


def times_of(table: Table, target: str) -> Iterator[Times]:
    """Whatever may say when a row was, the likeliest first."""
    others = [name for name in table if name != target]
    dates = [name for name in others if isinstance(table.format(name), DateFormat)]
    for name in sorted(dates, key=lambda name: _is_clock(table, name)):
        yield _by_dates(table, name, others)
    parts = _parts(table, others)
    if "year" in parts and "month" in parts and are_single((by_parts := _by_parts(table, parts)).values):
        yield by_parts
    if others and others[0] == next(iter(table)) and others[0] not in dates:
        rising = _rising(table[others[0]])
        if rising is not None:
            yield Times(rising, others[:1], [])


def _by_dates(table: Table, name: str, others: list[str]) -> Times:
    """By a column of dates; where days come several times, with a column of times of day, or of hours, beside them."""
    how = table.format(name)
    assert isinstance(how, DateFormat)
    values, written = how.read(table.series(name)), how.describe()
    told = [f"Its dates are {written}."] if written else []
    known = values[np.isfinite(values)]
    if _is_clock(table, name) or (known % 86400).any() or len(np.unique(known)) == len(known):
        return Times(values, [name], told)
    if (clock := next((other for other in others if _is_clock(table, other)), None)) is not None:
        of_day = table.format(clock)
        assert isinstance(of_day, DateFormat)
        return Times(values + of_day.read(table.series(clock)), [name, clock], told)
    parts = {part: own for part, own in _parts(table, others).items() if part in ("hour", "minute")}
    if "hour" not in parts:
        return Times(values, [name], told)
    return Times(values + _seconds(table, parts), [name, *parts.values()], told)


def _is_clock(table: Table, name: str) -> bool:
    how = table.format(name)
    return isinstance(how, DateFormat) and how.shape == "time of day"


def _by_parts(table: Table, parts: Mapping[str, str]) -> Times:
    """By columns of years, months and so on."""
    year, month = (_numbers(table, parts[part]).astype(np.int64) for part in ("year", "month"))
    day = _numbers(table, parts["day"]).astype(np.int64) if "day" in parts else np.ones_like(year)
    days = ((year - 1970) * 12 + month - 1).astype("M8[M]").astype("M8[D]").astype(np.int64) + day - 1
    return Times(86400.0 * days + _seconds(table, parts), list(parts.values()), [])


def _seconds(table: Table, parts: Mapping[str, str]) -> np.ndarray:
    """Since midnight, by columns of hours and minutes."""
    sizes = {"hour": 3600.0, "minute": 60.0}
    return sum((sizes[part] * _numbers(table, parts[part]) for part in sizes if part in parts), np.zeros(table.rows))


def _parts(table: Table, names: list[str]) -> dict[str, str]:
    """Columns of whole numbers that are called as parts of a date, and may be these."""
    found: dict[str, str] = {}
    for name in names:
        for part, called in _CALLED.items():
            if name.lower() in called and part not in found and _fits(_numbers(table, name), *_WITHIN[part]):
                found[part] = name
    return found


def _numbers(table: Table, name: str) -> np.ndarray:
    """Numbers, also with zeros before them, which make codes of others."""
    return NumberFormat().read(table.series(name))


def _fits(column: np.ndarray, low: int, high: int) -> bool:
    whole = np.isfinite(column).all() and (column == np.floor(column)).all()
    return bool(whole and len(column) and low <= column.min() and column.max() <= high)


def _rising(column: np.ndarray) -> np.ndarray | None:
    """Numbers that only rise or only fall, as years do."""
    if not is_number(column) or missing_mask(column).any():
        return None
    steps = np.diff(column)
    return column if len(steps) and ((steps > 0).all() or (steps < 0).all()) else None


def are_single(times: np.ndarray) -> bool:
    """Whether most times come once, as those of one series do."""
    return len(np.unique(times)) > 0.6 * len(times)


def saying(columns: list[str]) -> str:
    """That some columns say when a row was.

    >>> saying(["date"]), saying(["date", "time"])
    ("'date' says when a row was.", "'date', 'time' together say when a row was.")
    """
    return f"{listed(columns)} {'says' if len(columns) == 1 else 'together say'} when a row was."


__all__ = ["Times", "are_single", "saying", "times_of"]
