"""Look-up tables of vectors."""

from __future__ import annotations

from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.nn import init, validation
from subgrad.nn.module import Module
from subgrad.ops import embedding


class Embedding(Module):
    """A vector for each of the integers 0..count-1: shape (...) to (..., features).

    The vectors start standard normal, as in PyTorch.

    Args:
        count: how many vectors.
        features: the length of each.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (count, features).

    Raises:
        ArgumentError: for sizes below 1.
        DTypeError: when called, if the input does not hold integers.
        ShapeError: when called, if an integer is known to be out of range.

    Example:
        >>> import subgrad as sg
        >>> layer = sg.nn.Embedding(3, 2)
        >>> layer.weight.assign([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
        >>> layer([2, 0]).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
    """

    def __init__(self, count: int, features: int, *, seed: int | None = None) -> None:
        validation.sizes("Embedding", count=count, features=features)
        self.weight = init.parameter((count, features), init.normal, seed)

    def forward(self, indices: TensorLike) -> Tensor:
        return embedding(indices, self.weight)


__all__ = ["Embedding"]
