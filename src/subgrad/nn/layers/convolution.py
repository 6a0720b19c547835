"""Convolutions of sequences (N, C, L) and images (N, C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import init, validation
from subgrad.nn.layers.linear import weight_and_bias
from subgrad.nn.module import Module
from subgrad.ops.window import Counts, Ints, Padding, as_pairs, per_axis, span


class _Convolution(Module):
    """What the convolutions share: their arguments, weight and bias."""

    space: int

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Padding = 0,
        dilation: Ints = 1, groups: int = 1, bias: bool = True, *, init: str | init.Initialiser = "uniform",
        seed: int | None = None,
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        validation.sizes(owner, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{owner} needs channels that groups={groups} divides, got {in_channels} in and {out_channels} out"
            )
        self.in_channels, self.groups = in_channels, groups
        self.kernel_size = per_axis(kernel_size, self.space, "kernel_size")
        self.stride = per_axis(stride, self.space, "stride")
        self.dilation = per_axis(dilation, self.space, "dilation")
        self.padding = as_pairs(padding, self.kernel_size, self.stride, self.dilation)
        shape = (*self._channels(in_channels, out_channels), *self.kernel_size)
        self.weight, self.bias = weight_and_bias(shape, bias, init, seed, out_channels)

    def _channels(self, in_channels: int, out_channels: int) -> tuple[int, int]:
        return out_channels, in_channels // self.groups

    def _input(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        validation.images(type(self).__name__, x, self.in_channels, self.space)
        return x

    def _biased(self, y: Tensor) -> Tensor:
        return y if self.bias is None else y + self.bias.reshape(-1, *[1] * self.space)

    def forward(self, x: TensorLike) -> Tensor:
        x = self._input(x)
        return self._biased(ops.convolve(x, self.weight, self.stride, self.padding, self.dilation, self.groups))


class Conv1d(_Convolution):
    """y[n, o, p] = Σ_ck x[n, c, p stride + k dilation - padding] W[o, c, k] + b[o]; see `subgrad.convolve`.

    Weight and bias start as those of `Linear`: the default is PyTorch's, ``"he_uniform"`` is for deep relu networks.

    Args:
        in_channels: C.
        out_channels: of the result.
        kernel_size: of the window that slides.
        stride: from one place of the window to the next.
        padding: zeros on both sides: a number, a pair ((before, behind),), "valid" (none) or "same" (the result is as
            long as the input; needs a stride of 1).
        dilation: from one element of the window to the next.
        groups: each group of output channels sees its own group of input channels; as many as in_channels make the
            convolution depthwise.
        bias: whether there is a b.
        init: an initialiser of `subgrad.nn.init` by name, or a function of a shape and a seed.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (out_channels, in_channels / groups, kernel_size).
        bias: shape (out_channels,), or None.

    Raises:
        ArgumentError: for sizes below 1, or channels that groups do not divide.
        ShapeError: when called, if the input is not (N, in_channels, L) with an L that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Conv1d(3, 8, 5, padding="same")(sg.zeros((2, 3, 20))).shape
        (2, 8, 20)
    """

    space = 1


class Conv2d(_Convolution):
    """The convolution of images (N, C, H, W): `Conv1d` with two axes of space, see `subgrad.convolve`.

    ``kernel_size``, ``stride``, ``padding`` and ``dilation`` are a number for both axes, or one for each; padding can
    also be a pair (before, behind) for each, "valid" or "same".

    Args:
        in_channels: C.
        out_channels: of the result.
        kernel_size: of the window that slides.
        stride: from one place of the window to the next.
        padding: zeros around the image.
        dilation: from one element of the window to the next.
        groups: each group of output channels sees its own group of input channels; as many as in_channels make the
            convolution depthwise.
        bias: whether there is a b.
        init: an initialiser of `subgrad.nn.init` by name, or a function of a shape and a seed.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (out_channels, in_channels / groups, *kernel_size).
        bias: shape (out_channels,), or None.

    Raises:
        ArgumentError: for sizes below 1, or channels that groups do not divide.
        ShapeError: when called, if the input is not (N, in_channels, H, W) with an image that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Conv2d(3, 16, 3, stride=2, padding=1)(sg.zeros((2, 3, 32, 32))).shape
        (2, 16, 16, 16)
        >>> sg.nn.Conv2d(8, 8, 3, groups=8).weight.shape
        (8, 1, 3, 3)
    """

    space = 2


class Conv3d(_Convolution):
    """The convolution of volumes (N, C, D, H, W): `Conv2d` with three axes of space, and the same arguments.

    Attributes:
        weight: shape (out_channels, in_channels / groups, *kernel_size).
        bias: shape (out_channels,), or None.

    Raises:
        ArgumentError: for sizes below 1, or channels that groups do not divide.
        ShapeError: when called, if the input is not (N, in_channels, D, H, W) with a volume that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Conv3d(1, 2, 3, padding=1)(sg.zeros((1, 1, 4, 5, 6))).shape
        (1, 2, 4, 5, 6)
    """

    space = 3


class _ConvTranspose(_Convolution):
    """What the transposes share."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Padding = 0,
        output_padding: Ints = 0, groups: int = 1, bias: bool = True, dilation: Ints = 1, *,
        init: str | init.Initialiser = "uniform", seed: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, init=init, seed=seed
        )
        self.output_padding = per_axis(output_padding, self.space, "output_padding", 0)
        if any(e >= max(s, d) for e, s, d in zip(self.output_padding, self.stride, self.dilation, strict=True)):
            raise ArgumentError(
                f"output_padding is less than the stride {self.stride} or the dilation {self.dilation}, "
                f"got {self.output_padding}"
            )

    def _channels(self, in_channels: int, out_channels: int) -> tuple[int, int]:
        return in_channels, out_channels // self.groups

    def forward(self, x: TensorLike) -> Tensor:
        x = self._input(x)
        kept = [min(extra, high) for extra, (_, high) in zip(self.output_padding, self.padding, strict=True)]
        padding = [(low, high - k) for k, (low, high) in zip(kept, self.padding, strict=True)]
        sizes = self._sizes(x.shape[2:], padding)
        y = ops.convolve_input(x, self.weight, sizes, self.stride, padding, self.dilation, self.groups)
        beyond = [(0, extra - k) for extra, k in zip(self.output_padding, kept, strict=True)]
        return self._biased(ops.pad(y, [(0, 0), (0, 0), *beyond]) if any(n for _, n in beyond) else y)

    def _sizes(self, lengths: Sequence[int], padding: Sequence[tuple[int, int]]) -> Counts:
        """How large the images are that convolve to such lengths, and no larger."""
        wide = [span(k, d) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        steps = np.multiply(np.subtract(lengths, 1), self.stride)
        return tuple(map(int, steps + wide - np.sum(padding, axis=1)))



class ConvTranspose2d(_ConvTranspose):
    """The transpose of `Conv2d`: from (N, C, H, W) to a larger image (Dumoulin, Visin 2016, arXiv 1603.07285).

    Each side of the result is (H - 1) stride - padding + (kernel_size - 1) dilation + 1 + output_padding long, padding
    being that of both ends.

    Args:
        in_channels: C.
        out_channels: of the result.
        kernel_size: of the window, a number or one for each axis; so are all that follow.
        stride: from one place of the window to the next, in the result.
        padding: how much is cut off around the result.
        output_padding: rows and columns more behind; less than the stride or the dilation. Convolutions of several
            sizes lead to one H, and this chooses between them.
        groups: as in `Conv2d`.
        bias: whether there is a bias.
        dilation: from one element of the window to the next.
        init: an initialiser of `subgrad.nn.init` by name, or a function of a shape and a seed.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (in_channels, out_channels / groups, *kernel_size).
        bias: shape (out_channels,), or None.

    Raises:
        ArgumentError: for sizes below 1, channels that groups do not divide, or too much output_padding.
        ShapeError: when called, if the input is not (N, in_channels, H, W).

    Example:
        >>> import subgrad as sg
        >>> sg.nn.ConvTranspose2d(16, 3, 2, stride=2)(sg.zeros((2, 16, 8, 8))).shape
        (2, 3, 16, 16)
    """

    space = 2


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d`, from (N, C, L) to a longer sequence: `ConvTranspose2d` with one axis of space, and
    the same arguments.

    >>> import subgrad as sg
    >>> sg.nn.ConvTranspose1d(2, 3, 2, stride=2)(sg.zeros((1, 2, 5))).shape
    (1, 3, 10)
    """

    space = 1


class ConvTranspose3d(_ConvTranspose):
    """The transpose of `Conv3d`, from (N, C, D, H, W) to a larger volume: `ConvTranspose2d` with three axes of space,
    and the same arguments.

    >>> import subgrad as sg
    >>> sg.nn.ConvTranspose3d(2, 3, 2, stride=2)(sg.zeros((1, 2, 2, 2, 2))).shape
    (1, 3, 4, 4, 4)
    """

    space = 3


class SeparableConv2d(Module):
    """A depthwise convolution of each channel by itself, and a pointwise one of size 1 that mixes them (Chollet 2016,
    arXiv 1610.02357): fewer products than one `Conv2d`.

    Args:
        in_channels: C.
        out_channels: of the result.
        kernel_size, stride, padding, dilation: of the depthwise convolution, as in `Conv2d`.
        depth_multiplier: how many channels the depthwise convolution makes of each.
        bias: whether the result has a bias.
        init: an initialiser of `subgrad.nn.init` by name, or a function of a shape and a seed.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        depthwise: `Conv2d` with as many groups as channels, without bias.
        pointwise: `Conv2d` with windows of size 1.

    Raises:
        ArgumentError: for sizes below 1.
        ShapeError: when called, if the input is not (N, in_channels, H, W) with an image that the window fits.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.SeparableConv2d(3, 8, 3, padding="same")(sg.zeros((2, 3, 6, 6))).shape
        (2, 8, 6, 6)
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Padding = 0,
        dilation: Ints = 1, depth_multiplier: int = 1, bias: bool = True, *, init: str | init.Initialiser = "uniform",
        seed: int | None = None,
    ) -> None:  # fmt: skip
        validation.sizes("SeparableConv2d", in_channels=in_channels, depth_multiplier=depth_multiplier)
        own = (seed, None if seed is None else seed + 1)
        between = in_channels * depth_multiplier
        self.depthwise = Conv2d(
            in_channels, between, kernel_size, stride, padding, dilation, in_channels, False, init=init, seed=own[0]
        )
        self.pointwise = Conv2d(between, out_channels, 1, bias=bias, init=init, seed=own[1])

    def forward(self, x: TensorLike) -> Tensor:
        return self.pointwise(self.depthwise(x))


__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "SeparableConv2d",
]  # fmt: skip
