"""A trained network with the preparation of its inputs and the meaning of its scores, as one module."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.data.target import NumberTarget
from subgrad.errors import DataError
from subgrad.graph.tensor import Tensor
from subgrad.nn import Module
from subgrad.nn.loss import TABLE
from subgrad.ops import concatenate, softmax, zeros, zeros_like


class WholeModel(Module):
    """From the rows of a table, or of pixels, to scores, probabilities or numbers in their unit.

    Called with:
        rows: (n, columns); see `subgrad.data.TablePreprocessor.of_numbers`. The features themselves where a column of
            the table is no number, as a date is.
    """

    def __init__(self, trained: TrainedNetwork) -> None:
        self.network, self.loss, self.preparation = trained.model, trained.loss, trained.preparation
        self.prepares, self.quantiles = _is_of_numbers(trained), trained.quantiles

    @property
    def example(self) -> np.ndarray:
        """A row, for its shape and dtype."""
        if not self.prepares or isinstance(self.preparation, Pixels):
            return np.zeros((1, len(self.preparation.feature_names)), np.float32)
        return np.zeros((1, len(self.preparation.columns)), np.float64)

    def _dtype(self) -> np.dtype:
        """Of the inputs: numbers of a table come whole, and are float32 when they are standardised."""
        return self.example.dtype

    def about(self) -> dict[str, str]:
        """What a reader of the file needs: the inputs in their order, and the classes."""
        prepared = self.preparation
        if self.prepares and not isinstance(prepared, Pixels):
            inputs = "\n".join(f"{c.name}: {c.numbers}" for c in prepared.columns)
        else:
            inputs = "\n".join(prepared.feature_names)
        found = {"task": prepared.task, "target": prepared.target_name, "inputs": inputs}
        if self.quantiles:
            return {**found, "quantiles": "\n".join(map(str, self.quantiles))}
        return {**found, "classes": "\n".join(map(str, prepared.classes))} if prepared.classes else found

    def forward(self, rows: Tensor) -> dict[str, Tensor]:
        scores = self.network(self._features(rows))
        if self.quantiles:
            return {"quantiles": self._in_its_unit(scores.astype("float64"))}
        if self.preparation.task == "regression":
            return {"prediction": self._in_its_unit(scores[:, 0].astype("float64"))}
        found = {"scores": scores}
        facts = TABLE[self.loss]
        if facts.log_odds is not None:
            odds = facts.log_odds * scores
            found["probabilities"] = softmax(concatenate([zeros_like(odds), odds], 1))
        elif facts.targets == "classes":
            found["probabilities"] = softmax(scores)
        return found

    def _features(self, rows: Tensor) -> Tensor:
        if isinstance(self.preparation, Pixels):
            return rows / self.preparation.brightest
        return self.preparation.of_numbers(rows) if self.prepares else rows

    def _in_its_unit(self, y: Tensor) -> Tensor:
        target: Any = self.preparation._target if not isinstance(self.preparation, Pixels) else None
        return y * target.std + target.mean if isinstance(target, NumberTarget) else y


def _is_of_numbers(trained: TrainedNetwork) -> bool:
    """Whether the preparation can be a part of the graph."""
    if isinstance(trained.preparation, Pixels):
        return True
    try:
        trained.preparation.of_numbers(zeros((1, len(trained.preparation.columns)), "float64"))
    except DataError:
        return False
    return True


__all__ = ["WholeModel"]
