"""A column of texts that mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subgrad.data.formats.column_format import Format, is_text
from subgrad.data.lazy_polars import pl


@dataclass(frozen=True)
class TextFormat(Format):
    """Texts as they are. Numbers, as they may come in a later file or frame, are written as a file would."""

    kind: ClassVar[str] = "text"

    def read(self, series: pl.Series) -> np.ndarray:
        """Texts (n,) as objects, None where there is none."""
        return as_texts(series).to_numpy(writable=True).astype(object)


def as_texts(series: pl.Series) -> pl.Series:
    """A column as texts; numbers as short as can be, without the ``.0`` of whole ones."""
    if is_text(series):
        return series
    if series.dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        fits = (whole.cast(pl.Float64) == series) & (series.abs() < 2.0**53)
        return pl.select(pl.when(fits).then(whole.cast(pl.String)).otherwise(series.cast(pl.String))).to_series()
    return series.cast(pl.String)
