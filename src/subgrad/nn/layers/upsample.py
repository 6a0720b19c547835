"""Larger images from small ones, without parameters."""

from __future__ import annotations

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import validation
from subgrad.nn.layers.pooling import along_axes
from subgrad.nn.module import Module
from subgrad.ops import broadcast_to
from subgrad.ops.window import Ints, per_axis


class Upsample(Module):
    """Images (N, C, H, W) enlarged by whole factors.

    ``"nearest"`` repeats pixels. ``"bilinear"`` interpolates between their centres, and holds the outermost pixels
    fixed beyond the last centre: PyTorch's ``align_corners=False``.

    Args:
        scale_factor: a positive integer, or one for rows and one for columns.
        mode: ``"nearest"`` or ``"bilinear"``.

    Raises:
        ArgumentError: for a factor that is no positive integer, or another mode.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor([[[[0.0, 4.0]]]])
        >>> sg.nn.Upsample((1, 2))(x).tolist(), sg.nn.Upsample((1, 2), "bilinear")(x).tolist()
        ([[[[0.0, 0.0, 4.0, 4.0]]]], [[[[0.0, 1.0, 3.0, 4.0]]]])
    """

    def __init__(self, scale_factor: Ints, mode: str = "nearest") -> None:
        if mode not in ("nearest", "bilinear"):
            raise ArgumentError(f"Upsample knows the modes 'nearest' and 'bilinear', got {mode!r}")
        self.factors, self.mode = per_axis(scale_factor, 2, "scale_factor"), mode

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images("Upsample", x)
        n, c, h, w = x.shape
        rows, columns = self.factors
        if self.mode == "bilinear":
            return along_axes(x, (h * rows, w * columns), _interpolation)
        repeated = broadcast_to(x.reshape(n, c, h, 1, w, 1), (n, c, h, rows, w, columns))
        return repeated.reshape(n, c, h * rows, w * columns)


def _interpolation(length: int, size: int) -> np.ndarray:
    """(size, length): the weights of the two pixels next to the centre of each new one."""
    place = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    distance = np.abs(place[:, None] - np.arange(length))
    return np.maximum(1 - distance, 0)


__all__ = ["Upsample"]
