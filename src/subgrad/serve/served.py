"""What a server asks of a model, whatever kind of model it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    import polars as pl

Columns = dict[str, np.ndarray]
"""Answers by name, each with an axis of rows first."""


class Asked(NamedTuple):
    """The rows of a request as an array (n, ...), and what their sender should know of how they were read."""

    rows: np.ndarray
    remarks: list[str]


class Served(Protocol):
    """A model that answers rows, each for itself: the rows of several requests go in as one array."""

    def about(self) -> str:
        """What the model is, in a line."""
        ...

    def read(self, rows: list[Any] | pl.DataFrame) -> Asked:
        """The rows of a request, as JSON or Arrow have them; an error of `subgrad.errors` for those it cannot take."""
        ...

    def answer(self, rows: np.ndarray) -> Columns:
        """The answers to rows (n, ...) as `read` makes them, from one or many requests."""
        ...

    def is_same(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether rows can go in together."""
        ...

    def row_schema(self) -> dict[str, Any]:
        """JSON Schema of one row."""
        ...

    def warm(self, old: Served | None) -> None:
        """Compile before the first request: for rows like those that an ``old`` model has answered, if that is known
        at all."""


__all__ = ["Asked", "Columns", "Served"]
