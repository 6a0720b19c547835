"""Losses that compare representations with each other: distances, ranks and angles."""

from __future__ import annotations

from subgrad import ops
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.nn import loss_reduction
from subgrad.nn.loss_reduction import Weights
from subgrad.ops import rules


def triplet_loss(
    anchor: TensorLike, positive: TensorLike, negative: TensorLike, margin: float = 1.0, *,
    sample_weight: Weights = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(\\|a - p\\| - \\|a - n\\| + margin, 0) for each row: an example lies nearer to one of its kind than to
    another one, by a margin (Schroff, Kalenichenko, Philbin 2015, arXiv 1503.03832, with distances in place of their
    squares).

    Args:
        anchor, positive, negative: representations of shape (..., d).
        margin: above 0.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> float(triplet_loss([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 5.0]]))
        1.0
    """
    if not margin > 0:
        raise ArgumentError(f"triplet_loss needs a margin above 0, got {margin}")
    a, p = loss_reduction.numbers("triplet_loss", anchor, positive)
    a, n = loss_reduction.numbers("triplet_loss", a, negative)
    if not a.ndim:
        raise ShapeError("triplet_loss takes rows, got numbers")
    losses = ops.relu(ops.norm(a - p, -1) - ops.norm(a - n, -1) + margin)
    return loss_reduction.reduced(losses, sample_weight, None, reduction)


def margin_ranking_loss(
    a: TensorLike, b: TensorLike, y: TensorLike, margin: float = 0.0, *, sample_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, margin - y (a - b)): the score a is to be above b where y is +1, below it where y is -1.

    >>> margin_ranking_loss([2.0, 2.0], [1.0, 1.0], [1, -1], reduction="none").tolist()
    [0.0, 1.0]
    """
    a, b = loss_reduction.numbers("margin_ranking_loss", a, b)
    y = _same_or_not("margin_ranking_loss", y, a)
    return loss_reduction.reduced(ops.relu(margin - y * (a - b)), sample_weight, None, reduction)


def cosine_embedding_loss(
    a: TensorLike, b: TensorLike, y: TensorLike, margin: float = 0.0, *, sample_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 - cos(a, b) where y is +1, max(0, cos(a, b) - margin) where it is -1, for rows a and b of shape (..., d) and y
    of shape (...).

    >>> cosine_embedding_loss([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [2.0, 0.0]], [1, -1], reduction="none").tolist()
    [0.0, 1.0]
    """
    if not -1 <= margin <= 1:
        raise ArgumentError(f"cosine_embedding_loss needs a margin in [-1, 1], got {margin}")
    a, b = loss_reduction.numbers("cosine_embedding_loss", a, b)
    if not a.ndim:
        raise ShapeError("cosine_embedding_loss takes rows, got numbers")
    cosine = ops.cosine_similarity(a, b)
    y = _same_or_not("cosine_embedding_loss", y, cosine)
    losses = ops.where(y > 0, 1 - cosine, ops.relu(cosine - margin))
    return loss_reduction.reduced(losses, sample_weight, None, reduction)


def _same_or_not(loss: str, y: TensorLike, like: Tensor) -> Tensor:
    """y in the dtype of ``like``; raises unless it has its shape and holds -1 and +1."""
    y = rules.match(y)[0].astype(like.dtype)
    if y.shape != like.shape:
        raise ShapeError(f"{loss} needs a y of shape {like.shape}, got {y.shape}")
    values, takes = loss_reduction.known(y), f"{loss} takes a y of -1 and +1"
    if values is None:
        return loss_reduction.required(abs(y) == 1, y, takes)
    if not (abs(values) == 1).all():
        raise DataError(f"{takes}, got {values.ravel()[abs(values.ravel()) != 1][0]}")
    return y


__all__ = ["cosine_embedding_loss", "margin_ranking_loss", "triplet_loss"]
