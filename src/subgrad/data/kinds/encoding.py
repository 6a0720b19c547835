"""From tables to features: what is found out once for all tables whose columns have the same names and types."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from subgrad.data.formats import has_value
from subgrad.data.kinds.column_kind import Kind
from subgrad.data.kinds.number import NumberColumn, SideBySide
from subgrad.data.lazy_polars import pl
from subgrad.data.table import Table
from subgrad.errors import DataError


class Encoding:
    """How tables of one form become features. Plain numbers are scaled together, as there may be many.

    Args:
        columns: that are learnt from.
        places: where their features, one column after the other, are among all.
        table: one of that form.

    Raises:
        DataError: if the table has not all of the columns.
    """

    def __init__(self, columns: Sequence[Kind], places: np.ndarray, table: Table) -> None:
        table.require(column.name for column in columns)
        ends = accumulate((len(column.features) for column in columns), initial=0)
        own = {c.name: places[start:end] for c, (start, end) in zip(columns, pairwise(ends), strict=True)}
        plain = [c for c in columns if type(c) is NumberColumn and table.came_as_numbers(c.name)]
        self.width, self._schema, self._plain = len(places), table.schema, [c.name for c in plain]
        self._together = SideBySide(plain, [own.pop(name) for name in self._plain]) if plain else None
        self._others = [(column, own[column.name]) for column in columns if column.name in own]

    def fits(self, table: Table) -> bool:
        """Whether a table is of the same form."""
        return self._schema == table.schema

    def encode(self, table: Table, features: np.ndarray) -> dict[str, np.ndarray]:
        """Fill the features (n, d); of columns with values that they do not know, truth values (n,): where."""
        if self._together is not None:
            self._together.encode(table, self._plain, features)
        found = {}
        for column, places in self._others:
            series = table.series(column.name)
            features[:, places], unknown = column.encode(series)
            _check_known(column, series, unknown)
            if unknown.any():
                found[column.name] = unknown
        return found


def _check_known(column: Kind, series: pl.Series, unknown: np.ndarray) -> None:
    """That a column is another one than in training shows in that none of its values, if more than one, is known.

    Missing values say nothing, and a word that a column of text or truth values does not know is no sign either.
    """
    if column.what and unknown.sum() > 1 and unknown.sum() == has_value(series).sum():
        raise DataError(
            f"column '{column.name}' held {column.what} when the model was fitted; "
            f"none of its values is one, such as {series.filter(pl.Series(unknown))[0]!r}"
        )


__all__ = ["Encoding"]
