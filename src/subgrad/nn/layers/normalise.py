"""Layers that bring their input to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import init, validation
from subgrad.nn.module import Module
from subgrad.ops import sqrt, standardize


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
        lengths = _lengths("LayerNorm", shape)
        self.eps = eps
        self.weight, self.bias = init.parameter(lengths, init.ones), init.parameter(lengths, init.zeros)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        validation.last_axes("LayerNorm", x, self.weight.shape)
        return standardize(x, range(-self.weight.ndim, 0), self.eps) * self.weight + self.bias


class GroupNorm(Module):
    """(x - mean) / sqrt(variance + eps) · weight + bias, mean and variance over a group of channels of each example
    and all of space (Wu, He 2018, arXiv 1803.08494).

    Args:
        num_groups: into how many groups neighbouring channels are put.
        num_channels: C of the input (N, C, ...).
        eps: keeps the division finite for a group without variance.

    Attributes:
        weight: shape (C,), ones to start with.
        bias: shape (C,), zeros to start with.

    Raises:
        ArgumentError: for sizes below 1, or channels that the groups do not divide.
        ShapeError: when called, if the input is not (N, C, ...).

    Example:
        >>> import subgrad as sg
        >>> sg.nn.GroupNorm(2, 4)(sg.tensor([[1.0, 3.0, 10.0, -10.0]])).numpy().round(3).tolist()
        [[-1.0, 1.0, 1.0, -1.0]]
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5) -> None:
        validation.sizes("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ArgumentError(f"GroupNorm needs groups of one size, got {num_channels} channels in {num_groups}")
        self.groups, self.eps = num_groups, eps
        self.weight, self.bias = (init.parameter((num_channels,), start) for start in (init.ones, init.zeros))

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        channels = self.weight.shape[0]
        if x.ndim < 2 or x.shape[1] != channels:
            raise ShapeError(f"GroupNorm takes a shape (N, {channels}, ...), got {x.shape}")
        grouped = x.reshape(x.shape[0], self.groups, channels // self.groups, *x.shape[2:])
        y = standardize(grouped, range(2, grouped.ndim), self.eps).reshape(x.shape)
        wide = (channels, *[1] * (x.ndim - 2))
        return y * self.weight.reshape(wide) + self.bias.reshape(wide)


class InstanceNorm(Module):
    """(x - mean) / sqrt(variance + eps) for each channel of each example, over all of space (Ulyanov, Vedaldi,
    Lempitsky 2016, arXiv 1607.08022): a `GroupNorm` with one channel a group.

    Args:
        num_features: C of the input (N, C, ...).
        eps: keeps the division finite for a channel without variance.
        affine: whether there are a weight and a bias.

    Attributes:
        weight: shape (C,), ones to start with, or None.
        bias: shape (C,), zeros to start with, or None.

    Raises:
        ArgumentError: for a size below 1.
        ShapeError: when called, if the input is not (N, C, ...) with an axis of space.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.InstanceNorm(1)(sg.tensor([[[1.0, 3.0]]])).numpy().round(3).tolist()
        [[[-1.0, 1.0]]]
    """

    def __init__(self, num_features: int, eps: float = 1e-5, affine: bool = False) -> None:
        validation.sizes("InstanceNorm", num_features=num_features)
        self.features, self.eps = num_features, eps
        self.weight = init.parameter((num_features,), init.ones) if affine else None
        self.bias = init.parameter((num_features,), init.zeros) if affine else None

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, None if self.weight is None else self.weight.dtype)
        if x.ndim < 3 or x.shape[1] != self.features:
            raise ShapeError(f"InstanceNorm takes a shape (N, {self.features}, ...), got {x.shape}")
        y, wide = standardize(x, range(2, x.ndim), self.eps), (self.features, *[1] * (x.ndim - 2))
        if self.weight is None or self.bias is None:
            return y
        return y * self.weight.reshape(wide) + self.bias.reshape(wide)


class RMSNorm(Module):
    """x / sqrt(mean of squares + eps) · weight over the last axes: `LayerNorm` without the mean (Zhang, Sennrich 2019,
    arXiv 1910.07467).

    Args:
        shape: the length of the last axis, or those of several last axes.
        eps: keeps the division finite at 0.

    Attributes:
        weight: ones of ``shape`` to start with.

    Raises:
        ArgumentError: for lengths below 1.
        ShapeError: when called, if the last axes do not have these lengths.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.RMSNorm(2)(sg.tensor([[3.0, 3.0], [0.0, 0.0]])).numpy().round(3).tolist()
        [[1.0, 1.0], [0.0, 0.0]]
    """

    def __init__(self, shape: int | Sequence[int], eps: float = 1e-6) -> None:
        self.eps, self.weight = eps, init.parameter(_lengths("RMSNorm", shape), init.ones)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        validation.last_axes("RMSNorm", x, self.weight.shape)
        squares = (x * x).mean(range(-self.weight.ndim, 0), keepdims=True)
        return x * (1 / sqrt(squares + self.eps)) * self.weight


def _lengths(owner: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    lengths = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    validation.sizes(owner, **{f"length {i}": n for i, n in enumerate(lengths)})
    return lengths


__all__ = ["GroupNorm", "InstanceNorm", "LayerNorm", "RMSNorm"]
