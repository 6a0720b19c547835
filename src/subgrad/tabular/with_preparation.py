"""A network together with the preparation of its table, as one module: for files that run without Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.data.prepare import TablePreprocessor
from subgrad.errors import DataError
from subgrad.graph.tensor import Tensor
from subgrad.nn import Module
from subgrad.ops import zeros


class WithPreparation(Module):
    """What begins with the rows of a table: numbers as they are, 1 and 0 for true and false, a category by its place,
    NaN where a value is missing, float64 (n, columns). Where a column is none of these, as a date is, the rows are the
    features, float32 (n, features), that ``preparation.transform`` makes.

    Args:
        preparation: a fitted one; of another class than `TablePreprocessor` one whose features are the rows.
        quantiles: their probabilities, of a model that predicts these.
    """

    def __init__(self, preparation: Any, quantiles: Sequence[float] | None = None) -> None:
        self.preparation, self.prepares, self.quantiles = preparation, _is_of_numbers(preparation), quantiles

    @property
    def example(self) -> np.ndarray:
        """A row, for its shape and dtype."""
        if self.prepares:
            return np.zeros((1, len(self.preparation.columns)), np.float64)
        return np.zeros((1, len(self.preparation.feature_names)), np.float32)

    def _dtype(self) -> np.dtype:
        """Of the inputs: numbers of a table come whole, and are float32 when they are standardised."""
        return self.example.dtype

    def about(self) -> dict[str, str]:
        """What a reader of the file needs: the inputs in their order, the target, and its classes or quantiles."""
        prepared = self.preparation
        inputs = [f"{c.name}: {c.numbers}" for c in prepared.columns] if self.prepares else prepared.feature_names
        found = {"task": prepared.task, "target": prepared.target_name, "inputs": "\n".join(inputs)}
        if self.quantiles:
            return {**found, "quantiles": "\n".join(map(str, self.quantiles))}
        return {**found, "classes": "\n".join(map(str, prepared.classes))} if prepared.classes else found

    def features(self, rows: Tensor) -> Tensor:
        """What the network takes, of rows."""
        return self.preparation.of_numbers(rows) if self.prepares else rows


def _is_of_numbers(preparation: Any) -> bool:
    """Whether the preparation can be a part of the graph."""
    if not isinstance(preparation, TablePreprocessor):
        return False
    try:
        preparation.of_numbers(zeros((1, len(preparation.columns)), "float64"))
    except DataError:
        return False
    return True


__all__ = ["WithPreparation"]
