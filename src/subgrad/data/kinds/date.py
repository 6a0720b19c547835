"""Columns of dates: a trend, and where in the year, the week and the day a date lies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from subgrad.data.formats import DateFormat, Format, unread
from subgrad.data.formats.dates import spoken
from subgrad.data.kinds.column_kind import Encoded, Kind, mean_and_std, missing_values, standardised
from subgrad.data.kinds.number import about_odd, odd_values
from subgrad.data.kinds.totals import Totals
from subgrad.data.lazy_polars import pl

_DAY, _YEAR = 86400.0, 365.2425 * 86400
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_WAVES = [f"{wave}{times}" for times in ("", " 2") for wave in ("sin", "cos")]


@dataclass(frozen=True)
class DateColumn(Kind):
    """A column of dates: time, standardised, and the calendar parts that vary in the rows fitted on.

    The parts are "year" and "day", as two waves each over a year and a day, and "week", a feature of 0 and 1 for each
    day of the week. They follow the clock on the wall, time goes by UTC. Where a date is missing, all are 0; if one was
    missing in the rows fitted on, a last feature is 1 there.
    """

    kind: ClassVar[str] = "date"
    what: ClassVar[str] = "dates"
    usual: ClassVar[Format] = DateFormat()

    mean: float
    std: float
    parts: list[str]
    first: float
    last: float
    missing: int
    odd: int = 0
    words: list[str] = field(default_factory=list)

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> DateColumn:
        """Learn from a column, at least one of its values a date."""
        times, ahead = _read(format, series)
        known = np.isfinite(times)
        parts = _parts(times[known] + ahead[known])
        mean, std = mean_and_std(times[known])
        first, last = float(times[known].min()), float(times[known].max())
        return cls(name, format, mean, std, parts, first, last, int(np.sum(~known)), *odd_values(series, times))

    def of_all(self, totals: Totals) -> Self:
        m = totals.moments
        return replace(self, mean=m.mean, std=m.deviation, first=m.low, last=m.high, missing=totals.missing,
                       odd=totals.odd, words=totals.frequent_words)  # fmt: skip

    @property
    def features(self) -> list[str]:
        names = {
            "year": [f"{self.name} (year, {wave})" for wave in _WAVES],
            "week": [f"{self.name}={day}" for day in _DAYS],
            "day": [f"{self.name} (day, {wave})" for wave in _WAVES],
        }
        parts = [name for part in self.parts for name in names[part]]
        return [self.name, *parts, *([f"{self.name} (missing)"] if self.missing else [])]

    def encode(self, series: pl.Series) -> Encoded:
        times, ahead = _read(self.format, series)
        none = ~np.isfinite(times)
        wall = np.where(none, 0, times + ahead)
        features = [standardised(np.where(none, self.mean, times), self.mean, self.std)[:, None]]
        features += [np.where(none[:, None], 0, _PARTS[part](wall)) for part in self.parts]
        features += [none[:, None]] if self.missing else []
        return Encoded(np.concatenate(features, 1, dtype=np.float32), unread(series, times))

    def describe(self) -> list[str]:
        clock = isinstance(self.format, DateFormat) and self.format.shape == "time of day"
        first, last = (text.partition("T")[2] or text if clock else text for text in spoken([self.first, self.last]))
        what = "times of day" if clock else "dates"
        written = f", {how}" if (how := self.format.describe()) else ""
        parts = f" and its place in the {' and the '.join(self.parts)}" if self.parts else ""
        missing = f"; '{self.name} (missing)' marks {missing_values(self.missing)}" if self.missing else ""
        sentence = f"Column '{self.name}': {what} from {first} to {last}{written}; they became time{parts}{missing}."
        return [*about_odd(self.name, self.odd, self.words, "no dates"), sentence]


def _read(format: Format, series: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(format, DateFormat)
    return format.read_local(series)


def _parts(wall: np.ndarray) -> list[str]:
    """The parts of the calendar that vary, and of which more than one turn was seen."""
    days = np.floor(wall / _DAY)
    span = days.max() - days.min()
    of_month = (days.astype("M8[D]") - days.astype("M8[D]").astype("M8[M]")).astype(int)
    monthly = np.mean(of_month == np.bincount(of_month).argmax()) > 0.9
    found = ["year"] if span > 400 and len(np.unique(np.round(wall / _YEAR % 1, 2))) > 3 else []
    found += ["week"] if span > 13 and not monthly and len(np.unique(days % 7)) > 1 else []
    return [*found, *(["day"] if len(np.unique(wall // 3600 % 24)) > 1 else [])]


def _waves(turns: np.ndarray) -> np.ndarray:
    angles = 2 * np.pi * turns[:, None] * [1, 1, 2, 2]
    return np.where([True, False, True, False], np.sin(angles), np.cos(angles))


def _of_week(wall: np.ndarray) -> np.ndarray:
    day = (np.floor(wall / _DAY).astype(np.int64) + 3) % 7  # 1970 began on a Thursday
    return np.eye(7)[day]


_PARTS = {"year": lambda wall: _waves(wall / _YEAR), "week": _of_week, "day": lambda wall: _waves(wall / _DAY)}
