"""Layers that move elements and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import validation
from subgrad.nn.module import Module
from subgrad.ops import rules
from subgrad.ops.window import Ints


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


class Identity(Module):
    """x as it is.

    >>> import subgrad as sg
    >>> sg.nn.Identity()(sg.tensor([1.0])).tolist()
    [1.0]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return as_tensor(x)


class Lambda(Module):
    """A function as a layer, for a `Sequential`. It cannot be saved: a file names no code. Write a class for that.

    Args:
        function: from a tensor to a tensor, of ops.

    Raises:
        ArgumentError: if it cannot be called.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Lambda(lambda x: x[:, 0])(sg.tensor([[1.0, 2.0]])).tolist()
        [1.0]
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise ArgumentError(f"Lambda takes a function, got {function!r}")
        self.function = function

    def forward(self, *xs: Any) -> Any:
        return self.function(*xs)


class Reshape(Module):
    """Each example in another shape: (N, ...) to (N, *shape); one length may be -1.

    Args:
        shape: of an example.

    Raises:
        ShapeError: when called, if an example does not have so many elements.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Reshape(2, -1)(sg.zeros((5, 6))).shape
        (5, 2, 3)
    """

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        if not x.ndim:
            raise ShapeError("Reshape takes a batch of examples, shape (N, ...), got a number")
        return x.reshape(x.shape[0], *self.shape)


class Permute(Module):
    """The axes of each example in another order. They count from 1, as axis 0 has the examples: ``Permute(2, 1)``
    makes (N, L, C) of (N, C, L). As in Keras.

    Args:
        axes: each axis from 1 on once.

    Raises:
        ArgumentError: if they are not.
        ShapeError: when called, for an input with another number of axes.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Permute(2, 1)(sg.zeros((5, 2, 3))).shape
        (5, 3, 2)
    """

    def __init__(self, *axes: int) -> None:
        if sorted(axes) != list(range(1, len(axes) + 1)):
            raise ArgumentError(f"Permute takes the axes 1 to {len(axes)}, each once, got {axes}")
        self.axes = axes

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        if x.ndim != len(self.axes) + 1:
            raise ShapeError(f"Permute{self.axes} takes {len(self.axes) + 1} axes, got shape {x.shape}")
        return x.transpose(0, *self.axes)


class PixelShuffle(Module):
    """Channels become pixels: (N, C r², H, W) to (N, C, H r, W r) (Shi et al. 2016, arXiv 1609.05158).

    Args:
        factor: r.

    Raises:
        ArgumentError: for a factor below 1.
        ShapeError: when called, if r² does not divide the channels.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.PixelShuffle(2)(sg.tensor([[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]])).tolist()
        [[[[1.0, 2.0], [3.0, 4.0]]]]
    """

    def __init__(self, factor: int) -> None:
        validation.sizes("PixelShuffle", factor=factor)
        self.factor = factor

    def forward(self, x: TensorLike) -> Tensor:
        x, r = as_tensor(x), self.factor
        validation.images("PixelShuffle", x)
        n, c, h, w = x.shape
        if c % r**2:
            raise ShapeError(f"PixelShuffle({r}) needs channels that {r**2} divides, got {x.shape}")
        apart = x.reshape(n, c // r**2, r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
        return apart.reshape(n, c // r**2, h * r, w * r)


class _Pad(Module):
    """What stands around images and sequences."""

    def __init__(self, padding: Ints) -> None:
        one = isinstance(padding, (int, np.integer))
        widths = (padding,) if one else tuple(padding)
        if not widths or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0 for n in widths):
            raise ArgumentError(f"{type(self).__name__} takes integers of 0 or more, got {padding!r}")
        self.padding = int(padding) if one else tuple(map(int, widths))

    def _pairs(self, x: Tensor) -> list[tuple[int, int]]:
        """How much before and behind each axis of space."""
        if x.ndim < 3:
            raise ShapeError(f"{type(self).__name__} takes a shape (N, C, ...) with space, got {x.shape}")
        if isinstance(self.padding, int):
            return [(self.padding, self.padding)] * (x.ndim - 2)
        if len(self.padding) != x.ndim - 2:
            owner = f"{type(self).__name__}({tuple(self.padding)})"
            raise ShapeError(f"{owner} takes {len(self.padding) + 2} axes, got {x.shape}")
        return [(n, n) for n in self.padding]


class ZeroPad(_Pad):
    """Zeros around sequences (N, C, L), images (N, C, H, W) or volumes.

    Args:
        padding: how many on each side, a number or one for each axis of space.

    Raises:
        ArgumentError: for another padding.
        ShapeError: when called, for an input without such axes.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.ZeroPad(1)(sg.tensor([[[1.0, 2.0]]])).tolist()
        [[[0.0, 1.0, 2.0, 0.0]]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        return ops.pad(x, [(0, 0), (0, 0), *self._pairs(x)])


class ReplicatePad(_Pad):
    """The outermost elements repeated around sequences, images or volumes. Arguments and errors as for `ZeroPad`.

    >>> import subgrad as sg
    >>> sg.nn.ReplicatePad(1)(sg.tensor([[[1.0, 2.0]]])).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        for axis, (low, high) in enumerate(self._pairs(x), 2):
            x = x[(slice(None),) * axis + (np.clip(np.arange(-low, x.shape[axis] + high), 0, x.shape[axis] - 1),)]
        return x


class ReflectPad(_Pad):
    """What lies inside mirrored at the outermost elements. Arguments and errors as for `ZeroPad`; the padding is
    smaller than the input.

    >>> import subgrad as sg
    >>> sg.nn.ReflectPad(2)(sg.tensor([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        for axis, (low, high) in enumerate(self._pairs(x), 2):
            n = x.shape[axis]
            if max(low, high) >= n:
                raise ShapeError(f"ReflectPad puts less than {n} on a side of an axis of that length, got {low}")
            place = np.abs(np.arange(-low, n + high))
            x = x[(slice(None),) * axis + (np.where(place < n, place, 2 * (n - 1) - place),)]
        return x


__all__ = [
    "Flatten", "Identity", "Lambda", "Permute", "PixelShuffle", "ReflectPad", "ReplicatePad", "Reshape", "Unflatten",
    "ZeroPad",
]  # fmt: skip
