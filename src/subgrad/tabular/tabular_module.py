"""A model for tables as a module: from rows to answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.tabular.quantile_levels import places_of
from subgrad.tabular.with_preparation import WithPreparation

if TYPE_CHECKING:
    from subgrad.tabular.tabular_model import TabularModel


class TabularModule(WithPreparation):
    """What a `TabularModel` answers, as a module that `subgrad.export` and `subgrad.onnx.save` take.

    Called with:
        rows: see `WithPreparation`.

    Returns:
        ``probabilities`` (n, k) of the classes; or the ``prediction`` (n,), a number in its unit; or of a model with
        quantiles these, ``quantiles`` (n, q).
    """

    def __init__(self, model: TabularModel) -> None:
        super().__init__(model.preparation, model.quantiles)
        self.network, self.scale, self.temperature = model.network, model.scale, model.temperature

    def forward(self, rows: Tensor) -> dict[str, Tensor]:
        features = self.features(rows)
        scores = self.network(ops.broadcast_to(features, (self.network.members, *features.shape)))
        if self.scale is None:
            return {"probabilities": ops.softmax(ops.mean(scores, 0) / self.temperature)}
        found = ops.mean(self.scale.decode(scores.astype("float64"), ops), 0)
        if self.quantiles:
            return {"quantiles": ops.sort(found)[:, places_of(self.quantiles)]}
        return {"prediction": found[:, 0]}


__all__ = ["TabularModule"]
