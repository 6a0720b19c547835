"""Places as rotations, bags of vectors, and a layer for each step."""

from __future__ import annotations

import math

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.nn import init, validation
from subgrad.nn.module import Module
from subgrad.ops import rules


class RotaryEmbedding(Module):
    """Each pair of features (i, i + d/2) turned by the angle t / base^(2i/d), t the place: products of a query and a
    key depend on how far apart they are alone (Su et al. 2021, arXiv 2104.09864).

    Queries and keys of attention go through it; it has no parameters, and sequences may be of any length.

    Args:
        base: of the angles.

    Raises:
        ArgumentError: for a base that is not above 1.
        ShapeError: when called, if the input is not (..., T, d) with an even d.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.RotaryEmbedding()(sg.tensor([[1.0, 0.0], [1.0, 0.0]])).numpy().round(3).tolist()
        [[1.0, 0.0], [0.5400000214576721, 0.8410000205039978]]
    """

    def __init__(self, base: float = 10000.0) -> None:
        if not base > 1:
            raise ArgumentError(f"RotaryEmbedding needs a base above 1, got {base}")
        self.base = base

    def forward(self, x: TensorLike) -> Tensor:
        x = rules.as_float(as_tensor(x))
        if x.ndim < 2 or x.shape[-1] % 2:
            raise ShapeError(f"RotaryEmbedding takes a shape (..., T, d) with an even d, got {x.shape}")
        half = x.shape[-1] // 2
        angle = np.arange(x.shape[-2])[:, None] * self.base ** (-np.arange(half) / half)
        cos, sin = (constant(f(angle).astype(x.dtype)) for f in (np.cos, np.sin))
        a, b = x[..., :half], x[..., half:]
        return ops.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


class EmbeddingBag(Module):
    """The mean, sum or maximum of the vectors of several integers: shape (..., bag) to (..., features).

    Args:
        count: how many vectors.
        features: the length of each.
        mode: ``"mean"``, ``"sum"`` or ``"max"``.
        padding: an integer that fills bags up and does not count; None if there is none. A bag of nothing gives 0.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (count, features), standard normal to start with.

    Raises:
        ArgumentError: for sizes below 1, or another mode.
        ShapeError: when called, if there are no bags, or an integer is known to be out of range.

    Example:
        >>> import subgrad as sg
        >>> layer = sg.nn.EmbeddingBag(3, 1, "sum", padding=0)
        >>> layer.weight.assign([[9.0], [1.0], [2.0]])
        >>> layer([[1, 2, 0], [1, 0, 0]]).tolist()
        [[3.0], [1.0]]
    """

    def __init__(
        self, count: int, features: int, mode: str = "mean", padding: int | None = None, *, seed: int | None = None
    ) -> None:
        validation.sizes("EmbeddingBag", count=count, features=features)
        if mode not in ("mean", "sum", "max"):
            raise ArgumentError(f"EmbeddingBag knows the modes mean, sum and max, got {mode!r}")
        self.mode, self.padding = mode, padding
        self.weight = init.parameter((count, features), init.normal, seed)

    def forward(self, indices: TensorLike) -> Tensor:
        indices = as_tensor(indices)
        if not indices.ndim or not indices.shape[-1]:
            raise ShapeError(f"EmbeddingBag takes bags of integers, a shape (..., n) with n > 0, got {indices.shape}")
        vectors = ops.embedding(indices, self.weight)
        if self.padding is None:
            return getattr(ops, self.mode)(vectors, -2)
        counts = ops.expand_dims(indices != self.padding, indices.ndim)
        n = ops.sum(counts, -2)
        if self.mode == "max":
            return ops.where(n > 0, ops.max(ops.where(counts, vectors, -math.inf), -2), 0)
        total = ops.sum(ops.where(counts, vectors, 0), -2)
        return total / ops.maximum(n, 1).astype(total.dtype) if self.mode == "mean" else total


class TimeDistributed(Module):
    """A layer for each step of sequences: (N, T, ...) to (N, T, ...), as if the steps were examples.

    Layers that work along the last axis, such as `Linear`, need it not.

    Args:
        layer: a module for (N, ...).

    Raises:
        ShapeError: when called, if the input has no axis of steps.

    Example:
        >>> import subgrad as sg
        >>> frames = sg.nn.TimeDistributed(sg.nn.Conv2d(1, 2, 3))
        >>> frames(sg.zeros((2, 5, 1, 8, 8))).shape
        (2, 5, 2, 6, 6)
    """

    def __init__(self, layer: Module) -> None:
        self.layer = layer

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        if x.ndim < 2:
            raise ShapeError(f"TimeDistributed takes a shape (N, T, ...), got {x.shape}")
        y = self.layer(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]))
        return y.reshape(*x.shape[:2], *y.shape[1:])


__all__ = ["EmbeddingBag", "RotaryEmbedding", "TimeDistributed"]
