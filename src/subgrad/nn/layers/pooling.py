"""Pooling: windows, or whole images, to one number for each channel."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.nn import validation
from subgrad.nn.module import Module
from subgrad.ops import rules
from subgrad.ops.window import Ints, Padding, per_axis


class _MaxPool(Module):
    space: int

    def __init__(
        self, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0, dilation: Ints = 1,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        per_axis(kernel_size, self.space, "kernel_size")
        self.how = kernel_size, stride, padding, dilation, ceil_mode

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images(type(self).__name__, x, space=self.space)
        return ops.max_pool(x, *self.how)


class MaxPool1d(_MaxPool):
    """The largest element of every window of (N, C, L); see `subgrad.max_pool`.

    Args:
        kernel_size: of the window.
        stride: from one window to the next; kernel_size if it is None.
        padding: on both sides, at most half a window; it never wins.
        dilation: from one element of a window to the next.
        ceil_mode: keep a last window that sticks out behind, if it begins inside.

    Raises:
        ArgumentError: for a size below 1, or too much padding (when called).
        ShapeError: when called, if the input is not (N, C, L) with an L that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.MaxPool1d(2)(sg.tensor([[[1.0, 3.0, 2.0, 0.0]]])).tolist()
        [[[3.0, 2.0]]]
    """

    space = 1


class MaxPool2d(_MaxPool):
    """The largest element of every window of images (N, C, H, W); see `subgrad.max_pool`.

    Tied elements share the gradient evenly: the subgradient of least norm.

    Args:
        kernel_size: of the window, a number or one for each axis; so are all that follow.
        stride: from one window to the next; kernel_size if it is None.
        padding: around the image, at most half a window; it never wins.
        dilation: from one element of a window to the next.
        ceil_mode: keep last windows that stick out behind, if they begin inside.

    Raises:
        ArgumentError: for a size below 1, or too much padding (when called).
        ShapeError: when called, if the input is not (N, C, H, W) with an image that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.MaxPool2d(3, stride=2, padding=1)(sg.zeros((2, 8, 28, 28))).shape
        (2, 8, 14, 14)
    """

    space = 2


class MaxPool3d(_MaxPool):
    """The largest element of every window of volumes (N, C, D, H, W): `MaxPool2d` with three axes, and the same
    arguments.

    >>> import subgrad as sg
    >>> sg.nn.MaxPool3d(2)(sg.zeros((1, 2, 4, 4, 4))).shape
    (1, 2, 2, 2, 2)
    """

    space = 3


class _AvgPool(Module):
    space: int

    def __init__(
        self, kernel_size: Ints, stride: Ints | None = None, padding: Padding = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        per_axis(kernel_size, self.space, "kernel_size")
        self.how = kernel_size, stride, padding, ceil_mode, count_include_pad

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images(type(self).__name__, x, space=self.space)
        return ops.avg_pool(x, *self.how)


class AvgPool1d(_AvgPool):
    """The mean of every window of (N, C, L); see `subgrad.avg_pool`.

    Args:
        kernel_size: of the window.
        stride: from one window to the next; kernel_size if it is None.
        padding: zeros on both sides, at most half a window.
        ceil_mode: keep a last window that sticks out behind, if it begins inside.
        count_include_pad: whether the zeros count as elements.

    Raises:
        ArgumentError: for a size below 1, or too much padding (when called).
        ShapeError: when called, if the input is not (N, C, L) with an L that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.AvgPool1d(2)(sg.tensor([[[1.0, 3.0, 2.0, 0.0]]])).tolist()
        [[[2.0, 1.0]]]
    """

    space = 1


class AvgPool2d(_AvgPool):
    """The mean of every window of images (N, C, H, W); see `subgrad.avg_pool`.

    Args:
        kernel_size: of the window, a number or one for each axis; so are stride and padding.
        stride: from one window to the next; kernel_size if it is None.
        padding: zeros around the image, at most half a window.
        ceil_mode: keep last windows that stick out behind, if they begin inside.
        count_include_pad: whether the zeros count as elements.

    Raises:
        ArgumentError: for a size below 1, or too much padding (when called).
        ShapeError: when called, if the input is not (N, C, H, W) with an image that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.AvgPool2d(2)(sg.zeros((2, 8, 28, 28))).shape
        (2, 8, 14, 14)
    """

    space = 2


class AvgPool3d(_AvgPool):
    """The mean of every window of volumes (N, C, D, H, W): `AvgPool2d` with three axes, and the same arguments.

    >>> import subgrad as sg
    >>> sg.nn.AvgPool3d(2)(sg.zeros((1, 2, 4, 4, 4))).shape
    (1, 2, 2, 2, 2)
    """

    space = 3


class GlobalAvgPool(Module):
    """The mean of each channel over all of space: (N, C, ...) to (N, C) (Lin, Chen, Yan 2013, arXiv 1312.4400).

    >>> import subgrad as sg
    >>> sg.nn.GlobalAvgPool()(sg.ones((2, 3, 4, 4))).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images("GlobalAvgPool", x, space=min(max(x.ndim - 2, 1), 3))
        return ops.mean(x, range(2, x.ndim))


class GlobalMaxPool(Module):
    """The largest element of each channel over all of space: (N, C, ...) to (N, C).

    >>> import subgrad as sg
    >>> sg.nn.GlobalMaxPool()(sg.tensor([[[1.0, 5.0, 2.0]]])).tolist()
    [[5.0]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images("GlobalMaxPool", x, space=min(max(x.ndim - 2, 1), 3))
        return ops.max(x, range(2, x.ndim))


class _Adaptive(Module):
    """Windows that divide an input of any size: window i reaches from floor(i n / out) to ceil((i + 1) n / out)."""

    space: int

    def __init__(self, output_size: Ints) -> None:
        self.output_size = per_axis(output_size, self.space, "output_size")

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        validation.images(type(self).__name__, x, space=self.space)
        sizes = x.shape[2:]
        even = all(n % out == 0 for n, out in zip(sizes, self.output_size, strict=True))
        if even:
            return self._pooled(x, tuple(n // out for n, out in zip(sizes, self.output_size, strict=True)))
        return self._uneven(x)

    def _pooled(self, x: Tensor, window: tuple[int, ...]) -> Tensor:
        raise NotImplementedError

    def _uneven(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class _AdaptiveAvg(_Adaptive):
    def _pooled(self, x: Tensor, window: tuple[int, ...]) -> Tensor:
        return ops.avg_pool(x, window)

    def _uneven(self, x: Tensor) -> Tensor:
        if self.space == 2:
            return along_axes(x, self.output_size, _window_means)
        x = rules.as_float(x)
        means = constant(_window_means(x.shape[2], self.output_size[0]).astype(x.dtype))
        return ops.einsum("ncw,jw->ncj", x, means)


class _AdaptiveMax(_Adaptive):
    def _pooled(self, x: Tensor, window: tuple[int, ...]) -> Tensor:
        return ops.max_pool(x, window)

    def _uneven(self, x: Tensor) -> Tensor:
        for axis, out in enumerate(self.output_size, 2):
            n, before = x.shape[axis], (slice(None),) * axis
            parts = [x[(*before, slice(i * n // out, -(-(i + 1) * n // out)))] for i in range(out)]
            x = ops.stack([p.max(axis) for p in parts], axis)
        return x


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """Means over windows that divide a sequence (N, C, L) of any length into ``output_size`` parts; see
    `AdaptiveAvgPool2d`.

    >>> import subgrad as sg
    >>> sg.nn.AdaptiveAvgPool1d(2)(sg.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]])).tolist()
    [[[2.0, 4.0]]]
    """

    space = 1


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """Means over windows that divide an image of any size into ``output_size``: window i reaches from
    floor(i H / out) to ceil((i + 1) H / out), as in PyTorch.

    Args:
        output_size: a number, or (rows, columns).

    Raises:
        ArgumentError: for sizes below 1.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor([[[[1.0, 2.0, 3.0, 4.0, 5.0]]]])
        >>> sg.nn.AdaptiveAvgPool2d((1, 2))(x).tolist()
        [[[[2.0, 4.0]]]]
    """

    space = 2


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest elements of windows that divide a sequence (N, C, L) of any length; see `AdaptiveAvgPool2d`.

    >>> import subgrad as sg
    >>> sg.nn.AdaptiveMaxPool1d(2)(sg.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]])).tolist()
    [[[3.0, 5.0]]]
    """

    space = 1


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest elements of windows that divide an image (N, C, H, W) of any size; see `AdaptiveAvgPool2d`.

    >>> import subgrad as sg
    >>> sg.nn.AdaptiveMaxPool2d(1)(sg.tensor([[[[1.0, 4.0], [2.0, 3.0]]]])).tolist()
    [[[[4.0]]]]
    """

    space = 2


class _LPPool(Module):
    space: int

    def __init__(
        self, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
    ) -> None:
        if not norm_type >= 1:
            raise ArgumentError(f"{type(self).__name__} needs a norm_type of 1 or more, got {norm_type}")
        self.norm_type, self.sizes = norm_type, per_axis(kernel_size, self.space, "kernel_size")
        self.how = stride, 0, ceil_mode

    def forward(self, x: TensorLike) -> Tensor:
        x = rules.as_float(as_tensor(x))
        validation.images(type(self).__name__, x, space=self.space)
        means = ops.avg_pool(ops.pow(ops.abs(x), self.norm_type), self.sizes, *self.how)
        return ops.pow(means * math.prod(self.sizes), 1 / self.norm_type)


class LPPool1d(_LPPool):
    """(Σ \\|x\\|^p)^(1/p) over every window of (N, C, L), with p = ``norm_type``: between the mean and the maximum.

    Where a window holds zeros alone the gradient is 0. PyTorch's takes no absolute values: they agree for even p.

    >>> import subgrad as sg
    >>> sg.nn.LPPool1d(2, 2)(sg.tensor([[[3.0, 4.0, 0.0, 0.0]]])).tolist()
    [[[5.0, 0.0]]]
    """

    space = 1


class LPPool2d(_LPPool):
    """(Σ \\|x\\|^p)^(1/p) over every window of images (N, C, H, W); see `LPPool1d`.

    >>> import subgrad as sg
    >>> sg.nn.LPPool2d(2, 2)(sg.ones((1, 1, 4, 4))).tolist()
    [[[[2.0, 2.0], [2.0, 2.0]]]]
    """

    space = 2


def along_axes(x: TensorLike, sizes: tuple[int, ...], matrix: Callable[[int, int], np.ndarray]) -> Tensor:
    """Images (N, C, H, W) with ``matrix(length, size)`` applied to each axis of space, as a product of matrices."""
    x = rules.as_float(as_tensor(x))
    rows, columns = (constant(matrix(n, m).astype(x.dtype)) for n, m in zip(x.shape[2:], sizes, strict=True))
    return ops.einsum("ncvj,uv->ncuj", ops.einsum("ncvw,jw->ncvj", x, columns), rows)


def _window_means(length: int, out: int) -> np.ndarray:
    """(out, length): the weights of the means."""
    i, place = np.arange(out)[:, None], np.arange(length)
    inside = (place >= i * length // out) & (place < -(-(i + 1) * length // out))
    return inside / inside.sum(1, keepdims=True)


__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d",
    "AvgPool3d", "GlobalAvgPool", "GlobalMaxPool", "LPPool1d", "LPPool2d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
]  # fmt: skip
