"""How a column writes its dates and times: the shapes that are known, and which number is the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from subgrad.data.formats.column_format import FEW, Format, is_text, known_texts
from subgrad.data.formats.months import MONTHS, WEEKDAYS, ZONES
from subgrad.data.lazy_polars import pl

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_ZONE = "|".join(ZONES)
_SEP = r" ?[-./ ] ?"
_TIME = (
    r"(?:(?:[t :]|, ?| (?:at|um|à) |-)(?P<H>\d{1,2})(?:[:.h]?(?P<M>\d{2})(?:[:.]?(?P<S>\d{2})(?P<F>[.,]\d+)?)?)?"
    r"(?: ?(?P<P>[ap])\.?m\.?| ?h| uhr)?"
    rf"(?: ?(?P<Z>[-+]\d{{2}}(?::?\d{{2}})?|(?:{_ZONE})(?:[-+]\d{{2}}:?\d{{2}})?))?(?:\[[^\]]*\])?(?: \([^)]*\))?)?"
)
_DAY_OF_WEEK = rf"(?:(?:{'|'.join(WEEKDAYS)})[a-zäöüéèçáã]*\.?,? )?"

_SHAPES = {
    "year first": rf"(?P<y>\d{{4}}){_SEP}(?P<m>\d{{1,2}}){_SEP}(?P<d>\d{{1,2}}){_TIME}",
    "year last": rf"{_DAY_OF_WEEK}(?P<a>\d{{1,2}}){_SEP}(?P<b>\d{{1,2}}){_SEP}(?P<y>\d{{4}}|\d{{2}}){_TIME}",
    # 30 and 31 are days, then
    "short year first": rf"(?P<y>[0-24-9]\d){_SEP}(?P<m>\d{{1,2}}){_SEP}(?P<d>\d{{1,2}}){_TIME}",
    "day, month's name": rf"{_DAY_OF_WEEK}(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|º)?\.?(?:[-/ ]| de |)(?P<N>{_MONTH})\.?"
    rf",?(?:[-/ ]| de |)(?P<y>\d{{4}}|\d{{2}}){_TIME}",
    "month's name, day": rf"{_DAY_OF_WEEK}(?P<N>{_MONTH})\.?[- ](?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? ?[- ]?(?P<y>\d{{4}})"
    rf"{_TIME}",
    "year, month's name": rf"(?P<y>\d{{4}})[-/ ]?(?P<N>{_MONTH})\.?[-/ ]?(?P<d>\d{{1,2}})?",
    "month's name": rf"(?P<N>{_MONTH})\.?(?:[-/ ,]+| de )(?P<y>\d{{4}}|'\d{{2}})",
    "short month": rf"(?P<N>{_MONTH})\.?[- ](?P<y>\d{{2}})",
    "time before year": rf"{_DAY_OF_WEEK}(?P<N>{_MONTH}) (?P<d>\d{{1,2}}) (?P<H>\d{{2}}):(?P<M>\d{{2}})"
    rf"(?::(?P<S>\d{{2}}))?(?: (?:{_ZONE}))? (?P<y>\d{{4}})",
    "year, month and day in Chinese": rf"(?P<y>\d{{4}}) ?年 ?(?P<m>\d{{1,2}}) ?月 ?(?P<d>\d{{1,2}}) ?日{_TIME}",
    "year and month": r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})",
    "month and year": r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})",
    "quarter": r"(?P<y>\d{4})[-_/ ]?q(?P<Q>[1-4])",
    "quarter first": r"q(?P<Q>[1-4])[-_/ ]?(?P<y>\d{4})",
    "month number": r"(?P<y>\d{4})m(?P<m>\d{1,2})",
    "week": r"(?P<y>\d{4})-?w(?P<W>\d{2})(?:-?(?P<D>[1-7]))?",
    "digits": r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})"
    r"(?:[t_ ]?(?P<H>\d{2})(?::?(?P<M>\d{2})(?::?(?P<S>\d{2}))?)?z?)?"
    r"(?:\.0+)?",  # as pandas writes whole numbers beside missing ones
    "time of day": r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?P<F>[.,]\d+)?)?(?: ?(?P<P>[ap])\.?m\.?)?",
}
"""What dates look like, in lower case. ``a`` and ``b`` are day and month in an order that the column decides."""
_UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
_PIVOT = 69  # years of two digits from here on are of the last century, as in POSIX
_MOMENTS = ("time", "date", "epoch", "stamp", "unix", "created", "_at", "_ts")


@dataclass(frozen=True)
class DateFormat(Format):
    """Dates, with or without a time, in one of the known shapes.

    Attributes:
        shape: its name; or of seconds (or parts of them) since 1970, "seconds", "milliseconds" and so on.
        day_first: which of two numbers is the day, where the shape leaves it open.
        sure: whether some date of the column showed it.
    """

    kind: ClassVar[str] = "date"
    shape: str = "year first"
    day_first: bool = True
    sure: bool = True

    def read(self, series: pl.Series) -> np.ndarray:
        """Seconds since 1970 in UTC, float64 (n,), NaN where there is no date or another shape.

        A date without a zone counts as in UTC.
        """
        return self.read_local(series)[0]

    def __post_init__(self) -> None:
        if self.shape not in _SHAPES and self.shape not in _UNITS:
            raise ValueError(f"there are no dates of the shape {self.shape!r}")

    def read_local(self, series: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """Seconds since 1970, and how many seconds the clock on the wall is ahead of UTC there.

        A text in ISO 8601, as dates of a frame are, is one in whatever shape the file had that was decided by.
        """
        times, ahead = self._read(series)
        if self.shape not in ("year first", "time of day") and is_text(series) and np.isnan(times).any():
            other = np.flatnonzero(np.isnan(times))
            times[other], ahead[other] = DateFormat()._read(series.gather(other))
        return times, ahead

    def _read(self, series: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """As `read_local`, in the one shape."""
        if self.shape in _UNITS:
            numbers = series.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy() / _UNITS[self.shape]
            return numbers, np.zeros(len(series))
        if not is_text(series):
            series = series.cast(pl.Int64, strict=False).cast(pl.String)
        fields = _normal(series).str.extract_groups(_pattern(self.shape))
        return _seconds(fields.struct.unnest(), self.day_first)

    def describe(self) -> str:
        if self.shape in _UNITS:
            return f"numbers are {self.shape} since 1970"
        if self.shape == "short year first":
            return "year/month/day"
        if self.shape != "year last":
            return ""
        order = "day/month/year" if self.day_first else "month/day/year"
        return order if self.sure else f"read as {order}: no date shows whether the day or the month comes first"


def decide_dates(series: pl.Series, comma: bool = False) -> DateFormat | None:
    """The shape in which nearly all texts (n,) are dates; ``comma`` says that the file has European habits."""
    known = known_texts(series)
    few = known.gather_every(max(len(known) // 200, 1))
    for shape in _likely(few):
        for chosen in (DateFormat(shape), DateFormat(shape, day_first=False)):
            if _share(chosen, few) >= FEW * 0.9 and _share(chosen, known) >= FEW:
                return _ordered(known, comma) if shape == "year last" else chosen
            if shape != "year last":
                break
    return None


def _likely(few: pl.Series) -> list[str]:
    """The shapes that most of some texts have, whatever the calendar says. To look costs a fiftieth of reading."""
    if not few.str.contains(r"\d").sum() >= FEW * 0.9 * len(few) > 0:
        return []
    texts = _normal(few)
    found = {shape: texts.str.contains(_pattern(shape)) for shape in _SHAPES}
    return [shape for shape, own in found.items() if (own | found["year first"]).sum() >= FEW * 0.9 * len(few)]


def is_called_moment(name: str) -> bool:
    """Whether a column is called as those are that count seconds since 1970.

    >>> is_called_moment("timestamp"), is_called_moment("price")
    (True, False)
    """
    return any(word in name.lower() for word in _MOMENTS)


def decide_times(series: pl.Series, name: str) -> DateFormat | None:
    """The format of numbers that are dates: 20210131, also with a time behind it, or seconds since 1970 if the column
    is called a time."""
    known = series.drop_nulls() if series.null_count() else series
    if not len(known):
        return None
    numbers = known.cast(pl.Float64).to_numpy()
    low, high = numbers.min(), numbers.max()
    if low >= 19000101 and (numbers == np.floor(numbers)).all():
        few = known.gather_every(max(len(known) // 200, 1))
        if all(_share(DateFormat("digits"), some) == 1 for some in (few, known)):
            return DateFormat("digits")
    if not is_called_moment(name):
        return None
    for unit, size in _UNITS.items():
        if 3e8 * size <= low and high <= 4.2e9 * size:  # from 1979 to 2103
            return DateFormat(unit)
    return None


def _normal(series: pl.Series) -> pl.Series:
    """Texts in lower case, with single spaces, and without brackets around them."""
    return series.str.to_lowercase().str.replace_all(r"\s+", " ").str.replace(r"^\[(.*)\]$", "${1}")


def _pattern(shape: str) -> str:
    return rf"^(?:{_SHAPES[shape]})\.?$"


def _share(chosen: DateFormat, known: pl.Series) -> float:
    return float(np.mean(~np.isnan(chosen.read(known)))) if len(known) else 0.0


def _ordered(known: pl.Series, comma: bool) -> DateFormat:
    """Which number is the day, and which the year: as more of the dates can be read, else as they step more evenly."""
    day_first, month_first, year_first = found = [
        DateFormat("year last"), DateFormat("year last", day_first=False), DateFormat("short year first")
    ]  # fmt: skip
    ranks = [_rank(how.read(known)) for how in found]
    best = [how for how, rank in zip(found, ranks, strict=True) if rank == min(ranks)]
    if len(best) == 1:
        return best[0]
    points, dashes = (bool(known.head(1).str.contains(rf"^\D*\d+\{mark}").all()) for mark in ".-")
    wanted = [day_first, month_first] if comma or points else [month_first, day_first]
    wanted = [year_first, *wanted] if dashes else [*wanted, year_first]
    return replace(next(how for how in wanted if how in best), sure=False)


def _rank(times: np.ndarray) -> tuple[int, float, int]:
    """The less, the likelier a reading of dates; rows in no order tell by how few years there are."""
    known = times[~np.isnan(times)]
    rough = round(_roughness(known), 1)
    return -len(known), rough, len(np.unique(known.astype("M8[s]").astype("M8[Y]"))) if rough == np.inf else 0


def _roughness(times: np.ndarray) -> float:
    """How uneven the steps of dates are, in the order of the rows if that is the order of time; infinite if not."""
    steps = np.diff(times)
    if len(steps) < 3 or not ((steps >= 0).all() or (steps <= 0).all()) or not steps.any():
        return np.inf
    return float(np.abs(steps).max() / np.median(np.abs(steps[steps != 0])))


def _seconds(fields: pl.DataFrame, day_first: bool) -> tuple[np.ndarray, np.ndarray]:
    n = fields.height
    year, quarter, week = (_whole(fields, name) for name in "yQW")
    if "y" in fields.columns:
        short = (fields["y"].str.strip_chars("'").str.len_chars() == 2).fill_null(False).to_numpy()
        year = np.where(short, year + np.where(year < _PIVOT, 2000, 1900), year)
    month = _whole(fields, "m", 1)
    if "a" in fields.columns:
        day, month = (_whole(fields, name) for name in ("ab" if day_first else "ba"))
    else:
        day = _whole(fields, "d", 1)
    if "N" in fields.columns:
        month = fields["N"].replace_strict(MONTHS, default=None, return_dtype=pl.Float64).fill_null(np.nan).to_numpy()
    if "Q" in fields.columns:
        month = 3 * quarter - 2
    if "y" not in fields.columns:
        year = np.where(np.isnan(_whole(fields, "H")), np.nan, 1970)
    days = _days(year, month, day)
    if "W" in fields.columns:
        days = _days_of_week(year, week, _whole(fields, "D", 1))
    wall = 86400 * days + _time(fields)
    offset = _offsets(fields["Z"]) if "Z" in fields.columns else np.zeros(n)
    return wall - offset, offset


def _whole(fields: pl.DataFrame, name: str, otherwise: float = np.nan) -> np.ndarray:
    if name not in fields.columns:
        return np.full(fields.height, otherwise)
    column = fields[name].str.strip_chars("'").cast(pl.Float64, strict=False)
    return column.fill_null(otherwise).to_numpy()


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970, NaN for what is no date of the calendar."""
    fits = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & ~np.isnan(year)
    months = np.where(fits, (year - 1970) * 12 + month - 1, 0).astype(np.int64).astype("M8[M]")
    days = months.astype("M8[D]") + np.where(fits, day - 1, 0).astype(np.int64)
    fits &= days.astype("M8[M]") == months
    return np.where(fits, days.astype(np.int64), np.nan)


def _days_of_week(year: np.ndarray, week: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970 of a day of an ISO week; its first one has the year's first Thursday."""
    fourth = _days(year, np.ones_like(year), np.full_like(year, 4))
    monday = fourth - (fourth + 3) % 7
    return np.where((week >= 1) & (week <= 53), monday + 7 * (week - 1) + day - 1, np.nan)


def _time(fields: pl.DataFrame) -> np.ndarray:
    """Seconds since midnight, NaN for what is no time."""
    hour, minute, second = (_whole(fields, name, 0) for name in "HMS")
    if "P" in fields.columns:
        half = fields["P"].is_not_null().to_numpy()
        late = (fields["P"] == "p").fill_null(False).to_numpy()
        hour = np.where(half, np.where(hour > 12, np.nan, hour % 12) + 12 * late, hour)
    if "F" in fields.columns:
        second = second + fields["F"].str.replace(",", ".").cast(pl.Float64, strict=False).fill_null(0).to_numpy()
    fits = (hour < 24) & (minute < 60) & (second < 61) | (hour == 24) & (minute + second == 0)
    return np.where(fits, 3600 * hour + 60 * minute + second, np.nan)


def _offsets(zones: pl.Series) -> np.ndarray:
    """How many seconds the clock is ahead of UTC."""
    found = {zone: _offset(zone) for zone in zones.unique() if zone is not None}
    if not found:
        return np.zeros(len(zones))
    return zones.replace_strict(found, default=0.0, return_dtype=pl.Float64).to_numpy(writable=True)


def _offset(zone: str) -> float:
    letters = zone.rstrip("0123456789:+-")
    digits = zone[len(letters) :].replace(":", "")
    ahead = 3600 * ZONES.get(letters, 0)
    if not digits:
        return ahead
    sign = -1 if digits[0] == "-" else 1
    return ahead + sign * (3600 * int(digits[1:3]) + 60 * int(digits[3:5] or 0))


def spoken(seconds: Iterable[float]) -> list[str]:
    """Dates for people, in ISO 8601.

    >>> spoken([0.0, 86400.0])
    ['1970-01-01', '1970-01-02']
    """
    times = np.array([int(s) for s in seconds], "M8[s]")
    whole = bool((times == times.astype("M8[D]")).all())
    return [str(time) for time in (times.astype("M8[D]") if whole else times)]
