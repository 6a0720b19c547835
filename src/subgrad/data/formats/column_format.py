"""What all formats of columns share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from subgrad.data.formats.words import PLACEHOLDERS
from subgrad.data.lazy_polars import pl

FEW = 0.9
"""The share of the values of a column that has to fit its format: the others, few, count as missing."""


@dataclass(frozen=True)
class Format:
    """How a column writes its values; decided once, then applied to every later file."""

    kind: ClassVar[str]

    def read(self, series: pl.Series) -> np.ndarray:
        """Values (n,): float64 with NaN, or objects with None, where there is none or one that does not fit."""
        raise NotImplementedError

    def describe(self) -> str:
        """How the values are written, where a user may want to know."""
        return ""

    def to_plain(self) -> dict[str, Any]:
        """The format, as JSON can hold it."""
        return {"kind": self.kind, **asdict(self)}


def is_text(series: pl.Series) -> bool:
    """Whether a column came as text: what it means is then to be found out."""
    return series.dtype == pl.String


def known_texts(series: pl.Series) -> pl.Series:
    """The texts that are there, without words such as "n.d." that stand for none."""
    return series.filter(pl.Series(has_value(series), dtype=pl.Boolean))


def unread(series: pl.Series, values: np.ndarray) -> np.ndarray:
    """Truth values (n,): where there is a value, see `has_value`, that was not read: NaN in ``values``."""
    none = np.isnan(values)
    return none & has_value(series) if none.any() else none


def has_value(series: pl.Series) -> np.ndarray:
    """Truth values (n,): where there is a value, and no word such as "n.d." that stands for none."""
    if not is_text(series):
        return series.is_not_null().to_numpy()
    return (~series.str.to_lowercase().is_in(list(PLACEHOLDERS))).fill_null(False).to_numpy()
