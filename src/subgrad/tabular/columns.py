"""Columns as a network for tables takes them: numbers on a robust scale, rich categories as places in a dictionary."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from subgrad import ops
from subgrad.data.formats import Format, NumberFormat, TruthFormat, as_texts, unread
from subgrad.data.formats.dates import DateFormat
from subgrad.data.kinds import KINDS, Encoded, Kind, fit_column
from subgrad.data.kinds.category import CategoryColumn
from subgrad.data.kinds.column_kind import missing_values
from subgrad.data.kinds.number import about_odd, odd_values
from subgrad.data.lazy_polars import pl
from subgrad.graph.tensor import Tensor
from subgrad.tabular import defaults


@dataclass(frozen=True)
class ScaledColumn(Kind):
    """A numeric column as two features: on a robust scale, and by its rank.

    The first is z = (x - median) / (upper - lower quartile), and of that z / sqrt(1 + (z/3)^2), which hardly changes
    the middle and keeps all within 3 (RealMLP, arXiv 2407.04491). The second is the quantile of a normal distribution
    at the share of values below x, piecewise linear between ``knots``: it tells values apart wherever there are many,
    as those beside a large share of zeros, which the first one crowds.

    Missing and infinite values become the median, 0 and its rank; if there were some in the rows fitted on, a third
    feature is 1 where one is missing. A few values that were no numbers count as missing: ``odd`` of them, such as
    ``words``.
    """

    kind: ClassVar[str] = "scaled"
    what: ClassVar[str] = "numbers"
    usual: ClassVar[Format] = NumberFormat()

    centre: float
    scale: float
    knots: list[float]
    levels: list[float]
    missing: int
    odd: int = 0
    words: list[str] = field(default_factory=list)

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> ScaledColumn:
        """Learn from a column, at least one of its values finite."""
        values = format.read(series)
        known = values[np.isfinite(values)]
        odd, words = odd_values(series, values)
        some = known[:: max(1, len(known) // defaults.SAMPLE)]
        return cls(name, format, *_robust(some), *_ranks(some), len(values) - len(known), odd, words)

    @property
    def features(self) -> list[str]:
        names = [self.name, f"{self.name} (rank)"]
        return [*names, f"{self.name} (missing)"] if self.missing else names

    def encode(self, series: pl.Series) -> Encoded:
        values = self.format.read(series)
        known = np.isfinite(values)
        filled = np.where(known, values, self.centre)
        with np.errstate(over="ignore"):
            z = np.clip((filled / self.scale - self.centre / self.scale) / defaults.CLIP, -1e6, 1e6)
        squashed = defaults.CLIP * z / np.sqrt(1 + z * z)
        features = [squashed, np.interp(filled, self.knots, self.levels), *([~known] if self.missing else [])]
        return Encoded(np.column_stack(features).astype(np.float32), unread(series, values))

    def of_numbers(self, x: Tensor) -> Tensor:
        known = ops.isfinite(x)
        filled = ops.where(known, x, self.centre)
        z = ops.clip((filled / self.scale - self.centre / self.scale) / defaults.CLIP, -1e6, 1e6)
        found = [defaults.CLIP * z / ops.sqrt(1 + z * z), ops.interp(filled, self.knots, self.levels)]
        return ops.stack([*found, (~known).astype(x.dtype)] if self.missing else found, 1)

    def to_plain(self) -> dict[str, Any]:
        """Without the levels of knots of which each stands for one share: a file has those of 20,000 columns."""
        plain = super().to_plain()
        return plain if self.levels != _even_levels(len(self.knots)) else {**plain, "levels": []}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Kind:
        return super().from_plain({**plain, "levels": plain["levels"] or _even_levels(len(plain["knots"]))})

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


def _even_levels(count: int) -> list[float]:
    """Quantiles of a normal distribution, of shares that lie evenly."""
    return [*_quantiles(count)]


@functools.cache
def _quantiles(count: int) -> tuple[float, ...]:
    return tuple(NormalDist().inv_cdf((i + 0.5) / count) for i in range(count))


def _ranks(known: np.ndarray) -> tuple[list[float], list[float]]:
    """Quantiles of a column, and those of a normal distribution there; of equal ones the mean."""
    shares, normal = (np.arange(defaults.KNOTS) + 0.5) / defaults.KNOTS, _even_levels(defaults.KNOTS)
    knots, first, counts = np.unique(2 * np.quantile(known / 2, shares), return_index=True, return_counts=True)
    levels = [float(np.mean(normal[i : i + n])) for i, n in zip(first, counts, strict=True)]
    return knots.tolist(), levels


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

    def of_numbers(self, x: Tensor) -> Tensor:
        """Of the place of the category among the categories from 0 on; any other number is one that is unknown."""
        known = (x >= 0) & (x < len(self.categories)) & (x == ops.floor(x))
        return ops.stack([ops.where(known, x + 1, 0)], 1)

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
