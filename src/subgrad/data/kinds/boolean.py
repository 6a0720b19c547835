"""Columns of truth values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subgrad import ops
from subgrad.data.formats import Format, TruthFormat, unread
from subgrad.data.kinds.column_kind import Encoded, Kind, missing_values
from subgrad.data.lazy_polars import pl
from subgrad.graph.tensor import Tensor


@dataclass(frozen=True)
class TruthColumn(Kind):
    """A column of truth values: 1 for true, -1 for false, 0 where there is none.

    If a value was missing in the rows fitted on, a second feature is 1 where it is missing and 0 elsewhere.
    """

    kind: ClassVar[str] = "truth"
    usual: ClassVar[Format] = TruthFormat()

    missing: int

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> TruthColumn:
        """Learn from a column of words for true and false."""
        return cls(name, format, int(np.sum(np.isnan(format.read(series)))))

    @property
    def features(self) -> list[str]:
        return [self.name, f"{self.name} (missing)"] if self.missing else [self.name]

    def encode(self, series: pl.Series) -> Encoded:
        values = self.format.read(series)
        none = np.isnan(values)
        signs = np.where(none, 0, 2 * values - 1)
        features = [signs, none] if self.missing else [signs]
        return Encoded(np.column_stack(features).astype(np.float32), unread(series, values))

    def of_numbers(self, x: Tensor) -> Tensor:
        none = ops.isnan(x)
        signs = ops.where(none, 0, 2 * x - 1)
        return ops.stack([signs, none] if self.missing else [signs], 1)

    @property
    def numbers(self) -> str:
        return "1 for true, 0 for false"

    def describe(self) -> list[str]:
        how = self.format
        words = (how.true, how.false) if isinstance(how, TruthFormat) else ("true", "false")
        missing = f"; '{self.name} (missing)' marks {missing_values(self.missing)}" if self.missing else ""
        return [f"Column '{self.name}': '{words[0]}' became 1, '{words[1]}' -1{missing}."]
