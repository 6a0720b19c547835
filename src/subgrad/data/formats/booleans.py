"""How a column writes true and false."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subgrad.data.formats.column_format import Format, is_text
from subgrad.data.formats.words import ALONE, TRUTH
from subgrad.data.lazy_polars import pl


@dataclass(frozen=True)
class TruthFormat(Format):
    """Truth values, in any of the words that mean them; ``true`` and ``false`` are those of the column."""

    kind: ClassVar[str] = "truth"
    true: str = "true"
    false: str = "false"

    def read(self, series: pl.Series) -> np.ndarray:
        """Values (n,): 1 for true, 0 for false, NaN where there is none or another word."""
        texts = series if is_text(series) else series.cast(pl.Float64).cast(pl.String)
        values = texts.str.to_lowercase().replace_strict(TRUTH, default=None, return_dtype=pl.Float64)
        return values.fill_null(float("nan")).to_numpy(writable=True)

    def describe(self) -> str:
        return f"'{self.true}' and '{self.false}' are truth values"


def decide_truth(series: pl.Series) -> TruthFormat | None:
    """The format of texts that all mean true or false, both of them there."""
    words = series.drop_nulls().unique(maintain_order=True)
    if not 2 <= len(words) <= len(TRUTH):
        return None
    meant = {word: TRUTH.get(word.lower()) for word in words}
    if None in meant.values() or len(set(meant.values())) < 2 or all(word.lower() in ALONE for word in words):
        return None
    counts = series.drop_nulls().value_counts(sort=True).to_series(0).to_list()
    true, false = (next(word for word in counts if meant[word] is side) for side in (True, False))
    return TruthFormat(true, false)
