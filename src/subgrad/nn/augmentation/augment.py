"""What images go through on their way in: normalisation, and random changes in training mode.

They are layers: put them in front of a network. A training run draws anew for each example and each step, inside of
the compiled step, right where the batch is gathered; in evaluation mode images pass unchanged (or are cropped around
their centre). They are saved with the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.dtype import int64
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.nn import validation
from subgrad.nn.module import Module
from subgrad.ops import arange, expand_dims, flip, pad, rules, where
from subgrad.ops.random import bernoulli, draw
from subgrad.ops.window import Ints, per_axis


class Normalize(Module):
    """(x - mean) / std, for all or for each channel of images (N, C, H, W). Bytes become floats.

    Args:
        mean: a number, or one for each channel, in the unit of the data.
        std: a number above 0, or one for each channel.

    Raises:
        ArgumentError: for a deviation that is not above 0.
        ShapeError: when called, if there are not as many channels.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> sg.nn.Normalize(127.5, 127.5)(np.array([0, 255], np.uint8)).tolist()
        [-1.0, 1.0]
    """

    def __init__(self, mean: float | Sequence[float] = 0.0, std: float | Sequence[float] = 1.0) -> None:
        self.mean, self.std = np.asarray(mean, float), np.asarray(std, float)
        if not (self.std > 0).all():
            raise ArgumentError(f"Normalize needs deviations above 0, got {std}")

    def forward(self, x: TensorLike) -> Tensor:
        x = rules.as_float(as_tensor(x))
        return (x - self._wide(self.mean, x)) * self._wide(1 / self.std, x)

    def _wide(self, values: np.ndarray, x: Tensor) -> Tensor | float:
        if values.ndim == 0:
            return float(values)
        if x.ndim < 2 or values.shape != x.shape[1:2]:
            raise ShapeError(f"Normalize takes images of {values.size} channels, got {x.shape}")
        return constant(values.astype(x.dtype).reshape(-1, *[1] * (x.ndim - 2)))


class RandomHorizontalFlip(Module):
    """Each image is mirrored, left to right, with probability ``p``; in evaluation mode none is.

    Args:
        p: in [0, 1].

    Raises:
        ArgumentError: for another p.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> sg.nn.RandomHorizontalFlip(1.0)(sg.tensor([[[[1.0, 2.0, 3.0]]]])).tolist()
        [[[[3.0, 2.0, 1.0]]]]
    """

    def __init__(self, p: float = 0.5) -> None:
        validation.probability("RandomHorizontalFlip", p)
        self.p = p

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images("RandomHorizontalFlip", x)
        return where(bernoulli(self.p, (len(x), 1, 1, 1)), flip(x, -1), x) if self.training else x


class RandomCrop(Module):
    """A part of each image, of ``size`` and from a random place, after zeros were put around it; in evaluation mode
    the part in the middle. With ``size`` that of the images, this shifts them by up to ``padding`` pixels.

    Args:
        size: a number, or (rows, columns).
        padding: zeros on each side.

    Raises:
        ArgumentError: for a size below 1 or a negative padding.
        ShapeError: when called, if the input is not (N, C, H, W) with images that large.

    Example:
        >>> import subgrad as sg
        >>> shift = sg.nn.RandomCrop(28, padding=2)
        >>> shift(sg.zeros((4, 1, 28, 28))).shape
        (4, 1, 28, 28)
    """

    def __init__(self, size: Ints, padding: int = 0) -> None:
        self.size = per_axis(size, 2, "size")
        (self.padding,) = per_axis(padding, 1, "padding", 0)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images("RandomCrop", x)
        (rows, columns), p = self.size, self.padding
        around = pad(x, ((0, 0), (0, 0), (p, p), (p, p))) if p else x
        spare = around.shape[2] - rows, around.shape[3] - columns
        if min(spare) < 0:
            raise ShapeError(f"RandomCrop cannot cut {self.size} out of images of {around.shape[2:]}, padding included")
        if not self.training:
            top, left = spare[0] // 2, spare[1] // 2
            return around[:, :, top : top + rows, left : left + columns]
        top, left = (self._places(len(x), many) for many in spare)
        down, across = (expand_dims(start, 1) + arange(n) for start, n in ((top, rows), (left, columns)))
        image = arange(len(x)).reshape(-1, 1, 1)
        return _cut(around, image, expand_dims(down, 2), expand_dims(across, 1))

    def _places(self, n: int, spare: int) -> Tensor:
        """A random number from 0 to ``spare`` for each of n images."""
        return (draw((n,)) * (spare + 1)).astype(int64)


def _cut(x: Tensor, image: Tensor, down: Tensor, across: Tensor) -> Tensor:
    return x.transpose(0, 2, 3, 1)[image, down, across].transpose(0, 3, 1, 2)


__all__ = ["Normalize", "RandomCrop", "RandomHorizontalFlip"]
