"""From a table to the array that a network for tables takes: numbers first, then 0 and 1, then places of categories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subgrad.data.kinds.date import DateColumn
from subgrad.data.prepare import TablePreprocessor
from subgrad.tabular.columns import EmbeddedColumn, ScaledColumn, fit_kind, kind_from_plain


class Layout(NamedTuple):
    """What the columns of the array are: so many numbers, so many other features, and places of categories, of which
    each column has so many."""

    numbers: int
    plain: int
    places: tuple[int, ...]


class TabularPreparation(TablePreprocessor):
    """As `TablePreprocessor`, with numbers on a robust scale and, for columns of many categories, the places of the
    values in a dictionary.

    >>> from subgrad.data import Table
    >>> table = Table({"sex": list("fmfm"), "age": [20, 30, None, 40], "y": [0, 1, 1, 0]})
    >>> prepared = TabularPreparation().fit(table, "y")
    >>> prepared.feature_names, prepared.layout
    (['age', 'sex=f', 'sex=m', 'age (rank)', 'age (missing)'], Layout(numbers=1, plain=4, places=()))
    >>> prepared.transform(table)[::3].round(2)
    array([[-0.95,  1.  ,  0.  , -2.42,  0.  ],
           [ 0.95,  0.  ,  1.  ,  2.42,  0.  ]], dtype=float32)
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
        return Layout(roles.count(0), roles.count(1), places)

    def _joined(self, parts: list[np.ndarray]) -> np.ndarray:
        order = self._order()
        whole = np.empty((len(parts[0]), len(order)), np.float32)
        places = np.argsort(order)  # where each feature goes
        done = 0
        for part in parts:
            whole[:, places[done : done + part.shape[1]]] = part
            done += part.shape[1]
        return whole

    def _roles(self) -> list[int]:
        """Of each feature, in the order of the columns: 0 for a number, 1 for any other, 2 for a place."""
        first = {ScaledColumn: 0, DateColumn: 0, EmbeddedColumn: 2}
        return [first.get(type(c), 1) if i == 0 else 1 for c in self.columns for i in range(len(c.features))]

    def _order(self) -> np.ndarray:
        return np.argsort(self._roles(), kind="stable")


__all__ = ["Layout", "TabularPreparation"]
