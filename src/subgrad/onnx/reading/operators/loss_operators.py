"""Losses of classes."""

from __future__ import annotations

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.onnx.reading.operator_table import Call, operator


@operator("NegativeLogLikelihoodLoss")
def negative_log_likelihood(call: Call, scores: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Classes at axis 1; examples of the class ``ignore_index`` do not count."""
    last = ops.moveaxis(scores, 1, -1)
    i, ignored = target.astype("int64"), call.get("ignore_index")
    counts = i == i if ignored is None else i != ignored
    i = ops.where(counts, i, 0)
    each = ops.ones(i.shape, scores.dtype) if weight is None else ops.gather(weight, i, axes=0)
    each = ops.where(counts, each, 0)
    loss = -ops.where(counts, ops.pick(last, i), 0) * each
    return _reduced(call, loss, each)


def _reduced(call: Call, loss: Tensor, each: Tensor) -> Tensor:
    how = call.get("reduction", "mean")
    if how == "none":
        return loss
    return ops.sum(loss) if how == "sum" else ops.sum(loss) / ops.sum(each)


@operator("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(call: Call, scores: Tensor, target: Tensor, weight: Tensor | None = None) -> list[Tensor]:
    logarithms = ops.log_softmax(scores, 1)
    loss = negative_log_likelihood(call, logarithms, target, weight)
    return [loss, logarithms]  # pyright: ignore[reportReturnType]


__all__: list[str] = []
