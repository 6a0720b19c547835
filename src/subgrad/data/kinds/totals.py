"""What is counted exactly of columns that are never in memory as a whole, a part at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from subgrad.data.formats import DateFormat, Format, NumberFormat, TextFormat, as_texts
from subgrad.data.kinds.column_kind import IN_CACHE, is_odd, mean_and_std
from subgrad.data.lazy_polars import pl

KEPT = 10_000
"""Values whose frequencies are kept."""


@dataclass(frozen=True)
class Moments:
    """How many numbers there are, their mean and standard deviation (not of a sample), the least and the largest.

    >>> Moments.of(np.array([1.0, 3.0])).and_(Moments.of(np.array([2.0, 2.0])))
    Moments(count=4, mean=2.0, std=0.7071067811865476, low=1.0, high=3.0)
    """

    count: int = 0
    mean: float = 0.0
    std: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Those of finite numbers (n,)."""
        if not len(values):
            return cls()
        low, high = float(values.min()), float(values.max())
        return cls(len(values), *(mean_and_std(values) if low < high else (low, 0.0)), low, high)

    @classmethod
    def of_columns(cls, values: np.ndarray) -> list[Moments]:
        """Those of the finite numbers in each column of (n, k), of many columns at once where all are finite.

        >>> Moments.of_columns(np.array([[1.0, np.nan], [3.0, 2.0]]))[1]
        Moments(count=1, mean=2.0, std=0.0, low=2.0, high=2.0)
        """
        step = max(1, IN_CACHE // max(len(values), 1))
        parts = (values.T[start : start + step] for start in range(0, values.shape[1], step))
        return [moments for part in parts for moments in cls._of_rows(part)]

    @classmethod
    def _of_rows(cls, values: np.ndarray) -> list[Moments]:
        """Those of each row of (k, n), as `of` has them."""
        whole = np.logical_and.reduce(np.isfinite(values), axis=1)
        numbers = (values if whole.all() else values[whole]).astype(np.float64)
        if not numbers.size:
            return [cls.of(v[np.isfinite(v)].astype(np.float64)) for v in values]
        n = numbers.shape[1]
        low, high = numbers.min(1), numbers.max(1)
        scales = np.maximum(np.abs(low), np.abs(high))
        scales[scales == 0] = 1
        numbers /= scales[:, None]
        means = numbers.sum(1) / n
        numbers -= means[:, None]
        numbers *= numbers
        means, stds = scales * means, scales * np.sqrt(numbers.sum(1) / n)
        varies = low < high
        found = zip(np.where(varies, means, low), np.where(varies, stds, 0), low, high, strict=True)
        of_whole = (cls(n, *map(float, each)) for each in found)
        return [next(of_whole) if all_known else cls.of(v[np.isfinite(v)].astype(np.float64))
                for all_known, v in zip(whole.tolist(), values, strict=True)]  # fmt: skip

    def and_(self, other: Moments) -> Moments:
        """Those of both together (Chan, Golub, LeVeque 1983), without overflow on the way."""
        if not self.count or not other.count:
            return self if self.count else other
        n = self.count + other.count
        own, theirs = self.count / n, other.count / n
        apart = other.mean - self.mean
        spread = np.hypot(np.hypot(self.std * own**0.5, other.std * theirs**0.5), apart * (own * theirs) ** 0.5)
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Moments(n, float(self.mean + apart * theirs), float(spread), low, high)

    @property
    def deviation(self) -> float:
        """The standard deviation, 1 instead of 0."""
        return self.std or 1.0


class Counts:
    """How often each value occurs: exact until there are more than `KEPT` different ones.

    From then on the rarest are forgotten, and every count is too small by at most ``forgotten``, which is less than a
    `KEPT`-th of all values (Misra, Gries 1982; such counts can be put together: Agarwal et al. 2012).
    """

    def __init__(self) -> None:
        self._found: pl.DataFrame | None = None
        self.forgotten = 0

    def add(self, values: pl.Series) -> None:
        """Count more values; those that are missing do not count."""
        found = values.alias("text").drop_nulls().value_counts(name="count").cast({"count": pl.Int64})
        if self._found is not None:
            found = pl.concat([self._found, found]).group_by("text").agg(pl.col("count").sum())
        if found.height > KEPT:
            found = found.sort(["count", "text"], descending=[True, False])
            less = int(found["count"][KEPT])
            found = found.head(KEPT).with_columns(pl.col("count") - less).filter(pl.col("count") > 0)
            self.forgotten += less
        self._found = found

    @property
    def frame(self) -> pl.DataFrame:
        """The values, "text", and how often each occurs, "count"."""
        return pl.DataFrame(schema={"text": pl.String, "count": pl.Int64}) if self._found is None else self._found


@dataclass
class Totals:
    """What is known of all rows of a column, read in some format.

    Attributes:
        rows: how many there are.
        missing: how many have no value, or one that is not finite or could not be read.
        odd: how many have a value that could not be read.
        moments: of the numbers; of dates in seconds.
        counts: of texts.
        words: of the values that could not be read.
    """

    rows: int = 0
    missing: int = 0
    odd: int = 0
    moments: Moments = Moments()
    counts: Counts = field(default_factory=Counts)
    words: Counts = field(default_factory=Counts)

    def add(self, series: pl.Series, format: Format) -> None:
        """Count more rows."""
        if isinstance(format, TextFormat):
            self.rows += len(series)
            texts = as_texts(series)
            self.missing += texts.null_count()
            self.counts.add(texts)
            return
        values = format.read(series)
        self.add_numbers(values)
        if isinstance(format, NumberFormat | DateFormat) and (odd := is_odd(series, values)).any():
            self.odd += int(odd.sum())
            self.words.add(series.filter(pl.Series(odd)).cast(pl.String))

    def add_numbers(self, values: np.ndarray) -> None:
        """Count more rows of numbers, NaN where there is none."""
        known = values[np.isfinite(values)].astype(np.float64, copy=False)
        self.add_moments(len(values), Moments.of(known))

    def add_moments(self, rows: int, moments: Moments) -> None:
        """Count more rows by the moments of their numbers; the others have none."""
        self.rows += rows
        self.missing += rows - moments.count
        self.moments = self.moments.and_(moments)

    @property
    def varies(self) -> bool:
        """Whether there is more than one value, or one that is missing beside others."""
        if self.counts.frame.height:
            return self.counts.frame.height > 1 or self.missing > 0
        return self.moments.count > 0 and (self.moments.low < self.moments.high or self.missing > 0)

    @property
    def frequent_words(self) -> list[str]:
        """The most frequent ones that could not be read."""
        if not self.odd:
            return []
        return self.words.frame.sort(["count", "text"], descending=[True, False])["text"].head(3).to_list()

    @property
    def may_number_rows(self) -> bool:
        """Whether rows may be numbered so, of which these are some: all whole, none missing, from 0 on."""
        m = self.moments
        return self.missing == 0 and m.low >= 0 and m.low.is_integer() and m.high.is_integer()

    @property
    def numbers_rows(self) -> bool:
        """Whether the numbers can only be those of the rows from 0 or 1 on: their mean and spread are."""
        m, n = self.moments, self.rows
        if m.count < n or m.low not in (0, 1) or m.high != m.low + n - 1:
            return False
        return bool(np.allclose([m.mean, m.std], [m.low + (n - 1) / 2, ((n * n - 1) / 12) ** 0.5], rtol=1e-9))


__all__ = ["Counts", "Moments", "Totals"]
