"""Columns of text, whose values are categories."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from subgrad import ops
from subgrad.data.formats import Format, as_texts, is_text
from subgrad.data.kinds.column_kind import Encoded, Kind, missing_values
from subgrad.data.kinds.totals import Totals
from subgrad.data.lazy_polars import pl
from subgrad.graph.tensor import Tensor

MOST_CATEGORIES = 50


@dataclass(frozen=True)
class CategoryColumn(Kind):
    """A column of text: each category has a feature that is 1 where the value is that category, else 0.

    Categories are the 50 most frequent ones; if there are more, the rest, and later unknown ones, share the
    feature "other". Without it an unknown value gives 0 everywhere, as a missing one does. Missing values
    have a feature of their own if there were some in the rows fitted on. A later value may differ from its category
    in upper and lower case, and be a number where a file had digits.
    """

    kind: ClassVar[str] = "category"

    categories: list[str]
    others: int
    missing: int

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> CategoryColumn:
        """Learn from a column, at least one of its values not missing."""
        texts = as_texts(series)
        counts = texts.drop_nulls().alias("text").value_counts(name="count")
        return cls(name, format, *_kept(counts), texts.null_count())

    def of_all(self, totals: Totals) -> Self:
        categories, others = _kept(totals.counts.frame)
        return replace(self, categories=categories, others=others, missing=totals.missing)

    @property
    def features(self) -> list[str]:
        names = [f"{self.name}={category}" for category in self.categories]
        if self.others:
            names.append(f"{self.name} (other)")
        if self.missing:
            names.append(f"{self.name} (missing)")
        return names

    def encode(self, series: pl.Series) -> Encoded:
        places = self._places(series)
        none, unknown = series.is_null().to_numpy(), np.isnan(places)
        nowhere = len(self.features)
        codes = np.where(unknown, len(self.categories) if self.others else nowhere, places)
        codes = np.where(none, nowhere - 1 if self.missing else nowhere, codes).astype(np.int64)
        return Encoded(np.eye(nowhere + 1, nowhere, dtype=np.float32)[codes], unknown & ~none & (not self.others))

    def of_numbers(self, x: Tensor) -> Tensor:
        """Of the place of the category among the categories; any other number is a category that is unknown."""
        places = range(len(self.categories))
        found = [x == float(i) for i in places]
        none = ops.isnan(x)
        if self.others:
            known = functools.reduce(ops.logical_or, found)
            found.append(~(known | none))
        return ops.stack([f.astype(x.dtype) for f in [*found, *([none] if self.missing else [])]], 1)

    @property
    def numbers(self) -> str:
        return ", ".join(f"{i} for {category}" for i, category in enumerate(self.categories))

    def describe(self) -> list[str]:
        kept = f"the {len(self.categories)} most frequent" if self.others else len(self.categories)
        sentence = f"Column '{self.name}': {kept} categories became a column of 0 and 1 each"
        if self.others:
            sentence += f"; {self.others:,} rarer ones share '{self.name} (other)'"
        if self.missing:
            sentence += f"; '{self.name} (missing)' marks {missing_values(self.missing)}"
        return [f"{sentence}."]

    def _places(self, series: pl.Series) -> np.ndarray:
        """The place of each value among the categories, NaN where it is none of them."""
        texts = as_texts(series)
        found = _looked_up(texts, {category: i for i, category in enumerate(self.categories)})
        others = [(texts.str.to_lowercase(), str.lower)]
        others += [] if is_text(series) else [(series.cast(pl.Float64), _number)]
        for values, key in others:
            if np.isnan(found).any():
                found = np.where(np.isnan(found), _looked_up(values, _unique(self.categories, key)), found)
        return found


def _kept(counts: pl.DataFrame) -> tuple[list[str], int]:
    """The most frequent texts, sorted, and how many others there are."""
    ranked = counts.sort(["count", "text"], descending=[True, False])["text"].to_list()
    return sorted(ranked[:MOST_CATEGORIES]), len(ranked[MOST_CATEGORIES:])


def _looked_up(values: pl.Series, places: dict) -> np.ndarray:
    if not places:
        return np.full(len(values), np.nan)
    found = values.replace_strict(places, default=None, return_dtype=pl.Float64)
    return found.fill_null(float("nan")).to_numpy()


def _unique(categories: list[str], key) -> dict:
    """The places of the categories by a key, where it belongs to one of them only."""
    keys = [key(category) for category in categories]
    return {own: i for i, own in enumerate(keys) if own is not None and keys.count(own) == 1}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
