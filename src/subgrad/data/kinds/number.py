"""Columns of numbers, which are standardised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from subgrad import ops
from subgrad.data.column_names import listed
from subgrad.data.formats import Format, NumberFormat, unread
from subgrad.data.kinds.column_kind import (
    FURTHEST,
    IN_CACHE,
    Encoded,
    Kind,
    is_odd,
    mean_and_std,
    missing_values,
    standardised,
)
from subgrad.data.kinds.native_scaling import Learnt, is_worth, scale
from subgrad.data.kinds.totals import Moments, Totals
from subgrad.data.lazy_polars import pl
from subgrad.graph.tensor import Tensor

if TYPE_CHECKING:
    from subgrad.data.table import Table


@dataclass(frozen=True)
class NumberColumn(Kind):
    """A numeric column: ``(x - mean) / std``, after missing and infinite values became the median.

    If a value was missing in the rows fitted on, a second feature is 1 where it is missing and 0 elsewhere. A few
    values that were no numbers count as missing: ``odd`` of them, the most frequent ones being ``words``.
    """

    kind: ClassVar[str] = "number"
    what: ClassVar[str] = "numbers"
    usual: ClassVar[Format] = NumberFormat()

    median: float
    mean: float
    std: float
    missing: int
    odd: int = 0
    words: list[str] = field(default_factory=list)

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> NumberColumn:
        """Learn from a column, at least one of its values finite."""
        values = format.read(series)
        known = np.isfinite(values)
        median = 2 * float(np.median(values[known] / 2))  # the sum of two values in the middle may overflow
        mean, std = mean_and_std(np.where(known, values, median))
        odd, words = odd_values(series, values)
        return cls(name, format, median, mean, std, int(np.sum(~known)), odd, words)

    def of_all(self, totals: Totals) -> Self:
        m, filled = totals.moments, Moments(totals.missing, self.median, 0.0, self.median, self.median)
        m = m.and_(filled)
        return replace(self, mean=m.mean, std=m.deviation, missing=totals.missing, odd=totals.odd,
                       words=totals.frequent_words)  # fmt: skip

    @property
    def features(self) -> list[str]:
        return [self.name, f"{self.name} (missing)"] if self.missing else [self.name]

    def encode(self, series: pl.Series) -> Encoded:
        values = self.format.read(series)
        features = np.empty((len(values), len(self.features)), np.float32)
        SideBySide([self], [np.arange(features.shape[1])]).encode_matrix(values[:, None], features)
        return Encoded(features, unread(series, values))

    def of_numbers(self, x: Tensor) -> Tensor:
        known = ops.isfinite(x)
        scaled = ops.clip((ops.where(known, x, self.median) - self.mean) / self.std, -FURTHEST, FURTHEST)
        return ops.stack([scaled, ~known] if self.missing else [scaled], 1)

    def describe(self) -> list[str]:
        found = about_odd(self.name, self.odd, self.words, "no numbers")
        if self.missing:
            found.append(
                f"Column '{self.name}': {missing_values(self.missing)} became the median, {self.median:.6g}; "
                f"'{self.name} (missing)' marks where."
            )
        return found


class SideBySide:
    """Columns of numbers that become features together, as there may be many.

    Args:
        columns: of which all values can be read.
        places: of each, where its features are among those of all columns.

    Attributes:
        learnt: what is known of them.
    """

    def __init__(self, columns: Sequence[NumberColumn], places: Sequence[np.ndarray]) -> None:
        medians, means, stds = (
            np.array([getattr(c, name) for c in columns], np.float64) for name in ("median", "mean", "std")
        )
        numbers, marks = [own[0] for own in places], [own[1] if len(own) > 1 else -1 for own in places]
        self.learnt = Learnt(medians, means, stds, np.array(numbers, np.int64), np.array(marks, np.int64))
        self._marked = np.flatnonzero(self.learnt.marks >= 0)
        self._numbers, self._marks = _slice(self.learnt.places), _slice(self.learnt.marks[self._marked])

    def encode(self, table: Table, names: Sequence[str], features: np.ndarray) -> None:
        """Put what becomes of these columns of a table, which came as numbers, into the features (n, d)."""
        if is_worth(table.rows * len(names)):
            scale(table.numbers(names), self.learnt, features)
        else:
            self.encode_matrix(table.matrix(names), features)

    def encode_matrix(self, values: np.ndarray, features: np.ndarray) -> None:
        """The same of values (n, k), some rows at a time that stay in the cache."""
        medians, means, stds, *_ = self.learnt
        step = max(1, IN_CACHE // len(means))
        for start in range(0, len(values), step):
            part, rows = values[start : start + step], features[start : start + step]
            known = np.isfinite(part)
            filled = part if known.all() else np.where(known, part, medians)
            rows[:, self._numbers] = standardised(filled, means, stds)
            if len(self._marked):
                rows[:, self._marks] = ~known[:, self._marked]


def _slice(places: np.ndarray) -> slice | np.ndarray:
    """The same places, as a slice if they follow each other."""
    first = int(places[0]) if len(places) else 0
    return slice(first, first + len(places)) if (places == first + np.arange(len(places))).all() else places


def odd_values(series: pl.Series, values: np.ndarray) -> tuple[int, list[str]]:
    """How many values are there that could not be read, and the most frequent of them."""
    where = is_odd(series, values)
    if not where.any():
        return 0, []
    odd = series.filter(pl.Series(where))
    return len(odd), [str(word) for word in odd.value_counts(sort=True).to_series(0).head(3)]


def about_odd(name: str, odd: int, words: list[str], what: str) -> list[str]:
    """A sentence about values that could not be read, if there were some."""
    if not odd:
        return []
    values = "1 value that is" if odd == 1 else f"{odd:,} values that are"
    counts = "counts" if odd == 1 else "count"
    return [f"Column '{name}': {values} {what} ({listed(words)}) {counts} as missing."]
