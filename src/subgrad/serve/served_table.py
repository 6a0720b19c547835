"""A model for tables behind a server: rows are records by the names of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.data import Table
from subgrad.data.column_names import suggestion
from subgrad.errors import DataError
from subgrad.serve.served import Asked, Columns, Served
from subgrad.serve.usual_limits import MAX_ROWS

if TYPE_CHECKING:
    import polars as pl

    from subgrad.cli.jobs.trained.trained_model import Trained

VALUES = (str, int, float, bool, type(None))
SIZES = (1, MAX_ROWS)  # of calls that have programs of their own, which are compiled before the first request


class ServedTable:
    """The answers have the columns that ``subgrad predict`` writes."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained

    def about(self) -> str:
        return f"a model for tables: {self._trained.task}, predicts '{self._trained.target_name}'"

    def read(self, rows: list[Any] | pl.DataFrame) -> Asked:
        found, remarks = self._trained.preparation.prepare(Table(_columns(rows)))
        return Asked(found, remarks)

    def answer(self, rows: np.ndarray) -> Columns:
        reply, classes = self._trained.reply(rows), self._trained.classes
        answers = self._trained.preparation.restore_target(reply.answers) if classes else reply.answers
        return {"prediction": answers, **reply.columns(classes)}

    def is_same(self, a: np.ndarray, b: np.ndarray) -> bool:
        return True

    def row_schema(self) -> dict[str, Any]:
        prepared = self._trained.preparation
        columns = {c.name: c.what for c in getattr(prepared, "columns", ())}
        if not columns:  # pixels, whose columns may have any names
            return {"type": "object", "minProperties": len(prepared.feature_names)}
        properties = {name: _schema(what) for name, what in columns.items()}
        return {"type": "object", "required": [*columns], "properties": properties}

    def warm(self, old: Served | None) -> None:
        for rows in SIZES:
            self.answer(np.zeros((rows, len(self._trained.preparation.feature_names)), np.float32))


def _columns(rows: list[Any] | pl.DataFrame) -> dict[str, Any]:
    """By name. The records of JSON have all the same names: a misspelt one does not pass for a missing value."""
    if not isinstance(rows, list):
        return {series.name: series for series in rows}
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"row {i} is {_kind_of(row)}; a row is an object of values by the names of columns")
    names = rows[0].keys()
    for i, row in enumerate(rows):
        if row.keys() != names:
            missing, more = ([*names - row.keys()], [*row.keys() - names])
            what = f"has no '{missing[0]}'" if missing else f"has '{more[0]}'{suggestion(more[0], names)}"
            raise DataError(f"row {i} {what}, other than row 0: write null where a value is missing"[:300])
        for name, value in row.items():
            if not isinstance(value, VALUES):
                raise DataError(f"row {i}, '{name}' is {_kind_of(value)}, which is no value of a table"[:300])
    return {name: [row[name] for row in rows] for name in names}


def _kind_of(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}.get(type(value), "a number")


def _schema(what: str) -> dict[str, Any]:
    if what == "numbers":
        return {"type": ["number", "null"]}
    return {"type": ["string", "number", "boolean", "null"]}


__all__ = ["ServedTable"]
