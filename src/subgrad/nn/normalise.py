"""Layers that bring their input to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.graph.tensor import Parameter, Tensor, TensorLike, as_tensor
from subgrad.nn import check
from subgrad.nn.module import Module
from subgrad.ops import standardize


class LayerNorm(Module):
    """(x - mean) / sqrt(variance + eps) · weight + bias, mean and variance over the last axes of each example (Ba,
    Kiros, Hinton 2016, arXiv 1607.06450).

    Args:
        shape: the length of the last axis, or those of several last axes.
        eps: keeps the division finite for an example without variance.

    Attributes:
        weight: ones of ``shape`` to start with.
        bias: zeros of ``shape`` to start with.

    Raises:
        ArgumentError: for lengths below 1.
        ShapeError: when called, if the last axes do not have these lengths.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.LayerNorm(2)(sg.tensor([[1.0, 3.0], [10.0, -10.0]])).numpy().round(3).tolist()
        [[-1.0, 1.0], [1.0, -1.0]]
    """

    def __init__(self, shape: int | Sequence[int], eps: float = 1e-5) -> None:
        lengths = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        check.sizes("LayerNorm", **{f"length {i}": n for i, n in enumerate(lengths)})
        self.eps = eps
        self.weight = Parameter(np.ones(lengths))
        self.bias = Parameter(np.zeros(lengths))

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        check.last_axes("LayerNorm", x, self.weight.shape)
        return standardize(x, range(-self.weight.ndim, 0), self.eps) * self.weight + self.bias


__all__ = ["LayerNorm"]
