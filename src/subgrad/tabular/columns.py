"""Columns as a network for tables takes them: numbers on a robust scale, rich categories as places in a dictionary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from subgrad.data.formats import Format, NumberFormat, TruthFormat, as_texts, unread
from subgrad.data.formats.dates import DateFormat
from subgrad.data.kinds import KINDS, Encoded, Kind, fit_column
from subgrad.data.kinds.category import CategoryColumn
from subgrad.data.kinds.column_kind import missing_values
from subgrad.data.kinds.number import about_odd, odd_values
from subgrad.data.lazy_polars import pl
from subgrad.tabular import defaults


@dataclass(frozen=True)
class ScaledColumn(Kind):
    """A numeric column on a robust scale: z = (x - median) / (upper - lower quartile), and of that
    z / sqrt(1 + (z/3)^2), which hardly changes the middle and keeps all within 3 (RealMLP, arXiv 2407.04491).

    Missing and infinite values become the median, 0; if there were some in the rows fitted on, a second feature is 1
    where one is missing. A few values that were no numbers count as missing: ``odd`` of them, such as ``words``.
    """

    kind: ClassVar[str] = "scaled"
    what: ClassVar[str] = "numbers"
    usual: ClassVar[Format] = NumberFormat()

    centre: float
    scale: float
    missing: int
    odd: int = 0
    words: list[str] = field(default_factory=list)

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> ScaledColumn:
        """Learn from a column, at least one of its values finite."""
        values = format.read(series)
        known = values[np.isfinite(values)]
        centre, scale = _robust(known)
        return cls(name, format, centre, scale, len(values) - len(known), *odd_values(series, values))

    @property
    def features(self) -> list[str]:
        return [self.name, f"{self.name} (missing)"] if self.missing else [self.name]

    def encode(self, series: pl.Series) -> Encoded:
        values = self.format.read(series)
        known = np.isfinite(values)
        with np.errstate(over="ignore", invalid="ignore"):
            z = (values / self.scale - self.centre / self.scale) / defaults.CLIP
            squashed = defaults.CLIP * np.where(np.abs(z) > 1e6, np.sign(z), z / np.sqrt(1 + z * z))
        squashed = np.where(known, squashed, 0)
        features = [squashed, ~known] if self.missing else [squashed]
        return Encoded(np.column_stack(features).astype(np.float32), unread(series, values))

    def describe(self) -> list[str]:
        found = about_odd(self.name, self.odd, self.words, "no numbers")
        if self.missing:
            found.append(
                f"Column '{self.name}': {missing_values(self.missing)} became the median, {self.centre:.6g}; "
                f"'{self.name} (missing)' marks where."
            )
        return found


def _robust(known: np.ndarray) -> tuple[float, float]:
    """The median, and the distance of the quartiles; that of the ends, halved, where most values are one."""
    low, lower, centre, upper, high = (2 * float(q) for q in np.quantile(known / 2, [0, 0.25, 0.5, 0.75, 1]))
    with np.errstate(over="ignore"):
        scale = upper - lower if upper > lower else (high - low) / 2
    return centre, min(max(scale, np.finfo(np.float64).tiny), np.finfo(np.float64).max) if high > low else 1.0


@dataclass(frozen=True)
class EmbeddedColumn(CategoryColumn):
    """A column of many categories: one feature, the place of the value among them from 1 on.

    0 is the place of all others: missing values, those of later rows that are unknown, and the rare ones of the rows
    fitted on, from which the network learns what to make of the unknown.
    """

    kind: ClassVar[str] = "embedded"

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> EmbeddedColumn:
        """Learn from a column, at least one of its values not missing."""
        texts = as_texts(series)
        counts = texts.drop_nulls().alias("text").value_counts(name="count")
        ranked = counts.sort(["count", "text"], descending=[True, False])
        frequent = ranked.filter(pl.col("count") >= defaults.RARE)["text"].to_list()[: defaults.MOST_CATEGORIES]
        return cls(name, format, sorted(frequent), len(ranked) - len(frequent), texts.null_count())

    @property
    def features(self) -> list[str]:
        return [self.name]

    @property
    def size(self) -> int:
        """How many places there are."""
        return len(self.categories) + 1

    def encode(self, series: pl.Series) -> Encoded:
        places = self._places(series)
        unknown = np.isnan(places)
        codes = np.where(unknown, 0, places + 1).astype(np.float32)[:, None]
        return Encoded(codes, unknown & series.is_not_null().to_numpy() & (not self.others))

    def describe(self) -> list[str]:
        sentence = f"Column '{self.name}': each of its {len(self.categories):,} categories has a vector that is learnt"
        rest = [f"{self.others:,} rarer ones"] if self.others else []
        rest += [missing_values(self.missing)] if self.missing else []
        return [f"{sentence}; {' and '.join(rest)} share one." if rest else f"{sentence}."]


def fit_kind(name: str, series: pl.Series, format: Format) -> Kind:
    """A column of the kind that suits a network for tables, learnt from its values."""
    if isinstance(format, NumberFormat):
        return ScaledColumn.fit(name, series, format)
    if isinstance(format, (DateFormat, TruthFormat)):
        return fit_column(name, series, format)
    distinct = as_texts(series).drop_nulls().n_unique()
    return (EmbeddedColumn if distinct > defaults.ONE_HOT else CategoryColumn).fit(name, series, format)


def kind_from_plain(plain: dict[str, Any]) -> Kind:
    """The inverse of `Kind.to_plain`. Raises `KeyError` or `TypeError` for anything else."""
    return {**KINDS, ScaledColumn.kind: ScaledColumn, EmbeddedColumn.kind: EmbeddedColumn}[plain["kind"]].from_plain(
        plain
    )


__all__ = ["EmbeddedColumn", "ScaledColumn", "fit_kind", "kind_from_plain"]
