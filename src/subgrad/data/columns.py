"""How one column of a table becomes features: numbers are standardised, texts become columns of 0 and 1."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from subgrad.data.table import is_number, number_text
from subgrad.errors import DataError

MOST_CATEGORIES = 50
# In deviations from the mean. No row that was fitted on comes near it (of n values none is further off than
# sqrt(n)), but a slip of the keyboard in a later file must not become an infinite float32.
FURTHEST = 1e6


@dataclass(frozen=True)
class NumberColumn:
    """A numeric column: ``(x - mean) / std``, after missing and infinite values became the median.

    If a value was missing in the rows fitted on, a second feature is 1 where it is missing and 0 elsewhere.
    """

    name: str
    median: float
    mean: float
    std: float
    missing: int

    @classmethod
    def fit(cls, name: str, column: np.ndarray) -> NumberColumn:
        """Learn from values (n,), at least one of them finite."""
        known = np.isfinite(column)
        median = 2 * float(np.median(column[known] / 2))  # the sum of two values in the middle may overflow
        mean, std = mean_and_std(np.where(known, column, median))
        return cls(name, median, mean, std, int(np.sum(~known)))

    @property
    def features(self) -> list[str]:
        return [self.name, f"{self.name} (missing)"] if self.missing else [self.name]

    def transform(self, column: np.ndarray) -> np.ndarray:
        """Features (n, 1) or (n, 2) of values (n,)."""
        values = _as_numbers(column, self.name)
        known = np.isfinite(values)
        with np.errstate(over="ignore"):
            scaled = (np.where(known, values, self.median) - self.mean) / self.std
        scaled = np.clip(scaled, -FURTHEST, FURTHEST)
        features = [scaled, ~known] if self.missing else [scaled]
        return np.column_stack(features).astype(np.float32)

    def describe(self) -> list[str]:
        if not self.missing:
            return []
        return [
            f"Column '{self.name}': {_missing_values(self.missing)} became the median, {self.median:.6g}; "
            f"'{self.name} (missing)' marks where."
        ]


@dataclass(frozen=True)
class CategoryColumn:
    """A column of text: each category has a feature that is 1 where the value is that category, else 0.

    Categories are the 50 most frequent ones; if there are more, the rest, and later unknown ones, share the
    feature "other". Without it an unknown value gives 0 everywhere, as a missing one does. Missing values
    have a feature of their own if there were some in the rows fitted on.
    """

    name: str
    categories: list[str]
    others: int
    missing: int

    @classmethod
    def fit(cls, name: str, column: np.ndarray) -> CategoryColumn:
        """Learn from texts (n,), at least one of them not missing."""
        counts = Counter(text for text in column if text is not None)
        ranked = sorted(counts, key=lambda text: (-counts[text], text))
        missing = len(column) - counts.total()
        return cls(name, sorted(ranked[:MOST_CATEGORIES]), len(ranked[MOST_CATEGORIES:]), missing)

    @property
    def features(self) -> list[str]:
        names = [f"{self.name}={category}" for category in self.categories]
        if self.others:
            names.append(f"{self.name} (other)")
        if self.missing:
            names.append(f"{self.name} (missing)")
        return names

    def transform(self, column: np.ndarray) -> np.ndarray:
        """Features (n, k) of values (n,)."""
        texts = as_texts(column)
        places = {category: i for i, category in enumerate(self.categories)}
        nowhere = len(self.features)
        other = len(self.categories) if self.others else nowhere
        missing = nowhere - 1 if self.missing else nowhere
        codes = [missing if text is None else places.get(text, other) for text in texts]
        return np.eye(nowhere + 1, nowhere, dtype=np.float32)[codes]

    def describe(self) -> list[str]:
        kept = f"the {len(self.categories)} most frequent" if self.others else len(self.categories)
        sentence = f"Column '{self.name}': {kept} categories became a column of 0 and 1 each"
        if self.others:
            sentence += f"; {self.others} rarer ones share '{self.name} (other)'"
        if self.missing:
            sentence += f"; '{self.name} (missing)' marks {_missing_values(self.missing)}"
        return [f"{sentence}."]


def _missing_values(count: int) -> str:
    return f"{count} missing {'value' if count == 1 else 'values'}"


def mean_and_std(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (1 instead of 0) of finite values (n,), without overflow on the way.

    >>> mean_and_std(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    scale = float(np.max(np.abs(values))) or 1.0
    mean = scale * float(np.mean(values / scale))
    std = scale * float(np.std(values / scale))
    return mean, std or 1.0


def as_texts(column: np.ndarray) -> np.ndarray:
    """A column as text: the category "3" may have been read as a number in a file where each value is one."""
    if not is_number(column):
        return column
    return np.array([None if np.isnan(value) else number_text(value) for value in column], dtype=object)


def _as_numbers(column: np.ndarray, name: str) -> np.ndarray:
    if is_number(column):
        return column
    for row, text in enumerate(column, start=1):
        if text is not None and not _is_number(text):
            raise DataError(f"column '{name}' held numbers when the model was fitted; row {row} has {text!r}")
    return np.array([np.nan if text is None else float(text) for text in column])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
