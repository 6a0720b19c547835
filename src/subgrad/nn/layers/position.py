"""Where in a sequence something stands, as vectors that are added to it."""

from __future__ import annotations

from functools import partial

import numpy as np

from subgrad.errors import ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.nn import init, validation
from subgrad.nn.module import Module
from subgrad.ops import rules


class PositionalEncoding(Module):
    """x + P, where P holds sines and cosines of the place: P[t, 2i] = sin(t / 10000^(2i / E)) and P[t, 2i + 1] =
    cos(t / 10000^(2i / E)) (Vaswani et al. 2017, arXiv 1706.03762).

    It has no parameters, and sequences may be of any length.

    >>> import subgrad as sg
    >>> sg.nn.PositionalEncoding()(sg.zeros((1, 2, 4))).numpy().round(3).tolist()
    [[[0.0, 1.0, 0.0, 1.0], [0.8410000205039978, 0.5400000214576721, 0.009999999776482582, 1.0]]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = rules.as_float(as_tensor(x))
        _check_sequence("PositionalEncoding", x)
        return x + constant(_waves(*x.shape[-2:]).astype(x.dtype))


class PositionalEmbedding(Module):
    """x + W, where W holds a trained vector for each place; sequences may be shorter than it.

    The vectors start normal with a standard deviation of 0.02, as in GPT-2 and BERT.

    Args:
        length: of the longest sequence.
        features: E, the length of the last axis.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (length, features).

    Raises:
        ArgumentError: for sizes below 1.
        ShapeError: when called, if the input is not (..., T, E) with a T of at most ``length``.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.PositionalEmbedding(100, 16)(sg.zeros((2, 7, 16))).shape
        (2, 7, 16)
    """

    def __init__(self, length: int, features: int, *, seed: int | None = None) -> None:
        validation.sizes("PositionalEmbedding", length=length, features=features)
        self.weight = init.parameter((length, features), partial(init.normal, std=0.02), seed)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        _check_sequence("PositionalEmbedding", x)
        length, features = self.weight.shape
        if x.shape[-2] > length or x.shape[-1] != features:
            raise ShapeError(f"PositionalEmbedding takes a shape (..., up to {length}, {features}), got {x.shape}")
        return x + self.weight[: x.shape[-2]]


def _check_sequence(owner: str, x: Tensor) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{owner} takes a shape (..., T, E), got {x.shape}")


def _waves(length: int, features: int) -> np.ndarray:
    i = np.arange(features)
    angle = np.arange(length)[:, None] / 10000.0 ** ((i - i % 2) / features)
    return np.where(i % 2 == 0, np.sin(angle), np.cos(angle))


__all__ = ["PositionalEmbedding", "PositionalEncoding"]
