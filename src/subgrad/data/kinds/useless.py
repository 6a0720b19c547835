"""Columns that say nothing of a row: empty and constant ones, row numbers, identifiers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.data.formats import Format, NumberFormat, TextFormat
from subgrad.data.identifiers import LEAST, is_called_identifier
from subgrad.data.lazy_polars import pl

_ONCE = 0.95  # the share of texts that differ, from which on they are identifiers or free text


@dataclass(frozen=True)
class Useless:
    """Why a column is left out; ``surely`` if it is of no use even where nothing else is there."""

    why: str
    surely: bool = True


def why_useless(name: str, series: pl.Series, format: Format, counts_rows: bool) -> Useless | None:
    """Why a column is not learnt from; None if it is. ``counts_rows``: whether it numbers the whole table's rows."""
    if isinstance(format, TextFormat):
        return _useless_text(series)
    values = format.read(series)
    known = values[np.isfinite(values)]
    if not len(known):
        return Useless("it is empty")
    same = (known == known[0]).all() and len(known) == len(values)
    if same and abs(known[0]) < 2**53:  # larger whole numbers may differ, and be one float
        return Useless("it has one value only")
    if not isinstance(format, NumberFormat):
        return None
    if counts_rows:
        return Useless("it numbers the rows", surely=False)
    codes = is_called_identifier(name) or (np.abs(known).min() >= 2**53 and _in_digits(series))
    if codes and len(known) >= LEAST and _whole_and_different(series, known):
        return Useless(f"each of its {len(known):,} numbers occurs once, like an identifier", surely=False)
    return Useless("it has one value only") if same else None


def _useless_text(series: pl.Series) -> Useless | None:
    known = series.drop_nulls()
    distinct = known.n_unique()
    if not len(known):
        return Useless("it is empty")
    if distinct == 1 and len(known) == len(series):
        return Useless("it has one value only")
    if distinct == len(known) > 1:
        return Useless(f"each of its {len(known):,} texts occurs once, like an identifier")
    if distinct > _ONCE * len(known) and len(known) >= 2 * LEAST:
        return Useless(f"{distinct:,} of its {len(known):,} texts are different, like identifiers")
    return None


def _whole_and_different(series: pl.Series, known: np.ndarray) -> bool:
    return bool((known == np.floor(known)).all()) and series.drop_nulls().n_unique() == len(known)


def _in_digits(series: pl.Series) -> bool:
    """Whether whole numbers are written digit by digit: every float from 2**53 on is whole, measured or not."""
    return not series.str.contains("[eE]").any() if series.dtype == pl.String else series.dtype.is_integer()
