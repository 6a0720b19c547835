"""A network behind a server: rows are arrays of numbers, all of one shape."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from subgrad.errors import ArgumentError, DataError, DTypeError, ShapeError, SubgradError, naming
from subgrad.fit.arrays import as_array
from subgrad.graph.dtype import int64
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.graph.tree import named_leaves
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.module import Module
from subgrad.nn.running import evaluating
from subgrad.nn.usual_input import usual_input
from subgrad.serve.served import Asked, Columns, Served

if TYPE_CHECKING:
    import polars as pl

SIZES = (1, 8, 64, 512)
"""Rows of the programs that are compiled first; `subgrad.compile.rooms` runs calls of other lengths in these."""


class _Form(NamedTuple):
    """What rows of a shape go in as, and the answers that come out: their names, and their places in the results."""

    dtype: np.dtype
    names: list[str]


class ServedNetwork:
    """One array goes in; an array comes out, or a tuple or dict of them, each with an axis of rows first.

    The members of an ensemble answer side by side: (n, members, ...).
    """

    def __init__(self, model: Module) -> None:
        self._model, self._dtype = model, model._dtype()
        self._forms: dict[tuple[int, ...], _Form] = {}

    def about(self) -> str:
        return f"a network: {type(self._model).__name__} with {sum(p.size for p in self._model.parameters()):,} numbers"

    def read(self, rows: list[Any] | pl.DataFrame) -> Asked:
        array = as_array(rows if isinstance(rows, list) else _array(rows), "instances", self._dtype)
        dtype = self._form(array.shape[1:]).dtype
        if dtype.kind == "i" and array.dtype.kind == "f":
            raise DataError("instances must hold integers, the model looks something up by them")
        return Asked(array.astype(dtype, copy=False), [])

    def answer(self, rows: np.ndarray) -> Columns:
        found, names = _arrays(self._model.predict(rows)), self._form(rows.shape[1:]).names
        axis = 1 if isinstance(self._model, Ensemble) else 0
        return {name: np.moveaxis(a, axis, 0) for name, a in zip(names, found, strict=True)}

    def is_same(self, a: np.ndarray, b: np.ndarray) -> bool:
        return a.shape[1:] == b.shape[1:] and a.dtype == b.dtype

    def row_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {}, "description": "Numbers, nested as the shape of a row says."}

    def warm(self, old: Served | None) -> None:
        shapes = [*old._forms] if isinstance(old, ServedNetwork) else []
        with contextlib.suppress(ArgumentError):
            shapes.append(usual_input(self._model).shape[1:])
        for shape in dict.fromkeys(shapes):
            with contextlib.suppress(SubgradError):  # the new model may take other rows
                for size in SIZES:
                    self.answer(np.zeros((size, *shape), self._form(shape).dtype))

    def _form(self, shape: tuple[int, ...]) -> _Form:
        """Of rows of a shape, looked up by a trace: whether the model takes numbers or, as an embedding, integers."""
        found = self._forms.get(shape)
        if found is None:
            try:
                found = self._traced(shape, self._dtype)
            except DTypeError:
                found = self._traced(shape, int64)
            self._forms[shape] = found
        return found

    def _traced(self, shape: tuple[int, ...], dtype: np.dtype) -> _Form:
        """Traced for two lengths: where the answers follow that, it is the axis of rows."""
        axis = 1 if isinstance(self._model, Ensemble) else 0
        with naming(f"rows of shape {list(shape)}"), evaluating(self._model):
            some, more = (dict(named_leaves(self._model(placeholder((n, *shape), dtype, "rows")))) for n in (2, 3))
        for name, result in some.items():
            if _rows(result, axis) != 2 or _rows(more[name], axis) != 3:
                raise ShapeError(
                    f"rows of shape {list(shape)} are not what this model answers one by one: an answer to 2 of them "
                    f"has the shape {list(result.shape)}"
                )
        return _Form(dtype, [f"prediction{f' {name}' if name else ''}" for name in some])


def _rows(result: Tensor, axis: int) -> int | None:
    return result.shape[axis] if result.ndim > axis else None


def _arrays(tree: Any) -> list[np.ndarray]:
    """In the order of `named_leaves`."""
    if isinstance(tree, np.ndarray):
        return [tree]
    return [a for part in (tree.values() if isinstance(tree, dict) else tree) for a in _arrays(part)]


def _array(frame: pl.DataFrame) -> np.ndarray | pl.DataFrame:
    """The rows of a frame: those of its one column of arrays, or the frame itself, whose columns are to be numbers."""
    import polars as pl

    if any(series.null_count() for series in frame):
        raise DataError("instances have a null, where a network takes a number")
    if frame.width == 1 and isinstance(dtype := frame.to_series().dtype, pl.Array | pl.List):
        series = frame.to_series()
        if isinstance(dtype, pl.List):
            if (lengths := series.list.len()).n_unique() > 1:
                raise DataError(f"instances are lists of one length, got {lengths.min()} to {lengths.max()} in one")
            return np.array(series.to_list())
        return series.to_numpy()
    for series in frame:
        if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
            raise DataError(f"instances must hold numbers, and column '{series.name}' holds {series.dtype}")
    return frame


__all__ = ["ServedNetwork"]
