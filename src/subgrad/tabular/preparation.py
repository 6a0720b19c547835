"""From a table to the array that a network for tables takes: numbers, their ranks, 0 and 1, places of categories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subgrad.data.kinds.date import DateColumn
from subgrad.data.prepare import TablePreprocessor
from subgrad.graph.tensor import Tensor
from subgrad.tabular.columns import EmbeddedColumn, ScaledColumn, fit_kind, kind_from_plain


class Layout(NamedTuple):
    """What the columns of the array are: so many numbers, so many ranks of numbers, so many other features, and places
    of categories, of which each column has so many."""

    numbers: int
    ranks: int
    plain: int
    places: tuple[int, ...]


class TabularPreparation(TablePreprocessor):
    """As `TablePreprocessor`, with numbers on a robust scale and, for columns of many categories, the places of the
    values in a dictionary.

    >>> from subgrad.data import Table
    >>> table = Table({"sex": list("fmfm"), "age": [20, 30, None, 40], "y": [0, 1, 1, 0]})
    >>> prepared = TabularPreparation().fit(table, "y")
    >>> prepared.feature_names, prepared.layout
    (['age', 'age (rank)', 'sex=f', 'sex=m', 'age (missing)'], Layout(numbers=1, ranks=1, plain=3, places=()))
    >>> prepared.transform(table)[::3].round(2)
    array([[-0.95, -2.42,  1.  ,  0.  ,  0.  ],
           [ 0.95,  2.42,  0.  ,  1.  ,  0.  ]], dtype=float32)
    """

    _fit_column = staticmethod(fit_kind)
    _kind_from_plain = staticmethod(kind_from_plain)
    _of_numbers = ScaledColumn
    _became = "scaled by median and quartiles, and ranked"

    @property
    def feature_names(self) -> list[str]:
        names = super().feature_names
        return [names[i] for i in self._order()]

    @property
    def layout(self) -> Layout:
        """What the columns of the array are."""
        roles = self._roles()
        places = tuple(c.size for c in self.columns if isinstance(c, EmbeddedColumn))
        return Layout(roles.count(0), roles.count(1), roles.count(2), places)

    def _places(self) -> np.ndarray:
        return np.argsort(self._order())

    def of_numbers(self, rows: Tensor) -> Tensor:
        return super().of_numbers(rows)[:, self._order()]

    def _roles(self) -> list[int]:
        """Of each feature, in the order of the columns: 0 for a number, 1 for its rank, 3 for a place, 2 for others."""
        begins = {ScaledColumn: [0, 1], DateColumn: [0], EmbeddedColumn: [3]}
        found = []
        for column in self.columns:
            first = begins.get(type(column), [])
            found += first + [2] * (len(column.features) - len(first))
        return found

    def _order(self) -> np.ndarray:
        return np.argsort(self._roles(), kind="stable")


__all__ = ["Layout", "TabularPreparation"]
