"""A trained network with the preparation of its inputs and the meaning of its scores, as one module."""

from __future__ import annotations

from typing import Any

from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.data.target import NumberTarget
from subgrad.graph.tensor import Tensor
from subgrad.nn.loss import TABLE
from subgrad.ops import concatenate, softmax, zeros_like
from subgrad.tabular.with_preparation import WithPreparation


class WholeModel(WithPreparation):
    """From the rows of a table, or of pixels, to scores, probabilities or numbers in their unit.

    Called with:
        rows: see `WithPreparation`; or pixels, float32 (n, pixels).
    """

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__(trained.preparation, trained.quantiles)
        self.network, self.loss = trained.model, trained.loss

    def forward(self, rows: Tensor) -> dict[str, Tensor]:
        scores = self.network(self.features(rows))
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

    def features(self, rows: Tensor) -> Tensor:
        return rows / self.preparation.brightest if isinstance(self.preparation, Pixels) else super().features(rows)

    def _in_its_unit(self, y: Tensor) -> Tensor:
        target: Any = self.preparation._target if not isinstance(self.preparation, Pixels) else None
        return y * target.std + target.mean if isinstance(target, NumberTarget) else y


__all__ = ["WholeModel"]
