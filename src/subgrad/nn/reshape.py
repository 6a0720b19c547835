"""Layers that move elements and compute nothing."""

from __future__ import annotations

import math

from subgrad.errors import ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn.module import Module


class Flatten(Module):
    """Each example as a vector: shape (N, ...) to (N, features). Raises `ShapeError` for an input without axes.

    >>> import subgrad as sg
    >>> sg.nn.Flatten()(sg.zeros((5, 3, 4))).shape
    (5, 12)
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        if not x.ndim:
            raise ShapeError("Flatten takes a batch of examples, shape (N, ...), got a number")
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))


__all__ = ["Flatten"]
