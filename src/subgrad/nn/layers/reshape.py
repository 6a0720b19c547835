"""Layers that move elements and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from subgrad.errors import ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn.module import Module
from subgrad.ops import rules


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


class Unflatten(Module):
    """Each example in another shape: rows of pixels (N, H W) as images (N, 1, H, W).

    Args:
        axis: which one becomes several.
        shape: their lengths.

    Raises:
        ShapeError: when called, if that axis does not have so many elements.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Unflatten(1, (1, 28, 28))(sg.zeros((5, 784))).shape
        (5, 1, 28, 28)
    """

    def __init__(self, axis: int, shape: Sequence[int]) -> None:
        self.axis, self.shape = axis, tuple(shape)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        at = rules.normalise_axis(self.axis, x.ndim)
        if x.shape[at] != math.prod(self.shape):
            raise ShapeError(f"Unflatten makes {self.shape} of an axis of {math.prod(self.shape)}, got {x.shape}")
        return x.reshape(*x.shape[:at], *self.shape, *x.shape[at + 1 :])


__all__ = ["Flatten", "Unflatten"]
